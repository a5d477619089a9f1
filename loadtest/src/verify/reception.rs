//! What pictures and sound have in common: whose stream it is, which packets came, and when.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::codec::Codec;
use proto::media::MediaPacket;

use super::arrivals::{Arrival, Arrivals};
use super::rhythm::Rhythm;
use super::specimen::Specimen;
use super::{Judge, Who};
use crate::media::stamp::Stamp;
use crate::report::SubscriptionSummary;

/// One complaint in this time is enough to find the cause.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// The receiving side of a subscription.
#[derive(Debug)]
pub(super) struct Reception {
    pub(super) who: Who,
    /// Whether what is received goes to the decoder.
    pub(super) is_sampled: bool,
    pub(super) rhythm: Rhythm,
    pub(super) arrivals: Arrivals,
    sample_id: u64,
    complained_at: Option<Instant>,
}

impl Reception {
    pub(super) fn new(now: Instant, who: Who, sample_id: u64) -> Self {
        Self {
            who,
            is_sampled: false,
            rhythm: Rhythm::new(now),
            arrivals: Arrivals::default(),
            sample_id,
            complained_at: None,
        }
    }

    /// Counts a packet.
    pub(super) fn take(&mut self, judge: &mut Judge<'_>, packet: &MediaPacket<'_>) -> Arrival {
        judge.tally.packets_received += 1;
        judge.tally.bytes_received += packet.payload.len() as u64;
        let arrival = self.arrivals.take(judge.now, packet.sequence);
        judge.tally.packets_late += u64::from(arrival == Arrival::Late);
        arrival
    }

    /// Counts what has been missing for too long.
    pub(super) fn give_up(&mut self, judge: &mut Judge<'_>) {
        let lost = self.arrivals.give_up(judge.now);
        self.count_lost(judge, lost);
    }

    /// Counts all that is missing.
    pub(super) fn give_up_all(&mut self, judge: &mut Judge<'_>) {
        let lost = self.arrivals.give_up_all(judge.now);
        self.count_lost(judge, lost);
    }

    fn count_lost(&mut self, judge: &mut Judge<'_>, lost: u64) {
        if lost > 0 {
            judge.tally.packets_lost += lost;
            judge.find(
                &self.who,
                "loss",
                format!("{lost} RTP packets did not come within a second"),
            );
        }
    }

    /// Notes something wrong that may come with every packet.
    pub(super) fn complain(
        &mut self,
        judge: &mut Judge<'_>,
        kind: &str,
        what: impl FnOnce() -> String,
    ) {
        let may = self
            .complained_at
            .is_none_or(|at| judge.now.saturating_duration_since(at) > COMPLAINT_INTERVAL);
        if may {
            self.complained_at = Some(judge.now);
            judge.find(&self.who, kind, what());
        }
    }

    /// Measures from when both sides were there.
    pub(super) fn note_first(&mut self, judge: &Judge<'_>) {
        let began = judge.sources.began_us(self.who.number, self.who.kind);
        if let Some(began) = began {
            let began = judge.epoch + Duration::from_micros(began);
            self.rhythm.wanted_from = self.rhythm.wanted_from.max(began).min(judge.now);
        }
    }

    /// Has a frame decoded.
    pub(super) fn sample(
        &self,
        judge: &Judge<'_>,
        codec: Codec,
        stamp: Stamp,
        follows: bool,
        payloads: Vec<Arc<[u8]>>,
    ) {
        judge.sampler.offer(Specimen {
            id: self.sample_id,
            second: judge.second(),
            who: self.who.clone(),
            codec,
            stamp,
            follows,
            payloads,
        });
    }

    /// What became of it, without what only pictures or only sound have.
    pub(super) fn summary(&self) -> SubscriptionSummary {
        SubscriptionSummary {
            participant: self.who.participant.to_string(),
            publisher: self.who.publisher.to_string(),
            packets: self.arrivals.received,
            lost: self.arrivals.lost,
            late: self.arrivals.late,
            first_frame_ms: self
                .rhythm
                .first_after()
                .map(|after| after.as_secs_f64() * 1_000.0),
            latency_mean_ms: self.rhythm.latency_mean_ms(),
            latency_max_ms: self.rhythm.latency_max_ms(),
            ..SubscriptionSummary::default()
        }
    }
}

/// Whether a gap between two frames is one the sender made: the frames follow each other, and most
/// of the gap lies between their captures.
pub(super) fn is_the_senders(gap: Duration, stamp: Stamp, before: Stamp) -> bool {
    let captured_gap = stamp.captured_us.saturating_sub(before.captured_us);
    stamp.frame == before.frame.wrapping_add(1)
        && Duration::from_micros(captured_gap) * 10 >= gap * 8
}
