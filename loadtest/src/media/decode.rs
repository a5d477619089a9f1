//! Decoders for the sample of streams whose pictures and sound are looked at.

use std::sync::Arc;

use proto::codec::Codec;

use super::card::Card;
use super::{Part, Unsupported};

/// Decodes the frames of one RTP stream and reads their cards.
#[derive(Debug)]
pub struct PictureDecoder {
    codec: Codec,
}

/// A decoded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The card, if one can be read.
    pub card: Option<Card>,
}

impl PictureDecoder {
    /// A decoder that waits for a keyframe.
    ///
    /// # Errors
    ///
    /// [`Unsupported`] if there is no decoder of the codec.
    pub fn new(codec: Codec) -> anyhow::Result<Self> {
        if codec.video().is_none() || codec == Codec::Av1 {
            let part = Part::Decoder;
            return Err(Unsupported { codec, part }.into());
        }
        Ok(Self { codec })
    }

    /// Decodes one complete frame from its RTP payloads, in order.
    ///
    /// # Errors
    ///
    /// If the payloads are malformed or cannot be decoded, for instance because an earlier frame
    /// is missing. Decoding can go on with the next keyframe.
    pub fn decode(&mut self, packets: &[Arc<[u8]>]) -> anyhow::Result<Option<Picture>> {
        let _ = (packets, self.codec);
        Ok(None)
    }
}

/// Decodes one RTP stream of Opus and tells which tone it hears.
#[derive(Debug, Default)]
pub struct ToneDecoder {}

/// The loudest frequency in a stretch of sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeardTone {
    /// Its frequency.
    pub hz: f32,
    /// Level of the whole sound, 0 the loudest there can be.
    pub level_dbov: f32,
}

impl ToneDecoder {
    /// A decoder that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one payload; tells what it heard after every 200 ms of sound.
    pub fn decode(&mut self, payload: &[u8]) -> Option<HeardTone> {
        let _ = payload;
        None
    }
}
