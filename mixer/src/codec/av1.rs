//! AV1 temporal units into pictures.

use super::CodecError;
use crate::picture::{Picture, Size};

/// A decoder of one track.
#[derive(Debug)]
pub(super) struct Decoder(dav1d::Decoder);

impl Decoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        dav1d::Decoder::new()
            .map(Self)
            .map_err(|_| CodecError::Library)
    }

    /// After a unit that cannot be decoded, none can until one builds on no other.
    pub(super) fn decode(
        &mut self,
        unit: &[u8],
        picture: &mut Picture,
    ) -> Result<bool, CodecError> {
        let decoded = self.0.decode(unit).map_err(|error| match error {
            dav1d::Error::TooLarge { width, height } => CodecError::TooLarge { width, height },
            dav1d::Error::Libdav1d(_) | dav1d::Error::Empty => CodecError::Undecodable,
        });
        let Some(decoded) = decoded? else {
            return Ok(false);
        };
        picture.resize(Size::new(decoded.width(), decoded.height()));
        for (plane, decoded) in picture.planes_mut().iter_mut().zip(decoded.planes()) {
            plane.copy_from(decoded.rows, decoded.stride);
        }
        Ok(true)
    }
}
