//! Frames into pictures.

use super::{Codec, CodecError};
use crate::picture::{Picture, Size};

/// Decodes the frames of one track.
#[derive(Debug)]
pub struct VideoDecoder(Library);

#[derive(Debug)]
enum Library {
    Vpx(Vpx),
    H264(super::h264::Decoder),
    #[cfg(feature = "av1")]
    Av1(super::av1::Decoder),
}

impl VideoDecoder {
    /// A decoder that waits for a keyframe.
    ///
    /// # Errors
    /// [`CodecError::NotSupported`], or [`CodecError::Library`] for want of memory.
    pub fn new(codec: Codec) -> Result<Self, CodecError> {
        Ok(Self(match codec {
            Codec::Vp8 => Library::Vpx(Vpx::new(vpx::Codec::Vp8)?),
            Codec::Vp9 => Library::Vpx(Vpx::new(vpx::Codec::Vp9)?),
            Codec::H264 => Library::H264(super::h264::Decoder::default()),
            #[cfg(feature = "av1")]
            Codec::Av1 => Library::Av1(super::av1::Decoder::new()?),
            #[cfg(not(feature = "av1"))]
            Codec::Av1 => return Err(CodecError::NotSupported(codec)),
        }))
    }

    /// Decodes a frame. Tells whether it shows a picture, which `picture` is then; otherwise that
    /// stays as it is.
    ///
    /// # Errors
    /// [`CodecError::Undecodable`] until the next keyframe, [`CodecError::TooLarge`] for a size that
    /// no decoder is let see. The decoder can be used further.
    pub fn decode(&mut self, frame: &[u8], picture: &mut Picture) -> Result<bool, CodecError> {
        match &mut self.0 {
            Library::Vpx(decoder) => decoder.decode(frame, picture),
            Library::H264(decoder) => decoder.decode(frame, picture),
            #[cfg(feature = "av1")]
            Library::Av1(decoder) => decoder.decode(frame, picture),
        }
    }
}

#[derive(Debug)]
struct Vpx {
    codec: vpx::Codec,
    decoder: vpx::Decoder,
    /// Whether all that the next frame may build on is there.
    is_ready: bool,
}

impl Vpx {
    fn new(codec: vpx::Codec) -> Result<Self, CodecError> {
        Ok(Self {
            codec,
            decoder: vpx::Decoder::new(codec).map_err(|_| CodecError::Library)?,
            is_ready: false,
        })
    }

    fn decode(&mut self, frame: &[u8], picture: &mut Picture) -> Result<bool, CodecError> {
        if !self.is_ready {
            if !vpx::is_keyframe(self.codec, frame) {
                return Err(CodecError::Undecodable);
            }
            // A damaged frame can leave libvpx's decoder so that it takes not even a keyframe.
            *self = Self::new(self.codec)?;
        }
        let decoded = self.decoder.decode(frame).map_err(|error| match error {
            vpx::Error::TooLarge { width, height } => CodecError::TooLarge { width, height },
            vpx::Error::Libvpx(_) | vpx::Error::Malformed => CodecError::Undecodable,
        });
        self.is_ready = decoded.is_ok();
        let Some(decoded) = decoded? else {
            return Ok(false);
        };
        picture.resize(Size::new(decoded.width, decoded.height));
        let planes = [decoded.y, decoded.u, decoded.v];
        for (plane, decoded) in picture.planes_mut().iter_mut().zip(planes) {
            plane.copy_from(decoded.rows, decoded.stride);
        }
        Ok(true)
    }
}
