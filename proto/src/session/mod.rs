//! A session: one transport with one peer, ICE + DTLS + SRTP + SCTP, sans-IO.
//!
//! This is the only module that names str0m. Drive a [`Session`] like this:
//! 1. hand it one input: [`Session::handle_datagram`], [`Session::handle_timeout`], packets with
//!    [`Session::send`], or a description;
//! 2. call [`Session::poll`] until it says [`Output::Timeout`], and call
//!    [`Session::handle_timeout`] then at the latest.
//!
//! Any error is fatal to the session, and to nothing else.
//!
//! The server answers ([`Session::accept_offer`], [`Session::answer`]); a client, such as a test
//! or the load tester, offers ([`Session::offer`], [`Session::accept_answer`]).
//!
//! Not implemented: DTLS 1.3 (it would cost AEAD with today's browsers), ICE over TCP, TURN.

mod answerer;
mod channel;
mod crypto;
mod event;
mod offerer;
mod packet;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt};
use str0m::bwe::Bitrate;
use str0m::crypto::dtls::DtlsVersion;
use str0m::media::{KeyframeRequestKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{Extension, RtpWrite, Ssrc, Vp8Descriptor};
use str0m::{Candidate, IceCreds, Input, Rtc, RtcConfig};

pub use answerer::AcceptedOffer;
pub use channel::DataChannel;
pub use crypto::DtlsIdentity;
pub use event::{Event, Output, SessionStats, Transmit};
pub use offerer::{OfferChanges, TrackOffer};
pub use packet::{
    DependencyDescriptor, MediaExtensions, MediaPacket, OutgoingPacket, Rid, SenderClock,
    Vp8Numbers,
};

use crate::codec::Codec;

/// Rate a fresh session is assumed to carry, until measured: what a page of small pictures and
/// their sounds takes. An estimator that is given less cannot measure more, because no more is
/// sent; higher floods poor links for the second it takes to find out.
const INITIAL_ESTIMATE_BPS: u64 = 8_000_000;
/// Packets per sent video stream that can be sent again; str0m's 1,000 cost 460 kB each.
const RETRANSMISSION_PACKETS: usize = 256;
/// How often [`Event::Stats`] is given. Longer saves a walk over the streams.
const STATS_INTERVAL: Duration = Duration::from_secs(5);
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

/// A media section as the session knows it.
#[derive(Debug, Clone)]
struct Section {
    mid: Mid,
    /// Payload type for each codec the peer takes in this section.
    payload_types: Vec<(Codec, Pt)>,
}

/// One transport with one peer.
#[derive(Debug)]
pub struct Session {
    rtc: Rtc,
    credentials: IceCredentials,
    remote_ufrag: Option<String>,
    /// By index of the media section; `None` for data channels and rejected sections.
    sections: Vec<Option<Section>>,
    section_by_mid: HashMap<Mid, usize>,
    codec_by_payload_type: [Option<Codec>; 128],
    /// Where each received RTP stream belongs, learnt from its first packet.
    received: HashMap<Ssrc, ReceivedStream>,
    channels: channel::Channels,
    pending_offer: Option<offerer::PendingOffer>,
    connected: bool,
}

#[derive(Debug, Clone, Copy)]
struct ReceivedStream {
    section: usize,
    rid: Option<Rid>,
}

/// Most RTP streams received in one session, unless it has more sections; packets of further ones
/// are dropped. A client that watches a large room has a section for each track.
pub const MAX_RECEIVED_STREAMS: usize = 64;

impl Session {
    /// Makes a session that offers the given addresses.
    pub fn new(now: Instant, config: &SessionConfig, credentials: IceCredentials) -> Self {
        let mut rtc = rtc_config(config, &credentials).build(now);
        for address in &config.addresses {
            if let Ok(candidate) = Candidate::host(*address, Protocol::Udp) {
                rtc.add_local_candidate(candidate);
            }
        }
        Self {
            rtc,
            credentials,
            remote_ufrag: None,
            sections: Vec::new(),
            section_by_mid: HashMap::new(),
            codec_by_payload_type: [None; 128],
            received: HashMap::new(),
            channels: channel::Channels::default(),
            pending_offer: None,
            connected: false,
        }
    }

    /// The user name fragment the peer's checks carry at present.
    pub fn ufrag(&self) -> &str {
        self.credentials.ufrag()
    }

    /// Whether ICE and DTLS have come up.
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// Whether a STUN request belongs to this session: names it and proves its password.
    pub fn accepts(
        &self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        stun: &[u8],
    ) -> bool {
        Receive::new(Protocol::Udp, source, local, stun)
            .is_ok_and(|receive| self.rtc.accepts(&Input::Receive(now, receive)))
    }

    /// Takes one datagram, which must belong to this session.
    ///
    /// # Errors
    /// [`SessionError::Transport`] is fatal. Malformed datagrams are not errors: they are ignored.
    pub fn handle_datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        datagram: &[u8],
    ) -> Result<(), SessionError> {
        let Ok(receive) = Receive::new(Protocol::Udp, source, local, datagram) else {
            return Ok(());
        };
        self.rtc
            .handle_input(Input::Receive(now, receive))
            .map_err(transport)
    }

    /// Moves time on.
    ///
    /// # Errors
    /// [`SessionError::Transport`] is fatal.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        self.rtc
            .handle_input(Input::Timeout(now))
            .map_err(transport)
    }

    /// Queues a packet; it leaves at the next [`Session::handle_timeout`] and poll. Returns
    /// whether the peer takes this codec in this section.
    pub fn send(&mut self, packet: OutgoingPacket) -> bool {
        let Some(section) = self.sections.get(packet.section).and_then(Option::as_ref) else {
            return false;
        };
        let Some(&(_, payload_type)) = section
            .payload_types
            .iter()
            .find(|(codec, _)| *codec == packet.codec)
        else {
            return false;
        };
        let mid = section.mid;
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, packet.rid.map(|rid| rid.0)) else {
            return false;
        };
        let patch = packet
            .vp8
            .and_then(|numbers| vp8_patch(&packet.payload, numbers));
        let mut write = RtpWrite::new(
            payload_type,
            packet.sequence.into(),
            packet.timestamp,
            packet.wallclock,
            packet.payload,
        )
        .marker(packet.marker)
        .nackable(packet.codec.video().is_some())
        .ext_vals(packet.extensions.write());
        if let Some(patch) = patch {
            write = write.vp8_patch(patch);
        }
        stream.write_rtp(write);
        true
    }

    /// Gives a section that sends a new RTP stream, with a new SSRC and numbers of its own, before
    /// it carries another track. Browsers do not render a track that comes back with the SSRC of
    /// one they have removed. The next answer names the new SSRC.
    pub fn renew_stream(&mut self, section: usize) {
        let Some(section) = self.sections.get(section).and_then(Option::as_ref) else {
            return;
        };
        let mid = section.mid;
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(mid, None) else {
            return;
        };
        let (old, repaired) = (stream.ssrc(), stream.rtx().is_some());
        api.remove_stream_tx(old);
        let ssrc = api.new_ssrc();
        let repair = repaired.then(|| api.new_ssrc());
        api.declare_stream_tx(ssrc, repair, mid, None);
    }

    /// Whether the peer takes a codec in a section.
    pub fn takes(&self, section: usize, codec: Codec) -> bool {
        let section = self.sections.get(section).and_then(Option::as_ref);
        section.is_some_and(|section| section.payload_types.iter().any(|(own, _)| *own == codec))
    }

    /// Asks the peer for a keyframe of what it sends in a section.
    pub fn request_keyframe(&mut self, section: usize, rid: Option<Rid>) {
        let Some(section) = self.sections.get(section).and_then(Option::as_ref) else {
            return;
        };
        let mut api = self.rtc.direct_api();
        if let Some(stream) = api.stream_rx_by_mid(section.mid, rid.map(|rid| rid.0)) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
    }

    /// Tells the estimator what the peer could use, in bits per second. It probes the path when
    /// that rises above its estimate.
    pub fn set_wanted_bitrate(&mut self, desired_bps: u64) {
        // No minimum: padding up to one would fill the pauses in which the estimator probes, and
        // an estimate that has once been low would stay so.
        self.rtc
            .bwe()
            .set_bitrate(Bitrate::ZERO, Bitrate::from(desired_bps));
    }

    /// Begins to end the session: poll until [`Event::Closed`] or give up after a moment.
    pub fn close(&mut self) {
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
    }

    /// Reads which codecs and payload types are agreed, after a description was applied.
    fn refresh_sections<'a>(&mut self, mids: impl Iterator<Item = &'a str>) {
        self.sections.clear();
        self.section_by_mid.clear();
        self.codec_by_payload_type = [None; 128];
        for params in self.rtc.codec_config().params() {
            for (codec, payload_type) in codecs_of(params) {
                self.codec_by_payload_type[usize::from(*payload_type & 0x7F)] = Some(codec);
            }
        }
        for (index, mid) in mids.enumerate() {
            let mid: Mid = mid.into();
            let section = self.rtc.media(mid).map(|media| Section {
                mid,
                payload_types: self
                    .rtc
                    .codec_config()
                    .params()
                    .iter()
                    .filter(|params| media.remote_pts().contains(&params.pt()))
                    .flat_map(codecs_of)
                    .collect(),
            });
            self.section_by_mid.insert(mid, index);
            self.sections.push(section);
        }
        let known = &self.section_by_mid;
        let sections = &self.sections;
        self.received.retain(|_, stream| {
            let section = sections.get(stream.section).and_then(Option::as_ref);
            section.is_some_and(|section| known.get(&section.mid) == Some(&stream.section))
        });
    }
}

fn rtc_config(config: &SessionConfig, credentials: &IceCredentials) -> RtcConfig {
    // Full ICE, not lite: its own checks prove that a peer is where its packets come from before
    // any DTLS or media goes there.
    Rtc::builder()
        .set_rtp_mode(true)
        .set_crypto_provider(config.identity.provider())
        .set_dtls_cert(config.identity.certificate())
        .set_dtls_version(DtlsVersion::Dtls12)
        .set_local_ice_credentials(credentials.to_str0m())
        .clear_codecs()
        .enable_opus(true, true)
        .enable_vp8(true)
        .enable_h264(true)
        .enable_vp9(true)
        .enable_av1(true)
        .set_extension(12, packet::dependency_descriptor_extension())
        .set_extension(14, Extension::AbsoluteCaptureTime)
        .enable_bwe(
            config
                .estimates
                .then(|| Bitrate::from(INITIAL_ESTIMATE_BPS)),
        )
        .set_send_buffer_video(RETRANSMISSION_PACKETS)
        .set_stats_interval(Some(STATS_INTERVAL))
        .set_sctp_max_message_size(MAX_MESSAGE_BYTES as u32)
        .set_sctp_max_buffered_amount(MAX_CHANNEL_BUFFER_BYTES)
}

fn codecs_of(params: &str0m::format::PayloadParams) -> impl Iterator<Item = (Codec, Pt)> + use<> {
    use str0m::format::Codec as Theirs;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only our own codecs are enabled"
    )]
    let codec = match params.spec().codec {
        Theirs::Opus => Some(Codec::Opus),
        Theirs::Vp8 => Some(Codec::Vp8),
        Theirs::Vp9 => Some(Codec::Vp9),
        Theirs::H264 => Some(Codec::H264),
        Theirs::Av1 => Some(Codec::Av1),
        _ => None,
    };
    let red = params.red().map(|payload_type| (Codec::Red, payload_type));
    codec
        .map(|codec| (codec, params.pt()))
        .into_iter()
        .chain(red)
}

fn vp8_patch(payload: &[u8], numbers: Vp8Numbers) -> Option<str0m::rtp::Vp8Patch> {
    let mut patch = Vp8Descriptor::parse(payload).ok()?.patch();
    if let Some(picture_id) = numbers.picture_id {
        patch = patch.picture_id(picture_id);
    }
    if let Some(index) = numbers.tl0_pic_idx {
        patch = patch.tl0_pic_idx(index);
    }
    patch.build().ok()
}

fn transport(error: str0m::RtcError) -> SessionError {
    SessionError::Transport(error.to_string())
}

fn description(error: impl ToString) -> SessionError {
    SessionError::Description(error.to_string())
}
