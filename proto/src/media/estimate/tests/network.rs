//! A simulated path with a receiver at its end that sends feedback.

use std::collections::{BTreeMap, VecDeque};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How often the receiver sends feedback, in µs: as browsers do.
const FEEDBACK_INTERVAL_US: u64 = 50_000;

/// Resolution of the arrival times in feedback, in µs.
const TICK_US: i64 = 250;

/// What a path is like. It can change while packets are on their way.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// The bottleneck in bits/s; `None` without one.
    pub(super) rate_bps: Option<u64>,
    /// Longest queue before it, in ms at its rate.
    pub(super) buffer_ms: u64,
    /// Round-trip time without queues, in ms.
    pub(super) round_trip_ms: u64,
    /// Share of packets lost at random.
    pub(super) loss: f64,
    /// Largest random delay of a packet, in ms, and whether packets overtake each other.
    pub(super) jitter_ms: u64,
    pub(super) reorders: bool,
    /// How much faster the receiver's clock runs, in parts per million.
    pub(super) skew_ppm: f64,
    /// Mean time between halts of the receiver, in ms, and their length; 0 for none.
    pub(super) halt_every_ms: u64,
    pub(super) halt_ms: std::ops::RangeInclusive<u64>,
    /// Share of feedback lost.
    pub(super) feedback_loss: f64,
}

impl Default for Path {
    fn default() -> Self {
        Self {
            rate_bps: None,
            buffer_ms: 300,
            round_trip_ms: 50,
            loss: 0.0,
            jitter_ms: 1,
            reorders: false,
            skew_ppm: 0.0,
            halt_every_ms: 0,
            halt_ms: 0..=0,
            feedback_loss: 0.0,
        }
    }
}

/// Consecutive packets, from a first number, and when they arrived.
pub(super) type Feedback = (u64, Vec<Option<i64>>);

/// The path, what is on it, and the receiver.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) path: Path,
    rng: ChaCha8Rng,
    backlog_bits: f64,
    backlog_us: u64,
    last_arrival_us: u64,
    halts: VecDeque<(u64, u64)>,
    /// When packets will be read, and their numbers.
    arriving: Vec<(u64, u64)>,
    /// Packets read, with the time by the receiver's clock.
    read: BTreeMap<u64, i64>,
    next_reported: u64,
    next_feedback_us: u64,
    feedback: VecDeque<(u64, Feedback)>,
}

impl Network {
    pub(super) fn new(path: Path, seed: u64) -> Self {
        Self {
            path,
            rng: ChaCha8Rng::seed_from_u64(seed),
            backlog_bits: 0.0,
            backlog_us: 0,
            last_arrival_us: 0,
            halts: VecDeque::new(),
            arriving: Vec::new(),
            read: BTreeMap::new(),
            next_reported: 0,
            next_feedback_us: 0,
            feedback: VecDeque::new(),
        }
    }

    /// Sends a packet. Returns the delay of the queue it meets, in ms.
    pub(super) fn send(&mut self, now_us: u64, sequence: u64, bytes: usize) -> f64 {
        let queue_us = self.queue_us(now_us);
        let is_lost = self.rng.random::<f64>() < self.path.loss;
        if is_lost || queue_us > self.path.buffer_ms as f64 * 1e3 {
            return queue_us / 1e3;
        }
        let bits = bytes as f64 * 8.0;
        let serialization_us = match self.path.rate_bps {
            Some(rate_bps) => {
                self.backlog_bits += bits;
                bits * 1e6 / rate_bps as f64
            }
            None => 0.0,
        };
        let jitter_us = self.rng.random_range(0..=self.path.jitter_ms * 1_000);
        let path_us = queue_us + serialization_us + self.path.round_trip_ms as f64 * 500.0;
        let mut arrival_us = now_us + path_us as u64 + jitter_us;
        if !self.path.reorders {
            arrival_us = arrival_us.max(self.last_arrival_us);
            self.last_arrival_us = arrival_us;
        }
        let read_us = self.read_us(arrival_us);
        self.arriving.push((read_us, sequence));
        queue_us / 1e3
    }

    /// The delay of the queue, in µs.
    fn queue_us(&mut self, now_us: u64) -> f64 {
        let Some(rate_bps) = self.path.rate_bps else {
            self.backlog_bits = 0.0;
            return 0.0;
        };
        let elapsed_us = now_us.saturating_sub(self.backlog_us) as f64;
        self.backlog_us = self.backlog_us.max(now_us);
        let drained_bits = elapsed_us * rate_bps as f64 / 1e6;
        self.backlog_bits = (self.backlog_bits - drained_bits).max(0.0);
        self.backlog_bits * 1e6 / rate_bps as f64
    }

    /// When a packet is read that arrives at a time.
    fn read_us(&mut self, arrival_us: u64) -> u64 {
        if self.path.halt_every_ms == 0 {
            return arrival_us;
        }
        let mut last_end_us = self.halts.back().map_or(arrival_us, |(_, end)| *end);
        while last_end_us < arrival_us + 5_000_000 {
            let gap_ms = self.rng.random_range(0..=self.path.halt_every_ms * 2);
            let start_us = last_end_us + gap_ms * 1_000 + 1_000;
            last_end_us = start_us + self.rng.random_range(self.path.halt_ms.clone()) * 1_000;
            self.halts.push_back((start_us, last_end_us));
        }
        while self
            .halts
            .front()
            .is_some_and(|(_, end)| end + 1_000_000 < arrival_us)
        {
            self.halts.pop_front();
        }
        self.halts
            .iter()
            .find(|(start, end)| (*start..*end).contains(&arrival_us))
            .map_or(arrival_us, |(_, end)| *end)
    }

    /// The next feedback that has come to the sender.
    pub(super) fn poll_feedback(&mut self, now_us: u64) -> Option<Feedback> {
        if now_us >= self.next_feedback_us {
            self.next_feedback_us = now_us + FEEDBACK_INTERVAL_US;
            self.report(now_us);
        }
        self.feedback.front().filter(|(at, _)| *at <= now_us)?;
        self.feedback.pop_front().map(|(_, feedback)| feedback)
    }

    fn report(&mut self, now_us: u64) {
        let mut new = Vec::new();
        self.arriving.retain(|&(read_us, sequence)| {
            let is_read = read_us <= now_us;
            if is_read {
                new.push((read_us, sequence));
            }
            !is_read
        });
        for &(read_us, sequence) in &new {
            let local_us = read_us as f64 * (1.0 + self.path.skew_ppm / 1e6);
            let ticks = (local_us as i64 + 123_456_789).div_euclid(TICK_US);
            self.read.insert(sequence, ticks * TICK_US);
        }
        let sequences = || new.iter().map(|(_, sequence)| *sequence);
        let (Some(lowest), Some(highest)) = (sequences().min(), sequences().max()) else {
            return;
        };
        let first = lowest.min(self.next_reported);
        self.next_reported = self.next_reported.max(highest + 1);
        let arrivals = (first..=highest)
            .map(|sequence| self.read.get(&sequence).copied())
            .collect();
        self.read = self.read.split_off(&highest.saturating_sub(2_000));
        if self.rng.random::<f64>() >= self.path.feedback_loss {
            let at_us = now_us + self.path.round_trip_ms * 500;
            self.feedback.push_back((at_us, (first, arrivals)));
        }
    }
}
