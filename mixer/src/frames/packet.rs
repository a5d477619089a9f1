//! What goes in.

use std::time::Instant;

use proto::media::{MediaPacket, StreamClock};

/// An RTP packet in the clear. Its payload can be borrowed, or shared with whoever else needs it.
#[derive(Debug, Clone, Copy)]
pub struct Packet<P> {
    /// Sequence number, extended over roll-overs.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit: last packet of a picture.
    pub marker: bool,
    /// The payload.
    pub payload: P,
    /// When it arrived.
    pub received: Instant,
    /// How the picture is to be turned, as in the header extension (3GPP TS 26.114 §7.4.5).
    pub orientation: Option<u8>,
    /// What the newest sender report says of its stream's timestamps.
    pub clock: Option<StreamClock>,
}

impl<P> Packet<P> {
    /// The same packet with its payload kept otherwise.
    pub fn map<Q>(self, keep: impl FnOnce(P) -> Q) -> Packet<Q> {
        Packet {
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: self.marker,
            payload: keep(self.payload),
            received: self.received,
            orientation: self.orientation,
            clock: self.clock,
        }
    }
}

impl<'a> From<&MediaPacket<'a>> for Packet<&'a [u8]> {
    fn from(packet: &MediaPacket<'a>) -> Self {
        Self {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            marker: packet.marker,
            payload: packet.payload,
            received: packet.received,
            orientation: packet.values.orientation,
            clock: packet.clock,
        }
    }
}
