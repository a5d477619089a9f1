//! The JSON inside a token: its header and its payload.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{Claims, ParticipantKind, RoomConfig, VideoGrant};

/// The header parameters that decide anything; others, such as `kid`, are never looked at.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    crit: Option<de::IgnoredAny>,
    jku: Option<de::IgnoredAny>,
    jwk: Option<de::IgnoredAny>,
    x5u: Option<de::IgnoredAny>,
    x5c: Option<de::IgnoredAny>,
    zip: Option<de::IgnoredAny>,
    enc: Option<de::IgnoredAny>,
}

impl Header {
    /// The first parameter that would bring another key, or another way of checking.
    pub(super) fn forbidden_parameter(&self) -> Option<&'static str> {
        let parameters = [
            ("crit", &self.crit),
            ("jku", &self.jku),
            ("jwk", &self.jwk),
            ("x5u", &self.x5u),
            ("x5c", &self.x5c),
            ("zip", &self.zip),
            ("enc", &self.enc),
        ];
        parameters
            .into_iter()
            .find(|(_, value)| value.is_some())
            .map(|(name, _)| name)
    }
}

/// The claims as they stand in the token. A claim that stands twice is an error of serde's.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Payload {
    pub(super) iss: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sub: String,
    // Old LiveKit libraries put the identity here.
    #[serde(skip_serializing_if = "String::is_empty")]
    jti: String,
    #[serde(
        deserialize_with = "numeric_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) exp: Option<i64>,
    #[serde(
        deserialize_with = "numeric_date",
        skip_serializing_if = "Option::is_none"
    )]
    pub(super) nbf: Option<i64>,
    #[serde(
        deserialize_with = "numeric_date",
        skip_serializing_if = "Option::is_none"
    )]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "is_standard")]
    kind: ParticipantKind,
    #[serde(skip_serializing_if = "String::is_empty")]
    metadata: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: BTreeMap<String, String>,
    video: VideoGrant,
    #[serde(skip_serializing_if = "Option::is_none")]
    room_config: Option<RoomConfig>,
    #[serde(skip_serializing_if = "String::is_empty")]
    sha256: String,
}

impl Payload {
    /// The payload of a token that says `claims` from `now` to `exp`.
    pub(super) fn new(claims: &Claims, key: &str, now: i64, exp: i64) -> Self {
        Self {
            iss: key.to_owned(),
            sub: claims.identity.clone(),
            jti: String::new(),
            exp: Some(exp),
            nbf: Some(now),
            iat: Some(now),
            name: claims.name.clone(),
            kind: claims.kind,
            metadata: claims.metadata.clone(),
            attributes: claims.attributes.clone(),
            video: claims.video.clone(),
            room_config: claims.room_config.clone(),
            sha256: claims.sha256.clone(),
        }
    }

    /// What the payload means, once it is known to be genuine.
    pub(super) fn into_claims(self, expires_at: u64) -> Claims {
        Claims {
            key: self.iss,
            expires_at,
            identity: if self.sub.is_empty() {
                self.jti
            } else {
                self.sub
            },
            name: self.name,
            kind: self.kind,
            metadata: self.metadata,
            attributes: self.attributes,
            video: self.video,
            room_config: self.room_config,
            sha256: self.sha256,
        }
    }
}

fn is_standard(kind: &ParticipantKind) -> bool {
    *kind == ParticipantKind::Standard
}

/// Reads a NumericDate, a JSON number that may have a fraction (RFC 7519 §2), as whole seconds.
/// Text and null are refused: libraries that skipped the check on those let tokens live for ever.
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    struct Date;

    impl de::Visitor<'_> for Date {
        type Value = i64;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a number of seconds since 1970")
        }

        fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<i64, E> {
            i64::try_from(seconds)
                .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(seconds), &self))
        }

        fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<i64, E> {
            Ok(seconds)
        }

        fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<i64, E> {
            // Far beyond any date, and exact in an f64.
            const LIMIT: f64 = 1e15;
            if seconds.abs() < LIMIT {
                Ok(seconds as i64)
            } else {
                Err(E::invalid_value(de::Unexpected::Float(seconds), &self))
            }
        }
    }

    deserializer.deserialize_any(Date).map(Some)
}
