//! The clock of one track.

use std::time::Instant;

use proto::media::StreamClock;

use super::line::Line;
use super::{RoomTimeUs, SenderClock, Timeline};

/// Timestamps that jump so far have begun anew.
const MAX_JUMP_US: i64 = 5_000_000;

/// What is known of the time of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// When its first packet arrived.
    pub received: Instant,
    /// What the newest sender report says of the track's timestamps.
    pub clock: Option<StreamClock>,
    /// Which of the track's encodings it is of. Timestamps of two encodings do not belong together.
    pub encoding: u8,
}

/// Gives the frames of a track their times, each later than the one before.
#[derive(Debug)]
pub struct TrackClock {
    rate_hz: u32,
    newest: Option<Newest>,
    line: Line,
    reported: Option<StreamClock>,
    /// Times that were not later than the one before.
    backward: u64,
    /// How often timestamps began anew.
    restarts: u64,
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    stamp: Stamp,
    /// Timestamp extended over roll-overs, from 0.
    ticks: i64,
    arrived_us: RoomTimeUs,
    /// When it is shown.
    at: RoomTimeUs,
    /// What the time of arrival made of it, before there was a report.
    provisional_us: i64,
}

impl TrackClock {
    /// A clock for timestamps of `rate_hz` ticks a second.
    pub fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz: rate_hz.max(1),
            newest: None,
            line: Line::default(),
            reported: None,
            backward: 0,
            restarts: 0,
        }
    }

    /// How many times were not later than the one before, and were made so.
    pub const fn backward(&self) -> u64 {
        self.backward
    }

    /// How often timestamps have begun anew.
    pub const fn restarts(&self) -> u64 {
        self.restarts
    }

    /// The time of the next frame of the track, by its stamp.
    pub fn time_of(
        &mut self,
        timeline: &Timeline,
        sender: &mut SenderClock,
        stamp: Stamp,
    ) -> RoomTimeUs {
        let arrived_us = timeline.at(stamp.received);
        let before = self
            .newest
            .filter(|newest| self.continues(newest, &stamp, arrived_us));
        if before.is_none() && self.newest.is_some() {
            self.restarts += 1;
        }
        let ticks = match before {
            Some(newest) => newest.ticks + step(newest.stamp.timestamp, stamp.timestamp),
            None => 0,
        };
        if before.is_none_or(|newest| newest.stamp.encoding != stamp.encoding) {
            self.line = Line::default();
            self.reported = None;
        }
        let own_us = self.us(ticks);
        self.take_report(timeline, &stamp, ticks);
        let provisional_us = match before {
            Some(newest) => newest.provisional_us + own_us - self.us(newest.ticks),
            None => arrived_us,
        };
        let at = match self.line.wall_us(own_us) {
            // The first of which the wall time is known may be a late repair: those before it tell
            // when it could have come.
            Some(wall_us) if sender.is_new() => {
                sender.handle(wall_us, provisional_us.min(arrived_us))
            }
            Some(wall_us) => sender.handle(wall_us, arrived_us),
            None => provisional_us.min(arrived_us),
        };
        let at = self.monotonic(at);
        self.newest = Some(Newest {
            stamp,
            ticks,
            arrived_us,
            at,
            // A frame that comes sooner shows that earlier ones were late.
            provisional_us: provisional_us.min(arrived_us),
        });
        at
    }

    /// Whether a frame's timestamp is in line with the one before.
    fn continues(&self, newest: &Newest, stamp: &Stamp, arrived_us: RoomTimeUs) -> bool {
        let by_timestamp = self.us(step(newest.stamp.timestamp, stamp.timestamp));
        let by_arrival = arrived_us - newest.arrived_us;
        (by_timestamp - by_arrival).abs() <= MAX_JUMP_US
    }

    fn take_report(&mut self, timeline: &Timeline, stamp: &Stamp, ticks: i64) {
        let Some(clock) = stamp.clock.filter(|clock| self.reported != Some(*clock)) else {
            return;
        };
        self.reported = Some(clock);
        let own_us = self.us(ticks + step(stamp.timestamp, clock.timestamp));
        self.line.add(own_us, timeline.at_ntp(clock.ntp));
    }

    fn monotonic(&mut self, at: RoomTimeUs) -> RoomTimeUs {
        match self.newest {
            Some(newest) if at <= newest.at => {
                self.backward += 1;
                newest.at + 1
            }
            _ => at,
        }
    }

    fn us(&self, ticks: i64) -> i64 {
        (i128::from(ticks) * 1_000_000 / i128::from(self.rate_hz)) as i64
    }
}

/// How far it is from one timestamp to another, over a roll-over.
const fn step(from: u32, to: u32) -> i64 {
    to.wrapping_sub(from) as i32 as i64
}
