//! Whether more is sent than the path carries, as far as delays tell.

use super::answer::{Answer, Rates, Reply};
use super::group::{Group, Groups};
use super::queue::StandingQueue;
use super::trend::{Direction, Trend};

/// A queue that counts as one, in µs. Below it, a rising delay is not congestion. Smaller reacts
/// sooner, larger bears the timing of a loaded server and of a busy receiver.
const SHORT_QUEUE_US: u32 = 40_000;

/// The same while much less is sent than the estimate. That the path suddenly carries less than
/// even this is unlikely; if it does, the queue will soon be there.
const SHORT_QUEUE_WHEN_LIMITED_US: u32 = 70_000;

/// A queue that is too long even if it does not grow, in µs, after [`LONG_QUEUE_TIME_US`]. It keeps
/// the delay below what disturbs a conversation (ITU-T G.114: 150 ms in all).
const LONG_QUEUE_US: u32 = 80_000;

/// How long a long queue is borne, in µs of sending. Longer bears longer halts of a receiver.
const LONG_QUEUE_TIME_US: u64 = 300_000;

/// The loss with which a short queue need not grow to be congestion: its buffer is full.
const FULL_QUEUE_LOSS: f32 = 0.05;

/// Pause in sending, in µs, after which what was before tells nothing.
const SILENCE_US: u64 = 2_000_000;

/// Largest change of the delay that is one, in µs; beyond, a clock has been set.
const MAX_DELAY_US: u64 = 10_000_000;

/// What the delays say about the traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// No queue: the path may carry more.
    Normal,
    /// There is a queue, which may go by itself: wait.
    Queued,
    /// More is sent than the path carries.
    Excessive,
}

/// Judges the load by the delays of packets.
#[derive(Debug, Default)]
pub(super) struct Detector {
    groups: Groups,
    trend: Trend,
    queue: StandingQueue,
    /// The delay that others are relative to.
    origin_us: Option<i64>,
    last_sent_us: u64,
    /// Since when there has been a queue, and a long one.
    queued_since_us: Option<u64>,
    long_since_us: Option<u64>,
    answer: Option<Answer>,
}

impl Detector {
    /// Takes a packet that has arrived.
    pub(super) fn handle_arrival(&mut self, sent_us: u64, arrival_us: i64) {
        if let Some(group) = self.groups.insert(sent_us, arrival_us) {
            self.handle_group(group);
        }
    }

    /// Takes a packet that was sent in order to fill a queue: it cannot show congestion, but how
    /// fast the path is at its best.
    pub(super) fn handle_probe_arrival(&mut self, sent_us: u64, arrival_us: i64) {
        self.groups.clear();
        self.forget_present();
        if let Some(delay_us) = self.relative(arrival_us.wrapping_sub(sent_us as i64)) {
            self.queue.insert_best(sent_us, delay_us);
        }
    }

    /// What the delays say. `is_limited` tells that much less is sent than the estimate.
    pub(super) fn load(&self, is_limited: bool, loss: f32) -> Load {
        let queue_us = self.queue.length_us();
        let direction = self.trend.direction();
        let needed_us = match is_limited {
            true => SHORT_QUEUE_WHEN_LIMITED_US,
            false => SHORT_QUEUE_US,
        };
        let is_growing = direction == Direction::Rising && queue_us >= needed_us;
        let is_long = self.is_long() && self.answer.is_none() && !is_limited;
        let is_full = queue_us >= SHORT_QUEUE_US && loss >= FULL_QUEUE_LOSS;
        if is_growing || (direction != Direction::Falling && (is_long || is_full)) {
            Load::Excessive
        } else if self.is_queued() {
            Load::Queued
        } else {
            Load::Normal
        }
    }

    /// Whether there is a queue.
    pub(super) fn is_queued(&self) -> bool {
        self.queue.length_us() >= SHORT_QUEUE_US
    }

    /// For how long there has been a queue, in µs of sending.
    pub(super) fn queued_for_us(&self) -> u64 {
        self.queued_since_us
            .map_or(0, |since| self.last_sent_us.saturating_sub(since))
    }

    /// The estimate has been lowered because of the load, while so much was sent.
    pub(super) fn handle_decrease(&mut self, now_us: u64, sent_bps: u64) {
        let queue_us = self.queue.length_us();
        self.answer = Some(Answer::new(now_us, queue_us, sent_bps));
    }

    /// Gives up on a queue that does not answer to less traffic. Call with each feedback.
    pub(super) fn handle_rates(&mut self, now_us: u64, rates: Rates) {
        if self.answer.is_none() && rates.is_limited && self.is_long() {
            // It is unlikely that the path carries just what little is sent: no need to send less.
            self.handle_decrease(now_us, u64::MAX);
        }
        let queue_us = self.queue.length_us();
        let reply = match &mut self.answer {
            Some(answer) if queue_us >= SHORT_QUEUE_US => answer.poll(now_us, queue_us, rates),
            Some(_) => Reply::Done,
            None => return,
        };
        if reply != Reply::Awaited {
            self.answer = None;
        }
        if reply == Reply::Refused {
            self.queue.forget_best();
            self.queued_since_us = None;
            self.long_since_us = None;
        }
    }

    /// Whether there has been a long queue for too long.
    fn is_long(&self) -> bool {
        self.long_since_us
            .is_some_and(|since| self.last_sent_us.saturating_sub(since) >= LONG_QUEUE_TIME_US)
    }

    fn handle_group(&mut self, group: Group) {
        let Some(delay_us) = self.relative(group.delay_us) else {
            return;
        };
        if group.sent_us.saturating_sub(self.last_sent_us) > SILENCE_US {
            self.forget_present();
        }
        self.last_sent_us = group.sent_us;
        self.trend.insert(group.sent_us, delay_us);
        self.queue.insert(group.sent_us, delay_us);
        let since = |bound_us: u32, since_us: Option<u64>| {
            let is_there = self.queue.length_us() >= bound_us;
            is_there.then(|| since_us.unwrap_or(group.sent_us))
        };
        self.queued_since_us = since(SHORT_QUEUE_US, self.queued_since_us);
        self.long_since_us = since(LONG_QUEUE_US, self.long_since_us);
    }

    /// A delay relative to the first. Starts anew if a clock has been set.
    fn relative(&mut self, delay_us: i64) -> Option<i32> {
        let origin_us = *self.origin_us.get_or_insert(delay_us);
        let relative_us = delay_us.wrapping_sub(origin_us);
        if relative_us.unsigned_abs() > MAX_DELAY_US {
            *self = Self::default();
            return None;
        }
        Some(relative_us as i32)
    }

    fn forget_present(&mut self) {
        self.trend.clear();
        self.queue.clear_present();
        self.queued_since_us = None;
        self.long_since_us = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a packet each 10 ms, with delays in ms by the time in ms.
    fn arrivals(
        detector: &mut Detector,
        times_ms: std::ops::Range<i64>,
        delay_ms: impl Fn(i64) -> i64,
    ) {
        for ms in times_ms.step_by(10) {
            detector.handle_arrival(ms as u64 * 1_000, (ms + delay_ms(ms)) * 1_000);
        }
    }

    fn quiet() -> Detector {
        let mut detector = Detector::default();
        arrivals(&mut detector, 0..2_000, |_| 20);
        detector
    }

    #[test]
    fn a_growing_queue_is_too_much() {
        let mut detector = quiet();

        arrivals(&mut detector, 2_000..2_250, |ms| 20 + (ms - 2_000) / 2);

        assert_eq!(detector.load(false, 0.0), Load::Excessive);
    }

    #[test]
    fn a_queue_must_be_longer_if_little_is_sent() {
        let mut detector = quiet();

        arrivals(&mut detector, 2_000..2_280, |ms| 20 + (ms - 2_000) / 3);
        let soon = detector.load(true, 0.0);
        arrivals(&mut detector, 2_280..2_430, |ms| 20 + (ms - 2_000) / 3);

        assert_eq!(
            (soon, detector.load(true, 0.0)),
            (Load::Queued, Load::Excessive)
        );
    }

    #[test]
    fn a_short_queue_that_stands_is_not_too_much_unless_packets_are_lost() {
        let mut detector = quiet();

        arrivals(&mut detector, 2_000..3_000, |_| 70);

        assert_eq!(detector.load(false, 0.0), Load::Queued);
        assert_eq!(detector.load(false, 0.08), Load::Excessive);
    }

    #[test]
    fn a_long_queue_that_stands_is_too_much() {
        let mut detector = quiet();

        arrivals(&mut detector, 2_000..3_000, |_| 120);

        assert_eq!(detector.load(false, 0.0), Load::Excessive);
    }

    #[test]
    fn a_queue_that_drains_is_waited_for() {
        let mut detector = quiet();

        arrivals(&mut detector, 2_000..2_500, |ms| 20 + (ms - 2_000) / 2);
        arrivals(&mut detector, 2_500..3_000, |ms| 270 - (ms - 2_500) / 4);

        assert_eq!(detector.load(false, 0.3), Load::Queued);
    }

    #[test]
    fn a_receiver_that_halts_is_not_congestion() {
        let mut detector = quiet();

        for start in (2_000..10_000).step_by(200) {
            arrivals(&mut detector, start..start + 80, |ms| 20 + start + 80 - ms);
            arrivals(&mut detector, start + 80..start + 200, |_| 20);
            assert_eq!(detector.load(false, 0.0), Load::Normal);
        }
    }

    #[test]
    fn probes_show_the_best_delay_and_no_congestion() {
        let mut detector = Detector::default();

        for ms in (0..500).step_by(10) {
            detector.handle_probe_arrival(ms as u64 * 1_000, (20 + ms * 2) * 1_000);
        }
        let probed = detector.load(false, 0.0);
        arrivals(&mut detector, 500..1_000, |_| 220);

        assert_eq!(
            (probed, detector.load(false, 0.0)),
            (Load::Normal, Load::Excessive)
        );
    }

    #[test]
    fn gives_up_on_a_queue_that_does_not_answer() {
        let mut detector = quiet();
        arrivals(&mut detector, 2_000..3_000, |_| 120);
        let less = Rates {
            sent_bps: 850_000,
            delivered_bps: 850_000,
            is_limited: false,
            loss: 0.0,
        };

        detector.handle_decrease(3_000_000, 1_000_000);
        detector.handle_rates(3_000_000, less);
        let awaited = detector.load(false, 0.0);
        detector.handle_rates(3_600_000, less);

        assert_eq!(
            (awaited, detector.load(false, 0.0)),
            (Load::Queued, Load::Normal)
        );
    }

    #[test]
    fn a_long_queue_with_little_traffic_is_not_ours() {
        let mut detector = quiet();
        arrivals(&mut detector, 2_000..3_000, |_| 120);
        let limited = Rates {
            sent_bps: 100_000,
            delivered_bps: 100_000,
            is_limited: true,
            loss: 0.0,
        };

        let before = detector.load(true, 0.0);
        detector.handle_rates(3_000_000, limited);
        detector.handle_rates(3_600_000, limited);

        assert_eq!(
            (before, detector.load(true, 0.0)),
            (Load::Queued, Load::Normal)
        );
    }

    #[test]
    fn starts_anew_when_a_clock_is_set() {
        let mut detector = quiet();

        arrivals(&mut detector, 2_000..3_000, |_| i64::from(u32::MAX));
        arrivals(&mut detector, 3_000..4_000, |_| -5_000_000);

        assert_eq!(detector.load(false, 0.0), Load::Normal);
    }
}
