//! What a listener has heard: news and packets in order, in two buffers that keep their room.

use std::time::Instant;

use bytes::Bytes;
use proto::codec::{Codec, MediaKind};
use proto::ids::{ParticipantSid, TrackSid};
use proto::media::StreamClock;

/// Something of a room, in the order it happened.
#[derive(Debug)]
pub enum Heard<'a> {
    /// Something that is not lost.
    News(&'a News),
    /// A packet.
    Packet(HeardPacket<'a>),
}

/// What is told to a listener besides packets.
#[derive(Debug, Clone)]
pub enum News {
    /// What all participants are told: an encoded `SignalResponse`.
    Signal(Bytes),
    /// Packets of a track are going to come.
    TrackBegan(HeardTrack),
    /// No more packets come of the track with this number.
    TrackEnded(u16),
}

/// A track that a listener gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeardTrack {
    /// Its number in packets.
    pub number: u16,
    /// Its name in the room.
    pub sid: TrackSid,
    /// Whose it is.
    pub publisher: ParticipantSid,
    /// Sound or pictures.
    pub kind: MediaKind,
}

/// A packet of a track. Its numbers are continuous over switches of encodings.
#[derive(Debug, Clone, Copy)]
pub struct HeardPacket<'a> {
    /// The track's number.
    pub track: u16,
    /// The encoding it is of.
    pub encoding: u8,
    /// What it holds; sound is never in RED.
    pub codec: Codec,
    /// Extended sequence number.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// How the picture is to be turned (3GPP TS 26.114 §7.4.5).
    pub orientation: Option<u8>,
    /// When it arrived.
    pub received: Instant,
    /// How timestamps map onto the wall clock.
    pub clock: Option<StreamClock>,
    /// The payload.
    pub payload: &'a [u8],
}

/// What a listener has heard since the last batch.
#[derive(Debug, Default)]
pub struct HeardBatch {
    items: Vec<Item>,
    news: usize,
    bytes: Vec<u8>,
    dropped: u64,
}

#[derive(Debug)]
enum Item {
    News(News),
    Packet(Stored),
}

#[derive(Debug)]
struct Stored {
    track: u16,
    encoding: u8,
    codec: Codec,
    marker: bool,
    orientation: Option<u8>,
    sequence: u64,
    timestamp: u32,
    received: Instant,
    clock: Option<StreamClock>,
    payload_bytes: usize,
}

impl HeardBatch {
    /// Bytes of all payloads in it.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Packets since the last batch that are not in it, because whoever listens did not keep up.
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// What is in it, in the order it happened.
    pub fn heard(&self) -> impl Iterator<Item = Heard<'_>> {
        let mut rest = self.bytes.as_slice();
        self.items.iter().map(move |item| match item {
            Item::News(news) => Heard::News(news),
            Item::Packet(stored) => {
                let (payload, after) = rest.split_at(stored.payload_bytes);
                rest = after;
                Heard::Packet(stored.with(payload))
            }
        })
    }

    /// Forgets everything, and keeps the buffers.
    pub fn clear(&mut self) {
        self.items.clear();
        self.bytes.clear();
        (self.news, self.dropped) = (0, 0);
    }

    pub(super) fn push(&mut self, news: News) {
        self.news += 1;
        self.items.push(Item::News(news));
    }

    pub(super) fn push_packet(&mut self, packet: &HeardPacket<'_>) {
        self.bytes.extend_from_slice(packet.payload);
        self.items.push(Item::Packet(Stored {
            track: packet.track,
            encoding: packet.encoding,
            codec: packet.codec,
            marker: packet.marker,
            orientation: packet.orientation,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            received: packet.received,
            clock: packet.clock,
            payload_bytes: packet.payload.len(),
        }));
    }

    pub(super) const fn news_count(&self) -> usize {
        self.news
    }

    /// Counts a packet that was dropped.
    pub(super) fn drop_packet(&mut self) {
        self.dropped += 1;
    }

    /// Forgets the packets. Returns how many there were.
    pub(super) fn drop_packets(&mut self) -> u64 {
        let before = self.items.len();
        self.items.retain(|item| matches!(item, Item::News(_)));
        self.bytes.clear();
        let lost = (before - self.items.len()) as u64;
        self.dropped += lost;
        lost
    }

    /// Puts news of earlier before everything.
    pub(super) fn prepend(&mut self, mut earlier: Self) {
        debug_assert!(earlier.bytes.is_empty(), "only news are kept for later");
        earlier.items.append(&mut self.items);
        self.items = earlier.items;
        self.news += earlier.news;
        self.dropped += earlier.dropped;
    }
}

impl Stored {
    fn with<'a>(&self, payload: &'a [u8]) -> HeardPacket<'a> {
        HeardPacket {
            track: self.track,
            encoding: self.encoding,
            codec: self.codec,
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: self.marker,
            orientation: self.orientation,
            received: self.received,
            clock: self.clock,
            payload,
        }
    }
}
