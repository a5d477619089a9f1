//! The headers of what is sent.

use crate::media::extension::{ExtensionIds, HeaderExtension};
use crate::media::rtp::{FixedHeader, HeaderWriter};
use crate::media::{OutgoingPacket, Rid};

/// A header with what every packet carries.
pub(super) fn write(
    ids: &ExtensionIds,
    fixed: FixedHeader,
    packet: &OutgoingPacket<'_>,
    transport_sequence: u64,
) -> HeaderWriter {
    let descriptor = ids
        .id(HeaderExtension::DependencyDescriptor)
        .zip(packet.dependency_descriptor);
    // RFC 8285 §4.2: the one-byte form holds 1 to 16 bytes.
    let is_long = descriptor.is_some_and(|(_, value)| value.len() > 16);
    let mut header = HeaderWriter::new(fixed, is_long);
    if let Some(id) = ids.id(HeaderExtension::TransportSequence) {
        header.element(id, &(transport_sequence as u16).to_be_bytes());
    }
    if let Some((id, level)) = ids.id(HeaderExtension::AudioLevel).zip(packet.audio_level) {
        header.element(id, &[level]);
    }
    if let Some((id, orientation)) = ids
        .id(HeaderExtension::VideoOrientation)
        .zip(packet.orientation)
    {
        header.element(id, &[orientation]);
    }
    if let Some((id, value)) = descriptor {
        header.element(id, value);
    }
    header
}

/// Says where a packet belongs.
pub(super) fn name(
    ids: &ExtensionIds,
    header: &mut HeaderWriter,
    mid: &str,
    rid: Option<Rid>,
    is_repair: bool,
) {
    if let Some(id) = ids.id(HeaderExtension::Mid) {
        header.element(id, mid.as_bytes());
    }
    let id = if is_repair {
        ids.id(HeaderExtension::RepairedRid)
    } else {
        ids.id(HeaderExtension::Rid)
    };
    if let Some((id, rid)) = id.zip(rid) {
        header.element(id, rid.as_str().as_bytes());
    }
}
