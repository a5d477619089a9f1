//! Two media planes that share keys, joined by nothing but their datagrams.
#![allow(missing_docs, clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, Instant};

use proto::codec::Codec;
use proto::media::egress::SendingSection;
use proto::media::extension::{ExtensionIds, HeaderExtension};
use proto::media::ingress::{PayloadKind, ReceivingSection};
use proto::media::ring::NewPacket;
use proto::media::srtp::{SrtpProfile, contexts};
use proto::media::{
    Dropped, EgressParameters, IngressParameters, MediaEvent, MediaPlane, OutgoingPacket,
    PacketRing, Path, SendBatch, Sent, StreamClock, WallClock,
};

const OPUS: usize = 0;
const VP8: usize = 1;
const TICK: Duration = Duration::from_millis(20);

#[test]
fn a_packet_arrives_as_it_was_sent() {
    let mut pair = Pair::new();
    let descriptor = [9; 20];
    let sent = OutgoingPacket {
        audio_level: Some(0x85),
        orientation: Some(1),
        dependency_descriptor: Some(&descriptor),
        ..packet(pair.now, VP8, 70, &[1, 2, 3])
    };

    assert_eq!(pair.send(&sent), Sent::Yes);

    let got = pair.deliver();
    assert_eq!(got.len(), 1);
    let got = &got[0];
    assert_eq!(
        (got.section, got.sequence, got.codec),
        (VP8, 70, Codec::Vp8)
    );
    assert_eq!(
        (got.timestamp, &got.payload[..]),
        (sent.timestamp, &[1, 2, 3][..])
    );
    assert_eq!(got.audio_level, Some(0x85));
    assert_eq!(got.orientation, Some(1));
    assert_eq!(got.descriptor.as_deref(), Some(&descriptor[..]));
}

#[test]
fn what_is_lost_is_asked_for_and_sent_again() {
    let mut pair = Pair::new();
    let mut got = Vec::new();
    for sequence in 1..=200_u64 {
        let payload = sequence.to_be_bytes();
        pair.send(&packet(pair.now, VP8, sequence, &payload));
        // Every tenth datagram is lost, in whichever direction it goes.
        pair.lose = sequence % 10 == 0;
        got.extend(pair.tick());
    }
    for _ in 0..20 {
        pair.lose = false;
        got.extend(pair.tick());
    }

    let mut sequences: Vec<u64> = got.iter().map(|packet| packet.sequence).collect();
    sequences.sort_unstable();
    // The last one may be lost without another that would tell.
    assert!(
        sequences.starts_with(&(1..200).collect::<Vec<_>>()),
        "{sequences:?}"
    );
    let is_intact = |packet: &Got| packet.payload == packet.sequence.to_be_bytes();
    assert!(got.iter().all(is_intact));
}

#[test]
fn padding_leaves_no_gap() {
    let mut pair = Pair::new();
    let mut got = Vec::new();
    for sequence in 1..=12_u64 {
        let payload: &[u8] = match sequence {
            3 | 4 | 7 | 10 => &[],
            _ => &[7; 50],
        };
        pair.send(&packet(pair.now, VP8, sequence, payload));
        // A packet before padding, and one after: they come late, by repair.
        pair.lose = sequence == 6 || sequence == 11;
        got.extend(pair.tick());
    }
    pair.lose = false;
    for _ in 0..10 {
        got.extend(pair.tick());
    }

    let mut numbers: Vec<_> = got.iter().map(|got| got.sequence).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
}

#[test]
fn a_replayed_or_altered_datagram_is_dropped() {
    let mut pair = Pair::new();
    pair.send(&packet(pair.now, OPUS, 5, &[7; 50]));
    let datagram = pair.to_client.datagrams().next().unwrap().1.to_vec();
    pair.deliver();

    let mut again = datagram.clone();
    let again = pair.client.handle_datagram(pair.now, &mut again);
    assert_eq!(again.unwrap_err(), Dropped::Replayed);

    for index in 2..datagram.len() {
        let mut altered = datagram.clone();
        altered[index] ^= 1;
        assert!(pair.client.handle_datagram(pair.now, &mut altered).is_err());
    }
}

#[test]
fn reports_tell_loss_and_round_trip() {
    let mut pair = Pair::new();
    for sequence in 1..=150 {
        pair.send(&packet(pair.now, OPUS, sequence, &[7; 50]));
        pair.lose_down = sequence % 4 == 0;
        pair.tick();
    }

    assert!(
        (0.2..0.3).contains(&pair.server.egress_loss()),
        "{}",
        pair.server.egress_loss()
    );
    assert!((0.2..0.3).contains(&pair.client.ingress_loss()));
    // Each way takes a tick at most in this world, and reports wait for one.
    assert!(pair.server.round_trip() <= 2 * TICK);
}

#[test]
fn sender_reports_carry_the_publishers_clock_through() {
    let mut pair = Pair::new();
    // Not the line on which the packets' own times lie.
    let clock = StreamClock {
        ntp: pair.wall.ntp(pair.now),
        timestamp: 123_456_789,
    };
    let mut last = None;
    for sequence in 1..=100 {
        let sent = OutgoingPacket {
            clock: Some(clock),
            ..packet(pair.now, OPUS, sequence, &[7; 50])
        };
        pair.send(&sent);
        last = pair.tick().pop().or(last);
    }

    let told = last.and_then(|got| got.clock).unwrap();
    assert!(told.ntp > clock.ntp);
    assert_eq!(clock.at(told.ntp, 48_000), told);
}

#[test]
fn a_keyframe_request_names_the_section() {
    let mut pair = Pair::new();
    pair.send(&packet(pair.now, VP8, 1, &[0x10, 0]));
    pair.tick();

    pair.client.request_keyframe(VP8, None);
    pair.tick();

    assert_eq!(
        pair.server.poll_event(),
        Some(MediaEvent::KeyframeRequest { section: VP8 })
    );
}

#[test]
fn a_packet_names_its_section_until_the_peer_has_reported_on_it() {
    let mut pair = Pair::new();
    // The description that names the streams is still on its way.
    pair.client
        .set_parameters(receiving([vec![], vec![]]), EgressParameters::default());
    let mut named = Vec::new();
    for sequence in 1..=150 {
        pair.send(&packet(pair.now, VP8, sequence, &[7; 50]));
        named.extend(pair.tick().iter().map(|got| (got.section, got.is_named)));
    }

    assert_eq!(named.len(), 150);
    assert!(named.iter().all(|(section, _)| *section == VP8));
    assert!(named[0].1 && !named[149].1);
}

#[test]
fn a_stream_is_renewed_with_another_ssrc() {
    let mut pair = Pair::new();
    let before: Vec<_> = pair.server.ssrcs(VP8).collect();

    pair.server.renew_stream(VP8);

    let after: Vec<_> = pair.server.ssrcs(VP8).collect();
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before, after);
}

#[test]
fn what_is_left_of_a_stream_that_a_section_no_longer_names_is_dropped() {
    let mut pair = Pair::new();
    // Until the client has reported on it, and packets do not name their section any more.
    for sequence in 1..=100 {
        pair.send(&packet(pair.now, VP8, sequence, &[1]));
        assert_eq!(pair.tick().len(), 1);
    }
    pair.send(&packet(pair.now, VP8, 101, &[2]));

    pair.server.renew_stream(VP8);
    pair.client_learns_streams();

    assert_eq!(pair.deliver().len(), 0);
    pair.send(&packet(pair.now, VP8, 102, &[3]));
    assert_eq!(pair.deliver().len(), 1);
}

#[test]
fn a_call_of_a_day_keeps_its_numbers_and_its_memory() {
    let mut pair = Pair::new();
    let payload = [7; 40];
    let mut expected = 60_000;
    for _ in 0..24 * 3_600 * 50 {
        expected += 1;
        pair.send(&packet(pair.now, OPUS, expected, &payload));
        for got in pair.tick() {
            assert_eq!(got.sequence, expected);
        }
    }

    assert_eq!(pair.server.egress_loss(), 0.0);
    assert_eq!(pair.received, 24 * 3_600 * 50);
    assert!(pair.rings[OPUS].memory_bytes() < 32 * 1_024);
}

/// A packet that came, with all that borrows copied.
#[derive(Debug, Clone)]
struct Got {
    section: usize,
    sequence: u64,
    codec: Codec,
    timestamp: u32,
    payload: Vec<u8>,
    audio_level: Option<u8>,
    orientation: Option<u8>,
    descriptor: Option<Vec<u8>>,
    clock: Option<StreamClock>,
    is_named: bool,
}

struct Pair {
    now: Instant,
    wall: WallClock,
    server: MediaPlane,
    client: MediaPlane,
    to_client: SendBatch,
    to_server: SendBatch,
    rings: [PacketRing; 2],
    lose: bool,
    lose_down: bool,
    received: u64,
}

impl Pair {
    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn new() -> Self {
        let now = Instant::now();
        let wall = WallClock::new(now, Duration::from_secs(1_800_000_000));
        let mut server = MediaPlane::new(now, wall, 1, None);
        let mut client = MediaPlane::new(now, wall, 2, None);
        let profile = SrtpProfile::AeadAes128Gcm;
        let material: Vec<u8> = (0..profile.keying_material_bytes() as u8).collect();
        let (sender, receiver) = contexts(profile, &material, false).unwrap();
        server.set_keys(now, sender, receiver);
        let (sender, receiver) = contexts(profile, &material, true).unwrap();
        client.set_keys(now, sender, receiver);
        server.set_parameters(IngressParameters::default(), sending());
        let mut pair = Self {
            now,
            wall,
            server,
            client,
            to_client: SendBatch::default(),
            to_server: SendBatch::default(),
            rings: [PacketRing::default(), PacketRing::default()],
            lose: false,
            lose_down: false,
            received: 0,
        };
        pair.client_learns_streams();
        pair
    }

    /// As from a description.
    fn client_learns_streams(&mut self) {
        let ssrcs = [OPUS, VP8].map(|section| self.server.ssrcs(section).collect());
        self.client
            .set_parameters(receiving(ssrcs), EgressParameters::default());
    }

    fn send(&mut self, packet: &OutgoingPacket<'_>) -> Sent {
        self.rings[packet.section].insert(self.now, &NewPacket::from(packet));
        self.server
            .send(self.now, path(), packet, &mut self.to_client)
    }

    /// Lets everything through that was sent, and a moment pass.
    fn tick(&mut self) -> Vec<Got> {
        let now = self.now;
        self.server.handle_timeout(now, path(), &mut self.to_client);
        let mut got = self.deliver();
        self.client.handle_timeout(now, path(), &mut self.to_server);
        for (_, datagram) in self.to_server.datagrams() {
            if !self.lose {
                let _ = self.server.handle_datagram(now, &mut datagram.to_vec());
            }
        }
        self.to_server.clear();
        while let Some(resend) = self.server.poll_resend() {
            let ring = &mut self.rings[resend.section];
            let stored = ring.get_mut(resend.sequence).unwrap();
            let (sequence, timestamp) = (stored.sequence, stored.timestamp);
            let packet = OutgoingPacket::of(stored, resend.section, sequence, timestamp, None);
            self.server
                .resend(now, path(), &packet, &mut self.to_client);
        }
        got.extend(self.deliver());
        self.now += TICK;
        got
    }

    fn deliver(&mut self) -> Vec<Got> {
        let mut got = Vec::new();
        for (_, datagram) in self.to_client.datagrams() {
            if self.lose || self.lose_down {
                continue;
            }
            let mut datagram = datagram.to_vec();
            if let Ok(Some(packet)) = self.client.handle_datagram(self.now, &mut datagram) {
                self.received += 1;
                got.push(Got {
                    section: packet.section,
                    sequence: packet.sequence,
                    codec: packet.codec,
                    timestamp: packet.timestamp,
                    payload: packet.payload.to_vec(),
                    audio_level: packet.values.audio_level,
                    orientation: packet.values.orientation,
                    descriptor: packet.values.dependency_descriptor.map(<[u8]>::to_vec),
                    clock: packet.clock,
                    is_named: packet.values.mid.is_some(),
                });
            }
        }
        self.to_client.clear();
        got
    }
}

fn path() -> Path {
    Path {
        source: ([10, 0, 0, 1], 7_882).into(),
        destination: ([10, 0, 0, 2], 40_000).into(),
    }
}

fn packet(now: Instant, section: usize, sequence: u64, payload: &[u8]) -> OutgoingPacket<'_> {
    OutgoingPacket {
        section,
        rid: None,
        codec: [Codec::Opus, Codec::Vp8][section],
        sequence,
        timestamp: sequence as u32 * 960,
        marker: false,
        payload,
        audio_level: None,
        orientation: None,
        dependency_descriptor: None,
        padding_bytes: 0,
        captured: now,
        clock: None,
    }
}

fn extensions() -> ExtensionIds {
    let mut ids = ExtensionIds::default();
    for (id, extension) in (1..).zip(HeaderExtension::ALL) {
        ids.insert(id, extension);
    }
    ids
}

fn sending() -> EgressParameters {
    let section = |mid: &str, codec, payload_type, repair: Option<u8>| {
        Some(SendingSection {
            mid: mid.into(),
            rids: Vec::new(),
            payload_types: vec![(codec, payload_type)],
            repair_types: repair.map(|repair| (codec, repair)).into_iter().collect(),
        })
    };
    EgressParameters {
        sections: vec![
            section("0", Codec::Opus, 111, None),
            section("1", Codec::Vp8, 96, Some(97)),
        ],
        extensions: extensions(),
    }
}

fn receiving(ssrcs: [Vec<(u32, Option<u32>)>; 2]) -> IngressParameters {
    let mut payload_kinds = [None; 128];
    payload_kinds[111] = Some(PayloadKind::Media(Codec::Opus));
    payload_kinds[96] = Some(PayloadKind::Media(Codec::Vp8));
    payload_kinds[97] = Some(PayloadKind::Repair(96));
    let sections = ssrcs.into_iter().zip(["0", "1"]).map(|(ssrcs, mid)| {
        Some(ReceivingSection {
            mid: mid.into(),
            nack: true,
            ssrcs,
        })
    });
    IngressParameters {
        sections: sections.collect(),
        payload_kinds,
        extensions: extensions(),
    }
}
