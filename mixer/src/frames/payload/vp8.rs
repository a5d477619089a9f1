//! VP8 payloads (RFC 7741): a frame is what is behind their descriptors.

use proto::layer::vp8::Descriptor;

use super::{Coded, Depacketizer, Malformed, size};
use crate::frames::continuity::Needs;
use crate::mux::VideoSize;

#[derive(Debug)]
pub(super) struct Vp8 {
    needs: Option<Needs>,
    has_start: bool,
    size: VideoSize,
}

impl Default for Vp8 {
    fn default() -> Self {
        Self {
            needs: None,
            has_start: false,
            size: size(0, 0),
        }
    }
}

impl Depacketizer for Vp8 {
    fn begin(&mut self, _after_loss: bool) {
        self.needs = None;
        self.has_start = false;
    }

    fn push(&mut self, payload: &[u8], frame: &mut Vec<u8>) -> Result<(), Malformed> {
        let descriptor = Descriptor::read(payload).ok_or(Malformed)?;
        let body = payload.get(descriptor.len..).ok_or(Malformed)?;
        let &first = body.first().ok_or(Malformed)?;
        match &self.needs {
            None => {
                self.has_start = descriptor.starts_frame();
                // RFC 7741 §4.3: P is 0 in a keyframe.
                let is_keyframe = self.has_start && first & 1 == 0;
                self.needs = Some(needs(&descriptor, is_keyframe));
            }
            Some(needs) => {
                let is_same = needs.picture_id == descriptor.ids().picture_id;
                if descriptor.starts_frame() || !is_same {
                    return Err(Malformed);
                }
            }
        }
        frame.extend_from_slice(body);
        Ok(())
    }

    fn needs(&self) -> Option<Needs> {
        self.needs
    }

    fn finish(&mut self, frame: &mut Vec<u8>) -> Result<Option<Coded>, Malformed> {
        let needs = self.needs.filter(|_| self.has_start).ok_or(Malformed)?;
        if needs.is_keyframe {
            self.size = keyframe_size(frame).ok_or(Malformed)?;
        }
        Ok(Some(Coded {
            needs,
            size: self.size,
            config: None,
        }))
    }
}

fn needs(descriptor: &Descriptor, is_keyframe: bool) -> Needs {
    let ids = descriptor.ids();
    Needs {
        is_keyframe,
        temporal: descriptor.temporal,
        picture_id: ids.picture_id,
        base_index: ids.tl0_pic_idx,
        is_layer_sync: descriptor.layer_sync,
        is_discardable: descriptor.non_reference,
        ..Needs::default()
    }
}

/// RFC 6386 §9.1: three bytes, a start code, and 14 bits for each side with a scale above them.
fn keyframe_size(frame: &[u8]) -> Option<VideoSize> {
    let &[_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1] = frame.first_chunk::<10>()? else {
        return None;
    };
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    let (width_px, height_px) = (side(w0, w1), side(h0, h1));
    (width_px > 0 && height_px > 0).then(|| size(width_px, height_px))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A keyframe of 320x180.
    const KEY: [u8; 11] = [
        0x50, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x41, 0xb4, 0x00, 0xaa,
    ];

    #[test]
    fn joins_what_is_behind_descriptors() {
        let mut vp8 = Vp8::default();
        let mut frame = Vec::new();

        vp8.begin(false);
        // X, S; I, L, T; picture id 5, TL0PICIDX 6, TID 0.
        let first = [&[0x90, 0xe0, 0x05, 0x06, 0x00][..], &KEY[..7]].concat();
        vp8.push(&first, &mut frame).expect("whole");
        let second = [&[0x80, 0xe0, 0x05, 0x06, 0x00][..], &KEY[7..]].concat();
        vp8.push(&second, &mut frame).expect("whole");
        let coded = vp8.finish(&mut frame).expect("whole").expect("a picture");

        assert_eq!(frame, KEY);
        assert_eq!(coded.size, size(320, 180));
        assert!(coded.needs.is_keyframe);
        assert_eq!(coded.needs.base_index, Some(6));
    }

    #[test]
    fn a_frame_without_its_beginning_is_not_whole() {
        let mut vp8 = Vp8::default();
        let mut frame = Vec::new();

        vp8.begin(true);
        vp8.push(&[0x80, 0x80, 0x05, 0x01], &mut frame)
            .expect("whole");

        assert_eq!(vp8.finish(&mut frame), Err(Malformed));
        assert_eq!(vp8.needs().map(|needs| needs.temporal), Some(0));
    }

    #[test]
    fn a_second_frame_of_the_same_time_is_malformed() {
        let mut vp8 = Vp8::default();
        let mut frame = Vec::new();
        vp8.begin(false);
        vp8.push(&[0x90, 0x80, 0x05, 0x01], &mut frame)
            .expect("whole");

        assert_eq!(
            vp8.push(&[0x90, 0x80, 0x05, 0x01], &mut frame),
            Err(Malformed)
        );
        assert_eq!(
            vp8.push(&[0x80, 0x80, 0x06, 0x01], &mut frame),
            Err(Malformed)
        );
    }

    #[test]
    fn a_keyframe_has_a_start_code_and_a_size() {
        for (place, byte) in [(3, 0x9c), (6, 0), (8, 0)] {
            let mut key = KEY;
            key[place] = byte;
            key[7] &= if place == 6 { 0xc0 } else { 0xff };

            assert_eq!(keyframe_size(&key), None, "{place}");
        }
        assert_eq!(keyframe_size(&KEY[..9]), None);
    }
}
