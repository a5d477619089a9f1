//! What there is of a recording, and how it stands.

use serde::{Deserialize, Serialize};

use super::pauses::Interval;
use super::people::Source;
use super::stored::Stored;
use crate::mux::Summary;

/// The version of manifests that is written here.
const VERSION: u32 = 1;

/// The file of a recording's folder that has it.
pub const MANIFEST_NAME: &str = "manifest.json";

/// How a recording stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
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

impl State {
    /// Whether nothing changes any more.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Done | Self::Recovered | Self::DiskFull | Self::Failed => true,
            Self::Recording | Self::Paused | Self::Finalizing => false,
        }
    }
}

/// How a file stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// It grows.
    Open,
    /// It is complete, with an index and its length.
    Complete,
    /// It plays, but could not be completed, or there is nothing in it.
    Incomplete,
}

/// A recording, as `manifest.json` tells of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this format.
    pub version: u32,
    /// The recording's id.
    pub id: String,
    /// The room's name.
    pub room: String,
    /// The room's id.
    pub room_sid: String,
    /// How it stands.
    pub state: State,
    /// Why it ended, if not because somebody ended it or the room closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Milliseconds since 1970 when it began, which is its time zero.
    pub started_at_ms: i64,
    /// Milliseconds since 1970 when it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at_ms: Option<i64>,
    /// How long its files are at most, in microseconds. Pauses do not count.
    pub duration_us: i64,
    /// Times that were left out.
    pub pauses: Vec<Interval>,
    /// Packets that never came, or came too late, of all tracks.
    pub lost_packets: u64,
    /// Packets that were dropped because the disk or the machine did not keep up.
    pub dropped_packets: u64,
    /// The files.
    pub files: Vec<RecordedFile>,
    /// What was made of them: one picture and one sound of all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub composites: Vec<Composite>,
    /// What an object store has of it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<Stored>,
}

/// A composite of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Composite {
    /// Where, from the recording's folder.
    pub path: String,
    /// How it stands.
    pub state: CompositeState,
    /// Why there is none, or no more of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What it looks like, as the API takes it.
    pub layout: serde_json::Value,
    /// Pixels across; 0 if there is only sound.
    pub width_px: u32,
    /// Pixels down; 0 if there is only sound.
    pub height_px: u32,
    /// Pictures per second.
    pub fps: u32,
    /// `vp8` or `vp9`; empty if there is only sound.
    pub codec: String,
    /// Bits per second of the pictures.
    pub bitrate_bps: u32,
    /// How long it is, in microseconds.
    pub duration_us: i64,
    /// How large it is, in bytes.
    pub bytes: u64,
}

/// How a composite stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompositeState {
    /// It is made when the recording has ended.
    Waiting,
    /// It is being made.
    Making,
    /// It is complete.
    Complete,
    /// It plays as far as it goes; something has failed.
    Failed,
}

/// A file of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedFile {
    /// Where, from the recording's folder.
    pub path: String,
    /// How it stands.
    pub state: FileState,
    /// `vp8`, `vp9`, `h264`, `av1` or `opus`.
    pub codec: String,
    /// What it shows or lets hear.
    pub source: Source,
    /// Whose it is: the participant's id.
    pub participant: String,
    /// The participant's identity.
    pub identity: String,
    /// The participant's name, for people; may be empty.
    pub name: String,
    /// The track's id.
    pub track: String,
    /// When the first block is played, in microseconds from the recording's zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_pts_us: Option<i64>,
    /// When the last block is played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_pts_us: Option<i64>,
    /// How large it is, in bytes.
    pub bytes: u64,
    /// How many blocks it has: frames, or packets of sound.
    pub blocks: u64,
    /// How many of them a decoder can begin with.
    pub keyframes: u64,
    /// Sizes of pictures, width and height, each with the time from which on it is so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<(i64, u32, u32)>,
}

/// A manifest that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UnreadableManifest {
    /// It is none.
    #[error("the manifest cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It is of a version that is not known here.
    #[error("the manifest is of version {0}, and this server reads version {VERSION}")]
    Version(u32),
}

impl Manifest {
    pub(super) fn new(id: String, room: String, room_sid: String, started_at_ms: i64) -> Self {
        Self {
            version: VERSION,
            id,
            room,
            room_sid,
            state: State::Recording,
            error: None,
            started_at_ms,
            ended_at_ms: None,
            duration_us: 0,
            pauses: Vec::new(),
            lost_packets: 0,
            dropped_packets: 0,
            files: Vec::new(),
            composites: Vec::new(),
            stored: None,
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`UnreadableManifest`]
    pub fn read(content: &[u8]) -> Result<Self, UnreadableManifest> {
        let manifest: Self = serde_json::from_slice(content)?;
        match manifest.version {
            VERSION => Ok(manifest),
            other => Err(UnreadableManifest::Version(other)),
        }
    }

    /// As it is written.
    pub fn to_json(&self) -> Vec<u8> {
        // Nothing in it can fail to be written.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }

    /// The server that made the recording is gone, and its files have been completed.
    pub fn recover(&mut self) {
        self.state = State::Recovered;
        self.error = Some("the server ended before the recording did".to_owned());
        let ends = self.files.iter().filter_map(|file| file.last_pts_us);
        self.duration_us = ends.max().unwrap_or(0).max(self.duration_us);
        // The manifest may have been in other hands, and name any times.
        let left_out = self.pauses.iter().fold(0_i64, |sum, pause| {
            let to_us = pause.to_us.unwrap_or(pause.from_us);
            sum.saturating_add(to_us.saturating_sub(pause.from_us))
        });
        let span_us = self.duration_us.saturating_add(left_out);
        self.ended_at_ms = Some(self.started_at_ms.saturating_add(span_us / 1_000));
    }
}

impl RecordedFile {
    /// Takes what is in the file.
    pub(super) fn count(&mut self, summary: &Summary, bytes: u64) {
        self.bytes = bytes;
        if let Some(track) = summary.tracks.first() {
            (self.first_pts_us, self.last_pts_us) = (track.first_pts_us, track.last_pts_us);
            (self.blocks, self.keyframes) = (track.blocks, track.keyframes);
        }
    }

    /// Takes what is in the file, now that it is complete.
    pub fn complete(&mut self, summary: &Summary, bytes: u64) {
        self.count(summary, bytes);
        self.state = match self.blocks {
            0 => FileState::Incomplete,
            _ => FileState::Complete,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_newer() {
        let mut manifest = Manifest::new("RC_1".into(), "standup".into(), "RM_1".into(), 1_000);
        manifest.files.push(RecordedFile {
            path: "tracks/PA_1/TR_1-cam-000.mkv".into(),
            state: FileState::Open,
            codec: "vp8".into(),
            source: Source::Camera,
            participant: "PA_1".into(),
            identity: "ann".into(),
            name: String::new(),
            track: "TR_1".into(),
            first_pts_us: Some(20),
            last_pts_us: Some(5_000_000),
            bytes: 5,
            blocks: 2,
            keyframes: 1,
            sizes: vec![(20, 640, 360)],
        });

        assert_eq!(Manifest::read(&manifest.to_json()).unwrap(), manifest);
        manifest.recover();
        assert_eq!(manifest.state, State::Recovered);
        assert_eq!(manifest.ended_at_ms, Some(6_000));
        manifest.version = 2;
        assert!(matches!(
            Manifest::read(&manifest.to_json()),
            Err(UnreadableManifest::Version(2))
        ));
    }
}
