//! Participants and what they publish.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{GrantedSource, ParticipantKind, Timestamp};
use crate::ids::Identity;

/// Someone in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Participant {
    /// Id of this stay; the same identity coming back has another.
    #[schema(example = "PA_h5TgXbW7cT9z")]
    pub sid: String,
    /// Who it is, unique in the room.
    #[serde(with = "super::name::identity")]
    #[schema(value_type = String, example = "ann")]
    pub identity: Identity,
    /// The name others see.
    pub name: String,
    /// How far the participant has come.
    pub state: ParticipantState,
    /// What sort of participant it is.
    pub kind: ParticipantKind,
    /// When this stay began.
    #[schema(value_type = String, format = DateTime)]
    pub joined_at: Timestamp,
    /// Text that every participant sees.
    pub metadata: String,
    /// Keys and values that every participant sees.
    pub attributes: BTreeMap<String, String>,
    /// What the participant may do.
    pub permission: Permission,
    /// What the participant publishes.
    pub tracks: Vec<Track>,
    /// Whether the participant publishes anything.
    pub is_publisher: bool,
}

/// How far a participant has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParticipantState {
    /// Signalling is being set up.
    Joining,
    /// Signalling is up, media is not yet.
    Joined,
    /// Media is up.
    Active,
    /// The participant has gone.
    Disconnected,
}

/// What a participant may do in the room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Permission {
    /// May subscribe to tracks.
    pub can_subscribe: bool,
    /// May publish tracks.
    pub can_publish: bool,
    /// May send data.
    pub can_publish_data: bool,
    /// What may be published; empty means every source.
    pub can_publish_sources: Vec<GrantedSource>,
    /// May change their own name, metadata and attributes.
    pub can_update_own_metadata: bool,
    /// Is not shown to others.
    pub hidden: bool,
    /// Is recording the room.
    pub recorder: bool,
    /// Is an agent.
    pub agent: bool,
}

/// One media source that a participant publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Track {
    /// The track's id.
    #[schema(example = "TR_VCaQ3kXbW7cT9z")]
    pub sid: String,
    /// Sound or picture.
    pub kind: TrackKind,
    /// What it comes from.
    pub source: TrackSource,
    /// The name its publisher gave it.
    pub name: String,
    /// Whether its publisher has muted it.
    pub muted: bool,
    /// Its codec.
    #[schema(example = "video/VP8")]
    pub mime_type: String,
    /// Width of the picture in pixels; 0 for sound.
    pub width: u32,
    /// Height of the picture in pixels; 0 for sound.
    pub height: u32,
    /// Whether it is sent in several encodings at once.
    pub simulcast: bool,
    /// Whether it is end-to-end encrypted: only participants can decode it.
    #[serde(default)]
    pub encrypted: bool,
    /// Its encodings, smallest first.
    pub layers: Vec<Encoding>,
}

/// Sound or picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrackKind {
    /// Sound.
    Audio,
    /// Picture.
    Video,
}

/// What a track comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrackSource {
    /// Not said.
    Unknown,
    /// A camera.
    Camera,
    /// A microphone.
    Microphone,
    /// The picture of a shared screen.
    ScreenShare,
    /// The sound of a shared screen.
    ScreenShareAudio,
}

/// One of the encodings a track is sent in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Encoding {
    /// Which of the three qualities it serves.
    pub quality: Quality,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Its publisher's target, in bits per second; 0 if not said.
    pub bitrate: u32,
}

/// A wanted or offered quality, as LiveKit names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// The smallest encoding.
    Low,
    /// The one between.
    Medium,
    /// The largest encoding.
    High,
}

/// One page of participants, by identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ParticipantList {
    /// The participants of this page.
    pub participants: Vec<Participant>,
    /// Pass this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
