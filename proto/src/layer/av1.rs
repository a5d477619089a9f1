//! AV1 aggregation header, "RTP Payload Format For AV1" §4.4, the elements behind it, and as much of
//! the OBUs in them as tells a keyframe.
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

/// A payload: OBUs and parts of OBUs, its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aggregate<'a> {
    /// Z: the first element continues the last one of the packet before.
    pub continues: bool,
    /// Y: the last element is continued in the next packet.
    pub is_continued: bool,
    /// N: the packet is the first of a coded video sequence.
    pub new_sequence: bool,
    /// W: how many elements there are, of which the last has no size; with 0 all have sizes.
    count: u8,
    elements: &'a [u8],
}

impl<'a> Aggregate<'a> {
    /// Reads the aggregation header; `None` if it is malformed.
    pub fn read(payload: &'a [u8]) -> Option<Self> {
        let (&header, elements) = payload.split_first()?;
        let continues = header & 0x80 != 0;
        let new_sequence = header & 0x08 != 0;
        // §4.4: a new coded video sequence cannot start in the middle of an OBU.
        (!continues || !new_sequence).then_some(Self {
            continues,
            is_continued: header & 0x40 != 0,
            new_sequence,
            count: header >> 4 & 0x03,
            elements,
        })
    }

    /// Goes over the elements.
    pub fn elements(&self) -> Elements<'a> {
        Elements {
            rest: self.elements,
            count: self.count,
            index: 0,
            is_malformed: false,
        }
    }
}

/// The elements of an [`Aggregate`].
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
    count: u8,
    index: u8,
    is_malformed: bool,
}

impl Elements<'_> {
    /// Once there are no more: whether they were as the header says.
    pub fn are_complete(&self) -> bool {
        let complete = if self.count == 0 {
            self.index > 0
        } else {
            self.index == self.count
        };
        complete && !self.is_malformed
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let element = if self.count != 0 && self.index + 1 == self.count {
            std::mem::take(&mut self.rest)
        } else if let Some(element) = read_sized(&mut self.rest) {
            element
        } else {
            self.rest = &[];
            self.is_malformed = true;
            return None;
        };
        self.index = self.index.saturating_add(1);
        Some(element)
    }
}

pub(super) fn describe(payload: &[u8]) -> Option<PayloadInfo> {
    let aggregate = Aggregate::read(payload)?;
    let key_picture = has_key_picture(&aggregate)?;
    let keyframe = !aggregate.continues && (aggregate.new_sequence || key_picture);
    Some(PayloadInfo {
        keyframe,
        frame_start: !aggregate.continues,
        layer: LayerId::default(),
        switch_up: keyframe,
        vp8: None,
    })
}

/// Tells whether a sequence header with a key frame behind it is there, for senders that do not
/// set N.
fn has_key_picture(aggregate: &Aggregate<'_>) -> Option<bool> {
    let mut elements = aggregate.elements();
    let mut sequence_header = false;
    let mut key_picture = false;
    let mut is_continuation = aggregate.continues;
    for element in elements.by_ref() {
        if !std::mem::take(&mut is_continuation) {
            match ObuType::of(element) {
                ObuType::SequenceHeader => sequence_header = true,
                ObuType::KeyFrame => key_picture |= sequence_header,
                ObuType::Other => {}
            }
        }
    }
    elements.are_complete().then_some(key_picture)
}

fn read_sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let size = read_leb128(rest)?;
    let (element, after) = rest.split_at_checked(usize::try_from(size).ok()?)?;
    *rest = after;
    Some(element)
}

/// Reads a number in groups of seven bits (AV1 specification §4.10.5): at most eight bytes, at most
/// 32 bits in value.
pub fn read_leb128(rest: &mut &[u8]) -> Option<u32> {
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
    fn gives_elements_in_order() {
        let aggregate = Aggregate::read(&KEY).expect("whole");
        let mut elements = aggregate.elements();

        let all: Vec<_> = elements.by_ref().collect();

        assert_eq!(all, [&KEY[2..5], &KEY[5..]]);
        assert!(elements.are_complete());
        assert!(!aggregate.continues && aggregate.is_continued && aggregate.new_sequence);
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
