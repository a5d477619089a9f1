//! Times in a file, which are counted in ticks.

use std::num::NonZeroU64;

/// How long a tick is, in nanoseconds (TimestampScale, RFC 9559 §5.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimestampScale(NonZeroU64);

impl TimestampScale {
    /// 1 ms, the default, and the only one that WebM's players all take.
    pub(super) const MILLISECOND: Self = Self(NonZeroU64::new(1_000_000).unwrap());

    pub(super) fn new(nanoseconds: u64) -> Option<Self> {
        NonZeroU64::new(nanoseconds).map(Self)
    }

    pub(super) fn nanoseconds(self) -> u64 {
        self.0.get()
    }

    /// The time of a tick; `None` if it is beyond all time.
    pub(super) fn microseconds(self, ticks: i128) -> Option<i64> {
        let nanoseconds = ticks.checked_mul(self.0.get().into())?;
        i64::try_from(nanoseconds.div_euclid(1_000)).ok()
    }

    /// The tick that is nearest to a time.
    pub(super) fn ticks(self, time_us: i64) -> i64 {
        let scale = i128::from(self.0.get());
        let nanoseconds = i128::from(time_us) * 1_000;
        let ticks = (nanoseconds + scale / 2).div_euclid(scale);
        i64::try_from(ticks).unwrap_or(if ticks < 0 { i64::MIN } else { i64::MAX })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_goes_to_the_nearest_tick() {
        let scale = TimestampScale::MILLISECOND;

        assert_eq!(scale.ticks(1_499), 1);
        assert_eq!(scale.ticks(1_500), 2);
        assert_eq!(scale.ticks(-600), -1);
        assert_eq!(scale.microseconds(-2), Some(-2_000));
    }

    #[test]
    fn ticks_of_any_length_come_back() {
        for nanoseconds in [1_000, 1_234_567, 20_833, 1_000_000_000] {
            let scale = TimestampScale::new(nanoseconds).expect("not zero");
            for ticks in [0, 1, 33, 1_000, 86_400_000] {
                let time_us = scale.microseconds(ticks.into()).expect("in range");
                assert_eq!(scale.ticks(time_us), ticks, "{nanoseconds} ns");
            }
        }
    }

    #[test]
    fn no_tick_is_beyond_its_range() {
        let scale = TimestampScale::new(u64::MAX).expect("not zero");

        assert_eq!(scale.microseconds(u64::MAX.into()), None);
        assert_eq!(TimestampScale(NonZeroU64::MIN).ticks(i64::MAX), i64::MAX);
        assert_eq!(TimestampScale(NonZeroU64::MIN).ticks(i64::MIN), i64::MIN);
    }
}
