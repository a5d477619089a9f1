//! An estimator with a forwarder and a network, in simulated time.

use std::time::{Duration, Instant};

use super::super::{Estimator, MAX_ESTIMATE_BPS, MIN_ESTIMATE_BPS, Probe, SendSideEstimator};
use super::forwarder::Forwarder;
use super::network::{Network, Path};

/// The forwarder's loop: what is due in this time is sent with one time stamp.
const TICK_US: u64 = 1_000;

/// How often the estimate is divided at the latest.
const DIVIDE_US: u64 = 500_000;

/// How often round-trip times are measured.
const ROUND_TRIP_US: u64 = 1_000_000;

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) estimator: SendSideEstimator,
    pub(super) network: Network,
    pub(super) forwarder: Forwarder,
    start: Instant,
    now_us: u64,
    next_sequence: u64,
    next_divide_us: u64,
    probe: Option<Padding>,
}

/// A probe that is being sent.
#[derive(Debug)]
struct Padding {
    probe: Probe,
    started_us: u64,
    bytes: usize,
    packets: usize,
}

/// What happened in a stretch of time.
#[derive(Debug)]
pub(super) struct Stretch {
    /// The estimate every tick, in bits/s.
    pub(super) estimates: Vec<u64>,
    /// The delay of the queue that each packet met, in ms.
    queues_ms: Vec<f64>,
    sent_bytes: usize,
    pub(super) probes: usize,
}

impl Stretch {
    pub(super) fn lowest(&self) -> u64 {
        self.estimates.iter().copied().min().unwrap_or(0)
    }

    pub(super) fn highest(&self) -> u64 {
        self.estimates.iter().copied().max().unwrap_or(0)
    }

    pub(super) fn mean(&self) -> u64 {
        self.estimates.iter().sum::<u64>() / self.estimates.len().max(1) as u64
    }

    pub(super) fn last(&self) -> u64 {
        self.estimates.last().copied().unwrap_or(0)
    }

    pub(super) fn sent_bps(&self) -> u64 {
        self.sent_bytes as u64 * 8 * 1_000 / self.estimates.len().max(1) as u64
    }

    /// The time until the estimate first met a condition, in s.
    pub(super) fn until(&self, is_met: impl Fn(u64) -> bool) -> f64 {
        let met = self.estimates.iter().position(|bps| is_met(*bps));
        met.map_or(f64::INFINITY, |ticks| ticks as f64 / 1e3)
    }

    /// The delay of the queue that 95 % of packets did not exceed, in ms.
    pub(super) fn queue_ms(&self) -> f64 {
        let mut queues = self.queues_ms.clone();
        queues.sort_by(f64::total_cmp);
        let index = queues.len() * 95 / 100;
        queues.get(index).copied().unwrap_or(0.0)
    }
}

impl World {
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    pub(super) fn new(seed: u64, initial_bps: u64, path: Path, streams: &[&'static [u64]]) -> Self {
        let start = Instant::now();
        let mut world = Self {
            estimator: SendSideEstimator::new(start, initial_bps),
            network: Network::new(path, seed),
            forwarder: Forwarder::new(streams, 2, seed),
            start,
            now_us: 0,
            next_sequence: 0,
            next_divide_us: 0,
            probe: None,
        };
        world.want(world.forwarder.wanted_bps());
        world
    }

    pub(super) fn want(&mut self, bps: u64) {
        let now = self.now();
        self.estimator.set_wanted(now, bps);
    }

    pub(super) fn now(&self) -> Instant {
        self.start + Duration::from_micros(self.now_us)
    }

    pub(super) fn run(&mut self, seconds: u64) -> Stretch {
        let mut stretch = Stretch {
            estimates: Vec::new(),
            queues_ms: Vec::new(),
            sent_bytes: 0,
            probes: 0,
        };
        let end_us = self.now_us + seconds * 1_000_000;
        while self.now_us < end_us {
            self.tick(&mut stretch);
            self.now_us += TICK_US;
        }
        stretch
    }

    fn tick(&mut self, stretch: &mut Stretch) {
        let now = self.now();
        self.hear();
        if self.estimator.poll_estimate().is_some() || self.now_us >= self.next_divide_us {
            self.next_divide_us = self.now_us + DIVIDE_US;
            let estimate_bps = self.estimator.estimate_bps();
            self.forwarder.divide(self.now_us, estimate_bps);
        }
        if self.now_us.is_multiple_of(ROUND_TRIP_US) {
            let round_trip = Duration::from_millis(self.network.path.round_trip_ms);
            self.estimator.handle_round_trip(now, round_trip);
        }
        for bytes in self.forwarder.poll_packets(self.now_us) {
            self.send(stretch, bytes);
        }
        self.begin_probe(stretch);
        self.pad(stretch);
        let estimate_bps = self.estimator.estimate_bps();
        assert!((MIN_ESTIMATE_BPS..=MAX_ESTIMATE_BPS).contains(&estimate_bps));
        stretch.estimates.push(estimate_bps);
    }

    fn hear(&mut self) {
        let now = self.now();
        while let Some((first, arrivals)) = self.network.poll_feedback(self.now_us) {
            for (sequence, arrival_us) in (first..).zip(arrivals) {
                self.estimator.handle_arrival(now, sequence, arrival_us);
            }
            self.estimator.finish_feedback(now);
        }
    }

    fn send(&mut self, stretch: &mut Stretch, bytes: usize) {
        let id = self.probe.as_mut().map(|padding| {
            padding.bytes += bytes;
            padding.packets += 1;
            padding.probe.id
        });
        let now = self.now();
        self.estimator
            .handle_sent(now, self.next_sequence, bytes, id);
        let queue_ms = self.network.send(self.now_us, self.next_sequence, bytes);
        stretch.queues_ms.push(queue_ms);
        stretch.sent_bytes += bytes;
        self.next_sequence += 1;
    }

    fn begin_probe(&mut self, stretch: &mut Stretch) {
        let now = self.now();
        let timeout = self.estimator.poll_timeout();
        let Some(probe) = self.estimator.poll_probe(now) else {
            return;
        };
        assert!(timeout.is_some_and(|at| at <= now));
        stretch.probes += 1;
        self.probe = Some(Padding {
            probe,
            started_us: self.now_us,
            bytes: 0,
            packets: 0,
        });
    }

    /// Fills with padding what media leaves of a probe.
    fn pad(&mut self, stretch: &mut Stretch) {
        while let Some(padding) = &self.probe {
            let probe = padding.probe;
            if padding.bytes >= probe.bytes && padding.packets >= probe.min_packets {
                self.probe = None;
                return;
            }
            let elapsed_us = self.now_us - padding.started_us;
            if padding.bytes as u64 > probe.rate_bps / 8 * elapsed_us / 1_000_000 {
                return;
            }
            self.send(stretch, (probe.bytes / probe.min_packets).clamp(200, 1_200));
        }
    }
}
