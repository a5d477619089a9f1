//! How many pictures a machine makes that is late.

use std::time::{Duration, Instant};

/// How often it is looked at whether the machine keeps up.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long all has to be well before more pictures are made again.
const RECOVERY: Duration = Duration::from_secs(10);
/// One of so many pictures is made at least.
const MAX_THINNING: u32 = 4;

/// Decides how many pictures are made.
#[derive(Debug)]
pub(crate) struct Pace {
    /// How late it may be.
    limit: Duration,
    thinning: u32,
    next_look: Instant,
    /// Since when all is well.
    well_since: Instant,
}

impl Pace {
    /// Begins with all pictures, and makes fewer once it is later than `limit`.
    pub(crate) fn new(now: Instant, limit: Duration) -> Self {
        Self {
            limit,
            thinning: 1,
            next_look: now + LOOK_INTERVAL,
            well_since: now,
        }
    }

    /// Of how many pictures one is to be made, if that has changed.
    pub(crate) fn look(&mut self, now: Instant, late: Duration) -> Option<u32> {
        if now < self.next_look {
            return None;
        }
        self.next_look = now + LOOK_INTERVAL;
        let before = self.thinning;
        if late > self.limit {
            self.well_since = now;
            self.thinning = (self.thinning + 1).min(MAX_THINNING);
        } else if now.saturating_duration_since(self.well_since) >= RECOVERY {
            self.well_since = now;
            self.thinning = (self.thinning - 1).max(1);
        }
        (self.thinning != before).then_some(self.thinning)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_machine_that_is_late_makes_fewer_pictures_for_a_while() {
        let begin = clock::now();
        let mut pace = Pace::new(begin, Duration::from_millis(500));
        let at = |seconds| begin + Duration::from_secs(seconds);
        let late = Duration::from_secs(1);

        assert_eq!(pace.look(at(0), late), None);
        assert_eq!(pace.look(at(1), late), Some(2));
        assert_eq!(pace.look(at(2), late), Some(3));
        assert_eq!(pace.look(at(3), Duration::ZERO), None);
        assert_eq!(pace.look(at(12), Duration::ZERO), Some(2));
        assert_eq!(pace.look(at(13), Duration::ZERO), None);
        assert_eq!(pace.look(at(22), Duration::ZERO), Some(1));
    }
}
