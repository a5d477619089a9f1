//! From the packets of one RTP stream to whole encoded frames, in order.
//!
//! 1. [`FrameAssembler::handle_packet`] takes packets as they arrive, and puts them in order. One
//!    that is missing is waited for, but not for ever.
//! 2. Payloads become frames as files have them: a VP9 superframe, an H.264 access unit with
//!    lengths, an AV1 temporal unit.
//! 3. A frame that may refer to one that was lost is dropped, and a keyframe asked for.
//! 4. [`FrameAssembler::poll`] gives the frames.
//!
//! Not implemented: H.264's interleaved mode and other profiles' extra parameter sets; AV1's
//! dependency descriptor, so that every loss in AV1 needs a keyframe.

mod assembler;
mod bits;
mod continuity;
mod counters;
mod frame;
mod keyframe;
pub mod limits;
mod packet;
mod packetizer;
mod payload;
mod picture;
mod reorder;
mod sound;

pub use assembler::FrameAssembler;
pub use counters::Counters;
pub use frame::{Content, Frame, Orientation, Output, Picture, Sound};
pub use packet::Packet;
pub use packetizer::{Packetizer, Payload};
pub use payload::opus::duration_samples as opus_duration_samples;
pub(crate) use payload::{h264_config, h264_plain_size as plain_h264_size};
