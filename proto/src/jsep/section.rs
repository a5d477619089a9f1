//! A media section of an offer or answer (RFC 8866 §5.14).

use std::borrow::Cow;

use crate::codec::{Codec, MediaKind};
use crate::media::extension::HeaderExtension;

/// Most simulcast encodings of a section in one direction; further ones are left out.
pub const MAX_RIDS: usize = 4;
/// Most `a=ssrc` of a section; further ones are left out. Firefox names each encoding and its
/// retransmissions.
pub const MAX_SSRCS: usize = 32;

/// What a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// Audio or video.
    Media(MediaKind),
    /// Data channels.
    Application,
    /// Something the server does not know.
    Other,
}

/// Direction of a section, seen from whoever wrote the description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways; the default of RFC 8866 §6.7.
    #[default]
    SendRecv,
    /// From the writer.
    SendOnly,
    /// To the writer.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// The direction in which the writer does so.
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whether the writer sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the writer receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same, seen from the other side.
    pub const fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }
}

/// One media section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `a=mid`.
    pub mid: String,
    /// What it is for.
    pub kind: SectionKind,
    /// First word of `m=`.
    pub media: Cow<'static, str>,
    /// Third word of `m=`.
    pub protocol: Cow<'static, str>,
    /// Who sends.
    pub direction: Direction,
    /// Whether it is stopped or rejected: port 0 outside a bundle.
    pub stopped: bool,
    /// Whether it uses the session's transport: it is in the BUNDLE group, or, without a group,
    /// the first one that is not stopped.
    pub bundled: bool,
    /// Payload types in the order of `m=`, preferred ones first. There are no more than 96.
    pub formats: Vec<Format>,
    /// Header extensions that are known.
    pub extensions: Vec<Extension>,
    /// `a=rid` (RFC 8851).
    pub rids: Vec<Rid>,
    /// `a=simulcast` (RFC 8853).
    pub simulcast: Simulcast,
    /// The track sent.
    pub msid: Option<Msid>,
    /// `a=ssrc` (RFC 5576).
    pub ssrcs: Vec<Ssrc>,
    /// `a=ssrc-group:FID`: a stream, and the one that repeats what it has lost (RFC 5576 §4.2).
    pub repairs: Vec<(u32, u32)>,
    /// Whether RTCP comes on the port of RTP (RFC 5761).
    pub rtcp_mux: bool,
    /// Whether RTCP may be of reduced size (RFC 5506).
    pub rtcp_rsize: bool,
    /// SCTP port of data channels.
    pub sctp_port: Option<u16>,
    /// Largest data channel message taken, in bytes; 0 stands for any (RFC 8841 §6).
    pub max_message_size: Option<u64>,
}

impl Section {
    /// Makes a section with nothing in it.
    pub fn new(mid: &str, kind: SectionKind) -> Self {
        let (media, protocol) = match kind {
            SectionKind::Media(MediaKind::Audio) => ("audio", SECURE_RTP),
            SectionKind::Media(MediaKind::Video) => ("video", SECURE_RTP),
            SectionKind::Application | SectionKind::Other => ("application", DATA_CHANNELS),
        };
        Self {
            mid: mid.to_owned(),
            kind,
            media: Cow::Borrowed(media),
            protocol: Cow::Borrowed(protocol),
            direction: Direction::SendRecv,
            stopped: false,
            bundled: true,
            formats: Vec::new(),
            extensions: Vec::new(),
            rids: Vec::new(),
            simulcast: Simulcast::default(),
            msid: None,
            ssrcs: Vec::new(),
            repairs: Vec::new(),
            rtcp_mux: false,
            rtcp_rsize: false,
            sctp_port: None,
            max_message_size: None,
        }
    }

    /// Whether the section can carry anything: it is neither stopped nor apart from the session's
    /// transport, and its protocol is known.
    pub fn is_usable(&self) -> bool {
        let is_known = match self.kind {
            SectionKind::Media(_) => self.protocol.contains("RTP/SAVP"),
            SectionKind::Application => true,
            SectionKind::Other => false,
        };
        is_known && self.bundled && !self.stopped
    }

    /// The track id, the second word of `a=msid`.
    pub fn track_id(&self) -> Option<&str> {
        self.msid.as_ref()?.track.as_deref()
    }

    /// RIDs the writer sends, in the order of `a=simulcast` or, without it, of `a=rid`.
    pub fn sent_rids(&self) -> Vec<String> {
        self.rids_of(RidDirection::Send, &self.simulcast.send)
    }

    /// RIDs the writer receives, likewise.
    pub fn received_rids(&self) -> Vec<String> {
        self.rids_of(RidDirection::Receive, &self.simulcast.receive)
    }

    fn rids_of(&self, direction: RidDirection, ordered: &[String]) -> Vec<String> {
        if !ordered.is_empty() {
            return ordered.to_vec();
        }
        let own = self.rids.iter().filter(|rid| rid.direction == direction);
        own.map(|rid| rid.name.clone()).collect()
    }

    /// Streams the writer sends by SSRC, each with the one that repairs it.
    pub fn streams(&self) -> Vec<(u32, Option<u32>)> {
        let repair_of = |ssrc| {
            let group = self.repairs.iter().find(|(main, _)| *main == ssrc);
            group.map(|(_, repair)| *repair)
        };
        let is_main = |ssrc: &u32| !self.repairs.iter().any(|(_, repair)| repair == ssrc);
        let main = self.ssrcs.iter().map(|ssrc| ssrc.ssrc).filter(is_main);
        main.map(|ssrc| (ssrc, repair_of(ssrc))).collect()
    }

    /// The format with this payload type.
    pub fn format(&self, payload_type: u8) -> Option<&Format> {
        self.formats
            .iter()
            .find(|format| format.payload_type == payload_type)
    }

    /// The id of a header extension.
    pub fn extension_id(&self, extension: HeaderExtension) -> Option<u8> {
        let own = self
            .extensions
            .iter()
            .find(|own| own.extension == extension);
        own.map(|own| own.id)
    }
}

/// A payload type and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// The number: 0 to 63 or 96 to 127 (RFC 5761 §4).
    pub payload_type: u8,
    /// What the payload holds.
    pub codec: FormatCodec,
    /// Ticks of the RTP clock in a second.
    pub clock_rate_hz: u32,
    /// Audio channels.
    pub channels: u8,
    /// The text of `a=fmtp`; empty without.
    pub parameters: String,
    /// RTCP feedback understood for it.
    pub feedback: Feedback,
}

impl Format {
    /// The value of a format parameter (`stereo` in `minptime=10;stereo=1`).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.parameters, name)
    }
}

/// The value of a format parameter in the text of `a=fmtp`.
pub(super) fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';').find_map(|pair| {
        let (own, value) = pair.split_once('=')?;
        own.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// What a payload type holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormatCodec {
    /// Media of a codec.
    Media(Codec),
    /// Retransmissions of another payload type (RFC 4588).
    Rtx {
        /// That payload type.
        apt: u8,
    },
    /// Something the server does not know. It is not written.
    Unknown,
}

/// RTCP feedback of a payload type: `a=rtcp-fb` (RFC 4585, RFC 5104).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feedback {
    /// Lost packets are asked for again.
    pub nack: bool,
    /// A picture is asked for because one was lost.
    pub nack_pli: bool,
    /// A keyframe is asked for.
    pub ccm_fir: bool,
    /// Arrival times are told, by the number of [`HeaderExtension::TransportSequence`].
    pub transport_cc: bool,
    /// A bit rate is told (draft-alvestrand-rmcat-remb).
    pub goog_remb: bool,
}

impl Feedback {
    /// All of it: video.
    pub const ALL: Self = Self {
        nack: true,
        nack_pli: true,
        ccm_fir: true,
        transport_cc: true,
        goog_remb: true,
    };

    /// What is of use for audio.
    pub const AUDIO: Self = Self {
        nack: true,
        nack_pli: false,
        ccm_fir: false,
        transport_cc: true,
        goog_remb: false,
    };

    /// What both sides understand.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            nack: self.nack && other.nack,
            nack_pli: self.nack_pli && other.nack_pli,
            ccm_fir: self.ccm_fir && other.ccm_fir,
            transport_cc: self.transport_cc && other.transport_cc,
            goog_remb: self.goog_remb && other.goog_remb,
        }
    }

    /// What either of two lines says.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            nack: self.nack || other.nack,
            nack_pli: self.nack_pli || other.nack_pli,
            ccm_fir: self.ccm_fir || other.ccm_fir,
            transport_cc: self.transport_cc || other.transport_cc,
            goog_remb: self.goog_remb || other.goog_remb,
        }
    }
}

/// A header extension and the id it goes by: `a=extmap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// 1 to 255, but not 15.
    pub id: u8,
    /// What it is.
    pub extension: HeaderExtension,
    /// Who uses it, seen from the writer.
    pub direction: Direction,
}

/// Which way an encoding goes, seen from the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RidDirection {
    /// From the writer.
    Send,
    /// To the writer.
    Receive,
}

/// An encoding: `a=rid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rid {
    /// Its name, of 1 to 16 letters, digits, `-` and `_`.
    pub name: String,
    /// Which way it goes.
    pub direction: RidDirection,
}

/// Names of the encodings in each direction, in the order of `a=simulcast`. Of alternatives it is
/// the first, whether paused or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Simulcast {
    /// Those the writer sends.
    pub send: Vec<String>,
    /// Those the writer receives.
    pub receive: Vec<String>,
}

/// A track and the stream it belongs to: `a=msid` (RFC 8830).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Msid {
    /// The stream; `-` stands for none.
    pub stream: String,
    /// The track.
    pub track: Option<String>,
}

/// An RTP stream: `a=ssrc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ssrc {
    /// Its SSRC.
    pub ssrc: u32,
    /// Its `cname`; empty without.
    pub cname: String,
}

/// Protocol of audio and video sections (RFC 5764 §8).
const SECURE_RTP: &str = "UDP/TLS/RTP/SAVPF";
/// Protocol of data channels (RFC 8841 §4).
const DATA_CHANNELS: &str = "UDP/DTLS/SCTP";
