//! The way of a packet through the engine: from the publisher's session to the receivers'
//! outboxes, which the next flush empties.

use std::time::Instant;

use proto::layer::{self, PayloadInfo};
use proto::link::Frame;
use proto::media::ring::NewPacket;
use proto::media::{MediaPacket, StreamClock};
use router::rewrite::Numbers;
use router::{Event, Packet, ParticipantKey, PublicationKey};

use super::{DropReason, Engine};

/// How many receivers before its turn a receiver's outbox is prefetched.
const PREFETCH_AHEAD: usize = 4;

impl Engine {
    pub(super) fn handle_media(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        packet: &MediaPacket<'_>,
    ) {
        self.counters.packets_in += 1;
        let Some(peer) = self.peer(key) else { return };
        let Some((publication, encoding)) =
            peer.sections.publication_of(packet.section, packet.rid)
        else {
            return self.counters.drop(DropReason::NoPublication);
        };
        let info = match packet.codec.video() {
            Some(codec) => match layer::describe(codec, packet.payload) {
                Some(info) => Some(info),
                None => return self.counters.drop(DropReason::MalformedPayload),
            },
            None => None,
        };
        let new = NewPacket {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            codec: packet.codec,
            vp8: info.and_then(|info: PayloadInfo| info.vp8),
            values: packet.values,
            payload: packet.payload,
        };
        let keyframe = info.is_some_and(|info| info.keyframe);
        self.forward(now, publication, encoding, keyframe, packet.clock, &new);
        self.link_packet(publication, encoding, keyframe, packet.clock, &new);
        self.notice_codec(now, key, packet.section, packet.codec);
    }

    /// Keeps a packet, and lists it for everyone here who gets it.
    pub(super) fn forward(
        &mut self,
        now: Instant,
        publication: PublicationKey,
        encoding: usize,
        keyframe: bool,
        clock: Option<StreamClock>,
        packet: &NewPacket<'_>,
    ) {
        let Some(ring) = self.router.ring(publication, encoding) else {
            return self.counters.drop(DropReason::NoPublication);
        };
        ring.clock = clock;
        ring.insert(now, packet);
        let mut forwards = std::mem::take(&mut self.forwards);
        self.router.handle_packet(
            now,
            &Packet {
                publication,
                encoding,
                numbers: Numbers {
                    sequence: packet.sequence,
                    timestamp: packet.timestamp,
                    vp8: packet.vp8,
                },
                clock_rate_hz: packet.codec.clock_rate_hz(),
                keyframe,
                bytes: packet.payload.len(),
                // RFC 6464 §3: the highest bit tells a voice.
                audio_level: packet
                    .values
                    .audio_level
                    .map(|level| (level & 0x7F, Some(level & 0x80 != 0))),
            },
            &mut forwards,
        );
        for (index, forward) in forwards.iter().enumerate() {
            if let Some(later) = forwards.get(index + PREFETCH_AHEAD)
                && let Some(peer) = self.peer(later.subscriber)
            {
                peer.prefetch_outbox();
            }
            let peer = self.peers.get_mut(forward.subscriber.index());
            let Some(peer) = peer.and_then(Option::as_mut) else {
                self.overhear(now, forward, clock, packet);
                continue;
            };
            peer.outbox.push(*forward);
            self.mark_dirty(forward.subscriber);
        }
        forwards.clear();
        self.forwards = forwards;
    }

    /// Sends the packets again that a receiver has missed, as far as they are kept.
    pub(super) fn send_again(&mut self, now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
        };
        while let Some(resend) = peer.session.poll_resend() {
            let subscription = peer.sections.subscription_in(resend.section);
            let forward = subscription
                .and_then(|subscription| self.router.find_again(subscription, resend.sequence));
            match forward {
                Some(forward) => {
                    peer.send_again(now, &mut self.router, &mut self.batch, &forward);
                    self.counters.packets_resent += 1;
                }
                None => self.counters.drop(DropReason::NotKept),
            }
        }
    }

    pub(super) fn handle_keyframe_request(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        section: usize,
    ) {
        let Some(peer) = self.peer(key) else { return };
        if let Some(subscription) = peer.sections.subscription_in(section) {
            self.router.request_keyframe(now, subscription);
        }
    }

    /// Carries out what the router wants done.
    pub(super) fn handle_router_events(&mut self, now: Instant) {
        while let Some(event) = self.router.poll_event() {
            match event {
                Event::KeyframeWanted {
                    publication,
                    encoding,
                } => {
                    if self.tell_origin(publication, |id| Frame::KeyframeWanted(id, encoding)) {
                        continue;
                    }
                    self.counters.keyframe_requests += 1;
                    let publisher = self.router.publication(publication).publisher;
                    let Some(peer) = self.peer_mut(publisher) else {
                        continue;
                    };
                    if let Some((section, rid)) = peer.sections.section_of(publication, encoding) {
                        peer.session.request_keyframe(section, rid);
                        self.mark_dirty(publisher);
                    }
                }
                Event::EncodingsWanted {
                    publication,
                    highest,
                } => {
                    self.tell_wanted_encodings(publication, highest);
                }
                Event::Crossing {
                    publication,
                    encodings,
                } => self.tell_crossing(publication, encodings),
                Event::Rates { publication, rates } => self.tell_rates(publication, rates),
                Event::StreamState {
                    subscription,
                    paused,
                } => self.tell_stream_state(subscription, paused),
                Event::BitrateWanted {
                    participant,
                    desired_bps,
                } => {
                    if let Some(peer) = self.peer_mut(participant) {
                        peer.session.set_wanted_bitrate(now, desired_bps);
                        self.mark_dirty(participant);
                    }
                }
                Event::SpeakersChanged { room, speakers } => {
                    self.tell_speakers(now, room, &speakers)
                }
            }
        }
    }
}
