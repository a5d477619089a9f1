//! Whether delays rise or fall: the slope of a line through the last ones, against a threshold that
//! adapts to how much they scatter (draft-ietf-rmcat-gcc-02 §5.4, libwebrtc's trendline estimator).

/// How many groups the line goes through. libwebrtc's; more are steadier, fewer are quicker.
const WINDOW: usize = 20;

/// Fewest groups and shortest time, in µs, that tell a direction. libwebrtc waits for the whole
/// window, which takes 0.7 s at 30 groups/s; here the queue must confirm what few groups tell.
const MIN_GROUPS: usize = 8;
const MIN_SPAN_US: u64 = 60_000;

/// What the slope times the number of groups is multiplied with before it is compared with the
/// threshold. libwebrtc's full window: a gain of 4 times 60 deltas, over 20 groups.
const GAIN: f32 = 12.0;

/// The threshold at first, and its bounds (libwebrtc's; the draft's del_var_th in ms).
const INITIAL_THRESHOLD: f32 = 12.5;
const MIN_THRESHOLD: f32 = 6.0;
const MAX_THRESHOLD: f32 = 600.0;

/// How fast the threshold follows larger and smaller slopes, per ms (the draft's K_u and K_d). It
/// rises with jitter and with flows that fill queues, and falls slowly lest single calm groups undo
/// that. libwebrtc's falls faster than it rises; but its delays are smoothed before.
const RISE_PER_MS: f32 = 0.01;
const FALL_PER_MS: f32 = 0.000_18;

/// Slopes so far above the threshold do not raise it: the draft's rule for sudden changes of the
/// delay.
const MAX_ADAPTED_EXCESS: f32 = 15.0;

/// Longest time between two groups that the threshold adapts over, in ms (libwebrtc's).
const MAX_ADAPTED_MS: f32 = 100.0;

/// How long the slope must be above the threshold, in µs of sending, to count as rising. The draft
/// has 10 ms; a busy receiver takes longer to catch up.
const RISING_TIME_US: u64 = 20_000;

/// Where the delay is going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// A queue drains.
    Falling,
    /// Neither, as far as can be told.
    Steady,
    /// A queue grows.
    Rising,
}

/// The delays of the last groups, and what they say.
#[derive(Debug)]
pub(super) struct Trend {
    samples: [Sample; WINDOW],
    count: usize,
    threshold: f32,
    above_since_us: Option<u64>,
    direction: Direction,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    sent_us: u64,
    delay_us: i32,
}

impl Default for Trend {
    fn default() -> Self {
        Self {
            samples: [Sample::default(); WINDOW],
            count: 0,
            threshold: INITIAL_THRESHOLD,
            above_since_us: None,
            direction: Direction::Steady,
        }
    }
}

impl Trend {
    /// Takes the delay of a group sent after those before.
    pub(super) fn insert(&mut self, sent_us: u64, delay_us: i32) {
        let before = self.newest();
        self.samples[self.count % WINDOW] = Sample { sent_us, delay_us };
        self.count += 1;
        if let (Some(slope), Some(before)) = (self.slope(), before) {
            let trend = slope * self.len() as f32 * GAIN;
            self.judge(sent_us, before.sent_us, trend);
            self.adapt(sent_us.saturating_sub(before.sent_us), trend.abs());
        }
    }

    /// Where the delay is going.
    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// Forgets the delays, but not how much they scatter.
    pub(super) fn clear(&mut self) {
        self.count = 0;
        self.above_since_us = None;
        self.direction = Direction::Steady;
    }

    fn len(&self) -> usize {
        self.count.min(WINDOW)
    }

    fn newest(&self) -> Option<Sample> {
        Some(self.samples[self.count.checked_sub(1)? % WINDOW])
    }

    /// By how much the delay grows in the time of sending: the least-squares slope.
    ///
    /// Over the time of sending, not that of arrival as in the draft: packets that were held up
    /// together have but one time of arrival.
    fn slope(&self) -> Option<f32> {
        let samples = &self.samples[..self.len()];
        let newest = self.newest()?;
        let oldest = samples[match self.count > WINDOW {
            true => self.count % WINDOW,
            false => 0,
        }];
        let span_us = newest.sent_us.saturating_sub(oldest.sent_us);
        if samples.len() < MIN_GROUPS || span_us < MIN_SPAN_US {
            return None;
        }
        let points = || {
            samples.iter().map(|sample| {
                let x_us = sample.sent_us.saturating_sub(oldest.sent_us);
                let y_us = i64::from(sample.delay_us) - i64::from(oldest.delay_us);
                (x_us as f32, y_us as f32)
            })
        };
        let (sum_x, sum_y) = points().fold((0.0, 0.0), |sum, (x, y)| (sum.0 + x, sum.1 + y));
        let count = samples.len() as f32;
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (above, below) = points().fold((0.0, 0.0), |sum, (x, y)| {
            let x = x - mean_x;
            (sum.0 + x * (y - mean_y), sum.1 + x * x)
        });
        (below > 0.0).then(|| above / below)
    }

    fn judge(&mut self, sent_us: u64, before_us: u64, trend: f32) {
        if trend > self.threshold {
            let since_us = *self.above_since_us.get_or_insert(before_us);
            if sent_us.saturating_sub(since_us) >= RISING_TIME_US {
                self.direction = Direction::Rising;
            }
        } else {
            self.above_since_us = None;
            self.direction = match trend < -self.threshold {
                true => Direction::Falling,
                false => Direction::Steady,
            };
        }
    }

    fn adapt(&mut self, elapsed_us: u64, size: f32) {
        if size > self.threshold + MAX_ADAPTED_EXCESS {
            return;
        }
        let elapsed_ms = (elapsed_us as f32 / 1_000.0).min(MAX_ADAPTED_MS);
        let per_ms = match size < self.threshold {
            true => FALL_PER_MS,
            false => RISE_PER_MS,
        };
        let step = (per_ms * elapsed_ms).min(1.0) * (size - self.threshold);
        self.threshold = (self.threshold + step).clamp(MIN_THRESHOLD, MAX_THRESHOLD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The direction after groups each 10 ms with these delays in ms.
    fn direction(delays_ms: impl IntoIterator<Item = i32>) -> Direction {
        let mut trend = Trend::default();
        for (index, delay_ms) in (0..).zip(delays_ms) {
            trend.insert(index * 10_000, delay_ms * 1_000);
        }
        trend.direction()
    }

    #[test]
    fn constant_delay_is_steady() {
        assert_eq!(direction([70; 50]), Direction::Steady);
    }

    #[test]
    fn delay_that_grows_is_rising() {
        assert_eq!(direction(0..50), Direction::Rising);
    }

    #[test]
    fn delay_that_shrinks_is_falling() {
        assert_eq!(direction((0..50).rev()), Direction::Falling);
    }

    #[test]
    fn tells_nothing_from_few_groups() {
        assert_eq!(direction([0, 50, 100, 150, 200]), Direction::Steady);
    }

    #[test]
    fn threshold_grows_with_scatter_and_shrinks_again() {
        let mut trend = Trend::default();

        for index in 0..1_000 {
            trend.insert(index * 10_000, (index * index % 67) as i32 * 1_000);
        }
        let noisy = trend.threshold;
        for index in 1_000..5_000 {
            trend.insert(index * 10_000, 0);
        }

        assert!(noisy > INITIAL_THRESHOLD);
        assert_eq!(trend.threshold, MIN_THRESHOLD);
    }

    #[test]
    fn equal_times_of_sending_do_not_divide_by_zero() {
        let mut trend = Trend::default();
        for delay in [i32::MIN, i32::MAX].into_iter().cycle().take(60) {
            trend.insert(0, delay);
        }

        assert_eq!(trend.direction(), Direction::Steady);
        assert!(trend.threshold.is_finite());
    }
}
