//! Figures of one second, summed over a thread's participants.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::report::{Distribution, Finding, MAX_FINDINGS};

/// A second of a thread, or of all threads once merged.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Participants that carry media at its end.
    pub connected: u32,
    /// Subscriptions that carried something in it.
    pub live: u32,
    /// Attempts to join that succeeded.
    pub joined: u64,
    /// Attempts to join that failed.
    pub join_failures: u64,
    /// Connections lost without plan.
    pub disconnects: u64,
    /// Times somebody came back.
    pub reconnects: u64,
    /// RTP packets sent.
    pub packets_sent: u64,
    /// Their payload bytes.
    pub bytes_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// Their payload bytes.
    pub bytes_received: u64,
    /// RTP packets given up.
    pub packets_lost: u64,
    /// RTP packets that filled a gap.
    pub packets_late: u64,
    /// Complete pictures shown.
    pub frames: u64,
    /// Of those, by encoding.
    pub frames_by_encoding: [u64; 3],
    /// Pictures that could not be shown.
    pub frames_broken: u64,
    /// Freezes.
    pub freezes: u32,
    /// Their duration.
    pub frozen: Duration,
    /// Time pictures were watched, over all subscriptions.
    pub watched: Duration,
    /// Subscriptions that never carried anything.
    pub silent: u64,
    /// Gaps in sound.
    pub interruptions: u64,
    /// Data messages sent.
    pub messages_sent: u64,
    /// Data messages received.
    pub messages_received: u64,
    /// Latency of pictures.
    pub video_latency: Latencies,
    /// Latency of sound.
    pub audio_latency: Latencies,
    /// Joining.
    pub join: Latencies,
    /// Time to the first picture.
    pub first_frame: Latencies,
    /// How far apart sound and picture would be played by what sender reports say.
    pub lip_sync: Latencies,
    /// What was wrong.
    pub findings: Vec<Finding>,
    /// Also what is beyond the list.
    pub findings_by_kind: BTreeMap<String, u64>,
    /// Time the thread was working; of the busiest thread once merged.
    pub busiest: Duration,
    /// Longest time a timer was served late.
    pub lateness: Duration,
}

impl Tally {
    /// Notes something wrong.
    pub fn find(
        &mut self,
        second: u32,
        kind: &str,
        participant: String,
        track: Option<String>,
        what: String,
    ) {
        *self.findings_by_kind.entry(kind.to_owned()).or_default() += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Finding {
                second,
                kind: kind.to_owned(),
                participant,
                track,
                what,
            });
        }
    }

    /// Adds another thread's, or another second's.
    pub fn add(&mut self, other: &Self) {
        self.connected += other.connected;
        self.live += other.live;
        self.joined += other.joined;
        self.join_failures += other.join_failures;
        self.disconnects += other.disconnects;
        self.reconnects += other.reconnects;
        self.packets_sent += other.packets_sent;
        self.bytes_sent += other.bytes_sent;
        self.packets_received += other.packets_received;
        self.bytes_received += other.bytes_received;
        self.packets_lost += other.packets_lost;
        self.packets_late += other.packets_late;
        self.frames += other.frames;
        for (own, other) in self
            .frames_by_encoding
            .iter_mut()
            .zip(other.frames_by_encoding)
        {
            *own += other;
        }
        self.frames_broken += other.frames_broken;
        self.freezes += other.freezes;
        self.frozen += other.frozen;
        self.watched += other.watched;
        self.interruptions += other.interruptions;
        self.silent += other.silent;
        self.messages_sent += other.messages_sent;
        self.messages_received += other.messages_received;
        self.video_latency.add(&other.video_latency);
        self.audio_latency.add(&other.audio_latency);
        self.join.add(&other.join);
        self.first_frame.add(&other.first_frame);
        self.lip_sync.add(&other.lip_sync);
        let room = MAX_FINDINGS.saturating_sub(self.findings.len());
        self.findings
            .extend(other.findings.iter().take(room).cloned());
        for (kind, count) in &other.findings_by_kind {
            *self.findings_by_kind.entry(kind.clone()).or_default() += count;
        }
        self.busiest = self.busiest.max(other.busiest);
        self.lateness = self.lateness.max(other.lateness);
    }
}

/// Durations, to a hundredth of their size.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Option<Histogram<u32>>);

/// In microseconds: two minutes. Longer ones count as this.
const LONGEST_US: u64 = 120_000_000;

impl Latencies {
    /// Notes one, in microseconds.
    pub fn record(&mut self, us: u64) {
        if self.0.is_none() {
            self.0 = Histogram::new_with_bounds(1, LONGEST_US, 2).ok();
        }
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(us.clamp(1, LONGEST_US));
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        let Some(other) = &other.0 else { return };
        match &mut self.0 {
            // The bounds are the same, so it cannot fail.
            Some(own) => drop(own.add(other)),
            none => *none = Some(other.clone()),
        }
    }

    /// Their figures, in milliseconds.
    pub fn figures_ms(&self) -> Distribution {
        let Some(histogram) = self.0.as_ref().filter(|own| !own.is_empty()) else {
            return Distribution::default();
        };
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        Distribution {
            count: histogram.len(),
            mean: histogram.mean() / 1_000.0,
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max() as f64 / 1_000.0,
        }
    }
}
