//! One RTP stream towards the peer.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::media::clock::{StreamClock, WallClock};
use crate::media::rtcp::SenderInfo;
use crate::media::{OutgoingPacket, Rid};

use super::parameters::PayloadTypes;

/// Packets sent again that are remembered, so that requests which have crossed them are not
/// answered twice.
const MAX_REMEMBERED: usize = 128;

/// The stream in which packets are sent again (RFC 4588).
#[derive(Debug, Clone, Copy)]
pub(super) struct Repair {
    pub(super) ssrc: u32,
    pub(super) sequence: u64,
}

/// What is counted of a stream that is sent: a few integers.
#[derive(Debug)]
pub(super) struct SentStream {
    pub(super) section: usize,
    pub(super) rid: Option<Rid>,
    pub(super) ssrc: u32,
    pub(super) payload_types: PayloadTypes,
    pub(super) repair: Option<Repair>,
    /// Whether the peer has reported on it, and so knows where it belongs.
    pub(super) is_acknowledged: bool,
    pub(super) packets: u32,
    octets: u32,
    pub(super) highest: u64,
    last: Option<Last>,
    clock: Option<StreamClock>,
    reported_packets: u32,
    resent: VecDeque<(u64, Instant)>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    at: Instant,
    timestamp: u32,
    codec: Codec,
}

impl SentStream {
    pub(super) fn new(
        section: usize,
        rid: Option<Rid>,
        ssrc: u32,
        repair_ssrc: Option<u32>,
    ) -> Self {
        Self {
            section,
            rid,
            ssrc,
            payload_types: PayloadTypes::default(),
            repair: repair_ssrc.map(|ssrc| Repair { ssrc, sequence: 0 }),
            is_acknowledged: false,
            packets: 0,
            octets: 0,
            highest: 0,
            last: None,
            clock: None,
            reported_packets: 0,
            resent: VecDeque::new(),
        }
    }

    pub(super) fn handle_sent(&mut self, packet: &OutgoingPacket<'_>) {
        self.packets = self.packets.wrapping_add(1);
        let octets = packet.payload.len() - packet.padding_bytes;
        self.octets = self.octets.wrapping_add(octets as u32);
        if packet.sequence >= self.highest {
            self.highest = packet.sequence;
            self.clock = packet.clock;
            self.last = Some(Last {
                at: packet.captured,
                timestamp: packet.timestamp,
                codec: packet.codec,
            });
        }
    }

    /// The newest timestamp and codec.
    pub(super) fn last(&self) -> Option<(u32, Codec)> {
        self.last.map(|last| (last.timestamp, last.codec))
    }

    /// What a sender report says; `None` if nothing was sent since the last.
    pub(super) fn poll_report(&mut self, now: Instant, wall: &WallClock) -> Option<SenderInfo> {
        let last = self.last?;
        if self.reported_packets == self.packets {
            return None;
        }
        self.reported_packets = self.packets;
        let line = self.clock.unwrap_or_else(|| StreamClock {
            ntp: wall.ntp(last.at),
            timestamp: last.timestamp,
        });
        let at = line.at(wall.ntp(now), last.codec.clock_rate_hz());
        Some(SenderInfo {
            ntp: at.ntp,
            rtp: at.timestamp,
            packets: self.packets,
            octets: self.octets,
        })
    }

    /// The extended sequence number the peer means by one that has not come.
    pub(super) fn extend(&self, sequence: u16) -> Option<u64> {
        let behind = (self.highest as u16).wrapping_sub(sequence);
        self.highest.checked_sub(u64::from(behind))
    }

    /// Whether a packet is to be sent again; not if it just was.
    pub(super) fn may_resend(&mut self, now: Instant, sequence: u64, round_trip: Duration) -> bool {
        let is_recent = |(known, at): &(u64, Instant)| {
            *known == sequence && now.saturating_duration_since(*at) < round_trip
        };
        if self.resent.iter().any(is_recent) {
            return false;
        }
        if self.resent.len() == MAX_REMEMBERED {
            self.resent.pop_front();
        }
        self.resent.push_back((sequence, now));
        true
    }
}
