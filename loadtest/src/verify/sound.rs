//! A microphone's sound, as one participant receives it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::codec::MediaKind;
use proto::session::MediaPacket;

use super::arrivals::{Arrival, Arrivals};
use super::rhythm::Rhythm;
use super::specimen::Specimen;
use super::{Judge, Who};
use crate::media::stamp::Stamp;
use crate::report::SubscriptionSummary;

/// A gap from which on people hear it, whatever concealment does.
const INTERRUPTION: Duration = Duration::from_millis(150);

/// The sound of one subscription.
#[derive(Debug)]
pub struct SoundStream {
    who: Who,
    sample_id: u64,
    /// Whether its packets go to the decoder.
    pub(super) is_sampled: bool,
    pub(super) rhythm: Rhythm,
    arrivals: Arrivals,
    newest: Option<Stamp>,
    interruptions: u32,
    interrupted: Duration,
    complained_at: Option<Instant>,
}

impl SoundStream {
    pub(super) fn new(now: Instant, who: Who, sample_id: u64) -> Self {
        Self {
            who,
            sample_id,
            is_sampled: false,
            rhythm: Rhythm::new(now),
            arrivals: Arrivals::default(),
            newest: None,
            interruptions: 0,
            interrupted: Duration::ZERO,
            complained_at: None,
        }
    }

    pub(super) fn who(&self) -> &Who {
        &self.who
    }

    pub(super) fn handle(&mut self, judge: &mut Judge<'_>, packet: &MediaPacket) {
        let now = judge.now;
        judge.tally.packets_received += 1;
        judge.tally.bytes_received += packet.payload.len() as u64;
        let arrival = self.arrivals.take(now, packet.sequence);
        match arrival {
            Arrival::Stale => return,
            Arrival::Late => judge.tally.packets_late += 1,
            Arrival::InOrder | Arrival::Ahead | Arrival::Restart => {}
        }
        if packet.payload.is_empty() {
            // Padding, by which a server probes the path.
            return;
        }
        let Some(stamp) = Stamp::read(&packet.payload) else {
            self.complain(judge, "foreign-packet", || {
                "a packet of sound carries no stamp of ours".to_owned()
            });
            return;
        };
        if stamp.publisher != self.who.number || !stamp.audio {
            let (got, wanted) = (stamp.publisher, self.who.number);
            self.complain(judge, "wrong-person", || {
                format!("sound of publisher {got} came instead of publisher {wanted}")
            });
        }
        let latency_us = judge.now_us().saturating_sub(stamp.captured_us);
        if let (Some(last), Some(newest)) = (self.rhythm.last_at, self.newest) {
            self.check_gap(judge, now - last, stamp, newest);
        } else {
            self.note_first(judge);
        }
        let captured = judge.captured_at(stamp.captured_us);
        self.rhythm.check_clock(
            packet.sender_clock,
            packet.timestamp,
            packet.codec.clock_rate_hz(),
            captured,
        );
        self.rhythm.beat(now, latency_us);
        judge.tally.audio_latency.record(latency_us);
        if arrival != Arrival::Late {
            self.newest = Some(stamp);
        }
        if self.is_sampled {
            judge.sampler.offer(Specimen {
                id: self.sample_id,
                second: (now - judge.epoch).as_secs() as u32,
                who: self.who.clone(),
                codec: packet.codec,
                stamp,
                follows: arrival == Arrival::InOrder,
                payloads: vec![Arc::clone(&packet.payload)],
            });
        }
    }

    pub(super) fn look(&mut self, judge: &mut Judge<'_>) {
        let lost = self.arrivals.give_up(judge.now);
        self.count_lost(judge, lost);
    }

    pub(super) fn finish(&mut self, judge: &mut Judge<'_>) -> SubscriptionSummary {
        let lost = self.arrivals.give_up_all(judge.now);
        self.count_lost(judge, lost);
        SubscriptionSummary {
            participant: self.who.participant.to_string(),
            publisher: self.who.publisher.to_string(),
            kind: "audio".to_owned(),
            packets: self.arrivals.received,
            lost: self.arrivals.lost,
            late: self.arrivals.late,
            frames: self.arrivals.received,
            freezes: self.interruptions,
            frozen_s: self.interrupted.as_secs_f64(),
            first_frame_ms: self
                .rhythm
                .first_after()
                .map(|after| after.as_secs_f64() * 1_000.0),
            latency_mean_ms: self.rhythm.latency_mean_ms(),
            latency_max_ms: self.rhythm.latency_max_ms(),
            encoding: None,
            switches: 0,
        }
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

    fn check_gap(&mut self, judge: &mut Judge<'_>, gap: Duration, stamp: Stamp, newest: Stamp) {
        let captured_gap = stamp.captured_us.saturating_sub(newest.captured_us);
        let is_the_senders = stamp.frame == newest.frame.wrapping_add(1)
            && Duration::from_micros(captured_gap) * 10 >= gap * 8;
        if gap < INTERRUPTION || is_the_senders {
            return;
        }
        self.interruptions += 1;
        self.interrupted += gap;
        judge.tally.interruptions += 1;
        judge.find(
            &self.who,
            "interruption",
            format!("no sound for {:.2} s", gap.as_secs_f64()),
        );
    }

    fn note_first(&mut self, judge: &Judge<'_>) {
        let began = judge.sources.began_us(self.who.number, MediaKind::Audio);
        if let Some(began) = began {
            let began = judge.epoch + Duration::from_micros(began);
            self.rhythm.wanted_from = self.rhythm.wanted_from.max(began).min(judge.now);
        }
    }

    fn complain(&mut self, judge: &mut Judge<'_>, kind: &str, what: impl FnOnce() -> String) {
        let is_fresh = self
            .complained_at
            .is_some_and(|at| judge.now.saturating_duration_since(at) < Duration::from_secs(1));
        if !is_fresh {
            self.complained_at = Some(judge.now);
            judge.find(&self.who, kind, what());
        }
    }
}
