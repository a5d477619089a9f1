//! Which sequence numbers have come.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// A packet that has not come this long after a later one is lost: retransmissions take a few
/// round trips.
const LOST_AFTER: Duration = Duration::from_millis(1_000);
/// A step as large is another stream, not a gap.
const MAX_STEP: u64 = 3_000;

/// The sequence numbers of a stream.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// All before it have come or are lost.
    next: Option<u64>,
    /// Those that have come beyond a gap.
    ahead: BTreeSet<u64>,
    gap_since: Option<Instant>,
    pub(super) received: u64,
    pub(super) late: u64,
    pub(super) lost: u64,
}

/// How a packet came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// After all before it.
    InOrder,
    /// Beyond a gap.
    Ahead,
    /// Into a gap.
    Late,
    /// Once more, or after it was given up.
    Stale,
    /// Far from the others: the stream begins anew.
    Restart,
}

impl Arrivals {
    /// Takes a sequence number.
    pub(super) fn take(&mut self, now: Instant, sequence: u64) -> Arrival {
        self.received += 1;
        let Some(next) = self.next else {
            self.next = Some(sequence + 1);
            return Arrival::InOrder;
        };
        if sequence.abs_diff(next) > MAX_STEP {
            self.ahead.clear();
            self.gap_since = None;
            self.next = Some(sequence + 1);
            return Arrival::Restart;
        }
        if sequence < next {
            return Arrival::Stale;
        }
        if sequence > next {
            let newest = self.ahead.last().copied();
            if !self.ahead.insert(sequence) {
                return Arrival::Stale;
            }
            self.gap_since.get_or_insert(now);
            if newest.is_some_and(|newest| sequence < newest) {
                self.late += 1;
                return Arrival::Late;
            }
            return Arrival::Ahead;
        }
        let was_gap = self.gap_since.is_some();
        self.advance(now, sequence + 1);
        if was_gap {
            self.late += 1;
            return Arrival::Late;
        }
        Arrival::InOrder
    }

    /// Gives up what is missing for too long. Returns how many packets.
    pub(super) fn give_up(&mut self, now: Instant) -> u64 {
        if self.gap_since.is_some_and(|since| now - since > LOST_AFTER) {
            self.skip_gap(now)
        } else {
            0
        }
    }

    /// Gives up all that is missing.
    pub(super) fn give_up_all(&mut self, now: Instant) -> u64 {
        let mut lost = 0;
        while self.gap_since.is_some() {
            lost += self.skip_gap(now);
        }
        lost
    }

    fn skip_gap(&mut self, now: Instant) -> u64 {
        let (Some(next), Some(first)) = (self.next, self.ahead.first().copied()) else {
            self.gap_since = None;
            return 0;
        };
        let missing = first - next;
        self.lost += missing;
        self.advance(now, first);
        missing
    }

    fn advance(&mut self, now: Instant, to: u64) {
        let mut next = to;
        while self.ahead.remove(&next) {
            next += 1;
        }
        self.next = Some(next);
        self.gap_since = (!self.ahead.is_empty()).then_some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_packet_that_fills_a_gap_is_late_and_not_lost() {
        let now = Instant::now();
        let mut arrivals = Arrivals::default();

        let how: Vec<_> = [10, 11, 13, 14, 12, 15]
            .iter()
            .map(|sequence| arrivals.take(now, *sequence))
            .collect();

        assert_eq!(how[2], Arrival::Ahead);
        assert_eq!(how[4], Arrival::Late);
        assert_eq!(how[5], Arrival::InOrder);
        assert_eq!(arrivals.give_up_all(now), 0);
        assert_eq!((arrivals.received, arrivals.late, arrivals.lost), (6, 1, 0));
    }

    #[test]
    fn a_packet_that_does_not_come_is_lost_after_a_second() {
        let now = Instant::now();
        let mut arrivals = Arrivals::default();

        for sequence in [10, 12, 13, 16] {
            arrivals.take(now, sequence);
        }

        assert_eq!(arrivals.give_up(now + ms(900)), 0);
        assert_eq!(arrivals.give_up(now + ms(1_100)), 1);
        assert_eq!(arrivals.give_up(now + ms(1_200)), 0);
        assert_eq!(arrivals.give_up(now + ms(2_300)), 2);
        assert_eq!(arrivals.take(now + ms(2_400), 17), Arrival::InOrder);
    }

    #[test]
    fn the_same_packet_twice_is_stale() {
        let now = Instant::now();
        let mut arrivals = Arrivals::default();

        let how: Vec<_> = [1, 1, 3, 3]
            .iter()
            .map(|sequence| arrivals.take(now, *sequence))
            .collect();

        assert_eq!(how[1], Arrival::Stale);
        assert_eq!(how[3], Arrival::Stale);
    }

    #[test]
    fn a_far_number_begins_another_stream() {
        let now = Instant::now();
        let mut arrivals = Arrivals::default();

        arrivals.take(now, 60_000);

        assert_eq!(arrivals.take(now, 100), Arrival::Restart);
        assert_eq!(arrivals.take(now, 101), Arrival::InOrder);
        assert_eq!(arrivals.lost, 0);
    }
}
