//! What is read of parameter sets (ITU-T H.264 §7.3.2.1 and §7.3.2.2).

use super::size;
use crate::frames::bits::Bits;
use crate::frames::limits::MAX_PARAMETER_SET_BYTES;
use crate::mux::VideoSize;

/// The id of a picture parameter set.
pub(super) fn picture_id(unit: &[u8]) -> Option<u32> {
    let body = without_emulation_prevention(unit.get(1..)?);
    let id = Bits::new(&body).exp_golomb()?;
    (id <= 255).then_some(id)
}

/// The id of a sequence parameter set.
pub(super) fn sequence_id(unit: &[u8]) -> Option<u32> {
    let body = without_emulation_prevention(unit.get(4..)?);
    let id = Bits::new(&body).exp_golomb()?;
    (id <= 31).then_some(id)
}

/// The size of the pictures of a sequence parameter set, if it is of 8 bits in 4:2:0, without
/// fields, and such that nobody reads it differently; `None` otherwise.
pub(crate) fn plain_size(unit: &[u8]) -> Option<VideoSize> {
    // Decoders differ in what they make of a superfluous byte against start codes.
    let is_superfluous = |bytes: &[u8]| matches!(bytes, [0, 0, 3, 4..=u8::MAX]);
    if unit.len() > MAX_PARAMETER_SET_BYTES || unit.windows(4).any(is_superfluous) {
        return None;
    }
    let format = Format::read(unit)?;
    let has_bytes = format.luma_bits_above_8 == 0 && format.chroma_bits_above_8 == 0;
    let is_plain = PLAIN_PROFILES.contains(unit.get(1)?)
        && format.chroma == 1
        && has_bytes
        && !format.has_fields
        && !format.has_long_codes;
    is_plain.then(|| format.size())?
}

/// What a sequence parameter set says of the pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    /// chroma_format_idc: 1 is 4:2:0.
    pub(super) chroma: u8,
    pub(super) luma_bits_above_8: u8,
    pub(super) chroma_bits_above_8: u8,
    has_separate_planes: bool,
    width_in_macroblocks: u32,
    /// Counts pairs of macroblocks if there are fields.
    height_in_units: u32,
    has_fields: bool,
    /// Left, right, top, bottom.
    crop: [u32; 4],
    /// A number is longer than any that makes sense.
    has_long_codes: bool,
}

impl Format {
    /// Reads a NAL unit; `None` if it is malformed.
    pub(super) fn read(unit: &[u8]) -> Option<Self> {
        let profile = *unit.get(1)?;
        let body = without_emulation_prevention(unit.get(4..)?);
        let bits = &mut Bits::new(&body);
        let _id = bits.exp_golomb()?;
        let mut format = Self {
            chroma: 1,
            luma_bits_above_8: 0,
            chroma_bits_above_8: 0,
            has_separate_planes: false,
            width_in_macroblocks: 0,
            height_in_units: 0,
            has_fields: false,
            crop: [0; 4],
            has_long_codes: false,
        };
        if PROFILES_WITH_CHROMA.contains(&profile) {
            format.read_chroma(bits)?;
        }
        // log2_max_frame_num_minus4.
        bits.exp_golomb()?;
        skip_picture_order(bits)?;
        // max_num_ref_frames, gaps_in_frame_num_value_allowed_flag.
        bits.exp_golomb()?;
        bits.skip(1)?;
        format.read_size(bits)?;
        format.has_long_codes = bits.longest_code() > MAX_PLAIN_ZEROS;
        Some(format)
    }

    /// The size of what is not cut off; `None` if that is nothing.
    pub(super) fn size(&self) -> Option<VideoSize> {
        let rows = if self.has_fields { 2 } else { 1 };
        // ITU-T H.264 §7.4.2.1.1, table 6-1: units of cropping.
        let (unit_x, unit_y) = match self.chroma {
            1 if !self.has_separate_planes => (2, 2),
            2 if !self.has_separate_planes => (2, 1),
            _ => (1, 1),
        };
        let [left, right, top, bottom] = self.crop;
        let side = |blocks: u32, start: u32, end: u32, unit: u32| {
            let cut = start.checked_add(end)?.checked_mul(unit)?;
            let side = blocks.checked_mul(16)?.checked_sub(cut)?;
            (1..=MAX_SIDE_PX).contains(&side).then_some(side)
        };
        let width_px = side(self.width_in_macroblocks, left, right, unit_x)?;
        let height = self.height_in_units.checked_mul(rows)?;
        let height_px = side(height, top, bottom, unit_y * rows)?;
        Some(size(width_px, height_px))
    }

    fn read_chroma(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.chroma = small(bits, 3)?;
        if self.chroma == 3 {
            self.has_separate_planes = bits.bit()?;
        }
        self.luma_bits_above_8 = small(bits, 6)?;
        self.chroma_bits_above_8 = small(bits, 6)?;
        // qpprime_y_zero_transform_bypass_flag.
        bits.skip(1)?;
        let has_scaling_matrix = bits.bit()?;
        if has_scaling_matrix {
            let lists = if self.chroma == 3 { 12 } else { 8 };
            for list in 0..lists {
                let is_present = bits.bit()?;
                if is_present {
                    skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
        Some(())
    }

    fn read_size(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        self.width_in_macroblocks = bits.exp_golomb()?.checked_add(1)?;
        self.height_in_units = bits.exp_golomb()?.checked_add(1)?;
        self.has_fields = !bits.bit()?;
        if self.has_fields {
            // mb_adaptive_frame_field_flag.
            bits.skip(1)?;
        }
        // direct_8x8_inference_flag.
        bits.skip(1)?;
        let is_cropped = bits.bit()?;
        if is_cropped {
            for side in &mut self.crop {
                *side = bits.exp_golomb()?;
            }
        }
        Some(())
    }
}

fn small(bits: &mut Bits<'_>, most: u32) -> Option<u8> {
    let value = bits.exp_golomb()?;
    (value <= most).then_some(value as u8)
}

fn skip_scaling_list(bits: &mut Bits<'_>, entries: usize) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..entries {
        if next != 0 {
            let delta = bits.signed_exp_golomb()?;
            next = (last + delta % 256 + 256) % 256;
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

fn skip_picture_order(bits: &mut Bits<'_>) -> Option<()> {
    match bits.exp_golomb()? {
        0 => {
            // log2_max_pic_order_cnt_lsb_minus4.
            bits.exp_golomb()?;
        }
        1 => {
            // delta_pic_order_always_zero_flag and two offsets.
            bits.skip(1)?;
            bits.exp_golomb()?;
            bits.exp_golomb()?;
            let references = bits.exp_golomb()?;
            for _ in 0..references.min(MAX_ORDER_CYCLE) {
                bits.exp_golomb()?;
            }
        }
        2 => {}
        _ => return None,
    }
    Some(())
}

/// Takes out the bytes that keep start codes from showing up (ITU-T H.264 §7.4.1).
fn without_emulation_prevention(body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(body.len().min(MAX_PARAMETER_SET_BYTES));
    let mut zeros = 0;
    for &byte in body.iter().take(MAX_PARAMETER_SET_BYTES) {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        bytes.push(byte);
    }
    bytes
}

/// Profiles whose sets tell the format of chroma (ITU-T H.264 §7.3.2.1.1).
const PROFILES_WITH_CHROMA: [u8; 13] =
    [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
/// Baseline, main, extended and high.
const PLAIN_PROFILES: [u8; 4] = [66, 77, 88, 100];
/// Zeros before an Exp-Golomb code up to which OpenH264 reads it in one piece.
const MAX_PLAIN_ZEROS: u32 = 16;
/// num_ref_frames_in_pic_order_cnt_cycle has at most eight bits.
const MAX_ORDER_CYCLE: u32 = 255;
/// Twice what the highest level of H.264 has across.
const MAX_SIDE_PX: u32 = 32_768;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Baseline, level 3.1, 320x180: 20x12 macroblocks, of which 12 rows of pixels are cut off.
    pub(in super::super) const SPS: [u8; 9] =
        [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x05, 0x06, 0x7e, 0x74];
    /// High, as x264 makes it for 1920x1080.
    pub(in super::super) const HIGH_SPS: [u8; 24] = [
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00,
        0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c,
    ];
    pub(in super::super) const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];

    #[test]
    fn reads_a_size_with_cropping() {
        let format = Format::read(&SPS).expect("whole");

        assert_eq!(format.size(), Some(size(320, 180)));
    }

    #[test]
    fn reads_a_size_of_a_high_profile() {
        let format = Format::read(&HIGH_SPS).expect("whole");

        assert_eq!(format.size(), Some(size(1920, 1080)));
        assert_eq!(format.chroma, 1);
    }

    #[test]
    fn a_set_that_readers_may_differ_in_is_not_plain() {
        // Baseline, 320x192.
        let cropped = |left: u64, right: u64| {
            let mut bits = BitString::default();
            // Of frame numbers and order nothing special, one reference.
            bits.codes([0, 0, 2, 1]);
            bits.bits([false]);
            bits.codes([19, 11]);
            // Frames only, direct inference, cropping.
            bits.bits([true, true, true]);
            bits.codes([left, right, 0, 0]);
            [&[0x67, 66, 0xc0, 31][..], &bits.bytes()].concat()
        };
        let superfluous = [&SPS[..], &[0, 0, 3, 4]].concat();

        assert_eq!(plain_size(&SPS), Some(size(320, 180)));
        assert_eq!(plain_size(&HIGH_SPS), Some(size(1920, 1080)));
        assert_eq!(plain_size(&cropped(4, 6)), Some(size(300, 192)));
        assert_eq!(plain_size(&cropped(1 << 31, 1 << 31)), None);
        assert_eq!(plain_size(&cropped(1 << 20, 0)), None);
        assert_eq!(plain_size(&superfluous), None);
    }

    /// Bits that are put together.
    #[derive(Default)]
    struct BitString(Vec<bool>);

    impl BitString {
        fn bits<const COUNT: usize>(&mut self, bits: [bool; COUNT]) {
            self.0.extend(bits);
        }

        /// Exp-Golomb codes.
        fn codes<const COUNT: usize>(&mut self, values: [u64; COUNT]) {
            for value in values {
                let code = value + 1;
                let bits = code.ilog2();
                self.0.extend((0..bits).map(|_| false));
                self.0
                    .extend((0..=bits).rev().map(|at| code >> at & 1 == 1));
            }
        }

        /// Whole bytes, with emulation prevention.
        fn bytes(&self) -> Vec<u8> {
            let mut bytes = Vec::new();
            let mut zeros = 0;
            for bits in self.0.chunks(8) {
                let byte = bits.iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit));
                let byte = byte << (8 - bits.len());
                if zeros >= 2 && byte <= 3 {
                    bytes.push(3);
                    zeros = 0;
                }
                zeros = if byte == 0 { zeros + 1 } else { 0 };
                bytes.push(byte);
            }
            bytes
        }
    }

    #[test]
    fn takes_out_emulation_prevention() {
        let bytes = without_emulation_prevention(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]);

        assert_eq!(bytes, [0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn reads_ids() {
        assert_eq!(sequence_id(&SPS), Some(0));
        assert_eq!(picture_id(&PPS), Some(0));
        // ue(v) 2.
        assert_eq!(picture_id(&[0x68, 0x60]), Some(2));
        assert_eq!(picture_id(&[0x68]), None);
    }

    #[test]
    fn more_cropping_than_picture_is_no_size() {
        let format = Format::read(&SPS).expect("whole");

        let cut = Format {
            crop: [80, 80, 0, 0],
            ..format
        };

        assert_eq!(cut.size(), None);
    }

    #[test]
    fn every_cut_before_the_size_is_malformed() {
        for len in 0..8 {
            assert_eq!(Format::read(&SPS[..len]), None, "{len} bytes");
        }
    }
}
