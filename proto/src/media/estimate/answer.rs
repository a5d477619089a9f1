//! Whether a queue answers to less traffic by becoming shorter. One that does not is not ours: the
//! route has become longer, or the receiver slower.

/// How long a queue has to answer, in µs. Longer is surer, shorter gives back sooner what was taken.
const ANSWER_TIME_US: u64 = 600_000;

/// How long to wait for less traffic, in µs, before the estimate may be lowered again: encodings
/// change with the next keyframe.
const LESS_TIME_US: u64 = 1_500_000;

/// Change of a queue that is one, in µs. A queue of ours becomes 90 ms shorter in the time it has.
const SHORTER_US: u32 = 30_000;
const LONGER_US: u32 = 15_000;

/// What counts as less traffic, in percent of what was sent; and what counts as a queue draining,
/// in percent of what is sent: of a queue that drains more arrives than is sent.
const LESS_PERCENT: u64 = 90;
const DRAINING_PERCENT: u64 = 108;

/// Loss below which a queue drops nothing.
const NO_LOSS: f32 = 0.02;

/// What is sent and what arrives, in bits/s, and what is lost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    pub(super) sent_bps: u64,
    pub(super) delivered_bps: u64,
    /// Whether much less is sent than the estimate.
    pub(super) is_limited: bool,
    pub(super) loss: f32,
}

/// What a queue has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Nothing yet.
    Awaited,
    /// It has become shorter, or less traffic has not come in time.
    Done,
    /// It has not become shorter.
    Refused,
}

/// What is awaited from a queue after the estimate has been lowered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    asked_us: u64,
    due_since_us: Option<u64>,
    /// The longest that the queue has been.
    queue_us: u32,
    sent_bps: u64,
}

impl Answer {
    /// Awaits that a queue becomes shorter once less than `sent_bps` is sent.
    pub(super) fn new(now_us: u64, queue_us: u32, sent_bps: u64) -> Self {
        Self {
            asked_us: now_us,
            due_since_us: None,
            queue_us,
            sent_bps,
        }
    }

    /// Looks at the queue again.
    pub(super) fn poll(&mut self, now_us: u64, queue_us: u32, rates: Rates) -> Reply {
        if queue_us + SHORTER_US <= self.queue_us {
            return Reply::Done;
        }
        let has_grown = queue_us > self.queue_us.saturating_add(LONGER_US);
        self.queue_us = self.queue_us.max(queue_us);
        if has_grown || !self.is_due(rates) {
            self.due_since_us = None;
            return match now_us.saturating_sub(self.asked_us) < LESS_TIME_US {
                true => Reply::Awaited,
                false => Reply::Done,
            };
        }
        let since_us = *self.due_since_us.get_or_insert(now_us);
        match now_us.saturating_sub(since_us) < ANSWER_TIME_US {
            true => Reply::Awaited,
            false => Reply::Refused,
        }
    }

    /// Whether a queue of ours would have to become shorter, but does not drain.
    ///
    /// A queue that drops packets is full: it will not become shorter until much less is sent.
    fn is_due(&self, rates: Rates) -> bool {
        let percent_of = |bps: u64, percent: u64| bps.saturating_mul(percent) / 100;
        rates.sent_bps <= percent_of(self.sent_bps, LESS_PERCENT)
            && rates.delivered_bps <= percent_of(rates.sent_bps, DRAINING_PERCENT)
            && rates.loss < NO_LOSS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first reply that is one, and after how many ms, with queues in ms by the time in ms.
    fn reply(rates: Rates, queue_ms: impl Fn(u64) -> u32) -> (Reply, u64) {
        let mut answer = Answer::new(0, queue_ms(0) * 1_000, 1_000_000);
        (50..)
            .step_by(50)
            .map(|ms| (answer.poll(ms * 1_000, queue_ms(ms) * 1_000, rates), ms))
            .find(|(reply, _)| *reply != Reply::Awaited)
            .expect("an answer in the end")
    }

    fn rates(sent_bps: u64, delivered_bps: u64) -> Rates {
        Rates {
            sent_bps,
            delivered_bps,
            is_limited: false,
            loss: 0.0,
        }
    }

    #[test]
    fn a_queue_that_remains_with_less_traffic_refuses() {
        assert_eq!(
            reply(rates(850_000, 850_000), |_| 100),
            (Reply::Refused, 650)
        );
    }

    #[test]
    fn a_queue_that_becomes_shorter_answers() {
        let shrinking = |ms| 100 - ms as u32 / 10;

        assert_eq!(
            reply(rates(850_000, 850_000), shrinking),
            (Reply::Done, 300)
        );
    }

    #[test]
    fn a_queue_without_less_traffic_need_not_answer() {
        let lossy = Rates {
            loss: 0.03,
            ..rates(850_000, 850_000)
        };

        for rates in [rates(980_000, 980_000), rates(850_000, 1_000_000), lossy] {
            assert_eq!(reply(rates, |_| 100), (Reply::Done, 1_500));
        }
    }

    #[test]
    fn a_queue_that_grows_does_not_refuse() {
        let growing = |ms| 100 + ms as u32 / 3;

        assert_eq!(
            reply(rates(850_000, 850_000), growing),
            (Reply::Done, 1_500)
        );
    }
}
