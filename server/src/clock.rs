//! The clock of this machine: the only place that reads it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use proto::media::WallClock;

/// The present moment, for measuring and waiting.
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
pub fn now() -> Instant {
    Instant::now()
}

/// Both clocks at once, for sender reports.
pub fn wall() -> WallClock {
    WallClock::new(now(), since_1970())
}

/// Seconds since 1970, for tokens.
pub fn unix_now() -> u64 {
    since_1970().as_secs()
}

/// Milliseconds since 1970, for dates in answers and events.
pub fn unix_now_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

/// Time since 1970, by which the kernel stamps what it receives.
pub fn since_epoch() -> Duration {
    since_1970()
}

/// A clock set before 1970 reads as 1970: then every token looks fresh, and none is refused by mistake.
#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
