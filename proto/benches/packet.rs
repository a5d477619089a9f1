//! What a packet of 1,200 bytes costs the protocol, in instructions. `deploy/bench` compares.
#![allow(missing_docs, unused_qualifications, reason = "made by the macros")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use proto::codec::Codec;
use proto::media::egress::SendingSection;
use proto::media::extension::{ExtensionIds, HeaderExtension};
use proto::media::ingress::{PayloadKind, ReceivingSection};
use proto::media::rtp::{FixedHeader, Header, HeaderWriter};
use proto::media::srtp::{SrtpProfile, SrtpReceiver, SrtpSender, contexts};
use proto::media::{
    EgressParameters, IngressParameters, MediaPlane, OutgoingPacket, Path, SendBatch, Sent,
    WallClock,
};

/// Packets of a run. The first one costs more than those that follow.
const PACKETS: usize = 100;
/// With header and tag, as encoders cut video.
const DATAGRAM_BYTES: usize = 1_200;
const TAG_BYTES: usize = 16;
const SSRC: u32 = 0x0A0B_0C0D;
const VP8: u8 = 96;
const PATH: Path = Path {
    source: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 7_882),
    destination: SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 40_000),
};

library_benchmark_group!(
    name = packet,
    benchmarks = [parse, seal, open, send, receive]
);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = packet
);

#[library_benchmark]
#[bench::header_and_extensions(setup = plain_packets, teardown = tell)]
fn parse(packets: Packets) -> Packets {
    let ids = extensions();
    for datagram in &packets.datagrams {
        let header = Header::parse(black_box(datagram)).expect("a packet");
        black_box(ids.read(header.elements(datagram)));
    }
    packets
}

#[library_benchmark]
#[bench::aes_128_gcm(setup = plain_packets, teardown = tell)]
fn seal(mut packets: Packets) -> Packets {
    for (datagram, index) in packets.datagrams.iter().zip(1..) {
        let (header, payload) = black_box(datagram).split_at(packets.header_bytes);
        packets.out.clear();
        let sealed = packets
            .sender
            .seal_rtp(header, payload, SSRC, index, &mut packets.out);
        sealed.expect("an index of 48 bits");
    }
    packets
}

#[library_benchmark]
#[bench::aes_128_gcm(setup = sealed_packets, teardown = tell)]
fn open(mut packets: Packets) -> Packets {
    for (datagram, index) in packets.datagrams.iter_mut().zip(1..) {
        let opened =
            packets
                .receiver
                .open_rtp(black_box(datagram), packets.header_bytes, SSRC, index);
        opened.expect("an authentic packet");
    }
    packets
}

// All that a session does with what it sends.
#[library_benchmark]
#[bench::through_the_media_plane(setup = pair, teardown = tell)]
fn send(mut pair: Pair) -> Pair {
    for sequence in 1..=PACKETS as u64 {
        pair.send(sequence);
    }
    pair
}

// All that a session does with what it receives.
#[library_benchmark]
#[bench::through_the_media_plane(setup = pair_with_packets, teardown = tell)]
fn receive(mut pair: Pair) -> Pair {
    for datagram in &mut pair.datagrams {
        let received = pair.client.handle_datagram(pair.now, black_box(datagram));
        black_box(received.expect("an authentic packet"));
    }
    pair
}

/// Says how many packets the run was about.
fn tell<T>(_: T) {
    println!("packets: {PACKETS}");
}

/// Packets as browsers send them, and keys.
struct Packets {
    datagrams: Vec<Vec<u8>>,
    header_bytes: usize,
    sender: SrtpSender,
    receiver: SrtpReceiver,
    out: Vec<u8>,
}

fn plain_packets() -> Packets {
    let datagram = plain_packet();
    Packets {
        header_bytes: Header::parse(&datagram).expect("a packet").bytes,
        datagrams: vec![datagram; PACKETS],
        sender: keys(false).0,
        receiver: keys(true).1,
        out: Vec::with_capacity(DATAGRAM_BYTES),
    }
}

fn sealed_packets() -> Packets {
    let mut packets = plain_packets();
    for (datagram, index) in packets.datagrams.iter_mut().zip(1..) {
        let sealed =
            packets
                .sender
                .seal_rtp_in_place(datagram, 0, packets.header_bytes, SSRC, index);
        sealed.expect("an index of 48 bits");
        assert_eq!(datagram.len(), DATAGRAM_BYTES);
    }
    packets
}

fn plain_packet() -> Vec<u8> {
    let fixed = FixedHeader {
        marker: true,
        payload_type: VP8,
        sequence: 1,
        timestamp: 1_234_567,
        ssrc: SSRC,
    };
    let values: [(HeaderExtension, &[u8]); 4] = [
        (HeaderExtension::TransportSequence, &[1, 2]),
        (HeaderExtension::AbsoluteSendTime, &[1, 2, 3]),
        (HeaderExtension::Mid, b"1"),
        (HeaderExtension::Rid, b"f"),
    ];
    let mut header = HeaderWriter::new(fixed, false);
    for (extension, value) in values {
        header.element(extensions().id(extension).expect("an id"), value);
    }
    let mut datagram = header.finish().to_vec();
    datagram.resize(DATAGRAM_BYTES - TAG_BYTES, 7);
    datagram
}

fn keys(is_dtls_client: bool) -> (SrtpSender, SrtpReceiver) {
    let profile = SrtpProfile::AeadAes128Gcm;
    let material: Vec<u8> = (0..profile.keying_material_bytes() as u8).collect();
    contexts(profile, &material, is_dtls_client).expect("as many bytes as the profile asks for")
}

/// A server that sends and a client that receives.
struct Pair {
    now: Instant,
    server: MediaPlane,
    client: MediaPlane,
    payload: Vec<u8>,
    batch: SendBatch,
    datagrams: Vec<Vec<u8>>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock; its value does not matter"
)]
fn pair() -> Pair {
    let now = Instant::now();
    let wall = WallClock::new(now, Duration::from_secs(1_800_000_000));
    let planes = [(1, false), (2, true)].map(|(seed, is_dtls_client)| {
        let mut plane = MediaPlane::new(now, wall, seed, None);
        let (sender, receiver) = keys(is_dtls_client);
        plane.set_keys(now, sender, receiver);
        plane
    });
    let [mut server, mut client] = planes;
    server.set_parameters(IngressParameters::default(), sending());
    client.set_parameters(
        receiving(server.ssrcs(0).collect()),
        EgressParameters::default(),
    );
    let mut pair = Pair {
        now,
        server,
        client,
        payload: vec![7; DATAGRAM_BYTES - TAG_BYTES - 20],
        batch: SendBatch::default(),
        datagrams: Vec::new(),
    };
    // Until the client has told the server that it knows the stream, packets name it.
    pair.send(0);
    let (_, datagram) = pair.batch.datagrams().next().expect("a datagram");
    let mut datagram = datagram.to_vec();
    let received = pair.client.handle_datagram(now, &mut datagram);
    assert!(matches!(received, Ok(Some(_))));
    pair.now += Duration::from_secs(2);
    let mut reports = SendBatch::default();
    pair.client.handle_timeout(pair.now, PATH, &mut reports);
    for (_, report) in reports.datagrams() {
        let mut report = report.to_vec();
        let received = pair.server.handle_datagram(pair.now, &mut report);
        assert!(matches!(received, Ok(None)));
    }
    pair
}

fn pair_with_packets() -> Pair {
    let mut pair = pair();
    for sequence in 1..=PACKETS as u64 {
        pair.send(sequence);
        let (_, datagram) = pair.batch.datagrams().next().expect("a datagram");
        assert_eq!(datagram.len(), DATAGRAM_BYTES);
        pair.datagrams.push(datagram.to_vec());
    }
    pair
}

impl Pair {
    fn send(&mut self, sequence: u64) {
        let packet = OutgoingPacket {
            section: 0,
            rid: None,
            codec: Codec::Vp8,
            sequence,
            timestamp: 1_234_567,
            marker: false,
            payload: black_box(&self.payload),
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            padding_bytes: 0,
            captured: self.now,
            clock: None,
        };
        self.batch.clear();
        let sent = self.server.send(self.now, PATH, &packet, &mut self.batch);
        assert_eq!(sent, Sent::Yes);
    }
}

fn sending() -> EgressParameters {
    let section = SendingSection {
        mid: "1".into(),
        rids: Vec::new(),
        payload_types: vec![(Codec::Vp8, VP8)],
        repair_types: Vec::new(),
    };
    EgressParameters {
        sections: vec![Some(section)],
        extensions: extensions(),
    }
}

fn receiving(ssrcs: Vec<(u32, Option<u32>)>) -> IngressParameters {
    let mut payload_kinds = [None; 128];
    payload_kinds[usize::from(VP8)] = Some(PayloadKind::Media(Codec::Vp8));
    let section = ReceivingSection {
        mid: "1".into(),
        nack: true,
        ssrcs,
    };
    IngressParameters {
        sections: vec![Some(section)],
        payload_kinds,
        extensions: extensions(),
    }
}

fn extensions() -> ExtensionIds {
    let mut ids = ExtensionIds::default();
    for (id, extension) in (1..).zip(HeaderExtension::ALL) {
        ids.insert(id, extension);
    }
    ids
}
