//! H.264 payloads (RFC 6184): single NAL units, STAP-A and FU-A. A frame is an access unit, each NAL
//! unit after its length in four bytes (ISO/IEC 14496-15 §5.3.2).
//!
//! Delimiters and filler data are left out. Every keyframe has its parameter sets, besides their being
//! in the configuration: players that heed only one of them can go on when they change.

mod parameter_set;
mod sets;

use std::sync::Arc;

pub(crate) use self::parameter_set::plain_size;
use self::sets::ParameterSets;
use super::{Coded, Depacketizer, Malformed, size};
use crate::frames::continuity::Needs;
use crate::mux::VideoSize;

// NAL unit types, ITU-T H.264 table 7-1 and RFC 6184 table 1.
const SLICE: u8 = 1;
const IDR_SLICE: u8 = 5;
const SEQUENCE_PARAMETER_SET: u8 = 7;
const PICTURE_PARAMETER_SET: u8 = 8;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const FILLER_DATA: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

#[derive(Debug)]
pub(super) struct H264 {
    /// The parameter sets in use, and those that the frame has brought.
    sets: ParameterSets,
    new_sets: ParameterSets,
    /// The last keyframe has brought its parameter sets.
    repeats_sets: bool,
    config: Option<Arc<[u8]>>,
    size: VideoSize,
    after_loss: bool,
    /// Where in the frame the NAL unit begins that parts are added to.
    fragmented: Option<usize>,
    needs: Option<Needs>,
    has_first_slice: bool,
}

impl Default for H264 {
    fn default() -> Self {
        Self {
            sets: ParameterSets::default(),
            new_sets: ParameterSets::default(),
            repeats_sets: false,
            config: None,
            size: size(0, 0),
            after_loss: false,
            fragmented: None,
            needs: None,
            has_first_slice: false,
        }
    }
}

impl Depacketizer for H264 {
    fn begin(&mut self, after_loss: bool) {
        self.new_sets.clear();
        self.after_loss = after_loss;
        self.fragmented = None;
        self.needs = None;
        self.has_first_slice = false;
    }

    fn push(&mut self, payload: &[u8], frame: &mut Vec<u8>) -> Result<(), Malformed> {
        let (&header, body) = payload.split_first().ok_or(Malformed)?;
        if header & 0x1f == FU_A {
            return self.push_fragment(header, body, frame);
        }
        if self.fragmented.is_some() {
            return Err(Malformed);
        }
        match header & 0x1f {
            1..=23 => self.push_unit(payload, frame),
            STAP_A => self.push_aggregate(body, frame),
            // Reserved, or of the interleaved mode, which is never negotiated.
            _ => Err(Malformed),
        }
    }

    fn needs(&self) -> Option<Needs> {
        self.needs
    }

    fn finish(&mut self, frame: &mut Vec<u8>) -> Result<Option<Coded>, Malformed> {
        if self.fragmented.is_some() {
            return Err(Malformed);
        }
        let Some(needs) = self.needs else {
            self.sets.update(&mut self.new_sets);
            return Ok(None);
        };
        // After a loss, what a keyframe needs may be among the lost.
        let has_own_sets = self.new_sets.is_complete();
        let lacks_sets = self.after_loss && self.repeats_sets && !has_own_sets;
        if !self.has_first_slice || needs.is_keyframe && lacks_sets {
            return Err(Malformed);
        }
        self.sets.update(&mut self.new_sets);
        let config = if needs.is_keyframe {
            self.repeats_sets = has_own_sets;
            if !has_own_sets {
                self.sets.put_before(frame);
            }
            self.describe().ok_or(Malformed)?
        } else {
            None
        };
        Ok(Some(Coded {
            needs,
            size: self.size,
            config,
        }))
    }
}

/// The content of the box `avcC` for a keyframe that has its parameter sets; `None` if it has none
/// that can be read.
pub(crate) fn config(frame: &[u8]) -> Option<Vec<u8>> {
    let mut sets = ParameterSets::default();
    let mut rest = frame;
    while let Some((length, after)) = rest.split_first_chunk::<LENGTH_BYTES>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (unit, after) = after.split_at_checked(length)?;
        rest = after;
        let inserted = match unit.first().map_or(0, |header| header & 0x1f) {
            SEQUENCE_PARAMETER_SET => sets.insert_sequence(unit),
            PICTURE_PARAMETER_SET => sets.insert_picture(unit),
            _ => Ok(()),
        };
        inserted.ok()?;
    }
    sets.config()
}

impl H264 {
    /// RFC 6184 §5.7.1: NAL units, each after its size in 16 bits.
    fn push_aggregate(&mut self, body: &[u8], frame: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut rest = body;
        loop {
            let (size, after) = rest.split_first_chunk::<2>().ok_or(Malformed)?;
            let size = u16::from_be_bytes(*size).into();
            let (unit, after) = after.split_at_checked(size).ok_or(Malformed)?;
            self.push_unit(unit, frame)?;
            if after.is_empty() {
                return Ok(());
            }
            rest = after;
        }
    }

    /// RFC 6184 §5.8: a header with S, E, R and the type of the whole unit, then a part of the unit.
    fn push_fragment(
        &mut self,
        indicator: u8,
        body: &[u8],
        frame: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let (&header, part) = body.split_first().ok_or(Malformed)?;
        let (is_start, is_end) = (header & 0x80 != 0, header & 0x40 != 0);
        if is_start == self.fragmented.is_some() || is_start && is_end || part.is_empty() {
            return Err(Malformed);
        }
        if is_start {
            self.fragmented = Some(frame.len());
            frame.extend([0; LENGTH_BYTES]);
            frame.push(indicator & 0xe0 | header & 0x1f);
        }
        frame.extend_from_slice(part);
        if is_start {
            // So that it is known which frame it is, whatever happens to the rest.
            self.note_slice(indicator & 0xe0 | header & 0x1f, part);
        }
        match self.fragmented {
            Some(start) if is_end => self.end_unit(start, frame),
            _ => Ok(()),
        }
    }

    fn push_unit(&mut self, unit: &[u8], frame: &mut Vec<u8>) -> Result<(), Malformed> {
        let (&header, body) = unit.split_first().ok_or(Malformed)?;
        self.note_slice(header, body);
        let start = frame.len();
        frame.extend([0; LENGTH_BYTES]);
        frame.extend_from_slice(unit);
        self.end_unit(start, frame)
    }

    /// Puts the length before a unit that is whole, or takes it out again.
    fn end_unit(&mut self, start: usize, frame: &mut Vec<u8>) -> Result<(), Malformed> {
        self.fragmented = None;
        let (length, unit) = frame
            .get_mut(start..)
            .and_then(|unit| unit.split_first_chunk_mut::<LENGTH_BYTES>())
            .ok_or(Malformed)?;
        let bytes = u32::try_from(unit.len()).map_err(|_| Malformed)?;
        *length = bytes.to_be_bytes();
        match unit.first().ok_or(Malformed)? & 0x1f {
            SEQUENCE_PARAMETER_SET => self.new_sets.insert_sequence(unit),
            PICTURE_PARAMETER_SET => self.new_sets.insert_picture(unit),
            // Also the ends of a sequence and of a stream.
            ACCESS_UNIT_DELIMITER..=FILLER_DATA => {
                frame.truncate(start);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn note_slice(&mut self, header: u8, body: &[u8]) {
        let unit = header & 0x1f;
        if !(SLICE..=IDR_SLICE).contains(&unit) {
            return;
        }
        // A slice starts with first_mb_in_slice (ITU-T H.264 §7.3.3); its code for 0 is one set bit.
        let is_first = body.first().is_some_and(|byte| byte & 0x80 != 0);
        self.has_first_slice |= is_first && self.needs.is_none();
        self.needs.get_or_insert_with(|| Needs {
            is_keyframe: unit == IDR_SLICE,
            // nal_ref_idc, which is 0 in all slices of a picture or in none (§7.4.1).
            is_discardable: header & 0x60 == 0,
            ..Needs::default()
        });
    }

    /// Takes over the parameter sets in use; tells the configuration if it is another one. `None` if
    /// there is none, or one that cannot be read.
    fn describe(&mut self) -> Option<Option<Arc<[u8]>>> {
        let config = self.sets.config()?;
        if self.config.as_deref() == Some(config.as_slice()) {
            return Some(None);
        }
        self.size = self.sets.size()?;
        self.config = Some(config.into());
        Some(self.config.clone())
    }
}

const LENGTH_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use super::parameter_set::tests::{PPS, SPS};
    use super::*;

    const IDR: [u8; 4] = [0x65, 0x88, 0x84, 0x21];
    const DELTA: [u8; 3] = [0x41, 0x9a, 0x11];

    #[test]
    fn a_keyframe_has_sets_lengths_and_a_configuration() {
        let mut h264 = H264::default();
        let mut frame = Vec::new();

        h264.begin(false);
        h264.push(&aggregate(&[&[0x09, 0xf0], &SPS, &PPS]), &mut frame)
            .expect("whole");
        h264.push(&IDR, &mut frame).expect("whole");
        let coded = finish(&mut h264, &mut frame);

        assert_eq!(frame, avcc(&[&SPS, &PPS, &IDR]));
        assert!(coded.needs.is_keyframe);
        assert_eq!(coded.size, size(320, 180));
        let config = coded.config.expect("a configuration");
        let expected = [
            &[1, SPS[1], SPS[2], SPS[3], 0xff, 0xe1, 0, SPS.len() as u8][..],
            &SPS,
            &[1, 0, PPS.len() as u8],
            &PPS,
        ];
        assert_eq!(*config, expected.concat());
    }

    #[test]
    fn a_configuration_is_told_once() {
        let mut h264 = begun();
        let mut frame = Vec::new();

        h264.begin(false);
        h264.push(&aggregate(&[&SPS, &PPS, &IDR]), &mut frame)
            .expect("whole");

        assert_eq!(finish(&mut h264, &mut frame).config, None);
    }

    #[test]
    fn parts_of_a_unit_are_joined() {
        let mut h264 = begun();
        let mut frame = Vec::new();

        h264.begin(false);
        for payload in [
            [0x5c, 0x81, 0x9a, 1],
            [0x5c, 0x01, 2, 3],
            [0x5c, 0x41, 4, 5],
        ] {
            h264.push(&payload, &mut frame).expect("whole");
        }
        let coded = finish(&mut h264, &mut frame);

        assert_eq!(frame, avcc(&[&[0x41, 0x9a, 1, 2, 3, 4, 5]]));
        assert!(!coded.needs.is_keyframe && !coded.needs.is_discardable);
    }

    #[test]
    fn filler_is_left_out_in_one_piece_and_in_parts() {
        let mut h264 = begun();
        let mut frame = Vec::new();

        h264.begin(false);
        let payloads: [&[u8]; 4] = [
            &DELTA,
            &[0x0c, 0xff, 0xff],
            &[0x1c, 0x8c, 0xff],
            &[0x1c, 0x4c, 0xff],
        ];
        for payload in payloads {
            h264.push(payload, &mut frame).expect("whole");
        }
        finish(&mut h264, &mut frame);

        assert_eq!(frame, avcc(&[&DELTA]));
    }

    #[test]
    fn what_has_no_slice_is_no_picture_but_the_next_keyframe_has_its_sets() {
        let mut h264 = H264::default();
        let mut frame = Vec::new();
        h264.begin(false);
        h264.push(&aggregate(&[&SPS, &PPS]), &mut frame)
            .expect("whole");
        assert_eq!(h264.finish(&mut frame), Ok(None));

        frame.clear();
        h264.begin(false);
        h264.push(&IDR, &mut frame).expect("whole");
        let coded = finish(&mut h264, &mut frame);

        assert!(coded.config.is_some());
        assert_eq!(frame, avcc(&[&SPS, &PPS, &IDR]));
    }

    #[test]
    fn after_a_loss_a_keyframe_needs_what_the_one_before_had() {
        let mut h264 = begun();
        let mut frame = Vec::new();

        h264.begin(true);
        h264.push(&IDR, &mut frame).expect("whole");

        assert_eq!(h264.finish(&mut frame), Err(Malformed));
    }

    #[test]
    fn a_frame_without_its_first_slice_or_without_sets_is_not_whole() {
        for payload in [&[0x65, 0x48, 0x84][..], &IDR] {
            let mut h264 = H264::default();
            let mut frame = Vec::new();
            h264.begin(true);
            h264.push(payload, &mut frame).expect("whole");

            assert_eq!(h264.finish(&mut frame), Err(Malformed));
        }
    }

    #[test]
    fn a_unit_that_does_not_end_is_malformed() {
        let mut h264 = begun();
        let mut frame = Vec::new();
        h264.begin(false);
        h264.push(&[0x5c, 0x81, 0x9a, 1], &mut frame)
            .expect("whole");

        assert_eq!(h264.push(&DELTA, &mut frame), Err(Malformed));
        assert_eq!(
            h264.push(&[0x5c, 0x81, 0x9a, 1], &mut frame),
            Err(Malformed)
        );
        assert_eq!(h264.finish(&mut frame), Err(Malformed));
    }

    #[test]
    fn a_picture_that_no_other_refers_to_says_so() {
        let mut h264 = begun();
        let mut frame = Vec::new();
        h264.begin(false);
        h264.push(&[0x1c, 0x81, 0x9a, 1], &mut frame)
            .expect("whole");

        assert!(h264.needs().is_some_and(|needs| needs.is_discardable));
    }

    fn begun() -> H264 {
        let mut h264 = H264::default();
        let mut frame = Vec::new();
        h264.begin(false);
        h264.push(&aggregate(&[&SPS, &PPS, &IDR]), &mut frame)
            .expect("whole");
        finish(&mut h264, &mut frame);
        h264
    }

    fn finish(h264: &mut H264, frame: &mut Vec<u8>) -> Coded {
        h264.finish(frame).expect("whole").expect("a picture")
    }

    fn aggregate(units: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![0x78];
        for unit in units {
            payload.extend((unit.len() as u16).to_be_bytes());
            payload.extend(*unit);
        }
        payload
    }

    fn avcc(units: &[&[u8]]) -> Vec<u8> {
        let mut frame = Vec::new();
        for unit in units {
            frame.extend((unit.len() as u32).to_be_bytes());
            frame.extend(*unit);
        }
        frame
    }
}
