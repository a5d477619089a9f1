//! Wall clocks and RTP timestamps.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds from 1900, when NTP time begins, to 1970.
const UNIX_EPOCH_NTP_S: u64 = 2_208_988_800;

/// The server's wall clock, as one reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WallClock {
    at: Instant,
    since_1970: Duration,
}

impl WallClock {
    /// A clock that showed `since_1970` at an instant.
    pub const fn new(at: Instant, since_1970: Duration) -> Self {
        Self { at, since_1970 }
    }

    /// NTP time, in 32.32 fixed point (RFC 3550 §4).
    pub fn ntp(&self, now: Instant) -> u64 {
        let since_1970 = match now.checked_duration_since(self.at) {
            Some(span) => self.since_1970 + span,
            None => self.since_1970.saturating_sub(self.at - now),
        };
        let seconds = since_1970.as_secs() + UNIX_EPOCH_NTP_S;
        (seconds << 32) + (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000
    }
}

/// NTP time as a time of the system's.
pub fn ntp_to_system_time(ntp: u64) -> SystemTime {
    let seconds = (ntp >> 32).saturating_sub(UNIX_EPOCH_NTP_S);
    UNIX_EPOCH + Duration::from_secs(seconds) + ntp_span(ntp & 0xFFFF_FFFF)
}

/// A span in 32.32 fixed point.
pub fn ntp_span(ntp: u64) -> Duration {
    Duration::from_secs(ntp >> 32)
        + Duration::from_nanos(((ntp & 0xFFFF_FFFF) * 1_000_000_000) >> 32)
}

/// The middle 32 bits of NTP time, by which reports name each other (RFC 3550 §6.4.1).
pub const fn ntp_middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

/// How a stream's timestamps map onto a wall clock: what a sender report says (RFC 3550 §6.4.1).
/// Receivers play sound and pictures together by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamClock {
    /// NTP time, 32.32 fixed point.
    pub ntp: u64,
    /// The RTP timestamp at that time.
    pub timestamp: u32,
}

impl StreamClock {
    /// The same line at another NTP time, for timestamps of `rate_hz` ticks a second.
    pub fn at(self, ntp: u64, rate_hz: u32) -> Self {
        let span = ntp.wrapping_sub(self.ntp) as i64;
        let ticks = (i128::from(span) * i128::from(rate_hz)) >> 32;
        Self {
            ntp,
            timestamp: self.timestamp.wrapping_add(ticks as u32),
        }
    }

    /// The same clock for timestamps shifted by an offset.
    pub const fn shifted(self, offset: u32) -> Self {
        Self {
            ntp: self.ntp,
            timestamp: self.timestamp.wrapping_add(offset),
        }
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
    fn tells_ntp_time() {
        let at = Instant::now();
        let clock = WallClock::new(at, Duration::from_secs(1_000));

        let ntp = clock.ntp(at + Duration::from_millis(500));

        assert_eq!(ntp >> 32, UNIX_EPOCH_NTP_S + 1_000);
        assert_eq!(ntp & 0xFFFF_FFFF, 1 << 31);
        let expected = UNIX_EPOCH + Duration::from_millis(1_000_500);
        assert_eq!(ntp_to_system_time(ntp), expected);
    }

    #[test]
    fn a_stream_clock_goes_both_ways() {
        let clock = StreamClock {
            ntp: 10 << 32,
            timestamp: 5,
        };

        assert_eq!(clock.at(11 << 32, 90_000).timestamp, 90_005);
        assert_eq!(
            clock.at(9 << 32, 90_000).timestamp,
            5u32.wrapping_sub(90_000)
        );
        assert_eq!(clock.shifted(7).timestamp, 12);
    }
}
