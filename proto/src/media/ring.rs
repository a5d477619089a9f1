//! The last packets of one RTP stream, in the clear, shared by everyone who receives it.
//!
//! A packet is copied here once when it arrives. Whoever sends it on seals it straight from here,
//! and so does whoever sends it again: a receiver keeps numbers only. Buffers go from the oldest
//! packet to the newest, so a ring that has reached its size allocates no more.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::layer::vp8::PictureIds;

use super::OutgoingPacket;
use super::clock::StreamClock;
use super::extension::Values;

/// How long packets are kept for receivers that have missed them. Longer repairs on slower paths;
/// beyond a second a picture has long been frozen and a keyframe is on its way.
pub const RETENTION: Duration = Duration::from_millis(1_000);
/// Most packets kept, a second of 10 Mbit/s. Beyond it the oldest go earlier.
pub const MAX_PACKETS: usize = 1_024;
/// Payloads can be had padded to a multiple of so many bytes. Senders cut a picture into packets of
/// about one size, but only those of exactly one size go in one message (GSO). More makes more of them
/// alike, less wastes fewer bytes; 16 joins 15 of 16 neighbours for 0.7 % of the rate.
const PADDING_UNIT: usize = 16;
/// Packets a ring begins with.
const INITIAL_PACKETS: usize = 16;

/// A packet to keep.
#[derive(Debug, Clone, Copy)]
pub struct NewPacket<'a> {
    /// Extended sequence number, as its publisher gave it.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// What it holds.
    pub codec: Codec,
    /// VP8 counters.
    pub vp8: Option<PictureIds>,
    /// What goes along with it.
    pub values: Values<'a>,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> From<&OutgoingPacket<'a>> for NewPacket<'a> {
    fn from(packet: &OutgoingPacket<'a>) -> Self {
        Self {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            codec: packet.codec,
            vp8: None,
            values: Values {
                audio_level: packet.audio_level,
                orientation: packet.orientation,
                dependency_descriptor: packet.dependency_descriptor,
                ..Values::default()
            },
            payload: packet.payload,
        }
    }
}

/// A kept packet.
#[derive(Debug)]
pub struct StoredPacket {
    /// Extended sequence number, as its publisher gave it.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// When it arrived.
    pub received: Instant,
    /// Marker bit.
    pub marker: bool,
    /// What it holds.
    pub codec: Codec,
    /// VP8 counters.
    pub vp8: Option<PictureIds>,
    /// Loudness, as in RFC 6464.
    pub audio_level: Option<u8>,
    /// How the picture is to be turned.
    pub orientation: Option<u8>,
    payload_bytes: usize,
    padded_bytes: usize,
    /// Payload, padding, then dependency descriptor.
    bytes: Vec<u8>,
}

impl StoredPacket {
    /// The payload.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(..self.payload_bytes).unwrap_or_default()
    }

    /// The payload with its padding (RFC 3550 §5.1), of which the last byte tells the length. There
    /// may be none.
    pub fn padded_payload(&self) -> (&[u8], usize) {
        let padded = self.bytes.get(..self.padded_bytes).unwrap_or_default();
        (padded, self.padded_bytes - self.payload_bytes)
    }

    /// The payload, to write a receiver's numbers into before it is sealed.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.payload_bytes).unwrap_or_default()
    }

    /// The dependency descriptor, unread.
    pub fn dependency_descriptor(&self) -> Option<&[u8]> {
        let bytes = self.bytes.get(self.padded_bytes..)?;
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// The last packets of an RTP stream: as many as have come within [`RETENTION`] so far, and no
/// more, because rings are most of what a publisher takes.
#[derive(Debug, Default)]
pub struct PacketRing {
    /// In the order they came.
    packets: VecDeque<StoredPacket>,
    /// How many came before the first of them.
    gone: u32,
    /// How many came before a packet, by the lowest bits of its sequence number; a power of two.
    places: Vec<u32>,
    /// How the publisher's clock maps onto its timestamps.
    pub clock: Option<StreamClock>,
}

impl PacketRing {
    /// Keeps a packet, in place of the oldest where that may go.
    pub fn insert(&mut self, now: Instant, packet: &NewPacket<'_>) {
        self.make_place(now, packet.sequence);
        let mut bytes = self.take_oldest(now).unwrap_or_default();
        bytes.clear();
        // Not what the vector would take by itself, up to twice as much.
        let descriptor = packet.values.dependency_descriptor.unwrap_or_default();
        let payload_bytes = packet.payload.len();
        let padded_bytes = payload_bytes.next_multiple_of(PADDING_UNIT);
        bytes.reserve_exact(padded_bytes + descriptor.len());
        bytes.extend_from_slice(packet.payload);
        bytes.resize(padded_bytes, 0);
        if padded_bytes > payload_bytes
            && let Some(last) = bytes.last_mut()
        {
            *last = (padded_bytes - payload_bytes) as u8;
        }
        bytes.extend_from_slice(descriptor);
        if self.packets.len() == self.packets.capacity() {
            let more = self.packets.len() / 4;
            self.packets.reserve_exact(more.max(INITIAL_PACKETS));
        }
        let index = self.index(packet.sequence);
        if let Some(place) = self.places.get_mut(index) {
            *place = self.gone.wrapping_add(self.packets.len() as u32);
        }
        self.packets.push_back(StoredPacket {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            received: now,
            marker: packet.marker,
            codec: packet.codec,
            vp8: packet.vp8,
            audio_level: packet.values.audio_level,
            orientation: packet.values.orientation,
            payload_bytes,
            padded_bytes,
            bytes,
        });
    }

    /// A packet that is still kept.
    pub fn get_mut(&mut self, sequence: u64) -> Option<&mut StoredPacket> {
        let place = *self.places.get(self.index(sequence))?;
        let stored = self
            .packets
            .get_mut(place.wrapping_sub(self.gone) as usize)?;
        (stored.sequence == sequence).then_some(stored)
    }

    /// Bytes of memory it holds.
    pub fn memory_bytes(&self) -> usize {
        let held: usize = self.packets.iter().map(|own| own.bytes.capacity()).sum();
        held + self.packets.capacity() * size_of::<StoredPacket>()
            + self.places.capacity() * size_of::<u32>()
    }

    fn index(&self, sequence: u64) -> usize {
        sequence as usize & self.places.len().saturating_sub(1)
    }

    /// Takes the buffer of the oldest packet, if that has been kept for long enough.
    fn take_oldest(&mut self, now: Instant) -> Option<Vec<u8>> {
        let oldest = self.packets.front()?;
        let is_early = now.saturating_duration_since(oldest.received) < RETENTION;
        if is_early && self.packets.len() < MAX_PACKETS {
            return None;
        }
        self.gone = self.gone.wrapping_add(1);
        self.packets.pop_front().map(|oldest| oldest.bytes)
    }

    /// Doubles the places while a packet would take that of one that should still be found.
    fn make_place(&mut self, now: Instant, sequence: u64) {
        let taken = self.places.get(self.index(sequence));
        let before = taken.and_then(|place| {
            let index = place.wrapping_sub(self.gone);
            self.packets.get(index as usize)
        });
        let is_early = before.is_some_and(|before| {
            before.sequence != sequence
                && now.saturating_duration_since(before.received) < RETENTION
        });
        let count = self.places.len();
        if count > 0 && (!is_early || count >= MAX_PACKETS) {
            return;
        }
        self.places = vec![self.gone.wrapping_sub(1); (count * 2).max(INITIAL_PACKETS)];
        for (offset, packet) in self.packets.iter().enumerate() {
            let index = packet.sequence as usize & (self.places.len() - 1);
            self.places[index] = self.gone.wrapping_add(offset as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn packet(sequence: u64, payload: &[u8]) -> NewPacket<'_> {
        NewPacket {
            sequence,
            timestamp: sequence as u32 * 10,
            marker: false,
            codec: Codec::Vp8,
            vp8: None,
            values: Values {
                dependency_descriptor: Some(&[7, 7]),
                ..Values::default()
            },
            payload,
        }
    }

    #[test]
    fn gives_back_what_it_keeps() {
        let mut ring = PacketRing::default();
        ring.insert(start(), &packet(70_000, &[1, 2, 3]));

        let stored = ring.get_mut(70_000).expect("kept");

        assert_eq!(stored.payload(), [1, 2, 3]);
        let padded = [1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13];
        assert_eq!(stored.padded_payload(), (&padded[..], 13));
        assert_eq!(stored.dependency_descriptor(), Some(&[7, 7][..]));
        assert!(ring.get_mut(70_016).is_none());
    }

    #[test]
    fn keeps_a_second_of_packets() {
        let now = start();
        let mut ring = PacketRing::default();
        let at = |index: u64| now + Duration::from_millis(index * 4);
        for sequence in 0..1_000 {
            ring.insert(at(sequence), &packet(sequence, &[1; 100]));
        }

        assert!((750..1_000).all(|sequence| ring.get_mut(sequence).is_some()));
        assert_eq!((ring.packets.len(), ring.places.len()), (250, 256));
        assert!(ring.memory_bytes() < 300 * (112 + size_of::<StoredPacket>()));
    }

    #[test]
    fn stays_within_its_bound() {
        let now = start();
        let mut ring = PacketRing::default();
        for sequence in 0..10_000 {
            ring.insert(now, &packet(sequence, &[1; 10]));
        }

        assert_eq!(
            (ring.packets.len(), ring.places.len()),
            (MAX_PACKETS, MAX_PACKETS)
        );
        assert!(ring.get_mut(9_999).is_some() && ring.get_mut(1_000).is_none());
    }
}
