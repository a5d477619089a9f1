//! Two sessions in one process, joined by nothing but their datagrams.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use proto::codec::{Codec, MediaKind};
use proto::ids::{ParticipantSid, TrackSid};
use proto::jsep::{Offer, SectionAnswer};
use proto::media::{OutgoingPacket, Path, SendBatch, Sent, WallClock};
use proto::session::{
    DataChannel, DtlsIdentity, Event, IceCredentials, OfferChanges, Output, Received, Session,
    SessionConfig, TrackOffer,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

#[test]
fn connects_and_carries_media_and_messages_both_ways() {
    let mut pair = Pair::new();
    let camera = TrackOffer {
        kind: MediaKind::Video,
        track_id: "camera".into(),
        rids: vec![],
    };
    let wanted = OfferChanges {
        channels: true,
        receive: [1, 1],
        publish: &[camera],
        ..OfferChanges::default()
    };
    let mids = pair.negotiate(&wanted);

    pair.run(Duration::from_secs(2));

    assert!(pair.client.is_connected() && pair.server.is_connected());
    let camera = pair.client.section_of(&mids[0]).unwrap();
    assert_eq!(pair.client_sends(camera, 10), Sent::Yes);
    let video = pair.server_sends_video_in();
    assert_eq!(pair.server_sends(video, 20), Sent::Yes);
    assert!(pair.client.write_channel(DataChannel::Reliable, b"hello"));
    assert!(pair.server.write_channel(DataChannel::Lossy, b"welcome"));
    pair.run(Duration::from_secs(1));

    assert_eq!(pair.at_server.media, [(camera, 10, vec![0x10, 1, 2])]);
    assert_eq!(pair.at_client.media, [(video, 20, vec![0x10, 1, 2])]);
    assert!(pair.at_server.events.iter().any(|event| is_data(
        event,
        DataChannel::Reliable,
        b"hello"
    )));
    assert!(pair.at_client.events.iter().any(|event| is_data(
        event,
        DataChannel::Lossy,
        b"welcome"
    )));
}

#[test]
fn restarts_ice_with_credentials_of_its_own() {
    let mut pair = Pair::new();
    pair.negotiate(&OfferChanges {
        channels: true,
        ..OfferChanges::default()
    });
    pair.run(Duration::from_secs(1));
    let before = pair.server.ufrag().to_owned();

    pair.negotiate(&OfferChanges {
        ice_restart: true,
        ..OfferChanges::default()
    });
    pair.run(Duration::from_secs(2));

    assert_ne!(pair.server.ufrag(), before);
    assert!(
        pair.client
            .write_channel(DataChannel::Reliable, b"still here")
    );
    pair.run(Duration::from_secs(1));
    assert!(pair.at_server.events.iter().any(|event| is_data(
        event,
        DataChannel::Reliable,
        b"still here"
    )));
}

#[test]
fn refuses_stun_with_another_password() {
    let mut pair = Pair::new();
    pair.negotiate(&OfferChanges {
        channels: true,
        ..OfferChanges::default()
    });
    let request = pair.first_client_datagram();
    let stranger = Session::new(pair.now, &pair.config, credentials(99), 99);

    assert!(pair.server.accepts(
        pair.now,
        CLIENT.parse().unwrap(),
        SERVER.parse().unwrap(),
        &request
    ));
    assert!(!stranger.accepts(
        pair.now,
        CLIENT.parse().unwrap(),
        SERVER.parse().unwrap(),
        &request
    ));
}

const CLIENT: &str = "127.0.0.1:40000";
const SERVER: &str = "127.0.0.1:7882";

/// What one side has got.
#[derive(Default)]
struct Got {
    events: Vec<Event>,
    /// Section, sequence number and payload.
    media: Vec<(usize, u64, Vec<u8>)>,
}

struct Pair {
    now: Instant,
    config: SessionConfig,
    client: Session,
    server: Session,
    from_client: SendBatch,
    from_server: SendBatch,
    at_client: Got,
    at_server: Got,
    seed: u64,
    video_sections: Vec<usize>,
}

impl Pair {
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn new() -> Self {
        let now = Instant::now();
        let identity = DtlsIdentity::generate().unwrap();
        let config = |address: &str| SessionConfig {
            identity: identity.clone(),
            addresses: vec![address.parse().unwrap()],
            estimates: true,
            wall: WallClock::new(now, Duration::from_secs(1_800_000_000)),
        };
        Self {
            now,
            client: Session::new(now, &config(CLIENT), credentials(1), 1),
            server: Session::new(now, &config(SERVER), credentials(2), 2),
            config: config(SERVER),
            from_client: SendBatch::default(),
            from_server: SendBatch::default(),
            at_client: Got::default(),
            at_server: Got::default(),
            seed: 3,
            video_sections: Vec::new(),
        }
    }

    fn client_sends(&mut self, section: usize, sequence: u64) -> Sent {
        let packet = packet(self.now, section, sequence);
        self.client
            .publish(self.now, &packet, &mut self.from_client)
    }

    fn server_sends(&mut self, section: usize, sequence: u64) -> Sent {
        let packet = packet(self.now, section, sequence);
        self.server.send(self.now, &packet, &mut self.from_server)
    }

    fn negotiate(&mut self, wanted: &OfferChanges<'_>) -> Vec<String> {
        let (text, mids) = self.client.offer(wanted).unwrap();
        let offer = Offer::parse(&text).unwrap();
        self.seed += 1;
        let accepted = self
            .server
            .accept_offer(&offer, credentials(self.seed))
            .unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let sections: Vec<_> = offer
            .sections
            .iter()
            .map(
                |section| match section.direction.receives() && !section.direction.sends() {
                    true => SectionAnswer::Sends {
                        publisher: ParticipantSid::random(&mut rng),
                        track: TrackSid::random(&mut rng),
                    },
                    false => SectionAnswer::Keep,
                },
            )
            .collect();
        self.video_sections = (0..sections.len())
            .filter(|&index| matches!(sections[index], SectionAnswer::Sends { .. }))
            .filter(|&index| self.server.takes(index, Codec::Vp8))
            .collect();
        let answer = self.server.answer(&accepted, &sections);
        self.client.accept_answer(&answer).unwrap();
        mids
    }

    fn server_sends_video_in(&self) -> usize {
        self.video_sections[0]
    }

    fn first_client_datagram(&mut self) -> Vec<u8> {
        loop {
            self.client
                .handle_timeout(self.now, &mut self.from_client)
                .unwrap();
            let due = drain(
                self.now,
                &mut self.client,
                &mut self.from_client,
                &mut self.at_client,
            );
            if let Some((_, first)) = self.from_client.datagrams().next() {
                return first.to_vec();
            }
            self.now = due;
        }
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            let now = self.now;
            let (client, server) = (&mut self.client, &mut self.server);
            client.handle_timeout(now, &mut self.from_client).unwrap();
            server.handle_timeout(now, &mut self.from_server).unwrap();
            drain(now, client, &mut self.from_client, &mut self.at_client);
            drain(now, server, &mut self.from_server, &mut self.at_server);
            let (up, down) = (take(&mut self.from_client), take(&mut self.from_server));
            deliver(now, up, server, &mut self.from_server, &mut self.at_server);
            deliver(
                now,
                down,
                client,
                &mut self.from_client,
                &mut self.at_client,
            );
            self.now += Duration::from_millis(5);
        }
    }
}

/// Takes all that a session has to give. Returns when it wants to be driven.
fn drain(now: Instant, session: &mut Session, batch: &mut SendBatch, got: &mut Got) -> Instant {
    loop {
        match session.poll(now, batch).unwrap() {
            Output::Event(event) => got.events.push(event),
            Output::Timeout(at) => return at,
        }
    }
}

fn take(batch: &mut SendBatch) -> Vec<(Path, Vec<u8>)> {
    let datagrams = batch.datagrams();
    let taken = datagrams
        .map(|(path, bytes)| (path, bytes.to_vec()))
        .collect();
    batch.clear();
    taken
}

fn deliver(
    now: Instant,
    datagrams: Vec<(Path, Vec<u8>)>,
    session: &mut Session,
    batch: &mut SendBatch,
    got: &mut Got,
) {
    for (path, mut bytes) in datagrams {
        let received = session.handle_datagram(now, path.source, path.destination, &mut bytes);
        if let Received::Media(packet) = received.unwrap() {
            let media = (packet.section, packet.sequence, packet.payload.to_vec());
            got.media.push(media);
        }
        drain(now, session, batch, got);
    }
}

fn credentials(seed: u64) -> IceCredentials {
    IceCredentials::random(&mut ChaCha20Rng::seed_from_u64(seed))
}

fn packet(now: Instant, section: usize, sequence: u64) -> OutgoingPacket<'static> {
    OutgoingPacket {
        section,
        rid: None,
        codec: Codec::Vp8,
        sequence,
        timestamp: 90_000,
        marker: true,
        payload: &[0x10, 1, 2],
        audio_level: None,
        orientation: None,
        dependency_descriptor: None,
        padding_bytes: 0,
        captured: now,
        clock: None,
    }
}

fn is_data(event: &Event, channel: DataChannel, expected: &[u8]) -> bool {
    matches!(event, Event::Data(on, data) if *on == channel && data == expected)
}
