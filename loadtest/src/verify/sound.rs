//! A microphone's sound, as one participant receives it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::media::MediaPacket;

use super::arrivals::Arrival;
use super::reception::{Reception, is_the_senders};
use super::{Judge, Who};
use crate::media::stamp::Stamp;
use crate::report::SubscriptionSummary;

/// A gap from which on people hear it, whatever concealment does.
const INTERRUPTION: Duration = Duration::from_millis(150);

/// The sound of one subscription.
#[derive(Debug)]
pub struct SoundStream {
    pub(super) reception: Reception,
    newest: Option<Stamp>,
    interruptions: u32,
    interrupted: Duration,
}

impl SoundStream {
    pub(super) fn new(now: Instant, who: Who, sample_id: u64) -> Self {
        Self {
            reception: Reception::new(now, who, sample_id),
            newest: None,
            interruptions: 0,
            interrupted: Duration::ZERO,
        }
    }

    pub(super) fn handle(&mut self, judge: &mut Judge<'_>, packet: &MediaPacket<'_>) {
        let now = judge.now;
        let arrival = self.reception.take(judge, packet);
        // Empty: padding, by which a server probes the path.
        if arrival == Arrival::Stale || packet.payload.is_empty() {
            return;
        }
        let Some(stamp) = Stamp::read(packet.payload) else {
            self.reception.complain(judge, "foreign-packet", || {
                "a packet of sound carries no stamp of ours".to_owned()
            });
            return;
        };
        let wanted = self.reception.who.number;
        if stamp.publisher != wanted || !stamp.audio {
            self.reception.complain(judge, "wrong-person", || {
                let got = stamp.publisher;
                format!("sound of publisher {got} came instead of publisher {wanted}")
            });
        }
        let latency_us = judge.now_us().saturating_sub(stamp.captured_us);
        if let (Some(last), Some(newest)) = (self.reception.rhythm.last_at, self.newest) {
            self.check_gap(judge, now - last, stamp, newest);
        } else {
            self.reception.note_first(judge);
        }
        let captured = judge.captured_at(stamp.captured_us);
        self.reception.rhythm.check_clock(
            packet.clock,
            packet.timestamp,
            packet.codec.clock_rate_hz(),
            captured,
        );
        self.reception.rhythm.beat(now, latency_us);
        judge.tally.audio_latency.record(latency_us);
        if arrival != Arrival::Late {
            self.newest = Some(stamp);
        }
        if self.reception.is_sampled {
            let payloads = vec![Arc::from(packet.payload)];
            let follows = arrival == Arrival::InOrder;
            self.reception
                .sample(judge, packet.codec, stamp, follows, payloads);
        }
    }

    pub(super) fn finish(&mut self, judge: &mut Judge<'_>) -> SubscriptionSummary {
        self.reception.give_up_all(judge);
        SubscriptionSummary {
            kind: "audio".to_owned(),
            frames: self.reception.arrivals.received,
            freezes: self.interruptions,
            frozen_s: self.interrupted.as_secs_f64(),
            ..self.reception.summary()
        }
    }

    fn check_gap(&mut self, judge: &mut Judge<'_>, gap: Duration, stamp: Stamp, newest: Stamp) {
        if gap < INTERRUPTION || is_the_senders(gap, stamp, newest) {
            return;
        }
        self.interruptions += 1;
        self.interrupted += gap;
        judge.tally.interruptions += 1;
        judge.find(
            &self.reception.who,
            "interruption",
            format!("no sound for {:.2} s", gap.as_secs_f64()),
        );
    }
}
