//! VP9 payload descriptor, RFC 9628 §4.2.
//!
//! ```text
//!          |I|P|L|F|B|E|V|Z|
//! I:       |M| PICTURE ID  |   M: 8 more bits of it follow
//! L:       | TID |U| SID |D|
//! L, !F:   |   TL0PICIDX   |
//! P, F:    | P_DIFF      |N|   up to three times, while N
//! V:       | scalability structure ...
//! ```

use super::{LayerId, PayloadInfo};

/// The pictures that a layer frame refers to in flexible mode, each as the distance of its picture
/// id from the layer frame's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct References {
    distances: [u8; MAX_REFERENCES],
    count: usize,
}

impl References {
    /// The distances, each below 128.
    pub fn distances(&self) -> &[u8] {
        self.distances.get(..self.count).unwrap_or_default()
    }

    /// RFC 9628 §4.2: P_DIFF, while N is set.
    fn read(rest: &mut &[u8]) -> Option<Self> {
        let mut references = Self::default();
        for place in &mut references.distances {
            let byte = take(rest)?;
            *place = byte >> 1;
            references.count += 1;
            if byte & 0x01 == 0 {
                return Some(references);
            }
        }
        None
    }
}

/// A descriptor's fields, as far as forwarding and receiving need them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// Counts pictures, in 7 or 15 bits.
    pub picture_id: Option<u16>,
    /// Whether the picture id has 15 bits, not 7.
    pub has_long_picture_id: bool,
    /// P: the layer frame refers to earlier pictures.
    pub inter_predicted: bool,
    /// F: the layer frame names those pictures itself.
    pub flexible: bool,
    /// B: the packet starts a layer frame.
    pub start: bool,
    /// E: the packet ends a layer frame.
    pub end: bool,
    /// Z: no higher spatial layer refers to this layer frame.
    pub not_for_upper_layers: bool,
    /// The layer; all zero without layer indices.
    pub layer: LayerId,
    /// Counts pictures of temporal layer 0; only in non-flexible mode.
    pub tl0_pic_idx: Option<u8>,
    /// U: from here on, no frame of this or a higher temporal layer refers to an earlier one.
    pub switch_up: bool,
    /// D: the layer frame refers to the spatial layer below, in the same picture.
    pub inter_layer: bool,
    /// What the layer frame refers to in flexible mode.
    pub references: References,
    /// Spatial layers of the stream, where the packet carries the scalability structure.
    pub spatial_layers: Option<u8>,
    /// Bytes before the VP9 payload.
    pub len: usize,
}

impl Descriptor {
    /// Reads the descriptor at the start of a payload; `None` if it is malformed.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut rest = payload;
        let flags = take(&mut rest)?;
        let has = |bit: u8| flags & bit != 0;
        let (inter_predicted, flexible) = (has(0x40), has(0x10));

        let has_long_picture_id = has(0x80) && rest.first().is_some_and(|high| high & 0x80 != 0);
        let picture_id = if has(0x80) {
            Some(read_picture_id(&mut rest)?)
        } else {
            None
        };
        let indices = if has(0x20) { take(&mut rest)? } else { 0 };
        let tl0_pic_idx = if has(0x20) && !flexible {
            Some(take(&mut rest)?)
        } else {
            None
        };
        let references = if inter_predicted && flexible {
            References::read(&mut rest)?
        } else {
            References::default()
        };
        let spatial_layers = if has(0x02) {
            Some(skip_structure(&mut rest)?)
        } else {
            None
        };

        Some(Self {
            picture_id,
            has_long_picture_id,
            inter_predicted,
            flexible,
            start: has(0x08),
            end: has(0x04),
            not_for_upper_layers: has(0x01),
            layer: LayerId {
                spatial: (indices >> 1) & 0x07,
                temporal: indices >> 5,
            },
            tl0_pic_idx,
            switch_up: indices & 0x10 != 0,
            inter_layer: indices & 0x01 != 0,
            references,
            spatial_layers,
            len: payload.len() - rest.len(),
        })
    }
}

pub(super) fn describe(payload: &[u8]) -> Option<PayloadInfo> {
    let descriptor = Descriptor::read(payload)?;
    if descriptor.len == payload.len() {
        return None;
    }

    // In a key picture the higher spatial layers refer only to those below (D), so all of them
    // can be received from the start of the lowest on.
    let keyframe = descriptor.start
        && !descriptor.inter_predicted
        && !descriptor.inter_layer
        && descriptor.layer.spatial == 0;

    Some(PayloadInfo {
        keyframe,
        frame_start: descriptor.start,
        layer: descriptor.layer,
        switch_up: descriptor.switch_up || !descriptor.inter_predicted,
        vp8: None,
    })
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (&first, others) = rest.split_first()?;
    *rest = others;
    Some(first)
}

fn skip(rest: &mut &[u8], len: usize) -> Option<()> {
    *rest = rest.get(len..)?;
    Some(())
}

fn read_picture_id(rest: &mut &[u8]) -> Option<u16> {
    let high = take(rest)?;
    if high & 0x80 == 0 {
        return Some(high.into());
    }
    let low = take(rest)?;
    Some(u16::from_be_bytes([high & 0x7f, low]))
}

/// RFC 9628 §4.2: at most three reference indices.
const MAX_REFERENCES: usize = 3;

/// Walks over the scalability structure (RFC 9628 §4.2.1) and tells how many spatial layers it has.
fn skip_structure(rest: &mut &[u8]) -> Option<u8> {
    let flags = take(rest)?;
    let spatial_layers = (flags >> 5) + 1;
    if flags & 0x10 != 0 {
        // Width and height of each, 16 bits.
        skip(rest, 4 * usize::from(spatial_layers))?;
    }
    if flags & 0x08 != 0 {
        for _ in 0..take(rest)? {
            let references = (take(rest)? >> 2) & 0x03;
            skip(rest, references.into())?;
        }
    }
    Some(spatial_layers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lowest layer of a key picture in non-flexible mode, as libwebrtc sends it for L3T3_KEY:
    /// I, L, B, V; 15-bit picture id; TID 0, U, SID 0; TL0PICIDX; a structure of three spatial
    /// layers with sizes and a group of four pictures, the last with three references.
    const KEY: [u8; 30] = [
        0xaa, 0x81, 0x02, 0x10, 0x09, 0x58, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 0x05,
        0x00, 0x02, 0xd0, 0x04, 0x04, 0x01, 0x54, 0x01, 0x34, 0x01, 0x5c, 0x01, 0x02, 0x00, 0x99,
    ];

    #[test]
    fn reads_a_key_picture_with_structure() {
        let descriptor = Descriptor::read(&KEY).expect("whole");

        assert_eq!(descriptor.picture_id, Some(0x0102));
        assert!(descriptor.has_long_picture_id && !descriptor.flexible);
        assert_eq!(descriptor.tl0_pic_idx, Some(9));
        assert_eq!(descriptor.spatial_layers, Some(3));
        assert_eq!(descriptor.len, 29);
        assert!(describe(&KEY).expect("whole").keyframe);
    }

    #[test]
    fn every_cut_inside_the_descriptor_is_malformed() {
        for len in 0..KEY.len() {
            assert_eq!(describe(&KEY[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn upper_spatial_layers_of_a_key_picture_are_no_place_to_begin() {
        // I, L, B; 7-bit picture id; TID 0, U, SID 1, D; TL0PICIDX.
        let info = describe(&[0xa8, 0x05, 0x13, 0x09, 0x00]).expect("whole");

        assert!(!info.keyframe);
        assert!(info.frame_start && info.switch_up);
        assert_eq!(
            info.layer,
            LayerId {
                spatial: 1,
                temporal: 0
            }
        );
    }

    #[test]
    fn a_predicted_frame_is_a_switching_point_only_with_its_bit() {
        // I, P, L, B; TID 2, SID 2, D.
        let plain = describe(&[0xe8, 0x05, 0x45, 0x09, 0x00]).expect("whole");
        let switch = describe(&[0xe8, 0x05, 0x55, 0x09, 0x00]).expect("whole");

        assert_eq!(
            plain.layer,
            LayerId {
                spatial: 2,
                temporal: 2
            }
        );
        assert!(!plain.keyframe && !plain.switch_up);
        assert!(switch.switch_up);
    }

    #[test]
    fn a_stream_without_layers_has_keyframes() {
        let key = describe(&[0x88, 0x05, 0x00]).expect("whole");
        let delta = describe(&[0xc8, 0x05, 0x00]).expect("whole");
        let continued = describe(&[0x80, 0x05, 0x00]).expect("whole");

        assert!(key.keyframe && key.frame_start);
        assert!(!delta.keyframe && delta.frame_start);
        assert!(!continued.keyframe && !continued.frame_start);
    }

    #[test]
    fn flexible_mode_has_references_and_no_tl0_index() {
        // P, L, F, B; TID 1, SID 1; two references.
        let payload = [0x78, 0x22, 0x03, 0x04, 0xaa];

        let descriptor = Descriptor::read(&payload).expect("whole");

        assert_eq!(descriptor.len, 4);
        assert!(descriptor.flexible);
        assert_eq!(descriptor.references.distances(), [1, 2]);
        assert_eq!(descriptor.tl0_pic_idx, None);
        assert_eq!(
            descriptor.layer,
            LayerId {
                spatial: 1,
                temporal: 1
            }
        );
        for len in 0..payload.len() {
            assert_eq!(describe(&payload[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn a_fourth_reference_is_malformed() {
        assert_eq!(describe(&[0x58, 0x03, 0x03, 0x03, 0x02, 0xaa]), None);
    }
}
