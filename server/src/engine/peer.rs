//! One participant as the engine holds it.

use std::collections::VecDeque;
use std::time::Instant;

use prefetch::prefetch;
use proto::codec::{Codec, MediaKind};
use proto::demux::Entries;
use proto::layer::{red, vp8};
use proto::media::{OutgoingPacket, PrefetchStage, SendBatch, Sent};
use proto::session::{Session, SessionStats};
use proto::signal::messages::{ParticipantInfo, SubscriptionPermission};
use proto::token::Claims;
use router::{Forward, Router, SectionOutput, SubscriptionKey};

use super::command::ConnectionId;
use super::counters::{Counters, DropReason};
use super::data::DataState;
use super::limits::{MAX_HELD_PACKETS, MAX_OFFERS, OFFER_WINDOW};
use super::sections::Sections;
use super::tracks::Tracks;

/// Packets of an outbox that are prefetched: those of a picture.
const MAX_PREFETCHED: usize = 10;

/// Session, signalling and publications of one participant.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) session: Session,
    /// What the demultiplexer knows of the session.
    pub(super) entries: Entries,
    /// Its signalling, unless lost.
    pub(super) connection: Option<ConnectionId>,
    /// What others see of it, without its tracks.
    pub(super) info: ParticipantInfo,
    pub(super) claims: Claims,
    /// Whom it lets subscribe, if it has said.
    pub(super) permission: Option<SubscriptionPermission>,
    pub(super) sections: Sections,
    pub(super) tracks: Tracks,
    pub(super) data: DataState,
    /// When it was last asked to offer again, and whether it waits to be.
    pub(super) asked: Option<Instant>,
    pub(super) is_ask_due: bool,
    /// Subscriptions whose sections are agreed on, to be attached once there is a path.
    pub(super) assigned: Vec<(SubscriptionKey, SectionOutput)>,
    /// Packets to send at the next flush.
    pub(super) outbox: Vec<Forward>,
    /// Packets of pictures that wait for their turn in the pace.
    pub(super) held: VecDeque<Forward>,
    /// Whether it is listed for the next flush.
    pub(super) is_dirty: bool,
    /// When its session wants to be driven.
    pub(super) deadline: Instant,
    /// Earliest entry in the timers.
    pub(super) scheduled: Option<Instant>,
    pub(super) life: Life,
    pub(super) stats: SessionStats,
    /// Quality it was last told of itself, and when.
    pub(super) told_quality: Option<i32>,
    offers: (Instant, u32),
    #[cfg(feature = "chaos")]
    pub(super) poisoned: bool,
}

/// Since when what lasts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub(super) joined: Instant,
    pub(super) connected: bool,
    pub(super) path_lost: Option<Instant>,
    pub(super) signal_lost: Option<Instant>,
    pub(super) token_sent: Instant,
}

impl Peer {
    pub(super) fn new(
        now: Instant,
        session: Session,
        connection: ConnectionId,
        info: ParticipantInfo,
        claims: Claims,
    ) -> Self {
        Self {
            session,
            entries: Entries::default(),
            connection: Some(connection),
            info,
            claims,
            permission: None,
            sections: Sections::default(),
            tracks: Tracks::default(),
            data: DataState::default(),
            asked: None,
            is_ask_due: false,
            assigned: Vec::new(),
            outbox: Vec::new(),
            held: VecDeque::new(),
            is_dirty: false,
            deadline: now,
            scheduled: None,
            life: Life {
                joined: now,
                connected: false,
                path_lost: None,
                signal_lost: None,
                token_sent: now,
            },
            stats: SessionStats::default(),
            told_quality: None,
            offers: (now, 0),
            #[cfg(feature = "chaos")]
            poisoned: false,
        }
    }

    /// Whether others see it.
    pub(super) fn is_visible(&self) -> bool {
        !self.claims.video.hidden
    }

    /// Gives a section a new RTP stream. What was still to be sent in it belongs to the old one:
    /// with its numbers it would make receivers take the new one for a replay.
    pub(super) fn renew_stream(&mut self, section: usize) {
        let is_other = |packet: &Forward| usize::from(packet.section) != section;
        self.outbox.retain(is_other);
        self.held.retain(is_other);
        self.session.renew_stream(section);
    }

    /// Prefetches what [`Peer::send_packets`] needs, so many participants before its turn.
    pub(super) fn prefetch(&self, ahead: usize) {
        match ahead {
            0 => {
                let section = self.outbox.first().map_or(0, |packet| packet.section);
                self.session.prefetch(PrefetchStage::Stream(section.into()));
            }
            1 => {
                let most = self.outbox.len().min(MAX_PREFETCHED);
                prefetch(&self.outbox[..most]);
                self.session.prefetch(PrefetchStage::Egress);
            }
            _ => {
                self.prefetch_outbox();
                prefetch(&self.held);
                self.session.prefetch(PrefetchStage::Own);
            }
        }
    }

    /// Prefetches what it takes to give it a packet.
    pub(super) fn prefetch_outbox(&self) {
        prefetch(&self.outbox);
        prefetch(&self.is_dirty);
    }

    /// Seals what may leave now into the batch: sound at once, pictures at their pace.
    pub(super) fn send_packets(
        &mut self,
        now: Instant,
        router: &mut Router,
        batch: &mut SendBatch,
        counters: &mut Counters,
    ) {
        // Several packets go in one message if they are of one size.
        let is_padded = self.held.len() + self.outbox.len() > 1;
        while !self.held.is_empty() && self.session.may_send(now) {
            if let Some(forward) = self.held.pop_front() {
                self.send_packet(now, router, batch, counters, &forward, is_padded);
            }
        }
        let mut outbox = std::mem::take(&mut self.outbox);
        for forward in outbox.drain(..) {
            if forward.kind == MediaKind::Audio
                || (self.held.is_empty() && self.session.may_send(now))
            {
                self.send_packet(now, router, batch, counters, &forward, is_padded);
            } else if self.held.len() < MAX_HELD_PACKETS {
                self.held.push_back(forward);
            } else {
                counters.drop(DropReason::PaceTooSlow);
            }
        }
        // The vector keeps its room for the next wake-up.
        self.outbox = outbox;
    }

    fn send_packet(
        &mut self,
        now: Instant,
        router: &mut Router,
        batch: &mut SendBatch,
        counters: &mut Counters,
        forward: &Forward,
        is_padded: bool,
    ) {
        let is_padded = is_padded && forward.kind == MediaKind::Video;
        let sent = self.seal(router, forward, is_padded, |session, packet| {
            session.send(now, packet, batch)
        });
        match sent {
            Some(Sent::Yes) => counters.packets_out += 1,
            Some(Sent::CodecNotTaken) => counters.drop(DropReason::CodecNotTaken),
            Some(Sent::NotConnected | Sent::Failed) => {}
            None => counters.drop(DropReason::NotKept),
        }
    }

    /// Sends a packet again that was missed.
    pub(super) fn send_again(
        &mut self,
        now: Instant,
        router: &mut Router,
        batch: &mut SendBatch,
        forward: &Forward,
    ) {
        self.seal(router, forward, false, |session, packet| {
            session.resend(now, packet, batch)
        });
    }

    /// Gives a kept packet with this receiver's numbers to `send`. `None` if it is not kept any
    /// more.
    fn seal(
        &mut self,
        router: &mut Router,
        forward: &Forward,
        is_padded: bool,
        send: impl FnOnce(&mut Session, &OutgoingPacket<'_>) -> Sent,
    ) -> Option<Sent> {
        let ring = router.ring(forward.publication, forward.encoding.into())?;
        let clock = ring.clock;
        let stored = ring.get_mut(forward.kept)?;
        if let Some(numbers) = forward.vp8 {
            // In place: the packet's own numbers are kept beside it.
            vp8::rewrite(stored.payload_mut(), numbers);
        }
        let mut packet = OutgoingPacket::of(
            stored,
            forward.section.into(),
            forward.sequence,
            forward.timestamp,
            clock,
        );
        if is_padded {
            packet = packet.padded(stored);
        }
        if packet.codec == Codec::Red && !self.session.takes(forward.section.into(), Codec::Red) {
            packet.codec = Codec::Opus;
            packet.payload = red::primary(packet.payload)?;
        }
        Some(send(&mut self.session, &packet))
    }

    /// Counts an offer. Returns whether that is still within the limit.
    pub(super) fn may_offer(&mut self, now: Instant) -> bool {
        let (since, count) = &mut self.offers;
        if now.saturating_duration_since(*since) > OFFER_WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= MAX_OFFERS
    }
}
