//! Coming back after a lost WebSocket, to the same session.
//!
//! 1. The client joins again with `reconnect` and the id of its stay.
//! 2. The server's first frame is `reconnect`, then everything that may have changed meanwhile.
//! 3. The client sends `sync_state` and, if its path was lost too, an offer that restarts ICE.

use std::time::Instant;

use proto::signal::messages::{
    DisconnectReason, LeaveRequest, ParticipantUpdate, ReconnectResponse, RoomUpdate, SyncState,
    leave_request::Action, signal_response::Message,
};
use router::ParticipantKey;

use super::Engine;
use super::command::{ConnectionId, Join, JoinError, Output};

impl Engine {
    pub(super) fn resume(&mut self, now: Instant, join: Join) -> Result<(), JoinError> {
        if join.home != self.config.segment && self.room_key(&join.room).is_err() {
            return Err(JoinError::NoSegment);
        }
        let wanted = &join.request.participant_sid;
        let found = self
            .participant_by_identity(&join.room, &join.identity)
            .filter(|key| {
                wanted.is_empty() || self.router.participant(*key).sid.as_str() == wanted
            });
        let Some(key) = found else {
            self.turn_away(join.connection);
            return Ok(());
        };
        if let Some(remote) = self.remotes.get(&key) {
            return Err(JoinError::Elsewhere(remote.segment));
        }
        self.counters.resumes += 1;
        self.connect(key, join.connection);
        let last_message_seq = self.peer(key).map_or(0, |peer| peer.data.last_sequence());
        let response = ReconnectResponse {
            server_info: Some(self.server_info()),
            last_message_seq,
            ..ReconnectResponse::default()
        };
        self.send(key, Message::Reconnect(response));
        let mut participants = self.others(key);
        participants.extend(self.participant_info(key));
        self.send(key, Message::Update(ParticipantUpdate { participants }));
        let room = self.router.participant(key).room;
        let room = Some(self.room_info(room));
        self.send(key, Message::RoomUpdate(RoomUpdate { room }));
        self.refresh_token(now, key);
        if let Some(state) = &join.request.sync_state {
            self.handle_sync_state(now, key, state);
        }
        // What was asked while nobody listened is asked again.
        if let Some(peer) = self.peer_mut(key) {
            peer.sections.forget_request();
        }
        self.ask_for_sections(now, key);
        Ok(())
    }

    /// Tells a client that there is nothing to resume: it must join anew.
    fn turn_away(&mut self, connection: ConnectionId) {
        let leave = LeaveRequest {
            can_reconnect: true,
            reason: DisconnectReason::StateMismatch.into(),
            action: Action::Reconnect.into(),
            ..LeaveRequest::default()
        };
        let frame = proto::signal::encode_response(Message::Leave(leave));
        self.outputs
            .push_back(Output::Signal(connection, frame.into()));
        self.outputs.push_back(Output::Close(connection));
    }

    pub(super) fn handle_sync_state(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        state: &SyncState,
    ) {
        if let Some(subscription) = &state.subscription {
            self.handle_subscription(now, key, subscription);
        }
        self.disable_tracks(now, key, &state.track_sids_disabled);
        let unknown = state.publish_tracks.iter().any(|published| {
            let sid = published.track.as_ref().map_or("", |track| &track.sid);
            !self.peer(key).is_some_and(|peer| peer.tracks.knows(sid))
        });
        if unknown {
            self.end_stay(now, key, DisconnectReason::StateMismatch);
        }
    }
}
