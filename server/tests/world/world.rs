//! The world: an engine, people, the links between them, and a clock that only the test moves.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use plenary::engine::{
    Command, ConnectionId, Engine, EngineConfig, Join, Output, Reply, ReplyId, Request,
    RoomDefaults,
};
use proto::codec::MediaKind;
use proto::demux::DatagramClass;
use proto::ids::{Identity, RoomName};
use proto::media::WallClock;
use proto::media::rtp::is_rtcp;
use proto::session::{DtlsIdentity, IceCredentials, SessionConfig};
use proto::signal::messages::{ConnectionSettings, JoinRequest, signal_request};
use proto::token::{ApiKeys, Claims, VideoGrant};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::media::{Received, Source};
use crate::person::Person;

/// The server's address.
pub const SERVER: &str = "10.0.0.1:7882";
/// Signalling takes this long each way.
const SIGNAL_DELAY: Duration = Duration::from_millis(5);
/// The clock's step. Nothing that is looked at here is finer.
const STEP: Duration = Duration::from_millis(1);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Delivery {
    ToServer(SocketAddr, Vec<u8>),
    ToPerson(String, SocketAddr, Vec<u8>),
    Request(ConnectionId, Vec<u8>),
    Frame(ConnectionId, Bytes),
    Close(ConnectionId),
}

/// Everything there is.
#[derive(Debug)]
pub struct World {
    pub now: Instant,
    pub engine: Engine,
    pub people: BTreeMap<String, Person>,
    pub rng: ChaCha20Rng,
    /// Allocations the engine has made for media packets, and for sending.
    pub allocations: u64,
    room: RoomName,
    config: SessionConfig,
    queue: BinaryHeap<Reverse<(Instant, u64, Delivery)>>,
    next: u64,
    addresses: u16,
}

impl World {
    /// Makes a world. Its seed is printed; `SIM_SEED` sets it.
    pub fn new(name: &str) -> Self {
        Self::with_rooms(name, RoomDefaults::default())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock; its value does not matter"
    )]
    pub fn with_rooms(name: &str, rooms: RoomDefaults) -> Self {
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
            addresses: vec![SERVER.parse().expect("an address")],
            estimates: true,
            wall: WallClock::new(now, Duration::from_secs(1_800_000_000)),
        };
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let engine = EngineConfig {
            session: config.clone(),
            rooms,
            keys: ApiKeys::new(BTreeMap::new()),
            seed: rng.random(),
            unix_ms: 1_800_000_000_000,
            node_id: "ND_world".into(),
        };
        Self {
            now,
            engine: Engine::new(now, engine),
            people: BTreeMap::new(),
            rng,
            allocations: 0,
            room: RoomName::new("world").expect("a name"),
            config,
            queue: BinaryHeap::new(),
            next: 0,
            addresses: 0,
        }
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
        self.addresses += 1;
        let tag = (self.addresses % 250) as u8 + 1;
        let credentials = IceCredentials::random(&mut self.rng);
        let address = self.fresh_address();
        let mut person = Person::new(self.now, name, tag, address, &self.config, credentials);
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
        self.next += 1;
        let connection = ConnectionId(self.next);
        let join = Join {
            connection,
            room: self.room.clone(),
            identity: Identity::new(name).expect("a name"),
            claims,
            request,
        };
        self.person(name).connection = Some(connection);
        let reply = self.request(Request::Join(Box::new(join)));
        assert!(
            matches!(reply, Reply::Join(Ok(()))),
            "{name} is let in: {reply:?}"
        );
    }

    /// Asks the engine something, as the API does.
    pub fn request(&mut self, request: Request) -> Reply {
        self.next += 1;
        let id = ReplyId(self.next);
        self.engine
            .handle_command(self.now, Command::Request(id, request));
        self.flush(self.now);
        self.collect()
            .into_iter()
            .find(|(own, _)| *own == id)
            .map(|(_, reply)| reply)
            .expect("every request is answered")
    }

    pub fn fresh_address(&mut self) -> SocketAddr {
        self.next += 1;
        SocketAddr::from(([10, 1, (self.next >> 8) as u8, self.next as u8], 40_000))
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
        let connection = self.person(name).connection.expect("connected");
        self.people.remove(name);
        self.engine
            .handle_command(self.now, Command::Signal(connection, Box::new(leave)));
    }

    /// Loses the WebSocket.
    pub fn lose_signalling(&mut self, name: &str) {
        let connection = self.person(name).connection.take().expect("connected");
        self.engine
            .handle_command(self.now, Command::Closed(connection));
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
        if self.engine.poll_timeout(now) <= now {
            self.engine.handle_timeout(now);
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
                Delivery::ToServer(source, mut bytes) => {
                    let local = SERVER.parse().expect("an address");
                    let is_media =
                        DatagramClass::of(&bytes) == DatagramClass::Rtp && !is_rtcp(&bytes);
                    let engine = &mut self.engine;
                    let made = allocation_counter::measure(|| {
                        engine.handle_datagram(now, source, local, &mut bytes);
                    });
                    if is_media {
                        self.allocations += made.count_total;
                    }
                }
                Delivery::ToPerson(name, source, mut bytes) => {
                    if let Some(person) = self.people.get_mut(&name) {
                        person.drive(now, Some((source, &mut bytes)));
                        self.send_up(now, &name);
                    }
                }
                Delivery::Request(connection, frame) => {
                    let message = proto::signal::decode_request(&frame)
                        .expect("people speak protobuf")
                        .expect("known messages");
                    self.engine
                        .handle_command(now, Command::Signal(connection, Box::new(message)));
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
            if path.destination != SERVER.parse().expect("an address")
                || path.source != person.address
            {
                continue;
            }
            if let Some(at) = person.up.pass(now, datagram.len(), &mut self.rng) {
                self.next += 1;
                self.queue.push(Reverse((
                    at,
                    self.next,
                    Delivery::ToServer(path.source, datagram.to_vec()),
                )));
            }
        }
        person.batch.clear();
    }

    fn flush(&mut self, now: Instant) {
        loop {
            let engine = &mut self.engine;
            let mut is_done = true;
            let made = allocation_counter::measure(|| is_done = engine.flush(now));
            self.allocations += made.count_total;
            if is_done {
                return;
            }
            self.send_down();
        }
    }

    /// Lets the engine's datagrams go.
    fn send_down(&mut self) {
        let now = self.now;
        for (path, datagram) in self.engine.batch().datagrams() {
            let found = self
                .people
                .values_mut()
                .find(|person| person.address == path.destination);
            let Some(person) = found else { continue };
            if let Some(at) = person.down.pass(now, datagram.len(), &mut self.rng) {
                self.next += 1;
                let delivery =
                    Delivery::ToPerson(person.name.clone(), path.source, datagram.to_vec());
                self.queue.push(Reverse((at, self.next, delivery)));
            }
        }
        self.engine.clear_batch();
    }

    /// Takes what the engine gives out. Returns replies.
    fn collect(&mut self) -> Vec<(ReplyId, Reply)> {
        let now = self.now;
        self.send_down();
        let mut replies = Vec::new();
        while let Some(output) = self.engine.poll_output() {
            let delivery = match output {
                Output::Reply(id, reply) => {
                    replies.push((id, reply));
                    continue;
                }
                Output::Signal(connection, frame) => Delivery::Frame(connection, frame),
                Output::Close(connection) => Delivery::Close(connection),
            };
            self.next += 1;
            self.queue
                .push(Reverse((now + SIGNAL_DELAY, self.next, delivery)));
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
