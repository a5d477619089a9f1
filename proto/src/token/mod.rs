//! Access tokens: LiveKit's JSON Web Tokens, signed with HS256 and an API key's secret.
//!
//! A server holds [`ApiKeys`]; [`ApiKeys::verify`] turns a token from outside into [`Claims`], and
//! [`ApiKeys::sign`] makes one. Time is an argument, in unix seconds.
//!
//! Not implemented: other algorithms than HS256, keys by URL, tokens without an expiry.

mod claims;
mod error;
mod payload;
mod secret;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Validation};

pub use claims::{Claims, GrantedSource, ParticipantKind, RoomConfig, VideoGrant};
pub use error::{SignError, TokenError};
pub use secret::Secret;

use payload::{Header, Payload};

/// Longest token accepted, in bytes. LiveKit's browsers send tokens inside a URL, so an honest one is far shorter.
pub const MAX_TOKEN_BYTES: usize = 8192;

/// How far two honest clocks may be apart, in seconds. LiveKit's value.
pub const LEEWAY_SECONDS: u64 = 60;

/// The API keys of a server and their secrets. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct ApiKeys(Arc<BTreeMap<String, Secret>>);

impl ApiKeys {
    /// Wraps keys and their secrets.
    pub fn new(keys: BTreeMap<String, Secret>) -> Self {
        Self(Arc::new(keys))
    }

    /// Whether there are none, so that no token can be made or accepted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Checks a token and reads it.
    ///
    /// # Errors
    /// [`TokenError`] says what to change in the token.
    pub fn verify(&self, token: &str, now_unix: u64) -> Result<Claims, TokenError> {
        check_header(token)?;
        let issuer = read_issuer(token)?;
        let secret = self.0.get(&issuer).ok_or(TokenError::UnknownKey(issuer))?;

        let mut validation = Validation::new(Algorithm::HS256);
        // The library skips a claim of the wrong type; `Payload` and `check_dates` refuse it.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let key = DecodingKey::from_secret(secret.expose().as_bytes());
        let payload = jsonwebtoken::decode::<Payload>(token, &key, &validation)
            .map_err(read_error)?
            .claims;

        let expires_at = check_dates(&payload, now_unix)?;
        Ok(payload.into_claims(expires_at))
    }

    /// Makes a token that says `claims` and lives for `ttl`, signed with `key` or else the first key.
    ///
    /// # Errors
    /// [`SignError`] if there is no such key, or the claims are too long for a token.
    pub fn sign(
        &self,
        claims: &Claims,
        key: Option<&str>,
        now_unix: u64,
        ttl: Duration,
    ) -> Result<String, SignError> {
        let (key, secret) = match key {
            Some(name) => self.0.get_key_value(name),
            None => self.0.first_key_value(),
        }
        .ok_or_else(|| SignError::UnknownKey(key.unwrap_or_default().to_owned()))?;
        let now = i64::try_from(now_unix).unwrap_or(i64::MAX);
        let exp = now.saturating_add_unsigned(ttl.as_secs());

        let token = jsonwebtoken::encode(
            &jsonwebtoken::Header::new(Algorithm::HS256),
            &Payload::new(claims, key, now, exp),
            &EncodingKey::from_secret(secret.expose().as_bytes()),
        )
        .map_err(|error| SignError::Crypto(error.to_string()))?;
        if token.len() > MAX_TOKEN_BYTES {
            return Err(SignError::TooLong);
        }
        Ok(token)
    }
}

/// Refuses everything but plain HS256 before any key is touched.
fn check_header(token: &str) -> Result<(), TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::TooLong);
    }
    let mut parts = token.split('.');
    let (Some(header), Some(_), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::NotAToken(
            "it is not three parts divided by dots",
        ));
    };
    let header = URL_SAFE_NO_PAD
        .decode(header)
        .map_err(|_| TokenError::NotAToken("its header is not base64url"))?;
    let header: Header = serde_json::from_slice(&header)
        .map_err(|_| TokenError::NotAToken("its header is not a JSON object with one \"alg\""))?;
    if header.alg != "HS256" {
        return Err(TokenError::Algorithm(
            header.alg.chars().take(MAX_ECHO).collect(),
        ));
    }
    header
        .forbidden_parameter()
        .map_or(Ok(()), |name| Err(TokenError::HeaderParameter(name)))
}

/// Most characters of an unverified token that an error repeats.
const MAX_ECHO: usize = 64;

/// Reads who claims to have signed, to find the secret that proves it.
fn read_issuer(token: &str) -> Result<String, TokenError> {
    #[derive(serde::Deserialize)]
    struct Issuer {
        iss: String,
    }

    let issuer = jsonwebtoken::dangerous::insecure_decode_claims::<Issuer>(token)
        .map_err(read_error)?
        .iss;
    if issuer.chars().count() > MAX_ECHO {
        return Err(TokenError::UnknownKey(
            issuer.chars().take(MAX_ECHO).collect(),
        ));
    }
    Ok(issuer)
}

fn read_error(error: jsonwebtoken::errors::Error) -> TokenError {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all other kinds are about shape, and the enum is foreign"
    )]
    match error.kind() {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::Json(error) => TokenError::Claims(error.to_string()),
        ErrorKind::Base64(_) => TokenError::NotAToken("a part of it is not base64url"),
        _ => TokenError::NotAToken("its parts cannot be read"),
    }
}

/// Checks `exp` and `nbf`, and answers `exp`.
fn check_dates(payload: &Payload, now_unix: u64) -> Result<u64, TokenError> {
    let exp = payload.exp.ok_or(TokenError::NoExpiry)?;
    // A date before 1970 is as long past as 1970.
    let expires_at = u64::try_from(exp).unwrap_or(0);
    if expires_at.saturating_add(LEEWAY_SECONDS) <= now_unix {
        return Err(TokenError::Expired {
            seconds_ago: now_unix - expires_at,
        });
    }
    let not_before = payload.nbf.map_or(0, |nbf| u64::try_from(nbf).unwrap_or(0));
    if not_before > now_unix.saturating_add(LEEWAY_SECONDS) {
        return Err(TokenError::NotYetValid {
            seconds: not_before - now_unix,
        });
    }
    Ok(expires_at)
}

#[cfg(test)]
mod tests;
