//! Which session is due next: a timer wheel.
//!
//! Time is cut into [`TICK`]s. A deadline goes into the list of the tick it falls into, one of
//! [`SLOTS`], which come round; what is further away waits in a heap. Putting one in and taking one
//! out cost the same however many there are. Lists are linked through one vector, so that a wheel
//! which has reached its size allocates no more.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use router::ParticipantKey;

/// How long a tick is: a deadline is never early, and late by so much at most. Shorter paces more
/// finely, longer wakes less often; pacers ask for 2 ms and more.
const TICK: Duration = Duration::from_micros(500);
/// Ticks in a turn of the wheel: half a second, in which nearly all of a session's timers fall.
const SLOTS: u64 = 1_024;
/// Ends a list.
const NONE: u32 = u32::MAX;

/// Deadlines of sessions. An entry may be out of date; its session's own deadline decides.
#[derive(Debug)]
pub(super) struct Timers {
    start: Instant,
    /// The first tick whose list has not been taken.
    next_tick: u64,
    /// First entry of each list.
    heads: Vec<u32>,
    /// A bit for each list that has entries.
    filled: [u64; (SLOTS / 64) as usize],
    entries: Vec<Entry>,
    /// First of the unused entries.
    free: u32,
    /// The list being taken.
    due: u32,
    /// Those more than a turn away when they came.
    far: BinaryHeap<Reverse<(Instant, ParticipantKey)>>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    at: Instant,
    key: ParticipantKey,
    next: u32,
}

impl Timers {
    pub(super) fn new(start: Instant) -> Self {
        Self {
            start,
            next_tick: 0,
            heads: vec![NONE; SLOTS as usize],
            filled: [0; (SLOTS / 64) as usize],
            entries: Vec::new(),
            free: NONE,
            due: NONE,
            far: BinaryHeap::new(),
        }
    }

    pub(super) fn push(&mut self, at: Instant, key: ParticipantKey) {
        let tick = self.tick_after(at).max(self.next_tick);
        if tick >= self.next_tick + SLOTS {
            return self.far.push(Reverse((at, key)));
        }
        let slot = (tick % SLOTS) as usize;
        let entry = Entry {
            at,
            key,
            next: self.heads[slot],
        };
        self.heads[slot] = self.insert(entry);
        self.filled[slot / 64] |= 1 << (slot % 64);
    }

    fn insert(&mut self, entry: Entry) -> u32 {
        let index = self.free;
        if let Some(unused) = self.entries.get_mut(index as usize) {
            self.free = unused.next;
            *unused = entry;
            return index;
        }
        self.entries.push(entry);
        self.entries.len() as u32 - 1
    }

    /// When to look for what is due.
    pub(super) fn next(&self) -> Option<Instant> {
        if self.due != NONE {
            return Some(self.start);
        }
        let near = self.next_filled().map(|tick| self.at(tick));
        let far = self.far.peek().map(|Reverse((at, _))| *at);
        near.into_iter().chain(far).min()
    }

    /// The next entry whose deadline has come, in no order.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(Instant, ParticipantKey)> {
        loop {
            if let Some(entry) = self.entries.get_mut(self.due as usize) {
                let taken = *entry;
                entry.next = self.free;
                self.free = self.due;
                self.due = taken.next;
                return Some((taken.at, taken.key));
            }
            if !self.take_list(now) {
                break;
            }
        }
        self.far.peek().filter(|Reverse((at, _))| *at <= now)?;
        self.far.pop().map(|Reverse(far)| far)
    }

    /// Takes the next list that is due. Returns whether there is one.
    fn take_list(&mut self, now: Instant) -> bool {
        let last = self.tick_before(now);
        let Some(tick) = self.next_filled().filter(|tick| *tick <= last) else {
            self.next_tick = self.next_tick.max(last + 1);
            return false;
        };
        let slot = (tick % SLOTS) as usize;
        self.due = std::mem::replace(&mut self.heads[slot], NONE);
        self.filled[slot / 64] &= !(1 << (slot % 64));
        self.next_tick = tick + 1;
        true
    }

    /// The next tick whose list has entries.
    fn next_filled(&self) -> Option<u64> {
        let first = self.next_tick % SLOTS;
        let words = self.filled.len() as u64;
        // The first word comes twice: its later bits first, its earlier ones last.
        for step in 0..=words {
            let word = (first / 64 + step) % words;
            let mask = match step {
                0 => u64::MAX << (first % 64),
                _ if step == words => !(u64::MAX << (first % 64)),
                _ => u64::MAX,
            };
            let bits = self.filled[word as usize] & mask;
            if bits != 0 {
                let slot = word * 64 + u64::from(bits.trailing_zeros());
                return Some(self.next_tick + (slot + SLOTS - first) % SLOTS);
            }
        }
        None
    }

    /// The first tick that is not before an instant.
    fn tick_after(&self, at: Instant) -> u64 {
        let span = at.saturating_duration_since(self.start).as_nanos();
        span.div_ceil(TICK.as_nanos()) as u64
    }

    /// The last tick that is not after an instant.
    fn tick_before(&self, at: Instant) -> u64 {
        let span = at.saturating_duration_since(self.start).as_nanos();
        (span / TICK.as_nanos()) as u64
    }

    fn at(&self, tick: u64) -> Instant {
        self.start + Duration::from_nanos(tick * TICK.as_nanos() as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha20Rng;
    use router::{NewParticipant, Router};

    use super::*;

    /// Keys are given by a router only.
    fn keys(now: Instant, count: usize) -> Vec<ParticipantKey> {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut router = Router::new(now);
        let room = router.create_room();
        let mut join = |index| {
            let new = NewParticipant {
                identity: proto::ids::Identity::new(&format!("p{index}")).expect("a name"),
                sid: proto::ids::ParticipantSid::random(&mut rng),
                may_subscribe: true,
                auto_subscribe: true,
            };
            router.join(room, new)
        };
        (0..count).map(&mut join).collect()
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn every_deadline_comes_once_never_early_and_hardly_late() {
        let replayed = std::env::var("SIM_SEED").ok();
        let seed = replayed.map_or_else(rand::random, |seed| seed.parse().expect("a number"));
        println!("SIM_SEED={seed}");
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut now = Instant::now();
        let keys = keys(now, 50);
        let mut timers = Timers::new(now);
        let mut waiting = BTreeSet::new();
        for _ in 0..20_000 {
            for _ in 0..rng.random_range(0..3) {
                // Near, far, and past.
                let most_us = [1_000, 20_000, 400_000, 3_000_000][rng.random_range(0..4)];
                let at = now + Duration::from_micros(rng.random_range(0..most_us));
                let at = at - Duration::from_micros(rng.random_range(0..100));
                let key = keys[rng.random_range(0..keys.len())];
                if waiting.insert((at, key)) {
                    timers.push(at, key);
                }
            }
            let soonest = waiting.first().map(|(at, _)| *at);
            let next = timers.next();
            assert_eq!(next.is_some(), soonest.is_some());
            if let (Some(next), Some(soonest)) = (next, soonest) {
                assert!(next <= soonest.max(now) + TICK, "not told too late");
            }
            // As a worker sleeps, but at times it is late.
            now = match rng.random_range(0..10) {
                0 => now + Duration::from_micros(rng.random_range(0..800_000)),
                _ => next.unwrap_or(now).max(now + Duration::from_micros(50)),
            };
            while let Some(due) = timers.pop_due(now) {
                assert!(due.0 <= now, "never early");
                assert!(waiting.remove(&due), "once");
            }
            let overdue = waiting.first().filter(|(at, _)| *at + TICK <= now);
            assert_eq!(overdue, None, "hardly late");
        }
        assert!(timers.entries.len() < 10_000, "entries are used again");
    }
}
