//! Padding sent to find out whether the path carries more.

use std::time::{Duration, Instant};

use crate::media::estimate::{Probe, ProbeId};

/// Most padding a packet holds (RFC 3550 §5.1: one byte tells the length).
pub(super) const PADDING_BYTES: usize = 255;
/// Shortest wait between two bursts of padding. Shorter costs wake-ups.
const MIN_WAIT: Duration = Duration::from_millis(1);

/// A probe under way.
#[derive(Debug)]
pub(super) struct Probing {
    probe: Probe,
    started: Instant,
    sent_bytes: usize,
    sent_packets: usize,
}

impl Probing {
    pub(super) fn new(now: Instant, probe: Probe) -> Self {
        Self {
            probe,
            started: now,
            sent_bytes: 0,
            sent_packets: 0,
        }
    }

    pub(super) fn id(&self) -> ProbeId {
        self.probe.id
    }

    /// Whether all of it has been sent.
    pub(super) fn is_done(&self) -> bool {
        self.sent_bytes >= self.probe.bytes && self.sent_packets >= self.probe.min_packets
    }

    /// When the next packet is due.
    pub(super) fn poll_timeout(&self) -> Instant {
        self.started + self.elapsed_at(self.sent_bytes)
    }

    /// Whether to send a packet now. What would be due within the shortest wait goes along.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        !self.is_done() && self.poll_timeout() <= now + MIN_WAIT
    }

    pub(super) fn handle_sent(&mut self, bytes: usize) {
        self.sent_bytes += bytes;
        self.sent_packets += 1;
    }

    fn elapsed_at(&self, bytes: usize) -> Duration {
        let bits = bytes as u64 * 8;
        Duration::from_micros(bits.saturating_mul(1_000_000) / self.probe.rate_bps.max(1))
    }
}
