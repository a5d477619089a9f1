//! Media packets in the clear, and what happens to them.

use std::fmt;
use std::time::Instant;

use super::clock::StreamClock;
use super::extension::Values;
use super::ring::StoredPacket;
use crate::codec::Codec;

/// The name of an encoding (RFC 8851), at most 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rid {
    bytes: [u8; 16],
    length: u8,
}

impl Rid {
    /// The RID of a name; longer names are cut.
    pub fn new(name: &str) -> Self {
        let mut length = name.len().min(16);
        while !name.is_char_boundary(length) {
            length -= 1;
        }
        let mut bytes = [0; 16];
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        Self {
            bytes,
            length: length as u8,
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length));
        std::str::from_utf8(bytes.unwrap_or_default()).unwrap_or_default()
    }
}

impl fmt::Debug for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rid({})", self.as_str())
    }
}

/// New numbers for a VP8 payload descriptor (RFC 7741 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vp8Numbers {
    /// Picture id, in as many bits as the packet has.
    pub picture_id: Option<u16>,
    /// Index of the base temporal layer's picture.
    pub tl0_pic_idx: Option<u8>,
}

/// A packet a peer sent, authenticated and decrypted, where it lies in its datagram.
#[derive(Debug, Clone, Copy)]
pub struct MediaPacket<'a> {
    /// Index of the media section it came in.
    pub section: usize,
    /// Its encoding, when the section is simulcast.
    pub rid: Option<Rid>,
    /// What it holds.
    pub codec: Codec,
    /// Sequence number, extended over roll-overs.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit: last packet of a picture, first of a talk spurt.
    pub marker: bool,
    /// The payload.
    pub payload: &'a [u8],
    /// Header extensions.
    pub values: Values<'a>,
    /// When it arrived.
    pub received: Instant,
    /// What the newest sender report says of its stream's timestamps, in this side's wall clock.
    pub clock: Option<StreamClock>,
}

/// A packet to send.
#[derive(Debug, Clone, Copy)]
pub struct OutgoingPacket<'a> {
    /// Index of the media section it goes out in.
    pub section: usize,
    /// Its encoding, when the section is simulcast; only a publisher has that.
    pub rid: Option<Rid>,
    /// What it holds.
    pub codec: Codec,
    /// Sequence number; the first of a stream must be below 65,536, and none may be used twice.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// The payload, with its padding.
    pub payload: &'a [u8],
    /// Bytes of padding at the payload's end, of which the last tells the number.
    pub padding_bytes: usize,
    /// Loudness: the highest bit tells a voice, the others dB below full scale (RFC 6464).
    pub audio_level: Option<u8>,
    /// How the picture is to be turned (3GPP TS 26.114 §7.4.5).
    pub orientation: Option<u8>,
    /// The AV1 dependency descriptor, unread.
    pub dependency_descriptor: Option<&'a [u8]>,
    /// When the media was captured or arrived.
    pub captured: Instant,
    /// How the stream's timestamps map onto the wall clock, where that is known better than by
    /// [`OutgoingPacket::captured`].
    pub clock: Option<StreamClock>,
}

impl<'a> OutgoingPacket<'a> {
    /// A kept packet for a section, with the numbers it has there.
    pub fn of(
        stored: &'a StoredPacket,
        section: usize,
        sequence: u64,
        timestamp: u32,
        clock: Option<StreamClock>,
    ) -> Self {
        Self {
            section,
            rid: None,
            codec: stored.codec,
            sequence,
            timestamp,
            marker: stored.marker,
            payload: stored.payload(),
            padding_bytes: 0,
            audio_level: stored.audio_level,
            orientation: stored.orientation,
            dependency_descriptor: stored.dependency_descriptor(),
            captured: stored.received,
            clock: clock.map(|own| own.shifted(timestamp.wrapping_sub(stored.timestamp))),
        }
    }

    /// The same packet with the padding it is kept with, which makes more packets the same size.
    pub fn padded(mut self, stored: &'a StoredPacket) -> Self {
        (self.payload, self.padding_bytes) = stored.padded_payload();
        self
    }
}

/// A packet that a peer has missed, to be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resend {
    /// The section it went out in.
    pub section: usize,
    /// Its encoding, from a publisher that sends simulcast.
    pub rid: Option<Rid>,
    /// Its sequence number there.
    pub sequence: u64,
}

/// Why a datagram came to nothing. Networks do that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// It came before there were keys, or is no RTP or RTCP packet.
    Malformed,
    /// It was taken already, or is too old to tell.
    Replayed,
    /// Its tag is not right.
    NotAuthentic,
    /// Nobody has agreed to its payload type.
    UnknownPayloadType,
    /// It belongs to no section.
    UnknownStream,
    /// There are [`MAX_RECEIVED_STREAMS`](super::ingress::MAX_RECEIVED_STREAMS) already.
    TooManyStreams,
    /// It has nothing in it, by intention.
    Padding,
}

/// Something that happened to the media.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MediaEvent {
    /// The peer needs a keyframe of what is sent in a section.
    KeyframeRequest {
        /// Index of the media section.
        section: usize,
    },
    /// So much of what comes is missing that a keyframe is needed.
    Broken {
        /// Index of the media section.
        section: usize,
        /// Its encoding.
        rid: Option<Rid>,
    },
    /// A new estimate of what the path to the peer carries, in bits per second.
    Estimate(u64),
}
