//! Data packets: user messages, chat, RPC and data streams, forwarded to those they are for.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use prost::Message as _;
use proto::session::DataChannel;
use proto::signal::messages::{DataPacket, DisconnectReason, data_packet};
use router::{ParticipantKey, RoomKey};

use super::limits::{MAX_DATA_BACKLOG_BYTES, MAX_DATA_DESTINATIONS};
use super::{DropReason, Engine};

/// Messages of one participant.
#[derive(Debug, Default)]
pub(super) struct DataState {
    /// Last sequence number of its reliable packets, which a resuming client wants to know.
    last_sequence: u32,
    /// Reliable messages to it that its channel has not taken yet.
    backlog: VecDeque<Arc<[u8]>>,
    backlog_bytes: usize,
}

impl DataState {
    pub(super) const fn last_sequence(&self) -> u32 {
        self.last_sequence
    }

    /// Whether a reliable packet is new. Those without a number are always.
    fn accept(&mut self, sequence: u32) -> bool {
        if sequence == 0 {
            return true;
        }
        let is_new = sequence > self.last_sequence;
        self.last_sequence = self.last_sequence.max(sequence);
        is_new
    }
}

impl Engine {
    pub(super) fn handle_data(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        channel: DataChannel,
        message: &[u8],
    ) {
        let kind = match channel {
            DataChannel::Reliable => data_packet::Kind::Reliable,
            DataChannel::Lossy => data_packet::Kind::Lossy,
            DataChannel::DataTrack => return self.counters.drop(DropReason::DataRefused),
        };
        let Ok(mut packet) = DataPacket::decode(message) else {
            return self.counters.drop(DropReason::DataRefused);
        };
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let may_send = peer.claims.video.may_publish_data() && packet.value.is_some();
        if !may_send {
            return self.counters.drop(DropReason::DataRefused);
        }
        if kind == data_packet::Kind::Reliable && !peer.data.accept(packet.sequence) {
            return;
        }
        let (identity, sid) = match peer.is_visible() {
            true => (peer.info.identity.clone(), peer.info.sid.clone()),
            false => (String::new(), String::new()),
        };
        packet.kind = kind.into();
        packet.participant_identity = identity;
        packet.participant_sid = sid;
        let destinations = destinations(&mut packet);
        if let Some(data_packet::Value::User(user)) = &mut packet.value {
            user.participant_identity
                .clone_from(&packet.participant_identity);
            user.participant_sid.clone_from(&packet.participant_sid);
        }
        let encoded: Arc<[u8]> = packet.encode_to_vec().into();
        let room = self.router.participant(key).room;
        self.deliver_data(now, room, Some(key), channel, &destinations, &encoded);
        self.link_data(room, channel, &destinations, &encoded);
    }

    /// Sends a packet to those here it is for, but not to whom it came from.
    pub(super) fn deliver_data(
        &mut self,
        now: Instant,
        room: RoomKey,
        from: Option<ParticipantKey>,
        channel: DataChannel,
        destinations: &[String],
        packet: &Arc<[u8]>,
    ) {
        for receiver in self.router.room(room).participants().to_vec() {
            let identity = self.router.participant(receiver).identity.as_str();
            let is_meant = destinations.is_empty() || destinations.iter().any(|d| d == identity);
            if Some(receiver) != from && is_meant {
                self.send_data(now, receiver, channel, packet);
            }
        }
    }

    fn send_data(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        channel: DataChannel,
        message: &Arc<[u8]>,
    ) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let has_backlog = channel == DataChannel::Reliable && !peer.data.backlog.is_empty();
        if !has_backlog && peer.session.write_channel(channel, message) {
            return self.mark_dirty(key);
        }
        if channel != DataChannel::Reliable {
            return self.counters.drop(DropReason::SlowReader);
        }
        peer.data.backlog.push_back(Arc::clone(message));
        peer.data.backlog_bytes += message.len();
        if peer.data.backlog_bytes > MAX_DATA_BACKLOG_BYTES {
            tracing::info!(participant = %peer.info.sid, "reads data too slowly");
            self.end_stay(now, key, DisconnectReason::ConnectionTimeout);
        }
    }

    /// Sends what has waited for a channel.
    pub(super) fn flush_data(&mut self, _now: Instant, key: ParticipantKey, channel: DataChannel) {
        if channel != DataChannel::Reliable {
            return;
        }
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let mut has_written = false;
        while let Some(message) = peer.data.backlog.front() {
            if !peer.session.write_channel(channel, message) {
                break;
            }
            peer.data.backlog_bytes -= message.len();
            peer.data.backlog.pop_front();
            has_written = true;
        }
        if has_written {
            self.mark_dirty(key);
        }
    }
}

/// Whom a packet is for; nobody named means everyone. Older clients name them inside.
fn destinations(packet: &mut DataPacket) -> Vec<String> {
    let mut named = packet.destination_identities.clone();
    if let Some(data_packet::Value::User(user)) = &packet.value
        && named.is_empty()
    {
        named.clone_from(&user.destination_identities);
    }
    named.truncate(MAX_DATA_DESTINATIONS);
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_what_a_resumed_client_sends_again_only_once() {
        let mut data = DataState::default();

        let accepted = [1, 2, 2, 1, 3, 0, 0].map(|sequence| data.accept(sequence));

        assert_eq!(accepted, [true, true, false, false, true, true, true]);
        assert_eq!(data.last_sequence(), 3);
    }
}
