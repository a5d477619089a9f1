//! The way of a packet through the engine: from the publisher's session to the receivers'
//! outboxes, which the next flush empties.

use std::sync::Arc;
use std::time::Instant;

use proto::codec::{Codec, MediaKind};
use proto::layer::{self, PayloadInfo};
use proto::session::{MediaPacket, OutgoingPacket};
use router::rewrite::Numbers;
use router::{Event, Packet, ParticipantKey};

use super::{DropReason, Engine};

impl Engine {
    pub(super) fn handle_media(&mut self, now: Instant, key: ParticipantKey, packet: MediaPacket) {
        self.counters.packets_in += 1;
        let Some(peer) = self.peer(key) else { return };
        let Some((publication, encoding)) =
            peer.sections.publication_of(packet.section, packet.rid)
        else {
            return self.counters.drop(DropReason::NoPublication);
        };
        let info = match packet.codec.video() {
            Some(codec) => match layer::describe(codec, &packet.payload) {
                Some(info) => Some(info),
                None => return self.counters.drop(DropReason::MalformedPayload),
            },
            None => None,
        };
        let mut forwards = std::mem::take(&mut self.forwards);
        self.router.handle_packet(
            now,
            &Packet {
                publication,
                encoding,
                numbers: Numbers {
                    sequence: packet.sequence,
                    timestamp: packet.timestamp,
                    vp8: info.and_then(|info: PayloadInfo| info.vp8),
                },
                clock_rate_hz: packet.codec.clock_rate_hz(),
                keyframe: info.is_some_and(|info| info.keyframe),
                bytes: packet.payload.len(),
                audio_level: packet
                    .extensions
                    .audio_level_dbov
                    .map(|level| (level, packet.extensions.voice)),
            },
            &mut forwards,
        );
        let mut unwrapped = None;
        for forward in forwards.drain(..) {
            let Some(peer) = self
                .peers
                .get_mut(forward.subscriber.index())
                .and_then(Option::as_mut)
            else {
                continue;
            };
            let Some((codec, payload)) = payload_for(
                peer.session.takes(forward.section, Codec::Red),
                &packet,
                &mut unwrapped,
            ) else {
                continue;
            };
            peer.outbox.push(OutgoingPacket {
                section: forward.section,
                rid: None,
                codec,
                sequence: forward.sequence,
                timestamp: forward.timestamp,
                marker: packet.marker,
                payload,
                wallclock: packet.received,
                extensions: packet.extensions.clone(),
                vp8: forward.vp8,
            });
            self.counters.packets_out += 1;
            self.mark_dirty(forward.subscriber);
        }
        self.forwards = forwards;
        self.notice_codec(now, key, packet.section, packet.codec);
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
                Event::StreamState {
                    subscription,
                    paused,
                } => self.tell_stream_state(subscription, paused),
                Event::BitrateWanted {
                    participant,
                    desired_bps,
                } => {
                    if let Some(peer) = self.peer_mut(participant) {
                        peer.bandwidth.desired_bps = desired_bps;
                        let figure_bps = peer.bandwidth.next_figure_bps();
                        peer.session.set_wanted_bitrate(figure_bps);
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

/// What to send to a receiver: the payload as it is, or the Opus inside RED for one that does not
/// take RED.
fn payload_for(
    takes_red: bool,
    packet: &MediaPacket,
    unwrapped: &mut Option<Option<Arc<[u8]>>>,
) -> Option<(Codec, Arc<[u8]>)> {
    if packet.codec != Codec::Red || takes_red {
        return Some((packet.codec, Arc::clone(&packet.payload)));
    }
    debug_assert_eq!(packet.codec.kind(), MediaKind::Audio, "RED is audio");
    let primary =
        unwrapped.get_or_insert_with(|| layer::red::primary(&packet.payload).map(Arc::from));
    primary.clone().map(|payload| (Codec::Opus, payload))
}
