//! Who is speaking, from the audio levels that senders put on their packets (RFC 6464).
//!
//! The rules are LiveKit's, because its SDKs show what comes of them. Time is cut into windows of
//! [`INTERVAL`]. A stream is active in a window if it was loud for two fifths of it; its level is
//! its loudest packet's, scaled by that share and smoothed over windows. At the end of each window,
//! changes are told, levels in eighths.
//!
//! Only streams that are loud or were lately are tracked, so the work follows the speakers, not
//! the participants.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How often changes are told, and the window in which a stream has to be loud. LiveKit's.
pub const INTERVAL: Duration = Duration::from_millis(400);

/// Quietest level that counts as loud, in dB below overload. LiveKit's; lower hears whispers,
/// higher leaves out keyboards.
const LOUD_DBOV: u8 = 35;

/// Share of the window in which a stream has to be loud, in percent. LiveKit's.
const MIN_ACTIVE_PERCENT: u32 = 40;

/// Weight of the newest window in the level: smooths over two windows. LiveKit's.
const SMOOTHING: f32 = 2.0 / 3.0;

/// Steps of the level that is told. LiveKit's; more steps would make more changes.
const LEVEL_STEPS: f32 = 8.0;

/// Time that a packet stands for when no packet came shortly before it: Opus sends one each 20 ms.
const FIRST_PACKET: Duration = Duration::from_millis(20);

/// Longest time that a packet can stand for; what is beyond it was silence or loss.
const MAX_PACKET: Duration = Duration::from_millis(60);

/// A stream begins or ends to be heard, or is heard louder or more softly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change<K> {
    /// The stream.
    pub key: K,
    /// 0.0 for silence to 1.0, in eighths.
    pub level: f32,
    /// Whether somebody speaks.
    pub active: bool,
}

/// The audible streams of a room, each known by a key.
#[derive(Debug)]
pub struct Speakers<K> {
    tracked: BTreeMap<K, Stream>,
    window_start: Option<Instant>,
    changes: Vec<Change<K>>,
}

impl<K> Default for Speakers<K> {
    fn default() -> Self {
        Self {
            tracked: BTreeMap::new(),
            window_start: None,
            changes: Vec::new(),
        }
    }
}

impl<K: Copy + Ord> Speakers<K> {
    /// Takes the level of a packet, in dB below overload: 0 is loudest, 127 silence.
    ///
    /// `voice` is what the sender says about the packet, if its extension has that bit. As most
    /// senders detect nothing, "no voice" counts only from one that says "voice" at other times.
    pub fn handle_level(&mut self, now: Instant, key: K, level_dbov: u8, voice: Option<bool>) {
        let loud = level_dbov <= LOUD_DBOV;
        if loud {
            self.window_start.get_or_insert(now);
            self.tracked
                .entry(key)
                .or_default()
                .handle_loud(now, level_dbov, voice);
        } else if let Some(stream) = self.tracked.get_mut(&key) {
            stream.handle_quiet(now);
        }
    }

    /// Forgets a stream that ended or was muted; if it was heard, its silence is told.
    pub fn remove(&mut self, key: K) {
        let Some(stream) = self.tracked.get_mut(&key) else {
            return;
        };
        *stream = Stream {
            told: stream.told,
            ..Stream::default()
        };
    }

    /// When the window ends; `None` while all is silent.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.window_start.map(|start| start + INTERVAL)
    }

    /// Ends the window if it is time, and tells what changed.
    pub fn poll(&mut self, now: Instant) -> &[Change<K>] {
        self.changes.clear();
        if let Some(start) = self.window_start
            && now >= start + INTERVAL
        {
            self.end_window(now.saturating_duration_since(start));
            self.window_start = (!self.tracked.is_empty()).then_some(now);
        }
        &self.changes
    }

    fn end_window(&mut self, window: Duration) {
        let changes = &mut self.changes;
        self.tracked.retain(|&key, stream| {
            stream.end_window(window);
            let told = stream.level_steps();
            if told != stream.told {
                stream.told = told;
                changes.push(Change {
                    key,
                    level: f32::from(told) / LEVEL_STEPS,
                    active: told > 0,
                });
            }
            stream.level > 0.0
        });
    }
}

/// What is known of one audible stream.
#[derive(Debug)]
struct Stream {
    last_packet: Option<Instant>,
    /// Whether the sender ever said "voice".
    detects_voice: bool,
    /// Loud time in the window.
    active: Duration,
    /// Loudest packet in the window.
    loudest_dbov: u8,
    /// Smoothed, linear.
    level: f32,
    /// The level told last, in steps; 0 for not active.
    told: u8,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            last_packet: None,
            detects_voice: false,
            active: Duration::ZERO,
            loudest_dbov: u8::MAX,
            level: 0.0,
            told: 0,
        }
    }
}

impl Stream {
    fn handle_loud(&mut self, now: Instant, level_dbov: u8, voice: Option<bool>) {
        self.detects_voice |= voice == Some(true);
        if voice == Some(false) && self.detects_voice {
            return self.handle_quiet(now);
        }
        // The time since the packet before, so that packets that arrive together count right.
        self.active += match self.last_packet {
            Some(last) => now.saturating_duration_since(last).min(MAX_PACKET),
            None => FIRST_PACKET,
        };
        self.last_packet = Some(now);
        self.loudest_dbov = self.loudest_dbov.min(level_dbov);
    }

    fn handle_quiet(&mut self, now: Instant) {
        self.last_packet = Some(now);
    }

    fn end_window(&mut self, window: Duration) {
        self.level = if self.active * 100 >= window * MIN_ACTIVE_PERCENT {
            let share = self.active.div_duration_f32(window).min(1.0);
            let level = linear(self.loudest_dbov) * share;
            self.level + (level - self.level) * SMOOTHING
        } else {
            0.0
        };
        self.active = Duration::ZERO;
        self.loudest_dbov = u8::MAX;
    }

    fn level_steps(&self) -> u8 {
        if self.level < linear(LOUD_DBOV) {
            return 0;
        }
        // Between 1 and 8: the level is above 0 and at most 1.
        (self.level * LEVEL_STEPS).ceil() as u8
    }
}

fn linear(dbov: u8) -> f32 {
    10f32.powf(f32::from(dbov) / -20.0)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const PACKET: Duration = Duration::from_millis(20);

    /// Streams that send a packet every 20 ms.
    struct Room {
        speakers: Speakers<u32>,
        now: Instant,
        changes: Vec<Change<u32>>,
    }

    impl Room {
        #[expect(
            clippy::disallowed_methods,
            reason = "some instant is needed to begin with"
        )]
        fn new() -> Self {
            Self {
                speakers: Speakers::default(),
                now: Instant::now(),
                changes: Vec::new(),
            }
        }

        /// Each packet has the given levels, one for each stream; 127 sends none.
        fn send(&mut self, packets: u32, levels: &[u8]) -> Vec<Change<u32>> {
            for _ in 0..packets {
                for (key, &level) in (0..).zip(levels) {
                    if level < 127 {
                        self.speakers.handle_level(self.now, key, level, None);
                    }
                }
                self.now += PACKET;
                self.changes.extend_from_slice(self.speakers.poll(self.now));
            }
            std::mem::take(&mut self.changes)
        }
    }

    #[test]
    fn a_loud_stream_is_told_after_one_window() {
        let mut room = Room::new();

        assert_eq!(room.send(19, &[127, 10]), []);
        // 10^(-10/20) * 2/3 = 0.21, in eighths upwards.
        assert_eq!(
            room.send(1, &[127, 10]),
            [Change {
                key: 1,
                level: 0.25,
                active: true
            }]
        );
    }

    #[test]
    fn a_steady_level_is_told_until_it_is_smooth_and_then_no_more() {
        let mut room = Room::new();

        let levels: Vec<f32> = room
            .send(20 * 10, &[0])
            .into_iter()
            .map(|change| change.level)
            .collect();

        assert_eq!(levels, [0.75, 1.0]);
    }

    #[test]
    fn quiet_streams_are_not_tracked() {
        let mut room = Room::new();

        assert_eq!(room.send(100, &[36, 60, 126]), []);

        assert!(room.speakers.tracked.is_empty());
        assert_eq!(room.speakers.poll_timeout(), None);
    }

    #[test]
    fn silence_is_told_once() {
        let mut room = Room::new();
        room.send(20, &[5]);

        let changes = room.send(100, &[90]);

        assert_eq!(
            changes,
            [Change {
                key: 0,
                level: 0.0,
                active: false
            }]
        );
        assert_eq!(room.speakers.poll_timeout(), None);
    }

    #[test]
    fn a_stream_that_stops_sending_is_silent() {
        let mut room = Room::new();
        room.send(20, &[5]);

        let changes = room.send(100, &[127]);

        assert_eq!(
            changes,
            [Change {
                key: 0,
                level: 0.0,
                active: false
            }]
        );
    }

    #[test]
    fn a_stream_has_to_be_loud_for_two_fifths_of_the_window() {
        let mut seven = Room::new();
        let mut eight = Room::new();
        seven.send(7, &[5]);
        eight.send(8, &[5]);

        assert_eq!(seven.send(13, &[90]), []);
        assert_eq!(eight.send(12, &[90]).len(), 1);
    }

    #[test]
    fn packets_that_arrive_together_count_for_the_time_they_hold() {
        let mut room = Room::new();
        for _ in 0..7 {
            for _ in 0..3 {
                room.speakers.handle_level(room.now, 0, 5, None);
            }
            room.now += 3 * PACKET;
        }

        let changes = room.speakers.poll(room.now);

        // 20 ms for the first and 60 ms for each of six batches, of 420 ms.
        assert_eq!(
            changes,
            [Change {
                key: 0,
                level: 0.375,
                active: true
            }]
        );
    }

    #[test]
    fn packets_after_a_long_gap_do_not_fill_it() {
        let mut room = Room::new();
        for _ in 0..4 {
            room.send(1, &[5]);
            room.send(24, &[127]);
        }

        assert_eq!(room.send(20, &[127]), []);
    }

    #[test]
    fn noise_is_left_out_where_the_sender_detects_voice() {
        let mut room = Room::new();
        for packet in 0..20 {
            room.speakers
                .handle_level(room.now, 0, 5, Some(packet == 0));
            room.speakers.handle_level(room.now, 1, 5, Some(false));
            room.now += PACKET;
        }

        let keys: Vec<_> = room
            .speakers
            .poll(room.now)
            .iter()
            .map(|change| change.key)
            .collect();

        assert_eq!(keys, [1]);
    }

    #[test]
    fn a_removed_speaker_is_told_to_be_silent() {
        let mut room = Room::new();
        room.send(30, &[5, 5]);

        room.speakers.remove(0);

        let changes = room.send(20, &[127, 5]);
        assert_eq!(
            changes[0],
            Change {
                key: 0,
                level: 0.0,
                active: false
            }
        );
        assert!(changes[1..].iter().all(|change| change.key == 1));
    }

    #[test]
    fn removing_an_unheard_stream_tells_nothing() {
        let mut room = Room::new();
        room.send(3, &[5]);

        room.speakers.remove(0);
        room.speakers.remove(1);

        assert_eq!(room.send(40, &[]), []);
        assert_eq!(room.speakers.poll_timeout(), None);
    }

    #[test]
    fn a_late_poll_ends_one_window() {
        let mut room = Room::new();
        for _ in 0..50 {
            room.speakers.handle_level(room.now, 0, 0, None);
            room.now += PACKET;
        }

        assert_eq!(room.speakers.poll(room.now).len(), 1);
        assert_eq!(room.speakers.poll(room.now), []);
        assert_eq!(room.speakers.poll_timeout(), Some(room.now + INTERVAL));
    }

    #[test]
    fn every_change_is_one_at_most_one_per_interval_and_all_end_silent() {
        for seed in 0..50 {
            println!("SIM_SEED={seed}");
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut room = Room::new();
            let mut told = [0.0; 6];
            let mut last = [None; 6];

            for _ in 0..200 {
                let levels: [u8; 6] = std::array::from_fn(|_| rng.random_range(0..=127));
                let packets = rng.random_range(1..30);
                for _ in 0..packets {
                    for change in room.send(1, &levels) {
                        let key = change.key as usize;
                        assert_ne!(told[key], change.level);
                        assert_eq!(change.active, change.level > 0.0);
                        assert!(
                            (0.0..=1.0).contains(&change.level)
                                && (change.level * 8.0).fract() == 0.0
                        );
                        assert!(last[key].is_none_or(|at| room.now >= at + INTERVAL));
                        told[key] = change.level;
                        last[key] = Some(room.now);
                    }
                }
            }

            for change in room.send(60, &[127; 6]) {
                told[change.key as usize] = change.level;
            }
            assert_eq!(told, [0.0; 6]);
            assert!(room.speakers.tracked.is_empty());
        }
    }
}
