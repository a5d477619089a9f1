//! What two sides have agreed on for a section (RFC 3264 §6, RFC 9429 §5.10).
//!
//! Payload types and extension ids are those of the peer's description: an answer keeps the
//! offer's, so each side sends and receives by the same numbers.

use super::description::Description;
use super::section::{Feedback, Format, FormatCodec, Section, SectionKind};
use crate::codec::{Codec, MediaKind};
use crate::media::extension::HeaderExtension;

/// Highest id the one-byte form of header extensions carries (RFC 8285 §4.2). Higher ones are not
/// agreed on, so that one form is enough.
pub const MAX_EXTENSION_ID: u8 = 14;

/// What this side can do.
#[derive(Debug, Clone, Copy)]
pub struct Capabilities<'a> {
    /// Codecs, preferred ones first.
    pub codecs: &'a [Codec],
    /// Header extensions.
    pub extensions: &'a [HeaderExtension],
}

impl Capabilities<'static> {
    /// Everything Plenary forwards.
    pub const ALL: Self = Self {
        codecs: &Codec::ALL,
        extensions: &[
            HeaderExtension::AudioLevel,
            HeaderExtension::AbsoluteSendTime,
            HeaderExtension::TransportSequence,
            HeaderExtension::Mid,
            HeaderExtension::Rid,
            HeaderExtension::RepairedRid,
            HeaderExtension::DependencyDescriptor,
            HeaderExtension::VideoOrientation,
        ],
    };
}

/// What both sides of a section understand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agreement {
    /// Formats in the order of [`Capabilities::codecs`]; those of one codec as the peer prefers
    /// them.
    pub formats: Vec<AgreedFormat>,
    /// Header extensions and their ids.
    pub extensions: Vec<(u8, HeaderExtension)>,
}

/// A payload type both sides understand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgreedFormat {
    /// What it holds.
    pub codec: Codec,
    /// Its number.
    pub payload_type: u8,
    /// The payload type of its retransmissions.
    pub repair_payload_type: Option<u8>,
    /// RTCP feedback both understand.
    pub feedback: Feedback,
    /// How far the variant of the codec is from what everybody decodes; 0 is that.
    pub distance: u8,
}

impl Agreement {
    /// The format to send a codec in: the most common variant.
    pub fn to_send(&self, codec: Codec) -> Option<&AgreedFormat> {
        let same = self.formats.iter().filter(|format| format.codec == codec);
        same.min_by_key(|format| format.distance)
    }

    /// The format of a received payload type, and whether it holds retransmissions of it.
    pub fn received(&self, payload_type: u8) -> Option<(&AgreedFormat, bool)> {
        self.formats.iter().find_map(|format| {
            if format.payload_type == payload_type {
                Some((format, false))
            } else if format.repair_payload_type == Some(payload_type) {
                Some((format, true))
            } else {
                None
            }
        })
    }

    /// Whether the peer takes a codec.
    pub fn takes(&self, codec: Codec) -> bool {
        self.formats.iter().any(|format| format.codec == codec)
    }

    /// The id of a header extension.
    pub fn extension_id(&self, extension: HeaderExtension) -> Option<u8> {
        let own = self.extensions.iter().find(|(_, own)| *own == extension);
        own.map(|(id, _)| *id)
    }
}

/// What is agreed on for each section of a peer's description; nothing for data channels and
/// sections that must be rejected.
pub fn negotiate_all(
    remote: &Description,
    capabilities: &Capabilities<'_>,
) -> Vec<Option<Agreement>> {
    remote
        .sections
        .iter()
        .map(|section| negotiate(section, capabilities))
        .collect()
}

/// What is agreed on for a section of a peer's description, if it can carry media at all.
pub(super) fn negotiate(section: &Section, capabilities: &Capabilities<'_>) -> Option<Agreement> {
    let SectionKind::Media(kind) = section.kind else {
        return None;
    };
    if !section.is_usable() {
        return None;
    }
    let mut repairs = [None; 128];
    for format in &section.formats {
        if let FormatCodec::Rtx { apt } = format.codec
            && let Some(repair @ None) = repairs.get_mut(usize::from(apt))
        {
            *repair = Some(format.payload_type);
        }
    }
    let understood = match kind {
        MediaKind::Audio => Feedback::AUDIO,
        MediaKind::Video => Feedback::ALL,
    };
    let mut formats = Vec::new();
    let own_codecs = capabilities.codecs.iter();
    for codec in own_codecs.filter(|codec| codec.kind() == kind) {
        for format in &section.formats {
            if format.codec != FormatCodec::Media(*codec) {
                continue;
            }
            let Some(distance) = distance(*codec, format, section) else {
                continue;
            };
            let repair = repairs.get(usize::from(format.payload_type));
            formats.push(AgreedFormat {
                codec: *codec,
                payload_type: format.payload_type,
                repair_payload_type: repair.copied().flatten(),
                feedback: format.feedback.and(understood),
                distance,
            });
        }
    }
    // RED is but a wrapping, and whoever takes it must be able to do without.
    let has_media = formats.iter().any(|format| format.codec != Codec::Red);
    has_media.then(|| Agreement {
        formats,
        extensions: extensions(section, capabilities),
    })
}

/// Header extensions of use in a section: known, and offered in a direction it has.
fn extensions(section: &Section, capabilities: &Capabilities<'_>) -> Vec<(u8, HeaderExtension)> {
    let flows = section.direction;
    let is_idle = !flows.sends() && !flows.receives();
    let usable = section.extensions.iter().filter(|own| {
        let is_used =
            flows.sends() && own.direction.sends() || flows.receives() && own.direction.receives();
        (is_idle || is_used)
            && own.id <= MAX_EXTENSION_ID
            && capabilities.extensions.contains(&own.extension)
    });
    usable.map(|own| (own.id, own.extension)).collect()
}

/// How far a variant of a codec is from what everybody decodes; `None` if it cannot be used.
fn distance(codec: Codec, format: &Format, section: &Section) -> Option<u8> {
    match codec {
        Codec::Opus | Codec::Vp8 => Some(0),
        Codec::Red => holds_opus(format, section).then_some(0),
        Codec::H264 => h264_distance(format),
        // RFC 9628 §6: 0 and 2 have the usual colours, with 8 and 10 bits.
        Codec::Vp9 => match format.parameter("profile-id").unwrap_or("0") {
            "0" => Some(0),
            "2" => Some(1),
            _ => None,
        },
        // AV1 RTP specification §7.2.1: Main, which is also what stands for nothing.
        Codec::Av1 => (format.parameter("profile").unwrap_or("0") == "0").then_some(0),
    }
}

/// Most blocks of RED that are looked at; everybody has two.
const MAX_RED_BLOCKS: usize = 8;

/// `a=fmtp:63 111/111`: redundant and primary data are Opus (RFC 2198 §5).
fn holds_opus(red: &Format, section: &Section) -> bool {
    let mut blocks = red.parameters.split('/').take(MAX_RED_BLOCKS);
    blocks.all(|payload_type| {
        let inside = payload_type.trim().parse().ok();
        let inside = inside.and_then(|payload_type| section.format(payload_type));
        inside.is_some_and(|format| format.codec == FormatCodec::Media(Codec::Opus))
    })
}

/// RFC 6184 §8.1: `profile-level-id` begins with the profile; Baseline is 42, Main 4d, High 64.
/// Packetization mode 2 is interleaved and used by nobody.
fn h264_distance(format: &Format) -> Option<u8> {
    let profile = format.parameter("profile-level-id").unwrap_or("420010");
    let from_profile = match profile.get(..2)? {
        "42" => 0,
        "4d" | "4D" | "64" => 1,
        _ => return None,
    };
    match format.parameter("packetization-mode").unwrap_or("0") {
        "1" => Some(from_profile),
        "0" => Some(from_profile + 2),
        _ => None,
    }
}
