//! Whole senders, whose clocks differ and whose packets are late.

use std::time::{Duration, Instant};

use proto::media::{StreamClock, WallClock};

use super::{RoomTimeUs, SenderClock, Stamp, Timeline, TrackClock};

#[test]
fn counts_from_where_it_begins() {
    let start = start();
    let wall = WallClock::new(start, Duration::from_secs(1_000));
    let timeline = Timeline::new(wall, start + Duration::from_secs(1));

    assert_eq!(timeline.at(start + Duration::from_millis(1_250)), 250_000);
    assert_eq!(timeline.at(start), -1_000_000);
    let ntp = wall.ntp(start + Duration::from_millis(1_250));
    assert!((timeline.at_ntp(ntp) - 250_000).abs() <= 1);
    assert_eq!(timeline.unix_ms(500_000), 1_001_500);
}

#[test]
fn sound_and_pictures_stay_together_for_two_hours() {
    for ppm in [-200, 0, 200] {
        let mut sender = Sender::new(ppm);
        let skews = sender.run(Duration::from_secs(7_200));

        // The first reports come within five seconds; before them only arrival is known.
        let settled = &skews[skews.len() / 200..];
        assert!(
            percentile(settled, 0.5) <= 5_000,
            "{ppm}: {}",
            percentile(settled, 0.5)
        );
        assert!(
            percentile(settled, 1.0) <= 15_000,
            "{ppm}: {}",
            percentile(settled, 1.0)
        );
        // In the whole time, from first to last.
        assert!(percentile(&skews, 0.95) <= 40_000);
        // The offset to the server's clock is the shortest way, and stays it.
        let drift = sender.sound_error.abs_diff(sender.settled_error);
        assert!(drift <= 5_000, "{ppm}: {drift}");
    }
}

#[test]
fn no_time_is_before_the_last() {
    let mut sender = Sender::new(0);
    sender.jitter_us = 200_000;
    sender.run(Duration::from_secs(60));

    assert!(sender.are_times_in_order);
}

#[test]
fn a_roll_over_is_no_jump() {
    let (timeline, start) = timeline();
    let (mut sender, mut track) = (SenderClock::default(), TrackClock::new(90_000));

    let times: Vec<_> = (0..4u32)
        .map(|index| {
            let stamp = Stamp {
                timestamp: u32::MAX.wrapping_sub(4_000).wrapping_add(index * 3_000),
                received: start + Duration::from_micros(33_333) * index,
                clock: None,
                encoding: 0,
            };
            track.time_of(&timeline, &mut sender, stamp)
        })
        .collect();

    assert_eq!(times, [0, 33_333, 66_666, 99_999]);
    assert_eq!(track.restarts(), 0);
}

#[test]
fn timestamps_that_begin_anew_go_by_arrival() {
    let (timeline, start) = timeline();
    let (mut sender, mut track) = (SenderClock::default(), TrackClock::new(48_000));
    let mut at = |ms, timestamp| {
        let stamp = Stamp {
            timestamp,
            received: start + Duration::from_millis(ms),
            clock: None,
            encoding: 0,
        };
        track.time_of(&timeline, &mut sender, stamp)
    };

    assert_eq!(at(0, 5_000), 0);
    assert_eq!(at(20, 5_960), 20_000);
    assert_eq!(at(40, 3_000_000_000), 40_000);
    assert_eq!(at(60, 3_000_000_960), 60_000);
    assert_eq!(track.restarts(), 1);
}

#[test]
fn a_late_repair_that_brings_the_first_report_makes_nothing_late() {
    let (timeline, start) = timeline();
    let (mut sender, mut track) = (SenderClock::default(), TrackClock::new(48_000));
    let times = (0..60u32).map(|index| {
        let captured = Duration::from_millis(20) * index;
        let late_ms = if index == 30 { 900 } else { 30 };
        let stamp = Stamp {
            timestamp: 960 * index,
            received: start + captured + Duration::from_millis(late_ms),
            clock: (index >= 30).then(|| StreamClock {
                ntp: timeline.wall().ntp(start),
                timestamp: 0,
            }),
            encoding: 0,
        };
        track.time_of(&timeline, &mut sender, stamp)
    });

    for (index, time_us) in (0..).zip(times) {
        assert!((time_us - 30_000 - 20_000 * index).abs() <= 1, "{time_us}");
    }
}

/// Captures a beep and a flash at the same moments, with clocks that are all wrong.
struct Sender {
    timeline: Timeline,
    start: Instant,
    /// How much faster its clocks are than the server's: sample clock, and wall clock half as much.
    ppm: i64,
    jitter_us: i64,
    random: fastrand::Rng,
    are_times_in_order: bool,
    sound_error: i64,
    settled_error: i64,
}

impl Sender {
    fn new(ppm: i64) -> Self {
        let (timeline, start) = timeline();
        Self {
            timeline,
            start,
            ppm,
            jitter_us: 30_000,
            random: fastrand::Rng::with_seed(7),
            are_times_in_order: true,
            sound_error: 0,
            settled_error: 0,
        }
    }

    /// How far apart sound and pictures of the same moment are shown, ten times a second.
    fn run(&mut self, span: Duration) -> Vec<i64> {
        let mut sender = SenderClock::default();
        let mut sound = TrackClock::new(48_000);
        let mut pictures = TrackClock::new(90_000);
        let (mut sound_report, mut picture_report) = (None, None);
        let mut before = [RoomTimeUs::MIN; 2];
        let mut skews = Vec::new();
        for step in 0..span.as_millis() as i64 / 100 {
            let at_us = step * 100_000;
            if step % 50 == 25 {
                sound_report = Some(self.report(at_us, 48_000));
            }
            if step % 10 == 5 {
                picture_report = Some(self.report(at_us, 90_000));
            }
            // Pictures take longer to encode and to send.
            let heard = self.stamp(at_us, 48_000, 20_000, sound_report);
            let seen = self.stamp(at_us, 90_000, 70_000, picture_report);
            let heard = sound.time_of(&self.timeline, &mut sender, heard);
            let seen = pictures.time_of(&self.timeline, &mut sender, seen);
            self.are_times_in_order &= heard > before[0] && seen > before[1];
            before = [heard, seen];
            skews.push((heard - seen).abs());
            self.sound_error = heard - at_us;
            if step == 600 {
                self.settled_error = self.sound_error;
            }
        }
        skews
    }

    fn stamp(
        &mut self,
        at_us: i64,
        rate_hz: i64,
        delay_us: i64,
        clock: Option<StreamClock>,
    ) -> Stamp {
        let late_us = delay_us + self.random.i64(0..self.jitter_us);
        Stamp {
            timestamp: self.timestamp(at_us, rate_hz),
            received: self.start + Duration::from_micros((at_us + late_us) as u64),
            clock,
            encoding: 0,
        }
    }

    /// What a report says at a moment; senders know it to a millisecond.
    fn report(&mut self, at_us: i64, rate_hz: i64) -> StreamClock {
        let trembling = self.random.i64(-500..500);
        let own_us = at_us + at_us * self.ppm / 2 / 1_000_000 + trembling;
        let from_start = Duration::from_micros((own_us + 1_000_000) as u64);
        let wall = self.timeline.wall();
        StreamClock {
            ntp: wall.ntp(self.start + from_start) - (1 << 32),
            timestamp: self.timestamp(at_us, rate_hz),
        }
    }

    fn timestamp(&self, at_us: i64, rate_hz: i64) -> u32 {
        let own_us = at_us + at_us * self.ppm / 1_000_000;
        4_000_000_000u32.wrapping_add((own_us * rate_hz / 1_000_000) as u32)
    }
}

fn timeline() -> (Timeline, Instant) {
    let start = start();
    let wall = WallClock::new(start, Duration::from_secs(1_800_000_000));
    (Timeline::new(wall, start), start)
}

fn percentile(values: &[i64], share: f64) -> i64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let last = sorted.len() - 1;
    sorted[(last as f64 * share) as usize]
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock"
)]
fn start() -> Instant {
    Instant::now()
}
