//! Times that are left out.

use serde::{Deserialize, Serialize};

use super::limits::MAX_PAUSES;
use crate::timeline::RoomTimeUs;

/// A stretch of time that was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// When it began, in microseconds of the room.
    pub from_us: RoomTimeUs,
    /// When it ended, if it has.
    pub to_us: Option<RoomTimeUs>,
}

/// The pauses of a recording. Its files have no time for them: what comes after follows at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pauses(Vec<Interval>);

impl Pauses {
    /// Begins a pause. Returns whether it did.
    pub fn begin(&mut self, at: RoomTimeUs) -> bool {
        if self.is_paused() || self.0.len() == MAX_PAUSES {
            return false;
        }
        let from_us = self
            .0
            .last()
            .and_then(|last| last.to_us)
            .unwrap_or(0)
            .max(at);
        self.0.push(Interval {
            from_us,
            to_us: None,
        });
        true
    }

    /// Ends the pause. Returns whether there was one.
    pub fn end(&mut self, at: RoomTimeUs) -> bool {
        match self.0.last_mut() {
            Some(last) if last.to_us.is_none() => {
                last.to_us = Some(at.max(last.from_us));
                true
            }
            _ => false,
        }
    }

    /// Whether there is a pause at present.
    pub fn is_paused(&self) -> bool {
        self.0.last().is_some_and(|last| last.to_us.is_none())
    }

    /// How much of the time so far was not left out.
    pub fn elapsed_us(&self, at: RoomTimeUs) -> i64 {
        let left_out = self.0.iter().map(|pause| {
            let to_us = pause.to_us.unwrap_or(at).min(at);
            (to_us - pause.from_us).max(0)
        });
        at - left_out.sum::<i64>()
    }

    /// The time in files that belongs to a time of the room; `None` within a pause.
    pub fn file_time(&self, at: RoomTimeUs) -> Option<i64> {
        let mut left_out = 0;
        for pause in self.0.iter().take_while(|pause| pause.from_us <= at) {
            match pause.to_us {
                Some(to_us) if to_us <= at => left_out += to_us - pause.from_us,
                Some(_) | None => return None,
            }
        }
        Some(at - left_out)
    }

    /// All of them, in order.
    pub fn intervals(&self) -> &[Interval] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_takes_no_time_in_files() {
        let mut pauses = Pauses::default();
        assert!(pauses.begin(10));
        assert!(!pauses.begin(11));
        assert!(pauses.is_paused());
        assert!(pauses.end(30));
        assert!(!pauses.end(31));
        assert!(pauses.begin(40));

        let times = [9, 10, 29, 30, 39, 40, 1_000].map(|at| pauses.file_time(at));

        let expected = [Some(9), None, None, Some(10), Some(19), None, None];
        assert_eq!(times, expected);
        let elapsed = [5, 20, 35, 50].map(|at| pauses.elapsed_us(at));
        assert_eq!(elapsed, [5, 10, 15, 20]);
    }
}
