//! A session: one transport with one peer, ICE + DTLS + SRTP + SCTP, sans-IO.
//!
//! Drive a [`Session`] like this:
//! 1. hand it one input: [`Session::handle_datagram`], [`Session::handle_timeout`], packets with
//!    [`Session::send`], or a description;
//! 2. call [`Session::poll`] until it says [`Output::Timeout`], and call
//!    [`Session::handle_timeout`] then at the latest. Datagrams to send go into a [`SendBatch`].
//!    After packets alone there is nothing to poll.
//!
//! ICE, DTLS and SCTP are str0m's (see `transport`), media is our own ([`crate::media`]).
//!
//! Any error is fatal to the session, and to nothing else.
//!
//! The server answers ([`Session::accept_offer`], [`Session::answer`]); a client, such as a test
//! or the load tester, offers ([`Session::offer`], [`Session::accept_answer`]).
//!
//! Not implemented: DTLS 1.3 (it would cost AEAD with today's browsers), ICE over TCP, TURN.

mod agreed;
mod answerer;
mod channel;
mod crypto;
mod event;
mod offerer;
mod transport;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use prefetch::prefetch;
use rand::{Rng, RngExt};
use str0m::IceCreds;

pub use answerer::AcceptedOffer;
pub use channel::DataChannel;
pub use crypto::DtlsIdentity;
pub use event::{Event, Output, Received, SessionStats};
pub use offerer::{OfferChanges, TrackOffer};

use crate::codec::Codec;
use crate::demux::{DatagramClass, StunRequest};
use crate::jsep::Setup;
use crate::media::estimate::{Estimator, SendSideEstimator};
use crate::media::ring::NewPacket;
use crate::media::tap::Tap;
use crate::media::{
    MediaPlane, OutgoingPacket, PacketRing, PrefetchStage, Resend, Rid, SendBatch, Sent, WallClock,
};
use transport::Transport;

/// Rate a fresh session is assumed to carry, until measured: what a page of small pictures and
/// their sounds takes. An estimator that is given less cannot measure more, because no more is
/// sent; higher floods poor links for the second it takes to find out.
const INITIAL_ESTIMATE_BPS: u64 = 8_000_000;
/// Largest data channel message taken, in bytes. SDKs send at most 64,000.
pub const MAX_MESSAGE_BYTES: usize = 65_536;
/// Bytes the SCTP association buffers before [`Session::write_channel`] refuses.
pub const MAX_CHANNEL_BUFFER_BYTES: usize = 256 * 1024;
/// Characters of ICE credentials. Base 57 gives 5.8 bits each: 140 bits for the user name
/// fragment and 186 for the password; RFC 8445 §5.3 asks for 24 and 128.
const ICE_UFRAG_CHARS: usize = 24;
const ICE_PASSWORD_CHARS: usize = 32;

/// Why a session ended or could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The peer's description cannot be used.
    #[error("the session description cannot be used: {0}")]
    Description(String),
    /// The transport failed; the peer broke the protocol or is gone.
    #[error("the transport failed: {0}")]
    Transport(String),
    /// The crypto library refused to work.
    #[error("crypto is not available: {0}")]
    Crypto(String),
}

/// What every session of a worker shares.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Certificate and crypto.
    pub identity: DtlsIdentity,
    /// Addresses to offer as host candidates.
    pub addresses: Vec<SocketAddr>,
    /// Whether it measures the path and paces what it sends by that. A client that sends at fixed
    /// rates does not; it gives the other side's estimator its feedback all the same.
    pub estimates: bool,
    /// The wall clock, for sender reports.
    pub wall: WallClock,
}

/// ICE user name fragment and password.
#[derive(Clone)]
pub struct IceCredentials {
    ufrag: String,
    password: String,
}

impl IceCredentials {
    /// Draws new credentials. `rng` must be a cryptographic generator seeded by the system.
    pub fn random(rng: &mut impl Rng) -> Self {
        const ALPHABET: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        let mut draw = |count: usize| -> String {
            (0..count)
                .map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]))
                .collect()
        };
        Self {
            ufrag: draw(ICE_UFRAG_CHARS),
            password: draw(ICE_PASSWORD_CHARS),
        }
    }

    /// The user name fragment, by which datagrams find the session.
    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// The password, which proves that a check is for the session.
    pub(crate) fn password(&self) -> &str {
        &self.password
    }

    fn from_str0m(theirs: IceCreds) -> Self {
        Self {
            ufrag: theirs.ufrag,
            password: theirs.pass,
        }
    }

    fn to_str0m(&self) -> IceCreds {
        IceCreds {
            ufrag: self.ufrag.clone(),
            pass: self.password.clone(),
        }
    }
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IceCredentials({}, ..)", self.ufrag)
    }
}

/// One transport with one peer.
#[derive(Debug)]
pub struct Session {
    transport: Transport,
    media: MediaPlane,
    /// `mid` of each section, by index.
    mids: Vec<String>,
    /// The last offer made, until its answer comes, and every section there is.
    offered: offerer::Offered,
    /// Who opens DTLS, once an answer has said so.
    setup: Option<Setup>,
    /// What descriptions name the session by, and how many of them there were.
    id: u64,
    descriptions: u64,
    /// What this side publishes itself, to be sent again: a client's.
    kept: HashMap<(usize, Option<Rid>), PacketRing>,
    connected: bool,
    /// Whether the transport was given something without a time, such as a description.
    is_transport_touched: bool,
    /// Whether the transport has something to give.
    is_transport_dirty: bool,
    transport_due: Instant,
}

impl Session {
    /// Makes a session that offers the given addresses. `seed` is for what must differ between
    /// sessions but need not be secret, such as SSRCs.
    pub fn new(
        now: Instant,
        config: &SessionConfig,
        credentials: IceCredentials,
        seed: u64,
    ) -> Self {
        let estimator: Option<Box<dyn Estimator + Send>> = if config.estimates {
            Some(Box::new(SendSideEstimator::new(now, INITIAL_ESTIMATE_BPS)))
        } else {
            None
        };
        Self {
            transport: Transport::new(now, config, credentials),
            media: MediaPlane::new(now, config.wall, seed, estimator),
            mids: Vec::new(),
            offered: offerer::Offered::new(seed >> 1),
            setup: None,
            id: seed >> 1,
            descriptions: 0,
            kept: HashMap::new(),
            connected: false,
            is_transport_touched: true,
            is_transport_dirty: true,
            transport_due: now,
        }
    }

    /// Shows a tap all media in the clear; to be set before the session is connected.
    pub fn set_tap(&mut self, tap: Arc<dyn Tap>) {
        self.media.set_tap(tap);
    }

    /// The user name fragment the peer's checks carry at present.
    pub fn ufrag(&self) -> &str {
        self.transport.credentials.ufrag()
    }

    /// Whether ICE and DTLS have come up.
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Index of the section with this `mid`.
    pub fn section_of(&self, mid: &str) -> Option<usize> {
        self.mids.iter().position(|own| own == mid)
    }

    /// Whether a STUN request belongs to this session: names it and proves its password.
    pub fn accepts(
        &self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        stun: &[u8],
    ) -> bool {
        self.transport.accepts(now, source, local, stun)
    }

    /// Takes one datagram, which must belong to this session. Media is opened where it lies.
    ///
    /// # Errors
    /// [`SessionError::Transport`] is fatal. Malformed datagrams are not errors: they are ignored.
    pub fn handle_datagram<'a>(
        &mut self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        datagram: &'a mut [u8],
    ) -> Result<Received<'a>, SessionError> {
        if DatagramClass::of(datagram) == DatagramClass::Rtp {
            return Ok(match self.media.handle_datagram(now, datagram) {
                Ok(Some(packet)) => Received::Media(packet),
                Ok(None) => Received::Nothing,
                Err(why) => Received::Dropped(why),
            });
        }
        self.is_transport_dirty = true;
        let nominates = StunRequest::read(datagram).is_some_and(|request| request.nominates);
        self.transport
            .handle_datagram(now, source, local, datagram, nominates)?;
        Ok(Received::Nothing)
    }

    /// Moves time on: does what is due.
    ///
    /// # Errors
    /// [`SessionError::Transport`] is fatal.
    pub fn handle_timeout(
        &mut self,
        now: Instant,
        batch: &mut SendBatch,
    ) -> Result<(), SessionError> {
        if self.transport_due <= now {
            self.is_transport_dirty = true;
            self.transport.handle_timeout(now)?;
        }
        if let Some(path) = self.transport.path()
            && (self.media.is_urgent() || self.media.poll_timeout().is_some_and(|due| due <= now))
        {
            self.media.handle_timeout(now, path, batch);
        }
        Ok(())
    }

    /// Whether there is something to do or to take. Otherwise the last [`Output::Timeout`] stands.
    pub fn is_due(&self, now: Instant) -> bool {
        self.is_transport_touched
            || self.is_transport_dirty
            || self.transport_due <= now
            || self.media.is_urgent()
            || self.media.has_events()
            || self.media.poll_timeout().is_some_and(|due| due <= now)
    }

    /// Gives the next output; call until it is [`Output::Timeout`].
    ///
    /// # Errors
    /// [`SessionError::Transport`] is fatal.
    pub fn poll(&mut self, now: Instant, batch: &mut SendBatch) -> Result<Output, SessionError> {
        if let Some(event) = self.poll_transport(now, batch)? {
            return Ok(Output::Event(event));
        }
        if let Some(event) = self.media.poll_event() {
            return Ok(Output::Event(event.into()));
        }
        if !self.kept.is_empty() {
            self.resend_kept(now, batch);
        }
        let media_due = self.transport.path().and(self.media.poll_timeout());
        let due = media_due.map_or(self.transport_due, |due| due.min(self.transport_due));
        Ok(Output::Timeout(due))
    }

    /// Seals a packet into the batch. Keep it for [`Session::poll_resend`].
    pub fn send(
        &mut self,
        now: Instant,
        packet: &OutgoingPacket<'_>,
        batch: &mut SendBatch,
    ) -> Sent {
        match self.transport.path() {
            Some(path) => self.media.send(now, path, packet, batch),
            None => Sent::NotConnected,
        }
    }

    /// Like [`Session::send`], and keeps the packet itself to send it again: for a client, which
    /// sends what nobody else does.
    pub fn publish(
        &mut self,
        now: Instant,
        packet: &OutgoingPacket<'_>,
        batch: &mut SendBatch,
    ) -> Sent {
        let ring = self.kept.entry((packet.section, packet.rid)).or_default();
        ring.insert(now, &NewPacket::from(packet));
        self.send(now, packet, batch)
    }

    fn resend_kept(&mut self, now: Instant, batch: &mut SendBatch) {
        let Some(path) = self.transport.path() else {
            return;
        };
        while let Some(resend) = self.media.poll_resend() {
            let ring = self.kept.get_mut(&(resend.section, resend.rid));
            let Some(stored) = ring.and_then(|ring| ring.get_mut(resend.sequence)) else {
                continue;
            };
            let mut packet = OutgoingPacket::of(
                stored,
                resend.section,
                stored.sequence,
                stored.timestamp,
                None,
            );
            packet.rid = resend.rid;
            self.media.resend(now, path, &packet, batch);
        }
    }

    /// The next packet the peer has missed; give it to [`Session::resend`].
    pub fn poll_resend(&mut self) -> Option<Resend> {
        self.media.poll_resend()
    }

    /// Sends a packet again.
    pub fn resend(
        &mut self,
        now: Instant,
        packet: &OutgoingPacket<'_>,
        batch: &mut SendBatch,
    ) -> Sent {
        match self.transport.path() {
            Some(path) => self.media.resend(now, path, packet, batch),
            None => Sent::NotConnected,
        }
    }

    /// Prefetches what [`Session::send`] needs.
    pub fn prefetch(&self, stage: PrefetchStage) {
        if stage == PrefetchStage::Own {
            self.transport.prefetch();
            prefetch(&self.transport_due);
            prefetch(&self.is_transport_dirty);
        }
        self.media.prefetch(stage);
    }

    /// Whether pictures may leave now, without filling the queues of the path; sound always may.
    pub fn may_send(&mut self, now: Instant) -> bool {
        self.media.may_send(now)
    }

    /// When pictures that may not leave now may.
    pub fn pace_timeout(&self, now: Instant) -> Instant {
        self.media.pace_timeout(now)
    }

    /// Gives a section that sends a new RTP stream, with a new SSRC and numbers of its own, before
    /// it carries another track. Browsers do not render a track that comes back with the SSRC of
    /// one they have removed. The next answer names the new SSRC.
    pub fn renew_stream(&mut self, section: usize) {
        self.media.renew_stream(section);
    }

    /// Whether the peer takes a codec in a section.
    pub fn takes(&self, section: usize, codec: Codec) -> bool {
        self.media.takes(section, codec)
    }

    /// Asks the peer for a keyframe of what it sends in a section. The request leaves at the next
    /// [`Session::handle_timeout`].
    pub fn request_keyframe(&mut self, section: usize, rid: Option<Rid>) {
        self.media.request_keyframe(section, rid);
    }

    /// Tells the estimator what the peer could use, in bits per second. It probes the path when
    /// that is above its estimate.
    pub fn set_wanted_bitrate(&mut self, now: Instant, desired_bps: u64) {
        self.media.set_wanted_bitrate(now, desired_bps);
    }

    /// Begins to end the session: poll until [`Event::Closed`] or give up after a moment.
    pub fn close(&mut self) {
        self.is_transport_touched = true;
        self.transport.close();
    }
}

fn description(error: impl ToString) -> SessionError {
    SessionError::Description(error.to_string())
}
