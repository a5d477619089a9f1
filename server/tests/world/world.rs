//! The world: engines, people, the links between them, and a clock that only the test moves.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use plenary::engine::{
    Command, ConnectionId, Counters, Engine, EngineConfig, HeardBatch, Join, JoinError, ListenerId,
    Output, Reply, ReplyId, Request, RoomDefaults, Taps,
};
use plenary::mix::Segment;
use proto::codec::MediaKind;
use proto::demux::DatagramClass;
use proto::ids::{Identity, RoomName};
use proto::link::{LinkBatch, SegmentId};
use proto::media::WallClock;
use proto::media::rtp::is_rtcp;
use proto::media::tap::Way;
use proto::session::{DtlsIdentity, IceCredentials, SessionConfig};
use proto::signal::messages::{ConnectionSettings, JoinRequest, signal_request};
use proto::token::{ApiKeys, Claims, VideoGrant};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::media::{Received, Source};
use crate::person::Person;

/// Signalling takes this long each way.
const SIGNAL_DELAY: Duration = Duration::from_millis(5);
/// Batches between engines take up to so many milliseconds.
const MAX_LINK_DELAY_MS: u64 = 2;
/// When the worlds began, since 1970.
const WORLD_BEGAN: Duration = Duration::from_secs(1_800_000_000);
/// The clock's step. Nothing that is looked at here is finer.
const STEP: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Delivery {
    ToServer(SocketAddr, SocketAddr, Vec<u8>),
    ToPerson(String, SocketAddr, Vec<u8>),
    Request(ConnectionId, Vec<u8>),
    Frame(ConnectionId, Bytes),
    Close(ConnectionId),
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    pub now: Instant,
    start: Instant,
    /// The workers' engines; rooms have their home with the first.
    pub engines: Vec<Engine>,
    pub people: BTreeMap<String, Person>,
    pub rng: ChaCha20Rng,
    /// Allocations the engine has made for media packets, and for sending.
    pub allocations: u64,
    /// Bytes on the heap that the engines hold since they were made. What goes in is made for them,
    /// and what comes out is taken off, so nobody else's memory counts.
    pub held_bytes: i64,
    /// Whether a benchmark counts what the engines do.
    pub is_counted: bool,
    room: RoomName,
    config: SessionConfig,
    /// Batches on their way, by where they come from and where they go.
    links: BTreeMap<(SegmentId, SegmentId), VecDeque<(Instant, LinkBatch)>>,
    /// What listeners have heard, in order, and whose ears are full at present.
    pub heard: BTreeMap<ListenerId, Vec<HeardBatch>>,
    pub over: Vec<ListenerId>,
    pub full: Vec<ListenerId>,
    /// The segments of mixes, after those of the engines.
    pub mixes: Vec<Segment>,
    /// What the wall clocks of those who join show more than the server's.
    pub ahead: Duration,
    /// Whether engines take nothing from each other at present.
    pub stall_links: bool,
    /// The engine the next participant is sent to.
    turn: usize,
    /// Media datagrams at the engines' sockets, with the clients' addresses.
    capture: Option<Vec<(Way, SocketAddr, Vec<u8>)>>,
    queue: BinaryHeap<Reverse<(Instant, u64, Delivery)>>,
    next: u64,
    addresses: u16,
}

impl World {
    /// Makes a world. Its seed is printed; `SIM_SEED` sets it.
    pub fn new(name: &str) -> Self {
        Self::with_rooms(name, RoomDefaults::default())
    }

    pub fn with_rooms(name: &str, rooms: RoomDefaults) -> Self {
        Self::with_segments(name, rooms, crate::SEGMENTS)
    }

    pub fn with_segments(name: &str, rooms: RoomDefaults, segments: usize) -> Self {
        Self::make(name, rooms, segments, None)
    }

    /// A world whose engines show media in the clear, and in which the wire is captured.
    pub fn with_taps(name: &str, taps: Arc<dyn Taps>) -> Self {
        let mut world = Self::make(name, RoomDefaults::default(), crate::SEGMENTS, Some(taps));
        world.capture = Some(Vec::new());
        world
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock; its value does not matter"
    )]
    fn make(name: &str, rooms: RoomDefaults, segments: usize, taps: Option<Arc<dyn Taps>>) -> Self {
        let seed = match std::env::var("SIM_SEED") {
            Ok(seed) => seed.parse().expect("SIM_SEED is a number"),
            Err(_) => rand::random::<u64>(),
        };
        println!("{name}: SIM_SEED={seed}");
        // What str0m draws by itself: transaction ids. A test has its thread to itself.
        fastrand::seed(seed);
        let now = Instant::now();
        let identity = DtlsIdentity::generate().expect("crypto works");
        let config = SessionConfig {
            identity,
            addresses: vec![server_address(0)],
            estimates: true,
            wall: WallClock::new(now, WORLD_BEGAN),
        };
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let engines = (0..segments).map(|index| {
            let session = SessionConfig {
                addresses: vec![server_address(index)],
                ..config.clone()
            };
            let engine = EngineConfig {
                session,
                rooms: rooms.clone(),
                keys: ApiKeys::new(BTreeMap::new()),
                seed: rng.random(),
                unix_ms: 1_800_000_000_000,
                node_id: "ND_world".into(),
                segment: SegmentId(index as u16),
                taps: taps.clone(),
            };
            Engine::new(now, engine)
        });
        Self {
            now,
            start: now,
            engines: engines.collect(),
            links: BTreeMap::new(),
            heard: BTreeMap::new(),
            over: Vec::new(),
            full: Vec::new(),
            mixes: Vec::new(),
            ahead: Duration::ZERO,
            stall_links: false,
            turn: 0,
            people: BTreeMap::new(),
            rng,
            allocations: 0,
            held_bytes: 0,
            is_counted: false,
            room: RoomName::new("world").expect("a name"),
            config,
            capture: None,
            queue: BinaryHeap::new(),
            next: 0,
            addresses: 0,
        }
    }

    /// RTP and RTCP that came from somebody or left for them at the engines' sockets, sealed.
    pub fn captured(&self, name: &str, way: Way) -> Vec<&[u8]> {
        let address = self.people[name].address;
        let capture = self.capture.iter().flatten();
        capture
            .filter(|(own, client, _)| (*own, *client) == (way, address))
            .map(|(_, _, datagram)| &datagram[..])
            .collect()
    }

    /// When it began.
    pub fn epoch(&self) -> Instant {
        self.start
    }

    /// The server's wall clock.
    pub fn wall(&self) -> WallClock {
        self.config.wall
    }

    pub fn room(&self) -> &RoomName {
        &self.room
    }

    /// Lets somebody join as browsers do, with an offer.
    pub fn join(&mut self, name: &str) {
        self.join_with(name, |_| {});
    }

    /// Lets somebody join, with changes to its grants and settings.
    pub fn join_with(
        &mut self,
        name: &str,
        change: impl FnOnce(&mut (VideoGrant, ConnectionSettings)),
    ) {
        let credentials = IceCredentials::random(&mut self.rng);
        let address = self.fresh_address();
        let tag = (self.addresses % 250) as u8 + 1;
        let config = SessionConfig {
            wall: WallClock::new(self.start, WORLD_BEGAN + self.ahead),
            ..self.config.clone()
        };
        let mut person = Person::new(self.now, name, tag, address, &config, credentials);
        let grant = VideoGrant {
            room_join: true,
            room: self.room.to_string(),
            can_update_own_metadata: Some(true),
            ..VideoGrant::default()
        };
        let settings = ConnectionSettings {
            auto_subscribe: true,
            ..ConnectionSettings::default()
        };
        let mut wanted = (grant, settings);
        change(&mut wanted);
        let request = JoinRequest {
            publisher_offer: person.make_offer(),
            connection_settings: Some(wanted.1),
            ..JoinRequest::default()
        };
        let claims = Claims {
            identity: name.to_owned(),
            attributes: [("tag".to_owned(), tag.to_string())].into(),
            video: wanted.0,
            ..Claims::default()
        };
        self.people.insert(name.to_owned(), person);
        self.knock(name, claims, request);
    }

    /// Comes back to the same stay after a lost WebSocket.
    pub fn resume(&mut self, name: &str, sid: &str) {
        let grant = VideoGrant {
            room_join: true,
            room: self.room.to_string(),
            ..VideoGrant::default()
        };
        let claims = Claims {
            identity: name.to_owned(),
            video: grant,
            ..Claims::default()
        };
        let request = JoinRequest {
            reconnect: true,
            participant_sid: sid.to_owned(),
            ..JoinRequest::default()
        };
        self.knock(name, claims, request);
    }

    fn knock(&mut self, name: &str, claims: Claims, request: JoinRequest) {
        let mut at = self.turn % self.engines.len();
        self.turn += 1;
        for _ in 0..5 {
            if at != 0 {
                let segment = SegmentId(at as u16);
                let extended = self.request(Request::ExtendRoom(self.room.clone(), segment));
                match extended {
                    Reply::Done(Ok(())) => self.deliver_links(Some((SegmentId(0), segment))),
                    _ => at = 0,
                }
            }
            self.next += 1;
            let connection = ConnectionId(self.next);
            let room = self.room.clone();
            let person = self.person(name);
            (person.connection, person.at) = (Some(connection), at);
            let reply = self.ask(at, || {
                Request::Join(Box::new(Join {
                    connection,
                    room,
                    home: SegmentId(0),
                    identity: Identity::new(name).expect("a name"),
                    claims: claims.clone(),
                    request: request.clone(),
                }))
            });
            match reply {
                Reply::Join(Ok(())) => return,
                Reply::Join(Err(JoinError::Elsewhere(segment))) => at = segment.index(),
                Reply::Join(Err(JoinError::NoSegment)) => {}
                reply => panic!("{name} is let in: {reply:?}"),
            }
        }
        panic!("{name} is sent about");
    }

    /// Asks the room's home something, as the API does.
    pub fn request(&mut self, request: Request) -> Reply {
        self.request_at(0, request)
    }

    pub fn request_at(&mut self, engine: usize, request: Request) -> Reply {
        self.ask(engine, || request)
    }

    fn ask(&mut self, engine: usize, request: impl FnOnce() -> Request) -> Reply {
        self.next += 1;
        let id = ReplyId(self.next);
        self.command(engine, || Command::Request(id, request()));
        self.flush(self.now);
        self.collect()
            .into_iter()
            .find(|(own, _)| *own == id)
            .map(|(_, reply)| reply)
            .expect("every request is answered")
    }

    /// What all engines have counted.
    pub fn counters(&self) -> Counters {
        let mut sum = Counters::default();
        for counters in self.engines.iter().map(Engine::counters) {
            sum.packets_out += counters.packets_out;
            sum.packets_linked += counters.packets_linked;
            sum.panics += counters.panics;
            sum.participants += counters.participants;
            sum.rooms += counters.rooms;
            sum.segments += counters.segments;
            sum.subscriptions += counters.subscriptions;
            sum.publications += counters.publications;
            for (sum, own) in sum.dropped.iter_mut().zip(counters.dropped) {
                *sum += own;
            }
        }
        sum
    }

    /// Makes the next drive of somebody's session panic.
    pub fn poison(&mut self, name: &str) {
        let at = self.person(name).at;
        let identity = Identity::new(name).expect("a name");
        self.engines[at].poison(&self.room, &identity);
    }

    /// Stops the server.
    pub fn shut_down(&mut self) {
        for index in 0..self.engines.len() {
            self.command(index, || Command::Shutdown);
        }
    }

    /// Calls an engine, and counts the memory it takes or gives back. Returns how often it
    /// allocated.
    fn call(&mut self, engine: usize, call: impl FnOnce(&mut Engine)) -> u64 {
        let engine = &mut self.engines[engine];
        let is_counted = self.is_counted;
        let made = allocation_counter::measure(|| match is_counted {
            true => counted(engine, call),
            false => call(engine),
        });
        self.held_bytes += made.bytes_current;
        made.count_total
    }

    /// Gives a signalling command to the engine somebody is with.
    fn command(&mut self, at: usize, command: impl FnOnce() -> Command) {
        let now = self.now;
        self.call(at, |engine| engine.handle_command(now, command()));
    }

    /// Whoever hears a listener of the first engine ends by itself.
    pub fn deafen(&mut self, listener: ListenerId) {
        self.command(0, || Command::ListenerGone(listener));
    }

    /// A listener of the first engine needs a keyframe.
    pub fn request_keyframe(&mut self, listener: ListenerId, track: u16) {
        self.command(0, || Command::ListenerKeyframe(listener, track));
    }

    pub fn fresh_address(&mut self) -> SocketAddr {
        self.addresses += 1;
        let [high, low] = self.addresses.to_be_bytes();
        SocketAddr::from(([10, 1, high, low], 40_000))
    }

    pub fn person(&mut self, name: &str) -> &mut Person {
        self.people
            .get_mut(name)
            .unwrap_or_else(|| panic!("{name} has joined"))
    }

    pub fn publish(&mut self, name: &str, source: Source) {
        self.person(name).publish(source);
    }

    /// Leaves with a word.
    pub fn leave(&mut self, name: &str) {
        let leave = signal_request::Message::Leave(Default::default());
        let (at, connection) = (self.person(name).at, self.person(name).connection);
        let connection = connection.expect("connected");
        self.people.remove(name);
        self.command(at, || Command::Signal(connection, Box::new(leave)));
    }

    /// Loses the WebSocket.
    pub fn lose_signalling(&mut self, name: &str) {
        let connection = self.person(name).connection.take().expect("connected");
        let at = self.person(name).at;
        self.command(at, || Command::Closed(connection));
    }

    /// Lets time pass.
    pub fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.step();
        }
    }

    /// Lets time pass until something holds.
    pub fn run_until(
        &mut self,
        what: &str,
        most: Duration,
        mut holds: impl FnMut(&mut Self) -> bool,
    ) {
        let end = self.now + most;
        while !holds(self) {
            assert!(self.now < end, "not within {most:?}: {what}");
            for _ in 0..10 {
                self.step();
            }
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        let now = self.now;
        self.deliver(now);
        let names: Vec<String> = self.people.keys().cloned().collect();
        for name in &names {
            self.drive_person(now, name);
        }
        self.deliver_links(None);
        for index in 0..self.engines.len() {
            if self.engines[index].poll_timeout(now) <= now {
                self.call(index, |engine| engine.handle_timeout(now));
            }
        }
        self.flush(now);
        self.collect();
    }

    fn deliver(&mut self, now: Instant) {
        while self
            .queue
            .peek()
            .is_some_and(|Reverse((at, ..))| *at <= now)
        {
            let Some(Reverse((_, _, delivery))) = self.queue.pop() else {
                break;
            };
            match delivery {
                Delivery::ToServer(source, local, mut bytes) => {
                    let is_media =
                        DatagramClass::of(&bytes) == DatagramClass::Rtp && !is_rtcp(&bytes);
                    let at = engine_at(local);
                    if at >= self.engines.len() {
                        continue;
                    }
                    capture(&mut self.capture, Way::Received, source, &bytes);
                    let allocations = self.call(at, |engine| {
                        engine.handle_datagram(now, source, local, &mut bytes);
                    });
                    if is_media {
                        self.allocations += allocations;
                    }
                }
                Delivery::ToPerson(name, source, mut bytes) => {
                    if let Some(person) = self.people.get_mut(&name) {
                        person.drive(now, Some((source, &mut bytes)));
                        self.send_up(now, &name);
                    }
                }
                Delivery::Request(connection, frame) => {
                    let at = self.by_connection(connection).map_or(0, |person| person.at);
                    self.command(at, || {
                        let message = proto::signal::decode_request(&frame)
                            .expect("people speak protobuf")
                            .expect("known messages");
                        Command::Signal(connection, Box::new(message))
                    });
                }
                Delivery::Frame(connection, frame) => {
                    if let Some(person) = self.by_connection(connection) {
                        person.hear(&frame);
                    }
                }
                Delivery::Close(connection) => {
                    if let Some(person) = self.by_connection(connection) {
                        person.connection = None;
                    }
                }
            }
        }
    }

    fn by_connection(&mut self, connection: ConnectionId) -> Option<&mut Person> {
        self.people
            .values_mut()
            .find(|person| person.connection == Some(connection))
    }

    fn drive_person(&mut self, now: Instant, name: &str) {
        let person = self.person(name);
        person.speak(now);
        let requests = person.take_requests();
        let connection = person.connection;
        person.drive(now, None);
        for request in requests {
            if let Some(connection) = connection {
                self.next += 1;
                let frame = proto::signal::encode_request(request);
                self.queue.push(Reverse((
                    now + SIGNAL_DELAY,
                    self.next,
                    Delivery::Request(connection, frame),
                )));
            }
        }
        self.send_up(now, name);
    }

    fn send_up(&mut self, now: Instant, name: &str) {
        let Some(person) = self.people.get_mut(name) else {
            return;
        };
        for (path, datagram) in person.batch.datagrams() {
            let goes_to_server = engine_at(path.destination) < self.engines.len();
            if !goes_to_server || path.source != person.address {
                continue;
            }
            if let Some(at) = person.up.pass(now, datagram.len(), &mut self.rng) {
                self.next += 1;
                self.queue.push(Reverse((
                    at,
                    self.next,
                    Delivery::ToServer(path.source, path.destination, datagram.to_vec()),
                )));
            }
        }
        person.batch.clear();
    }

    fn flush(&mut self, now: Instant) {
        for index in 0..self.engines.len() {
            loop {
                let mut is_done = true;
                self.allocations += self.call(index, |engine| is_done = engine.flush(now));
                if is_done {
                    break;
                }
                self.send_down(index);
            }
        }
    }

    /// Lets an engine's datagrams go.
    fn send_down(&mut self, engine: usize) {
        let now = self.now;
        let batch = self.engines[engine].batch();
        if batch.is_empty() {
            return;
        }
        let people = self.people.values_mut();
        let mut people: HashMap<SocketAddr, &mut Person> =
            people.map(|person| (person.address, person)).collect();
        for (path, datagram) in batch.datagrams() {
            capture(&mut self.capture, Way::Sent, path.destination, datagram);
            let Some(person) = people.get_mut(&path.destination) else {
                continue;
            };
            if let Some(at) = person.down.pass(now, datagram.len(), &mut self.rng) {
                self.next += 1;
                let delivery =
                    Delivery::ToPerson(person.name.clone(), path.source, datagram.to_vec());
                self.queue.push(Reverse((at, self.next, delivery)));
            }
        }
        self.engines[engine].clear_batch();
    }

    /// Hands over the batches between engines that have arrived; those of one link at once if it
    /// is named.
    fn deliver_links(&mut self, at_once: Option<(SegmentId, SegmentId)>) {
        let now = self.now;
        let mut arrived = Vec::new();
        for ((from, to), batches) in &mut self.links {
            let is_named = at_once == Some((*from, *to));
            while batches
                .front()
                .is_some_and(|(at, _)| *at <= now || is_named)
            {
                arrived.extend(batches.pop_front().map(|(_, batch)| (*from, *to, batch)));
            }
        }
        for (from, to, mut batch) in arrived {
            let engines = self.engines.len();
            if let Some(mix) = to.index().checked_sub(engines) {
                self.mixes[mix].handle_link(from, &mut batch);
                continue;
            }
            let is_media = batch.frames.is_empty();
            let allocations = self.call(to.index(), |engine| {
                engine.handle_link(now, from, &mut batch);
            });
            if is_media {
                self.allocations += allocations;
            }
            if let Some(engine) = self.engines.get_mut(from.index()) {
                engine.recycle(batch);
            }
        }
    }

    /// Lets a batch go to another segment.
    fn post(&mut self, from: SegmentId, to: SegmentId, batch: LinkBatch) {
        let delay = self.rng.random_range(0..=MAX_LINK_DELAY_MS);
        let link = self.links.entry((from, to)).or_default();
        let earliest = link.back().map_or(self.now, |(at, _)| *at);
        let at = earliest.max(self.now + Duration::from_millis(delay));
        link.push_back((at, batch));
    }

    /// Takes what the engines give out. Returns replies.
    fn collect(&mut self) -> Vec<(ReplyId, Reply)> {
        let now = self.now;
        let mut replies = Vec::new();
        for index in 0..self.mixes.len() {
            let from = SegmentId((self.engines.len() + index) as u16);
            while let Some((to, batch)) = self.mixes[index].poll_link() {
                self.post(from, to, batch);
            }
        }
        for index in 0..self.engines.len() {
            self.send_down(index);
            let from = SegmentId(index as u16);
            let mut returned = Vec::new();
            while let Some((to, batch)) = self.engines[index].poll_link() {
                if self.stall_links {
                    returned.push((to, batch));
                    continue;
                }
                self.post(from, to, batch);
            }
            for (to, batch) in returned {
                self.engines[index].return_link(to, batch);
            }
            let mut returned = Vec::new();
            while let Some((id, batch, is_last)) = self.engines[index].poll_heard(now) {
                if self.full.contains(&id) {
                    returned.push((id, batch));
                    continue;
                }
                self.heard.entry(id).or_default().push(batch);
                if is_last {
                    self.over.push(id);
                }
            }
            for (id, batch) in returned {
                self.engines[index].return_heard(now, id, batch);
            }
            while let Some(output) = self.engines[index].poll_output() {
                let delivery = match output {
                    Output::Reply(id, reply) => {
                        replies.push((id, reply));
                        continue;
                    }
                    Output::Signal(connection, frame) => {
                        let copy = Bytes::copy_from_slice(&frame);
                        self.call(index, |_| drop(frame));
                        Delivery::Frame(connection, copy)
                    }
                    Output::Close(connection) => Delivery::Close(connection),
                    Output::RoomOpened(_)
                    | Output::RoomClosed(_)
                    | Output::Present(..)
                    | Output::Attended(..) => continue,
                };
                self.next += 1;
                self.queue
                    .push(Reverse((now + SIGNAL_DELAY, self.next, delivery)));
            }
        }
        replies
    }

    /// Waits until `receiver` gets fresh media of `sender`.
    pub fn expect_media(&mut self, receiver: &str, sender: &str, kind: MediaKind) {
        let since = self.now;
        self.run_until(
            &format!("{receiver} receives {kind:?} of {sender}"),
            Duration::from_secs(8),
            |world| {
                let received = world.people[receiver].received_from(sender, kind);
                received.is_some_and(|received| received.last_at.is_some_and(|at| at > since))
            },
        );
    }

    /// What `receiver` has got of `sender`.
    pub fn received(&self, receiver: &str, sender: &str, kind: MediaKind) -> &Received {
        let received = self.people[receiver].received_from(sender, kind);
        received.unwrap_or_else(|| panic!("{receiver} has received {kind:?} of {sender}"))
    }

    /// Nothing anybody has received was wrong.
    pub fn expect_no_faults(&self) {
        for person in self.people.values() {
            for (track, received) in &person.received {
                assert!(
                    received.faults.is_empty(),
                    "{} of {track}: {:?}",
                    person.name,
                    received.faults
                );
            }
        }
    }
}

fn capture(
    capture: &mut Option<Vec<(Way, SocketAddr, Vec<u8>)>>,
    way: Way,
    client: SocketAddr,
    datagram: &[u8],
) {
    if let Some(capture) = capture
        && DatagramClass::of(datagram) == DatagramClass::Rtp
    {
        capture.push((way, client, datagram.to_vec()));
    }
}

/// Where benchmarks count; see `benches/rooms.rs`.
#[inline(never)]
fn counted(engine: &mut Engine, call: impl FnOnce(&mut Engine)) {
    call(engine);
}

/// Where an engine takes datagrams.
pub fn server_address(engine: usize) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, engine as u8 + 1], 7_882))
}

/// The engine at an address.
fn engine_at(address: SocketAddr) -> usize {
    let index = |ip: [u8; 4]| match ip {
        [10, 0, 0, last] => usize::from(last).wrapping_sub(1),
        _ => usize::MAX,
    };
    match address {
        SocketAddr::V4(v4) => index(v4.ip().octets()),
        SocketAddr::V6(_) => usize::MAX,
    }
}
