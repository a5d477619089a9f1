//! Spreads bursts in time, so that they do not fill the queues of the path.

use std::time::{Duration, Instant};

/// How much faster than the estimate packets may leave. Higher adds less delay to keyframes, lower
/// fills queues less; libwebrtc uses 2.5.
const PACE_PERCENT: u64 = 250;
/// Lowest rate of leaving: what an audio call with one small picture takes.
const MIN_RATE_BPS: u64 = 1_000_000;
/// What may leave at once after a pause, as a span of the rate. Longer adds less delay, shorter
/// spares queues; 40 ms is what common buffers take.
const BURST: Duration = Duration::from_millis(40);
/// How long to wait when the burst is used up, at least: shorter costs wake-ups.
const MIN_WAIT: Duration = Duration::from_millis(2);

/// A bucket that fills at the pace and is emptied by what leaves.
#[derive(Debug)]
pub(super) struct Pacer {
    rate_bps: u64,
    /// Bits that may leave; below zero after the last packet of a burst.
    credit: i64,
    filled: Instant,
}

impl Pacer {
    pub(super) fn new(now: Instant, estimate_bps: u64) -> Self {
        let mut pacer = Self {
            rate_bps: 0,
            credit: 0,
            filled: now,
        };
        pacer.set_estimate(now, estimate_bps);
        pacer.credit = pacer.most();
        pacer
    }

    pub(super) fn set_estimate(&mut self, now: Instant, estimate_bps: u64) {
        self.fill(now);
        self.rate_bps = (estimate_bps.saturating_mul(PACE_PERCENT) / 100).max(MIN_RATE_BPS);
    }

    /// Whether another packet may leave now.
    pub(super) fn may_send(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.credit > 0
    }

    /// Notes what has left.
    pub(super) fn handle_sent(&mut self, bytes: usize) {
        self.credit = self.credit.saturating_sub(bytes as i64 * 8);
    }

    /// When another packet may leave.
    pub(super) fn poll_timeout(&self, now: Instant) -> Instant {
        let missing_bits = u64::try_from(1 - self.credit).unwrap_or(0);
        let wait = Duration::from_micros(missing_bits.saturating_mul(1_000_000) / self.rate_bps);
        now + wait.max(MIN_WAIT)
    }

    fn most(&self) -> i64 {
        (self.rate_bps.saturating_mul(BURST.as_millis() as u64) / 1_000) as i64
    }

    fn fill(&mut self, now: Instant) {
        // The packets of a turn have one time.
        if now == self.filled {
            return;
        }
        let span_us = now.saturating_duration_since(self.filled).as_micros() as u64;
        if span_us == 0 {
            return;
        }
        self.filled = now;
        let bits = self.rate_bps.saturating_mul(span_us.min(1_000_000)) / 1_000_000;
        self.credit = self.credit.saturating_add(bits as i64).min(self.most());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn lets_a_burst_through_and_then_keeps_the_pace() {
        let mut now = Instant::now();
        let mut pacer = Pacer::new(now, 4_000_000);
        let mut burst = 0;
        while pacer.may_send(now) {
            pacer.handle_sent(1_250);
            burst += 1;
        }
        assert_eq!(burst, 40, "40 ms of 10 Mbit/s");

        let (mut sent, end) = (0, now + Duration::from_secs(1));
        while now < end {
            now = pacer.poll_timeout(now);
            while pacer.may_send(now) {
                pacer.handle_sent(1_250);
                sent += 1;
            }
        }
        assert!((990..=1_010).contains(&sent), "{sent} packets of 10 kbit");
    }
}
