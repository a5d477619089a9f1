//! What packets of each codec hold, put together as files have it.

mod av1;
mod h264;
pub(in crate::frames) mod opus;
mod vp8;
mod vp9;

pub(crate) use h264::{config as h264_config, plain_size as h264_plain_size};

use std::fmt;
use std::sync::Arc;

use proto::layer::VideoCodec;

use super::continuity::Needs;
use crate::mux::VideoSize;

/// A payload, or what payloads make together, cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// Puts the payloads of a frame together.
///
/// For each frame: [`Depacketizer::begin`], then [`Depacketizer::push`] for its packets without a
/// gap, then [`Depacketizer::finish`] if none has failed.
pub(super) trait Depacketizer: fmt::Debug + Send {
    /// Begins a frame, after one that has ended or in the middle of one (`after_loss`).
    fn begin(&mut self, after_loss: bool);

    /// Appends what a payload holds to the frame.
    fn push(&mut self, payload: &[u8], frame: &mut Vec<u8>) -> Result<(), Malformed>;

    /// What is known by now of what the frame refers to.
    fn needs(&self) -> Option<Needs>;

    /// Completes the frame; `None` if there is no picture in it. It fails if the beginning was lost
    /// too.
    fn finish(&mut self, frame: &mut Vec<u8>) -> Result<Option<Coded>, Malformed>;
}

/// A picture that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coded {
    pub(super) needs: Needs,
    /// Nothing across and down while no keyframe has told.
    pub(super) size: VideoSize,
    /// With a keyframe, if it is not what the keyframe before had.
    pub(super) config: Option<Arc<[u8]>>,
}

/// What reads the payloads of a codec.
pub(super) fn depacketizer(codec: VideoCodec) -> Box<dyn Depacketizer> {
    match codec {
        VideoCodec::Vp8 => Box::<vp8::Vp8>::default(),
        VideoCodec::Vp9 => Box::<vp9::Vp9>::default(),
        VideoCodec::H264 => Box::<h264::H264>::default(),
        VideoCodec::Av1 => Box::<av1::Av1>::default(),
    }
}

/// A size that is shown as it is.
fn size(width_px: u32, height_px: u32) -> VideoSize {
    VideoSize {
        width_px,
        height_px,
        display_px: None,
    }
}
