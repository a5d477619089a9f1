//! What receiver reports say of a stream (RFC 3550 §6.4.1, appendix A.3 and A.8).

use std::time::{Duration, Instant};

use crate::media::clock::ntp_middle;
use crate::media::rtcp::ReportBlock;

/// Counts of one received stream.
#[derive(Debug, Default)]
pub(super) struct Reception {
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// As they were at the last report.
    expected_before: u64,
    received_before: u64,
    /// Sixteenths of a timestamp unit.
    jitter: u32,
    last_transit: Option<u32>,
    /// Middle of the NTP time of the newest sender report, and when it came.
    sender_report: Option<(u32, Instant)>,
}

impl Reception {
    /// Counts a packet. `arrival` is the time in units of the stream's clock.
    pub(super) fn handle_packet(&mut self, index: u64, timestamp: u32, arrival: u32) {
        self.first.get_or_insert(index);
        self.highest = self.highest.max(index);
        self.received += 1;
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(last) = self.last_transit.replace(transit) {
            let change = (transit.wrapping_sub(last) as i32).unsigned_abs();
            self.jitter = self
                .jitter
                .wrapping_add(change)
                .wrapping_sub((self.jitter + 8) >> 4);
        }
    }

    /// Counts a packet that came by repair: it is not lost any more.
    pub(super) fn handle_repaired(&mut self) {
        self.received += 1;
    }

    pub(super) fn handle_sender_report(&mut self, now: Instant, ntp: u64) {
        self.sender_report = Some((ntp_middle(ntp), now));
    }

    /// The report since the last one; `None` if nothing has come since.
    pub(super) fn report(&mut self, now: Instant, ssrc: u32) -> Option<ReportBlock> {
        let expected = self.highest - self.first? + 1;
        let expected_since = expected - self.expected_before;
        let received_since = self.received - self.received_before;
        if received_since == 0 {
            return None;
        }
        self.expected_before = expected;
        self.received_before = self.received;
        let lost_since = expected_since.saturating_sub(received_since);
        let (last_sender_report, delay) = match self.sender_report {
            Some((middle, at)) => (middle, now.saturating_duration_since(at)),
            None => (0, Duration::ZERO),
        };
        let lost = expected as i64 - self.received as i64;
        Some(ReportBlock {
            ssrc,
            fraction_lost: ((lost_since << 8) / expected_since.max(1)).min(255) as u8,
            cumulative_lost: lost.clamp(-0x80_0000, 0x7F_FFFF) as i32,
            highest_sequence: self.highest as u32,
            jitter: self.jitter >> 4,
            last_sender_report,
            delay_since_last: (delay.as_micros() * 65_536 / 1_000_000) as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn reports_loss_since_the_last_report() {
        let now = start();
        let mut reception = Reception::default();
        for index in [10, 11, 13] {
            reception.handle_packet(index, 0, 0);
        }
        reception.handle_sender_report(now, 0x1234_5678_9ABC_DEF0);

        let report = reception
            .report(now + Duration::from_millis(500), 7)
            .expect("something came");

        assert_eq!((report.fraction_lost, report.cumulative_lost), (64, 1));
        assert_eq!(report.highest_sequence, 13);
        assert_eq!(report.last_sender_report, 0x5678_9ABC);
        assert_eq!(report.delay_since_last, 32_768);
        assert_eq!(reception.report(now, 7), None);
    }

    #[test]
    fn jitter_follows_the_change_of_transit_times() {
        let mut reception = Reception::default();
        for step in 0..200u32 {
            let late = if step % 2 == 0 { 0 } else { 90 };
            reception.handle_packet(u64::from(step), step * 3_000, step * 3_000 + late);
        }

        let report = reception.report(start(), 7).expect("something came");
        assert!((80..=95).contains(&report.jitter), "{}", report.jitter);
    }
}
