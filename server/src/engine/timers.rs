//! Which session is due next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use router::ParticipantKey;

/// Deadlines of sessions. An entry may be out of date; its session's own deadline decides.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, ParticipantKey)>>,
}

impl Timers {
    pub(super) fn push(&mut self, at: Instant, key: ParticipantKey) {
        self.heap.push(Reverse((at, key)));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub(super) fn pop_due(&mut self, now: Instant) -> Option<(Instant, ParticipantKey)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if *at > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}
