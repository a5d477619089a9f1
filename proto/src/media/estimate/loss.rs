//! What lost packets say: heavy loss means that more is sent than the path carries, unless it
//! remains the same when less is sent.

/// Fewest packets and shortest time, in µs, of a window. More packets are surer (of 100 in two
/// windows, 2 % loss exceeds [`HEAVY_LOSS`] once in 10^5), fewer react sooner.
const WINDOW_PACKETS: u32 = 50;
const WINDOW_US: u64 = 250_000;

/// The same where little is sent.
const SMALL_WINDOW_PACKETS: u32 = 20;
const SMALL_WINDOW_US: u64 = 1_000_000;

/// Nothing received for this time of sending, in µs, is an outage, not congestion: a queue drops
/// what it cannot hold, but carries the rest. Longer takes more outages for congestion, shorter
/// takes more congestion for outages.
const OUTAGE_US: u64 = 100_000;

/// The share of packets beyond which more is sent than the path carries (draft-ietf-rmcat-gcc-02
/// §6).
const HEAVY_LOSS: f32 = 0.10;

/// What tells that loss is the path's own: it remains, to this share, when hardly more is sent than
/// was delivered before, to this share. A full buffer or a policer would then drop hardly any.
const SAME_LOSS: f32 = 0.5;
const AS_DELIVERED: f32 = 0.95;

/// How long to wait for the sender to send less, in µs, before asking for still less: encodings
/// change with the next keyframe.
const ANSWER_TIME_US: u64 = 1_500_000;

/// Most loss that is accepted as the path's. Beyond, sending less is right whatever the cause.
const MAX_INHERENT_LOSS: f32 = 0.5;

/// Weight of the newest window in the loss that is the path's.
const INHERENT_WEIGHT: f32 = 0.1;

/// How many standard deviations more than heavy loss, or than the path's own, is too much. More
/// bears more chance (two windows of 50 packets with 5 % loss exceed 13 % once in 1,000), fewer
/// reacts to less loss.
const DEVIATIONS: f32 = 1.0;
const INHERENT_DEVIATIONS: f32 = 3.0;

/// Loss that shows that the path has none of its own (§6).
const LIGHT_LOSS: f32 = 0.02;

/// Counts what is lost.
#[derive(Debug, Default)]
pub(super) struct Loss {
    window: Window,
    before: Window,
    /// Packets sent before this say nothing about what is sent.
    since_us: u64,
    run: Run,
    /// Share lost of the packets of the last two windows, and their number.
    fraction: f32,
    packets: u32,
    inherent: f32,
    reduced: Option<Reduced>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    started_us: u64,
    packets: u32,
    lost: u32,
}

/// Packets lost one after another.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    started_us: u64,
    packets: u32,
}

/// What there was when less was asked for.
#[derive(Debug, Clone, Copy)]
struct Reduced {
    at_us: u64,
    delivered_bps: u64,
    fraction: f32,
}

impl Loss {
    /// Takes the report about a packet, in the order of sending.
    pub(super) fn handle_packet(&mut self, sent_us: u64, is_received: bool) {
        if sent_us < self.since_us {
            return;
        }
        if !is_received {
            if self.run.packets == 0 {
                self.run.started_us = sent_us;
            }
            self.run.packets += 1;
            return;
        }
        let run = std::mem::take(&mut self.run);
        if sent_us.saturating_sub(run.started_us) < OUTAGE_US {
            self.window.packets += run.packets;
            self.window.lost += run.packets;
        }
        self.window.packets += 1;
    }

    /// Ends the window if it is long enough. Returns whether it has.
    pub(super) fn finish_window(&mut self, now_us: u64) -> bool {
        let elapsed_us = now_us.saturating_sub(self.window.started_us);
        let is_enough = |packets, time_us| self.window.packets >= packets && elapsed_us >= time_us;
        if !is_enough(WINDOW_PACKETS, WINDOW_US)
            && !is_enough(SMALL_WINDOW_PACKETS, SMALL_WINDOW_US)
        {
            return false;
        }
        self.packets = self.window.packets + self.before.packets;
        let lost = self.window.lost + self.before.lost;
        self.fraction = (lost as f32 / self.packets as f32).min(1.0);
        self.before = self.window;
        self.start_window(now_us);
        true
    }

    /// The share of packets lost lately.
    pub(super) fn fraction(&self) -> f32 {
        self.fraction
    }

    /// Whether too much is lost for sending more.
    pub(super) fn is_heavy(&self) -> bool {
        self.fraction > HEAVY_LOSS
    }

    /// Whether the window that has ended asks for sending less. What has been sent before counts no
    /// more then. `is_queued` tells that loss may come from a full queue.
    pub(super) fn asks_for_less(
        &mut self,
        now_us: u64,
        sent_bps: u64,
        delivered_bps: u64,
        is_queued: bool,
    ) -> bool {
        self.learn(sent_bps, is_queued);
        if self.fraction <= self.bearable() {
            return false;
        }
        let is_awaited = |reduced: &Reduced| {
            sent_bps as f32 > reduced.delivered_bps as f32 * AS_DELIVERED
                && now_us.saturating_sub(reduced.at_us) < ANSWER_TIME_US
        };
        if self.reduced.as_ref().is_some_and(is_awaited) {
            return false;
        }
        self.reduced = Some(Reduced {
            at_us: now_us,
            delivered_bps,
            fraction: self.fraction,
        });
        self.since_us = now_us;
        self.run = Run::default();
        self.before = Window::default();
        self.start_window(now_us);
        true
    }

    /// The loss up to which nothing is asked for: chance adds to what the path has.
    fn bearable(&self) -> f32 {
        let deviation = |loss: f32| (loss * (1.0 - loss) / self.packets.max(1) as f32).sqrt();
        let heavy = HEAVY_LOSS + deviation(HEAVY_LOSS) * DEVIATIONS;
        let inherent = self.inherent + deviation(self.inherent) * INHERENT_DEVIATIONS;
        heavy.max(inherent)
    }

    /// Learns what loss is the path's own.
    fn learn(&mut self, sent_bps: u64, is_queued: bool) {
        if self.fraction < LIGHT_LOSS || is_queued {
            self.inherent = 0.0;
        } else if self.inherent > 0.0 {
            self.inherent += (self.fraction - self.inherent) * INHERENT_WEIGHT;
        }
        if let Some(reduced) = self.reduced
            && sent_bps as f32 <= reduced.delivered_bps as f32 * AS_DELIVERED
        {
            self.reduced = None;
            let is_same = self.fraction >= reduced.fraction * SAME_LOSS;
            if is_same && !is_queued {
                self.inherent = self.fraction;
            }
        }
        self.inherent = self.inherent.min(MAX_INHERENT_LOSS);
    }

    fn start_window(&mut self, now_us: u64) {
        self.window = Window {
            started_us: now_us,
            ..Window::default()
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Time between packets, in µs: they are of 1,250 bytes, so 2 Mbit/s.
    const INTERVAL_US: u64 = 5_000;

    struct Sender {
        loss: Loss,
        sent: u64,
    }

    impl Sender {
        fn new() -> Self {
            Self {
                loss: Loss::default(),
                sent: 0,
            }
        }

        /// Sends for a second. Returns whether less was asked for.
        fn second(&mut self, sent_kbps: u64, is_lost: impl Fn(u64) -> bool) -> bool {
            let mut asks = false;
            for _ in 0..200 {
                self.sent += 1;
                let now_us = self.sent * INTERVAL_US;
                self.loss.handle_packet(now_us, !is_lost(self.sent));
                if self.loss.finish_window(now_us) {
                    let delivered = sent_kbps as f32 * (1.0 - self.loss.fraction());
                    asks |= self
                        .loss
                        .asks_for_less(now_us, sent_kbps, delivered as u64, false);
                }
            }
            asks
        }
    }

    #[test]
    fn light_loss_asks_for_nothing() {
        let mut sender = Sender::new();

        let asks = sender.second(2_000, |sent| sent % 20 == 0);

        assert!(!asks);
        assert!((sender.loss.fraction() - 0.05).abs() < 0.01);
    }

    #[test]
    fn heavy_loss_asks_for_less() {
        let mut sender = Sender::new();

        let asks = sender.second(2_000, |sent| sent % 4 == 0);

        assert!(asks && sender.loss.is_heavy());
    }

    #[test]
    fn an_outage_is_not_loss() {
        let mut sender = Sender::new();

        let asks = sender.second(2_000, |sent| (100..140).contains(&sent));

        assert_eq!((asks, sender.loss.fraction()), (false, 0.0));
    }

    #[test]
    fn loss_that_does_not_answer_is_accepted() {
        let mut sender = Sender::new();
        let a_quarter = |sent: u64| sent.is_multiple_of(4);

        let first = sender.second(2_000, a_quarter);
        sender.second(1_300, a_quarter);
        let then = sender.second(1_300, a_quarter);
        let more = sender.second(1_300, |sent| sent % 2 == 0);

        assert_eq!((first, then, more), (true, false, true));
    }

    #[test]
    fn loss_that_remains_while_as_much_is_sent_is_not_accepted() {
        let mut sender = Sender::new();
        let a_quarter = |sent: u64| sent.is_multiple_of(4);

        sender.second(2_000, a_quarter);
        let soon = sender.second(1_600, a_quarter);
        let later = sender.second(1_600, a_quarter);

        assert!(soon || later);
    }
}
