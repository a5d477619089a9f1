//! What a session sends: RTP streams, numbered, sealed, measured and paced.
//!
//! The way of a packet: its stream is found by the section, its header is written, and header and
//! payload are sealed in one pass into the batch. Then it is noted for the estimator and for
//! sender reports. Nothing here depends on how many streams there are.
//!
//! Missing packets are sent again in a stream of their own (RFC 4588), from where the caller keeps
//! them: [`MediaPlane::poll_resend`](super::MediaPlane::poll_resend) names them. A packet never leaves twice with the same number,
//! which SRTP could not bear, so a peer that takes no such stream gets nothing again.

mod header;
mod pacer;
mod parameters;
mod probe;
mod stream;

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use prefetch::prefetch;
use rustc_hash::FxBuildHasher;

use super::batch::{Path, SendBatch};
use super::clock::WallClock;
use super::estimate::Estimator;
use super::extension::HeaderExtension;
use super::rtcp::{self, ReportBlock};
use super::rtp::FixedHeader;
use super::srtp::SrtpSender;
use super::{OutgoingPacket, PrefetchStage, Resend, Rid};
use crate::codec::{Codec, MediaKind};

use pacer::Pacer;
pub use parameters::{EgressParameters, SendingSection};
use probe::{PADDING_BYTES, Probing};
use stream::SentStream;

/// Most packets that wait to be sent again; further requests are not answered.
pub const MAX_RESENDS: usize = 512;
/// Most packets of one request that are looked at.
const MAX_REQUESTED: usize = 256;
/// Most packets of one transport-wide feedback that are looked at: what a path of 100 Mbit/s
/// carries in 200 ms.
const MAX_TOLD: usize = 2_048;
/// Bytes of an IPv4 and a UDP header, which the path carries too.
const UDP_OVERHEAD_BYTES: usize = 28;

/// Most sections that are looked up ahead of time: one cache line or two.
const MAX_PREFETCHED: usize = 4;

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It is in the batch.
    Yes,
    /// There is no path yet.
    NotConnected,
    /// The peer does not take this codec in this section.
    CodecNotTaken,
    /// It could not be sealed: the stream has used up its numbers.
    Failed,
}

/// All that a session sends.
#[derive(Debug)]
pub(super) struct Egress {
    parameters: EgressParameters,
    streams: Vec<SentStream>,
    /// The first stream of a section; those of its other encodings follow.
    by_section: Vec<Option<usize>>,
    by_ssrc: HashMap<u32, usize, FxBuildHasher>,
    transport_sequence: u64,
    estimator: Option<Box<dyn Estimator + Send>>,
    pacer: Pacer,
    probing: Option<Probing>,
    resends: VecDeque<Resend>,
    round_trip: Duration,
    /// Share of packets lost since the last report, 0 to 1: the worst of all streams.
    loss: f32,
    seed: u64,
}

impl Egress {
    pub(super) fn new(
        now: Instant,
        seed: u64,
        estimator: Option<Box<dyn Estimator + Send>>,
    ) -> Self {
        let estimate_bps = estimator.as_ref().map_or(0, |own| own.estimate_bps());
        Self {
            parameters: EgressParameters::default(),
            streams: Vec::new(),
            by_section: Vec::new(),
            by_ssrc: HashMap::default(),
            transport_sequence: 0,
            estimator,
            pacer: Pacer::new(now, estimate_bps),
            probing: None,
            resends: VecDeque::new(),
            round_trip: Duration::from_millis(100),
            loss: 0.0,
            seed,
        }
    }

    /// Takes over what a description says. Sections that go on keep their streams.
    pub(super) fn set_parameters(&mut self, parameters: EgressParameters) {
        let before = std::mem::replace(&mut self.parameters, parameters);
        let mut old: Vec<Option<SentStream>> = std::mem::take(&mut self.streams)
            .into_iter()
            .map(Some)
            .collect();
        self.by_section.clear();
        for index in 0..self.parameters.sections.len() {
            let Some(section) = self.parameters.sections[index].clone() else {
                self.by_section.push(None);
                continue;
            };
            let known = before.sections.get(index).and_then(Option::as_ref);
            let goes_on = known.is_some_and(|known| known.mid == section.mid);
            self.by_section.push(Some(self.streams.len()));
            let rids: Vec<Option<Rid>> = match &section.rids[..] {
                [] => vec![None],
                rids => rids.iter().copied().map(Some).collect(),
            };
            for rid in rids {
                let kept = old.iter_mut().find(|stream| {
                    let own = stream.as_ref().map(|own| (own.section, own.rid));
                    goes_on && own == Some((index, rid))
                });
                let mut stream = match kept.and_then(Option::take) {
                    Some(stream) => stream,
                    None => self.new_stream(index, rid, !section.repair_types.is_empty()),
                };
                stream.payload_types = section.payload_types();
                self.streams.push(stream);
            }
        }
        self.index_streams();
    }

    /// Gives a section a new stream, with an SSRC and numbers of its own.
    pub(super) fn renew_stream(&mut self, section: usize) {
        let Some(Some(at)) = self.by_section.get(section).copied() else {
            return;
        };
        let Some(old) = self.streams.get(at) else {
            return;
        };
        let (rid, is_repaired, types) = (old.rid, old.repair.is_some(), old.payload_types);
        let mut stream = self.new_stream(section, rid, is_repaired);
        stream.payload_types = types;
        if let Some(old) = self.streams.get_mut(at) {
            *old = stream;
        }
        self.resends.retain(|resend| resend.section != section);
        self.index_streams();
    }

    fn new_stream(&mut self, section: usize, rid: Option<Rid>, is_repaired: bool) -> SentStream {
        let ssrc = self.new_ssrc();
        let repair = is_repaired.then(|| self.new_ssrc());
        SentStream::new(section, rid, ssrc, repair)
    }

    fn index_streams(&mut self) {
        self.by_ssrc.clear();
        for (at, stream) in self.streams.iter().enumerate() {
            self.by_ssrc.insert(stream.ssrc, at);
            if let Some(repair) = stream.repair {
                self.by_ssrc.insert(repair.ssrc, at);
            }
        }
    }

    /// An SSRC nobody uses here (RFC 3550 §8), by the SplitMix64 generator: it must be unlikely to
    /// be another's, not hard to guess.
    fn new_ssrc(&mut self) -> u32 {
        loop {
            self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut mixed = self.seed;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let ssrc = (mixed ^ (mixed >> 31)) as u32;
            if ssrc != 0 && !self.by_ssrc.contains_key(&ssrc) {
                return ssrc;
            }
        }
    }

    /// The SSRCs of a section: each stream's, and of the one that repairs it.
    pub(super) fn ssrcs(&self, section: usize) -> impl Iterator<Item = (u32, Option<u32>)> {
        let first = self.by_section.get(section).copied().flatten();
        let streams = first
            .and_then(|at| self.streams.get(at..))
            .unwrap_or_default();
        streams
            .iter()
            .take_while(move |stream| stream.section == section)
            .map(|stream| (stream.ssrc, stream.repair.map(|repair| repair.ssrc)))
    }

    /// The section an SSRC of ours belongs to.
    pub(super) fn section_of(&self, ssrc: u32) -> Option<usize> {
        let at = self.by_ssrc.get(&ssrc)?;
        self.streams.get(*at).map(|stream| stream.section)
    }

    /// Whether the peer takes a codec in a section.
    pub(super) fn takes(&self, section: usize, codec: Codec) -> bool {
        let section = self.parameters.sections.get(section);
        let section = section.and_then(Option::as_ref);
        section.is_some_and(|section| section.payload_type(codec).is_some())
    }

    fn position(&self, section: usize, rid: Option<Rid>) -> Option<usize> {
        let first = self.by_section.get(section).copied().flatten()?;
        let streams = self.streams.get(first..)?;
        let own = |stream: &SentStream| stream.section == section && stream.rid == rid;
        streams.iter().take(4).position(own).map(|at| first + at)
    }

    /// Seals a packet into the batch.
    pub(super) fn send(
        &mut self,
        now: Instant,
        srtp: &SrtpSender,
        path: Path,
        packet: &OutgoingPacket<'_>,
        batch: &mut SendBatch,
    ) -> Sent {
        let at = self.position(packet.section, packet.rid);
        let Some(stream) = at.and_then(|at| self.streams.get_mut(at)) else {
            return Sent::CodecNotTaken;
        };
        let Some(payload_type) = stream.payload_types.of(packet.codec) else {
            return Sent::CodecNotTaken;
        };
        let fixed = FixedHeader {
            marker: packet.marker,
            payload_type,
            sequence: packet.sequence as u16,
            timestamp: packet.timestamp,
            ssrc: stream.ssrc,
        };
        // RFC 9143 §9.2: until the peer knows the stream. Media overtakes the answer that names it,
        // and Firefox then takes it for that of a section it has already, and sticks to that.
        let names_section = !stream.is_acknowledged;
        let mut header = header::write(
            &self.parameters.extensions,
            fixed,
            packet,
            self.transport_sequence,
        );
        if names_section && let Some(Some(section)) = self.parameters.sections.get(packet.section) {
            header::name(
                &self.parameters.extensions,
                &mut header,
                &section.mid,
                packet.rid,
                false,
            );
        }
        if packet.padding_bytes > 0 {
            header.padded();
        }
        let start = batch.buffer().len();
        let sealed = srtp.seal_rtp(
            header.finish(),
            packet.payload,
            stream.ssrc,
            packet.sequence,
            batch.buffer(),
        );
        if sealed.is_err() {
            batch.buffer().truncate(start);
            return Sent::Failed;
        }
        stream.handle_sent(packet);
        self.commit(now, path, start, batch);
        Sent::Yes
    }

    /// Sends a packet again, in the stream for that. Does nothing if the peer takes none.
    pub(super) fn resend(
        &mut self,
        now: Instant,
        srtp: &SrtpSender,
        path: Path,
        packet: &OutgoingPacket<'_>,
        batch: &mut SendBatch,
    ) -> Sent {
        let Some(at) = self.position(packet.section, packet.rid) else {
            return Sent::CodecNotTaken;
        };
        let original = (packet.sequence as u16).to_be_bytes();
        let sealed = self.seal_repair(srtp, at, packet, batch, |out| {
            out.extend_from_slice(&original);
            out.extend_from_slice(packet.payload);
        });
        match sealed {
            Ok(start) => {
                self.commit(now, path, start, batch);
                Sent::Yes
            }
            Err(why) => why,
        }
    }

    /// Writes and seals a packet of a repair stream. Gives where it begins.
    fn seal_repair(
        &mut self,
        srtp: &SrtpSender,
        at: usize,
        packet: &OutgoingPacket<'_>,
        batch: &mut SendBatch,
        write_payload: impl FnOnce(&mut Vec<u8>),
    ) -> Result<usize, Sent> {
        let section = self.parameters.sections.get(packet.section);
        let section = section
            .and_then(Option::as_ref)
            .ok_or(Sent::CodecNotTaken)?;
        let payload_type = section
            .repair_type(packet.codec)
            .ok_or(Sent::CodecNotTaken)?;
        let stream = self.streams.get_mut(at).ok_or(Sent::CodecNotTaken)?;
        let repair = stream.repair.as_mut().ok_or(Sent::CodecNotTaken)?;
        repair.sequence += 1;
        let (ssrc, sequence) = (repair.ssrc, repair.sequence);
        let fixed = FixedHeader {
            marker: packet.marker,
            payload_type,
            sequence: sequence as u16,
            timestamp: packet.timestamp,
            ssrc,
        };
        let mut header = header::write(
            &self.parameters.extensions,
            fixed,
            packet,
            self.transport_sequence,
        );
        // Always: peers do not report on these streams, so they cannot acknowledge them.
        header::name(
            &self.parameters.extensions,
            &mut header,
            &section.mid,
            packet.rid,
            true,
        );
        if packet.payload.is_empty() {
            header.padded();
        }
        let out = batch.buffer();
        let start = out.len();
        let header = header.finish();
        let header_bytes = header.len();
        out.extend_from_slice(header);
        write_payload(out);
        if srtp
            .seal_rtp_in_place(out, start, header_bytes, ssrc, sequence)
            .is_err()
        {
            out.truncate(start);
            return Err(Sent::Failed);
        }
        Ok(start)
    }

    /// Notes a packet that has been sealed, and makes it part of the batch.
    fn commit(&mut self, now: Instant, path: Path, start: usize, batch: &mut SendBatch) {
        let bytes = batch.buffer().len() - start;
        batch.commit(path, start);
        // A probe is all that is sent while it lasts: padding fills up what media leaves.
        let probe = match &mut self.probing {
            Some(probing) => {
                probing.handle_sent(bytes);
                Some(probing.id())
            }
            None => None,
        };
        if let Some(estimator) = &mut self.estimator {
            self.pacer.handle_sent(bytes);
            let extensions = &self.parameters.extensions;
            if extensions.id(HeaderExtension::TransportSequence).is_some() {
                let on_wire = bytes + UDP_OVERHEAD_BYTES;
                estimator.handle_sent(now, self.transport_sequence, on_wire, probe);
            }
        }
        self.transport_sequence += 1;
    }

    /// Prefetches what [`Self::send`] needs beyond this itself.
    pub(super) fn prefetch(&self, stage: PrefetchStage) {
        match stage {
            // The estimator cannot be found before this itself has come.
            PrefetchStage::Own => return,
            PrefetchStage::Egress => {
                let most = self.by_section.len().min(MAX_PREFETCHED);
                prefetch(&self.by_section[..most]);
            }
            PrefetchStage::Stream(section) => {
                let at = self.by_section.get(section).copied().flatten();
                if let Some(stream) = at.and_then(|at| self.streams.get(at)) {
                    prefetch(stream);
                }
            }
        }
        if let Some(estimator) = &self.estimator {
            estimator.prefetch(stage);
        }
    }

    /// Prefetches what [`Self::handle_transport_feedback`] needs.
    pub(super) fn prefetch_feedback(&self) {
        if let Some(estimator) = &self.estimator {
            prefetch(&**estimator);
        }
    }

    /// Whether pictures may leave now; sound always may.
    pub(super) fn may_send(&mut self, now: Instant) -> bool {
        self.estimator.is_none() || self.pacer.may_send(now)
    }

    /// When pictures that may not leave now may.
    pub(super) fn pace_timeout(&self, now: Instant) -> Instant {
        self.pacer.poll_timeout(now)
    }

    /// Takes a request for packets that have not come.
    pub(super) fn handle_nack(
        &mut self,
        now: Instant,
        ssrc: u32,
        sequences: impl Iterator<Item = u16>,
    ) {
        let Some(stream) = self
            .by_ssrc
            .get(&ssrc)
            .and_then(|at| self.streams.get_mut(*at))
        else {
            return;
        };
        if stream.ssrc != ssrc || stream.repair.is_none() {
            return;
        }
        for sequence in sequences.take(MAX_REQUESTED) {
            if self.resends.len() >= MAX_RESENDS {
                return;
            }
            let Some(sequence) = stream.extend(sequence) else {
                continue;
            };
            if stream.may_resend(now, sequence, self.round_trip) {
                self.resends.push_back(Resend {
                    section: stream.section,
                    rid: stream.rid,
                    sequence,
                });
            }
        }
    }

    /// The next packet to send again.
    pub(super) fn poll_resend(&mut self) -> Option<Resend> {
        self.resends.pop_front()
    }

    /// Takes what a peer reports of a stream of ours.
    pub(super) fn handle_report(&mut self, now: Instant, wall: &WallClock, report: &ReportBlock) {
        let Some(stream) = self
            .by_ssrc
            .get(&report.ssrc)
            .and_then(|at| self.streams.get_mut(*at))
        else {
            return;
        };
        stream.is_acknowledged = true;
        self.loss = f32::from(report.fraction_lost) / 256.0;
        if report.last_sender_report != 0 {
            let middle = super::clock::ntp_middle(wall.ntp(now));
            let trip = middle
                .wrapping_sub(report.last_sender_report)
                .wrapping_sub(report.delay_since_last);
            // Clocks that step make a trip of hours.
            if trip < 10 << 16 {
                self.round_trip = Duration::from_micros(u64::from(trip) * 1_000_000 / 65_536);
                if let Some(estimator) = &mut self.estimator {
                    estimator.handle_round_trip(now, self.round_trip);
                }
            }
        }
        if let Some(estimator) = &mut self.estimator {
            estimator.handle_loss_report(now, self.loss);
        }
    }

    pub(super) fn handle_transport_feedback(
        &mut self,
        now: Instant,
        feedback: &rtcp::TransportFeedback<'_>,
    ) {
        let Some(estimator) = &mut self.estimator else {
            return;
        };
        let next = self.transport_sequence;
        let since_base = (next as u16).wrapping_sub(feedback.base_sequence());
        if feedback.count() > since_base {
            // Of packets that were never sent; it could tell of 65,535 in a few bytes.
            return;
        }
        for (sequence, arrival_us) in feedback.packets().take(MAX_TOLD) {
            let behind = (next as u16).wrapping_sub(sequence);
            let Some(sequence) = next.checked_sub(u64::from(behind)) else {
                continue;
            };
            estimator.handle_arrival(now, sequence, arrival_us);
        }
        estimator.finish_feedback(now);
    }

    pub(super) fn handle_remb(&mut self, now: Instant, bitrate_bps: u64) {
        if let Some(estimator) = &mut self.estimator {
            estimator.handle_remb(now, bitrate_bps);
        }
    }

    /// Tells the estimator what could be used.
    pub(super) fn set_wanted_bitrate(&mut self, now: Instant, bps: u64) {
        if let Some(estimator) = &mut self.estimator {
            estimator.set_wanted(now, bps);
        }
    }

    /// A new estimate.
    pub(super) fn poll_estimate(&mut self, now: Instant) -> Option<u64> {
        let estimate_bps = self.estimator.as_mut()?.poll_estimate()?;
        self.pacer.set_estimate(now, estimate_bps);
        Some(estimate_bps)
    }

    pub(super) fn round_trip(&self) -> Duration {
        self.round_trip
    }

    pub(super) fn loss(&self) -> f32 {
        self.loss
    }

    /// When [`Egress::probe`] has something to do.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match &self.probing {
            Some(probing) => Some(probing.poll_timeout()),
            None => self.estimator.as_ref()?.poll_timeout(),
        }
    }

    /// Whether a probe is under way: each packet sent then moves its timer.
    pub(super) const fn is_probing(&self) -> bool {
        self.probing.is_some()
    }

    /// Sends the padding of a probe that is due.
    pub(super) fn probe(
        &mut self,
        now: Instant,
        srtp: &SrtpSender,
        path: Path,
        batch: &mut SendBatch,
    ) {
        if self.probing.is_none() {
            let probe = self.estimator.as_mut().and_then(|own| own.poll_probe(now));
            self.probing = probe.map(|probe| Probing::new(now, probe));
        }
        while self.probing.as_ref().is_some_and(|own| own.is_due(now)) {
            if !self.send_padding(now, srtp, path, batch) {
                // Nothing is sent that padding could go with.
                self.probing = None;
            }
        }
        if self.probing.as_ref().is_some_and(Probing::is_done) {
            self.probing = None;
        }
    }

    /// Returns whether there is a stream for it.
    fn send_padding(
        &mut self,
        now: Instant,
        srtp: &SrtpSender,
        path: Path,
        batch: &mut SendBatch,
    ) -> bool {
        let sent = |stream: &SentStream| {
            let (_, codec) = stream.last()?;
            (stream.repair.is_some() && codec.kind() == MediaKind::Video).then_some(())
        };
        let Some(at) = self.streams.iter().position(|own| sent(own).is_some()) else {
            return false;
        };
        let Some((stream, (timestamp, codec))) = self
            .streams
            .get(at)
            .and_then(|stream| Some((stream, stream.last()?)))
        else {
            return false;
        };
        let packet = OutgoingPacket {
            section: stream.section,
            rid: stream.rid,
            codec,
            sequence: 0,
            timestamp,
            marker: false,
            payload: &[],
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            padding_bytes: 0,
            captured: now,
            clock: None,
        };
        let sealed = self.seal_repair(srtp, at, &packet, batch, |out| {
            out.resize(out.len() + PADDING_BYTES - 1, 0);
            out.push(PADDING_BYTES as u8);
        });
        let Ok(start) = sealed else { return false };
        self.commit(now, path, start, batch);
        true
    }

    /// Writes sender reports of all streams in which something was sent since the last ones. The
    /// first takes the report blocks along. Returns whether it wrote any.
    pub(super) fn write_reports(
        &mut self,
        now: Instant,
        wall: &WallClock,
        blocks: &[ReportBlock],
        out: &mut Vec<u8>,
        most_bytes: usize,
    ) -> bool {
        let mut blocks = blocks;
        let mut has_written = false;
        for stream in &mut self.streams {
            if out.len() > most_bytes {
                break;
            }
            let Some(info) = stream.poll_report(now, wall) else {
                continue;
            };
            rtcp::write_sender_report(out, stream.ssrc, &info, std::mem::take(&mut blocks));
            has_written = true;
        }
        has_written
    }
}
