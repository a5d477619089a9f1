//! Two sessions in one process, joined by nothing but their datagrams.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::codec::{Codec, MediaKind};
use proto::ids::{ParticipantSid, TrackSid};
use proto::jsep::{Offer, SectionAnswer};
use proto::session::{
    DataChannel, DtlsIdentity, Event, IceCredentials, MediaExtensions, OfferChanges,
    OutgoingPacket, Output, Session, SessionConfig, TrackOffer, Transmit,
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
    assert!(pair.client.send(packet(camera, 10)));
    let video = pair.server_sends_video_in();
    assert!(pair.server.send(packet(video, 20)));
    assert!(pair.client.write_channel(DataChannel::Reliable, b"hello"));
    assert!(pair.server.write_channel(DataChannel::Lossy, b"welcome"));
    pair.run(Duration::from_secs(1));

    let at_server = pair.server_events.iter().find_map(media).unwrap();
    assert_eq!(
        (at_server.sequence, at_server.codec, &*at_server.payload),
        (10, Codec::Vp8, &[0x10, 1, 2][..])
    );
    let at_client = pair.client_events.iter().find_map(media).unwrap();
    assert_eq!((at_client.sequence, at_client.section), (20, video));
    assert!(
        pair.server_events
            .iter()
            .any(|event| is_data(event, DataChannel::Reliable, b"hello"))
    );
    assert!(
        pair.client_events
            .iter()
            .any(|event| is_data(event, DataChannel::Lossy, b"welcome"))
    );
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
    assert!(pair.server_events.iter().any(|event| is_data(
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
    let stranger = Session::new(pair.now, &pair.config, credentials(99));

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

struct Pair {
    now: Instant,
    config: SessionConfig,
    client: Session,
    server: Session,
    client_events: Vec<Event>,
    server_events: Vec<Event>,
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
        };
        Self {
            now,
            client: Session::new(now, &config(CLIENT), credentials(1)),
            server: Session::new(now, &config(SERVER), credentials(2)),
            config: config(SERVER),
            client_events: Vec::new(),
            server_events: Vec::new(),
            seed: 3,
            video_sections: Vec::new(),
        }
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
        self.client.handle_timeout(self.now).unwrap();
        loop {
            match self.client.poll().unwrap() {
                Output::Transmit(transmit) => return transmit.contents,
                Output::Event(_) => {}
                Output::Timeout(at) => {
                    self.now = at;
                    self.client.handle_timeout(at).unwrap();
                }
            }
        }
    }

    fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while self.now < end {
            self.client.handle_timeout(self.now).unwrap();
            for transmit in drain(&mut self.client, &mut self.client_events) {
                self.server
                    .handle_datagram(
                        self.now,
                        transmit.source,
                        transmit.destination,
                        &transmit.contents,
                    )
                    .unwrap();
                for back in drain(&mut self.server, &mut self.server_events) {
                    self.client
                        .handle_datagram(self.now, back.source, back.destination, &back.contents)
                        .unwrap();
                    let later = drain(&mut self.client, &mut self.client_events);
                    assert!(later.is_empty() || self.deliver_to_server(later));
                }
            }
            self.server.handle_timeout(self.now).unwrap();
            for transmit in drain(&mut self.server, &mut self.server_events) {
                self.client
                    .handle_datagram(
                        self.now,
                        transmit.source,
                        transmit.destination,
                        &transmit.contents,
                    )
                    .unwrap();
                let later = drain(&mut self.client, &mut self.client_events);
                assert!(later.is_empty() || self.deliver_to_server(later));
            }
            self.now += Duration::from_millis(5);
        }
    }

    fn deliver_to_server(&mut self, transmits: Vec<Transmit>) -> bool {
        for transmit in transmits {
            self.server
                .handle_datagram(
                    self.now,
                    transmit.source,
                    transmit.destination,
                    &transmit.contents,
                )
                .unwrap();
            for back in drain(&mut self.server, &mut self.server_events) {
                self.client
                    .handle_datagram(self.now, back.source, back.destination, &back.contents)
                    .unwrap();
                let later = drain(&mut self.client, &mut self.client_events);
                self.deliver_to_server(later);
            }
        }
        true
    }
}

fn drain(session: &mut Session, events: &mut Vec<Event>) -> Vec<Transmit> {
    let mut transmits = Vec::new();
    loop {
        match session.poll().unwrap() {
            Output::Transmit(transmit) => transmits.push(transmit),
            Output::Event(event) => events.push(event),
            Output::Timeout(_) => return transmits,
        }
    }
}

fn credentials(seed: u64) -> IceCredentials {
    IceCredentials::random(&mut ChaCha20Rng::seed_from_u64(seed))
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock"
)]
fn packet(section: usize, sequence: u64) -> OutgoingPacket {
    OutgoingPacket {
        section,
        rid: None,
        codec: Codec::Vp8,
        sequence,
        timestamp: 90_000,
        marker: true,
        payload: Arc::from(&[0x10, 1, 2][..]),
        wallclock: Instant::now(),
        extensions: MediaExtensions::default(),
        vp8: None,
    }
}

fn media(event: &Event) -> Option<&proto::session::MediaPacket> {
    if let Event::Media(packet) = event {
        Some(packet)
    } else {
        None
    }
}

fn is_data(event: &Event, channel: DataChannel, expected: &[u8]) -> bool {
    matches!(event, Event::Data(on, data) if *on == channel && data == expected)
}
