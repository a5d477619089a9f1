//! The estimator: packets and reports in, estimates and probes out.

use std::time::{Duration, Instant};

use prefetch::prefetch;

use super::answer::Rates;
use super::cluster::{Cluster, Outcome};
use super::detect::{Detector, Load};
use super::history::{Fate, History, SentPacket};
use super::loss::Loss;
use super::probe::Prober;
use super::rate::{Effect, Rate};
use super::report::LossReports;
use super::throughput::Throughput;
use super::{Estimator, MAX_ESTIMATE_BPS, MIN_ESTIMATE_BPS, Probe, ProbeId};
use crate::media::PrefetchStage;

/// Change of the estimate that is told, in percent of what was told last. Smaller follows closer,
/// larger divides the bandwidth less often.
const TOLD_STEP_PERCENT: u64 = 3;

/// How long a receiver's own estimate holds, in µs. It is renewed about once a second; longer bears
/// loss of RTCP, shorter frees sooner from a receiver that has stopped.
const REMB_AGE_US: u64 = 10_000_000;

/// Time after transport feedback in which receiver reports are not needed, in µs.
const FEEDBACK_AGE_US: u64 = 5_000_000;

/// How much later than the packets after it one may be reported before it counts as lost, in µs of
/// sending. Longer bears more reordering, shorter sees loss sooner.
const REORDERING_US: u64 = 100_000;

/// Round-trip time until one is measured, in µs, and the longest believed.
const INITIAL_ROUND_TRIP_US: u64 = 100_000;
const MAX_ROUND_TRIP_US: u64 = 1_000_000;

/// Time from a change of what is sent to its effect being known, beyond a round trip, in µs: the
/// interval of feedback (draft-ietf-rmcat-gcc-02 §5.5).
const FEEDBACK_INTERVAL_US: u64 = 100_000;

/// Estimates from transport-wide feedback, or from what the peer sends in its stead.
#[derive(Debug)]
pub struct SendSideEstimator {
    start: Instant,
    /// The last time there was, and the same since the start.
    now: (Instant, u64),
    history: History,
    detector: Detector,
    /// What is sent, and what arrives.
    sending: Throughput,
    throughput: Throughput,
    loss: Loss,
    rate: Rate,
    prober: Prober,
    reports: LossReports,
    round_trip_us: u64,
    /// Bits/s, and when it was received.
    remb: Option<(u64, u64)>,
    told_bps: u64,
    last_feedback_us: Option<u64>,
    highest_reported: u64,
    /// Before this number, every packet has been reported or assumed to have arrived.
    settled: u64,
    /// Before this number, every packet has been counted as received or lost.
    counted: u64,
}

impl SendSideEstimator {
    /// An estimator that starts from an estimate, which is taken as told.
    pub fn new(now: Instant, initial_bps: u64) -> Self {
        let rate = Rate::new(initial_bps);
        Self {
            start: now,
            now: (now, 0),
            history: History::default(),
            detector: Detector::default(),
            sending: Throughput::default(),
            throughput: Throughput::default(),
            loss: Loss::default(),
            told_bps: rate.bps(),
            rate,
            prober: Prober::default(),
            reports: LossReports::default(),
            round_trip_us: INITIAL_ROUND_TRIP_US,
            remb: None,
            last_feedback_us: None,
            highest_reported: 0,
            settled: 0,
            counted: 0,
        }
    }
}

impl Estimator for SendSideEstimator {
    fn handle_sent(&mut self, now: Instant, sequence: u64, bytes: usize, probe: Option<ProbeId>) {
        let now_us = self.micros(now);
        let counted = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.sending.insert(now_us as i64, counted);
        if self.history.insert(now_us, sequence, bytes) {
            self.settled = sequence;
            self.counted = sequence;
            self.highest_reported = sequence.saturating_sub(1);
        }
        if let Some(id) = probe
            && let Some(cluster) = self.prober.cluster()
        {
            cluster.handle_sent(id, sequence, bytes);
        }
    }

    fn handle_arrival(&mut self, now: Instant, sequence: u64, arrival_us: Option<i64>) {
        let now_us = self.micros(now);
        let Some(packet) = self.history.get(now_us, sequence) else {
            return;
        };
        self.highest_reported = self.highest_reported.max(sequence);
        match (packet.fate, arrival_us) {
            (Fate::Received, _) | (Fate::Missing, None) => {}
            (_, Some(arrival_us)) => self.handle_received(now_us, sequence, packet, arrival_us),
            (_, None) => self.handle_missing(sequence, packet),
        }
    }

    fn finish_feedback(&mut self, now: Instant) {
        let now_us = self.micros(now);
        self.last_feedback_us = Some(now_us);
        self.forget_remb(now_us);
        self.count_losses(now_us);
        let throughput_bps = self.throughput.rate_bps();
        let is_limited = self.rate.is_limited(self.sending.rate_bps());
        let load = self.detector.load(is_limited, self.loss.fraction());
        self.finish_probe(now_us, load, throughput_bps);
        if let Some(throughput_bps) = throughput_bps {
            self.follow_loss(now_us, throughput_bps, is_limited);
            self.follow_delay(now_us, load, throughput_bps, is_limited);
        }
    }

    fn handle_remb(&mut self, now: Instant, bps: u64) {
        let now_us = self.micros(now);
        self.remb = Some((bps, now_us));
    }

    fn handle_loss_report(&mut self, now: Instant, fraction_lost: f32) {
        let now_us = self.micros(now);
        self.forget_remb(now_us);
        let has_feedback = self
            .last_feedback_us
            .is_some_and(|last| now_us.saturating_sub(last) < FEEDBACK_AGE_US);
        if !has_feedback {
            let aim_bps = self.prober.aim_bps();
            self.reports
                .handle(now_us, fraction_lost, &mut self.rate, aim_bps);
        }
    }

    fn handle_round_trip(&mut self, _now: Instant, round_trip: Duration) {
        let measured_us = u64::try_from(round_trip.as_micros()).unwrap_or(u64::MAX);
        self.round_trip_us = measured_us.min(MAX_ROUND_TRIP_US);
    }

    fn set_wanted(&mut self, now: Instant, bps: u64) {
        let now_us = self.micros(now);
        self.prober.set_wanted(now_us, bps);
    }

    fn estimate_bps(&self) -> u64 {
        let bound_bps = self.remb.map_or(MAX_ESTIMATE_BPS, |(bps, _)| bps);
        self.rate.bps().min(bound_bps).max(MIN_ESTIMATE_BPS)
    }

    fn poll_estimate(&mut self) -> Option<u64> {
        let estimate_bps = self.estimate_bps();
        let change_bps = estimate_bps.abs_diff(self.told_bps);
        if change_bps * 100 < self.told_bps * TOLD_STEP_PERCENT {
            return None;
        }
        self.told_bps = estimate_bps;
        Some(estimate_bps)
    }

    fn poll_probe(&mut self, now: Instant) -> Option<Probe> {
        let now_us = self.micros(now);
        self.forget_remb(now_us);
        if self.is_bounded() {
            return None;
        }
        self.prober
            .poll(now_us, self.rate.bps(), self.rate.knows_capacity())
    }

    fn poll_timeout(&self) -> Option<Instant> {
        if self.is_bounded() {
            return None;
        }
        let at_us = self.prober.timeout_us(self.rate.bps())?;
        Some(self.start + Duration::from_micros(at_us))
    }

    fn prefetch(&self, stage: PrefetchStage) {
        match stage {
            PrefetchStage::Own => {}
            PrefetchStage::Egress => {
                prefetch(&self.now);
                prefetch(&self.history);
                prefetch(&self.sending);
            }
            PrefetchStage::Stream(_) => self.history.prefetch_next(),
        }
    }
}

impl SendSideEstimator {
    fn handle_received(&mut self, now_us: u64, sequence: u64, packet: SentPacket, arrival_us: i64) {
        self.history.set_fate(sequence, Fate::Received);
        if sequence >= self.settled {
            self.settle(
                now_us,
                sequence,
                arrival_us.wrapping_sub(packet.sent_us as i64),
            );
        }
        if packet.fate != Fate::Assumed {
            self.throughput.insert(arrival_us, packet.bytes);
        }
        if let Some(cluster) = self.cluster_of(sequence) {
            cluster.handle_report(packet.sent_us, Some(arrival_us), packet.bytes);
            self.detector
                .handle_probe_arrival(packet.sent_us, arrival_us);
            return;
        }
        self.detector.handle_arrival(packet.sent_us, arrival_us);
    }

    fn handle_missing(&mut self, sequence: u64, packet: SentPacket) {
        self.history.set_fate(sequence, Fate::Missing);
        if let Some(cluster) = self.cluster_of(sequence) {
            cluster.handle_report(packet.sent_us, None, packet.bytes);
        }
    }

    /// The cluster that a packet belongs to: what it does to the path is not the traffic's doing.
    fn cluster_of(&mut self, sequence: u64) -> Option<&mut Cluster> {
        self.prober
            .cluster()
            .filter(|cluster| cluster.contains(sequence))
    }

    /// Feedback gets lost, too. What it would have reported is taken to have arrived, with the
    /// delay of the packet that is reported next, lest the throughput be underestimated.
    fn settle(&mut self, now_us: u64, sequence: u64, delay_us: i64) {
        for skipped in self.settled.max(self.history.first())..sequence {
            let packet = self.history.get(now_us, skipped);
            if let Some(packet) = packet.filter(|packet| packet.fate == Fate::Unreported) {
                let arrival_us = delay_us.wrapping_add(packet.sent_us as i64);
                let delivered = packet.bytes as f32 * (1.0 - self.loss.fraction());
                self.throughput.insert(arrival_us, delivered as u32);
                self.history.set_fate(skipped, Fate::Assumed);
            }
        }
        self.settled = sequence.saturating_add(1);
    }

    /// Counts what has become of the packets that may no longer be overtaken.
    fn count_losses(&mut self, now_us: u64) {
        let Some(newest) = self.history.get(now_us, self.highest_reported) else {
            return;
        };
        self.counted = self.counted.max(self.history.first());
        while let Some(packet) = self.history.get(now_us, self.counted)
            && packet.sent_us + REORDERING_US <= newest.sent_us
        {
            let is_received = packet.fate == Fate::Received;
            let is_reported = is_received || packet.fate == Fate::Missing;
            if is_reported && !self.prober.has_probed(self.counted) {
                self.loss.handle_packet(packet.sent_us, is_received);
            }
            self.counted = self.counted.wrapping_add(1);
        }
        self.history.release(self.counted);
    }

    fn finish_probe(&mut self, now_us: u64, load: Load, throughput_bps: Option<u64>) {
        let Some(outcome) = self.prober.poll_outcome(self.highest_reported) else {
            return;
        };
        let effect = match outcome {
            _ if load == Load::Excessive => Effect::Nothing,
            Outcome::Carried(bps) => self.rate.handle_carried(bps),
            Outcome::Saturated(bps) => {
                let throughput_bps = throughput_bps.unwrap_or(u64::MAX);
                self.rate.handle_saturated(bps, throughput_bps)
            }
            Outcome::Unclear => Effect::Nothing,
        };
        self.prober.handle_outcome(now_us, outcome, effect);
    }

    fn follow_loss(&mut self, now_us: u64, throughput_bps: u64, is_limited: bool) {
        let is_queued = self.detector.is_queued();
        let sent_bps = self.sending.rate_bps().unwrap_or(0);
        if self.loss.finish_window(now_us)
            && self
                .loss
                .asks_for_less(now_us, sent_bps, throughput_bps, is_queued)
        {
            self.rate.decrease(now_us, throughput_bps, is_limited);
            self.prober.handle_decrease(now_us);
        }
    }

    fn follow_delay(&mut self, now_us: u64, load: Load, throughput_bps: u64, is_limited: bool) {
        let rates = Rates {
            sent_bps: self.sending.rate_bps().unwrap_or(0),
            delivered_bps: throughput_bps,
            is_limited,
            loss: self.loss.fraction(),
        };
        self.detector.handle_rates(now_us, rates);
        match load {
            Load::Normal if self.loss.is_heavy() => {
                self.rate.hold(now_us);
                self.prober.handle_queue(now_us);
            }
            Load::Normal => {
                let response_us = self.round_trip_us + FEEDBACK_INTERVAL_US;
                self.rate.increase(now_us, throughput_bps, response_us);
            }
            Load::Queued => {
                self.rate.hold(now_us);
                self.prober.handle_queue(now_us);
            }
            Load::Excessive => {
                self.rate.hold(now_us);
                self.prober.handle_congestion(now_us);
                if self.rate.may_decrease(now_us, self.round_trip_us) {
                    self.decrease(now_us, throughput_bps, is_limited);
                }
            }
        }
    }

    /// Lowers the estimate to what the path has carried since the queue began to grow.
    fn decrease(&mut self, now_us: u64, throughput_bps: u64, is_limited: bool) {
        let queued_for_us = self.detector.queued_for_us();
        let busy_bps = self.throughput.busy_rate_bps(queued_for_us);
        let carried_bps = match busy_bps {
            Some(busy_bps) if is_limited => busy_bps.max(throughput_bps),
            Some(busy_bps) => busy_bps,
            None => throughput_bps,
        };
        if carried_bps > 0 {
            self.rate.decrease(now_us, carried_bps, is_limited);
            self.prober.handle_decrease(now_us);
            let sent_bps = self.sending.rate_bps().unwrap_or(0);
            self.detector.handle_decrease(now_us, sent_bps);
        }
    }

    /// Whether the receiver's own bound keeps the estimate below what probes could raise.
    fn is_bounded(&self) -> bool {
        self.remb.is_some_and(|(bps, _)| bps < self.rate.bps())
    }

    fn forget_remb(&mut self, now_us: u64) {
        self.remb = self
            .remb
            .filter(|(_, at_us)| now_us.saturating_sub(*at_us) < REMB_AGE_US);
    }

    /// Time since the start: 580,000 years fit.
    fn micros(&mut self, now: Instant) -> u64 {
        // The packets of a turn have one time.
        if now != self.now.0 {
            let since = now.saturating_duration_since(self.start);
            let now_us = since.as_secs() * 1_000_000 + u64::from(since.subsec_micros());
            self.now = (now, now_us);
        }
        self.now.1
    }
}
