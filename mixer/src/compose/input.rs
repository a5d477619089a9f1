//! The pictures of one track, each in its time.

use std::collections::VecDeque;

use super::limits::{MAX_WAITING_BYTES, MAX_WAITING_FRAMES};
use crate::codec::{Codec, CodecError, VideoDecoder};
use crate::picture::{Picture, Size};

/// An encoded picture of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureFrame {
    /// How it is coded.
    pub codec: Codec,
    /// When it is shown first, in microseconds.
    pub pts_us: i64,
    /// The frame as files have it.
    pub data: Vec<u8>,
}

/// Frames that wait for their time, and the newest picture.
#[derive(Debug, Default)]
pub(super) struct PictureInput {
    waiting: VecDeque<PictureFrame>,
    waiting_bytes: usize,
    decoder: Option<(Codec, VideoDecoder)>,
    picture: Picture,
    shown: Option<Shown>,
    generation: u64,
    /// Frames that could not be shown.
    pub(super) dropped: u64,
}

/// What is known of the newest picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) pts_us: i64,
    pub(super) generation: u64,
}

impl PictureInput {
    /// Takes a frame. Frames come in the order of decoding; the oldest are decoded at once where too
    /// many wait.
    pub(super) fn handle_frame(&mut self, frame: PictureFrame) {
        self.waiting_bytes += frame.data.len();
        self.waiting.push_back(frame);
        while self.waiting.len() > MAX_WAITING_FRAMES || self.waiting_bytes > MAX_WAITING_BYTES {
            self.decode_next();
        }
    }

    /// Decodes what is due at a time.
    pub(super) fn advance(&mut self, at_us: i64) {
        while self
            .waiting
            .front()
            .is_some_and(|next| next.pts_us <= at_us)
        {
            self.decode_next();
        }
    }

    /// The newest picture.
    pub(super) fn shown(&self) -> Option<(&Picture, Shown)> {
        Some((&self.picture, self.shown?))
    }

    /// How large it is.
    pub(super) fn size(&self) -> Option<Size> {
        self.shown.map(|_| self.picture.size())
    }

    fn decode_next(&mut self) {
        let Some(frame) = self.waiting.pop_front() else {
            return;
        };
        self.waiting_bytes -= frame.data.len();
        match self.decode(&frame) {
            Ok(true) => {
                self.generation += 1;
                self.shown = Some(Shown {
                    pts_us: frame.pts_us,
                    generation: self.generation,
                });
            }
            Ok(false) => {}
            Err(_) => self.dropped += 1,
        }
    }

    fn decode(&mut self, frame: &PictureFrame) -> Result<bool, CodecError> {
        if self
            .decoder
            .as_ref()
            .is_none_or(|(codec, _)| *codec != frame.codec)
        {
            self.decoder = Some((frame.codec, VideoDecoder::new(frame.codec)?));
        }
        match &mut self.decoder {
            Some((_, decoder)) => decoder.decode(&frame.data, &mut self.picture),
            None => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_decoded_is_counted_and_bounded() {
        let mut input = PictureInput::default();

        for index in 0..2 * MAX_WAITING_FRAMES as i64 {
            input.handle_frame(PictureFrame {
                codec: Codec::Vp8,
                pts_us: i64::MAX,
                data: vec![index as u8; 100],
            });
        }

        assert_eq!(input.waiting.len(), MAX_WAITING_FRAMES);
        assert_eq!(input.dropped, MAX_WAITING_FRAMES as u64);
        assert!(input.shown().is_none());
    }
}
