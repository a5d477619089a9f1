//! Packets that hold nothing, taken out of the numbers of their stream.
//!
//! A publisher without a stream for repairs probes the path with padding in the stream of its
//! media. Nobody is sent that. If it kept its numbers, receivers would miss packets that never
//! come: they would ask for them, and report loss where there is none.

use std::collections::VecDeque;

/// Runs of such packets that are remembered, for what comes late. Publishers pad between frames,
/// so these are two seconds of 30 frames, which is longer than a packet is asked for.
const MAX_RUNS: usize = 64;

/// Packets in a row.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: u64,
    /// The index after the last.
    end: u64,
    /// How many were taken out before.
    before: u64,
}

impl Run {
    const fn after(&self) -> u64 {
        self.before + self.end - self.first
    }
}

/// What has been taken out of one stream.
#[derive(Debug, Default)]
pub(super) struct Skipped {
    runs: VecDeque<Run>,
    /// The index up to which nothing is known any more.
    forgotten: u64,
}

impl Skipped {
    /// Takes out a packet that comes after all others of its stream: those have their numbers.
    pub(super) fn insert(&mut self, index: u64) {
        let last = self.runs.back_mut();
        debug_assert!(last.as_ref().is_none_or(|last| last.end <= index));
        let before = last.as_ref().map_or(0, |last| last.after());
        if let Some(last) = last
            && last.end == index
        {
            last.end += 1;
            return;
        }
        if self.runs.len() == MAX_RUNS {
            self.forgotten = self.runs.pop_front().map_or(0, |run| run.end);
        }
        self.runs.push_back(Run {
            first: index,
            end: index + 1,
            before,
        });
    }

    /// The number of a packet when those taken out before it do not count; `None` if it is too old
    /// to tell.
    pub(super) fn number_of(&self, index: u64) -> Option<u64> {
        let Some(oldest) = self.runs.front() else {
            return Some(index);
        };
        if index < self.forgotten {
            return None;
        }
        let run = self.runs.iter().rev().find(|run| run.end <= index);
        let before = run.map_or(oldest.before, Run::after);
        index.checked_sub(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_after_what_is_taken_out() {
        let mut skipped = Skipped::default();
        assert_eq!(skipped.number_of(10), Some(10));

        for index in [11, 12, 15] {
            skipped.insert(index);
        }

        let numbers = [9, 10, 13, 14, 16, 20].map(|index| skipped.number_of(index));
        assert_eq!(numbers, [9, 10, 11, 12, 13, 17].map(Some));
    }

    #[test]
    fn what_is_older_than_all_that_is_remembered_has_no_number() {
        let mut skipped = Skipped::default();
        let runs = MAX_RUNS as u64 + 1;
        for run in 0..runs {
            skipped.insert(100 + 2 * run);
        }

        assert_eq!(skipped.runs.len(), MAX_RUNS);
        assert_eq!(skipped.number_of(99), None);
        assert_eq!(skipped.number_of(101), Some(100));
        assert_eq!(skipped.number_of(103), Some(101));
        assert_eq!(skipped.number_of(99 + 2 * runs), Some(99 + runs));
    }
}
