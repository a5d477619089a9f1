//! Writing feedback: as many arrivals as go into one packet.

use super::chunk::{ChunkWriter, Symbol};
use super::{FORMAT, REFERENCE_US, TICK_US};
use crate::media::rtcp::packet::{self, Kind, MAX_WRITTEN_BYTES};

/// Appends one packet of feedback, and returns how many of the arrivals it covers; the caller goes
/// on with the rest. None for none, at least one otherwise.
///
/// An arrival is a transport-wide sequence number, extended so that it does not wrap, with a time
/// in microseconds. Sequence numbers ascend, times may not; packets between two arrivals, and those
/// from `from` on to the first, are told as not received. The packet ends where a time is too far from the one before it for 16 bits,
/// where it would be longer than [`MAX_WRITTEN_BYTES`], and where a sequence number does not
/// ascend or is 65,535 or more behind the first.
pub fn write_transport_feedback(
    out: &mut Vec<u8>,
    sender_ssrc: u32,
    media_ssrc: u32,
    feedback_number: u8,
    from: u64,
    arrivals: &[(u64, i64)],
) -> usize {
    let Some(&(first, first_us)) = arrivals.first() else {
        return 0;
    };
    let base = if first
        .checked_sub(from)
        .is_some_and(|gap| gap < u64::from(u16::MAX))
    {
        from
    } else {
        first
    };
    let reference = first_us.div_euclid(REFERENCE_US);
    let [.., a, b, c] = reference.to_be_bytes();
    let mut covered = 0;
    packet::write(out, Kind::TRANSPORT_LAYER_FEEDBACK, FORMAT, |out| {
        out.extend(sender_ssrc.to_be_bytes());
        out.extend(media_ssrc.to_be_bytes());
        out.extend((base as u16).to_be_bytes());
        let count_at = out.len();
        out.extend([0, 0, a, b, c, feedback_number]);

        let (covered_arrivals, count) = write_chunks(out, reference, base, arrivals);
        out[count_at..count_at + 2].copy_from_slice(&count.to_be_bytes());
        write_deltas(out, reference, &arrivals[..covered_arrivals]);
        covered = covered_arrivals;
    });
    covered
}

/// Appends the chunks; returns how many arrivals and how many packets they cover.
fn write_chunks(
    out: &mut Vec<u8>,
    reference: i64,
    base: u64,
    arrivals: &[(u64, i64)],
) -> (usize, u16) {
    let room = out.len() + MAX_WRITTEN_BYTES - HEADER_BYTES;
    let mut deltas = Deltas::new(reference);
    let mut chunks = ChunkWriter::default();
    let (mut covered, mut count, mut delta_bytes) = (0, 0, 0);
    for &(sequence, arrival_us) in arrivals {
        let Some(gap) = gap(base, count, sequence) else {
            break;
        };
        let Some(delta) = deltas.next(arrival_us) else {
            break;
        };
        let symbol = Symbol::of(delta);
        let more_bytes = delta_bytes + symbol.delta_bytes() + ChunkWriter::max_chunks(gap) * 2;
        if out.len() + more_bytes > room {
            break;
        }
        chunks.add(Symbol::NotReceived, gap, out);
        chunks.add(symbol, 1, out);
        delta_bytes += symbol.delta_bytes();
        count += gap + 1;
        covered += 1;
    }
    chunks.finish(out);
    debug_assert!(out.len() + delta_bytes <= room && covered > 0);
    (covered, count)
}

/// How many packets are missing before this one, when `count` have been told about. `None` if it
/// cannot be told about in this packet.
fn gap(base: u64, count: u16, sequence: u64) -> Option<u16> {
    let place = u16::try_from(sequence.checked_sub(base)?).ok()?;
    if place == u16::MAX {
        return None; // the count has no more than 16 bits either
    }
    place.checked_sub(count)
}

fn write_deltas(out: &mut Vec<u8>, reference: i64, arrivals: &[(u64, i64)]) {
    let mut deltas = Deltas::new(reference);
    for delta in arrivals.iter().map_while(|&(_, us)| deltas.next(us)) {
        match u8::try_from(delta) {
            Ok(small) => out.push(small),
            Err(_) => out.extend(delta.to_be_bytes()),
        }
    }
}

/// Turns times into deltas. Each is the difference to what the reader makes of the ones before,
/// so that an arrival is never off by more than half a tick.
struct Deltas {
    last_us: i64,
}

impl Deltas {
    fn new(reference: i64) -> Self {
        Self {
            last_us: reference.saturating_mul(REFERENCE_US),
        }
    }

    /// `None` if 16 bits cannot hold it.
    fn next(&mut self, arrival_us: i64) -> Option<i16> {
        let distance_us = arrival_us.saturating_sub(self.last_us);
        let ticks = distance_us.saturating_add(TICK_US / 2).div_euclid(TICK_US);
        let delta = i16::try_from(ticks).ok()?;
        self.last_us = self.last_us.saturating_add(i64::from(delta) * TICK_US);
        Some(delta)
    }
}

/// Up to the first chunk.
const HEADER_BYTES: usize = 20;
