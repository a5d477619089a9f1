//! RTP header extensions the server knows, and their values.

use super::rtp::Elements;

/// A header extension, by its URI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeaderExtension {
    /// Which media section a packet belongs to (RFC 9143 §15).
    Mid,
    /// Which encoding (RFC 8852).
    Rid,
    /// Which encoding a retransmission repairs (RFC 8852).
    RepairedRid,
    /// Loudness (RFC 6464).
    AudioLevel,
    /// Number across all streams of the transport
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportSequence,
    /// When the packet was sent, in 24 bits of NTP time.
    AbsoluteSendTime,
    /// How the picture is to be turned (3GPP TS 26.114 §7.4.5).
    VideoOrientation,
    /// Layers and dependencies of a picture (AV1 RTP specification, appendix A).
    DependencyDescriptor,
}

impl HeaderExtension {
    /// Every extension.
    pub const ALL: [Self; 8] = [
        Self::Mid,
        Self::Rid,
        Self::RepairedRid,
        Self::AudioLevel,
        Self::TransportSequence,
        Self::AbsoluteSendTime,
        Self::VideoOrientation,
        Self::DependencyDescriptor,
    ];

    /// Its URI in `a=extmap`.
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Mid => "urn:ietf:params:rtp-hdrext:sdes:mid",
            Self::Rid => "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
            Self::RepairedRid => "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
            Self::AudioLevel => "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            Self::TransportSequence => {
                "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
            }
            Self::AbsoluteSendTime => "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
            Self::VideoOrientation => "urn:3gpp:video-orientation",
            Self::DependencyDescriptor => {
                "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension"
            }
        }
    }

    /// The extension with this URI.
    pub fn from_uri(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.uri() == uri)
    }
}

/// The ids two peers have agreed on for the extensions of their session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionIds {
    by_extension: [u8; HeaderExtension::ALL.len()],
    /// For ids the one-byte form can carry, which are all that browsers use.
    by_id: [Option<HeaderExtension>; 16],
}

impl Default for ExtensionIds {
    fn default() -> Self {
        Self {
            by_extension: [0; HeaderExtension::ALL.len()],
            by_id: [None; 16],
        }
    }
}

impl ExtensionIds {
    /// Notes an agreed id. Ids that the one-byte form cannot carry are not used.
    pub fn insert(&mut self, id: u8, extension: HeaderExtension) {
        if !(1..=14).contains(&id) {
            return;
        }
        self.by_extension[extension as usize] = id;
        self.by_id[usize::from(id)] = Some(extension);
    }

    /// The id of an extension.
    pub fn id(&self, extension: HeaderExtension) -> Option<u8> {
        let id = self.by_extension[extension as usize];
        (id != 0).then_some(id)
    }

    /// Reads the values of a packet.
    pub fn read<'a>(&self, elements: Elements<'a>) -> Values<'a> {
        let mut values = Values::default();
        for (id, value) in elements {
            let Some(Some(extension)) = self.by_id.get(usize::from(id)) else {
                continue;
            };
            values.take(*extension, value);
        }
        values
    }
}

/// The extension values of one packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Values<'a> {
    /// The media section.
    pub mid: Option<&'a str>,
    /// The encoding.
    pub rid: Option<&'a str>,
    /// The encoding that is repaired.
    pub repaired_rid: Option<&'a str>,
    /// Loudness: the highest bit tells a voice, the others dB below full scale.
    pub audio_level: Option<u8>,
    /// Number across all streams of the transport.
    pub transport_sequence: Option<u16>,
    /// The orientation byte.
    pub orientation: Option<u8>,
    /// The dependency descriptor, unread.
    pub dependency_descriptor: Option<&'a [u8]>,
}

impl<'a> Values<'a> {
    fn take(&mut self, extension: HeaderExtension, value: &'a [u8]) {
        let text = || std::str::from_utf8(value).ok();
        match extension {
            HeaderExtension::Mid => self.mid = text(),
            HeaderExtension::Rid => self.rid = text(),
            HeaderExtension::RepairedRid => self.repaired_rid = text(),
            HeaderExtension::AudioLevel => self.audio_level = value.first().copied(),
            HeaderExtension::TransportSequence => {
                self.transport_sequence = value.first_chunk().map(|two| u16::from_be_bytes(*two));
            }
            HeaderExtension::VideoOrientation => self.orientation = value.first().copied(),
            HeaderExtension::DependencyDescriptor => self.dependency_descriptor = Some(value),
            HeaderExtension::AbsoluteSendTime => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::rtp::{FixedHeader, Header, HeaderWriter};

    #[test]
    fn knows_every_extension_by_its_uri() {
        for extension in HeaderExtension::ALL {
            assert_eq!(HeaderExtension::from_uri(extension.uri()), Some(extension));
        }
        assert_eq!(HeaderExtension::from_uri("urn:unknown"), None);
    }

    #[test]
    fn reads_values_by_agreed_id() {
        let mut ids = ExtensionIds::default();
        ids.insert(4, HeaderExtension::Mid);
        ids.insert(3, HeaderExtension::TransportSequence);
        ids.insert(1, HeaderExtension::AudioLevel);
        ids.insert(200, HeaderExtension::Rid);
        let fixed = FixedHeader {
            marker: false,
            payload_type: 0,
            sequence: 0,
            timestamp: 0,
            ssrc: 0,
        };
        let mut writer = HeaderWriter::new(fixed, false);
        writer.element(4, b"7");
        writer.element(3, &[0x12, 0x34]);
        writer.element(9, b"whatever");
        writer.element(1, &[0x85]);
        let datagram = writer.finish();
        let header = Header::parse(datagram).expect("a header");

        let values = ids.read(header.elements(datagram));

        let expected = Values {
            mid: Some("7"),
            audio_level: Some(0x85),
            transport_sequence: Some(0x1234),
            ..Values::default()
        };
        assert_eq!(values, expected);
        assert_eq!(ids.id(HeaderExtension::Rid), None);
    }
}
