//! AV1 aggregation header, "RTP Payload Format For AV1" §4.4, and as much of the OBUs behind it as
//! tells a keyframe.
//!
//! ```text
//! |Z|Y| W |N|-|-|-|   Z: the first element continues an OBU; Y: the last one is continued
//! ```
//!
//! A packet that continues an OBU does not name its layer, so none is told here: the dependency
//! descriptor does that ([`super::dd`]).

use super::{LayerId, PayloadInfo};

// OBU types, AV1 specification §6.2.2.
const SEQUENCE_HEADER: u8 = 1;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;

pub(super) fn describe(payload: &[u8]) -> Option<PayloadInfo> {
    let (&header, elements) = payload.split_first()?;
    let continues = header & 0x80 != 0;
    let new_sequence = header & 0x08 != 0;
    // §4.4: a new coded video sequence cannot start in the middle of an OBU.
    if continues && new_sequence {
        return None;
    }

    let key_picture = read_elements(elements, header >> 4 & 0x03, continues)?;
    let keyframe = !continues && (new_sequence || key_picture);
    Some(PayloadInfo {
        keyframe,
        frame_start: !continues,
        layer: LayerId::default(),
        switch_up: keyframe,
        vp8: None,
    })
}

/// Walks over the elements; tells whether a sequence header with a key frame behind it is there,
/// for senders that do not set N.
fn read_elements(elements: &[u8], count: u8, continues: bool) -> Option<bool> {
    let mut rest = elements;
    let mut sequence_header = false;
    let mut key_picture = false;
    let mut index = 0u8;
    while !rest.is_empty() {
        // W counts the elements and leaves out the last one's size; 0 means all have sizes.
        let element = if count != 0 && index + 1 == count {
            std::mem::take(&mut rest)
        } else {
            read_sized(&mut rest)?
        };
        if index != 0 || !continues {
            match ObuType::of(element) {
                ObuType::SequenceHeader => sequence_header = true,
                ObuType::KeyFrame => key_picture |= sequence_header,
                ObuType::Other => {}
            }
        }
        index = index.saturating_add(1);
    }
    let complete = if count == 0 {
        index > 0
    } else {
        index == count
    };
    complete.then_some(key_picture)
}

fn read_sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let size = read_leb128(rest)?;
    let (element, after) = rest.split_at_checked(usize::try_from(size).ok()?)?;
    *rest = after;
    Some(element)
}

/// AV1 specification §4.10.5: at most eight bytes of seven bits, at most 32 bits in value.
fn read_leb128(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0u64;
    for shift in (0..56).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(value).ok();
        }
    }
    None
}

enum ObuType {
    SequenceHeader,
    KeyFrame,
    Other,
}

impl ObuType {
    fn of(obu: &[u8]) -> Self {
        let Some((&header, rest)) = obu.split_first() else {
            return Self::Other;
        };
        match header >> 3 & 0x0f {
            SEQUENCE_HEADER => Self::SequenceHeader,
            FRAME_HEADER | FRAME if starts_key_frame(header, rest) => Self::KeyFrame,
            _ => Self::Other,
        }
    }
}

/// AV1 specification §5.9.2: show_existing_frame, then frame_type, 0 for a key frame.
fn starts_key_frame(header: u8, mut rest: &[u8]) -> bool {
    let (has_extension, has_size) = (header & 0x04 != 0, header & 0x02 != 0);
    if has_extension {
        rest = rest.get(1..).unwrap_or_default();
    }
    if has_size && read_leb128(&mut rest).is_none() {
        return false;
    }
    rest.first().is_some_and(|byte| byte & 0xe0 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// W 2, N: a sequence header of three bytes, then the start of a key frame; continued.
    const KEY: [u8; 8] = [0x68, 0x03, 0x08, 0x00, 0x00, 0x30, 0x10, 0x22];

    fn keyframe(payload: &[u8]) -> bool {
        describe(payload).expect("whole").keyframe
    }

    #[test]
    fn a_new_coded_video_sequence_starts_with_a_keyframe() {
        assert!(keyframe(&KEY));
    }

    #[test]
    fn a_key_frame_behind_a_sequence_header_needs_no_flag() {
        let mut payload = KEY;
        payload[0] = 0x60;
        assert!(keyframe(&payload));

        // The same with a size for each element, and extension and size in the frame's header.
        assert!(keyframe(&[
            0x00, 0x03, 0x08, 0x00, 0x00, 0x04, 0x36, 0x28, 0x01, 0x10
        ]));
    }

    #[test]
    fn a_sequence_header_before_another_frame_is_no_keyframe() {
        let mut payload = KEY;
        payload[0] = 0x60;
        payload[6] = 0x20;
        assert!(!keyframe(&payload));

        // show_existing_frame.
        payload[6] = 0x80;
        assert!(!keyframe(&payload));
    }

    #[test]
    fn a_frame_starts_where_no_obu_is_continued() {
        let delta = describe(&[0x10, 0x30, 0x20]).expect("whole");
        let continued = describe(&[0x90, 0x08, 0x20]).expect("whole");

        assert!(delta.frame_start && !delta.keyframe);
        assert!(!continued.frame_start && !continued.keyframe);
    }

    #[test]
    fn a_new_sequence_in_the_middle_of_an_obu_is_malformed() {
        assert_eq!(describe(&[0x98, 0x30, 0x20]), None);
    }

    #[test]
    fn every_cut_before_the_last_element_is_malformed() {
        for len in 0..=5 {
            assert_eq!(describe(&KEY[..len]), None, "{len} bytes");
        }
        for len in 6..=KEY.len() {
            assert!(describe(&KEY[..len]).is_some(), "{len} bytes");
        }
    }

    #[test]
    fn every_cut_inside_a_sized_element_is_malformed() {
        let payload = [0x00, 0x03, 0x08, 0x00, 0x00, 0x02, 0x30, 0x10];
        for len in 0..=payload.len() {
            assert_eq!(
                describe(&payload[..len]).is_some(),
                [5, 8].contains(&len),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn a_size_without_end_is_malformed() {
        assert_eq!(
            describe(&[
                0x00, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0x30
            ]),
            None
        );
        assert_eq!(describe(&[0x00, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x30]), None);
    }
}
