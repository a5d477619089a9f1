//! What is due when.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Something that has its time, and the place of the seat it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::drive) enum Due {
    /// A change of presence.
    Turn(usize),
    /// A frame to send.
    Media(usize),
    /// A session to wake.
    Session(usize, usize),
}

/// Times in order. A time that was moved stays in until it comes; whoever set it knows then that
/// it is void.
#[derive(Debug, Default)]
pub(in crate::drive) struct Timers(BinaryHeap<Reverse<(Instant, Due)>>);

impl Timers {
    pub(in crate::drive) fn set(&mut self, at: Instant, due: Due) {
        self.0.push(Reverse((at, due)));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one whose time has come.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Instant, Due)> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(entry)| entry)
    }
}
