//! How fast packets arrive.

/// Time that one counter stands for, in µs. Shorter follows sooner, longer needs fewer.
const STEP_US: i64 = 50_000;

/// Counters: the window, the one that is being filled, and one for packets that come out of order.
const STEPS: usize = WINDOW_STEPS + 2;

/// The window, in steps: 0.5 s. libwebrtc's largest; spans the frames of slow cameras and the halts
/// of busy receivers.
const WINDOW_STEPS: usize = 10;

/// Shortest time that tells a rate, in steps.
const MIN_STEPS: usize = 4;

/// An arrival so long before the last, in steps, means that the receiver's clock was set back.
const SET_BACK_STEPS: i64 = 40;

/// Counts arrivals by the receiver's clock.
#[derive(Debug)]
pub(super) struct Throughput {
    bytes: [u32; STEPS],
    /// Numbers of the step that is being filled and of the first of an unbroken series.
    newest: i64,
    first: i64,
}

impl Default for Throughput {
    fn default() -> Self {
        Self::starting(i64::MIN)
    }
}

impl Throughput {
    /// Takes a packet that has arrived.
    pub(super) fn insert(&mut self, arrival_us: i64, bytes: u32) {
        let step = arrival_us.div_euclid(STEP_US);
        let ahead = step.saturating_sub(self.newest);
        if ahead >= STEPS as i64 || ahead < -SET_BACK_STEPS {
            *self = Self::starting(step);
        } else if ahead <= -(STEPS as i64) {
            return;
        }
        while self.newest < step {
            self.newest += 1;
            *self.counter(self.newest) = 0;
        }
        let counter = self.counter(step);
        *counter = counter.saturating_add(bytes);
    }

    /// The rate of the last 0.5 s in bits/s, or of less if arrivals have only begun. `None` if that
    /// is too little to tell.
    pub(super) fn rate_bps(&self) -> Option<u64> {
        let bytes = self.complete_steps().map(u64::from).sum();
        rate_bps(bytes, self.complete_steps().count())
    }

    /// The rate of the last `span_us`, of 0.2 to 0.5 s, at which packets came when they came: a path
    /// that has just become longer delivers nothing for a while, but one with a queue always does.
    pub(super) fn busy_rate_bps(&self, span_us: u64) -> Option<u64> {
        let steps = usize::try_from(span_us / STEP_US as u64).unwrap_or(WINDOW_STEPS);
        let busy = || {
            self.complete_steps()
                .filter(|bytes| *bytes > 0)
                .take(steps.clamp(MIN_STEPS, WINDOW_STEPS))
        };
        rate_bps(busy().map(u64::from).sum(), busy().count())
    }

    /// The steps of the window, the newest first. The one that is being filled does not count; nor
    /// does the first, which may have begun before the first packet.
    fn complete_steps(&self) -> impl Iterator<Item = u32> {
        let steps = (self.newest.saturating_sub(self.first) - 1).min(WINDOW_STEPS as i64);
        (1..=steps).map(|age| self.bytes[Self::index(self.newest - age)])
    }

    fn starting(step: i64) -> Self {
        Self {
            bytes: [0; STEPS],
            newest: step,
            first: step,
        }
    }

    fn counter(&mut self, step: i64) -> &mut u32 {
        &mut self.bytes[Self::index(step)]
    }

    fn index(step: i64) -> usize {
        step.rem_euclid(STEPS as i64) as usize
    }
}

fn rate_bps(bytes: u64, steps: usize) -> Option<u64> {
    let span_us = steps as u64 * STEP_US as u64;
    (steps >= MIN_STEPS).then(|| bytes * 8 * 1_000_000 / span_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 1,000 bytes each 10 ms: 800 kbit/s.
    fn steady(throughput: &mut Throughput, times_ms: std::ops::Range<i64>) {
        for ms in times_ms.step_by(10) {
            throughput.insert(ms * 1_000, 1_000);
        }
    }

    #[test]
    fn measures_a_steady_stream() {
        let mut throughput = Throughput::default();

        steady(&mut throughput, -5_000..5_000);

        assert_eq!(throughput.rate_bps(), Some(800_000));
        assert_eq!(throughput.busy_rate_bps(0), Some(800_000));
    }

    #[test]
    fn tells_nothing_from_the_first_moment() {
        let mut throughput = Throughput::default();

        steady(&mut throughput, 0..250);
        let early = throughput.rate_bps();
        steady(&mut throughput, 250..310);

        assert_eq!((early, throughput.rate_bps()), (None, Some(800_000)));
    }

    #[test]
    fn starts_anew_after_a_pause() {
        let mut throughput = Throughput::default();
        steady(&mut throughput, 0..1_000);

        steady(&mut throughput, 9_000..9_100);

        assert_eq!(throughput.rate_bps(), None);
    }

    #[test]
    fn the_busy_rate_passes_over_a_gap() {
        let mut throughput = Throughput::default();
        steady(&mut throughput, 0..1_000);

        steady(&mut throughput, 1_100..1_260);

        assert_eq!(throughput.busy_rate_bps(0), Some(800_000));
    }

    #[test]
    fn bears_any_clock() {
        let mut throughput = Throughput::default();

        for arrival_us in [i64::MAX, i64::MIN, 0, -1, i64::MAX, 5, i64::MIN + 1] {
            throughput.insert(arrival_us, u32::MAX);
            throughput.insert(arrival_us, u32::MAX);
            assert_eq!(throughput.rate_bps(), None);
        }
    }

    #[test]
    fn the_busy_rate_sees_a_drop_first() {
        let mut throughput = Throughput::default();
        steady(&mut throughput, 0..1_000);

        for ms in (1_000..1_300).step_by(40) {
            throughput.insert(ms * 1_000, 1_000);
        }

        let recent = throughput.busy_rate_bps(0);
        assert!(recent < Some(250_000) && throughput.rate_bps() > Some(400_000));
    }
}
