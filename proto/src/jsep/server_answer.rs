//! The server's answer to an offer (RFC 3264 §6, RFC 9429 §5.3).

use super::description::{Description, Origin, Transport};
use super::negotiate::{AgreedFormat, Agreement};
use super::read_section::channels;
use super::section::{
    Direction, Extension, Feedback, Format, FormatCodec, Msid, Rid, RidDirection, Section,
    SectionKind, Simulcast, Ssrc,
};
use crate::codec::Codec;
use crate::ids::{ParticipantSid, TrackSid};
use crate::media::extension::HeaderExtension;

/// SCTP port of data channels. Everybody uses this one.
pub const SCTP_PORT: u16 = 5000;
/// Largest data channel message taken, in bytes. SDKs send at most 64,000.
pub const MAX_MESSAGE_BYTES: u64 = 65_536;

/// What a section of the answer carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SectionAnswer {
    /// What the offer asks for: data channels, or a track of the client's own. Where the client
    /// receives, nothing is said of the track.
    Keep,
    /// A track of the client's own, to be sent in this way.
    Takes(Wanted),
    /// Nothing at present.
    Inactive,
    /// A track of another participant.
    Sends {
        /// Who publishes it.
        publisher: ParticipantSid,
        /// The track.
        track: TrackSid,
    },
}

/// How the client is to send a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The codec to send, if there is a wish. Clients send the first they are answered, so for a
    /// microphone, [`Codec::Opus`] stands for "without RED".
    pub codec: Option<Codec>,
    /// Whether silence need not be sent.
    pub dtx: bool,
    /// Whether sound is to have two channels.
    pub stereo: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            codec: None,
            dtx: true,
            stereo: false,
        }
    }
}

/// An RTP stream this side sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentStream {
    /// Its SSRC.
    pub ssrc: u32,
    /// The SSRC of its retransmissions.
    pub repair_ssrc: Option<u32>,
    /// Its name in RTCP.
    pub cname: String,
}

/// All that makes an answer. Lists have an entry for each section of the offer; missing ones
/// stand for [`SectionAnswer::Keep`], no agreement and no stream.
#[derive(Debug, Clone, Copy)]
pub struct ServerAnswer<'a> {
    /// The offer.
    pub offer: &'a Description,
    /// What [`negotiate_all`](super::negotiate::negotiate_all) has found for it.
    pub agreements: &'a [Option<Agreement>],
    /// Which description of this side it is.
    pub origin: Origin,
    /// Credentials, certificate, candidates and DTLS role of this side.
    pub transport: &'a Transport,
    /// What each section carries.
    pub sections: &'a [SectionAnswer],
    /// The stream in which each section sends.
    pub streams: &'a [Option<SentStream>],
}

impl ServerAnswer<'_> {
    /// Puts the answer together.
    pub fn describe(&self) -> Description {
        let opus = self.opus_of_published_tracks();
        let offered = self.offer.sections.iter().enumerate();
        Description {
            origin: self.origin,
            transport: self.transport.clone(),
            has_bundle: self.offer.has_bundle,
            extmap_allow_mixed: self.offer.extmap_allow_mixed,
            sections: offered
                .map(|(index, offered)| self.section(index, offered, &opus))
                .collect(),
        }
    }

    fn section(&self, index: usize, offered: &Section, opus: &OpusParameters) -> Section {
        let mut section = Section::new(&offered.mid, offered.kind);
        section.media.clone_from(&offered.media);
        section.protocol.clone_from(&offered.protocol);
        section.bundled = offered.bundled;
        section.direction = Direction::Inactive;
        match (offered.kind, self.agreements.get(index)) {
            (SectionKind::Application, _) if offered.is_usable() => {
                section.sctp_port = Some(SCTP_PORT);
                section.max_message_size = Some(MAX_MESSAGE_BYTES);
            }
            (SectionKind::Media(_), Some(Some(agreement))) => {
                self.fill(&mut section, index, offered, agreement, opus);
            }
            _ => {
                section.stopped = true;
                section.bundled = false;
            }
        }
        section
    }

    fn fill(
        &self,
        section: &mut Section,
        index: usize,
        offered: &Section,
        agreement: &Agreement,
        opus: &OpusParameters,
    ) {
        let carried = self.carried(index);
        section.direction = direction(carried, offered.direction);
        section.rtcp_mux = offered.rtcp_mux;
        section.rtcp_rsize = offered.rtcp_rsize;
        let own = agreement.extensions.iter();
        section.extensions = own
            .map(|&(id, extension)| Extension {
                id,
                extension,
                direction: Direction::SendRecv,
            })
            .collect();
        section.formats = self.formats(index, offered, agreement, opus);
        take_encodings(section, offered, agreement);
        // RFC 8830 §2; SDKs take a stream that is named for a track that is there.
        if section.direction.sends() {
            if let SectionAnswer::Sends { publisher, track } = carried {
                section.msid = Some(Msid {
                    stream: format!("{publisher}|{track}"),
                    track: Some(track.to_string()),
                });
            }
            if let Some(Some(stream)) = self.streams.get(index) {
                name_stream(section, stream);
            }
        }
    }

    fn carried(&self, index: usize) -> &SectionAnswer {
        self.sections.get(index).unwrap_or(&SectionAnswer::Keep)
    }

    fn formats(
        &self,
        index: usize,
        offered: &Section,
        agreement: &Agreement,
        opus: &OpusParameters,
    ) -> Vec<Format> {
        let first = match self.carried(index) {
            SectionAnswer::Takes(wanted) => wanted.codec,
            SectionAnswer::Keep | SectionAnswer::Inactive | SectionAnswer::Sends { .. } => None,
        };
        let (preferred, others): (Vec<&AgreedFormat>, Vec<&AgreedFormat>) = agreement
            .formats
            .iter()
            .partition(|format| Some(format.codec) == first);
        let mut formats = Vec::with_capacity(2 * agreement.formats.len());
        for agreed in preferred.into_iter().chain(others) {
            let parameters = match agreed.codec {
                Codec::Opus if offered.direction.sends() => {
                    opus_parameters(self.carried(index), offered.format(agreed.payload_type))
                }
                Codec::Opus => opus.of(agreed.payload_type),
                Codec::Red | Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Av1 => {
                    let format = offered.format(agreed.payload_type);
                    format.map_or("", |format| &format.parameters)
                }
            };
            push_format(&mut formats, agreed, parameters);
        }
        formats
    }

    /// The parameters of Opus in sections that carry a client's track. A payload type stands for
    /// one configuration in a bundle (RFC 9143 §9.1.1), so the other sections repeat them.
    fn opus_of_published_tracks(&self) -> OpusParameters {
        let mut opus = OpusParameters::default();
        let offered = self.offer.sections.iter().enumerate();
        for (index, offered) in offered.filter(|(_, offered)| offered.direction.sends()) {
            let Some(Some(agreement)) = self.agreements.get(index) else {
                continue;
            };
            for agreed in &agreement.formats {
                if agreed.codec == Codec::Opus
                    && opus.0.len() < MAX_OPUS_FORMATS
                    && !opus
                        .0
                        .iter()
                        .any(|(known, _)| *known == agreed.payload_type)
                {
                    let format = offered.format(agreed.payload_type);
                    let parameters = opus_parameters(self.carried(index), format);
                    opus.0.push((agreed.payload_type, parameters));
                }
            }
        }
        opus
    }
}

/// Most payload types of Opus that are made alike; browsers have one.
const MAX_OPUS_FORMATS: usize = 4;

#[derive(Default)]
struct OpusParameters(Vec<(u8, &'static str)>);

impl OpusParameters {
    fn of(&self, payload_type: u8) -> &'static str {
        let own = self.0.iter().find(|(own, _)| *own == payload_type);
        own.map_or_else(
            || opus_text(Wanted::default()),
            |(_, parameters)| parameters,
        )
    }
}

fn opus_parameters(carried: &SectionAnswer, offered: Option<&Format>) -> &'static str {
    opus_text(match carried {
        SectionAnswer::Takes(wanted) => *wanted,
        // RFC 7587 §7.1: `stereo` says what its writer takes, and browsers' offers always say so;
        // `sprop-stereo` says what it sends.
        SectionAnswer::Keep | SectionAnswer::Inactive | SectionAnswer::Sends { .. } => Wanted {
            stereo: offered.is_some_and(|format| format.parameter("sprop-stereo") == Some("1")),
            ..Wanted::default()
        },
    })
}

const fn opus_text(wanted: Wanted) -> &'static str {
    match (wanted.dtx, wanted.stereo) {
        (true, false) => "minptime=10;useinbandfec=1;usedtx=1",
        (true, true) => "minptime=10;useinbandfec=1;usedtx=1;stereo=1",
        (false, false) => "minptime=10;useinbandfec=1",
        (false, true) => "minptime=10;useinbandfec=1;stereo=1",
    }
}

/// The direction of the answer, seen from this side.
fn direction(carried: &SectionAnswer, offered: Direction) -> Direction {
    match carried {
        SectionAnswer::Keep => offered.reversed(),
        SectionAnswer::Takes(_) => Direction::new(false, offered.sends()),
        SectionAnswer::Inactive => Direction::Inactive,
        SectionAnswer::Sends { .. } => Direction::new(offered.receives(), false),
    }
}

fn push_format(formats: &mut Vec<Format>, agreed: &AgreedFormat, parameters: &str) {
    let clock_rate_hz = agreed.codec.clock_rate_hz();
    formats.push(Format {
        payload_type: agreed.payload_type,
        codec: FormatCodec::Media(agreed.codec),
        clock_rate_hz,
        channels: channels(agreed.codec),
        parameters: parameters.to_owned(),
        feedback: agreed.feedback,
    });
    formats.extend(agreed.repair_payload_type.map(|payload_type| Format {
        payload_type,
        codec: FormatCodec::Rtx {
            apt: agreed.payload_type,
        },
        clock_rate_hz,
        channels: 1,
        parameters: String::new(),
        feedback: Feedback::default(),
    }));
}

/// Takes all encodings the client offers, in its order (RFC 8853 §5.3.2). Without the extension
/// that names them they could not be told apart.
fn take_encodings(section: &mut Section, offered: &Section, agreement: &Agreement) {
    if agreement.extension_id(HeaderExtension::Rid).is_none() {
        return;
    }
    let names = offered.sent_rids();
    section.rids = names
        .iter()
        .map(|name| Rid {
            name: name.clone(),
            direction: RidDirection::Receive,
        })
        .collect();
    if !offered.simulcast.send.is_empty() {
        section.simulcast = Simulcast {
            send: Vec::new(),
            receive: names,
        };
    }
}

/// Names the RTP stream in which a section sends. `a=msid` alone says what it carries.
pub(super) fn name_stream(section: &mut Section, stream: &SentStream) {
    let is_repair = |format: &Format| matches!(format.codec, FormatCodec::Rtx { .. });
    let repair = stream
        .repair_ssrc
        .filter(|_| section.formats.iter().any(is_repair));
    let own = |ssrc| Ssrc {
        ssrc,
        cname: stream.cname.clone(),
    };
    section.ssrcs.push(own(stream.ssrc));
    if let Some(repair) = repair {
        section.ssrcs.push(own(repair));
        section.repairs.push((stream.ssrc, repair));
    }
}
