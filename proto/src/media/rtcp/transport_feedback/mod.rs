//! Transport-wide feedback: when each packet of a transport arrived, whichever stream it is of,
//! draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1.
//!
//! ```text
//!  | base sequence number | packet status count |
//!  | reference time (24)  | feedback number (8) |
//!  | chunk (16) ...       | what became of each packet, from the base on
//!  | delta (8 or 16) ...  | for those received, the time since the one received before
//! ```

mod chunk;
mod write;

pub use write::write_transport_feedback;

use super::fields::Fields;
use chunk::{Chunk, Symbol};

/// Of transport layer feedback.
pub(super) const FORMAT: u8 = 15;

/// When each of a range of packets arrived.
///
/// Whoever holds one knows that there is a status for each packet and a delta for each received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportFeedback<'a> {
    base_sequence: u16,
    count: u16,
    reference: i32,
    feedback_number: u8,
    /// Starts with the chunks; where they end, only `count` tells.
    chunks: Fields<'a>,
    deltas: Fields<'a>,
}

impl<'a> TransportFeedback<'a> {
    /// Takes time by the number of chunks, not of packets they tell about.
    pub(super) fn read(mut body: Fields<'a>) -> Option<Self> {
        body.u32()?; // of the sender of this
        body.u32()?; // any stream of the transport
        let base_sequence = body.u16()?;
        let count = body.u16()?;
        let reference = body.i24()?;
        let feedback_number = body.u8()?;
        let chunks = body;
        let mut untold = count;
        let mut delta_bytes = 0;
        while untold > 0 {
            let chunk = Chunk::new(body.u16()?);
            // The last chunk may have room for more.
            let told = chunk.len().min(untold);
            delta_bytes += chunk.delta_bytes(told)?;
            untold -= told;
        }
        Some(Self {
            base_sequence,
            count,
            reference,
            feedback_number,
            chunks,
            deltas: body.part(delta_bytes)?,
        })
    }

    /// The transport-wide sequence number of the first packet told about.
    pub fn base_sequence(&self) -> u16 {
        self.base_sequence
    }

    /// How many packets are told about.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Counts feedback, so that it can be told whether some was lost; wraps.
    pub fn feedback_number(&self) -> u8 {
        self.feedback_number
    }

    /// The time that arrivals build on, in microseconds of the receiver's clock. A multiple of
    /// 64 ms, it wraps from +2^23 to -2^23 of those: once in 12.4 days.
    pub fn reference_time_us(&self) -> i64 {
        i64::from(self.reference) * REFERENCE_US
    }

    /// Each packet told about, in order: its sequence number and, if it was received, its arrival
    /// in microseconds on the clock of [`Self::reference_time_us`], in steps of 250.
    ///
    /// A packet of a few bytes can tell about 65,535 packets. A caller who knows which packets it
    /// sent compares [`Self::base_sequence`] and [`Self::count`] with that first.
    pub fn packets(&self) -> FeedbackPackets<'a> {
        FeedbackPackets {
            untold: self.count,
            sequence: self.base_sequence,
            time_us: self.reference_time_us(),
            chunks: self.chunks,
            chunk: Chunk::default(),
            index: 0,
            deltas: self.deltas,
        }
    }
}

/// The packets that feedback tells about, from [`TransportFeedback::packets`].
#[derive(Debug, Clone)]
pub struct FeedbackPackets<'a> {
    untold: u16,
    /// Of the packet that comes next.
    sequence: u16,
    /// Arrival of the last packet that was received.
    time_us: i64,
    chunks: Fields<'a>,
    chunk: Chunk,
    /// How many packets of the chunk have been told.
    index: u16,
    deltas: Fields<'a>,
}

impl Iterator for FeedbackPackets<'_> {
    type Item = (u16, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        self.untold = self.untold.checked_sub(1)?;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let delta = match self.next_symbol()? {
            Symbol::NotReceived => return Some((sequence, None)),
            Symbol::Small => i64::from(self.deltas.u8()?),
            Symbol::Large => i64::from(self.deltas.i16()?),
        };
        self.time_us += delta * TICK_US;
        Some((sequence, Some(self.time_us)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.untold.into(), Some(self.untold.into()))
    }
}

impl ExactSizeIterator for FeedbackPackets<'_> {}

impl FeedbackPackets<'_> {
    fn next_symbol(&mut self) -> Option<Symbol> {
        // A loop, as a run may have no length.
        while self.index >= self.chunk.len() {
            self.chunk = Chunk::new(self.chunks.u16()?);
            self.index = 0;
        }
        self.index += 1;
        self.chunk.symbol(self.index - 1)
    }
}

/// Unit of deltas, in microseconds.
const TICK_US: i64 = 250;
/// Unit of the reference time, in microseconds.
const REFERENCE_US: i64 = 64_000;

#[cfg(test)]
mod tests;
