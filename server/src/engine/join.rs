//! Joining a room.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proto::codec::Codec;
use proto::ids::{Identity, ParticipantSid};
use proto::session::{IceCredentials, Session};
use proto::signal::messages::{
    ClientInfo, Codec as CodecMessage, DisconnectReason, JoinRequest, JoinResponse,
    ParticipantInfo, ServerInfo, participant_info::State, signal_response::Message,
};
use proto::signal::{COMPATIBLE_VERSION, PROTOCOL_VERSION, kind_of, permission_of};
use proto::token::Claims;
use router::{NewParticipant, ParticipantKey, RoomKey};

use super::Engine;
use super::command::{ConnectionId, Join, JoinError};
use super::limits::{MAX_ATTRIBUTE_BYTES, TOKEN_TTL};
use super::peer::Peer;
use super::room::{RoomDefaults, RoomSettings};

/// Clients ping this often, in seconds, and give up after the other; LiveKit's values.
const PING_INTERVAL_S: i32 = 5;
const PING_TIMEOUT_S: i32 = 15;

impl Engine {
    /// Lets somebody in. Everything that can be refused is refused here, before its WebSocket
    /// opens.
    pub(super) fn join(&mut self, now: Instant, join: Join) -> Result<(), JoinError> {
        let outcome = match join.request.reconnect {
            true => self.resume(now, join),
            false => self.join_anew(now, join),
        };
        if outcome.is_err() {
            self.counters.joins_refused += 1;
        }
        outcome
    }

    fn join_anew(&mut self, now: Instant, join: Join) -> Result<(), JoinError> {
        if self.shutting_down {
            return Err(JoinError::ShuttingDown);
        }
        check_own_texts(&self.config.rooms, &join.claims, &join.request)?;
        if self.participant_count() >= self.config.rooms.max_participants_total {
            return Err(JoinError::Full(
                "this node has as many participants as it may have",
            ));
        }
        let room = self.room_to_join(now, &join)?;
        if let Some(previous) = self.participant_by_identity(&join.room, &join.identity) {
            if let Some(remote) = self.remotes.get(&previous) {
                if remote.is_mix {
                    let why = "the identity is that of the room's mix; choose another one";
                    return Err(JoinError::BadRequest(why.to_owned()));
                }
                return Err(JoinError::Elsewhere(remote.segment));
            }
            self.end_stay(now, previous, DisconnectReason::DuplicateIdentity);
        }
        let max = self.rooms[&room].info.max_participants as usize;
        if max > 0 && self.present_count(room) >= max {
            return Err(JoinError::Full(
                "the room has as many participants as it may have",
            ));
        }

        let key = self.admit(now, room, &join);
        self.counters.joins += 1;
        tracing::info!(room = %join.room, participant = %self.router.participant(key).sid, "joined");
        self.welcome(now, room, key);
        for request in join.request.add_track_requests {
            self.handle_add_track(now, key, request);
        }
        if let Some(offer) = &join.request.publisher_offer {
            self.handle_offer(now, key, offer);
        }
        self.subscribe_to_room(now, key);
        Ok(())
    }

    fn room_to_join(&mut self, now: Instant, join: &Join) -> Result<RoomKey, JoinError> {
        if let Some(&key) = self.room_names.get(&join.room) {
            return Ok(key);
        }
        if join.home != self.config.segment {
            return Err(JoinError::NoSegment);
        }
        if !self.config.rooms.auto_create {
            return Err(JoinError::RoomNotFound);
        }
        let settings = join
            .claims
            .room_config
            .as_ref()
            .map(RoomSettings::from)
            .unwrap_or_default();
        let opened = self.open_room(now, &join.room, settings);
        opened.ok_or(JoinError::Full(
            "this node has as many rooms as it may have",
        ))
    }

    fn admit(&mut self, now: Instant, room: RoomKey, join: &Join) -> ParticipantKey {
        let sid = ParticipantSid::random(&mut self.rng);
        let settings = join.request.connection_settings.unwrap_or_default();
        let key = self.router.join(
            room,
            NewParticipant {
                identity: join.identity.clone(),
                sid: sid.clone(),
                may_subscribe: join.claims.video.may_subscribe(),
                auto_subscribe: settings.auto_subscribe,
            },
        );
        let credentials = IceCredentials::random(&mut self.rng);
        let seed = rand::RngExt::random(&mut self.rng);
        let mut session = Session::new(now, &self.config.session, credentials, seed);
        let taps = self.config.taps.as_ref();
        if let Some(tap) = taps.and_then(|taps| taps.tap(&join.room, &join.identity, &sid)) {
            session.set_tap(tap);
        }
        let info = own_info(
            &sid,
            &join.identity,
            &join.claims,
            &join.request,
            self.unix_ms(now),
        );
        let peer = Peer::new(now, session, join.connection, info, join.claims.clone());
        if self.peers.len() <= key.index() {
            self.peers.resize_with(key.index() + 1, || None);
        }
        debug_assert!(
            self.peers[key.index()].is_none(),
            "a key is given once at a time"
        );
        self.peers[key.index()] = Some(Box::new(peer));
        self.connections.insert(join.connection, key);
        if let Some(state) = self.rooms.get_mut(&room) {
            state.closes_at = None;
            state.is_stale = true;
        }
        self.tell_presence(room);
        self.note_arrival(room, key);
        key
    }

    /// The first frame, and what others see.
    fn welcome(&mut self, now: Instant, room: RoomKey, key: ParticipantKey) {
        let response = JoinResponse {
            room: Some(self.room_info(room)),
            participant: self.participant_info(key),
            other_participants: self.others(key),
            server_version: COMPATIBLE_VERSION.to_owned(),
            ping_interval: PING_INTERVAL_S,
            ping_timeout: PING_TIMEOUT_S,
            server_info: Some(self.server_info()),
            enabled_publish_codecs: publish_codecs(),
            fast_publish: true,
            ..JoinResponse::default()
        };
        self.send(key, Message::Join(response));
        self.refresh_token(now, key);
        self.announce(now, key);
    }

    pub(super) fn server_info(&self) -> ServerInfo {
        ServerInfo {
            version: COMPATIBLE_VERSION.to_owned(),
            protocol: PROTOCOL_VERSION,
            node_id: self.config.node_id.clone(),
            debug_info: concat!("plenary ", env!("CARGO_PKG_VERSION")).to_owned(),
            agent_protocol: 1,
            ..ServerInfo::default()
        }
    }

    /// Sends a fresh token, with which the client can come back after its own has expired.
    pub(super) fn refresh_token(&mut self, now: Instant, key: ParticipantKey) {
        let unix_s = self.unix_ms(now) / 1_000;
        let keys = self.config.keys.clone();
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        peer.life.token_sent = now;
        let mut claims = peer.claims.clone();
        claims.name.clone_from(&peer.info.name);
        claims.metadata.clone_from(&peer.info.metadata);
        claims.attributes = peer.info.attributes.clone().into_iter().collect();
        let signed_by = claims.key.clone();
        let ttl = TOKEN_TTL.max(Duration::from_secs(
            claims.expires_at.saturating_sub(unix_s),
        ));
        match keys.sign(&claims, Some(&signed_by), unix_s, ttl) {
            Ok(token) => self.send(key, Message::RefreshToken(token)),
            Err(error) => tracing::debug!(%error, "no fresh token"),
        }
    }

    pub(super) fn handle_connected(&mut self, now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        peer.life.connected = true;
        peer.life.path_lost = None;
        self.attach_assigned(now, key);
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        if peer.info.state() != State::Active {
            peer.info.state = State::Active.into();
            self.announce(now, key);
            let room = self.router.participant(key).room;
            self.forget_told_quality(room);
        }
    }

    pub(super) fn connect(&mut self, key: ParticipantKey, connection: ConnectionId) {
        if let Some(peer) = self.peer_mut(key) {
            peer.life.signal_lost = None;
            let previous = peer.connection.replace(connection);
            if let Some(previous) = previous {
                self.connections.remove(&previous);
                self.outputs.push_back(super::Output::Close(previous));
            }
            self.connections.insert(connection, key);
        }
    }
}

/// Metadata and attributes a client brings along need a grant and have limits.
fn check_own_texts(
    limits: &RoomDefaults,
    claims: &Claims,
    request: &JoinRequest,
) -> Result<(), JoinError> {
    let brings_own = !request.metadata.is_empty() || !request.participant_attributes.is_empty();
    if brings_own && !claims.video.may_update_own_metadata() {
        return Err(JoinError::NotAllowed(
            "the token does not grant canUpdateOwnMetadata",
        ));
    }
    let attributes = &request.participant_attributes;
    let given = attributes.iter().chain(&claims.attributes);
    let bytes: usize = given.map(|(key, value)| key.len() + value.len()).sum();
    if request.metadata.len() > limits.max_participant_metadata_bytes
        || claims.metadata.len() > limits.max_participant_metadata_bytes
    {
        return Err(JoinError::BadRequest("the metadata is too long".to_owned()));
    }
    if attributes.len() + claims.attributes.len() > limits.max_attributes
        || bytes > MAX_ATTRIBUTE_BYTES
    {
        return Err(JoinError::BadRequest(
            "the attributes are too many or too long".to_owned(),
        ));
    }
    Ok(())
}

fn own_info(
    sid: &ParticipantSid,
    identity: &Identity,
    claims: &Claims,
    request: &JoinRequest,
    unix_ms: u64,
) -> ParticipantInfo {
    let client = request.client_info.clone().unwrap_or_default();
    let mut attributes: HashMap<String, String> = claims.attributes.clone().into_iter().collect();
    attributes.extend(request.participant_attributes.clone());
    ParticipantInfo {
        sid: sid.to_string(),
        identity: identity.to_string(),
        name: claims.name.clone(),
        state: State::Joined.into(),
        metadata: match request.metadata.as_str() {
            "" => claims.metadata.clone(),
            own => own.to_owned(),
        },
        attributes,
        joined_at: (unix_ms / 1_000) as i64,
        joined_at_ms: unix_ms as i64,
        permission: Some(permission_of(&claims.video)),
        kind: kind_of(claims.kind).into(),
        client_protocol: client.client_protocol,
        capabilities: capabilities(&client),
        ..ParticipantInfo::default()
    }
}

/// Most capabilities relayed to others; there are two.
const MAX_CAPABILITIES: usize = 16;

fn capabilities(client: &ClientInfo) -> Vec<i32> {
    client
        .capabilities
        .iter()
        .copied()
        .take(MAX_CAPABILITIES)
        .collect()
}

/// What clients may publish. SDKs take the first video codec when they have no wish.
fn publish_codecs() -> Vec<CodecMessage> {
    let mut mimes: Vec<&str> = [
        Codec::Vp8,
        Codec::H264,
        Codec::Vp9,
        Codec::Av1,
        Codec::Opus,
        Codec::Red,
    ]
    .map(Codec::mime_type)
    .to_vec();
    mimes.push("video/rtx");
    mimes
        .into_iter()
        .map(|mime| CodecMessage {
            mime: mime.to_owned(),
            fmtp_line: String::new(),
        })
        .collect()
}
