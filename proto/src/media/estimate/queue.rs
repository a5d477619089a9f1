//! The queue that stands on the path: how much longer than at its best every packet takes.

/// The least time and the fewest groups of one of the three parts whose shortest delay is the
/// present one, in µs. Together 100 to 150 ms: a receiver that stops reading for 50 ms still shows
/// packets that did not wait. Longer bears longer halts, shorter sees a queue sooner.
const PART_US: u64 = 50_000;
const PART_GROUPS: u32 = 2;

/// Number of parts, the last of which is not complete.
const PARTS: usize = 3;

/// How long a delay counts as the path's best, in µs: one to two times this. Longer bears queues
/// that stand for long, shorter follows changes of the route and of the clocks (2 ms in 10 s at
/// 200 ppm). BBR has 10 s.
const BEST_AGE_US: u64 = 10_000_000;

/// Measures the queue.
#[derive(Debug)]
pub(super) struct StandingQueue {
    /// Shortest delay of the present part and of those before.
    shortest: [i32; PARTS],
    part_started_us: u64,
    part_groups: u32,
    complete_parts: u32,
    /// Shortest delay of the present period and of the one before.
    best: [i32; 2],
    best_started_us: u64,
}

impl Default for StandingQueue {
    fn default() -> Self {
        Self {
            shortest: [i32::MAX; PARTS],
            part_started_us: 0,
            part_groups: 0,
            complete_parts: 0,
            best: [i32::MAX; 2],
            best_started_us: 0,
        }
    }
}

impl StandingQueue {
    /// Takes the delay of a group.
    pub(super) fn insert(&mut self, sent_us: u64, delay_us: i32) {
        self.insert_best(sent_us, delay_us);
        self.turn_part(sent_us);
        self.shortest[0] = self.shortest[0].min(delay_us);
        self.part_groups += 1;
    }

    /// Takes a delay that only counts if it is the path's best.
    pub(super) fn insert_best(&mut self, sent_us: u64, delay_us: i32) {
        self.turn_best(sent_us);
        self.best[0] = self.best[0].min(delay_us);
    }

    /// The queue that every packet of the last moment has found, in µs; 0 before there is enough to
    /// tell.
    pub(super) fn length_us(&self) -> u32 {
        if self.complete_parts + 1 < PARTS as u32 {
            return 0;
        }
        let present = self.shortest.into_iter().fold(i32::MAX, i32::min);
        let best = self.best[0].min(self.best[1]);
        u32::try_from(i64::from(present) - i64::from(best)).unwrap_or(0)
    }

    /// Forgets the present delay, but not the best.
    pub(super) fn clear_present(&mut self) {
        self.shortest = [i32::MAX; PARTS];
        self.part_groups = 0;
        self.complete_parts = 0;
    }

    /// Takes the present delay for the best.
    pub(super) fn forget_best(&mut self) {
        self.best = [self.shortest.into_iter().fold(i32::MAX, i32::min); 2];
    }

    fn turn_part(&mut self, sent_us: u64) {
        if self.part_groups == 0 {
            self.part_started_us = sent_us;
        }
        let elapsed_us = sent_us.saturating_sub(self.part_started_us);
        if elapsed_us >= PART_US && self.part_groups >= PART_GROUPS {
            self.shortest.rotate_right(1);
            self.shortest[0] = i32::MAX;
            self.part_started_us = sent_us;
            self.part_groups = 0;
            self.complete_parts = self.complete_parts.saturating_add(1);
        }
    }

    fn turn_best(&mut self, sent_us: u64) {
        let elapsed_us = sent_us.saturating_sub(self.best_started_us);
        if elapsed_us >= 2 * BEST_AGE_US {
            self.best = [i32::MAX; 2];
        } else if elapsed_us >= BEST_AGE_US {
            self.best = [i32::MAX, self.best[0]];
        } else {
            return;
        }
        self.best_started_us = sent_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inserts a group each 10 ms with delays in ms by the time in ms.
    fn insert(
        queue: &mut StandingQueue,
        times_ms: std::ops::Range<u64>,
        delay_ms: impl Fn(u64) -> i32,
    ) {
        for ms in times_ms.step_by(10) {
            queue.insert(ms * 1_000, delay_ms(ms) * 1_000);
        }
    }

    #[test]
    fn is_the_excess_that_no_packet_escapes() {
        let mut queue = StandingQueue::default();
        insert(&mut queue, 0..1_000, |_| -20);

        insert(&mut queue, 1_000..1_200, |ms| 30 + (ms % 70) as i32);

        assert_eq!(queue.length_us(), 50_000);
    }

    #[test]
    fn does_not_see_a_receiver_that_halts() {
        let mut queue = StandingQueue::default();
        insert(&mut queue, 0..1_000, |_| 0);

        insert(&mut queue, 1_000..2_000, |ms| {
            (60 - (ms % 200) as i32).max(0)
        });

        assert_eq!(queue.length_us(), 0);
    }

    #[test]
    fn follows_a_change_of_the_route_in_time() {
        let mut queue = StandingQueue::default();
        insert(&mut queue, 0..5_000, |_| 0);

        insert(&mut queue, 5_000..6_000, |_| 80);
        let soon = queue.length_us();
        insert(&mut queue, 6_000..26_000, |_| 80);

        assert_eq!((soon, queue.length_us()), (80_000, 0));
    }

    #[test]
    fn bears_the_drift_of_clocks() {
        let mut queue = StandingQueue::default();

        for ms in (0..600_000).step_by(10) {
            queue.insert(ms * 1_000, (ms / 5) as i32);
            assert!(queue.length_us() < 5_000);
        }
    }
}
