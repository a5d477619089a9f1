//! Reading one media section.

use std::borrow::Cow;

use sdp_types::Media;

use super::read::{MAX_NAME_BYTES, direction};
use super::section::{
    Direction, Extension, Feedback, Format, FormatCodec, MAX_RIDS, MAX_SSRCS, Msid, Rid,
    RidDirection, Section, SectionKind, Ssrc, parameter,
};
use crate::codec::{Codec, MediaKind};
use crate::media::extension::HeaderExtension;

/// Payload types there are: RTP has 7 bits for them.
const PAYLOAD_TYPES: usize = 128;

/// A section as far as it is read. What depends on other lines waits for the end.
pub(super) struct SectionReader<'a> {
    section: Section,
    formats: Vec<FormatLines<'a>>,
    /// Index into `formats`, one too high, by payload type.
    by_payload_type: [u8; PAYLOAD_TYPES],
    /// Feedback said of `*`, all formats.
    feedback: Feedback,
    simulcast: Option<&'a str>,
}

/// What is said of a payload type.
struct FormatLines<'a> {
    payload_type: u8,
    name: &'a str,
    clock_rate_hz: u32,
    channels: u8,
    parameters: &'a str,
    feedback: Feedback,
}

impl<'a> SectionReader<'a> {
    /// Begins with the media line.
    pub(super) fn new(media: &'a Media, default: Direction) -> Self {
        let kind = match media.media.as_str() {
            "audio" => SectionKind::Media(MediaKind::Audio),
            "video" => SectionKind::Media(MediaKind::Video),
            // RFC 8841 §4.
            "application" if media.fmt.trim() == "webrtc-datachannel" => SectionKind::Application,
            _ => SectionKind::Other,
        };
        let mut section = Section::new("", kind);
        section.direction = default;
        if section.media != media.media {
            section.media = Cow::Owned(media.media.clone());
        }
        if section.protocol != media.proto {
            section.protocol = Cow::Owned(media.proto.clone());
        }
        let mut reader = Self {
            section,
            formats: Vec::new(),
            by_payload_type: [0; PAYLOAD_TYPES],
            feedback: Feedback::default(),
            simulcast: None,
        };
        if matches!(kind, SectionKind::Media(_)) {
            for word in media.fmt.split(' ') {
                reader.open_format(word);
            }
        }
        reader
    }

    fn open_format(&mut self, word: &str) {
        let Some(payload_type) = word.parse().ok().filter(is_payload_type) else {
            return;
        };
        let next = self.formats.len() + 1;
        if let Some(index @ 0) = self.by_payload_type.get_mut(usize::from(payload_type)) {
            // Fits: a section has no more payload types than there are.
            *index = next as u8;
            self.formats.push(FormatLines {
                payload_type,
                name: "",
                clock_rate_hz: 0,
                channels: 1,
                parameters: "",
                feedback: Feedback::default(),
            });
        }
    }

    /// Takes an attribute.
    pub(super) fn read(&mut self, name: &'a str, value: &'a str) {
        match name {
            "rtcp-fb" => self.read_feedback(value),
            "rtpmap" => self.read_rtpmap(value),
            "fmtp" => self.read_parameters(value),
            "extmap" => self.read_extension(value),
            "mid" => value.clone_into(&mut self.section.mid),
            "rtcp-mux" => self.section.rtcp_mux = true,
            "rtcp-rsize" => self.section.rtcp_rsize = true,
            "msid" if self.section.msid.is_none() => self.section.msid = msid(value),
            "ssrc" => self.read_ssrc(value),
            "ssrc-group" => self.read_group(value),
            "rid" => self.read_rid(value),
            "simulcast" => self.simulcast = Some(value),
            "sctp-port" => self.section.sctp_port = value.parse().ok(),
            "max-message-size" => self.section.max_message_size = value.parse().ok(),
            _ => {
                if let Some(direction) = direction(name) {
                    self.section.direction = direction;
                }
            }
        }
    }

    fn format_mut(&mut self, payload_type: &str) -> Option<&mut FormatLines<'a>> {
        let payload_type: u8 = payload_type.parse().ok()?;
        let index = *self.by_payload_type.get(usize::from(payload_type))?;
        self.formats.get_mut(usize::from(index).checked_sub(1)?)
    }

    /// `111 opus/48000/2` (RFC 8866 §6.6).
    fn read_rtpmap(&mut self, value: &'a str) {
        let Some((payload_type, encoding)) = value.split_once(' ') else {
            return;
        };
        if let Some(format) = self.format_mut(payload_type) {
            let mut words = encoding.trim_start().split('/');
            let number = |words: &mut std::str::Split<'a, char>| words.next()?.parse::<u32>().ok();
            format.name = words.next().unwrap_or_default();
            format.clock_rate_hz = number(&mut words).unwrap_or_default();
            let channels = number(&mut words).unwrap_or(1);
            format.channels = u8::try_from(channels).unwrap_or_default();
        }
    }

    /// `111 minptime=10;useinbandfec=1` (RFC 8866 §6.15).
    fn read_parameters(&mut self, value: &'a str) {
        if let Some((payload_type, parameters)) = value.split_once(' ')
            && let Some(format) = self.format_mut(payload_type)
        {
            format.parameters = parameters.trim_start();
        }
    }

    /// `96 nack pli`, or `* nack` for all formats (RFC 4585 §4.2).
    fn read_feedback(&mut self, value: &str) {
        let Some((payload_type, kind)) = value.split_once(' ') else {
            return;
        };
        let feedback = feedback(kind.trim_start());
        if payload_type == "*" {
            self.feedback = self.feedback.or(feedback);
        } else if let Some(format) = self.format_mut(payload_type) {
            format.feedback = format.feedback.or(feedback);
        }
    }

    /// `4/sendonly urn:ietf:params:rtp-hdrext:sdes:mid` (RFC 8285 §5).
    fn read_extension(&mut self, value: &str) {
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        let (Some(mapping), Some(uri)) = (words.next(), words.next()) else {
            return;
        };
        let (id, direction) = match mapping.split_once('/') {
            Some((id, name)) => (id, direction(name)),
            None => (mapping, Some(Direction::SendRecv)),
        };
        // RFC 8285 §4.2: 15 is reserved.
        let id = id.parse().ok().filter(|id| *id != 0 && *id != 15);
        let extension = HeaderExtension::from_uri(uri);
        let (Some(id), Some(direction), Some(extension)) = (id, direction, extension) else {
            return;
        };
        let known = &mut self.section.extensions;
        if !known
            .iter()
            .any(|own| own.id == id || own.extension == extension)
        {
            known.push(Extension {
                id,
                extension,
                direction,
            });
        }
    }

    /// `1234 cname:xyz` (RFC 5576 §4.1).
    fn read_ssrc(&mut self, value: &str) {
        let (ssrc, attribute) = value.split_once(' ').unwrap_or((value, ""));
        let Ok(ssrc) = ssrc.parse() else { return };
        let cname = attribute.strip_prefix("cname:");
        let known = &mut self.section.ssrcs;
        if let Some(own) = known.iter_mut().find(|own| own.ssrc == ssrc) {
            if let Some(cname) = cname {
                cname.clone_into(&mut own.cname);
            }
        } else if known.len() < MAX_SSRCS {
            known.push(Ssrc {
                ssrc,
                cname: cname.unwrap_or_default().to_owned(),
            });
        }
    }

    /// `FID 1234 5678` (RFC 5576 §4.2).
    fn read_group(&mut self, value: &str) {
        let Some(ssrcs) = value.strip_prefix("FID ") else {
            return;
        };
        let mut ssrcs = ssrcs.split(' ').filter(|word| !word.is_empty());
        let mut next = || ssrcs.next()?.parse::<u32>().ok();
        if let (Some(main), Some(repair)) = (next(), next())
            && main != repair
            && self.section.repairs.len() < MAX_SSRCS
        {
            self.section.repairs.push((main, repair));
        }
    }

    /// `q send` (RFC 8851 §10).
    fn read_rid(&mut self, value: &str) {
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        let (Some(name), Some(direction)) = (words.next(), words.next()) else {
            return;
        };
        let direction = match direction {
            "send" => RidDirection::Send,
            "recv" => RidDirection::Receive,
            _ => return,
        };
        let known = &mut self.section.rids;
        let same = known.iter().filter(|own| own.direction == direction);
        if is_rid(name)
            && same.clone().count() < MAX_RIDS
            && !same.clone().any(|own| own.name == name)
        {
            known.push(Rid {
                name: name.to_owned(),
                direction,
            });
        }
    }

    /// Puts together what was said.
    pub(super) fn finish(mut self) -> Section {
        let kind = self.section.kind;
        let (for_all, formats) = (self.feedback, std::mem::take(&mut self.formats));
        self.section.formats = formats
            .into_iter()
            .map(|lines| lines.finish(kind, for_all))
            .collect();
        if let Some(value) = self.simulcast {
            self.read_simulcast(value);
        }
        self.section
    }

    /// `send q;h;f recv l`, where `~` marks a paused encoding and `,` separates alternatives
    /// (RFC 8853 §5.1). Encodings without a line of their own do not count (§5.2).
    fn read_simulcast(&mut self, value: &str) {
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        while let (Some(direction), Some(streams)) = (words.next(), words.next()) {
            let (direction, ordered) = match direction {
                "send" => (RidDirection::Send, &mut self.section.simulcast.send),
                "recv" => (RidDirection::Receive, &mut self.section.simulcast.receive),
                _ => continue,
            };
            let rids = &self.section.rids;
            let is_declared = |name: &&str| {
                rids.iter()
                    .any(|rid| rid.direction == direction && rid.name == *name)
            };
            ordered.clear();
            for stream in streams.split(';') {
                let mut names = stream.split(',').map(|name| name.trim_start_matches('~'));
                if let Some(name) = names.find(is_declared)
                    && !ordered.iter().any(|own| own == name)
                {
                    ordered.push(name.to_owned());
                }
            }
        }
    }
}

impl FormatLines<'_> {
    fn finish(self, kind: SectionKind, for_all: Feedback) -> Format {
        let codec = self.codec(kind);
        let parameters = match codec {
            FormatCodec::Media(_) => self.parameters,
            FormatCodec::Rtx { .. } | FormatCodec::Unknown => "",
        };
        Format {
            payload_type: self.payload_type,
            codec,
            clock_rate_hz: self.clock_rate_hz,
            channels: self.channels,
            parameters: parameters.to_owned(),
            feedback: self.feedback.or(for_all),
        }
    }

    fn codec(&self, kind: SectionKind) -> FormatCodec {
        if self.name.eq_ignore_ascii_case("rtx") {
            let apt = parameter(self.parameters, "apt").and_then(|apt| apt.parse().ok());
            return match apt.filter(is_payload_type) {
                Some(apt) => FormatCodec::Rtx { apt },
                None => FormatCodec::Unknown,
            };
        }
        let known = ENCODINGS.iter().find(|(name, codec)| {
            name.eq_ignore_ascii_case(self.name)
                && SectionKind::Media(codec.kind()) == kind
                && codec.clock_rate_hz() == self.clock_rate_hz
                && channels(*codec) == self.channels
        });
        known.map_or(FormatCodec::Unknown, |(_, codec)| {
            FormatCodec::Media(*codec)
        })
    }
}

/// Names of the codecs in `a=rtpmap`.
const ENCODINGS: [(&str, Codec); 6] = [
    ("opus", Codec::Opus),
    ("red", Codec::Red),
    ("VP8", Codec::Vp8),
    ("VP9", Codec::Vp9),
    ("H264", Codec::H264),
    ("AV1", Codec::Av1),
];

/// Channels in `a=rtpmap`: always two for Opus (RFC 7587 §7).
pub(super) const fn channels(codec: Codec) -> u8 {
    match codec.kind() {
        MediaKind::Audio => 2,
        MediaKind::Video => 1,
    }
}

/// RFC 5761 §4: others would be taken for RTCP.
const fn is_payload_type(number: &u8) -> bool {
    matches!(number, 0..=63 | 96..=127)
}

/// RFC 8851 §10, and short enough for a header extension.
fn is_rid(name: &str) -> bool {
    let is_rid_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(is_rid_byte)
}

fn feedback(kind: &str) -> Feedback {
    let mut feedback = Feedback::default();
    match kind {
        "nack" => feedback.nack = true,
        "nack pli" => feedback.nack_pli = true,
        "ccm fir" => feedback.ccm_fir = true,
        "transport-cc" => feedback.transport_cc = true,
        "goog-remb" => feedback.goog_remb = true,
        _ => {}
    }
    feedback
}

fn msid(value: &str) -> Option<Msid> {
    let mut words = value.split(' ').filter(|word| !word.is_empty());
    Some(Msid {
        stream: words.next()?.to_owned(),
        track: words.next().map(str::to_owned),
    })
}
