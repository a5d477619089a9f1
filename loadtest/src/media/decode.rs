//! Decoders for the sample of streams whose pictures and sound are looked at.

use std::fmt;
use std::sync::Arc;

use proto::codec::Codec;

use super::card::Card;
use super::codec;

pub use super::spectrum::{HeardTone, ToneDecoder};

/// Decodes the frames of one RTP stream and reads their cards.
pub struct PictureDecoder {
    codec: Codec,
    decoder: Box<dyn codec::Decoder>,
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
    /// [`super::Unsupported`] if there is no decoder of the codec.
    pub fn new(codec: Codec) -> anyhow::Result<Self> {
        let decoder = codec::decoder(codec)?;
        Ok(Self { codec, decoder })
    }

    /// Decodes one complete frame from its RTP payloads, in order.
    ///
    /// # Errors
    ///
    /// If the payloads are malformed or cannot be decoded, for instance because an earlier frame
    /// is missing. Decoding can go on with the next keyframe.
    pub fn decode(&mut self, packets: &[Arc<[u8]>]) -> anyhow::Result<Option<Picture>> {
        self.decoder.decode(packets)
    }
}

impl fmt::Debug for PictureDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PictureDecoder")
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}
