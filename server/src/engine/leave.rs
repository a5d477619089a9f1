//! The end of a participant's stay, for whatever reason.

use std::time::Instant;

use proto::link::Frame;
use proto::session::Output as SessionOutput;
use proto::signal::messages::{
    DisconnectReason, LeaveRequest, ParticipantUpdate, leave_request::Action,
    participant_info::State, signal_response::Message,
};
use router::ParticipantKey;

use super::Engine;
use super::command::{ConnectionId, Output};
use super::peer::Peer;

/// Events taken of a session that is closed.
const MAX_LAST_OUTPUTS: usize = 64;

impl Engine {
    /// Ends a stay: tells the client, if it is listening, and the room.
    pub(super) fn end_stay(&mut self, now: Instant, key: ParticipantKey, reason: DisconnectReason) {
        if let Some(remote) = self.remotes.get(&key) {
            let (segment, room) = (remote.segment, self.router.participant(key).room);
            let end = Frame::End {
                room: self.rooms[&room].name.clone(),
                participant: self.router.participant(key).sid.clone(),
                reason,
            };
            return self.link_to(segment).frames.push(end);
        }
        if self.peer(key).is_none() {
            return;
        }
        let action = action_of(reason);
        let leave = LeaveRequest {
            can_reconnect: action != Action::Disconnect,
            reason: reason.into(),
            action: action.into(),
            ..LeaveRequest::default()
        };
        if reason != DisconnectReason::ClientInitiated {
            self.send(key, Message::Leave(leave));
        }
        self.forget(now, key, reason);
    }

    /// Ends a stay without a word to the client, which then finds nothing to resume.
    pub(super) fn vanish(&mut self, now: Instant, key: ParticipantKey) {
        self.forget(now, key, DisconnectReason::Migration);
    }

    fn forget(&mut self, now: Instant, key: ParticipantKey, reason: DisconnectReason) {
        let Some(mut peer) = self.peers.get_mut(key.index()).and_then(Option::take) else {
            return;
        };
        tracing::info!(participant = %peer.info.sid, ?reason, "left");
        if let Some(connection) = peer.connection.take() {
            self.connections.remove(&connection);
            self.outputs.push_back(Output::Close(connection));
        }
        self.demux.remove(key, std::mem::take(&mut peer.entries));
        // A session that panicked is not touched again.
        if reason != DisconnectReason::MediaFailure {
            self.say_goodbye(now, &mut peer);
        }
        let room = self.router.participant(key).room;
        for track in &peer.tracks.published {
            self.own_tracks.remove(&track.link);
        }
        let ended = self.router.leave(key);
        let mut info = peer.info.clone();
        info.version += 1;
        info.state = State::Disconnected.into();
        info.disconnect_reason = reason.into();
        self.tell_links(room, |name| {
            Frame::Left(name.clone(), Box::new(info.clone()))
        });
        if peer.is_visible() {
            let update = ParticipantUpdate {
                participants: vec![info],
            };
            self.send_to_room(room, None, Message::Update(update));
        }
        for subscription in ended.subscriptions {
            self.handle_ended(now, subscription);
        }
        self.note_departure(now, room);
        self.tell_presence(room);
    }

    fn say_goodbye(&mut self, now: Instant, peer: &mut Peer) {
        let session = &mut peer.session;
        let batch = &mut self.batch;
        let goodbye = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            session.close();
            let _ = session.handle_timeout(now, batch);
            for _ in 0..MAX_LAST_OUTPUTS {
                match session.poll(now, batch) {
                    Ok(SessionOutput::Event(_)) => {}
                    Ok(SessionOutput::Timeout(_)) | Err(_) => break,
                }
            }
        }));
        if goodbye.is_err() {
            self.counters.panics += 1;
        }
    }

    /// A WebSocket has closed without `leave`: the client may resume for a while.
    pub(super) fn handle_connection_closed(&mut self, now: Instant, connection: ConnectionId) {
        let Some(key) = self.connections.remove(&connection) else {
            return;
        };
        let Some(peer) = self
            .peer_mut(key)
            .filter(|peer| peer.connection == Some(connection))
        else {
            return;
        };
        peer.connection = None;
        peer.life.signal_lost = Some(now);
        if !peer.life.connected {
            self.end_stay(now, key, DisconnectReason::SignalClose);
        }
    }

    pub(super) fn shut_down(&mut self, now: Instant) {
        self.shutting_down = true;
        for room in self.room_names.values().copied().collect::<Vec<_>>() {
            self.end_room(now, room, DisconnectReason::ServerShutdown);
        }
    }
}

/// What the client is to do next.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "every other reason is final"
)]
fn action_of(reason: DisconnectReason) -> Action {
    match reason {
        DisconnectReason::ServerShutdown
        | DisconnectReason::StateMismatch
        | DisconnectReason::MediaFailure
        | DisconnectReason::ConnectionTimeout => Action::Reconnect,
        _ => Action::Disconnect,
    }
}
