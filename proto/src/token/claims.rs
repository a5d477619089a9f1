//! What a token says: who the bearer is and what they may do.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The meaning of an access token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The API key that signed the token (`iss`). Set by verifying, ignored by signing.
    pub key: String,
    /// When the token ends, in unix seconds (`exp`). Set by verifying, ignored by signing.
    pub expires_at: u64,
    /// Who the bearer is (`sub`); empty in tokens that only call the API.
    pub identity: String,
    /// The name others see.
    pub name: String,
    /// What sort of participant the bearer becomes.
    pub kind: ParticipantKind,
    /// The participant's first metadata.
    pub metadata: String,
    /// The participant's first attributes.
    pub attributes: BTreeMap<String, String>,
    /// What the bearer may do.
    pub video: VideoGrant,
    /// Settings of the room if this join creates it.
    pub room_config: Option<RoomConfig>,
    /// Base64 of the SHA-256 of a body, in tokens that sign webhooks.
    pub sha256: String,
}

/// What the bearer of a token may do. Fields are LiveKit's, where an absent permission to publish
/// or subscribe means yes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VideoGrant {
    /// May create and delete rooms.
    #[serde(skip_serializing_if = "is_false")]
    pub room_create: bool,
    /// May list rooms.
    #[serde(skip_serializing_if = "is_false")]
    pub room_list: bool,
    /// May start and stop recordings.
    #[serde(skip_serializing_if = "is_false")]
    pub room_record: bool,
    /// May manage the participants of [`VideoGrant::room`].
    #[serde(skip_serializing_if = "is_false")]
    pub room_admin: bool,
    /// May join [`VideoGrant::room`].
    #[serde(skip_serializing_if = "is_false")]
    pub room_join: bool,
    /// The one room that `room_admin` and `room_join` are about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub room: String,
    /// The room participants may be moved to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_room: String,
    /// May publish tracks; absent means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish: Option<bool>,
    /// May subscribe to tracks; absent means yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe: Option<bool>,
    /// May send data; absent follows `can_publish`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_publish_data: Option<bool>,
    /// What may be published; empty means every source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub can_publish_sources: Vec<GrantedSource>,
    /// May change their own name, metadata and attributes; absent means no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_update_own_metadata: Option<bool>,
    /// May manage ingresses.
    #[serde(skip_serializing_if = "is_false")]
    pub ingress_admin: bool,
    /// Is not shown to others.
    #[serde(skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// Is recording the room.
    #[serde(skip_serializing_if = "is_false")]
    pub recorder: bool,
    /// May register as an agent worker.
    #[serde(skip_serializing_if = "is_false")]
    pub agent: bool,
    /// May receive the metrics of others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_subscribe_metrics: Option<bool>,
}

impl VideoGrant {
    /// Whether the bearer may publish some track.
    pub fn may_publish(&self) -> bool {
        self.can_publish.unwrap_or(true)
    }

    /// Whether the bearer may publish a track of this source.
    pub fn may_publish_source(&self, source: GrantedSource) -> bool {
        self.may_publish()
            && (self.can_publish_sources.is_empty() || self.can_publish_sources.contains(&source))
    }

    /// Whether the bearer may subscribe to tracks.
    pub fn may_subscribe(&self) -> bool {
        self.can_subscribe.unwrap_or(true)
    }

    /// Whether the bearer may send data.
    pub fn may_publish_data(&self) -> bool {
        self.can_publish_data.unwrap_or_else(|| self.may_publish())
    }

    /// Whether the bearer may change their own name, metadata and attributes.
    pub fn may_update_own_metadata(&self) -> bool {
        self.can_update_own_metadata.unwrap_or(false)
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// A source a grant speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantedSource {
    /// A camera.
    #[serde(alias = "CAMERA")]
    Camera,
    /// A microphone.
    #[serde(alias = "MICROPHONE")]
    Microphone,
    /// The picture of a shared screen.
    #[serde(alias = "SCREEN_SHARE")]
    ScreenShare,
    /// The sound of a shared screen.
    #[serde(alias = "SCREEN_SHARE_AUDIO")]
    ScreenShareAudio,
    /// None of these; a track without a source counts as this.
    #[serde(other)]
    Unknown,
}

/// What sort of participant somebody is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantKind {
    /// A person, or anything not listed below.
    #[default]
    Standard,
    /// Media that comes in by WHIP, RTMP or from a URL.
    Ingress,
    /// A recorder or a stream out.
    Egress,
    /// A telephone.
    Sip,
    /// A program that takes part.
    Agent,
    /// A link to another service.
    Connector,
    /// A link to another room.
    Bridge,
}

impl<'de> Deserialize<'de> for ParticipantKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kind = match String::deserialize(deserializer)?.as_str() {
            "ingress" => Self::Ingress,
            "egress" => Self::Egress,
            "sip" => Self::Sip,
            "agent" => Self::Agent,
            "connector" => Self::Connector,
            "bridge" => Self::Bridge,
            // LiveKit reads a kind it does not know as a person.
            _ => Self::Standard,
        };
        Ok(kind)
    }
}

/// Settings for a room that a join creates (`roomConfig`). Zero and absent mean the server's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RoomConfig {
    /// Name of a preset in the server's configuration.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Seconds the room stays if nobody ever joins.
    #[serde(
        alias = "empty_timeout",
        deserialize_with = "number_or_text",
        skip_serializing_if = "is_zero"
    )]
    pub empty_timeout: u32,
    /// Seconds the room stays after the last participant left.
    #[serde(
        alias = "departure_timeout",
        deserialize_with = "number_or_text",
        skip_serializing_if = "is_zero"
    )]
    pub departure_timeout: u32,
    /// Most participants at once.
    #[serde(
        alias = "max_participants",
        deserialize_with = "number_or_text",
        skip_serializing_if = "is_zero"
    )]
    pub max_participants: u32,
    /// The room's first metadata.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub metadata: String,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Reads a number that may be written as text, as the JSON form of protobuf allows.
fn number_or_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Number(u32),
        Text(String),
    }
    match Form::deserialize(deserializer)? {
        Form::Number(number) => Ok(number),
        Form::Text(text) => text.parse().map_err(serde::de::Error::custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_permissions_follow_livekit() {
        let grant = VideoGrant::default();
        assert!(grant.may_publish() && grant.may_subscribe() && grant.may_publish_data());
        assert!(!grant.may_update_own_metadata());

        let listener = VideoGrant {
            can_publish: Some(false),
            ..VideoGrant::default()
        };
        assert!(!listener.may_publish_data());
    }

    #[test]
    fn named_sources_leave_out_the_others() {
        let grant: VideoGrant = serde_json::from_str(
            r#"{"canPublishSources": ["camera", "SCREEN_SHARE", "hologram"]}"#,
        )
        .unwrap();

        assert!(grant.may_publish_source(GrantedSource::Camera));
        assert!(grant.may_publish_source(GrantedSource::ScreenShare));
        assert!(!grant.may_publish_source(GrantedSource::Microphone));
    }

    #[test]
    fn room_config_reads_both_spellings_and_numbers_as_text() {
        let config: RoomConfig =
            serde_json::from_str(r#"{"emptyTimeout": "30", "max_participants": 5, "agents": []}"#)
                .unwrap();

        assert_eq!(
            config,
            RoomConfig {
                empty_timeout: 30,
                max_participants: 5,
                ..RoomConfig::default()
            }
        );
    }
}
