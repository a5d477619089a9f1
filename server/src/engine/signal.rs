//! A client's signalling messages, each to the one who handles it.

use std::time::Instant;

use proto::signal::messages::{
    DisconnectReason, LeaveRequest, Pong, SimulateScenario, SpeakerInfo, SpeakersChanged,
    UpdateLocalAudioTrack, UpdateLocalVideoTrack, UpdateParticipantMetadata,
    leave_request::Action,
    request_response::{Reason, Request as Refused},
    signal_request::Message as Request,
    signal_response::Message,
    simulate_scenario::Scenario,
};
use router::ParticipantKey;

use super::Engine;
use super::command::ConnectionId;
use super::limits::{MAX_ATTRIBUTE_BYTES, MAX_NAME_BYTES};

impl Engine {
    pub(super) fn handle_signal(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        message: Request,
    ) {
        self.counters.signal_messages += 1;
        let Some(&key) = self.connections.get(&connection) else {
            return;
        };
        match message {
            Request::Offer(offer) => self.handle_offer(now, key, &offer),
            Request::AddTrack(request) => self.handle_add_track(now, key, request),
            Request::Mute(request) => self.handle_mute(now, key, &request),
            Request::Subscription(update) => self.handle_subscription(now, key, &update),
            Request::TrackSetting(settings) => self.handle_track_setting(now, key, &settings),
            Request::Leave(_) => self.end_stay(now, key, DisconnectReason::ClientInitiated),
            Request::SubscriptionPermission(message) => {
                self.handle_subscription_permission(now, key, message);
            }
            Request::SyncState(state) => self.handle_sync_state(now, key, &state),
            Request::Simulate(scenario) => self.handle_simulate(now, key, &scenario),
            Request::Ping(_) => {
                let timestamp = self.unix_ms(now) as i64;
                self.send(key, Message::Pong(timestamp));
            }
            Request::PingReq(ping) => {
                let timestamp = self.unix_ms(now) as i64;
                let pong = Pong {
                    last_ping_timestamp: ping.timestamp,
                    timestamp,
                };
                self.send(key, Message::PongResp(pong));
            }
            Request::UpdateMetadata(update) => self.handle_update_metadata(now, key, update),
            Request::UpdateAudioTrack(update) => self.handle_update_audio(now, key, &update),
            Request::UpdateVideoTrack(update) => self.handle_update_video(now, key, &update),
            Request::PublishDataTrackRequest(request) => {
                let text = "data tracks are not supported";
                self.refuse(
                    key,
                    0,
                    Reason::UnsupportedType,
                    text,
                    Some(Refused::PublishDataTrack(request)),
                );
            }
            // Candidates are not needed: the client's checks show where it is. The others ask for
            // what this server does not have, or are deprecated.
            Request::Trickle(_)
            | Request::Answer(_)
            | Request::UpdateLayers(_)
            | Request::UnpublishDataTrackRequest(_)
            | Request::UpdateDataSubscription(_)
            | Request::StoreDataBlobRequest(_)
            | Request::GetDataBlobRequest(_) => {}
        }
    }

    fn handle_update_metadata(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        update: UpdateParticipantMetadata,
    ) {
        let id = update.request_id;
        if let Err((reason, text)) = self.check_update_metadata(key, &update) {
            return self.refuse(key, id, reason, text, Some(Refused::UpdateMetadata(update)));
        }
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        if !update.metadata.is_empty() {
            peer.info.metadata.clone_from(&update.metadata);
        }
        if !update.name.is_empty() {
            peer.info.name.clone_from(&update.name);
        }
        peer.info.attributes.extend(update.attributes);
        // An empty value takes an attribute away.
        peer.info.attributes.retain(|_, value| !value.is_empty());
        self.announce(now, key);
        self.refuse(key, id, Reason::Ok, "", None);
        self.refresh_token(now, key);
    }

    fn check_update_metadata(
        &self,
        key: ParticipantKey,
        update: &UpdateParticipantMetadata,
    ) -> Result<(), (Reason, &'static str)> {
        let Some(peer) = self.peer(key) else {
            return Ok(());
        };
        if !peer.claims.video.may_update_own_metadata() {
            return Err((
                Reason::NotAllowed,
                "the token does not grant canUpdateOwnMetadata",
            ));
        }
        if update.metadata.len() > self.config.rooms.max_participant_metadata_bytes {
            return Err((Reason::LimitExceeded, "the metadata is too long"));
        }
        if update.name.len() > MAX_NAME_BYTES {
            return Err((Reason::LimitExceeded, "the name is longer than 256 bytes"));
        }
        let mut attributes = peer.info.attributes.clone();
        attributes.extend(update.attributes.clone());
        attributes.retain(|_, value| !value.is_empty());
        let bytes: usize = attributes
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        if attributes.len() > self.config.rooms.max_attributes || bytes > MAX_ATTRIBUTE_BYTES {
            return Err((
                Reason::LimitExceeded,
                "the attributes are too many or too long",
            ));
        }
        Ok(())
    }

    fn handle_update_audio(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        update: &UpdateLocalAudioTrack,
    ) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let Some(info) = peer.tracks.info_mut(&update.track_sid) else {
            return;
        };
        info.audio_features = update.features.iter().copied().take(16).collect();
        self.announce(now, key);
    }

    fn handle_update_video(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        update: &UpdateLocalVideoTrack,
    ) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let Some(info) = peer.tracks.info_mut(&update.track_sid) else {
            return;
        };
        (info.width, info.height) = (update.width, update.height);
        self.announce(now, key);
    }

    /// Test hooks of the SDKs' own end-to-end suites. They affect only the one who asks.
    fn handle_simulate(&mut self, now: Instant, key: ParticipantKey, scenario: &SimulateScenario) {
        match scenario.scenario {
            Some(Scenario::NodeFailure(true) | Scenario::Migration(true)) => self.vanish(now, key),
            Some(Scenario::ServerLeave(true)) => {
                self.end_stay(now, key, DisconnectReason::RoomClosed)
            }
            Some(Scenario::LeaveRequestFullReconnect(true)) => {
                let leave = LeaveRequest {
                    can_reconnect: true,
                    reason: DisconnectReason::ClientInitiated.into(),
                    action: Action::Reconnect.into(),
                    ..LeaveRequest::default()
                };
                self.send(key, Message::Leave(leave));
                self.vanish(now, key);
            }
            Some(Scenario::SpeakerUpdate(_)) => {
                let participant = self.router.participant(key);
                let speaker = SpeakerInfo {
                    sid: participant.sid.to_string(),
                    level: 0.9,
                    active: true,
                };
                let room = participant.room;
                let changed = SpeakersChanged {
                    speakers: vec![speaker],
                };
                self.send_to_segments(room, Message::SpeakersChanged(changed));
            }
            _ => {}
        }
    }
}
