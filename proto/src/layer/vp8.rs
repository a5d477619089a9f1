//! VP8 payload descriptor, RFC 7741 §4.2.
//!
//! ```text
//!       |X|R|N|S|R| PID |
//! X:    |I|L|T|K| RSV   |
//! I:    |M| PictureID   |   M: 7 more bits of it follow
//! L:    |   TL0PICIDX   |
//! T/K:  |TID|Y| KEYIDX  |
//! ```

use super::{LayerId, PayloadInfo};
use crate::media::Vp8Numbers;

/// The counters of a VP8 stream that a receiver expects to be continuous.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureIds {
    /// Counts frames.
    pub picture_id: Option<PictureId>,
    /// Counts frames of temporal layer 0.
    pub tl0_pic_idx: Option<u8>,
    /// Counts keyframes, 5 bits.
    pub key_idx: Option<u8>,
}

/// A frame counter in one of its two widths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureId {
    /// The counter, wrapping at the width.
    pub value: u16,
    /// Whether the counter has 15 bits, not 7.
    pub long: bool,
}

impl PictureId {
    /// The largest value of this width.
    pub fn mask(self) -> u16 {
        if self.long { 0x7fff } else { 0x7f }
    }
}

/// A descriptor's fields, and where those are that can be rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// N: no other frame refers to this one.
    pub non_reference: bool,
    /// S: the packet starts a VP8 partition.
    pub start: bool,
    /// PID: the partition that the payload begins in.
    pub partition: u8,
    /// TID: the temporal layer; 0 without layer indices.
    pub temporal: u8,
    /// Y: the frame refers to no others than those of temporal layer 0.
    pub layer_sync: bool,
    /// Bytes before the VP8 payload.
    pub len: usize,
    picture_id: Option<(usize, PictureId)>,
    tl0_pic_idx: Option<(usize, u8)>,
    key_idx: Option<u8>,
}

impl Descriptor {
    /// Reads the descriptor at the start of a payload; `None` if it is malformed.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let mut at = 0;
        let mut next = || {
            let byte = payload.get(at).copied();
            at += 1;
            byte.map(|byte| (at - 1, byte))
        };

        let (_, first) = next()?;
        let extension = if first & 0x80 != 0 { next()?.1 } else { 0 };
        let picture_id = if extension & 0x80 != 0 {
            let (at, high) = next()?;
            Some(if high & 0x80 != 0 {
                let (_, low) = next()?;
                (
                    at,
                    PictureId {
                        value: u16::from_be_bytes([high & 0x7f, low]),
                        long: true,
                    },
                )
            } else {
                (
                    at,
                    PictureId {
                        value: high.into(),
                        long: false,
                    },
                )
            })
        } else {
            None
        };
        let tl0_pic_idx = if extension & 0x40 != 0 {
            Some(next()?)
        } else {
            None
        };
        let (has_tid, has_key_idx) = (extension & 0x20 != 0, extension & 0x10 != 0);
        let last = if has_tid || has_key_idx { next()?.1 } else { 0 };

        Some(Self {
            non_reference: first & 0x20 != 0,
            start: first & 0x10 != 0,
            partition: first & 0x07,
            temporal: if has_tid { last >> 6 } else { 0 },
            layer_sync: has_tid && last & 0x20 != 0,
            len: at,
            picture_id,
            tl0_pic_idx,
            key_idx: has_key_idx.then_some(last & 0x1f),
        })
    }

    /// Whether the packet starts a frame.
    pub fn starts_frame(&self) -> bool {
        self.start && self.partition == 0
    }

    /// The counters.
    pub fn ids(&self) -> PictureIds {
        PictureIds {
            picture_id: self.picture_id.map(|(_, id)| id),
            tl0_pic_idx: self.tl0_pic_idx.map(|(_, index)| index),
            key_idx: self.key_idx,
        }
    }
}

pub(super) fn describe(payload: &[u8]) -> Option<PayloadInfo> {
    let descriptor = Descriptor::read(payload)?;
    let header = *payload.get(descriptor.len)?;

    let frame_start = descriptor.starts_frame();
    // RFC 7741 §4.3: the P bit, the lowest of the first byte of a frame, is 0 in a keyframe.
    let keyframe = frame_start && header & 1 == 0;

    Some(PayloadInfo {
        keyframe,
        frame_start,
        layer: LayerId {
            spatial: 0,
            temporal: descriptor.temporal,
        },
        switch_up: keyframe || descriptor.layer_sync,
        vp8: Some(descriptor.ids()),
    })
}

/// Puts other counters into a payload, at the widths they have there.
///
/// Counters that the payload does not carry are left out; `false` if the payload is malformed,
/// which leaves it as it was.
pub fn rewrite(payload: &mut [u8], numbers: Vp8Numbers) -> bool {
    let Some(descriptor) = Descriptor::read(payload) else {
        return false;
    };

    if let Some(((at, id), value)) = descriptor.picture_id.zip(numbers.picture_id) {
        let [high, low] = (value & id.mask()).to_be_bytes();
        if id.long {
            put(payload, at, high | 0x80);
            put(payload, at + 1, low);
        } else {
            put(payload, at, low);
        }
    }
    if let Some(((at, _), index)) = descriptor.tl0_pic_idx.zip(numbers.tl0_pic_idx) {
        put(payload, at, index);
    }
    true
}

fn put(payload: &mut [u8], at: usize, byte: u8) {
    if let Some(place) = payload.get_mut(at) {
        *place = byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X, S; I, L, T, K; 15-bit picture id 0x1234; TL0PICIDX 7; TID 2, Y, KEYIDX 3; keyframe.
    const FULL: [u8; 10] = [0x90, 0xf0, 0x92, 0x34, 0x07, 0xa3, 0x50, 0x9d, 0x01, 0x2a];

    fn numbers(picture_id: u16, tl0_pic_idx: u8) -> Vp8Numbers {
        Vp8Numbers {
            picture_id: Some(picture_id),
            tl0_pic_idx: Some(tl0_pic_idx),
        }
    }

    #[test]
    fn reads_every_field() {
        let info = describe(&FULL).expect("whole");

        assert_eq!(
            info,
            PayloadInfo {
                keyframe: true,
                frame_start: true,
                layer: LayerId {
                    spatial: 0,
                    temporal: 2
                },
                switch_up: true,
                vp8: Some(PictureIds {
                    picture_id: Some(PictureId {
                        value: 0x1234,
                        long: true
                    }),
                    tl0_pic_idx: Some(7),
                    key_idx: Some(3),
                }),
            }
        );
    }

    #[test]
    fn reads_a_seven_bit_picture_id() {
        let info = describe(&[0x90, 0x80, 0x55, 0x01]).expect("whole");

        assert!(!info.keyframe);
        assert!(info.frame_start);
        assert_eq!(
            info.vp8.and_then(|ids| ids.picture_id),
            Some(PictureId {
                value: 0x55,
                long: false
            })
        );
    }

    #[test]
    fn a_descriptor_of_one_byte_has_no_counters() {
        let info = describe(&[0x10, 0x00]).expect("whole");

        assert!(info.keyframe);
        assert_eq!(
            info.vp8,
            Some(PictureIds {
                picture_id: None,
                tl0_pic_idx: None,
                key_idx: None
            })
        );
    }

    #[test]
    fn only_the_start_of_the_first_partition_starts_a_frame() {
        let continued = describe(&[0x00, 0x00]).expect("whole");
        let second_partition = describe(&[0x11, 0x00]).expect("whole");

        assert!(!continued.keyframe && !continued.frame_start);
        assert!(!second_partition.keyframe && !second_partition.frame_start);
    }

    #[test]
    fn a_layer_sync_frame_is_a_switching_point() {
        let sync = describe(&[0x90, 0x20, 0x60, 0x01]).expect("whole");
        let plain = describe(&[0x90, 0x20, 0x40, 0x01]).expect("whole");

        assert_eq!(sync.layer.temporal, 1);
        assert!(sync.switch_up && !plain.switch_up);
    }

    #[test]
    fn a_frame_that_nothing_refers_to_says_so() {
        let non_reference = Descriptor::read(&[0x30]).expect("whole");
        let full = Descriptor::read(&FULL).expect("whole");

        assert!(non_reference.non_reference && non_reference.starts_frame());
        assert!(!full.non_reference && full.len == 6);
    }

    #[test]
    fn a_key_index_alone_is_no_temporal_layer() {
        let info = describe(&[0x90, 0x10, 0xe3, 0x01]).expect("whole");

        assert_eq!(info.layer, LayerId::default());
        assert!(!info.switch_up);
        assert_eq!(info.vp8.and_then(|ids| ids.key_idx), Some(3));
    }

    #[test]
    fn every_cut_inside_the_descriptor_is_malformed() {
        for len in 0..=6 {
            assert_eq!(describe(&FULL[..len]), None, "{len} bytes");
        }
        for len in 7..=FULL.len() {
            assert!(describe(&FULL[..len]).is_some(), "{len} bytes");
        }
    }

    #[test]
    fn rewrites_counters_in_place() {
        let mut payload = FULL;

        assert!(rewrite(&mut payload, numbers(0xfffe, 200)));

        assert_eq!(
            payload,
            [0x90, 0xf0, 0xff, 0xfe, 200, 0xa3, 0x50, 0x9d, 0x01, 0x2a]
        );
    }

    #[test]
    fn rewrites_a_short_picture_id_within_its_width() {
        let mut payload = [0x90, 0x80, 0x55, 0x01];

        assert!(rewrite(&mut payload, numbers(0x1281, 9)));

        assert_eq!(payload, [0x90, 0x80, 0x01, 0x01]);
    }

    #[test]
    fn rewrites_nothing_in_a_malformed_payload() {
        let mut payload = [0x90, 0xc0, 0x92];

        assert!(!rewrite(&mut payload, numbers(1, 1)));

        assert_eq!(payload, [0x90, 0xc0, 0x92]);
    }
}
