//! Recordings.

use serde::{Deserialize, Serialize};

use super::{Timestamp, TrackKind, TrackSource};

/// A recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Recording {
    /// Its id.
    #[schema(example = "RC_aQ3kXbW7cT9z")]
    pub id: String,
    /// The room's name.
    #[schema(example = "standup")]
    pub room: String,
    /// Id of the room's life that is recorded.
    #[schema(example = "RM_aQ3kXbW7cT9z")]
    pub room_sid: String,
    /// How it stands.
    pub state: RecordingState,
    /// Why it ended, if nobody wanted it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// How long it is, in seconds. Pauses do not count.
    pub duration: f64,
    /// Packets that never came, or came too late.
    pub lost_packets: u64,
    /// Packets that were left out because the disk or the machine did not keep up.
    pub dropped_packets: u64,
    /// Its files: each track as it was sent, nothing decoded. All of them have the same time zero.
    pub files: Vec<RecordingFile>,
    /// What is made of them: one picture and one sound of all.
    pub composites: Vec<CompositeFile>,
    /// What an object store has of it. Absent while it runs, and if there is no store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<StoredRecording>,
}

/// What an object store has of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StoredRecording {
    /// How it stands.
    pub state: StoredRecordingState,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Where: the names of its objects are this, a slash, and the `path` of a file.
    #[schema(example = "s3://recordings/RM_aQ3kXbW7cT9z/2026-11-21T10-00-00-000Z-RC_aQ3kXbW7cT9z")]
    pub url: String,
    /// Bytes that are there.
    pub bytes: u64,
    /// Bytes that will be there.
    pub total_bytes: u64,
    /// Why the last try has failed. There will be another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How a recording stands with an object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StoredRecordingState {
    /// It has not begun, waits for the next try, or for a composite.
    Waiting,
    /// Files are being uploaded.
    Uploading,
    /// The store has all of it, and has confirmed that.
    Stored,
}

/// A file with one picture and one sound of everyone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CompositeFile {
    /// Its name, by which it can be had at `/v1/recordings/{id}/files/{file}`.
    #[schema(example = "composite-000.webm")]
    pub file: String,
    /// How it stands.
    pub state: CompositeFileState,
    /// Why there is none, or no more of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it looks like.
    #[schema(example = "grid")]
    pub layout: serde_json::Value,
    /// Pixels across; 0 if there is only sound.
    pub width: u32,
    /// Pixels down; 0 if there is only sound.
    pub height: u32,
    /// Pictures per second.
    pub fps: u32,
    /// `vp8` or `vp9`; empty if there is only sound.
    pub codec: String,
    /// How long it is, in seconds.
    pub duration: f64,
    /// How large it is.
    pub bytes: u64,
}

/// How a composite stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompositeFileState {
    /// It is made when the recording has ended.
    Waiting,
    /// It is being made. A live one plays as far as it is.
    Making,
    /// It is complete.
    Complete,
    /// Something has failed; `error` says what.
    Failed,
}

/// How a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingState {
    /// It is being recorded.
    Recording,
    /// It is paused: nothing is written.
    Paused,
    /// It has ended; its files are being completed.
    Finalizing,
    /// It is complete.
    Done,
    /// The server ended before the recording did. The files hold what had been written, and are
    /// completed.
    Recovered,
    /// It has ended because the disk was full.
    DiskFull,
    /// It has ended because something failed.
    Failed,
}

/// A file of a recording. It plays at any time, also while it grows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecordingFile {
    /// Its name, by which it can be had at `/v1/recordings/{id}/files/{file}`.
    #[schema(example = "TR_VCs9bTqYkRw3Np-cam-000.mkv")]
    pub file: String,
    /// Where it is in the recording's folder.
    #[schema(example = "tracks/PA_2KqWvRz8mJtX/TR_VCs9bTqYkRw3Np-cam-000.mkv")]
    pub path: String,
    /// Whether it has its index and its length. It plays without.
    pub complete: bool,
    /// Sound or pictures.
    pub kind: TrackKind,
    /// `vp8`, `vp9`, `h264`, `av1` or `opus`.
    #[schema(example = "vp8")]
    pub codec: String,
    /// What it shows or lets hear.
    pub source: TrackSource,
    /// The id of the participant who published it.
    pub participant_sid: String,
    /// Their identity.
    pub identity: String,
    /// Their name.
    pub name: String,
    /// The track's id.
    pub track_sid: String,
    /// When it begins, in seconds of the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<f64>,
    /// When it ends, in seconds of the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<f64>,
    /// How large it is.
    pub bytes: u64,
    /// Frames, or packets of sound.
    pub frames: u64,
}

/// What to make of a recording besides its tracks, which are always recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartRecording {
    /// Whether one picture and one sound of all is made, and when.
    #[serde(default)]
    pub composite: CompositeMode,
    /// What the composite looks like: `grid`, `speaker`, `presenter`, `single`, `audio_only`, or a list of regions
    /// `{x, y, w, h, z, source, fit}` in fractions of the picture. Left out, it is `grid`.
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
    /// Pictures per second, 1 to 60. Left out, it is 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 60)]
    pub fps: Option<u32>,
    /// `vp8` or `vp9`; `h264` where the server was built to encode it. Left out, it is `vp8` for a live composite, and `vp9` for one that is made after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codec: Option<CompositeCodec>,
    /// Bits per second of the pictures, 50,000 to 50,000,000. Left out, it is 2,000,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 50000, maximum = 50000000)]
    pub bitrate: Option<u32>,
}

/// When a composite is made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompositeMode {
    /// Not by itself; `plenary compose` can make any number of them later.
    None,
    /// While the room lives. It takes about half a core, and is there when the recording ends.
    Live,
    /// When the recording has ended, as fast as the machine can.
    #[default]
    After,
}

/// How the pictures of a composite are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CompositeCodec {
    /// RFC 6386.
    Vp8,
    /// Better pictures for the bits, and more work.
    Vp9,
    /// ITU-T H.264, if the server was built to encode it; the file is Matroska then.
    H264,
}

/// What to change of a recording that runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRecording {
    /// Whether to leave out what happens. Files go on after a pause as if there had been none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// What composites look like from now on, as when a recording begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "presenter")]
    pub layout: Option<serde_json::Value>,
}

/// One page of recordings, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RecordingList {
    /// The recordings of this page.
    pub recordings: Vec<Recording>,
    /// Pass this as `cursor` for the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
