//! Participants made of code: what the mixer hears and sees of a room.
//!
//! A listener subscribes to everything in a room as any participant does, so the router chooses
//! encodings for it, asks for keyframes, and has packets come from the room's other segments. It has
//! no session and nobody sees it. What it gets, and what the room is told meanwhile, comes out in
//! batches:
//! 1. [`Engine::listen`] makes a listener in the room's home;
//! 2. [`Engine::poll_heard`] gives a batch as soon as one is due, the first with everyone present;
//! 3. the last batch of a listener says so: the room has closed, or nobody wants to listen.

mod batch;

use std::time::{Duration, Instant};

use bytes::Bytes;
use proto::codec::Codec;
use proto::ids::{Identity, ParticipantSid, RoomName};
use proto::layer::red;
use proto::link::Frame;
use proto::media::StreamClock;
use proto::media::ring::NewPacket;
use proto::signal::encode_response;
use proto::signal::messages::{ParticipantUpdate, signal_response::Message};
use rand::RngExt;
use router::rewrite::Rewriter;
use router::{
    Forward, NewParticipant, ParticipantKey, RoomKey, SectionOutput, SubscriptionKey, Wanted,
};

use super::command::RoomError;
use super::limits::{MAX_HEARD_BYTES, MAX_HEARD_NEWS, MAX_LISTENERS};
use super::{DropReason, Engine};

pub use batch::{Heard, HeardBatch, HeardPacket, HeardTrack, News};

/// Packets are handed over when there are so many bytes, however short they have waited.
const HANDOVER_BYTES: usize = 128 * 1024;
/// There is no path that could be too narrow, so it may have every encoding it wants.
const BOUNDLESS_BPS: u64 = 1 << 50;

/// Names a listener, in all engines of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u64);

/// What a listener is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It keeps what it hears, so everyone in the room is told.
    Recording,
    /// It makes a file for those who listen later.
    Composing,
    /// It mixes for those who listen now.
    Mixing,
}

impl Purpose {
    /// How long packets wait for others to be handed on with them. Longer wakes whoever listens less
    /// often, and makes it late by that.
    const fn handover_interval(self) -> Duration {
        match self {
            Self::Recording | Self::Composing => Duration::from_millis(40),
            Self::Mixing => Duration::from_millis(10),
        }
    }
}

/// A listener as the engine holds it.
#[derive(Debug)]
pub(super) struct Listener {
    id: ListenerId,
    purpose: Purpose,
    room: RoomKey,
    batch: HeardBatch,
    /// Whether there are news in it, which are handed over at once.
    has_news: bool,
    /// When packets in it are to be handed over.
    due: Option<Instant>,
    /// The number its next track gets; none is used twice.
    next_track: u16,
}

impl Listener {
    fn hear(&mut self, news: News) {
        self.batch.push(news);
        self.has_news = true;
    }

    fn is_due(&self, now: Instant) -> bool {
        let is_large = self.batch.byte_count() >= HANDOVER_BYTES;
        self.has_news || self.due.is_some_and(|due| is_large || due <= now)
    }
}

impl Engine {
    /// Lets a listener into a room.
    pub(super) fn listen(
        &mut self,
        now: Instant,
        name: &RoomName,
        id: ListenerId,
        purpose: Purpose,
    ) -> Result<(), RoomError> {
        let outcome = self.let_listener_in(now, name, id, purpose);
        if outcome.is_err() {
            // Whoever waits to hear something learns that there will be nothing.
            self.last_heard.push_back((id, HeardBatch::default()));
        }
        outcome
    }

    fn let_listener_in(
        &mut self,
        now: Instant,
        name: &RoomName,
        id: ListenerId,
        purpose: Purpose,
    ) -> Result<(), RoomError> {
        let room = self.room_key(name)?;
        if self.shutting_down {
            return Err(RoomError::ShuttingDown);
        }
        let many = self.listeners.values().filter(|own| own.room == room);
        if many.count() >= MAX_LISTENERS {
            return Err(RoomError::LimitExceeded(
                "the room is recorded and mixed as often as it may be",
            ));
        }
        let sid = ParticipantSid::random(&mut self.rng);
        let identity = Identity::new(sid.as_str())
            .map_err(|_| RoomError::LimitExceeded("no name for a listener"))?;
        let new = NewParticipant {
            identity,
            sid,
            may_subscribe: true,
            auto_subscribe: true,
        };
        let key = self.router.join(room, new);
        let mut listener = Listener {
            id,
            purpose,
            room,
            batch: self.spare_heard.pop().unwrap_or_default(),
            has_news: false,
            due: None,
            next_track: 0,
        };
        let participants = self.others(key);
        let update = Message::Update(ParticipantUpdate { participants });
        listener.hear(News::Signal(encode_response(update).into()));
        self.listeners.insert(key, listener);
        self.router.set_estimate(now, key, BOUNDLESS_BPS);
        self.subscribe_to_room(now, key);
        self.show_recording(room);
        Ok(())
    }

    /// Lets a listener go. It gets what it has heard so far.
    pub(super) fn stop_listening(&mut self, now: Instant, id: ListenerId) -> Result<(), RoomError> {
        let (key, room) = self.listener(id).ok_or(RoomError::ParticipantNotFound)?;
        self.end_listener(now, key);
        self.show_recording(room);
        Ok(())
    }

    /// Whoever listened has ended by itself.
    pub(super) fn handle_listener_gone(&mut self, now: Instant, id: ListenerId) {
        tracing::warn!(listener = id.0, "nobody hears a listener any more");
        // It may have been let go just before.
        let _ = self.stop_listening(now, id);
    }

    /// A listener needs a keyframe of a track.
    pub(super) fn handle_listener_keyframe(&mut self, now: Instant, id: ListenerId, track: u16) {
        if let Some(subscription) = self.listener_subscription(id, track) {
            self.router.request_keyframe(now, subscription);
        }
    }

    /// A listener wants a track of another size.
    pub(super) fn handle_listener_wish(
        &mut self,
        now: Instant,
        id: ListenerId,
        track: u16,
        wanted: Wanted,
    ) {
        if let Some(subscription) = self.listener_subscription(id, track) {
            self.router.set_wanted(now, subscription, wanted);
        }
    }

    /// What a listener has heard, and whether that is the last.
    pub fn poll_heard(&mut self, now: Instant) -> Option<(ListenerId, HeardBatch, bool)> {
        if let Some((id, batch)) = self.last_heard.pop_front() {
            return Some((id, batch, true));
        }
        let listener = self.listeners.values_mut().find(|own| own.is_due(now))?;
        (listener.has_news, listener.due) = (false, None);
        let spare = self.spare_heard.pop().unwrap_or_default();
        let batch = std::mem::replace(&mut listener.batch, spare);
        Some((listener.id, batch, false))
    }

    /// Takes back a batch for which whoever listens had no room: its packets are lost, its news
    /// wait. One that has too many waits for nothing any more.
    pub fn return_heard(&mut self, now: Instant, id: ListenerId, mut batch: HeardBatch) {
        let lost = batch.drop_packets();
        self.counters.dropped[DropReason::ListenerFull as usize] += lost;
        let Some((key, room)) = self.listener(id) else {
            return;
        };
        let Some(listener) = self.listeners.get_mut(&key) else {
            return;
        };
        listener.batch.prepend(batch);
        listener.due = Some(now + listener.purpose.handover_interval());
        if listener.batch.news_count() > MAX_HEARD_NEWS {
            tracing::warn!(listener = id.0, "a listener does not keep up");
            self.end_listener(now, key);
            self.show_recording(room);
        }
    }

    /// Takes an empty batch, for its buffers.
    pub fn recycle_heard(&mut self, mut batch: HeardBatch) {
        if self.spare_heard.len() < 2 * self.listeners.len() {
            batch.clear();
            self.spare_heard.push(batch);
        }
    }

    /// When a listener's batch is to be handed over.
    pub(super) fn heard_timeout(&self) -> Option<Instant> {
        self.listeners.values().filter_map(|own| own.due).min()
    }

    /// Gives a listener a subscription. Returns whether the participant is one.
    pub(super) fn begin_listening(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        subscription: SubscriptionKey,
    ) -> bool {
        let Some(listener) = self.listeners.get_mut(&key) else {
            return false;
        };
        let number = listener.next_track;
        let Some(next) = number.checked_add(1) else {
            self.counters.drop(DropReason::ListenerFull);
            return true;
        };
        listener.next_track = next;
        let publication = self.router.subscription(subscription).publication;
        let publication = self.router.publication(publication);
        let track = HeardTrack {
            number,
            sid: publication.sid.clone(),
            publisher: self.router.participant(publication.publisher).sid.clone(),
            kind: publication.kind,
        };
        listener.hear(News::TrackBegan(track));
        let output = SectionOutput {
            section: number.into(),
            rewriter: Rewriter::new(self.rng.random()),
        };
        self.router.attach(now, subscription, output);
        true
    }

    /// Takes a subscription from a listener.
    pub(super) fn end_listening(&mut self, key: ParticipantKey, output: Option<&SectionOutput>) {
        if let Some(listener) = self.listeners.get_mut(&key)
            && let Some(output) = output
        {
            listener.hear(News::TrackEnded(output.section as u16));
        }
    }

    /// Gives a listener a packet.
    pub(super) fn overhear(
        &mut self,
        now: Instant,
        forward: &Forward,
        clock: Option<StreamClock>,
        packet: &NewPacket<'_>,
    ) {
        let Some(listener) = self.listeners.get_mut(&forward.subscriber) else {
            return;
        };
        let (mut codec, mut payload) = (packet.codec, packet.payload);
        if codec == Codec::Red {
            codec = Codec::Opus;
            payload = match red::primary(payload) {
                Some(primary) => primary,
                None => return self.counters.drop(DropReason::MalformedPayload),
            };
        }
        if listener.batch.byte_count() > MAX_HEARD_BYTES {
            listener.batch.drop_packet();
            return self.counters.drop(DropReason::ListenerFull);
        }
        listener.batch.push_packet(&HeardPacket {
            track: forward.section,
            encoding: forward.encoding,
            codec,
            sequence: forward.sequence,
            timestamp: forward.timestamp,
            marker: packet.marker,
            orientation: packet.values.orientation,
            received: now,
            clock: clock.map(|own| own.shifted(forward.timestamp.wrapping_sub(packet.timestamp))),
            payload,
        });
        let due = now + listener.purpose.handover_interval();
        listener.due.get_or_insert(due);
    }

    /// Tells the listeners of a room what its participants are told.
    pub(super) fn tell_listeners(&mut self, room: RoomKey, encoded: &Bytes) {
        for listener in self.listeners.values_mut().filter(|own| own.room == room) {
            listener.hear(News::Signal(encoded.clone()));
        }
    }

    /// Lets all listeners of a room go, because it is closed here.
    pub(super) fn end_listeners(&mut self, now: Instant, room: RoomKey) {
        let of_room = self.listeners.iter().filter(|(_, own)| own.room == room);
        for key in of_room.map(|(key, _)| *key).collect::<Vec<_>>() {
            self.end_listener(now, key);
        }
    }

    /// Participants of a room who are not made of code.
    pub(super) fn present_count(&self, room: RoomKey) -> usize {
        let present = self.router.room(room).participants().iter();
        let is_code =
            |key: &&ParticipantKey| self.listeners.contains_key(key) || self.is_mix(**key);
        present.filter(|key| !is_code(key)).count()
    }

    fn end_listener(&mut self, now: Instant, key: ParticipantKey) {
        let ended = self.router.leave(key);
        for subscription in ended.subscriptions {
            self.handle_ended(now, subscription);
        }
        if let Some(listener) = self.listeners.remove(&key) {
            self.last_heard.push_back((listener.id, listener.batch));
        }
    }

    fn listener(&self, id: ListenerId) -> Option<(ParticipantKey, RoomKey)> {
        let found = self.listeners.iter().find(|(_, own)| own.id == id)?;
        Some((*found.0, found.1.room))
    }

    fn listener_subscription(&self, id: ListenerId, track: u16) -> Option<SubscriptionKey> {
        let (key, _) = self.listener(id)?;
        let mut all = self.router.participant(key).subscriptions().iter().copied();
        all.find(|key| self.router.subscription(*key).section() == Some(track.into()))
    }

    /// Tells everyone in a room whether it is recorded.
    fn show_recording(&mut self, room: RoomKey) {
        let of_room = self.listeners.values().filter(|own| own.room == room);
        let is_recorded = of_room
            .into_iter()
            .any(|own| own.purpose == Purpose::Recording);
        self.set_recording(room, is_recorded);
        self.tell_links(room, |name| Frame::Recording(name.clone(), is_recorded));
    }

    /// Takes what the home of a room says about its recording.
    pub(super) fn set_recording(&mut self, room: RoomKey, is_recorded: bool) {
        if let Some(state) = self.rooms.get_mut(&room) {
            state.is_stale |= state.info.active_recording != is_recorded;
            state.info.active_recording = is_recorded;
        }
    }
}
