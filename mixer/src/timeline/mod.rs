//! When the frames of a conference are to be seen and heard, on one clock for all of them.
//!
//! Every sender has clocks of its own: one for each track, which counts samples or ticks of 90 kHz,
//! and the wall clock that its sender reports name. All run at slightly different speeds, and what
//! they tell reaches the server late, by a delay that changes.
//!
//! 1. A [`Timeline`] is the server's monotonic clock in microseconds since a recording began.
//! 2. A [`TrackClock`] leads from RTP timestamps to the sender's wall clock, by a straight line
//!    through its newest sender reports. Before there are any, the time of arrival has to do.
//! 3. A [`SenderClock`], which all tracks of a sender share, leads from there to the timeline. What
//!    it does to one track it does to all, so sound and pictures stay together.
//!
//! A [`TimedStream`] puts that together: packets of a track go in, frames with their times come out.
//! Nothing here looks at a clock: instants come in with the packets.

mod line;
mod sender;
mod stream;
#[cfg(test)]
mod tests;
mod track;

use std::time::Instant;

use proto::media::WallClock;

pub use sender::SenderClock;
pub use stream::{Timed, TimedStream};
pub use track::{Stamp, TrackClock};

/// Microseconds since a recording began. Negative is before that.
pub type RoomTimeUs = i64;

/// The time of a recording: that of the server's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    wall: WallClock,
    zero: Instant,
    zero_us: i64,
}

impl Timeline {
    /// A timeline that begins at an instant. `wall` is the clock that sender reports were
    /// translated to (see [`proto::media::StreamClock`]).
    pub fn new(wall: WallClock, zero: Instant) -> Self {
        Self {
            wall,
            zero,
            zero_us: ntp_us(wall.ntp(zero)),
        }
    }

    /// The time of an instant.
    pub fn at(&self, instant: Instant) -> RoomTimeUs {
        match instant.checked_duration_since(self.zero) {
            Some(after) => after.as_micros() as i64,
            None => -((self.zero - instant).as_micros() as i64),
        }
    }

    /// The time of a reading of the wall clock, in 32.32 fixed point.
    fn at_ntp(&self, ntp: u64) -> RoomTimeUs {
        ntp_us(ntp) - self.zero_us
    }

    /// The reading of the wall clock at a time, in 32.32 fixed point.
    pub fn ntp(&self, at: RoomTimeUs) -> u64 {
        let span = (i128::from(at) << 32).div_euclid(1_000_000);
        self.wall.ntp(self.zero).wrapping_add(span as u64)
    }

    /// Milliseconds since 1970 at a time.
    pub fn unix_ms(&self, at: RoomTimeUs) -> i64 {
        const NTP_TO_UNIX_MS: i64 = 2_208_988_800_000;
        (self.zero_us + at).div_euclid(1_000) - NTP_TO_UNIX_MS
    }

    /// The wall clock it was made with.
    pub const fn wall(&self) -> WallClock {
        self.wall
    }
}

/// Microseconds since 1900. A report may name any time, so nothing here may overflow.
fn ntp_us(ntp: u64) -> i64 {
    ((u128::from(ntp) * 1_000_000) >> 32) as i64
}
