//! Opus made into samples.

use std::fmt;

use super::level::sum_of_squares;
use super::packet::Packet;
use super::time::{RATE_HZ, Stereo};

/// Decodes one RTP stream of Opus. What it gives is late by what the sender's encoder looks ahead,
/// 6.5 ms with libopus, which no receiver of RTP makes up for.
pub(super) struct Decoder {
    opus: opus::Decoder,
    out: Vec<Stereo>,
}

/// There is no memory for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no decoder can be had")]
pub struct NoDecoder;

impl Decoder {
    pub(super) fn new() -> Result<Self, NoDecoder> {
        let opus = opus::Decoder::new(RATE_HZ, opus::Channels::Stereo).map_err(|_| NoDecoder)?;
        Ok(Self {
            opus,
            out: vec![[0.0; 2]; Packet::MAX_SAMPLES],
        })
    }

    /// `None` if it cannot be decoded: then it is as good as lost.
    pub(super) fn decode(&mut self, packet: Packet<'_>) -> Option<&[Stereo]> {
        self.run(packet.data, packet.samples, false)
    }

    /// What was before a packet, from the copy it has of it.
    pub(super) fn recover(&mut self, packet: Packet<'_>, samples: usize) -> Option<&[Stereo]> {
        self.run(packet.data, samples, true)
    }

    /// What might have been next. `samples` are a multiple of 2.5 ms.
    pub(super) fn conceal(&mut self, samples: usize) -> Option<&[Stereo]> {
        self.run(&[], samples, false)
    }

    fn run(&mut self, data: &[u8], samples: usize, from_copy: bool) -> Option<&[Stereo]> {
        let out = self.out.get_mut(..samples)?;
        let made = self
            .opus
            .decode_float(data, out.as_flattened_mut(), from_copy)
            .ok()?;
        let out = out.get(..made)?;
        // Nothing that is not a number may reach the sum, from where it would never go.
        sum_of_squares(out.as_flattened())
            .is_finite()
            .then_some(out)
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}
