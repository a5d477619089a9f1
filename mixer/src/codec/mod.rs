//! Frames into pictures and back.
//!
//! VP8 and VP9 both ways; H.264 is decoded always, and encoded with the feature `h264`; AV1 is decoded
//! with the feature `av1`, and never encoded.

#[cfg(feature = "av1")]
mod av1;
mod decoder;
mod encoder;
mod h264;

pub use decoder::VideoDecoder;
pub use encoder::{Effort, Encoded, EncoderSettings, Purpose, VideoEncoder};

use crate::frames::h264_config;
use crate::picture::Picture;

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

impl Codec {
    /// Whether this build can encode to it.
    pub const fn has_encoder(self) -> bool {
        match self {
            Self::Vp8 | Self::Vp9 => true,
            Self::H264 => cfg!(any(feature = "h264", test)),
            Self::Av1 => false,
        }
    }
}

/// What a file of this has to say of the codec before the first frame: the content of the box `avcC`
/// for H.264, and nothing for others.
///
/// # Errors
/// As those of [`VideoEncoder::new`] and [`VideoEncoder::encode`].
pub fn file_config(settings: &EncoderSettings) -> Result<Option<Vec<u8>>, CodecError> {
    if settings.codec != Codec::H264 {
        return Ok(None);
    }
    // All encoders of these settings say the same.
    let mut encoder = VideoEncoder::new(settings)?;
    let first = encoder.encode(0, &Picture::new(settings.size), true)?;
    let config = first.and_then(|first| h264_config(&first.data));
    config.map(Some).ok_or(CodecError::Library)
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
