//! A dump agrees with what was on the wire, and with what clients sent and received.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plenary::dump::line;
use plenary::engine::{Engine, Taps};
use proto::codec::MediaKind::Video;
use proto::ids::{Identity, ParticipantSid, RoomName};
use proto::media::tap::{ClearPacket, Protocol, Tap, Way};

use crate::link::Link;
use crate::media::{camera, microphone};
use crate::world::World;

/// What sealing adds to a packet: GCM's tag, and for RTCP its index (RFC 7714 §8, §9).
const fn seal_bytes(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Rtp => 16,
        Protocol::Rtcp => 16 + 4,
    }
}

#[test]
fn a_dump_agrees_with_the_wire_and_with_the_clients() {
    let dumps = Arc::<Dumps>::default();
    let name = "a_dump_agrees_with_the_wire_and_with_the_clients";
    let mut world = World::with_taps(name, dumps.clone());
    let people = ["ann", "ben", "eve"];
    let mut own = BTreeMap::new();
    for name in people {
        world.join(name);
        let dump = Arc::<Dump>::default();
        world.person(name).session.set_tap(dump.clone());
        own.insert(name, dump);
        if name != "eve" {
            world.publish(name, camera());
            world.publish(name, microphone());
        }
    }
    world.expect_media("eve", "ann", Video);
    world.expect_media("ann", "ben", Video);
    for name in people {
        let lossy = Link {
            loss: 0.05,
            delay: Duration::from_millis(20),
            ..Link::default()
        };
        (world.person(name).up.link, world.person(name).down.link) = (lossy, lossy);
    }

    world.run_for(Duration::from_secs(10));

    for name in people {
        let dump = dumps.of(name);
        for way in [Way::Received, Way::Sent] {
            let lines = dump.packets(way);
            let wire = world.captured(name, way);
            assert!(lines.len() > 20, "{name} {way:?}: {}", lines.len());
            assert_eq!(lines.len(), wire.len(), "{name} {way:?}");
            for (line, datagram) in lines.iter().zip(wire) {
                assert!(line.is_sealed_as(datagram), "{name} {way:?}: {line:?}");
            }
        }
        let client = &own[name];
        let sent = client.packets(Way::Sent);
        let received = client.packets(Way::Received);
        expect_all_in(&dump.packets(Way::Received), &sent);
        expect_all_in(&received, &dump.packets(Way::Sent));
        // The network has lost some of both, and packets were sent again.
        assert!(received.len() < dump.packets(Way::Sent).len());
        assert!(dump.packets(Way::Received).len() < sent.len());
    }
    let resent = |engine: &Engine| engine.counters().packets_resent;
    assert!(world.engines.iter().map(resent).sum::<u64>() > 20);
    world.expect_no_faults();
}

/// All packets of one side are among those of the other, in the same order and with the same bytes.
fn expect_all_in(some: &[Packet], all: &[Packet]) {
    let mut rest = all.iter();
    for packet in some {
        assert!(rest.any(|other| other == packet), "{packet:?}");
    }
}

/// The dumps of a server, by identity.
#[derive(Debug, Default)]
struct Dumps(Mutex<BTreeMap<String, Arc<Dump>>>);

impl Dumps {
    fn of(&self, name: &str) -> Arc<Dump> {
        self.0.lock().unwrap()[name].clone()
    }
}

impl Taps for Dumps {
    fn tap(
        &self,
        _room: &RoomName,
        identity: &Identity,
        _sid: &ParticipantSid,
    ) -> Option<Arc<dyn Tap>> {
        let mut dumps = self.0.lock().unwrap();
        let dump = dumps.entry(identity.to_string()).or_default();
        Some(dump.clone())
    }
}

/// The text of a dump, as it would be in a file.
#[derive(Debug, Default)]
struct Dump(Mutex<Vec<u8>>);

impl Tap for Dump {
    fn handle_packet(&self, packet: &ClearPacket<'_>) {
        line::write(&mut self.0.lock().unwrap(), Duration::ZERO, packet);
    }
}

impl Dump {
    /// The packets of one way, in order, as somebody reads them who has the text.
    fn packets(&self, way: Way) -> Vec<Packet> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let start = match way {
            Way::Received => "I 00:00:00.000000 000000 ",
            Way::Sent => "O 00:00:00.000000 000000 ",
        };
        let lines = text.lines().filter_map(|line| line.strip_prefix(start));
        lines.map(Packet::parse).collect()
    }
}

#[derive(PartialEq, Eq)]
struct Packet {
    protocol: Protocol,
    bytes: Vec<u8>,
}

impl Packet {
    fn parse(line: &str) -> Self {
        let (bytes, kind) = line.split_once(" # ").unwrap();
        let bytes = bytes.split(' ');
        Self {
            protocol: match kind {
                "RTP_PACKET" => Protocol::Rtp,
                "RTCP_PACKET" => Protocol::Rtcp,
                kind => panic!("{kind}"),
            },
            bytes: bytes
                .map(|byte| u8::from_str_radix(byte, 16).unwrap())
                .collect(),
        }
    }

    /// Whether a datagram can be this packet, as far as it shows.
    fn is_sealed_as(&self, datagram: &[u8]) -> bool {
        let clear = match self.protocol {
            Protocol::Rtp => 12,
            Protocol::Rtcp => 8,
        };
        datagram.len() == self.bytes.len() + seal_bytes(self.protocol)
            && datagram[..clear] == self.bytes[..clear]
    }
}

/// The beginning is enough to find it.
impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = &self.bytes[..self.bytes.len().min(20)];
        write!(
            f,
            "{:?} {start:02x?} of {}",
            self.protocol,
            self.bytes.len()
        )
    }
}
