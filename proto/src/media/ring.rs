//! The last packets of one RTP stream, in the clear, shared by everyone who receives it.
//!
//! A packet is copied here once when it arrives. Whoever sends it on seals it straight from here,
//! and so does whoever sends it again: a receiver keeps numbers only. Slots keep their buffers, so
//! a ring that has reached its size allocates no more.

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

/// The last packets of an RTP stream.
#[derive(Debug, Default)]
pub struct PacketRing {
    /// By the lowest bits of the sequence number; a power of two of them.
    slots: Vec<Option<StoredPacket>>,
    /// How the publisher's clock maps onto its timestamps.
    pub clock: Option<StreamClock>,
}

impl PacketRing {
    /// Keeps a packet, in place of the oldest where there is no room.
    pub fn insert(&mut self, now: Instant, packet: &NewPacket<'_>) {
        self.make_room(now, packet.sequence);
        let index = self.index(packet.sequence);
        let Some(slot) = self.slots.get_mut(index) else {
            return;
        };
        let mut bytes = slot.take().map(|old| old.bytes).unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(packet.payload);
        let payload_bytes = bytes.len();
        let padded_bytes = payload_bytes.next_multiple_of(PADDING_UNIT);
        bytes.resize(padded_bytes, 0);
        if padded_bytes > payload_bytes
            && let Some(last) = bytes.last_mut()
        {
            *last = (padded_bytes - payload_bytes) as u8;
        }
        bytes.extend_from_slice(packet.values.dependency_descriptor.unwrap_or_default());
        *slot = Some(StoredPacket {
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
        let index = self.index(sequence);
        let stored = self.slots.get_mut(index)?.as_mut()?;
        (stored.sequence == sequence).then_some(stored)
    }

    /// Bytes of memory it holds.
    pub fn memory_bytes(&self) -> usize {
        let buffers = self.slots.iter().flatten();
        let held: usize = buffers.map(|stored| stored.bytes.capacity()).sum();
        held + self.slots.capacity() * size_of::<Option<StoredPacket>>()
    }

    fn index(&self, sequence: u64) -> usize {
        sequence as usize & self.slots.len().saturating_sub(1)
    }

    /// Doubles the ring while the packet to be replaced is younger than it should get.
    fn make_room(&mut self, now: Instant, sequence: u64) {
        let replaced = self
            .slots
            .get(self.index(sequence))
            .and_then(Option::as_ref);
        let is_early = replaced.is_some_and(|old| {
            old.sequence != sequence && now.saturating_duration_since(old.received) < RETENTION
        });
        let count = self.slots.len();
        if count > 0 && (!is_early || count >= MAX_PACKETS) {
            return;
        }
        let old = std::mem::take(&mut self.slots);
        self.slots
            .resize_with((count * 2).max(INITIAL_PACKETS), || None);
        for stored in old.into_iter().flatten() {
            let index = self.index(stored.sequence);
            if let Some(slot) = self.slots.get_mut(index) {
                *slot = Some(stored);
            }
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

        assert!((751..1_000).all(|sequence| ring.get_mut(sequence).is_some()));
        assert_eq!(ring.slots.len(), 256);
    }

    #[test]
    fn stays_within_its_bound() {
        let now = start();
        let mut ring = PacketRing::default();
        for sequence in 0..10_000 {
            ring.insert(now, &packet(sequence, &[1; 10]));
        }

        assert_eq!(ring.slots.len(), MAX_PACKETS);
        assert!(ring.get_mut(9_999).is_some() && ring.get_mut(1_000).is_none());
    }
}
