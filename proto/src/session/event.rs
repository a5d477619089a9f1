//! What comes out of a session.

use std::time::{Duration, Instant};

use super::transport::TransportOutput;
use super::{DataChannel, Session, SessionError, crypto};
use crate::media::{Dropped, MediaEvent, MediaPacket, Rid, SendBatch};

/// What a datagram was.
#[derive(Debug)]
pub enum Received<'a> {
    /// A media packet.
    Media(MediaPacket<'a>),
    /// Media that came to nothing.
    Dropped(Dropped),
    /// Something for the session alone.
    Nothing,
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
    /// The peer needs a keyframe of what is sent in a section.
    KeyframeRequest {
        /// Index of the media section.
        section: usize,
    },
    /// So much of what the peer sends is missing that a keyframe is needed.
    Broken {
        /// Index of the media section.
        section: usize,
        /// Its encoding.
        rid: Option<Rid>,
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

impl From<MediaEvent> for Event {
    fn from(event: MediaEvent) -> Self {
        match event {
            MediaEvent::KeyframeRequest { section } => Self::KeyframeRequest { section },
            MediaEvent::Broken { section, rid } => Self::Broken { section, rid },
            MediaEvent::Estimate(bps) => Self::Estimate(bps),
        }
    }
}

/// What [`Session::poll`] gives.
#[derive(Debug)]
pub enum Output {
    /// Something that happened.
    Event(Event),
    /// Nothing more until this time, or until the next input.
    Timeout(Instant),
}

impl Session {
    /// Gives the transport's next event. Its datagrams go into the batch, its keys to the media.
    pub(super) fn poll_transport(
        &mut self,
        now: Instant,
        batch: &mut SendBatch,
    ) -> Result<Option<Event>, SessionError> {
        if std::mem::take(&mut self.is_transport_touched) {
            self.transport.handle_timeout(now)?;
            self.is_transport_dirty = true;
        }
        while self.is_transport_dirty {
            let output = self.transport.poll(batch)?;
            if let Some(keys) = crypto::take_keys() {
                let (sender, receiver) = keys.contexts()?;
                self.media.set_keys(now, sender, receiver);
            }
            match output {
                TransportOutput::Event(event) => {
                    self.connected |= matches!(event, Event::Connected);
                    return Ok(Some(event));
                }
                TransportOutput::RoundTrip(round_trip) => {
                    self.media.set_round_trip(round_trip);
                    return Ok(Some(Event::Stats(SessionStats {
                        egress_loss: self.media.egress_loss(),
                        ingress_loss: self.media.ingress_loss(),
                        round_trip: Some(round_trip),
                    })));
                }
                TransportOutput::Timeout(at) => {
                    self.transport_due = at;
                    self.is_transport_dirty = false;
                }
            }
        }
        Ok(None)
    }
}
