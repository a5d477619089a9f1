//! What the descriptions agree on for what is sent.

use crate::codec::Codec;
use crate::media::Rid;
use crate::media::extension::ExtensionIds;

/// A section as what is sent in it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendingSection {
    /// `a=mid`.
    pub mid: String,
    /// Encodings, for a publisher that sends simulcast.
    pub rids: Vec<Rid>,
    /// Payload type of each codec the peer takes.
    pub payload_types: Vec<(Codec, u8)>,
    /// Payload type in which packets of a codec are sent again.
    pub repair_types: Vec<(Codec, u8)>,
}

/// What the descriptions agree on for what is sent.
#[derive(Debug, Clone, Default)]
pub struct EgressParameters {
    /// Sections by index; `None` where nothing can be sent.
    pub sections: Vec<Option<SendingSection>>,
    /// Ids of header extensions.
    pub extensions: ExtensionIds,
}

/// Payload types by codec, where a packet's stream is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct PayloadTypes([Option<u8>; Codec::COUNT]);

impl PayloadTypes {
    /// The payload type of a codec; `None` if the peer does not take it.
    pub(super) fn of(&self, codec: Codec) -> Option<u8> {
        self.0.get(codec as usize).copied().flatten()
    }
}

impl SendingSection {
    pub(super) fn payload_types(&self) -> PayloadTypes {
        let mut types = PayloadTypes::default();
        // The first of a codec counts.
        for (codec, payload_type) in self.payload_types.iter().rev() {
            if let Some(own) = types.0.get_mut(*codec as usize) {
                *own = Some(*payload_type);
            }
        }
        types
    }

    /// The payload type of a codec; `None` if the peer does not take it.
    pub(super) fn payload_type(&self, codec: Codec) -> Option<u8> {
        find(&self.payload_types, codec)
    }

    /// The payload type in which packets of a codec are sent again.
    pub(super) fn repair_type(&self, codec: Codec) -> Option<u8> {
        find(&self.repair_types, codec)
    }
}

fn find(types: &[(Codec, u8)], codec: Codec) -> Option<u8> {
    let found = types.iter().find(|(own, _)| *own == codec);
    found.map(|(_, payload_type)| *payload_type)
}
