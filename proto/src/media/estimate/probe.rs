//! When to probe, and how fast.

use super::cluster::{Cluster, Outcome};
use super::rate::Effect;
use super::{MAX_ESTIMATE_BPS, Probe, ProbeId};

/// How far above what is wanted to probe, in percent, and what is enough. The router raises what it
/// sends only if the estimate exceeds the need by a margin (15 %).
const AIM_PERCENT: u64 = 130;
const ENOUGH_PERCENT: u64 = 125;

/// How far above the estimate to probe, in percent: while no capacity is known (libwebrtc's
/// further_exponential_probe_scale), and beyond a known one, where a probe mostly fills a queue.
const STEP_PERCENT: u64 = 200;
const CAREFUL_STEP_PERCENT: u64 = 150;

/// Length of a probe, in µs, and of one that has to confirm another. libwebrtc's is 15 ms; longer
/// bears jitter and receivers that halt, shorter fills queues less: these add up to 30 ms and 75 ms
/// beyond a known capacity.
const LENGTH_US: u64 = 60_000;
const CONFIRMING_LENGTH_US: u64 = 150_000;

/// Fewest packets (libwebrtc's kMinClusterSize), and their least size in bytes.
const MIN_PACKETS: usize = 5;
const MIN_PACKET_BYTES: usize = 200;

/// Time between probes, in µs: at first, and at most when probes show no more. Shorter sees sooner
/// that the path carries more, longer costs less: this costs 2 % of the rate at most.
const INTERVAL_US: u64 = 2_000_000;
const MAX_INTERVAL_US: u64 = 5_000_000;

/// The same when probes are not even answered: the path is dead, or the peer sends no feedback.
const MAX_UNANSWERED_INTERVAL_US: u64 = 30_000_000;

/// Time after which a probe has not been answered, in µs: sending, a long round trip, feedback.
const ANSWER_TIME_US: u64 = 2_000_000;

/// Time after which a probe has not been sent, in µs: nothing is being sent that padding could go
/// with, say.
const SEND_TIME_US: u64 = 1_000_000;

/// Time without congestion before probing, and without a short queue, in µs.
const CONGESTION_PAUSE_US: u64 = 1_000_000;
const QUEUE_PAUSE_US: u64 = 250_000;

/// Congestion within this time of a probe that has raised the estimate, in µs, means that the probe
/// was wrong (a shaper passes bursts, say). Each such probe doubles the next pause, up to 16 s.
const WRONG_TIME_US: u64 = 5_000_000;
const MAX_WRONG: u32 = 4;

/// Growth of what is wanted that is worth a probe at once, in percent, and the least time since the
/// last probe, in µs.
const MORE_WANTED_PERCENT: u64 = 120;
const MORE_WANTED_PAUSE_US: u64 = 1_000_000;

/// Decides about probes. There is one at a time.
#[derive(Debug)]
pub(super) struct Prober {
    wanted_bps: u64,
    cluster: Option<Cluster>,
    /// Numbers of the first and the last packet of the cluster before.
    probed: Option<(u64, u64)>,
    last_id: u32,
    last_probe_us: Option<u64>,
    due_us: u64,
    paused_until_us: u64,
    interval_us: u64,
    length_us: u64,
    /// Whether a capacity was known when the last probe began.
    was_known: bool,
    raised_us: Option<u64>,
    wrong: u32,
}

impl Default for Prober {
    fn default() -> Self {
        Self {
            wanted_bps: 0,
            cluster: None,
            probed: None,
            last_id: 0,
            last_probe_us: None,
            due_us: 0,
            paused_until_us: 0,
            interval_us: INTERVAL_US,
            length_us: LENGTH_US,
            was_known: false,
            raised_us: None,
            wrong: 0,
        }
    }
}

impl Prober {
    /// What is wanted has changed.
    pub(super) fn set_wanted(&mut self, now_us: u64, bps: u64) {
        if bps > self.wanted_bps.saturating_mul(MORE_WANTED_PERCENT) / 100 {
            let soonest_us = self
                .last_probe_us
                .map_or(now_us, |last| (last + MORE_WANTED_PAUSE_US).max(now_us));
            self.due_us = self.due_us.min(soonest_us);
        }
        self.wanted_bps = bps;
    }

    /// The rate worth having.
    pub(super) fn aim_bps(&self) -> u64 {
        percent(self.wanted_bps, AIM_PERCENT).min(MAX_ESTIMATE_BPS)
    }

    /// A probe to send now, given the estimate and whether the path's capacity is known.
    pub(super) fn poll(&mut self, now_us: u64, estimate_bps: u64, is_known: bool) -> Option<Probe> {
        self.give_up_unanswered(now_us);
        if self.timeout_us(estimate_bps)? > now_us || self.cluster.is_some() {
            return None;
        }
        let step_percent = match is_known {
            true => CAREFUL_STEP_PERCENT,
            false => STEP_PERCENT,
        };
        let rate_bps = percent(estimate_bps, step_percent).min(self.aim_bps());
        self.last_id = self.last_id.wrapping_add(1);
        let bytes =
            usize::try_from(rate_bps / 8 * self.length_us / 1_000_000).unwrap_or(usize::MAX);
        let probe = Probe {
            id: ProbeId(self.last_id),
            rate_bps,
            bytes: bytes.max(MIN_PACKETS * MIN_PACKET_BYTES),
            min_packets: MIN_PACKETS,
        };
        self.cluster = Some(Cluster::new(now_us, probe));
        self.last_probe_us = Some(now_us);
        self.was_known = is_known;
        Some(probe)
    }

    /// When to poll next.
    pub(super) fn timeout_us(&self, estimate_bps: u64) -> Option<u64> {
        if let Some(cluster) = &self.cluster {
            return Some(expiry_us(cluster));
        }
        let is_enough = estimate_bps >= percent(self.wanted_bps, ENOUGH_PERCENT);
        (!is_enough).then(|| self.due_us.max(self.paused_until_us))
    }

    /// The cluster on its way.
    pub(super) fn cluster(&mut self) -> Option<&mut Cluster> {
        self.cluster.as_mut()
    }

    /// What the cluster has shown, if it is complete.
    pub(super) fn poll_outcome(&mut self, highest_reported: u64) -> Option<Outcome> {
        let cluster = self.cluster.as_ref()?;
        let outcome = cluster.outcome(highest_reported)?;
        self.probed = cluster.range();
        self.cluster = None;
        Some(outcome)
    }

    /// Whether a packet was part of this cluster or of the one before.
    pub(super) fn has_probed(&self, sequence: u64) -> bool {
        let is_before = self
            .probed
            .is_some_and(|(first, last)| (first..=last).contains(&sequence));
        let contains = |cluster: &Cluster| cluster.contains(sequence);
        is_before || self.cluster.as_ref().is_some_and(contains)
    }

    /// A probe is over, and has had an effect.
    pub(super) fn handle_outcome(&mut self, now_us: u64, outcome: Outcome, effect: Effect) {
        if effect == Effect::Raised {
            self.interval_us = INTERVAL_US;
        }
        let finds_capacity = matches!(outcome, Outcome::Saturated(_)) && !self.was_known;
        let has_to_confirm =
            finds_capacity || effect == Effect::Unsure || outcome == Outcome::Unclear;
        self.length_us = match has_to_confirm {
            true => CONFIRMING_LENGTH_US,
            false => LENGTH_US,
        };
        match (outcome, effect) {
            (Outcome::Carried(_), Effect::Unsure) => self.due_us = now_us,
            (Outcome::Saturated(_), _) if finds_capacity => self.due_us = now_us,
            (Outcome::Carried(_), Effect::Raised) => {
                if self
                    .raised_us
                    .is_some_and(|raised| is_proven(now_us, raised))
                {
                    self.wrong = 0;
                }
                self.raised_us = Some(now_us);
                self.due_us = now_us;
            }
            (Outcome::Unclear, _) => self.due_us = now_us + self.interval_us / 2,
            (Outcome::Carried(_) | Outcome::Saturated(_), _) => {
                self.due_us = now_us + self.interval_us;
                self.interval_us = (self.interval_us * 3 / 2).min(MAX_INTERVAL_US);
            }
        }
    }

    /// There is a short queue.
    pub(super) fn handle_queue(&mut self, now_us: u64) {
        self.pause(now_us + QUEUE_PAUSE_US);
    }

    /// There is congestion.
    pub(super) fn handle_congestion(&mut self, now_us: u64) {
        self.pause(now_us + (CONGESTION_PAUSE_US << self.wrong));
    }

    /// The estimate has been lowered.
    pub(super) fn handle_decrease(&mut self, now_us: u64) {
        match self.raised_us.take() {
            Some(raised) if is_proven(now_us, raised) => self.wrong = 0,
            Some(_) => self.wrong = (self.wrong + 1).min(MAX_WRONG),
            None => {}
        }
        self.interval_us = INTERVAL_US;
        self.due_us = self.due_us.min(now_us + INTERVAL_US);
        self.handle_congestion(now_us);
    }

    fn pause(&mut self, until_us: u64) {
        self.paused_until_us = self.paused_until_us.max(until_us);
    }

    fn give_up_unanswered(&mut self, now_us: u64) {
        let Some(cluster) = self.cluster.take_if(|cluster| now_us >= expiry_us(cluster)) else {
            return;
        };
        if !cluster.is_sent() {
            self.due_us = now_us;
            return;
        }
        self.due_us = now_us + self.interval_us;
        self.interval_us = (self.interval_us * 2).min(MAX_UNANSWERED_INTERVAL_US);
    }
}

/// When to give up on a cluster.
fn expiry_us(cluster: &Cluster) -> u64 {
    cluster.created_us()
        + match cluster.range() {
            Some(_) => ANSWER_TIME_US,
            None => SEND_TIME_US,
        }
}

/// Whether a probe was right to raise the estimate.
fn is_proven(now_us: u64, raised_us: u64) -> bool {
    now_us.saturating_sub(raised_us) >= WRONG_TIME_US
}

fn percent(bps: u64, percent: u64) -> u64 {
    bps.saturating_mul(percent) / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn wanting(bps: u64) -> Prober {
        let mut prober = Prober::default();
        prober.set_wanted(0, bps);
        prober
    }

    /// Ends the probe that is due.
    fn finish(prober: &mut Prober, now_us: u64, outcome: Outcome, effect: Effect) {
        assert!(prober.poll(now_us, 1_000_000, true).is_some());
        prober.cluster = None;
        prober.handle_outcome(now_us, outcome, effect);
    }

    #[test]
    fn does_not_probe_if_the_estimate_is_enough() {
        let mut prober = wanting(1_000_000);

        assert_eq!(prober.poll(0, 1_250_000, false), None);
        assert_eq!(prober.timeout_us(1_250_000), None);
    }

    #[test]
    fn probes_twice_the_estimate_up_to_a_margin_above_what_is_wanted() {
        let rate = |wanted_bps, is_known| {
            let probe = wanting(wanted_bps).poll(0, 1_000_000, is_known);
            probe.map(|probe| (probe.rate_bps, probe.bytes))
        };

        assert_eq!(rate(9_000_000, false), Some((2_000_000, 15_000)));
        assert_eq!(rate(9_000_000, true), Some((1_500_000, 11_250)));
        assert_eq!(rate(1_000_000, true), Some((1_300_000, 9_750)));
    }

    #[test]
    fn goes_on_at_once_while_probes_raise() {
        let mut prober = wanting(9_000_000);

        finish(&mut prober, 0, Outcome::Carried(2_000_000), Effect::Raised);

        assert_eq!(prober.timeout_us(2_000_000), Some(0));
    }

    #[test]
    fn looks_longer_at_a_capacity_just_found() {
        let mut prober = wanting(9_000_000);
        let first = prober.poll(0, 1_000_000, false);
        prober.cluster = None;

        prober.handle_outcome(SECOND, Outcome::Saturated(1_500_000), Effect::Raised);
        let second = prober.poll(SECOND, 1_425_000, true);

        assert_eq!(first.map(|probe| probe.bytes), Some(15_000));
        assert_eq!(second.map(|probe| probe.bytes), Some(40_078));
    }

    #[test]
    fn probes_more_rarely_while_they_show_no_more() {
        let mut prober = wanting(9_000_000);
        let mut times = Vec::new();

        for _ in 0..6 {
            let at_us = prober.timeout_us(1_000_000).expect("more is wanted");
            times.push(at_us / 1_000);
            finish(
                &mut prober,
                at_us,
                Outcome::Saturated(1_000_000),
                Effect::Nothing,
            );
        }

        assert_eq!(times, [0, 2_000, 5_000, 9_500, 14_500, 19_500]);
    }

    #[test]
    fn waits_for_an_answer_and_then_gives_up() {
        let mut prober = wanting(9_000_000);
        let probe = prober.poll(0, 1_000_000, false).expect("more is wanted");
        let cluster = prober.cluster().expect("a probe has begun");
        for sequence in 0..5 {
            cluster.handle_sent(probe.id, sequence, probe.bytes);
        }

        assert_eq!(prober.poll(SECOND, 1_000_000, false), None);
        assert_eq!(prober.timeout_us(1_000_000), Some(2 * SECOND));
        assert_eq!(prober.poll(2 * SECOND, 1_000_000, false), None);
        assert_eq!(prober.timeout_us(1_000_000), Some(4 * SECOND));
    }

    #[test]
    fn tries_again_what_could_not_be_sent() {
        let mut prober = wanting(9_000_000);

        for second in 0..60 {
            assert!(prober.poll(second * SECOND, 1_000_000, false).is_some());
        }
    }

    #[test]
    fn waits_until_congestion_is_over() {
        let mut prober = wanting(9_000_000);

        prober.handle_congestion(5 * SECOND);
        prober.handle_queue(5 * SECOND + 100_000);

        assert_eq!(prober.timeout_us(1_000_000), Some(6 * SECOND));
    }

    #[test]
    fn waits_longer_each_time_a_probe_was_wrong() {
        let mut prober = wanting(9_000_000);
        let mut pauses = Vec::new();

        for _ in 0..6 {
            let at_us = prober.timeout_us(1_000_000).expect("more is wanted");
            finish(
                &mut prober,
                at_us,
                Outcome::Carried(2_000_000),
                Effect::Raised,
            );
            prober.handle_decrease(at_us + SECOND);
            let next_us = prober.timeout_us(1_000_000).expect("more is wanted");
            pauses.push((next_us - at_us) / SECOND - 1);
        }

        assert_eq!(pauses, [2, 4, 8, 16, 16, 16]);
    }

    #[test]
    fn probes_at_once_when_more_is_wanted() {
        let mut prober = wanting(2_000_000);
        finish(
            &mut prober,
            10 * SECOND,
            Outcome::Saturated(1_000_000),
            Effect::Nothing,
        );

        prober.set_wanted(10 * SECOND, 2_100_000);
        let little = prober.timeout_us(1_000_000);
        prober.set_wanted(10 * SECOND, 4_000_000);

        assert_eq!(little, Some(12 * SECOND));
        assert_eq!(prober.timeout_us(1_000_000), Some(11 * SECOND));
    }
}
