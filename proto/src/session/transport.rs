//! ICE, DTLS and SCTP with one peer. The only module, with `crypto` and `channel`, that names
//! str0m.
//!
//! str0m is given descriptions that hold data channels and nothing else, because that is how it
//! restarts ICE; it never sees a datagram of RTP or RTCP. The keys for those come out of the DTLS
//! handshake, see `crypto`.

use std::fmt::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use prefetch::prefetch;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::crypto::Fingerprint;
use str0m::crypto::dtls::DtlsVersion;
use str0m::net::{Protocol, Receive};
use str0m::{
    Candidate, Event as RtcEvent, IceConnectionState, IceCreds, Input, Output as RtcOutput, Rtc,
};

use super::channel::{self, Channels};
use super::{
    DataChannel, Event, IceCredentials, MAX_CHANNEL_BUFFER_BYTES, MAX_MESSAGE_BYTES, SessionConfig,
    SessionError, description,
};
use crate::demux::DatagramClass;
use crate::jsep::{self, Setup};
use crate::media::{Path, SendBatch};

/// How often the transport tells its round trip time.
const STATS_INTERVAL: Duration = Duration::from_secs(5);

/// What came out of the transport.
#[derive(Debug)]
pub(super) enum TransportOutput {
    Event(Event),
    /// A measured round trip time.
    RoundTrip(Duration),
    /// Nothing more until then.
    Timeout(Instant),
}

#[derive(Debug)]
pub(super) struct Transport {
    pub(super) rtc: Box<Rtc>,
    pub(super) channels: Channels,
    pub(super) credentials: IceCredentials,
    addresses: Vec<SocketAddr>,
    remote_ufrag: Option<String>,
    /// Whether channels are agreed on.
    has_channels: bool,
    pending: Option<Pending>,
    /// Over which addresses media goes.
    path: Option<Path>,
    /// Whether the peer nominates, as the side that offered does.
    is_nominated: bool,
}

#[derive(Debug)]
struct Pending {
    offer: SdpPendingOffer,
    mid: String,
}

impl Transport {
    pub(super) fn new(now: Instant, config: &SessionConfig, credentials: IceCredentials) -> Self {
        // Full ICE, not lite: its own checks prove that a peer is where its packets come from
        // before any DTLS or media goes there.
        let mut rtc = Rtc::builder()
            .set_rtp_mode(true)
            .set_crypto_provider(config.identity.provider())
            .set_dtls_cert(config.identity.certificate())
            .set_dtls_version(DtlsVersion::Dtls12)
            .set_local_ice_credentials(credentials.to_str0m())
            .clear_codecs()
            .set_stats_interval(Some(STATS_INTERVAL))
            .set_sctp_max_message_size(MAX_MESSAGE_BYTES as u32)
            .set_sctp_max_buffered_amount(MAX_CHANNEL_BUFFER_BYTES)
            .build(now);
        for address in &config.addresses {
            if let Ok(candidate) = Candidate::host(*address, Protocol::Udp) {
                rtc.add_local_candidate(candidate);
            }
        }
        Self {
            rtc: Box::new(rtc),
            channels: Channels::default(),
            credentials,
            addresses: config.addresses.clone(),
            remote_ufrag: None,
            has_channels: false,
            pending: None,
            path: None,
            is_nominated: false,
        }
    }

    /// Over which addresses media goes, once there are any.
    pub(super) const fn path(&self) -> Option<Path> {
        self.path
    }

    /// Prefetches the path.
    pub(super) fn prefetch(&self) {
        prefetch(&self.path);
    }

    /// This side as a description tells it.
    pub(super) fn describe(&mut self, setup: Setup) -> jsep::Transport {
        let api = self.rtc.direct_api();
        let own = api.local_dtls_fingerprint();
        jsep::Transport {
            ufrag: self.credentials.ufrag().to_owned(),
            password: self.credentials.password().to_owned(),
            fingerprints: vec![jsep::Fingerprint {
                hash: own.hash_func.clone(),
                bytes: own.bytes.clone(),
            }],
            setup,
            candidates: self
                .addresses
                .iter()
                .enumerate()
                .map(host_candidate)
                .collect(),
            end_of_candidates: true,
            ..jsep::Transport::default()
        }
    }

    /// Whether a STUN request names this session and proves its password.
    pub(super) fn accepts(
        &self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        stun: &[u8],
    ) -> bool {
        Receive::new(Protocol::Udp, source, local, stun)
            .is_ok_and(|receive| self.rtc.accepts(&Input::Receive(now, receive)))
    }

    /// Takes a datagram of STUN or DTLS. `nominates` says that it is a check that nominates its
    /// path (RFC 8445 §7.3.1.5).
    pub(super) fn handle_datagram(
        &mut self,
        now: Instant,
        source: SocketAddr,
        local: SocketAddr,
        datagram: &[u8],
        nominates: bool,
    ) -> Result<(), SessionError> {
        let Ok(receive) = Receive::new(Protocol::Udp, source, local, datagram) else {
            return Ok(());
        };
        let nominated = Path {
            source: local,
            destination: source,
        };
        let input = Input::Receive(now, receive);
        if nominates && self.path != Some(nominated) && self.rtc.accepts(&input) {
            self.path = Some(nominated);
            self.is_nominated = true;
        }
        self.rtc.handle_input(input).map_err(transport)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        self.rtc
            .handle_input(Input::Timeout(now))
            .map_err(transport)
    }

    /// Gives the next output; datagrams go into the batch.
    pub(super) fn poll(&mut self, batch: &mut SendBatch) -> Result<TransportOutput, SessionError> {
        loop {
            match self.rtc.poll_output().map_err(transport)? {
                RtcOutput::Timeout(at) => return Ok(TransportOutput::Timeout(at)),
                RtcOutput::Transmit(transmit) => {
                    let path = Path {
                        source: transmit.source,
                        destination: transmit.destination,
                    };
                    if DatagramClass::of(&transmit.contents) == DatagramClass::Dtls
                        && !self.is_nominated
                    {
                        // DTLS goes over the best pair there is.
                        self.path = Some(path);
                    }
                    batch.push(path, &transmit.contents);
                }
                RtcOutput::Event(event) => {
                    if let Some(output) = self.translate(event) {
                        return Ok(output);
                    }
                }
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "str0m's list is long and grows"
    )]
    fn translate(&mut self, event: RtcEvent) -> Option<TransportOutput> {
        let event = match event {
            RtcEvent::Connected => Event::Connected,
            RtcEvent::IceConnectionStateChange(IceConnectionState::Disconnected) => Event::PathLost,
            RtcEvent::IceConnectionStateChange(state) if state.is_connected() => {
                Event::PathRestored
            }
            RtcEvent::ChannelOpen(id, label) => {
                let channel = self.channels.opened(id, &label)?;
                if let Some(mut open) = self.rtc.channel(id) {
                    open.set_buffered_amount_low_threshold(MAX_CHANNEL_BUFFER_BYTES / 4);
                }
                Event::ChannelOpen(channel)
            }
            RtcEvent::ChannelData(data) => Event::Data(self.channels.of(data.id)?, data.data),
            RtcEvent::ChannelBufferedAmountLow(id) => Event::ChannelWritable(self.channels.of(id)?),
            RtcEvent::ChannelClose(id) => {
                self.channels.closed(id);
                return None;
            }
            RtcEvent::PeerStats(stats) => {
                let pair = stats.selected_candidate_pair?;
                if !self.is_nominated {
                    self.path = Some(Path {
                        source: pair.local.addr,
                        destination: pair.remote.addr,
                    });
                }
                return pair.current_round_trip_time.map(TransportOutput::RoundTrip);
            }
            RtcEvent::Closed => Event::Closed,
            _ => return None,
        };
        Some(TransportOutput::Event(event))
    }

    /// Begins to end the session.
    pub(super) fn close(&mut self) {
        if self.rtc.close().is_err() {
            self.rtc.disconnect();
        }
    }

    /// Takes the peer's side out of its offer. Returns whether it restarts ICE; `fresh` are our
    /// credentials from then on.
    pub(super) fn accept_offer(
        &mut self,
        remote: &jsep::Transport,
        has_channels: bool,
        fresh: IceCredentials,
    ) -> Result<bool, SessionError> {
        let is_first = self.remote_ufrag.is_none();
        let restarts = !is_first && self.remote_ufrag.as_deref() != Some(&remote.ufrag);
        let adds_channels = has_channels && !self.has_channels;
        if !is_first && !restarts && !adds_channels {
            return Ok(false);
        }
        self.remote_ufrag = Some(remote.ufrag.clone());
        self.has_channels |= has_channels;
        let text = describe(remote, "0", self.has_channels)?;
        let offer = SdpOffer::from_sdp_string(&text).map_err(description)?;
        self.rtc
            .sdp_api()
            .accept_offer(offer)
            .map_err(description)?;
        if restarts {
            // str0m has drawn new credentials by itself, from a generator that can be guessed.
            self.rtc
                .direct_api()
                .set_local_ice_credentials(fresh.to_str0m());
            self.credentials = fresh;
            self.is_nominated = false;
        }
        Ok(restarts)
    }

    /// Prepares an offer: opens the channels if asked, and restarts ICE.
    pub(super) fn offer(&mut self, opens_channels: bool, restarts: bool) {
        if self.remote_ufrag.is_none() {
            self.rtc.direct_api().set_ice_controlling(true);
        }
        let mut api = self.rtc.sdp_api();
        if opens_channels && !self.has_channels {
            for channel in DataChannel::ALL {
                let _ = api.add_channel_with_config(channel::config(channel));
            }
        }
        if restarts {
            let fresh = api.ice_restart(true);
            self.credentials = IceCredentials::from_str0m(fresh);
        }
        self.pending = api.apply().map(|(offer, pending)| Pending {
            offer: pending,
            mid: mid_of(&offer.to_sdp_string()),
        });
        self.has_channels |= opens_channels;
    }

    /// Takes the peer's side out of its answer.
    pub(super) fn accept_answer(&mut self, remote: &jsep::Transport) -> Result<(), SessionError> {
        if let Some(pending) = self.pending.take() {
            let text = describe(remote, &pending.mid, self.has_channels)?;
            let answer = SdpAnswer::from_sdp_string(&text).map_err(description)?;
            self.rtc
                .sdp_api()
                .accept_answer(pending.offer, answer)
                .map_err(description)?;
        } else if self.remote_ufrag.is_none() {
            let fingerprint = remote
                .fingerprints
                .first()
                .ok_or_else(|| description("the answer has no a=fingerprint"))?;
            let mut api = self.rtc.direct_api();
            api.set_remote_ice_credentials(IceCreds {
                ufrag: remote.ufrag.clone(),
                pass: remote.password.clone(),
            });
            api.set_remote_fingerprint(Fingerprint {
                hash_func: fingerprint.hash.clone(),
                bytes: fingerprint.bytes.clone(),
            });
            api.start_dtls(remote.setup.lets_offerer_open())
                .map_err(transport)?;
        }
        self.remote_ufrag = Some(remote.ufrag.clone());
        for candidate in &remote.candidates {
            // One that cannot be read may be of a kind that is not spoken here.
            let _ = self.add_candidate(candidate);
        }
        Ok(())
    }

    /// Takes an address of the peer's.
    pub(super) fn add_candidate(&mut self, text: &str) -> Result<(), SessionError> {
        let text = text.strip_prefix("a=").unwrap_or(text);
        let candidate = Candidate::from_sdp_string(text).map_err(description)?;
        self.rtc.add_remote_candidate(candidate);
        Ok(())
    }

    /// Replaces an address of this side.
    pub(super) fn change_address(&mut self, from: SocketAddr, to: SocketAddr) {
        if let Ok(gone) = Candidate::host(from, Protocol::Udp) {
            self.rtc.direct_api().invalidate_candidate(&gone);
        }
        if let Ok(candidate) = Candidate::host(to, Protocol::Udp) {
            self.rtc.add_local_candidate(candidate);
        }
        self.addresses.retain(|address| *address != from);
        self.addresses.push(to);
    }
}

/// A host candidate (RFC 8839 §5.1), the first ones preferred (RFC 8445 §5.1.2.1).
fn host_candidate((index, address): (usize, &SocketAddr)) -> String {
    const HOST_PREFERENCE: u32 = 126;
    let local_preference = 0xFFFF - index.min(0xFFFF) as u32;
    let priority = HOST_PREFERENCE << 24 | local_preference << 8 | 255;
    let (ip, port) = (address.ip(), address.port());
    format!(
        "candidate:{} 1 udp {priority} {ip} {port} typ host",
        index + 1
    )
}

/// A description with data channels and nothing else.
fn describe(
    remote: &jsep::Transport,
    mid: &str,
    has_channels: bool,
) -> Result<String, SessionError> {
    let mut text = String::with_capacity(512);
    let port = if has_channels { 9 } else { 0 };
    let setup = match remote.setup {
        Setup::ActPass => "actpass",
        Setup::Active => "active",
        Setup::Passive => "passive",
    };
    let lite = if remote.ice_lite {
        "a=ice-lite\r\n"
    } else {
        ""
    };
    let _ = write!(
        text,
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n{lite}a=group:BUNDLE {mid}\r\n\
         m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n\
         a=mid:{mid}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=setup:{setup}\r\na=sctp-port:5000\r\n\
         a=max-message-size:{MAX_MESSAGE_BYTES}\r\n",
        remote.ufrag, remote.password,
    );
    if remote.fingerprints.is_empty() {
        return Err(description("there is no a=fingerprint"));
    }
    for fingerprint in &remote.fingerprints {
        let _ = write!(text, "a=fingerprint:{} ", fingerprint.hash);
        for (index, byte) in fingerprint.bytes.iter().enumerate() {
            let colon = if index == 0 { "" } else { ":" };
            let _ = write!(text, "{colon}{byte:02X}");
        }
        text.push_str("\r\n");
    }
    Ok(text)
}

fn mid_of(text: &str) -> String {
    let mid = text.lines().find_map(|line| line.strip_prefix("a=mid:"));
    mid.unwrap_or("0").to_owned()
}

pub(super) fn transport(error: str0m::RtcError) -> SessionError {
    SessionError::Transport(error.to_string())
}
