//! What participants are told about quality: who speaks, how connections do, what is paused, and
//! up to which encoding anybody wants a track.

use std::time::Instant;

use proto::link::Frame;
use proto::session::SessionStats;
use proto::signal::messages::{
    ConnectionQuality, ConnectionQualityInfo, ConnectionQualityUpdate, SpeakerInfo,
    SpeakersChanged, StreamState, StreamStateInfo, StreamStateUpdate, SubscribedCodec,
    SubscribedQuality, SubscribedQualityUpdate, VideoQuality, signal_response::Message,
};
use router::{PublicationKey, RoomKey, SpeakerChange, SubscriptionKey};

use super::Engine;

impl Engine {
    pub(super) fn tell_speakers(
        &mut self,
        _now: Instant,
        room: RoomKey,
        changes: &[SpeakerChange],
    ) {
        let audible = changes.iter().filter_map(|change| {
            let peer = self
                .peer(change.participant)
                .filter(|peer| peer.is_visible())?;
            Some(SpeakerInfo {
                sid: peer.info.sid.clone(),
                level: change.level,
                active: change.active,
            })
        });
        let speakers: Vec<SpeakerInfo> = audible.collect();
        if !speakers.is_empty() {
            let changed = SpeakersChanged { speakers };
            self.send_to_segments(room, Message::SpeakersChanged(changed));
        }
    }

    pub(super) fn tell_stream_state(&mut self, subscription: SubscriptionKey, paused: bool) {
        let entry = self.router.subscription(subscription);
        let publication = self.router.publication(entry.publication);
        let state = if paused {
            StreamState::Paused
        } else {
            StreamState::Active
        };
        let info = StreamStateInfo {
            participant_sid: self
                .router
                .participant(publication.publisher)
                .sid
                .to_string(),
            track_sid: publication.sid.to_string(),
            state: state.into(),
        };
        let subscriber = entry.subscriber;
        let update = StreamStateUpdate {
            stream_states: vec![info],
        };
        self.send(subscriber, Message::StreamStateUpdate(update));
    }

    /// LiveKit's dynacast: the publisher stops encodings nobody wants.
    pub(super) fn tell_wanted_encodings(
        &mut self,
        publication: PublicationKey,
        highest: Option<usize>,
    ) {
        if self.tell_origin(publication, |id| Frame::Wanted(id, highest)) {
            return;
        }
        let entry = self.router.publication(publication);
        let (publisher, track_sid) = (entry.publisher, entry.sid.to_string());
        let top = entry.encoding_count().saturating_sub(1);
        let Some(track) = self
            .peer(publisher)
            .and_then(|peer| peer.tracks.by_key(publication))
        else {
            return;
        };
        let short_name = track
            .info
            .mime_type
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let qualities: Vec<SubscribedQuality> =
            [VideoQuality::Low, VideoQuality::Medium, VideoQuality::High]
                .into_iter()
                .enumerate()
                .map(|(index, quality)| SubscribedQuality {
                    quality: quality.into(),
                    // The highest there is stands for all above it.
                    enabled: highest.is_some_and(|highest| index <= highest || highest == top),
                })
                .collect();
        let update = SubscribedQualityUpdate {
            track_sid,
            subscribed_qualities: qualities.clone(),
            subscribed_codecs: vec![SubscribedCodec {
                codec: short_name,
                qualities,
            }],
        };
        self.send(publisher, Message::SubscribedQualityUpdate(update));
    }

    /// Tells everyone in a room how each connection does, where that has changed.
    pub(super) fn tell_connection_quality(&mut self, room: RoomKey) {
        let mut updates = Vec::new();
        for key in self.router.room(room).participants().to_vec() {
            let Some(peer) = self.peer_mut(key) else {
                continue;
            };
            let (quality, score) = rate(peer.stats, peer.life.path_lost.is_some());
            if !peer.life.connected || peer.told_quality == Some(quality.into()) {
                continue;
            }
            peer.told_quality = Some(quality.into());
            updates.push(ConnectionQualityInfo {
                participant_sid: peer.info.sid.clone(),
                quality: quality.into(),
                score,
            });
        }
        if !updates.is_empty() {
            let update = ConnectionQualityUpdate { updates };
            self.send_to_segments(room, Message::ConnectionQuality(update));
        }
    }

    /// Makes sure that a participant who has just come hears of everyone's quality.
    pub(super) fn forget_told_quality(&mut self, room: RoomKey) {
        for key in self.router.room(room).participants().to_vec() {
            if let Some(peer) = self.peer_mut(key) {
                peer.told_quality = None;
            }
        }
    }
}

/// Loss and delay as people notice them. The marks follow Microsoft's call quality dashboard,
/// which calls more than 10 % loss or 500 ms round trip poor.
fn rate(stats: SessionStats, path_lost: bool) -> (ConnectionQuality, f32) {
    let loss = stats.egress_loss.max(stats.ingress_loss);
    let round_trip_ms = stats.round_trip.map_or(0, |span| span.as_millis());
    if path_lost {
        (ConnectionQuality::Lost, 0.0)
    } else if loss > 0.10 || round_trip_ms > 500 {
        (ConnectionQuality::Poor, 2.0)
    } else if loss > 0.03 || round_trip_ms > 250 {
        (ConnectionQuality::Good, 3.5)
    } else {
        (ConnectionQuality::Excellent, 4.5)
    }
}
