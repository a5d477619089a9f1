//! What a packet of Opus tells without being decoded (RFC 6716 §3).

use super::limits::MAX_FRAME_BYTES;
use super::time::RATE_HZ;

/// A packet that can be decoded, or at least says how long it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) data: &'a [u8],
    /// How long it is, 120 to 5,760.
    pub(super) samples: usize,
}

impl<'a> Packet<'a> {
    /// `None` if it is malformed.
    pub(super) fn parse(data: &'a [u8]) -> Option<Self> {
        // To libopus, an empty one would be a lost one.
        if data.is_empty() || data.len() > MAX_FRAME_BYTES {
            return None;
        }
        let samples = opus::packet::get_nb_samples(data, RATE_HZ).ok()?;
        (1..=Self::MAX_SAMPLES)
            .contains(&samples)
            .then_some(Self { data, samples })
    }

    /// Whether the sender has nothing to say: libopus then makes a packet without a frame, and
    /// no more until the noise behind has changed.
    pub(super) fn is_silence(self) -> bool {
        self.data.len() <= 2
    }

    /// For how many samples before it, it has a copy in low quality (LBRR, RFC 6716 §4.2.5).
    pub(super) fn redundant_samples(self) -> Option<usize> {
        const CELT_ONLY: u8 = 0x80;
        const STEREO: u8 = 0x04;
        let toc = *self.data.first()?;
        if toc & CELT_ONLY != 0 {
            return None;
        }
        let frames = opus::packet::parse(self.data).ok()?.frames;
        let flags = *frames.first()?.first()?;
        let frame_samples = opus::packet::get_samples_per_frame(self.data, RATE_HZ).ok()?;
        // For each channel, a bit for each 20 ms, and one that tells of copies. Frames of SILK last 60 ms
        // at most.
        let blocks = (frame_samples / 960).clamp(1, 3);
        let first = flags >> (7 - blocks) & 1;
        let second = if toc & STEREO != 0 {
            flags >> (6 - 2 * blocks) & 1
        } else {
            0
        };
        (first | second == 1).then_some(frame_samples)
    }

    /// 120 ms, RFC 6716 §3.2.5.
    pub(super) const MAX_SAMPLES: usize = 5_760;
}
