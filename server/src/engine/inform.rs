//! Telling participants things: what they see of each other, and messages to one or to all.

use std::time::Instant;

use bytes::Bytes;
use proto::api;
use proto::ids::Identity;
use proto::link::Frame;
use proto::signal::encode_response;
use proto::signal::messages::{
    ParticipantInfo, ParticipantUpdate, RequestResponse, TrackInfo, TrackSource, TrackType,
    VideoQuality, encryption, participant_info, request_response, signal_response::Message,
};
use router::{ParticipantKey, RoomKey};

use super::Engine;
use super::command::Output;

impl Engine {
    /// Sends a message to a participant, if its signalling is up.
    pub(super) fn send(&mut self, key: ParticipantKey, message: Message) {
        if let Some(connection) = self.peer(key).and_then(|peer| peer.connection) {
            self.outputs
                .push_back(Output::Signal(connection, encode_response(message).into()));
        }
    }

    /// Sends a message to everyone in a room who is here, but one.
    pub(super) fn send_to_room(
        &mut self,
        room: RoomKey,
        except: Option<ParticipantKey>,
        message: Message,
    ) {
        self.send_encoded(room, except, &encode_response(message).into());
    }

    /// Sends a message to everyone in a room, in all its segments.
    pub(super) fn send_to_segments(&mut self, room: RoomKey, message: Message) {
        let encoded: Bytes = encode_response(message).into();
        self.send_encoded(room, None, &encoded);
        self.tell_links(room, |name| Frame::Signal(name.clone(), encoded.clone()));
    }

    pub(super) fn send_encoded(
        &mut self,
        room: RoomKey,
        except: Option<ParticipantKey>,
        encoded: &Bytes,
    ) {
        self.tell_listeners(room, encoded);
        for key in self.router.room(room).participants().to_vec() {
            let connection = self.peer(key).and_then(|peer| peer.connection);
            if let Some(connection) = connection.filter(|_| Some(key) != except) {
                self.outputs
                    .push_back(Output::Signal(connection, encoded.clone()));
            }
        }
    }

    /// Tells a participant that a request was refused, and why.
    pub(super) fn refuse(
        &mut self,
        key: ParticipantKey,
        request_id: u32,
        reason: request_response::Reason,
        message: &str,
        request: Option<request_response::Request>,
    ) {
        tracing::debug!(participant = %self.router.participant(key).sid, ?reason, message, "request refused");
        let response = RequestResponse {
            request_id,
            reason: reason.into(),
            message: message.to_owned(),
            request,
        };
        self.send(key, Message::RequestResponse(response));
    }

    /// A participant with its tracks, as others see it.
    pub(super) fn participant_info(&self, key: ParticipantKey) -> Option<ParticipantInfo> {
        if let Some(remote) = self.remotes.get(&key) {
            return Some(remote.info.clone());
        }
        let peer = self.peer(key)?;
        let tracks = peer
            .tracks
            .published
            .iter()
            .map(|track| track.info.clone())
            .collect();
        Some(ParticipantInfo {
            tracks,
            ..peer.info.clone()
        })
    }

    /// Tells the room, and the participant itself, that something about it has changed.
    pub(super) fn announce(&mut self, _now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        // SDKs ignore an update with a lower version than they have seen.
        peer.info.version += 1;
        peer.info.is_publisher = !peer.tracks.published.is_empty();
        let is_visible = peer.is_visible();
        let Some(info) = self.participant_info(key) else {
            return;
        };
        let room = self.router.participant(key).room;
        if is_visible {
            self.show_to_room(room, key, &info);
        } else {
            let participants = vec![info];
            self.send(key, Message::Update(ParticipantUpdate { participants }));
        }
        if let Some(room) = self.rooms.get_mut(&room) {
            room.is_stale = true;
        }
        self.tell_links_of(key);
    }

    /// Tells everyone in a room who is here how a participant is by now.
    pub(super) fn show_to_room(
        &mut self,
        room: RoomKey,
        shown: ParticipantKey,
        info: &ParticipantInfo,
    ) {
        let update = |info: ParticipantInfo| {
            let participants = vec![info];
            Message::Update(ParticipantUpdate { participants })
        };
        let present = self.router.room(room).participants().to_vec();
        let mut viewers = present.iter();
        if viewers.all(|viewer| self.sees_all(*viewer, shown)) {
            return self.send_to_room(room, None, update(info.clone()));
        }
        self.tell_listeners(room, &encode_response(update(info.clone())).into());
        for viewer in present {
            let seen = self.as_seen_by(viewer, shown, info.clone());
            self.send(viewer, update(seen));
        }
    }

    /// Whether somebody sees every track of a participant.
    fn sees_all(&self, viewer: ParticipantKey, shown: ParticipantKey) -> bool {
        viewer == shown || !(self.is_mix(shown) || self.router.participant(viewer).is_served())
    }

    /// A participant as somebody sees it: with those of its tracks that are meant for the viewer.
    fn as_seen_by(
        &self,
        viewer: ParticipantKey,
        shown: ParticipantKey,
        mut info: ParticipantInfo,
    ) -> ParticipantInfo {
        if !self.sees_all(viewer, shown) {
            let hidden = self.router.participant(shown).publications().iter();
            let hidden = hidden.filter(|key| !self.router.is_shown_to(viewer, **key));
            for publication in hidden {
                let sid = &self.router.publication(*publication).sid;
                info.tracks.retain(|track| track.sid != sid.as_str());
            }
        }
        info
    }

    /// A participant, with or without its tracks, if others see it.
    pub(super) fn seen(&self, key: ParticipantKey) -> Option<&ParticipantInfo> {
        if let Some(remote) = self.remotes.get(&key) {
            return (!remote.hidden).then_some(&remote.info);
        }
        let peer = self.peer(key)?;
        peer.is_visible().then_some(&peer.info)
    }

    /// Everyone in a room whom a participant sees.
    pub(super) fn others(&self, key: ParticipantKey) -> Vec<ParticipantInfo> {
        let room = self.router.participant(key).room;
        let others = self
            .router
            .room(room)
            .participants()
            .iter()
            .filter(|other| **other != key);
        others
            .filter(|other| self.seen(**other).is_some())
            .filter_map(|other| {
                let info = self.participant_info(*other)?;
                Some(self.as_seen_by(key, *other, info))
            })
            .collect()
    }
}

/// A participant as the control API shows it.
pub(super) fn participant_view(info: &ParticipantInfo) -> Option<api::Participant> {
    let permission = info.permission.clone().unwrap_or_default();
    let sources = permission
        .can_publish_sources()
        .map(proto::signal::granted_source)
        .collect();
    Some(api::Participant {
        sid: info.sid.clone(),
        identity: Identity::new(&info.identity).ok()?,
        name: info.name.clone(),
        state: match info.state() {
            participant_info::State::Joining => api::ParticipantState::Joining,
            participant_info::State::Joined => api::ParticipantState::Joined,
            participant_info::State::Active => api::ParticipantState::Active,
            participant_info::State::Disconnected => api::ParticipantState::Disconnected,
        },
        kind: kind_view(info.kind()),
        joined_at: api::Timestamp::from_unix_ms(info.joined_at_ms.unsigned_abs()),
        metadata: info.metadata.clone(),
        attributes: info.attributes.clone().into_iter().collect(),
        permission: api::Permission {
            can_subscribe: permission.can_subscribe,
            can_publish: permission.can_publish,
            can_publish_data: permission.can_publish_data,
            can_publish_sources: sources,
            can_update_own_metadata: permission.can_update_metadata,
            hidden: permission.hidden,
            recorder: false,
            agent: info.kind() == participant_info::Kind::Agent,
        },
        tracks: info.tracks.iter().map(track_view).collect(),
        is_publisher: info.is_publisher,
    })
}

fn kind_view(kind: participant_info::Kind) -> api::ParticipantKind {
    match kind {
        participant_info::Kind::Standard => api::ParticipantKind::Standard,
        participant_info::Kind::Ingress => api::ParticipantKind::Ingress,
        participant_info::Kind::Egress => api::ParticipantKind::Egress,
        participant_info::Kind::Sip => api::ParticipantKind::Sip,
        participant_info::Kind::Agent => api::ParticipantKind::Agent,
        participant_info::Kind::Connector => api::ParticipantKind::Connector,
        participant_info::Kind::Bridge => api::ParticipantKind::Bridge,
    }
}

fn track_view(info: &TrackInfo) -> api::Track {
    api::Track {
        sid: info.sid.clone(),
        kind: match info.r#type() {
            TrackType::Video => api::TrackKind::Video,
            TrackType::Audio | TrackType::Data => api::TrackKind::Audio,
        },
        source: match info.source() {
            TrackSource::Camera => api::TrackSource::Camera,
            TrackSource::Microphone => api::TrackSource::Microphone,
            TrackSource::ScreenShare => api::TrackSource::ScreenShare,
            TrackSource::ScreenShareAudio => api::TrackSource::ScreenShareAudio,
            TrackSource::Unknown => api::TrackSource::Unknown,
        },
        name: info.name.clone(),
        muted: info.muted,
        mime_type: info.mime_type.clone(),
        width: info.width,
        height: info.height,
        simulcast: info.simulcast,
        encrypted: info.encryption() != encryption::Type::None,
        layers: info
            .layers
            .iter()
            .map(|layer| api::Encoding {
                quality: match layer.quality() {
                    VideoQuality::Low => api::Quality::Low,
                    VideoQuality::Medium => api::Quality::Medium,
                    VideoQuality::High | VideoQuality::Off => api::Quality::High,
                },
                width: layer.width,
                height: layer.height,
                bitrate: layer.bitrate,
            })
            .collect(),
    }
}
