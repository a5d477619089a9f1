//! The node: its workers, and what the API and signalling ask of them.

mod placement;
mod policy;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mixer::recording::Choice;
use proto::api::{ChangeRoom, CreateRoom, Participant, Room};
use proto::ids::{Identity, RecordingSid, RoomName};
use proto::link::SegmentId;
use proto::media::WallClock;
use proto::session::{DtlsIdentity, SessionConfig};
use proto::signal::messages::JoinRequest;
use proto::token::{ApiKeys, Claims};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tokio::sync::{mpsc, oneshot};

use crate::compose::Look;
use crate::config::Config;
use crate::dump::Dumps;
use crate::engine::{
    ConnectionId, EngineConfig, Join, JoinError, ListenerId, Purpose, Reply, Request, RoomDefaults,
    RoomError, Taps,
};
use crate::mix::{self, Mix, MixError, MixSettings, Mixes};
use crate::net::{self, Advertised, MediaSocket};
use crate::observe::Counters;
use crate::recorder::{RecordingError, Recordings, When};
use crate::worker::{Ear, Frame, Input, MAX_QUEUED_FRAMES, Post, WorkerCounters, WorkerHandle};
use crate::{clock, entropy};

pub use placement::{Placement, Ticket};
pub use policy::Policies;

/// How long a worker may take to answer; it answers in microseconds unless it is overloaded.
const REPLY_TIMEOUT: Duration = Duration::from_secs(5);
/// How often somebody is sent on from one worker to another who joins while a room's segments
/// change.
const MAX_KNOCKS: usize = 5;

/// A handle on the node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Node(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    workers: Vec<WorkerHandle>,
    placement: Placement,
    policies: Policies,
    dumps: Option<Arc<Dumps>>,
    recordings: Recordings,
    mixes: Mixes,
    /// The clock that all workers translate sender reports to.
    wall: WallClock,
    advertised: Vec<Advertised>,
    next_connection: AtomicU64,
    is_stopping: AtomicBool,
}

/// Whether a room was made or was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The room was made.
    New,
    /// A room of this name and these settings was there.
    Existing,
}

/// Why the node does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// There is no room of this name.
    #[error("there is no such room")]
    RoomNotFound,
    /// The room has no participant of this identity.
    #[error("there is no such participant in the room")]
    ParticipantNotFound,
    /// Something of this name exists with other settings.
    #[error("{0}")]
    Conflict(String),
    /// A configured limit is reached.
    #[error("{0}")]
    LimitExceeded(String),
    /// There is no capacity for this now.
    #[error("the server is busy")]
    Overloaded,
    /// The node is stopping.
    #[error("the server is shutting down")]
    ShuttingDown,
    /// There is no such recording, or it has no such file.
    #[error("{0}")]
    RecordingNotFound(String),
    /// The room is not mixed.
    #[error("the room is not mixed; PUT this to mix it")]
    MixNotFound,
    /// There is too little room on the disk.
    #[error("{0}")]
    InsufficientStorage(String),
    /// The object store does not do what it should.
    #[error("{0}")]
    StoreUnavailable(String),
    /// Something that should work does not.
    #[error("{0}")]
    Internal(String),
}

impl From<RecordingError> for NodeError {
    fn from(error: RecordingError) -> Self {
        let detail = error.to_string();
        match error {
            RecordingError::NotFound => Self::RecordingNotFound(detail),
            RecordingError::Conflict(_) | RecordingError::Elsewhere(_) => Self::Conflict(detail),
            RecordingError::TooMany(_) => Self::LimitExceeded(detail),
            RecordingError::NoSpace { .. } => Self::InsufficientStorage(detail),
            RecordingError::Store(_) => Self::StoreUnavailable(detail),
            RecordingError::Live(_) | RecordingError::Disk(_) => Self::Internal(detail),
        }
    }
}

impl From<MixError> for NodeError {
    fn from(error: MixError) -> Self {
        let detail = error.to_string();
        match error {
            MixError::TooMany(_) => Self::LimitExceeded(detail),
            MixError::Exists => Self::Conflict(detail),
            MixError::Compose(_) | MixError::System(_) => Self::Internal(detail),
        }
    }
}

impl From<RoomError> for NodeError {
    fn from(error: RoomError) -> Self {
        match error {
            RoomError::RoomNotFound => Self::RoomNotFound,
            RoomError::ParticipantNotFound => Self::ParticipantNotFound,
            RoomError::Conflict(_) => Self::Conflict(error.to_string()),
            RoomError::LimitExceeded(_) => Self::LimitExceeded(error.to_string()),
            RoomError::ShuttingDown => Self::ShuttingDown,
        }
    }
}

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A media port cannot be had.
    #[error("cannot bind UDP {address} (udp.bind, udp.port): {error}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// Media cannot be dumped.
    #[error("cannot write to the folder of debug.rtp_dump: {0}")]
    Dump(std::io::Error),
    /// Something else of the system.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// Recordings cannot be looked after.
    #[error("cannot look after the recordings of recording.folder: {0}")]
    Recordings(std::io::Error),
    /// The crypto library does not work.
    #[error("{0}")]
    Crypto(#[from] proto::session::SessionError),
}

impl Node {
    /// Starts a node: binds a port for each worker and starts their threads. It is for Tokio's runtime
    /// to call.
    ///
    /// # Errors
    /// [`StartError`]
    pub fn start(config: &Config) -> Result<Self, StartError> {
        let advertised = net::advertised(config)?;
        let identity = DtlsIdentity::generate()?;
        let keys = ApiKeys::new(config.keys.clone());
        let dumps = Dumps::start(&config.debug).map_err(StartError::Dump)?;
        let recordings = Recordings::start(&config.recording).map_err(StartError::Recordings)?;
        let wall = clock::wall();
        let count = config.workers.count();
        let mut seed = ChaCha20Rng::from_seed(entropy::bytes());
        let node_id = format!("ND_{:012x}", seed.next_u64() >> 16);
        let placement = Placement::new(count, config.room.worker_participants as usize);
        let mut posts = Post::ends(count + config.limits.mixes as usize)?;
        let mixes = Mixes::new(wall, config.limits.mixes, posts.split_off(count));
        let policies = Policies::default();
        let mut workers = Vec::with_capacity(count);
        for (index, post) in posts.into_iter().enumerate() {
            let port = config.udp.port + index as u16;
            let ips: Vec<_> = advertised.iter().map(|own| own.ip).collect();
            let socket = bind(SocketAddr::new(config.udp.bind, port), &ips)?;
            let session = SessionConfig {
                identity: identity.clone(),
                addresses: ips.iter().map(|ip| SocketAddr::new(*ip, port)).collect(),
                estimates: true,
                wall,
            };
            let engine = EngineConfig {
                session,
                rooms: room_defaults(config, count),
                keys: keys.clone(),
                seed: entropy::bytes(),
                unix_ms: clock::unix_now_ms(),
                node_id: node_id.clone(),
                segment: SegmentId(index as u16),
                taps: dumps.clone().map(|dumps| dumps as Arc<dyn Taps>),
            };
            workers.push(WorkerHandle::start(
                engine,
                socket,
                post,
                placement.clone(),
                policies.clone(),
            )?);
        }
        let node = Self(Arc::new(Inner {
            workers,
            placement,
            policies: policies.clone(),
            dumps,
            recordings,
            mixes,
            wall,
            advertised,
            next_connection: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
        }));
        tokio::spawn(policies.keep(node.clone()));
        Ok(node)
    }

    /// The addresses clients are offered for media.
    pub fn advertised(&self) -> &[Advertised] {
        &self.0.advertised
    }

    /// Lets somebody in, or back in.
    ///
    /// # Errors
    /// [`JoinRefused`], to be told before the WebSocket opens.
    pub async fn join(
        &self,
        room: RoomName,
        identity: Identity,
        claims: Claims,
        request: JoinRequest,
    ) -> Result<Connection, JoinRefused> {
        if !self.is_ready() {
            return Err(JoinRefused::Refused(JoinError::ShuttingDown));
        }
        let mut ticket = self.0.placement.place(&room);
        for _ in 0..MAX_KNOCKS {
            if ticket.at != ticket.home {
                let extend = Request::ExtendRoom(room.clone(), ticket.at);
                let extended = ask(self.worker(ticket.home), extend).await;
                if !matches!(extended, Ok(Reply::Done(Ok(())))) {
                    // The room has closed meanwhile.
                    ticket = self.0.placement.place_at_home(&room);
                }
            }
            let id = ConnectionId(self.0.next_connection.fetch_add(1, Ordering::Relaxed));
            let join = Join {
                connection: id,
                room: room.clone(),
                home: ticket.home,
                identity: identity.clone(),
                claims: claims.clone(),
                request: request.clone(),
            };
            match self.knock(ticket.at, join).await {
                Err(JoinRefused::Refused(JoinError::Elsewhere(segment))) => {
                    ticket = self.0.placement.place_at(&room, segment);
                }
                Err(JoinRefused::Refused(JoinError::NoSegment)) => {}
                outcome => return outcome,
            }
        }
        Err(JoinRefused::Overloaded)
    }

    async fn knock(&self, at: SegmentId, join: Join) -> Result<Connection, JoinRefused> {
        let worker = self.worker(at).clone();
        let id = join.connection;
        let (frames, received) = mpsc::channel(MAX_QUEUED_FRAMES);
        let (reply, replied) = oneshot::channel();
        worker
            .give(Input::Join(Box::new(join), frames, reply))
            .map_err(|_| JoinRefused::Overloaded)?;
        let connection = Connection {
            id,
            worker,
            frames: received,
        };
        match tokio::time::timeout(REPLY_TIMEOUT, replied).await {
            Ok(Ok(Reply::Join(Ok(())))) => Ok(connection),
            Ok(Ok(Reply::Join(Err(error)))) => Err(JoinRefused::Refused(error)),
            _ => Err(JoinRefused::Overloaded),
        }
    }

    /// Makes a room, or finds the one that is like it.
    ///
    /// # Errors
    /// [`NodeError::Conflict`] if a room of this name has other settings.
    pub async fn create_room(&self, request: CreateRoom) -> Result<(Room, Created), NodeError> {
        let ticket = self.0.placement.place_at_home(&request.name);
        let create = Request::CreateRoom(Box::new(request));
        let reply = ask(self.worker(ticket.home), create).await?;
        let Reply::CreatedRoom(outcome) = reply else {
            return Err(NodeError::Overloaded);
        };
        let (room, is_new) = outcome?;
        Ok((
            room,
            if is_new {
                Created::New
            } else {
                Created::Existing
            },
        ))
    }

    /// Every room, by name.
    ///
    /// # Errors
    /// [`NodeError::Overloaded`]
    pub async fn rooms(&self) -> Result<Vec<Room>, NodeError> {
        let mut rooms = Vec::new();
        for worker in &self.0.workers {
            let Reply::Rooms(some) = ask(worker, Request::Rooms).await? else {
                return Err(NodeError::Overloaded);
            };
            rooms.extend(some);
        }
        rooms.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rooms)
    }

    /// One room.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`]
    pub async fn room(&self, room: &RoomName) -> Result<Room, NodeError> {
        let Reply::Room(outcome) = self.request(room, Request::Room(room.clone())).await? else {
            return Err(NodeError::Overloaded);
        };
        Ok(outcome?)
    }

    /// Changes a room's settings.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`]
    pub async fn change_room(
        &self,
        room: &RoomName,
        change: ChangeRoom,
    ) -> Result<Room, NodeError> {
        let change = Request::ChangeRoom(room.clone(), Box::new(change));
        let Reply::Room(outcome) = self.request(room, change).await? else {
            return Err(NodeError::Overloaded);
        };
        Ok(outcome?)
    }

    /// Ends a room.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`]
    pub async fn delete_room(&self, room: &RoomName) -> Result<(), NodeError> {
        self.done(room, Request::DeleteRoom(room.clone())).await
    }

    /// Everyone in a room.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`]
    pub async fn participants(&self, room: &RoomName) -> Result<Vec<Participant>, NodeError> {
        let reply = self
            .request(room, Request::Participants(room.clone()))
            .await?;
        let Reply::Participants(outcome) = reply else {
            return Err(NodeError::Overloaded);
        };
        Ok(outcome?)
    }

    /// One participant.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`], [`NodeError::ParticipantNotFound`]
    pub async fn participant(
        &self,
        room: &RoomName,
        identity: &Identity,
    ) -> Result<Participant, NodeError> {
        let everyone = self.participants(room).await?;
        let found = everyone
            .into_iter()
            .find(|participant| participant.identity == *identity);
        found.ok_or(NodeError::ParticipantNotFound)
    }

    /// Removes a participant.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`], [`NodeError::ParticipantNotFound`]
    pub async fn remove_participant(
        &self,
        room: &RoomName,
        identity: &Identity,
    ) -> Result<(), NodeError> {
        self.done(
            room,
            Request::RemoveParticipant(room.clone(), identity.clone()),
        )
        .await
    }

    /// Begins to record a room, or of it what is chosen, and to make a composite if that is wanted.
    ///
    /// # Errors
    /// [`NodeError`]
    pub async fn record(
        &self,
        room: &RoomName,
        choice: Choice,
        composite: Option<(When, Look)>,
    ) -> Result<RecordingSid, NodeError> {
        if !self.is_ready() {
            return Err(NodeError::ShuttingDown);
        }
        let sid = self.room(room).await?.sid;
        self.refuse_encrypted(room, "recorded").await?;
        let home = self.0.placement.home_of(room);
        let worker = self.worker(home.ok_or(NodeError::RoomNotFound)?).clone();
        let (node, name, asked) = (self.clone(), room.clone(), worker.clone());
        let begun = tokio::task::spawn_blocking(move || {
            let (recordings, wall) = (&node.0.recordings, node.0.wall);
            recordings.begin((&name, &sid), choice, wall, &asked, composite)
        });
        let begun = begun.await.map_err(|_| NodeError::Overloaded)??;
        for (listener, purpose, ear) in begun.listeners {
            // Without an ear that hears, the recording ends by itself.
            listen(&worker, room, (listener, purpose), ear).await?;
        }
        if self.0.recordings.is_stopping(&begun.id) {
            // Somebody was quicker, and there was no listener to let go. It may have ended all the same.
            let _ = self.end_recording(room, &begun.id).await;
        }
        Ok(begun.id)
    }

    /// Ends a recording because somebody wants it, and its files are completed then. A room that records
    /// itself does not begin another before everyone has left.
    ///
    /// # Errors
    /// [`NodeError`]
    pub async fn stop_recording(
        &self,
        room: &RoomName,
        id: &RecordingSid,
    ) -> Result<(), NodeError> {
        self.end_recording(room, id).await?;
        self.0.policies.stopped(id);
        Ok(())
    }

    async fn end_recording(&self, room: &RoomName, id: &RecordingSid) -> Result<(), NodeError> {
        for listener in self.0.recordings.stop(id)? {
            match self.done(room, Request::StopListening(listener)).await {
                // Then it has ended already.
                Ok(()) | Err(NodeError::ParticipantNotFound | NodeError::RoomNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Mixes a room, or changes how it is mixed. Tells whether that is new.
    ///
    /// # Errors
    /// [`NodeError`]
    pub async fn mix(
        &self,
        room: &RoomName,
        settings: MixSettings,
    ) -> Result<(Mix, Created), NodeError> {
        if !self.is_ready() {
            return Err(NodeError::ShuttingDown);
        }
        let mixes = &self.0.mixes;
        let existed = mixes.listener(room).is_some();
        if !mixes.change(room, &settings).await {
            if existed {
                self.stop_mix(room).await?;
            }
            self.begin_mix(room, settings).await?;
        }
        let created = match existed {
            true => Created::Existing,
            false => Created::New,
        };
        let mix = mixes.get(room).ok_or(NodeError::RoomNotFound)?;
        Ok((mix, created))
    }

    /// Refuses a room of which the server can decode nothing. One without tracks may get some.
    async fn refuse_encrypted(&self, room: &RoomName, what: &str) -> Result<(), NodeError> {
        let present = self.participants(room).await?;
        let mut tracks = present.iter().flat_map(|own| &own.tracks).peekable();
        if tracks.peek().is_some() && tracks.all(|track| track.encrypted) {
            return Err(NodeError::Conflict(format!(
                "every track in the room is end-to-end encrypted, so the room cannot be {what}: have its participants \
                 join without encryption, or leave it to one of them"
            )));
        }
        Ok(())
    }

    async fn begin_mix(&self, room: &RoomName, settings: MixSettings) -> Result<(), NodeError> {
        self.refuse_encrypted(room, "mixed").await?;
        let present = self.participants(room).await?;
        if present
            .iter()
            .any(|own| own.identity.as_str() == mix::IDENTITY)
        {
            let detail = format!(
                "a participant of the room has the identity {:?}, which a mix would take",
                mix::IDENTITY
            );
            return Err(NodeError::Conflict(detail));
        }
        let home = self.0.placement.home_of(room);
        let worker = self.worker(home.ok_or(NodeError::RoomNotFound)?).clone();
        let (node, name, asked) = (self.clone(), room.clone(), worker.clone());
        let begun =
            tokio::task::spawn_blocking(move || node.0.mixes.begin(&name, settings, &asked));
        let begun = begun.await.map_err(|_| NodeError::Overloaded)??;
        // Without an ear that hears, the mix ends by itself, and leaves the room.
        let extend = Request::ExtendRoom(room.clone(), begun.segment);
        self.done(room, extend).await?;
        let id = (begun.listener, Purpose::Mixing);
        listen(&worker, room, id, begun.ear).await
    }

    /// How a room is mixed.
    pub fn room_mix(&self, room: &RoomName) -> Option<Mix> {
        self.0.mixes.get(room)
    }

    /// Ends the mix of a room, if there is one. Tells whether there was.
    ///
    /// # Errors
    /// [`NodeError::Overloaded`]
    pub async fn stop_mix(&self, room: &RoomName) -> Result<bool, NodeError> {
        let Some(listener) = self.0.mixes.listener(room) else {
            return Ok(false);
        };
        match self.done(room, Request::StopListening(listener)).await {
            // Then it ends already.
            Ok(()) | Err(NodeError::ParticipantNotFound | NodeError::RoomNotFound) => {}
            Err(error) => return Err(error),
        }
        self.0.mixes.wait_for_end(room, listener).await;
        Ok(true)
    }

    /// The recordings of this node.
    pub fn recordings(&self) -> &Recordings {
        &self.0.recordings
    }

    /// Whether new participants are taken.
    pub fn is_ready(&self) -> bool {
        !self.0.is_stopping.load(Ordering::Relaxed)
    }

    /// What all workers have counted.
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        let mut dropped = BTreeMap::<&'static str, u64>::new();
        for worker in &self.0.workers {
            let WorkerCounters {
                engine: own,
                send_lost,
                busy,
                transit,
            } = worker.counters();
            sum.packets_in += own.datagrams_in;
            sum.packets_out += own.datagrams_out;
            sum.bytes_in += own.bytes_in;
            sum.bytes_out += own.bytes_out;
            sum.packets_forwarded += own.packets_out;
            sum.packets_resent += own.packets_resent;
            sum.packets_linked += own.packets_linked;
            sum.keyframe_requests += own.keyframe_requests;
            sum.transit.add(&transit);
            sum.busy.push(busy);
            sum.rooms += own.rooms;
            sum.participants += own.participants;
            sum.publications += own.publications;
            sum.subscriptions += own.subscriptions;
            for (reason, count) in crate::engine::DropReason::ALL.into_iter().zip(own.dropped) {
                *dropped.entry(reason.label()).or_default() += count;
            }
            *dropped.entry("send_queue_full").or_default() += send_lost;
        }
        sum.dropped = dropped;
        let dumps = self.0.dumps.iter();
        sum.mixes = self.0.mixes.count() as u64;
        sum.recordings = self.0.recordings.counts();
        sum.recordings_not_begun = self.0.policies.failures();
        sum.recording_store = self.0.recordings.store_counters();
        sum.recording_free_bytes = self.0.recordings.free_bytes();
        sum.dump_omissions = dumps.flat_map(|dumps| dumps.omissions()).collect();
        sum
    }

    /// Tells everyone to reconnect elsewhere, and ends all sessions and workers.
    pub async fn shutdown(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
        let mut ending = Vec::new();
        for worker in &self.0.workers {
            let (stopped, wait) = oneshot::channel();
            if worker.give(Input::Shutdown(stopped)).is_ok() {
                ending.push(wait);
            }
        }
        for wait in ending {
            // A worker that does not answer ends with the process.
            let _ = tokio::time::timeout(REPLY_TIMEOUT, wait).await;
        }
        let recordings = self.0.recordings.clone();
        // A thread that fails has nothing left to wait for.
        let _ = tokio::task::spawn_blocking(move || recordings.wait_for_all()).await;
    }

    fn worker(&self, segment: SegmentId) -> &WorkerHandle {
        &self.0.workers[segment.index()]
    }

    /// Asks the home of a room.
    async fn request(&self, room: &RoomName, request: Request) -> Result<Reply, NodeError> {
        let home = self.0.placement.home_of(room);
        ask(self.worker(home.ok_or(NodeError::RoomNotFound)?), request).await
    }

    async fn done(&self, room: &RoomName, request: Request) -> Result<(), NodeError> {
        let Reply::Done(outcome) = self.request(room, request).await? else {
            return Err(NodeError::Overloaded);
        };
        Ok(outcome?)
    }
}

/// Lets a listener into a room whose home is with a worker.
async fn listen(
    worker: &WorkerHandle,
    room: &RoomName,
    (id, purpose): (ListenerId, Purpose),
    ear: Ear,
) -> Result<(), NodeError> {
    let (reply, replied) = oneshot::channel();
    let listen = Input::Listen(room.clone(), id, purpose, ear, reply);
    worker.give(listen).map_err(|_| NodeError::Overloaded)?;
    match tokio::time::timeout(REPLY_TIMEOUT, replied).await {
        Ok(Ok(Reply::Done(outcome))) => Ok(outcome?),
        _ => Err(NodeError::Overloaded),
    }
}

async fn ask(worker: &WorkerHandle, request: Request) -> Result<Reply, NodeError> {
    let (reply, replied) = oneshot::channel();
    worker
        .give(Input::Request(request, reply))
        .map_err(|_| NodeError::Overloaded)?;
    match tokio::time::timeout(REPLY_TIMEOUT, replied).await {
        Ok(Ok(reply)) => Ok(reply),
        _ => Err(NodeError::Overloaded),
    }
}

/// On a machine without IPv6, `::` means every IPv4 address.
fn bind(address: SocketAddr, advertised: &[std::net::IpAddr]) -> Result<MediaSocket, StartError> {
    let bound = MediaSocket::bind(address, advertised.to_vec()).or_else(|error| {
        let has_no_ipv6 = address.ip().is_unspecified() && address.is_ipv6();
        if !has_no_ipv6 || error.kind() == std::io::ErrorKind::AddrInUse {
            return Err(error);
        }
        let v4 = SocketAddr::new(std::net::Ipv4Addr::UNSPECIFIED.into(), address.port());
        MediaSocket::bind(v4, advertised.to_vec())
    });
    bound.map_err(|error| StartError::Bind { address, error })
}

fn room_defaults(config: &Config, workers: usize) -> RoomDefaults {
    let share = |limit: u32| (limit as usize).div_ceil(workers);
    RoomDefaults {
        auto_create: config.room.auto_create,
        empty_timeout_s: config.room.empty_timeout,
        departure_timeout_s: config.room.departure_timeout,
        max_participants: config.room.max_participants,
        max_rooms: share(config.limits.rooms),
        max_participants_total: share(config.limits.participants),
        max_metadata_bytes: config.limits.room_metadata_bytes,
        max_participant_metadata_bytes: config.limits.participant_metadata_bytes,
        max_attributes: config.limits.attributes,
        recording: config.room.record.recording(),
    }
}

/// Why a join failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinRefused {
    /// The room says no.
    #[error("{0}")]
    Refused(JoinError),
    /// There is no capacity now.
    #[error("the server is busy")]
    Overloaded,
}

/// One client's way to its engine. Dropping it tells the engine that the connection has closed.
#[derive(Debug)]
pub struct Connection {
    id: ConnectionId,
    worker: WorkerHandle,
    /// Frames for the client.
    pub frames: mpsc::Receiver<Frame>,
}

impl Connection {
    /// Hands a client's message on. Returns whether the worker took it.
    pub fn give(&self, message: proto::signal::messages::signal_request::Message) -> bool {
        self.worker
            .give(Input::Signal(self.id, Box::new(message)))
            .is_ok()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // An overloaded worker notices by itself, when its next frame finds no receiver.
        let _ = self.worker.give(Input::Closed(self.id));
    }
}
