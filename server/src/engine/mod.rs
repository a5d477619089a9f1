//! The engine: a whole conference server without IO.
//!
//! Datagrams, commands and time go in; datagrams, replies and signalling go out:
//! 1. [`Engine::handle_datagram`] for each datagram of a wake-up, [`Engine::handle_command`] for
//!    each command, [`Engine::handle_timeout`] when it is time;
//! 2. [`Engine::flush`] after them, until it is done: packets leave subscriber by subscriber. After
//!    each call send the [`Engine::batch`] and clear it;
//! 3. [`Engine::poll_output`] and [`Engine::poll_link`] until they are empty;
//! 4. sleep until [`Engine::poll_timeout`].
//!
//! It knows no sockets, threads or clock, so a conference of any size runs in a test in simulated
//! time. A panic while a session is driven ends that participant and nobody else.

#![allow(
    deprecated,
    reason = "LiveKit marks fields as deprecated that today's clients still send and read"
)]

mod attend;
mod command;
mod counters;
mod data;
mod drive;
mod fault;
mod housekeeping;
mod inform;
mod join;
mod leave;
pub mod limits;
mod link;
mod listen;
mod media;
mod negotiate;
mod peer;
mod quality;
mod resume;
mod room;
mod sections;
mod signal;
mod subscribe;
mod taps;
mod timers;
mod tracks;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::RandomState;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use proto::demux::{DatagramClass, Demux, StunRequest};
use proto::ids::RoomName;
use proto::link::{LinkBatch, LinkTrackId, SegmentId};
use proto::media::{PrefetchStage, SendBatch};
use proto::session::SessionConfig;
use proto::token::ApiKeys;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use router::{Forward, ParticipantKey, PublicationKey, RoomKey, Router};
use rustc_hash::FxBuildHasher;

pub use attend::Attendance;
pub use command::{
    Command, ConnectionId, Join, JoinError, Output, Reply, ReplyId, Request, RoomError,
};
pub use counters::{Counters, DropReason};
use link::Remote;
use listen::Listener;
pub use listen::{Heard, HeardBatch, HeardPacket, HeardTrack, ListenerId, News, Purpose};
use peer::Peer;
pub use room::RoomDefaults;
use room::RoomState;
pub use taps::Taps;
use timers::Timers;

/// How many participants before its turn in a flush a participant's state is prefetched: one for
/// each [stage](PrefetchStage).
const PREFETCH_AHEAD: usize = 3;

/// What an engine is made with.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Certificate and addresses of its sessions.
    pub session: SessionConfig,
    /// What rooms are like unless their creator says otherwise.
    pub rooms: RoomDefaults,
    /// Keys to sign fresh tokens with.
    pub keys: ApiKeys,
    /// Seed of every random choice; from the system's generator, unless a test replays.
    pub seed: [u8; 32],
    /// Milliseconds since 1970 at the instant the engine is made.
    pub unix_ms: u64,
    /// Name of the node, `ND_...`.
    pub node_id: String,
    /// Its name on links to other engines.
    pub segment: SegmentId,
    /// Whose media is shown in the clear; nobody's, unless somebody searches for a fault.
    pub taps: Option<Arc<dyn Taps>>,
}

/// Rooms and participants of one worker.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    started: Instant,
    rng: ChaCha20Rng,
    router: Router,
    rooms: HashMap<RoomKey, RoomState, FxBuildHasher>,
    room_names: BTreeMap<RoomName, RoomKey>,
    /// By index of the participant's key.
    peers: Vec<Option<Box<Peer>>>,
    demux: Demux<ParticipantKey, RandomState>,
    connections: HashMap<ConnectionId, ParticipantKey, FxBuildHasher>,
    /// Participants of other segments.
    remotes: HashMap<ParticipantKey, Remote, FxBuildHasher>,
    /// Tracks of other segments, by their names there.
    remote_tracks: HashMap<(SegmentId, LinkTrackId), PublicationKey, FxBuildHasher>,
    /// Tracks published here, by their names on links.
    own_tracks: HashMap<LinkTrackId, PublicationKey, FxBuildHasher>,
    next_link_track: u64,
    /// What goes to other segments, by their index.
    links: Vec<LinkBatch>,
    spare_batches: Vec<LinkBatch>,
    /// Participants made of code.
    listeners: BTreeMap<ParticipantKey, Listener>,
    spare_heard: Vec<HeardBatch>,
    /// What listeners have heard that are gone.
    last_heard: VecDeque<(ListenerId, HeardBatch)>,
    /// Segments that have said hello in rooms this engine has not heard of yet.
    early_hellos: VecDeque<(RoomName, SegmentId)>,
    timers: Timers,
    next_housekeeping: Instant,
    /// Who is to be asked to offer again, and when.
    asks: VecDeque<(Instant, ParticipantKey)>,
    /// Participants whose sessions have something to send.
    dirty: VecDeque<ParticipantKey>,
    /// Packets of the current one, for each receiver; kept for its room.
    forwards: Vec<Forward>,
    /// Datagrams to send.
    batch: SendBatch,
    outputs: VecDeque<Output>,
    counters: Counters,
    shutting_down: bool,
}

impl Engine {
    /// Makes an engine without rooms.
    pub fn new(now: Instant, config: EngineConfig) -> Self {
        Self {
            started: now,
            rng: ChaCha20Rng::from_seed(config.seed),
            config,
            router: Router::new(now),
            rooms: HashMap::default(),
            room_names: BTreeMap::new(),
            peers: Vec::new(),
            demux: Demux::default(),
            connections: HashMap::default(),
            remotes: HashMap::default(),
            remote_tracks: HashMap::default(),
            own_tracks: HashMap::default(),
            next_link_track: 0,
            links: Vec::new(),
            spare_batches: Vec::new(),
            listeners: BTreeMap::new(),
            spare_heard: Vec::new(),
            last_heard: VecDeque::new(),
            early_hellos: VecDeque::new(),
            timers: Timers::new(now),
            next_housekeeping: now + housekeeping::INTERVAL,
            asks: VecDeque::new(),
            dirty: VecDeque::new(),
            forwards: Vec::new(),
            batch: SendBatch::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            shutting_down: false,
        }
    }

    /// Takes one datagram that came from `source` to the candidate address `local`. Media is
    /// decrypted where it lies.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        datagram: &mut [u8],
    ) {
        self.counters.datagrams_in += 1;
        self.counters.bytes_in += datagram.len() as u64;
        let class = DatagramClass::of(datagram);
        if class == DatagramClass::Unknown {
            return self.counters.drop(DropReason::NotOurs);
        }
        // A STUN request that names another session moves its address there: ports are reused.
        let key = match class {
            DatagramClass::Stun => self.session_of_stun(now, source, local, datagram),
            DatagramClass::Dtls | DatagramClass::Rtp | DatagramClass::Unknown => {
                self.demux.by_address(source)
            }
        };
        let Some(key) = key else {
            let reason = match class {
                DatagramClass::Stun => DropReason::StunNotAccepted,
                DatagramClass::Dtls | DatagramClass::Rtp | DatagramClass::Unknown => {
                    DropReason::UnknownAddress
                }
            };
            return self.counters.drop(reason);
        };
        if let Some(peer) = self.peer(key) {
            peer.session.prefetch(PrefetchStage::Own);
        }
        let packet = self.drive(now, key, |session, _| {
            session.handle_datagram(now, source, local, datagram)
        });
        if let Some(packet) = packet {
            self.handle_media(now, key, &packet);
        }
    }

    fn session_of_stun(
        &mut self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        datagram: &[u8],
    ) -> Option<ParticipantKey> {
        let Some(request) = StunRequest::read(datagram) else {
            // A response to our own check: only from where the session already is.
            return self.demux.by_address(source);
        };
        let key = self.demux.by_ufrag(request.server_ufrag)?;
        if self.demux.by_address(source) == Some(key) {
            return Some(key);
        }
        let peer = self.peers.get_mut(key.index())?.as_mut()?;
        if !peer.session.accepts(now, source, local, datagram) {
            return None;
        }
        self.demux.insert_address(source, key, &mut peer.entries);
        Some(key)
    }

    /// Takes a command.
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Request(id, request) => {
                let reply = self.handle_request(now, request);
                self.outputs.push_back(Output::Reply(id, reply));
            }
            Command::Signal(connection, message) => self.handle_signal(now, connection, *message),
            Command::Closed(connection) => self.handle_connection_closed(now, connection),
            Command::ListenerKeyframe(id, track) => self.handle_listener_keyframe(now, id, track),
            Command::ListenerGone(id) => self.handle_listener_gone(now, id),
            Command::ListenerWish(id, track, wanted) => {
                self.handle_listener_wish(now, id, track, wanted);
            }
            Command::Shutdown => self.shut_down(now),
        }
        self.handle_router_events(now);
    }

    fn handle_request(&mut self, now: Instant, request: Request) -> Reply {
        match request {
            Request::Join(join) => Reply::Join(self.join(now, *join)),
            Request::CreateRoom(create) => Reply::CreatedRoom(self.create_room(now, &create)),
            Request::ExtendRoom(room, to) => Reply::Done(self.extend_room(now, &room, to)),
            Request::Rooms => Reply::Rooms(self.room_views()),
            Request::Room(room) => Reply::Room(self.room_view(&room)),
            Request::ChangeRoom(room, change) => Reply::Room(self.change_room(&room, &change)),
            Request::DeleteRoom(room) => Reply::Done(self.delete_room(now, &room)),
            Request::Participants(room) => Reply::Participants(self.participant_views(&room)),
            Request::RemoveParticipant(room, identity) => {
                Reply::Done(self.remove_participant(now, &room, &identity))
            }
            Request::Listen(room, id, purpose) => Reply::Done(self.listen(now, &room, id, purpose)),
            Request::StopListening(id) => Reply::Done(self.stop_listening(now, id)),
        }
    }

    /// Moves time on: sessions' timers, the router's, and housekeeping.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(key) = self.poll_due_session(now) {
            self.wake(now, key);
        }
        self.ask_due(now);
        self.router.handle_timeout(now);
        self.handle_router_events(now);
        if now >= self.next_housekeeping {
            self.next_housekeeping = now + housekeeping::INTERVAL;
            self.keep_house(now);
        }
    }

    /// Seals what has been collected since the last flush, one participant after another. Returns
    /// whether that was all: otherwise the batch is full, and is to be sent before the next call.
    pub fn flush(&mut self, now: Instant) -> bool {
        // What is sent may cause more to send, such as a keyframe request; each round is finite,
        // and what is left goes out with the next wake-up.
        for _ in 0..limits::MAX_FLUSH_ROUNDS {
            for _ in 0..self.dirty.len() {
                if self.batch.is_full() {
                    return false;
                }
                let Some(key) = self.dirty.pop_front() else {
                    break;
                };
                self.prefetch_next();
                self.flush_peer(now, key);
            }
            self.handle_router_events(now);
            if self.dirty.is_empty() {
                break;
            }
        }
        true
    }

    /// Prefetches what the next participants of a flush need.
    fn prefetch_next(&self) {
        for (ahead, key) in self.dirty.iter().take(PREFETCH_AHEAD).enumerate() {
            if let Some(peer) = self.peer(*key) {
                peer.prefetch(ahead);
            }
        }
    }

    /// Datagrams to send.
    pub fn batch(&self) -> &SendBatch {
        &self.batch
    }

    /// Forgets the datagrams, once they are sent.
    pub fn clear_batch(&mut self) {
        self.counters.datagrams_out += self.batch.len() as u64;
        self.counters.bytes_out += self.batch.byte_count() as u64;
        self.batch.clear();
    }

    /// The next reply or signalling message.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Engine::handle_timeout`] has something to do.
    pub fn poll_timeout(&self, now: Instant) -> Instant {
        let sessions = self.timers.next();
        let router = self.router.poll_timeout(now);
        let ask = self.asks.front().map(|(at, _)| *at);
        let heard = self.heard_timeout();
        let soonest = [sessions, router, ask, heard]
            .into_iter()
            .flatten()
            .fold(self.next_housekeeping, Instant::min);
        if self.dirty.is_empty() { soonest } else { now }
    }

    /// What has been counted since the start, and how much there is at present.
    pub fn counters(&self) -> Counters {
        let (publications, subscriptions) = self.router.counts();
        Counters {
            rooms: self.own_rooms().count() as u64,
            segments: self.rooms.len() as u64,
            participants: self.participant_count() as u64,
            publications: (publications - self.remote_tracks.len()) as u64,
            subscriptions: subscriptions as u64,
            ..self.counters.clone()
        }
    }

    fn participant_count(&self) -> usize {
        self.peers.iter().flatten().count()
    }

    fn peer(&self, key: ParticipantKey) -> Option<&Peer> {
        self.peers.get(key.index())?.as_deref()
    }

    fn peer_mut(&mut self, key: ParticipantKey) -> Option<&mut Peer> {
        self.peers.get_mut(key.index())?.as_deref_mut()
    }

    /// Milliseconds since 1970.
    fn unix_ms(&self, now: Instant) -> u64 {
        self.config.unix_ms + now.saturating_duration_since(self.started).as_millis() as u64
    }
}
