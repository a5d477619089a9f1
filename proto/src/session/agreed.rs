//! From what descriptions agree on to what the media plane goes by.

use crate::codec::Codec;
use crate::jsep::Agreement;
use crate::media::egress::SendingSection;
use crate::media::extension::ExtensionIds;
use crate::media::ingress::{PayloadKind, ReceivingSection};
use crate::media::{EgressParameters, IngressParameters, Rid};

/// A section as both sides have agreed on it, seen from this side.
pub(super) struct AgreedSection<'a> {
    pub(super) mid: &'a str,
    pub(super) agreement: Option<&'a Agreement>,
    pub(super) sends: bool,
    pub(super) receives: bool,
    /// Encodings this side sends.
    pub(super) sent_rids: Vec<Rid>,
    /// Streams the peer names.
    pub(super) streams: Vec<(u32, Option<u32>)>,
}

/// The parameters of a session with these sections.
pub(super) fn parameters(sections: &[AgreedSection<'_>]) -> (IngressParameters, EgressParameters) {
    let mut extensions = ExtensionIds::default();
    let mut payload_kinds = [None; 128];
    for agreement in sections.iter().filter_map(|section| section.agreement) {
        for (id, extension) in &agreement.extensions {
            extensions.insert(*id, *extension);
        }
        for format in &agreement.formats {
            let mut note = |payload_type: u8, kind| {
                payload_kinds[usize::from(payload_type & 0x7F)] = Some(kind);
            };
            note(format.payload_type, PayloadKind::Media(format.codec));
            if let Some(repair) = format.repair_payload_type {
                note(repair, PayloadKind::Repair(format.payload_type));
            }
        }
    }
    let ingress = IngressParameters {
        sections: sections.iter().map(receiving).collect(),
        payload_kinds,
        extensions: extensions.clone(),
    };
    let egress = EgressParameters {
        sections: sections.iter().map(sending).collect(),
        extensions,
    };
    (ingress, egress)
}

fn receiving(section: &AgreedSection<'_>) -> Option<ReceivingSection> {
    let agreement = section.agreement.filter(|_| section.receives)?;
    Some(ReceivingSection {
        mid: section.mid.to_owned(),
        nack: agreement.formats.iter().any(|format| format.feedback.nack),
        ssrcs: section.streams.clone(),
    })
}

fn sending(section: &AgreedSection<'_>) -> Option<SendingSection> {
    let agreement = section.agreement.filter(|_| section.sends)?;
    let formats = || {
        Codec::ALL
            .into_iter()
            .filter_map(|codec| agreement.to_send(codec))
    };
    Some(SendingSection {
        mid: section.mid.to_owned(),
        rids: section.sent_rids.clone(),
        payload_types: formats()
            .map(|format| (format.codec, format.payload_type))
            .collect(),
        repair_types: formats()
            .filter_map(|format| Some((format.codec, format.repair_payload_type?)))
            .collect(),
    })
}
