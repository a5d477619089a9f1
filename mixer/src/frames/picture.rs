//! Packets in order to whole pictures.
//!
//! A frame ends with the marker bit or where the timestamp changes. A gap between two packets of one
//! timestamp is inside of that frame; any other gap may hold the end of one, the beginning of another
//! and whole ones between.

use std::collections::VecDeque;
use std::time::Instant;

use proto::layer::VideoCodec;

use super::continuity::Continuity;
use super::counters::Counters;
use super::frame::{Content, Frame, Orientation, Picture};
use super::limits::MAX_FRAME_BYTES;
use super::packet::Packet;
use super::payload::{self, Coded, Depacketizer};
use super::reorder::{Before, Ordered};

/// Makes pictures of packets.
#[derive(Debug)]
pub(super) struct PictureAssembly {
    depacketizer: Box<dyn Depacketizer>,
    continuity: Continuity,
    open: Option<Open>,
    data: Vec<u8>,
    /// How large the frame before was, so that the next is not moved while it grows.
    usual_bytes: usize,
    orientation: Option<Orientation>,
}

/// The frame that packets are added to.
#[derive(Debug)]
struct Open {
    timestamp: u32,
    received: Instant,
    first_sequence: u64,
    last_sequence: u64,
    is_broken: bool,
    is_oversized: bool,
}

impl PictureAssembly {
    pub(super) fn new(codec: VideoCodec) -> Self {
        Self {
            depacketizer: payload::depacketizer(codec),
            continuity: Continuity::new(),
            open: None,
            data: Vec::new(),
            usual_bytes: 0,
            orientation: None,
        }
    }

    /// Whether only a keyframe helps.
    pub(super) fn wants_keyframe(&self) -> bool {
        self.continuity.is_broken()
    }

    /// Takes the next packet, and appends the frames that it completes.
    pub(super) fn handle_packet<P: AsRef<[u8]>>(
        &mut self,
        ordered: &Ordered<P>,
        counters: &mut Counters,
        out: &mut VecDeque<Frame>,
    ) {
        let packet = &ordered.packet;
        self.handle_before(ordered.before, packet.timestamp, counters, out);
        let after_loss = ordered.before != Before::Nothing;
        if self.open.is_none() {
            self.begin(packet, after_loss);
        }
        self.add(packet, counters);
        if packet.marker {
            out.extend(self.close(counters));
        }
    }

    /// Drops the frame that is not complete; nothing more comes.
    pub(super) fn finish(&mut self, counters: &mut Counters) {
        self.abandon(counters);
    }

    /// Ends the open frame where the next packet, of `timestamp`, does not belong to it, and notes
    /// what is lost between.
    fn handle_before(
        &mut self,
        before: Before,
        timestamp: u32,
        counters: &mut Counters,
        out: &mut VecDeque<Frame>,
    ) {
        let open = self.open.as_mut();
        match (before, open) {
            (Before::Nothing, Some(open)) if open.timestamp != timestamp => {
                out.extend(self.close(counters));
            }
            (Before::Lost(_), Some(open)) if open.timestamp == timestamp => open.is_broken = true,
            (Before::Lost(lost), _) => {
                self.abandon(counters);
                self.continuity.handle_lost(lost);
            }
            (Before::Restart, _) => {
                self.abandon(counters);
                self.continuity = Continuity::new();
            }
            (Before::Nothing, _) => {}
        }
    }

    fn begin<P>(&mut self, packet: &Packet<P>, after_loss: bool) {
        self.depacketizer.begin(after_loss);
        self.data.clear();
        self.data.reserve(self.usual_bytes);
        self.open = Some(Open {
            timestamp: packet.timestamp,
            received: packet.received,
            first_sequence: packet.sequence,
            last_sequence: packet.sequence,
            is_broken: false,
            is_oversized: false,
        });
    }

    fn add<P: AsRef<[u8]>>(&mut self, packet: &Packet<P>, counters: &mut Counters) {
        let Some(open) = &mut self.open else {
            return;
        };
        open.last_sequence = packet.sequence;
        open.received = open.received.min(packet.received);
        if let Some(byte) = packet.orientation {
            self.orientation = Some(Orientation::read(byte));
        }
        if open.is_broken {
            return;
        }
        let payload = packet.payload.as_ref();
        if self.depacketizer.push(payload, &mut self.data).is_err() {
            counters.malformed_packets += 1;
            open.is_broken = true;
        } else if self.data.len() > MAX_FRAME_BYTES {
            self.data = Vec::new();
            open.is_broken = true;
            open.is_oversized = true;
        }
    }

    /// Ends the open frame, of which all packets are there.
    fn close(&mut self, counters: &mut Counters) -> Option<Frame> {
        if self.open.as_ref().is_none_or(|open| open.is_broken) {
            self.abandon(counters);
            return None;
        }
        match self.depacketizer.finish(&mut self.data) {
            Ok(Some(coded)) => self.give(coded, counters),
            // What shows nothing is no frame.
            Ok(None) => {
                self.open = None;
                None
            }
            Err(_) => {
                self.abandon(counters);
                None
            }
        }
    }

    fn give(&mut self, coded: Coded, counters: &mut Counters) -> Option<Frame> {
        let open = self.open.take()?;
        if !self.continuity.take(&coded.needs) {
            counters.undecodable_frames += 1;
            return None;
        }
        let is_keyframe = coded.needs.is_keyframe;
        counters.frames += 1;
        counters.keyframes += u64::from(is_keyframe);
        // Keyframes are much larger than what follows them.
        if !is_keyframe {
            self.usual_bytes = self.data.len() + self.data.len() / 4;
        }
        Some(Frame {
            timestamp: open.timestamp,
            received: open.received,
            first_sequence: open.first_sequence,
            last_sequence: open.last_sequence,
            clock: None,
            data: std::mem::take(&mut self.data),
            content: Content::Picture(Picture {
                is_keyframe,
                size: coded.size,
                config: coded.config,
                orientation: self.orientation,
            }),
        })
    }

    /// Drops the open frame, if there is one.
    fn abandon(&mut self, counters: &mut Counters) {
        let Some(open) = self.open.take() else {
            return;
        };
        if open.is_oversized {
            counters.oversized_frames += 1;
        } else {
            counters.incomplete_frames += 1;
        }
        match self.depacketizer.needs() {
            Some(needs) => self.continuity.handle_incomplete(&needs),
            None => self.continuity.handle_lost(1),
        }
    }
}
