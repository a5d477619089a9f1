//! A client's offers, and what it reads in their answers (RFC 9429 §5.2, §5.11).
//!
//! They look like Chromium's, because servers are made for those: the same payload types and
//! extension ids, Opus before RED, and sections that send nothing name no stream.

use super::description::{Description, Origin, Transport};
use super::negotiate::{Agreement, Capabilities, negotiate};
use super::read_section::channels;
use super::section::{
    Direction, Extension, Feedback, Format, FormatCodec, Msid, Rid, RidDirection, Section,
    SectionKind, Simulcast,
};
use super::server_answer::{MAX_MESSAGE_BYTES, SCTP_PORT, SentStream, name_stream};
use crate::codec::{Codec, MediaKind};
use crate::media::extension::HeaderExtension;

/// Why an answer does not fit the offer. The server is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The answer has another number of sections.
    #[error("the answer has {answered} media sections to the {offered} of the offer")]
    Count {
        /// Sections of the offer.
        offered: usize,
        /// Sections of the answer.
        answered: usize,
    },
    /// A section of the answer has another `a=mid`, or is of another kind.
    #[error("media section {0} of the answer is not that of the offer")]
    Section(usize),
}

/// A track to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentTrack {
    /// Sound or pictures.
    pub kind: MediaKind,
    /// The id it is known by.
    pub track_id: String,
    /// Encodings, lowest first; empty without simulcast.
    pub rids: Vec<String>,
    /// Its stream. The streams of simulcast go by their RIDs and are not named.
    pub stream: Option<SentStream>,
}

/// A section as both sides have agreed on it, seen from the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredSection {
    /// Formats and header extensions; none for data channels and where the server refused.
    pub agreement: Option<Agreement>,
    /// Whether the server takes part in the section at all.
    pub is_accepted: bool,
    /// Who sends.
    pub direction: Direction,
    /// Encodings the server takes.
    pub rids: Vec<String>,
    /// The track the server sends.
    pub msid: Option<Msid>,
    /// Streams the server sends, each with the one that repairs it.
    pub streams: Vec<(u32, Option<u32>)>,
}

/// The sections of a client's session, which stay in place from offer to offer.
#[derive(Debug, Clone)]
pub struct ClientOffer {
    origin: Origin,
    sections: Vec<Section>,
}

impl ClientOffer {
    /// Begins without sections. `id` names the session and must be below 2^63.
    pub const fn new(id: u64) -> Self {
        Self {
            origin: Origin { id, version: 0 },
            sections: Vec::new(),
        }
    }

    /// Adds the section of all data channels.
    pub fn add_channels(&mut self, mid: &str) {
        let mut section = Section::new(mid, SectionKind::Application);
        section.sctp_port = Some(SCTP_PORT);
        section.max_message_size = Some(MAX_MESSAGE_BYTES);
        self.sections.push(section);
    }

    /// Adds a section to receive in.
    pub fn add_receiver(&mut self, mid: &str, kind: MediaKind) {
        self.sections
            .push(media_section(mid, kind, Direction::RecvOnly));
    }

    /// Adds a section with a track.
    pub fn add_track(&mut self, mid: &str, track: &SentTrack) {
        let mut section = media_section(mid, track.kind, Direction::SendOnly);
        section.msid = Some(Msid {
            stream: "-".to_owned(),
            track: Some(track.track_id.clone()),
        });
        section.rids = track
            .rids
            .iter()
            .map(|name| Rid {
                name: name.clone(),
                direction: RidDirection::Send,
            })
            .collect();
        section.simulcast = Simulcast {
            send: track.rids.clone(),
            receive: Vec::new(),
        };
        if let Some(stream) = track.stream.as_ref().filter(|_| track.rids.is_empty()) {
            name_stream(&mut section, stream);
        }
        self.sections.push(section);
    }

    /// Changes the direction of a section: inactive to stop a track, receiving to receive again.
    /// Returns whether there is such a section.
    pub fn set_direction(&mut self, mid: &str, direction: Direction) -> bool {
        let section = self.sections.iter_mut().find(|section| section.mid == mid);
        let Some(section) = section else { return false };
        section.direction = direction;
        if !direction.sends() {
            // RFC 8830 §2: a stream is named by whoever sends it.
            section.msid = None;
            section.ssrcs.clear();
            section.repairs.clear();
            section.rids.clear();
            section.simulcast = Simulcast::default();
        }
        true
    }

    /// The sections, in the order of the offer.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Writes the next offer. New credentials in `transport` ask for an ICE restart.
    pub fn describe(&mut self, transport: &Transport) -> Description {
        self.origin.version += 1;
        Description {
            origin: self.origin,
            transport: transport.clone(),
            has_bundle: true,
            extmap_allow_mixed: true,
            sections: self.sections.clone(),
        }
    }

    /// Reads the answer to the last offer.
    ///
    /// # Errors
    /// [`AnswerError`] when it does not answer this offer.
    pub fn read_answer(&self, answer: &Description) -> Result<Vec<AnsweredSection>, AnswerError> {
        if answer.sections.len() != self.sections.len() {
            return Err(AnswerError::Count {
                offered: self.sections.len(),
                answered: answer.sections.len(),
            });
        }
        let pairs = self.sections.iter().zip(&answer.sections);
        pairs
            .enumerate()
            .map(|(index, (offered, answered))| {
                if offered.mid != answered.mid || offered.kind != answered.kind {
                    return Err(AnswerError::Section(index));
                }
                Ok(answered_section(offered, answered))
            })
            .collect()
    }
}

fn answered_section(offered: &Section, answered: &Section) -> AnsweredSection {
    let agreement = negotiate(answered, &Capabilities::ALL);
    let is_accepted = match answered.kind {
        SectionKind::Application => answered.is_usable(),
        SectionKind::Media(_) | SectionKind::Other => agreement.is_some(),
    };
    let (own, theirs) = (offered.direction, answered.direction.reversed());
    let direction = Direction::new(
        is_accepted && own.sends() && theirs.sends(),
        is_accepted && own.receives() && theirs.receives(),
    );
    AnsweredSection {
        agreement,
        is_accepted,
        direction,
        rids: answered.received_rids(),
        msid: answered.msid.clone(),
        streams: answered.streams(),
    }
}

fn media_section(mid: &str, kind: MediaKind, direction: Direction) -> Section {
    let (formats, extensions) = match kind {
        MediaKind::Audio => (AUDIO_FORMATS, AUDIO_EXTENSIONS),
        MediaKind::Video => (VIDEO_FORMATS, VIDEO_EXTENSIONS),
    };
    let mut section = Section::new(mid, SectionKind::Media(kind));
    section.direction = direction;
    section.formats = formats.iter().flat_map(OfferedFormat::formats).collect();
    section.extensions = extensions
        .iter()
        .map(|&(id, extension)| Extension {
            id,
            extension,
            direction: Direction::SendRecv,
        })
        .collect();
    section.rtcp_mux = true;
    section.rtcp_rsize = true;
    section
}

/// A payload type of Chromium's.
struct OfferedFormat {
    codec: Codec,
    payload_type: u8,
    repair: Option<u8>,
    parameters: &'static str,
}

impl OfferedFormat {
    const fn new(
        codec: Codec,
        payload_type: u8,
        repair: Option<u8>,
        parameters: &'static str,
    ) -> Self {
        Self {
            codec,
            payload_type,
            repair,
            parameters,
        }
    }

    fn formats(&self) -> impl Iterator<Item = Format> + use<> {
        let clock_rate_hz = self.codec.clock_rate_hz();
        let apt = self.payload_type;
        let media = Format {
            payload_type: apt,
            codec: FormatCodec::Media(self.codec),
            clock_rate_hz,
            channels: channels(self.codec),
            parameters: self.parameters.to_owned(),
            feedback: match self.codec {
                Codec::Opus => Feedback {
                    transport_cc: true,
                    ..Feedback::default()
                },
                Codec::Red => Feedback::default(),
                Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1 => Feedback::ALL,
            },
        };
        let repair = self.repair.map(|payload_type| Format {
            payload_type,
            codec: FormatCodec::Rtx { apt },
            clock_rate_hz,
            channels: 1,
            parameters: String::new(),
            feedback: Feedback::default(),
        });
        std::iter::once(media).chain(repair)
    }
}

const AUDIO_FORMATS: &[OfferedFormat] = &[
    OfferedFormat::new(Codec::Opus, 111, None, "minptime=10;useinbandfec=1"),
    OfferedFormat::new(Codec::Red, 63, None, "111/111"),
];

const VIDEO_FORMATS: &[OfferedFormat] = &[
    OfferedFormat::new(Codec::Vp8, 96, Some(97), ""),
    OfferedFormat::new(
        Codec::H264,
        102,
        Some(103),
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
    ),
    OfferedFormat::new(
        Codec::H264,
        108,
        Some(109),
        "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    ),
    OfferedFormat::new(Codec::Vp9, 98, Some(99), "profile-id=0"),
    OfferedFormat::new(Codec::Av1, 45, Some(46), "level-idx=5;profile=0;tier=0"),
];

const AUDIO_EXTENSIONS: &[(u8, HeaderExtension)] = &[
    (1, HeaderExtension::AudioLevel),
    (2, HeaderExtension::AbsoluteSendTime),
    (3, HeaderExtension::TransportSequence),
    (4, HeaderExtension::Mid),
];

const VIDEO_EXTENSIONS: &[(u8, HeaderExtension)] = &[
    (2, HeaderExtension::AbsoluteSendTime),
    (13, HeaderExtension::VideoOrientation),
    (3, HeaderExtension::TransportSequence),
    (4, HeaderExtension::Mid),
    (10, HeaderExtension::Rid),
    (11, HeaderExtension::RepairedRid),
    (12, HeaderExtension::DependencyDescriptor),
];
