//! What comes out of a session.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::bwe::BweKind;
use str0m::rtp::{RtpPacket, SeqNo};
use str0m::{Event as RtcEvent, IceConnectionState, Output as RtcOutput};

use super::packet::{MediaExtensions, Rid, SenderClock};
use super::{
    DataChannel, MAX_CHANNEL_BUFFER_BYTES, MAX_RECEIVED_STREAMS, MediaPacket, ReceivedStream,
    Session, SessionError, transport,
};

/// A datagram to send.
#[derive(Debug, PartialEq, Eq)]
pub struct Transmit {
    /// The candidate address to send from.
    pub source: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
    /// The payload.
    pub contents: Vec<u8>,
}

/// How the transport does, every five seconds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SessionStats {
    /// Share of packets to the peer that were lost, 0 to 1.
    pub egress_loss: f32,
    /// Share of packets from the peer that were lost, 0 to 1.
    pub ingress_loss: f32,
    /// Round trip time.
    pub round_trip: Option<Duration>,
}

/// Something that happened.
#[derive(Debug)]
pub enum Event {
    /// ICE and DTLS are up; media may flow.
    Connected,
    /// No path to the peer works at present; it may come back by itself or by an ICE restart.
    PathLost,
    /// A path works again.
    PathRestored,
    /// A media packet arrived.
    Media(MediaPacket),
    /// The peer needs a keyframe of what is sent in a section.
    KeyframeRequest {
        /// Index of the media section.
        section: usize,
    },
    /// A new estimate of what the path to the peer carries, in bits per second.
    Estimate(u64),
    /// The peer has opened a channel.
    ChannelOpen(DataChannel),
    /// A message arrived.
    Data(DataChannel, Vec<u8>),
    /// A channel that refused a message has room again.
    ChannelWritable(DataChannel),
    /// Figures.
    Stats(SessionStats),
    /// The session is over.
    Closed,
}

/// What [`Session::poll`] gives.
#[derive(Debug)]
pub enum Output {
    /// A datagram to send.
    Transmit(Transmit),
    /// Something that happened.
    Event(Event),
    /// Nothing more until this time, or until the next input.
    Timeout(Instant),
}

impl Session {
    /// Gives the next output; call until it is [`Output::Timeout`].
    ///
    /// # Errors
    /// [`SessionError::Transport`] is fatal.
    pub fn poll(&mut self) -> Result<Output, SessionError> {
        loop {
            match self.rtc.poll_output().map_err(transport)? {
                RtcOutput::Timeout(at) => return Ok(Output::Timeout(at)),
                RtcOutput::Transmit(transmit) => {
                    return Ok(Output::Transmit(Transmit {
                        source: transmit.source,
                        destination: transmit.destination,
                        contents: transmit.contents.into(),
                    }));
                }
                RtcOutput::Event(event) => {
                    if let Some(event) = self.translate(event) {
                        return Ok(Output::Event(event));
                    }
                }
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "str0m's list is long and grows"
    )]
    fn translate(&mut self, event: RtcEvent) -> Option<Event> {
        match event {
            RtcEvent::Connected => {
                self.connected = true;
                Some(Event::Connected)
            }
            RtcEvent::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                Some(Event::PathLost)
            }
            RtcEvent::IceConnectionStateChange(state) if state.is_connected() => {
                Some(Event::PathRestored)
            }
            RtcEvent::RtpPacket(packet) => self.received(packet).map(Event::Media),
            RtcEvent::KeyframeRequest(request) => {
                let section = *self.section_by_mid.get(&request.mid)?;
                Some(Event::KeyframeRequest { section })
            }
            RtcEvent::EgressBitrateEstimate(
                BweKind::Twcc { estimate, .. } | BweKind::Remb { estimate, .. },
            ) => Some(Event::Estimate(estimate.as_u64())),
            RtcEvent::ChannelOpen(id, label) => {
                let channel = self.channels.opened(id, &label)?;
                if let Some(mut open) = self.rtc.channel(id) {
                    open.set_buffered_amount_low_threshold(MAX_CHANNEL_BUFFER_BYTES / 4);
                }
                Some(Event::ChannelOpen(channel))
            }
            RtcEvent::ChannelData(data) => Some(Event::Data(self.channels.of(data.id)?, data.data)),
            RtcEvent::ChannelBufferedAmountLow(id) => {
                Some(Event::ChannelWritable(self.channels.of(id)?))
            }
            RtcEvent::ChannelClose(id) => {
                self.channels.closed(id);
                None
            }
            RtcEvent::PeerStats(stats) => Some(Event::Stats(SessionStats {
                egress_loss: stats.egress_loss_fraction.unwrap_or(0.0),
                ingress_loss: stats.ingress_loss_fraction.unwrap_or(0.0),
                round_trip: stats.rtt,
            })),
            RtcEvent::Closed => Some(Event::Closed),
            _ => None,
        }
    }

    /// Gives a packet its section and encoding. Packets nobody agreed on are dropped.
    fn received(&mut self, packet: RtpPacket) -> Option<MediaPacket> {
        let ssrc = packet.header.ssrc;
        let stream = match self.received.get(&ssrc) {
            Some(stream) => *stream,
            None => {
                if self.received.len() >= MAX_RECEIVED_STREAMS.max(self.sections.len()) {
                    return None;
                }
                let mut api = self.rtc.direct_api();
                let known = api.stream_rx(&ssrc)?;
                let section = *self.section_by_mid.get(&known.mid())?;
                let stream = ReceivedStream {
                    section,
                    rid: known.rid().map(Rid),
                };
                self.received.insert(ssrc, stream);
                stream
            }
        };
        let payload_type = usize::from(*packet.header.payload_type & 0x7F);
        Some(MediaPacket {
            section: stream.section,
            rid: stream.rid,
            codec: self.codec_by_payload_type[payload_type]?,
            sequence: extended(packet.seq_no),
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            extensions: MediaExtensions::read(&packet.header.ext_vals),
            payload: packet.payload,
            received: packet.timestamp,
            sender_clock: packet.last_sender_info.map(|report| SenderClock {
                wallclock: report.ntp_time,
                timestamp: report.rtp_time.numer() as u32,
            }),
        })
    }
}

fn extended(sequence: SeqNo) -> u64 {
    *sequence
}
