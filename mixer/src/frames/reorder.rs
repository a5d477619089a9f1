//! Packets in the order of their numbers.
//!
//! A packet that is missing is waited for from when the first one behind it is taken in until
//! patience ends. That is counted in the time of whoever takes packets in: if those have been in a
//! queue, the missing one may be in the same queue.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::counters::Counters;
use super::limits::{MAX_JUMP, MAX_WAITING_BYTES, MAX_WAITING_PACKETS};
use super::packet::Packet;

/// A packet whose turn it is.
#[derive(Debug)]
pub(super) struct Ordered<P> {
    pub(super) packet: Packet<P>,
    pub(super) before: Before,
}

/// What is between a packet and the one that was given before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing: they follow each other.
    Nothing,
    /// So many packets that have been given up.
    Lost(u64),
    /// Nobody knows: numbers have begun anew.
    Restart,
}

/// Puts packets in order.
#[derive(Debug)]
pub(super) struct Reorder<P> {
    patience: Duration,
    /// The number whose turn it is.
    next: Option<u64>,
    /// In the order of their numbers, from `next` on.
    waiting: VecDeque<Waiting<P>>,
    waiting_bytes: usize,
    /// Since when the packet whose turn it is has been missing.
    missing_since: Option<Instant>,
    /// What is left of numbers that are over; `next` is of these while there is something.
    ending: VecDeque<Waiting<P>>,
    has_restarted: bool,
    /// A packet far away from the others, which may be the first of new numbers.
    stray: Option<Waiting<P>>,
    is_finished: bool,
}

#[derive(Debug)]
struct Waiting<P> {
    packet: Packet<P>,
    since: Instant,
}

impl<P: AsRef<[u8]>> Reorder<P> {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            next: None,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            missing_since: None,
            ending: VecDeque::new(),
            has_restarted: false,
            stray: None,
            is_finished: false,
        }
    }

    /// Takes a packet in.
    pub(super) fn handle_packet(
        &mut self,
        now: Instant,
        packet: Packet<P>,
        counters: &mut Counters,
    ) {
        let since = now;
        let waiting = Waiting { packet, since };
        if self.is_far(waiting.packet.sequence) {
            self.handle_stray(waiting, counters);
        } else {
            self.insert(waiting, counters);
        }
    }

    /// The next packet, if it is there or those before it are given up.
    pub(super) fn poll(&mut self, now: Instant, counters: &mut Counters) -> Option<Ordered<P>> {
        if let Some(waiting) = self.ending.pop_front() {
            return Some(self.give(waiting.packet, counters));
        }
        let front = self.waiting.front()?.packet.sequence;
        let is_restart = std::mem::take(&mut self.has_restarted);
        if is_restart {
            self.next = Some(front);
        } else if self.next != Some(front) && !self.gives_up(now, counters) {
            return None;
        }
        let packet = self.waiting.pop_front()?.packet;
        self.waiting_bytes -= packet.payload.as_ref().len();
        let mut ordered = self.give(packet, counters);
        if is_restart {
            ordered.before = Before::Restart;
        }
        self.count_from_front();
        Some(ordered)
    }

    /// When a missing packet is to be given up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        Some(self.missing_since? + self.patience)
    }

    /// Gives up all that is missing.
    pub(super) fn finish(&mut self, counters: &mut Counters) {
        self.is_finished = true;
        counters.stray_packets += u64::from(self.stray.take().is_some());
    }

    fn is_far(&self, sequence: u64) -> bool {
        let Some(next) = self.next else {
            return false;
        };
        let first = if self.has_restarted {
            self.front().unwrap_or(next)
        } else {
            next
        };
        let newest = self.waiting.back().map(|last| last.packet.sequence);
        let newest = newest.unwrap_or(first);
        sequence > newest.saturating_add(MAX_JUMP) || sequence.saturating_add(MAX_JUMP) < first
    }

    /// Begins anew with the packet before and this one if they belong together.
    fn handle_stray(&mut self, waiting: Waiting<P>, counters: &mut Counters) {
        let sequence = waiting.packet.sequence;
        let Some(first) = self.stray.take() else {
            self.stray = Some(waiting);
            return;
        };
        let distance = sequence.checked_sub(first.packet.sequence);
        if !distance.is_some_and(|distance| (1..=RESTART_DISTANCE).contains(&distance)) {
            counters.stray_packets += 1;
            self.stray = Some(waiting);
            return;
        }
        counters.restarts += 1;
        counters.unpolled_packets += self.ending.len() as u64;
        self.ending = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        self.missing_since = None;
        self.has_restarted = true;
        self.insert(first, counters);
        self.insert(waiting, counters);
    }

    fn insert(&mut self, waiting: Waiting<P>, counters: &mut Counters) {
        let sequence = waiting.packet.sequence;
        let next = *self.next.get_or_insert(sequence);
        let is_late = sequence < next && !self.has_restarted;
        if is_late {
            counters.late_packets += 1;
            return;
        }
        let found = match self.waiting.back() {
            Some(last) if last.packet.sequence >= sequence => self
                .waiting
                .binary_search_by_key(&sequence, |own| own.packet.sequence),
            _ => Err(self.waiting.len()),
        };
        let Err(place) = found else {
            counters.duplicate_packets += 1;
            return;
        };
        let bytes = self.waiting_bytes + waiting.packet.payload.as_ref().len();
        if self.waiting.len() >= 2 * MAX_WAITING_PACKETS || bytes > 2 * MAX_WAITING_BYTES {
            counters.unpolled_packets += 1;
            return;
        }
        self.waiting_bytes = bytes;
        if sequence != next {
            self.missing_since.get_or_insert(waiting.since);
        }
        self.waiting.insert(place, waiting);
        if self.front() == self.next {
            self.missing_since = None;
        }
    }

    fn front(&self) -> Option<u64> {
        self.waiting.front().map(|own| own.packet.sequence)
    }

    /// Whether what is missing before the first packet is given up now.
    fn gives_up(&self, now: Instant, counters: &mut Counters) -> bool {
        let is_late = self.poll_timeout().is_some_and(|timeout| timeout <= now);
        let is_full =
            self.waiting.len() >= MAX_WAITING_PACKETS || self.waiting_bytes >= MAX_WAITING_BYTES;
        let is_hurried = is_full && !is_late && !self.is_finished;
        counters.hurried_gaps += u64::from(is_hurried);
        is_late || is_full || self.is_finished
    }

    /// Counts patience from what waits first, if there is something missing before it.
    fn count_from_front(&mut self) {
        self.missing_since = match self.front() {
            Some(front) if self.next != Some(front) => {
                self.waiting.iter().map(|own| own.since).min()
            }
            Some(_) | None => None,
        };
    }

    fn give(&mut self, packet: Packet<P>, counters: &mut Counters) -> Ordered<P> {
        let sequence = packet.sequence;
        let next = self.next.replace(sequence.saturating_add(1));
        let lost = sequence.saturating_sub(next.unwrap_or(sequence));
        counters.lost_packets += lost;
        let before = if lost == 0 {
            Before::Nothing
        } else {
            Before::Lost(lost)
        };
        Ordered { packet, before }
    }
}

/// How closely a second packet has to follow one that is far away from all others for numbers to
/// have begun anew; it allows for some loss. Repairs of what is long over follow each other as well,
/// but they do not come in so late.
const RESTART_DISTANCE: u64 = 16;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    #[test]
    fn gives_packets_in_the_order_of_their_numbers() {
        let mut world = World::new();

        world.handle(0, &[10, 13, 12, 11, 14]);

        assert_eq!(world.poll(0), following(&[10, 11, 12, 13, 14]));
        assert_eq!(world.reorder.poll_timeout(), None);
        assert_eq!(world.counters, Counters::default());
    }

    #[test]
    fn waits_for_a_gap_from_the_first_packet_after_it() {
        let mut world = World::new();
        world.handle(0, &[10]);
        world.handle(20, &[13]);
        world.handle(50, &[12]);

        assert_eq!(world.poll(119), following(&[10]));
        assert_eq!(world.timeout_ms(), Some(120));
        let given = [(12, Before::Lost(1)), (13, Before::Nothing)];
        assert_eq!(world.poll(120), given);
        assert_eq!(world.timeout_ms(), None);
        assert_eq!(world.counters.lost_packets, 1);
    }

    #[test]
    fn a_second_gap_has_a_time_of_its_own() {
        let mut world = World::new();
        world.handle(0, &[10]);
        world.handle(10, &[12]);
        world.handle(40, &[14]);

        world.poll(40);
        assert_eq!(world.timeout_ms(), Some(110));
        assert_eq!(world.poll(110), [(12, Before::Lost(1))]);
        assert_eq!(world.timeout_ms(), Some(140));
        assert_eq!(world.poll(140), [(14, Before::Lost(1))]);
    }

    #[test]
    fn a_repaired_gap_is_no_longer_waited_for() {
        let mut world = World::new();
        world.handle(0, &[10, 12]);
        world.poll(0);

        world.handle(90, &[11]);

        assert_eq!(world.poll(90), following(&[11, 12]));
        assert_eq!(world.timeout_ms(), None);
        assert_eq!(world.counters, Counters::default());
    }

    #[test]
    fn drops_duplicates_and_what_is_late() {
        let mut world = World::new();
        world.handle(0, &[10, 12, 12]);
        world.poll(0);
        world.poll(100);

        world.handle(110, &[10, 11]);

        assert_eq!(world.poll(110), []);
        let counters = Counters {
            duplicate_packets: 1,
            late_packets: 2,
            lost_packets: 1,
            ..Counters::default()
        };
        assert_eq!(world.counters, counters);
    }

    #[test]
    fn begins_anew_where_two_packets_are_far_away() {
        for restart in [13 + MAX_JUMP, 1_000_000] {
            let mut world = World::new();
            world.handle(0, &[restart / 2, restart / 2 + 2]);
            let far = restart / 2 + 2 + restart;
            world.handle(0, &[far, far + 1]);

            let given = [
                (restart / 2, Before::Nothing),
                (restart / 2 + 2, Before::Lost(1)),
                (far, Before::Restart),
                (far + 1, Before::Nothing),
            ];
            assert_eq!(world.poll(0), given);
            assert_eq!(world.counters.restarts, 1);
        }
    }

    #[test]
    fn begins_anew_at_smaller_numbers() {
        let mut world = World::new();
        world.handle(0, &[70_000]);
        world.handle(0, &[2, 4, 3]);

        let given = [
            (70_000, Before::Nothing),
            (2, Before::Restart),
            (3, Before::Nothing),
            (4, Before::Nothing),
        ];
        assert_eq!(world.poll(0), given);
    }

    #[test]
    fn one_packet_far_away_is_dropped() {
        let mut world = World::new();
        world.handle(0, &[10, 1_000_000, 11, 2_000_000, 12]);

        assert_eq!(world.poll(0), following(&[10, 11, 12]));
        assert_eq!(world.counters.stray_packets, 1);
        world.reorder.finish(&mut world.counters);
        assert_eq!(world.counters.stray_packets, 2);
    }

    #[test]
    fn gives_up_early_when_too_much_waits() {
        let mut world = World::new();
        world.handle(0, &[0]);
        world.poll(0);
        for sequence in 2..=MAX_WAITING_PACKETS as u64 {
            world.handle(0, &[sequence]);
            assert_eq!(world.poll(0), []);
        }

        world.handle(0, &[MAX_WAITING_PACKETS as u64 + 1]);

        let given = world.poll(0);
        assert_eq!(given[0], (2, Before::Lost(1)));
        assert_eq!(given.len(), MAX_WAITING_PACKETS);
        assert_eq!(world.counters.hurried_gaps, 1);
    }

    #[test]
    fn holds_a_bounded_number_even_if_nobody_polls() {
        let mut world = World::new();
        for sequence in 0..100_000 {
            world.handle(0, &[sequence]);
        }

        let held = world.reorder.waiting.len() + world.reorder.ending.len();
        assert!(held <= 4 * MAX_WAITING_PACKETS, "{held}");
        assert!(world.counters.unpolled_packets > 0);
    }

    #[test]
    fn gives_all_that_waits_when_finished() {
        let mut world = World::new();
        world.handle(0, &[10, 12]);

        world.reorder.finish(&mut world.counters);

        let given = [(10, Before::Nothing), (12, Before::Lost(1))];
        assert_eq!(world.poll(0), given);
    }

    struct World {
        start: Instant,
        reorder: Reorder<&'static [u8]>,
        counters: Counters,
    }

    impl World {
        fn new() -> Self {
            Self {
                start: start(),
                reorder: Reorder::new(PATIENCE),
                counters: Counters::default(),
            }
        }

        fn handle(&mut self, at_ms: u64, sequences: &[u64]) {
            let now = self.start + Duration::from_millis(at_ms);
            for &sequence in sequences {
                let packet = Packet {
                    sequence,
                    timestamp: 0,
                    marker: false,
                    payload: &[0; 10][..],
                    received: now,
                    orientation: None,
                    clock: None,
                };
                self.reorder.handle_packet(now, packet, &mut self.counters);
            }
        }

        fn poll(&mut self, at_ms: u64) -> Vec<(u64, Before)> {
            let now = self.start + Duration::from_millis(at_ms);
            std::iter::from_fn(|| self.reorder.poll(now, &mut self.counters))
                .map(|ordered| (ordered.packet.sequence, ordered.before))
                .collect()
        }

        fn timeout_ms(&self) -> Option<u128> {
            let timeout = self.reorder.poll_timeout()?;
            Some((timeout - self.start).as_millis())
        }
    }

    fn following(sequences: &[u64]) -> Vec<(u64, Before)> {
        let following = |&sequence| (sequence, Before::Nothing);
        sequences.iter().map(following).collect()
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    pub(in crate::frames) fn start() -> Instant {
        Instant::now()
    }
}
