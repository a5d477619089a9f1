//! The headers of what is sent.

use crate::media::extension::{ExtensionIds, HeaderExtension};
use crate::media::rtp::{FixedHeader, HeaderWriter};
use crate::media::{OutgoingPacket, Rid};

/// Header extension ids looked up once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ids {
    pub(super) transport_sequence: Option<u8>,
    audio_level: Option<u8>,
    orientation: Option<u8>,
    dependency_descriptor: Option<u8>,
    mid: Option<u8>,
    rid: Option<u8>,
    repaired_rid: Option<u8>,
}

impl Ids {
    pub(super) fn of(ids: &ExtensionIds) -> Self {
        Self {
            transport_sequence: ids.id(HeaderExtension::TransportSequence),
            audio_level: ids.id(HeaderExtension::AudioLevel),
            orientation: ids.id(HeaderExtension::VideoOrientation),
            dependency_descriptor: ids.id(HeaderExtension::DependencyDescriptor),
            mid: ids.id(HeaderExtension::Mid),
            rid: ids.id(HeaderExtension::Rid),
            repaired_rid: ids.id(HeaderExtension::RepairedRid),
        }
    }

    /// A header with what every packet carries.
    pub(super) fn header(
        &self,
        fixed: FixedHeader,
        packet: &OutgoingPacket<'_>,
        transport_sequence: u64,
    ) -> HeaderWriter {
        let descriptor = self.dependency_descriptor.zip(packet.dependency_descriptor);
        // RFC 8285 §4.2: the one-byte form holds 1 to 16 bytes.
        let is_long = descriptor.is_some_and(|(_, value)| value.len() > 16);
        let mut header = HeaderWriter::new(fixed, is_long);
        if let Some(id) = self.transport_sequence {
            header.element(id, &(transport_sequence as u16).to_be_bytes());
        }
        if let Some((id, level)) = self.audio_level.zip(packet.audio_level) {
            header.element(id, &[level]);
        }
        if let Some((id, orientation)) = self.orientation.zip(packet.orientation) {
            header.element(id, &[orientation]);
        }
        if let Some((id, value)) = descriptor {
            header.element(id, value);
        }
        header
    }

    /// Says where a packet belongs.
    pub(super) fn name(
        &self,
        header: &mut HeaderWriter,
        mid: &str,
        rid: Option<Rid>,
        is_repair: bool,
    ) {
        if let Some(id) = self.mid {
            header.element(id, mid.as_bytes());
        }
        let id = if is_repair {
            self.repaired_rid
        } else {
            self.rid
        };
        if let Some((id, rid)) = id.zip(rid) {
            header.element(id, rid.as_str().as_bytes());
        }
    }
}
