//! The media plane of a session: SRTP, RTP and RTCP between one peer and the server.
//!
//! [`MediaPlane`] is what a [`Session`](crate::session::Session) has besides ICE, DTLS and SCTP:
//! - [`ingress`] opens what the peer sends, repairs it and gives it its place;
//! - [`egress`] seals what the peer gets, straight into a [`SendBatch`];
//! - [`rtcp`] tells each side of the other; [`estimate`] measures the path by it;
//! - [`ring`] keeps the last packets of a stream for all who receive it;
//! - [`tap`] shows people who debug what there is inside.
//!
//! Not implemented: packets that are sent again without a stream of their own, forward error
//! correction, RFC 8888 feedback.

mod batch;
pub mod clock;
pub mod egress;
pub mod estimate;
pub mod extension;
pub mod ingress;
mod packet;
pub mod ring;
pub mod rtcp;
pub mod rtp;
pub mod srtp;
pub mod tap;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prefetch::prefetch;

pub use batch::{Message, Path, SendBatch};
pub use clock::{StreamClock, WallClock};
pub use egress::{EgressParameters, Sent};
pub use ingress::IngressParameters;
pub use packet::{Dropped, MediaEvent, MediaPacket, OutgoingPacket, Resend, Rid, Vp8Numbers};
pub use ring::PacketRing;

use crate::codec::Codec;
use egress::Egress;
use estimate::Estimator;
use ingress::Ingress;
use rtcp::{ReportBlock, Rtcp};
use srtp::{SrtpReceiver, SrtpSender};
use tap::Tap;

/// How often reports are sent. Shorter measures round trips and loss sooner, longer saves packets;
/// browsers use 1 s for video and 5 s for audio.
const REPORT_INTERVAL: Duration = Duration::from_millis(1_000);
/// Bytes after which a compound packet is sent and another begun.
const MAX_COMPOUND_BYTES: usize = 1_000;
/// Report blocks in one compound packet, which is then below a thousand bytes.
const MAX_BLOCKS: usize = 31;
/// Events that wait to be taken; further ones are dropped. A peer makes at most a few for each of
/// its packets, and they are taken after each.
const MAX_EVENTS: usize = 1_024;

/// What of a session's state is to be [prefetched](prefetch()): each stage is found by what the one
/// before has brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrefetchStage {
    /// What lies in the session itself.
    Own,
    /// What belongs to all that it sends.
    Egress,
    /// What belongs to the stream of one section.
    Stream(usize),
}

/// SRTP, RTP and RTCP with one peer.
#[derive(Debug)]
pub struct MediaPlane {
    srtp: Option<(SrtpSender, SrtpReceiver)>,
    tap: Option<Arc<dyn Tap>>,
    wall: WallClock,
    /// The SSRC of RTCP that belongs to no stream of ours.
    ssrc: u32,
    cname: String,
    ingress: Ingress,
    egress: Egress,
    reports_due: Option<Instant>,
    /// When the first of all timers is due; kept, because it is asked for after every packet.
    due: Option<Instant>,
    /// RTCP to send at the next [`MediaPlane::handle_timeout`].
    urgent: Vec<u8>,
    scratch: Vec<u8>,
    blocks: Vec<ReportBlock>,
    /// Share of packets lost before the last report, of the worst stream.
    ingress_loss: f32,
    events: VecDeque<MediaEvent>,
}

impl MediaPlane {
    /// A media plane without keys: it drops everything until it has some. `seed` is for SSRCs.
    pub fn new(
        now: Instant,
        wall: WallClock,
        seed: u64,
        estimator: Option<Box<dyn Estimator + Send>>,
    ) -> Self {
        Self {
            srtp: None,
            tap: None,
            wall,
            ssrc: (seed >> 16) as u32 | 1,
            cname: format!("{seed:016x}"),
            ingress: Ingress::new(now),
            egress: Egress::new(now, seed, estimator),
            reports_due: None,
            due: None,
            urgent: Vec::new(),
            scratch: Vec::new(),
            blocks: Vec::new(),
            ingress_loss: 0.0,
            events: VecDeque::new(),
        }
    }

    /// Shows a tap everything in the clear, once there are keys: to be set before.
    pub fn set_tap(&mut self, tap: Arc<dyn Tap>) {
        debug_assert!(self.srtp.is_none(), "a tap is set before there are keys");
        self.tap = Some(tap);
    }

    /// Takes the keys of the DTLS handshake.
    pub fn set_keys(&mut self, now: Instant, mut sender: SrtpSender, mut receiver: SrtpReceiver) {
        if let Some(tap) = &self.tap {
            sender.set_tap(Arc::clone(tap));
            receiver.set_tap(Arc::clone(tap));
        }
        self.srtp = Some((sender, receiver));
        self.reports_due = Some(now + REPORT_INTERVAL);
        self.set_due();
    }

    /// Takes over what an offer and its answer agree on.
    pub fn set_parameters(&mut self, ingress: IngressParameters, egress: EgressParameters) {
        self.ingress.set_parameters(ingress);
        self.egress.set_parameters(egress);
    }

    /// The canonical name in descriptions and reports (RFC 7022).
    pub fn cname(&self) -> &str {
        &self.cname
    }

    /// The SSRCs in which a section is sent, each with that of the stream that repairs it.
    pub fn ssrcs(&self, section: usize) -> impl Iterator<Item = (u32, Option<u32>)> {
        self.egress.ssrcs(section)
    }

    /// Gives a section that sends a new RTP stream, with a new SSRC and numbers of its own.
    pub fn renew_stream(&mut self, section: usize) {
        self.egress.renew_stream(section);
    }

    /// Whether the peer takes a codec in a section.
    pub fn takes(&self, section: usize, codec: Codec) -> bool {
        self.egress.takes(section, codec)
    }

    /// Takes one RTP or RTCP datagram, in which it is opened.
    ///
    /// # Errors
    /// [`Dropped`] when it is good for nothing. RTCP gives no packet.
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        datagram: &'a mut [u8],
    ) -> Result<Option<MediaPacket<'a>>, Dropped> {
        let Some((_, receiver)) = &mut self.srtp else {
            return Err(Dropped::Malformed);
        };
        if rtp::is_rtcp(datagram) {
            self.egress.prefetch_feedback();
            let length = receiver
                .open_rtcp(datagram)
                .map_err(|_| Dropped::NotAuthentic)?;
            self.handle_rtcp(now, datagram.get(..length).unwrap_or_default());
            self.set_due();
            return Ok(None);
        }
        let packet = self.ingress.handle_rtp(now, receiver, datagram);
        while let Some((section, rid)) = self.ingress.poll_broken() {
            push(&mut self.events, MediaEvent::Broken { section, rid });
        }
        self.set_due();
        packet.map(Some)
    }

    fn handle_rtcp(&mut self, now: Instant, compound: &[u8]) {
        for packet in rtcp::packets(compound) {
            match packet {
                Rtcp::SenderReport {
                    ssrc,
                    clock,
                    reports,
                } => {
                    self.ingress
                        .handle_sender_report(now, &self.wall, ssrc, &clock);
                    self.handle_reports(now, reports);
                }
                Rtcp::ReceiverReport { reports, .. } => self.handle_reports(now, reports),
                Rtcp::Nack {
                    media_ssrc,
                    sequences,
                } => self.egress.handle_nack(now, media_ssrc, sequences),
                Rtcp::Pli { media_ssrc } => self.handle_keyframe_request(media_ssrc),
                Rtcp::Fir(entries) => {
                    for (ssrc, _) in entries {
                        self.handle_keyframe_request(ssrc);
                    }
                }
                Rtcp::Remb { bitrate_bps } => self.egress.handle_remb(now, bitrate_bps),
                Rtcp::TransportFeedback(feedback) => {
                    self.egress.handle_transport_feedback(now, &feedback);
                }
                Rtcp::Goodbye(_)
                | Rtcp::ReceiverReference { .. }
                | Rtcp::ReceiverReferenceDelays(_)
                | Rtcp::Other => {}
            }
        }
        if let Some(estimate_bps) = self.egress.poll_estimate(now) {
            push(&mut self.events, MediaEvent::Estimate(estimate_bps));
        }
    }

    fn handle_reports(&mut self, now: Instant, reports: impl Iterator<Item = ReportBlock>) {
        for report in reports {
            self.egress.handle_report(now, &self.wall, &report);
        }
        self.ingress.set_round_trip(self.egress.round_trip());
    }

    fn handle_keyframe_request(&mut self, ssrc: u32) {
        if let Some(section) = self.egress.section_of(ssrc) {
            push(&mut self.events, MediaEvent::KeyframeRequest { section });
        }
    }

    /// Asks the peer for a keyframe of what it sends; the request leaves at the next
    /// [`MediaPlane::handle_timeout`].
    pub fn request_keyframe(&mut self, section: usize, rid: Option<Rid>) {
        if let Some(ssrc) = self.ingress.ssrc_of(section, rid) {
            rtcp::write_pli(&mut self.urgent, self.ssrc, ssrc);
        }
    }

    /// What the newest sender report of an encoding says, in this side's wall clock.
    pub fn clock_of(&self, section: usize, rid: Option<Rid>) -> Option<StreamClock> {
        self.ingress.clock_of(section, rid)
    }

    /// The next thing that has happened.
    pub fn poll_event(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// The next packet to send again, with [`MediaPlane::resend`].
    pub fn poll_resend(&mut self) -> Option<Resend> {
        self.egress.poll_resend()
    }

    /// Seals a packet into the batch.
    pub fn send(
        &mut self,
        now: Instant,
        path: Path,
        packet: &OutgoingPacket<'_>,
        batch: &mut SendBatch,
    ) -> Sent {
        let Some((srtp, _)) = &self.srtp else {
            return Sent::NotConnected;
        };
        let sent = self.egress.send(now, srtp, path, packet, batch);
        if self.egress.is_probing() {
            self.set_due();
        }
        sent
    }

    /// Sends a packet again.
    pub fn resend(
        &mut self,
        now: Instant,
        path: Path,
        packet: &OutgoingPacket<'_>,
        batch: &mut SendBatch,
    ) -> Sent {
        let Some((srtp, _)) = &self.srtp else {
            return Sent::NotConnected;
        };
        let sent = self.egress.resend(now, srtp, path, packet, batch);
        if self.egress.is_probing() {
            self.set_due();
        }
        sent
    }

    /// Prefetches what [`MediaPlane::send`] needs.
    pub fn prefetch(&self, stage: PrefetchStage) {
        if stage == PrefetchStage::Own {
            prefetch(&self.srtp);
            prefetch(&self.egress);
            prefetch(&self.due);
            prefetch(&self.urgent);
            prefetch(&self.events);
        }
        self.egress.prefetch(stage);
    }

    /// Whether pictures may leave now; sound always may.
    pub fn may_send(&mut self, now: Instant) -> bool {
        self.egress.may_send(now)
    }

    /// When pictures that may not leave now may.
    pub fn pace_timeout(&self, now: Instant) -> Instant {
        self.egress.pace_timeout(now)
    }

    /// Tells the estimator what the peer could use, in bits per second.
    pub fn set_wanted_bitrate(&mut self, now: Instant, bps: u64) {
        self.egress.set_wanted_bitrate(now, bps);
        self.set_due();
    }

    /// Round trip time to the peer, by its reports.
    pub fn round_trip(&self) -> Duration {
        self.egress.round_trip()
    }

    /// Takes a round trip time measured otherwise.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.ingress.set_round_trip(round_trip);
    }

    /// Share of what was sent that the peer reports as lost, 0 to 1.
    pub fn egress_loss(&self) -> f32 {
        self.egress.loss()
    }

    /// Share of what the peer sent that was lost on its way here, 0 to 1.
    pub const fn ingress_loss(&self) -> f32 {
        self.ingress_loss
    }

    /// When [`MediaPlane::handle_timeout`] has something to do.
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    fn set_due(&mut self) {
        if self.srtp.is_none() {
            return;
        }
        let due = [
            self.reports_due,
            self.ingress.poll_timeout(),
            self.egress.poll_timeout(),
        ];
        self.due = due.into_iter().flatten().min();
    }

    /// Whether something has happened that is still to be taken.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether RTCP waits to be sent at once.
    pub fn is_urgent(&self) -> bool {
        !self.urgent.is_empty()
    }

    /// Sends the RTCP and the probes that are due.
    pub fn handle_timeout(&mut self, now: Instant, path: Path, batch: &mut SendBatch) {
        let Some((srtp, _)) = &mut self.srtp else {
            return;
        };
        let out = &mut self.scratch;
        if !self.urgent.is_empty() {
            seal_rtcp(srtp, path, &self.urgent, batch);
            self.urgent.clear();
        }
        out.clear();
        if self.ingress.write_nacks(now, self.ssrc, out) {
            seal_rtcp(srtp, path, out, batch);
        }
        loop {
            out.clear();
            if !self.ingress.write_transport_feedback(now, self.ssrc, out) {
                break;
            }
            seal_rtcp(srtp, path, out, batch);
        }
        if self.reports_due.is_some_and(|due| due <= now) {
            self.reports_due = Some(now + REPORT_INTERVAL);
            self.blocks.clear();
            self.ingress.reports(now, &mut self.blocks);
            let losses = self.blocks.iter().map(|block| block.fraction_lost);
            self.ingress_loss = f32::from(losses.max().unwrap_or(0)) / 256.0;
            let mut rest = &self.blocks[..];
            loop {
                let (blocks, later) = rest.split_at(rest.len().min(MAX_BLOCKS));
                rest = later;
                out.clear();
                let is_sender =
                    self.egress
                        .write_reports(now, &self.wall, blocks, out, MAX_COMPOUND_BYTES);
                if !is_sender {
                    if blocks.is_empty() {
                        break;
                    }
                    rtcp::write_receiver_report(out, self.ssrc, blocks);
                }
                rtcp::write_cname(out, self.ssrc, &self.cname);
                seal_rtcp(srtp, path, out, batch);
            }
        }
        self.egress.probe(now, srtp, path, batch);
        if let Some(estimate_bps) = self.egress.poll_estimate(now) {
            push(&mut self.events, MediaEvent::Estimate(estimate_bps));
        }
        self.set_due();
    }
}

fn push(events: &mut VecDeque<MediaEvent>, event: MediaEvent) {
    if events.len() < MAX_EVENTS {
        events.push_back(event);
    }
}

/// Seals a compound packet into the batch. One that cannot be sealed any more is left out: the
/// peer does without reports.
fn seal_rtcp(srtp: &mut SrtpSender, path: Path, compound: &[u8], batch: &mut SendBatch) {
    let start = batch.buffer().len();
    match srtp.seal_rtcp(compound, batch.buffer()) {
        Ok(()) => batch.commit(path, start),
        Err(_) => batch.buffer().truncate(start),
    }
}
