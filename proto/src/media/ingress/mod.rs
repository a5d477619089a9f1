//! What a session receives: RTP streams, opened, repaired and put in their places.
//!
//! The way of a packet:
//! 1. its header is read and its stream found by SSRC, its index estimated, a replay dropped;
//! 2. it is authenticated and decrypted in place. Nothing is remembered of a packet before that;
//! 3. a stream that is new is bound to a section and an encoding, by what its header extensions or
//!    the description say;
//! 4. a retransmission takes the number of the packet it repairs (RFC 4588);
//! 5. it is noted for feedback: gaps to ask for, arrival times, reports;
//! 6. padding goes no further, and leaves no gap in the numbers of what does.

mod arrivals;
mod missing;
mod reception;
mod skipped;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rustc_hash::FxBuildHasher;

use super::clock::{StreamClock, WallClock};
use super::extension::{ExtensionIds, Values};
use super::rtcp::{self, ReportBlock, SenderInfo};
use super::rtp::Header;
use super::srtp::{SequenceWindow, SrtpReceiver};
use super::{Dropped, MediaPacket, Rid};
use crate::codec::{Codec, MediaKind};

use arrivals::Arrivals;
use missing::Missing;
use reception::Reception;
use skipped::Skipped;

/// Most RTP streams received in one session, with those that repair others, unless it has more
/// sections; packets of further ones are dropped. A client that watches a large room has a section
/// for each track.
pub const MAX_RECEIVED_STREAMS: usize = 64;
/// Round trip time assumed until one is measured: that of a mobile network.
const INITIAL_ROUND_TRIP: Duration = Duration::from_millis(100);

/// What a payload type means in what a peer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayloadKind {
    /// Media of a codec.
    Media(Codec),
    /// Packets sent again, of the media with this payload type (RFC 4588).
    Repair(u8),
}

/// A section as what is received in it is found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReceivingSection {
    /// `a=mid`.
    pub mid: String,
    /// Whether missing packets may be asked for.
    pub nack: bool,
    /// Streams the description names, each with the one that repairs it.
    pub ssrcs: Vec<(u32, Option<u32>)>,
}

/// What the descriptions agree on for what is received.
#[derive(Debug, Clone)]
pub struct IngressParameters {
    /// Sections by index; `None` where no media is agreed.
    pub sections: Vec<Option<ReceivingSection>>,
    /// By payload type.
    pub payload_kinds: [Option<PayloadKind>; 128],
    /// Ids of header extensions.
    pub extensions: ExtensionIds,
}

impl Default for IngressParameters {
    fn default() -> Self {
        Self {
            sections: Vec::new(),
            payload_kinds: [None; 128],
            extensions: ExtensionIds::default(),
        }
    }
}

#[derive(Debug)]
struct ReceivedStream {
    ssrc: u32,
    section: usize,
    rid: Option<Rid>,
    is_repair: bool,
    window: SequenceWindow,
    missing: Missing,
    skipped: Skipped,
    reception: Reception,
    clock: Option<StreamClock>,
}

/// A packet at its place.
struct Placed<'a> {
    stream: usize,
    number: u64,
    codec: Codec,
    payload: &'a [u8],
}

/// All that a session receives.
#[derive(Debug)]
pub(super) struct Ingress {
    started: Instant,
    parameters: IngressParameters,
    streams: Vec<ReceivedStream>,
    by_ssrc: HashMap<u32, usize, FxBuildHasher>,
    arrivals: Arrivals,
    /// What to add to the peer's NTP time to get ours, once it has told its own. It is the same
    /// for all its streams, so that they stay together.
    clock_offset: Option<u64>,
    round_trip: Duration,
    /// Sections and encodings of which too much is missing.
    broken: Vec<(usize, Option<Rid>)>,
    /// When the first missing packet is to be asked for, or earlier.
    nacks_due: Option<Instant>,
    due: Vec<u16>,
}

impl Ingress {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            started: now,
            parameters: IngressParameters::default(),
            streams: Vec::new(),
            by_ssrc: HashMap::default(),
            arrivals: Arrivals::default(),
            clock_offset: None,
            round_trip: INITIAL_ROUND_TRIP,
            broken: Vec::new(),
            nacks_due: None,
            due: Vec::new(),
        }
    }

    /// Takes over what a description says. Streams of sections that have become another's are
    /// forgotten, and so are those that a section no longer names: what is left of them on the way
    /// is not what the section carries from now on.
    pub(super) fn set_parameters(&mut self, parameters: IngressParameters) {
        let before = std::mem::replace(&mut self.parameters, parameters);
        let after = &self.parameters;
        let count = self.streams.len();
        self.streams.retain(|stream| {
            let old = before.sections.get(stream.section).and_then(Option::as_ref);
            let new = after.sections.get(stream.section).and_then(Option::as_ref);
            old.zip(new).is_some_and(|(old, new)| {
                let names = |section: &ReceivingSection| {
                    let named = |(main, repair): &(u32, Option<u32>)| {
                        *main == stream.ssrc || *repair == Some(stream.ssrc)
                    };
                    section.ssrcs.iter().any(named)
                };
                old.mid == new.mid && (names(new) || !names(old))
            })
        });
        if self.streams.len() < count {
            self.index_streams();
        }
    }

    pub(super) fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
    }

    /// Takes one RTP datagram.
    pub(super) fn handle_rtp<'a>(
        &mut self,
        now: Instant,
        srtp: &SrtpReceiver,
        datagram: &'a mut [u8],
    ) -> Result<MediaPacket<'a>, Dropped> {
        let header = Header::parse(datagram).ok_or(Dropped::Malformed)?;
        let known = self.by_ssrc.get(&header.ssrc).copied();
        let stream = known.and_then(|index| self.streams.get(index));
        let index = match stream {
            Some(stream) => stream.window.index_of(header.sequence),
            None => u64::from(header.sequence),
        };
        if stream.is_some_and(|stream| !stream.window.is_new(index)) {
            return Err(Dropped::Replayed);
        }
        let length = srtp
            .open_rtp(datagram, header.bytes, header.ssrc, index)
            .map_err(|_| Dropped::NotAuthentic)?;
        let datagram: &'a [u8] = datagram;
        let values = self.parameters.extensions.read(header.elements(datagram));
        if let Some(sequence) = values.transport_sequence {
            let since_start = now.saturating_duration_since(self.started);
            self.arrivals
                .insert(now, sequence, since_start.as_micros() as i64);
        }
        let kind = self.parameters.payload_kinds[usize::from(header.payload_type & 0x7F)]
            .ok_or(Dropped::UnknownPayloadType)?;
        let known = match known {
            Some(known) => known,
            None => self.bind(&header, &values, kind)?,
        };
        let payload = header
            .payload_range(datagram, length)
            .and_then(|range| datagram.get(range))
            .ok_or(Dropped::Malformed)?;
        let received = match kind {
            PayloadKind::Media(codec) => {
                self.note(now, known, index, header.timestamp, codec)?;
                Some(self.place(known, index, codec, payload)?)
            }
            PayloadKind::Repair(repaired) => {
                self.unwrap_repair(now, known, index, repaired, payload)?
            }
        };
        let placed = received.ok_or(Dropped::Padding)?;
        let stream = self
            .streams
            .get(placed.stream)
            .ok_or(Dropped::UnknownStream)?;
        Ok(MediaPacket {
            section: stream.section,
            rid: stream.rid,
            codec: placed.codec,
            sequence: placed.number,
            timestamp: header.timestamp,
            marker: header.marker,
            payload: placed.payload,
            values,
            received: now,
            clock: stream.clock,
        })
    }

    /// Gives a stream its place, by its first packet.
    fn bind(
        &mut self,
        header: &Header,
        values: &Values<'_>,
        kind: PayloadKind,
    ) -> Result<usize, Dropped> {
        let limit = MAX_RECEIVED_STREAMS.max(2 * self.parameters.sections.len());
        if self.streams.len() >= limit {
            return Err(Dropped::TooManyStreams);
        }
        let is_repair = matches!(kind, PayloadKind::Repair(_));
        let section = self
            .section_of(header.ssrc, values)
            .ok_or(Dropped::UnknownStream)?;
        let rid = if is_repair {
            values.repaired_rid.or(values.rid)
        } else {
            values.rid
        };
        let rid = rid.map(Rid::new);
        self.forget_former(section, rid, is_repair);
        let at = self.streams.len();
        self.streams.push(ReceivedStream {
            ssrc: header.ssrc,
            section,
            rid,
            is_repair,
            window: SequenceWindow::new(),
            missing: Missing::default(),
            skipped: Skipped::default(),
            reception: Reception::default(),
            clock: None,
        });
        self.by_ssrc.insert(header.ssrc, at);
        Ok(at)
    }

    /// A sender may begin a stream anew; of those before only the last is kept, for what is still
    /// on its way.
    fn forget_former(&mut self, section: usize, rid: Option<Rid>, is_repair: bool) {
        let is_former = |stream: &ReceivedStream| {
            stream.section == section && stream.rid == rid && stream.is_repair == is_repair
        };
        if self.streams.iter().filter(|own| is_former(own)).count() < 2 {
            return;
        }
        if let Some(oldest) = self.streams.iter().position(is_former) {
            self.streams.remove(oldest);
            self.index_streams();
        }
    }

    fn index_streams(&mut self) {
        self.by_ssrc.clear();
        for (index, stream) in self.streams.iter().enumerate() {
            self.by_ssrc.insert(stream.ssrc, index);
        }
    }

    fn section_of(&self, ssrc: u32, values: &Values<'_>) -> Option<usize> {
        let mut sections = self.parameters.sections.iter();
        if let Some(mid) = values.mid {
            return sections.position(|section| section.as_ref().is_some_and(|own| own.mid == mid));
        }
        sections.position(|section| {
            section.as_ref().is_some_and(|own| {
                let named =
                    |(main, repair): &(u32, Option<u32>)| *main == ssrc || *repair == Some(ssrc);
                own.ssrcs.iter().any(named)
            })
        })
    }

    /// Notes a packet of a stream that repairs nothing.
    fn note(
        &mut self,
        now: Instant,
        at: usize,
        index: u64,
        timestamp: u32,
        codec: Codec,
    ) -> Result<(), Dropped> {
        let since_start = now.saturating_duration_since(self.started);
        let stream = self.streams.get_mut(at).ok_or(Dropped::UnknownStream)?;
        if stream.is_repair {
            return Err(Dropped::UnknownPayloadType);
        }
        let section = self.parameters.sections.get(stream.section);
        let may_ask = section.and_then(Option::as_ref).is_some_and(|own| own.nack);
        if may_ask {
            let is_broken = stream
                .missing
                .handle_packet(now, stream.window.highest(), index);
            if is_broken && codec.kind() == MediaKind::Video {
                self.broken.push((stream.section, stream.rid));
            }
            self.nacks_due = soonest(self.nacks_due, stream.missing.poll_timeout());
        }
        stream.window.insert(index);
        let ticks = since_start.as_micros() * u128::from(codec.clock_rate_hz()) / 1_000_000;
        stream
            .reception
            .handle_packet(index, timestamp, ticks as u32);
        Ok(())
    }

    /// Takes a repair packet: the original sequence number and payload (RFC 4588 §4). `None` for
    /// padding.
    fn unwrap_repair<'a>(
        &mut self,
        now: Instant,
        at: usize,
        index: u64,
        repaired: u8,
        payload: &'a [u8],
    ) -> Result<Option<Placed<'a>>, Dropped> {
        let repair = self.streams.get_mut(at).ok_or(Dropped::UnknownStream)?;
        repair.window.insert(index);
        let (section, rid, ssrc) = (repair.section, repair.rid, repair.ssrc);
        let Some((original, payload)) = payload.split_first_chunk::<2>() else {
            return Ok(None);
        };
        let main = self
            .main_of(section, rid, ssrc)
            .ok_or(Dropped::UnknownStream)?;
        let codec = match self.parameters.payload_kinds[usize::from(repaired & 0x7F)] {
            Some(PayloadKind::Media(codec)) => codec,
            Some(PayloadKind::Repair(_)) | None => return Err(Dropped::UnknownPayloadType),
        };
        let stream = self.streams.get_mut(main).ok_or(Dropped::UnknownStream)?;
        let index = stream.window.index_of(u16::from_be_bytes(*original));
        if !stream.window.is_new(index) {
            return Err(Dropped::Replayed);
        }
        stream
            .missing
            .handle_packet(now, stream.window.highest(), index);
        self.nacks_due = soonest(self.nacks_due, stream.missing.poll_timeout());
        stream.window.insert(index);
        stream.reception.handle_repaired();
        self.place(main, index, codec, payload).map(Some)
    }

    /// Gives a packet its place among those that hold something.
    fn place<'a>(
        &mut self,
        at: usize,
        index: u64,
        codec: Codec,
        payload: &'a [u8],
    ) -> Result<Placed<'a>, Dropped> {
        let stream = self.streams.get_mut(at).ok_or(Dropped::UnknownStream)?;
        if payload.is_empty() {
            if stream.window.highest() == Some(index) {
                stream.skipped.insert(index);
            }
            return Err(Dropped::Padding);
        }
        let number = stream.skipped.number_of(index).ok_or(Dropped::Replayed)?;
        Ok(Placed {
            stream: at,
            number,
            codec,
            payload,
        })
    }

    fn main_of(&self, section: usize, rid: Option<Rid>, repair_ssrc: u32) -> Option<usize> {
        let named = self
            .parameters
            .sections
            .get(section)?
            .as_ref()?
            .ssrcs
            .iter()
            .find(|(_, repair)| *repair == Some(repair_ssrc));
        if let Some((main, _)) = named {
            return self.by_ssrc.get(main).copied();
        }
        self.streams
            .iter()
            .position(|stream| stream.section == section && stream.rid == rid && !stream.is_repair)
    }

    /// Takes a sender report.
    pub(super) fn handle_sender_report(
        &mut self,
        now: Instant,
        wall: &WallClock,
        ssrc: u32,
        info: &SenderInfo,
    ) {
        let offset = *self
            .clock_offset
            .get_or_insert_with(|| wall.ntp(now).wrapping_sub(info.ntp));
        let Some(at) = self.by_ssrc.get(&ssrc) else {
            return;
        };
        if let Some(stream) = self.streams.get_mut(*at) {
            stream.reception.handle_sender_report(now, info.ntp);
            stream.clock = Some(StreamClock {
                ntp: info.ntp.wrapping_add(offset),
                timestamp: info.rtp,
            });
        }
    }

    /// What the newest sender report of a stream says, in this side's wall clock.
    pub(super) fn clock_of(&self, section: usize, rid: Option<Rid>) -> Option<StreamClock> {
        self.stream_of(section, rid)?.clock
    }

    /// The SSRC in which an encoding comes.
    pub(super) fn ssrc_of(&self, section: usize, rid: Option<Rid>) -> Option<u32> {
        self.stream_of(section, rid).map(|stream| stream.ssrc)
    }

    fn stream_of(&self, section: usize, rid: Option<Rid>) -> Option<&ReceivedStream> {
        // The newest, should a sender have begun anew.
        self.streams
            .iter()
            .rev()
            .find(|stream| stream.section == section && stream.rid == rid && !stream.is_repair)
    }

    /// An encoding of which too much is missing to ask for.
    pub(super) fn poll_broken(&mut self) -> Option<(usize, Option<Rid>)> {
        self.broken.pop()
    }

    /// Reports on all streams something has come of since the last ones.
    pub(super) fn reports(&mut self, now: Instant, out: &mut Vec<ReportBlock>) {
        out.extend(self.streams.iter_mut().filter_map(|stream| {
            let report = stream.reception.report(now, stream.ssrc)?;
            (!stream.is_repair).then_some(report)
        }));
    }

    /// When there is feedback to write.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        soonest(self.nacks_due, self.arrivals.poll_timeout())
    }

    /// Writes the requests for missing packets that are due. Returns whether it wrote any.
    pub(super) fn write_nacks(
        &mut self,
        now: Instant,
        sender_ssrc: u32,
        out: &mut Vec<u8>,
    ) -> bool {
        if self.nacks_due.is_none_or(|due| due > now) {
            return false;
        }
        self.nacks_due = None;
        let before = out.len();
        for stream in &mut self.streams {
            self.due.clear();
            stream.missing.poll_due(now, self.round_trip, &mut self.due);
            if !self.due.is_empty() {
                rtcp::write_nack(out, sender_ssrc, stream.ssrc, self.due.iter().copied());
            }
            self.nacks_due = soonest(self.nacks_due, stream.missing.poll_timeout());
        }
        out.len() > before
    }

    /// Writes one message of transport-wide feedback, if any is due.
    pub(super) fn write_transport_feedback(
        &mut self,
        now: Instant,
        sender_ssrc: u32,
        out: &mut Vec<u8>,
    ) -> bool {
        let media_ssrc = self.streams.first().map_or(0, |stream| stream.ssrc);
        self.arrivals
            .poll_feedback(now, sender_ssrc, media_ssrc, out)
    }
}

fn soonest(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    [a, b].into_iter().flatten().min()
}
