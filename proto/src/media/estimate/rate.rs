//! The estimate itself: what raises it, and what lowers it (draft-ietf-rmcat-gcc-02 §5.5).

use super::{MAX_ESTIMATE_BPS, MIN_ESTIMATE_BPS};

/// What remains of the measured throughput when too much is sent (the draft's beta). The rest
/// drains the queue: less drains sooner, more uses more.
const BETA: f64 = 0.85;

/// Least part of the estimate that remains when hardly anything was sent: what little traffic has
/// met says little about what more would.
const LIMITED_BETA: f64 = 0.5;

/// Growth in a second while nothing is known about the capacity (the draft's eta).
const GROWTH: f64 = 1.08;

/// Growth near the known capacity: as many bits as an average packet has in each time it takes to
/// see an effect (§5.5), but at least this share of the estimate in a second. More gets back sooner
/// what a decrease gave up, less disturbs what is sent.
const PACKET_BITS: f64 = 9_600.0;
const MIN_GROWTH: f64 = 0.02;

/// How much of a known capacity the estimate takes. The rest keeps bursts from becoming queues and
/// carries what is not counted; libwebrtc's probing has the same.
const UTILIZATION: f64 = 0.95;

/// Share of one another at which two probes have found the same capacity. Lower takes chance for a
/// capacity, higher takes the traffic's unevenness for chance.
const SAME_CAPACITY: f64 = 0.9;

/// How far the estimate may grow above what was delivered: without being tried, it means nothing
/// (libwebrtc's).
const UNTRIED: f64 = 1.5;
const UNTRIED_BPS: f64 = 10_000.0;

/// Below this share of the estimate, what is sent is limited by what there is to send, not by the
/// estimate (libwebrtc's alr_detector).
const LIMITED_SHARE: f64 = 0.65;

/// Longest time between two steps of growth, in µs: after a pause of feedback, growth goes on where
/// it was.
const MAX_STEP_US: u64 = 1_000_000;

/// Time beyond a round trip before the estimate may be lowered again, in µs: feedback, and the
/// receiver's encoding being switched. Longer lowers less often too far, shorter gets down sooner.
const DECREASE_INTERVAL_US: u64 = 200_000;

/// What a probe has done to the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It has been raised.
    Raised,
    /// It would be raised by another such probe.
    Unsure,
    /// It has not been raised.
    Nothing,
}

/// The rate that the path is taken to carry.
#[derive(Debug)]
pub(super) struct Rate {
    bps: f64,
    /// What the path has been seen not to exceed.
    capacity_bps: Option<f64>,
    /// What the last probe arrived at, if it met a capacity below the rate.
    doubted_bps: Option<f64>,
    /// Whether the last probe was carried beyond the capacity.
    is_exceeded: bool,
    stepped_us: u64,
    decreased_us: Option<u64>,
}

impl Rate {
    /// Starts from a rate.
    pub(super) fn new(bps: u64) -> Self {
        let mut rate = Self {
            bps: 0.0,
            capacity_bps: None,
            doubted_bps: None,
            is_exceeded: false,
            stepped_us: 0,
            decreased_us: None,
        };
        rate.set(bps as f64);
        rate
    }

    /// The rate in bits/s.
    pub(super) fn bps(&self) -> u64 {
        self.bps as u64
    }

    /// Whether a capacity is known that probing has to exceed to be of use.
    pub(super) fn knows_capacity(&self) -> bool {
        self.capacity_bps.is_some()
    }

    /// Whether much less is sent than the rate would allow.
    pub(super) fn is_limited(&self, sent_bps: Option<u64>) -> bool {
        sent_bps.is_none_or(|bps| (bps as f64) < self.bps * LIMITED_SHARE)
    }

    /// There is no congestion: grows as far as the throughput supports it.
    pub(super) fn increase(&mut self, now_us: u64, throughput_bps: u64, response_us: u64) {
        let seconds = self.step(now_us);
        let throughput = throughput_bps as f64;
        if let Some(capacity) = &mut self.capacity_bps {
            *capacity = capacity.max(throughput);
        }
        let untried = throughput * UNTRIED + UNTRIED_BPS;
        let (grown, limit) = match self.capacity_bps {
            None => (self.bps * GROWTH.powf(seconds), untried),
            Some(capacity) => {
                let response = response_us.max(1) as f64 / 1e6;
                let per_second = (PACKET_BITS / response).max(self.bps * MIN_GROWTH);
                let limit = untried.min(capacity * UTILIZATION);
                (self.bps + per_second * seconds, limit)
            }
        };
        self.set(grown.min(limit).max(self.bps));
    }

    /// There may be congestion: remains.
    pub(super) fn hold(&mut self, now_us: u64) {
        self.step(now_us);
    }

    /// Whether a decrease would not be for what the last one has not yet changed.
    pub(super) fn may_decrease(&self, now_us: u64, round_trip_us: u64) -> bool {
        self.decreased_us
            .is_none_or(|last| now_us.saturating_sub(last) >= round_trip_us + DECREASE_INTERVAL_US)
    }

    /// There is congestion: falls below what was delivered in it.
    pub(super) fn decrease(&mut self, now_us: u64, throughput_bps: u64, is_limited: bool) {
        let throughput = throughput_bps as f64;
        let least = match is_limited {
            true => self.bps * LIMITED_BETA,
            false => 0.0,
        };
        self.decreased_us = Some(now_us);
        self.set((throughput * BETA).max(least).min(self.bps));
        self.doubted_bps = None;
        self.is_exceeded = false;
        self.set_capacity(throughput);
    }

    /// A probe was carried at a rate. Beyond a known capacity it takes a second such probe to raise
    /// the rate: jitter lets one pass by chance.
    pub(super) fn handle_carried(&mut self, carried_bps: u64) -> Effect {
        let carried = carried_bps as f64;
        let is_beyond = self.capacity_bps.is_some_and(|capacity| carried > capacity);
        let was_exceeded = std::mem::replace(&mut self.is_exceeded, is_beyond);
        self.doubted_bps = None;
        if carried <= self.bps {
            return Effect::Nothing;
        }
        if is_beyond && !was_exceeded {
            return Effect::Unsure;
        }
        if is_beyond {
            self.capacity_bps = None;
            self.is_exceeded = false;
        }
        self.set(carried);
        Effect::Raised
    }

    /// A probe met the capacity, while `throughput` arrived in all. If that is below the rate, it
    /// takes a second such probe to lower it: the first may only have met a busy receiver.
    pub(super) fn handle_saturated(&mut self, capacity_bps: u64, throughput_bps: u64) -> Effect {
        let capacity = capacity_bps as f64;
        let target = capacity * UTILIZATION;
        let mut effect = Effect::Nothing;
        self.is_exceeded = false;
        if target > self.bps {
            self.doubted_bps = None;
            self.set(target);
            effect = Effect::Raised;
        } else if let Some(before) = self.doubted_bps.replace(target) {
            let is_same = target.min(before) >= target.max(before) * SAME_CAPACITY;
            let lowered = target.max(before).max(throughput_bps as f64);
            if is_same && lowered < self.bps {
                self.set(lowered);
            }
        }
        self.set_capacity(capacity);
        effect
    }

    /// Grows by a share per second up to a limit, for peers that do not tell of single packets.
    pub(super) fn grow_to(&mut self, now_us: u64, limit_bps: u64) {
        let seconds = self.step(now_us);
        let grown = self.bps * GROWTH.powf(seconds);
        self.set(grown.min(limit_bps as f64).max(self.bps));
    }

    /// Falls by a share.
    pub(super) fn reduce(&mut self, now_us: u64, share: f64) {
        self.step(now_us);
        self.set(self.bps * (1.0 - share));
    }

    /// Notes a capacity, which cannot be less than what the estimate already relies on.
    fn set_capacity(&mut self, bps: f64) {
        self.capacity_bps = Some(bps.max(self.bps / UTILIZATION));
    }

    fn set(&mut self, bps: f64) {
        debug_assert!(bps.is_finite());
        self.bps = bps.clamp(MIN_ESTIMATE_BPS as f64, MAX_ESTIMATE_BPS as f64);
    }

    /// Seconds since the last step.
    fn step(&mut self, now_us: u64) -> f64 {
        let elapsed_us = now_us.saturating_sub(self.stepped_us).min(MAX_STEP_US);
        self.stepped_us = now_us;
        elapsed_us as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE_US: u64 = 150_000;

    /// The rate after some seconds without congestion, in which `throughput` is delivered.
    fn grown(rate: &mut Rate, seconds: u64, throughput: impl Fn(u64) -> u64) -> u64 {
        let start_us = rate.stepped_us;
        for step in 1..=seconds * 20 {
            let throughput_bps = throughput(rate.bps());
            rate.increase(start_us + step * 50_000, throughput_bps, RESPONSE_US);
        }
        rate.bps()
    }

    #[test]
    fn grows_by_a_share_while_it_is_used() {
        let mut rate = Rate::new(1_000_000);

        let bps = grown(&mut rate, 1, |bps| bps);

        assert!((1_079_000..=1_081_000).contains(&bps), "{bps}");
    }

    #[test]
    fn neither_grows_nor_falls_while_little_is_sent() {
        let mut rate = Rate::new(1_000_000);

        assert_eq!(grown(&mut rate, 60, |_| 100_000), 1_000_000);
    }

    #[test]
    fn falls_below_what_was_delivered_and_approaches_it_again() {
        let mut rate = Rate::new(3_000_000);

        rate.decrease(0, 2_000_000, false);
        let fallen = rate.bps();
        let grown = grown(&mut rate, 60, |bps| bps);

        assert_eq!((fallen, grown), (1_700_000, 1_900_000));
    }

    #[test]
    fn falls_no_lower_than_half_if_little_was_sent() {
        let mut rate = Rate::new(3_000_000);

        rate.decrease(0, 40_000, true);

        assert_eq!(rate.bps(), 1_500_000);
    }

    #[test]
    fn a_decrease_never_raises() {
        let mut rate = Rate::new(1_000_000);

        rate.decrease(0, 5_000_000, false);

        assert_eq!(rate.bps(), 1_000_000);
    }

    #[test]
    fn a_probe_only_raises() {
        let mut rate = Rate::new(1_000_000);

        rate.handle_carried(500_000);
        rate.handle_saturated(500_000, 0);
        let after_slow = rate.bps();
        rate.handle_saturated(2_000_000, 0);
        let after_capacity = rate.bps();
        rate.handle_carried(3_000_000);
        let after_one_beyond = rate.bps();
        rate.handle_carried(3_000_000);

        assert_eq!((after_slow, after_capacity), (1_000_000, 1_900_000));
        assert_eq!((after_one_beyond, rate.bps()), (1_900_000, 3_000_000));
        assert!(!rate.knows_capacity());
    }

    #[test]
    fn two_probes_that_agree_lower_to_no_less_than_what_arrives() {
        let mut rate = Rate::new(1_000_000);

        rate.handle_saturated(500_000, 400_000);
        rate.handle_saturated(800_000, 400_000);
        let differing = rate.bps();
        rate.handle_saturated(780_000, 400_000);
        let agreeing = rate.bps();
        rate.handle_saturated(780_000, 755_000);

        assert_eq!((differing, agreeing), (1_000_000, 760_000));
        assert_eq!(rate.bps(), 755_000);
    }

    #[test]
    fn stays_within_bounds() {
        let mut rate = Rate::new(u64::MAX);
        assert_eq!(rate.bps(), MAX_ESTIMATE_BPS);

        rate.decrease(0, 0, false);

        assert_eq!(rate.bps(), MIN_ESTIMATE_BPS);
    }
}
