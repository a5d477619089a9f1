//! Mixes of rooms.

use serde::{Deserialize, Serialize};

use super::{CompositeCodec, Timestamp};
use crate::ids::Identity;

/// How a room is mixed: what all see and hear, as tracks of a participant with the identity `mix`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Mix {
    /// What the picture looks like, as it was asked for.
    #[schema(example = "grid")]
    pub layout: serde_json::Value,
    /// Pixels across; 0 without a picture.
    pub width: u32,
    /// Pixels down; 0 without a picture.
    pub height: u32,
    /// Pictures per second; 0 without a picture.
    pub fps: u32,
    /// How pictures are encoded; absent without a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CompositeCodec>,
    /// Bits per second of the picture; 0 without one.
    pub bitrate: u32,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// The id of the participant who publishes it.
    #[schema(example = "PA_5GZtrVJnxSe8")]
    pub participant_sid: String,
    /// The track with the picture; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "TR_VC6kqNfhq8rX3u")]
    pub video_track: Option<String>,
    /// The track with the sound of all.
    #[schema(example = "TR_AM9bqNfhq8rX3u")]
    pub audio_track: String,
    /// Who gets the mix and nothing else, each with the track that has the sound of all but itself.
    pub listeners: Vec<MixListener>,
}

/// Somebody who gets the mix instead of the tracks of others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MixListener {
    /// Its identity. It need not be in the room.
    #[serde(with = "super::name::identity")]
    #[schema(value_type = String, example = "weak-phone")]
    pub identity: Identity,
    /// The track with the sound of all but itself.
    pub audio_track: String,
}

/// How a room is to be mixed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetMix {
    /// What the picture looks like: `grid`, `speaker`, `presenter`, `single`, or a list of regions
    /// `{x, y, w, h, z, source, fit}` in fractions of the picture. With `audio_only` there is none. Left out, it is
    /// `grid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "speaker")]
    pub layout: Option<serde_json::Value>,
    /// Pixels across, even, 16 to 4096. Left out, it is 1280.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 16, maximum = 4096)]
    pub width: Option<u32>,
    /// Pixels down, even, 16 to 4096. Left out, it is 720.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 16, maximum = 4096)]
    pub height: Option<u32>,
    /// Pictures per second, 1 to 60. Left out, it is 25.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 60)]
    pub fps: Option<u32>,
    /// `vp8` or `vp9`. Left out, it is `vp8`, which every browser decodes with the least work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CompositeCodec>,
    /// Bits per second of the picture, 50,000 to 50,000,000. Left out, it is 1,500,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 50000, maximum = 50000000)]
    pub bitrate: Option<u32>,
    /// Identities of those who are to get the mix instead of the tracks of others, up to 32. They get the picture,
    /// and the sound of all but themselves. They need not be in the room yet.
    #[serde(default)]
    #[schema(example = json!(["weak-phone"]))]
    pub listeners: Vec<String>,
}
