//! Frames into pictures.

use openh264::decoder::Decoder as Openh264Decoder;
use openh264::formats::YUVSource;

use super::units::{Checked, check};
use crate::codec::CodecError;
use crate::picture::{Picture, Size};

/// A decoder of one track. Pictures come out in the order of decoding, each at once: where a sender
/// makes B frames, which no conference does, they are seen out of order.
#[derive(Default)]
pub(in crate::codec) struct Decoder {
    /// There while all that the next frame may build on is.
    openh264: Option<Openh264Decoder>,
    /// What it is given of a frame.
    stream: Vec<u8>,
}

impl Decoder {
    pub(in crate::codec) fn decode(
        &mut self,
        frame: &[u8],
        picture: &mut Picture,
    ) -> Result<bool, CodecError> {
        let checked = check(frame, &mut self.stream);
        // A damaged frame can leave a decoder so that it takes not even a keyframe, and pictures
        // in it that it would give later.
        let mut openh264 = match (self.openh264.take(), checked?) {
            (Some(openh264), _) => openh264,
            (None, Checked { is_keyframe: true }) => {
                Openh264Decoder::new().map_err(|_| CodecError::Library)?
            }
            (None, Checked { is_keyframe: false }) => return Err(CodecError::Undecodable),
        };
        let is_shown = show(&mut openh264, &self.stream, picture)?;
        self.openh264 = Some(openh264);
        Ok(is_shown)
    }
}

fn show(
    openh264: &mut Openh264Decoder,
    stream: &[u8],
    picture: &mut Picture,
) -> Result<bool, CodecError> {
    if stream.is_empty() {
        // No bytes mean "flush" to it.
        return Ok(false);
    }
    let decoded = openh264.decode(stream);
    let Some(decoded) = decoded.map_err(|_| CodecError::Undecodable)? else {
        return Ok(false);
    };
    let (width, height) = decoded.dimensions();
    let size = Size::new(width as u32, height as u32);
    if size.is_empty() {
        return Err(CodecError::Undecodable);
    }
    picture.resize(size);
    let (y, u, v) = decoded.strides();
    let [luma, blue, red] = picture.planes_mut();
    luma.copy_from(decoded.y(), y);
    blue.copy_from(decoded.u(), u);
    red.copy_from(decoded.v(), v);
    Ok(true)
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}
