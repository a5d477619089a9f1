//! What pictures and sound have in common: when they come, and how late.

use std::time::{Duration, Instant, SystemTime};

use proto::media::StreamClock;
use proto::media::clock::ntp_to_system_time;

use super::Recent;

/// A stream is live if something came within it.
const LIVE: Duration = Duration::from_secs(1);

/// The timing of a stream.
#[derive(Debug)]
pub(super) struct Rhythm {
    /// When it should have begun: both sides were there.
    pub(super) wanted_from: Instant,
    pub(super) first_at: Option<Instant>,
    pub(super) last_at: Option<Instant>,
    /// Microseconds.
    latency_sum: u64,
    latency_max: u64,
    count: u64,
    recent_sum: u64,
    recent_count: u64,
    clock_error_us: Option<i64>,
}

impl Rhythm {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            wanted_from: now,
            first_at: None,
            last_at: None,
            latency_sum: 0,
            latency_max: 0,
            count: 0,
            recent_sum: 0,
            recent_count: 0,
            clock_error_us: None,
        }
    }

    /// Something should come from now on, as if for the first time.
    pub(super) fn restart(&mut self, now: Instant) {
        self.wanted_from = now;
        self.first_at = None;
        self.last_at = None;
    }

    /// Notes a frame.
    pub(super) fn beat(&mut self, now: Instant, latency_us: u64) {
        self.first_at.get_or_insert(now);
        self.last_at = Some(now);
        self.count += 1;
        self.latency_sum += latency_us;
        self.latency_max = self.latency_max.max(latency_us);
        self.recent_sum += latency_us;
        self.recent_count += 1;
    }

    /// Compares the capture time that sender reports tell with the true one.
    pub(super) fn check_clock(
        &mut self,
        clock: Option<StreamClock>,
        timestamp: u32,
        rate_hz: u32,
        captured: SystemTime,
    ) {
        let Some(clock) = clock else { return };
        let ticks = i64::from(timestamp.wrapping_sub(clock.timestamp) as i32);
        let told =
            micros(ntp_to_system_time(clock.ntp)) + ticks * 1_000_000 / i64::from(rate_hz.max(1));
        self.clock_error_us = Some(told - micros(captured));
    }

    pub(super) fn take_recent(&mut self) -> Option<Recent> {
        let latency_us = self.recent_sum.checked_div(self.recent_count)? as i64;
        (self.recent_sum, self.recent_count) = (0, 0);
        Some(Recent {
            latency_us,
            clock_error_us: self.clock_error_us,
        })
    }

    pub(super) fn has_begun(&self) -> bool {
        self.first_at.is_some()
    }

    pub(super) fn is_live(&self, now: Instant) -> bool {
        self.last_at.is_some_and(|at| now - at < LIVE)
    }

    pub(super) fn latency_mean_ms(&self) -> f64 {
        self.latency_sum as f64 / self.count.max(1) as f64 / 1_000.0
    }

    pub(super) fn latency_max_ms(&self) -> f64 {
        self.latency_max as f64 / 1_000.0
    }

    /// From when it should have begun.
    pub(super) fn first_after(&self) -> Option<Duration> {
        let first = self.first_at?;
        Some(first.saturating_duration_since(self.wanted_from))
    }
}

/// Microseconds since 1970.
fn micros(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as i64)
}
