//! Frames into pictures and back.
//!
//! VP8 and VP9 both ways; H.264 is decoded always, and encoded with the feature `h264`. AV1 is not
//! supported yet.

mod decoder;
mod encoder;
mod h264;

pub use decoder::VideoDecoder;
pub use encoder::{Effort, Encoded, EncoderSettings, Purpose, VideoEncoder};

/// How pictures are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 6386; a frame is what the specification calls one.
    Vp8,
    /// The VP9 bitstream specification; a frame is a superframe.
    Vp9,
    /// ITU-T H.264; a frame is an access unit, each NAL unit after its length in four bytes, with its
    /// parameter sets if it is a keyframe.
    H264,
    /// AV1; a frame is a temporal unit.
    Av1,
}

/// Why a frame was not decoded, or a picture not encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The program was built without the codec.
    #[error("{0:?} is not supported by this build")]
    NotSupported(Codec),
    /// The frame is damaged, or builds on frames that are missing: a keyframe is needed.
    #[error("the frame cannot be decoded")]
    Undecodable,
    /// The frame asks for a picture that is larger than any that is decoded.
    #[error("a picture of {width}x{height} is too large")]
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// The encoder does not take these settings: the size is odd or out of range, or a rate is 0.
    #[error("the encoder does not take these settings")]
    Settings,
    /// The picture is not of the encoder's size.
    #[error("the picture is not of the size of the encoder")]
    WrongSize,
    /// The library failed, for want of memory or by a fault of its own. A new encoder may work.
    #[error("the library of the codec failed")]
    Library,
}

#[cfg(test)]
mod tests;
