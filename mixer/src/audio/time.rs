//! Room time in samples.

use std::time::Duration;

/// The only rate there is, in Hz. Opus is always offered with it (RFC 7587 §7).
pub const RATE_HZ: u32 = 48_000;
/// How many samples, of each channel, a tick has. It lasts 20 ms.
pub const TICK_SAMPLES: usize = 960;

/// What is heard at one time, left and right.
pub(super) type Stereo = [f32; 2];

/// A time as the number of samples since the room's zero. `None` if it is further away than any
/// recording is long.
pub(super) fn position(time_us: i64) -> Option<f64> {
    (-MAX_TIME_US..MAX_TIME_US)
        .contains(&time_us)
        .then(|| (time_us * 48) as f64 / 1_000.0)
}

/// The last sample that begins by then.
pub(super) fn whole_position(time_us: i64) -> i64 {
    (time_us.clamp(-MAX_TIME_US, MAX_TIME_US) * 48).div_euclid(1_000)
}

/// How many samples last that long.
pub(super) const fn samples(time: Duration) -> usize {
    time.as_micros() as usize * 48 / 1_000
}

/// A hundred years, which leave room for calculating.
const MAX_TIME_US: i64 = 100 * 366 * 24 * 3_600 * 1_000_000;
