//! What comes out.

use std::sync::Arc;
use std::time::Instant;

use proto::media::StreamClock;

use crate::mux::VideoSize;

/// Something to act upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The next frame.
    Frame(Frame),
    /// Frames are being dropped until a keyframe comes: ask for one.
    KeyframeWanted,
}

/// A whole encoded frame, of which everything that it refers to was given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// RTP timestamp.
    pub timestamp: u32,
    /// When the first of its packets arrived.
    pub received: Instant,
    /// Sequence number of its first packet.
    pub first_sequence: u64,
    /// Sequence number of its last packet.
    pub last_sequence: u64,
    /// How the stream's timestamps map onto the wall clock, by the newest sender report of all that
    /// came.
    pub clock: Option<StreamClock>,
    /// The frame as files have it.
    pub data: Vec<u8>,
    /// What is in it.
    pub content: Content,
}

impl Frame {
    /// Whether a decoder can begin here.
    pub fn is_keyframe(&self) -> bool {
        match &self.content {
            Content::Picture(picture) => picture.is_keyframe,
            Content::Sound(_) => true,
        }
    }
}

/// What is in a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A picture.
    Picture(Picture),
    /// Sound.
    Sound(Sound),
}

/// A coded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Whether a decoder can begin here.
    pub is_keyframe: bool,
    /// How large it is; of several spatial layers, the highest.
    pub size: VideoSize,
    /// What a file says of the codec, where it begins and where it changes: the content of the box
    /// `avcC` or `av1C`. Only keyframes have it.
    pub config: Option<Arc<[u8]>>,
    /// How it is to be turned, if the sender has ever told.
    pub orientation: Option<Orientation>,
}

/// A packet of a sound codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sound {
    /// How long it is, in samples at 48 kHz.
    pub duration_samples: u32,
    /// Whether it stands for silence that the sender does not encode: less than a decoder can use.
    pub is_silence: bool,
    /// How many packets were given up directly before, for which a decoder can invent something.
    pub lost_before: u32,
}

/// What has to be done to a picture to see it upright (3GPP TS 26.114 §7.4.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Orientation {
    /// Turns by 90 degrees clockwise, 0 to 3.
    pub quarter_turns: u8,
    /// Whether it is mirrored left to right, before it is turned.
    pub is_flipped: bool,
}

impl Orientation {
    /// Reads the header extension's byte: `|0|0|0|0|C|F|R1|R0|`.
    pub(super) fn read(byte: u8) -> Self {
        Self {
            quarter_turns: byte & 0x03,
            is_flipped: byte & 0x04 != 0,
        }
    }
}
