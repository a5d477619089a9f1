//! What is read of a sequence header (AV1 specification §5.5).

use super::size;
use crate::frames::bits::Bits;
use crate::mux::VideoSize;

/// What a sequence header says that files repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sequence {
    /// The largest that a frame can have.
    pub(super) size: VideoSize,
    profile: u32,
    level: u32,
    tier: u32,
    color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Color {
    has_high_bit_depth: bool,
    has_twelve_bits: bool,
    is_monochrome: bool,
    subsampling_x: bool,
    subsampling_y: bool,
    sample_position: u32,
}

/// What later fields of the operating points depend on.
#[derive(Debug, Clone, Copy, Default)]
struct Timing {
    /// Bits of a delay, if there is a decoder model.
    delay_bits: Option<u32>,
    has_display_delay: bool,
}

impl Sequence {
    /// Reads what is behind the OBU's header; `None` if it is malformed.
    pub(super) fn read(payload: &[u8]) -> Option<Self> {
        let bits = &mut Bits::new(payload);
        let profile = bits.take(3)?;
        // still_picture.
        bits.skip(1)?;
        let is_reduced = bits.bit()?;
        let (level, tier) = if is_reduced {
            (bits.take(5)?, 0)
        } else {
            let timing = Timing::read(bits)?;
            read_operating_points(bits, timing)?
        };
        let size = read_size(bits)?;
        skip_tools(bits, is_reduced)?;
        Some(Self {
            size,
            profile,
            level,
            tier,
            color: Color::read(bits, profile)?,
        })
    }

    /// The `av1C` box's content ("AV1 Codec ISO Media File Format Binding" §2.3.3) with the sequence
    /// header's OBU.
    pub(super) fn config(&self, obu: &[u8]) -> Vec<u8> {
        let color = self.color;
        let bit = |is_set: bool, place: u32| u32::from(is_set) << place;
        let format = self.tier << 7
            | bit(color.has_high_bit_depth, 6)
            | bit(color.has_twelve_bits, 5)
            | bit(color.is_monochrome, 4)
            | bit(color.subsampling_x, 3)
            | bit(color.subsampling_y, 2)
            | color.sample_position;
        let profile_and_level = self.profile << 5 | self.level;
        let head = [0x81, profile_and_level as u8, format as u8, 0];
        [&head[..], obu].concat()
    }
}

impl Timing {
    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let mut timing = Self::default();
        let has_timing_info = bits.bit()?;
        if has_timing_info {
            // num_units_in_display_tick, time_scale.
            bits.skip(64)?;
            let is_equal = bits.bit()?;
            if is_equal {
                bits.exp_golomb()?;
            }
            let has_decoder_model = bits.bit()?;
            if has_decoder_model {
                timing.delay_bits = Some(bits.take(5)? + 1);
                // num_units_in_decoding_tick and the lengths of two times.
                bits.skip(32 + 5 + 5)?;
            }
        }
        timing.has_display_delay = bits.bit()?;
        Some(timing)
    }
}

/// Tells level and tier of the first operating point.
fn read_operating_points(bits: &mut Bits<'_>, timing: Timing) -> Option<(u32, u32)> {
    let mut first = None;
    for _ in 0..=bits.take(5)? {
        // operating_point_idc.
        bits.skip(12)?;
        let level = bits.take(5)?;
        let tier = if level > 7 { bits.take(1)? } else { 0 };
        if let Some(delay_bits) = timing.delay_bits {
            let has_model = bits.bit()?;
            if has_model {
                bits.skip(2 * delay_bits + 1)?;
            }
        }
        if timing.has_display_delay {
            let has_own = bits.bit()?;
            if has_own {
                bits.skip(4)?;
            }
        }
        first.get_or_insert((level, tier));
    }
    first
}

fn read_size(bits: &mut Bits<'_>) -> Option<VideoSize> {
    let width_bits = bits.take(4)? + 1;
    let height_bits = bits.take(4)? + 1;
    let width_px = bits.take(width_bits)? + 1;
    let height_px = bits.take(height_bits)? + 1;
    Some(size(width_px, height_px))
}

/// Reads past what is between size and colour.
fn skip_tools(bits: &mut Bits<'_>, is_reduced: bool) -> Option<()> {
    if !is_reduced {
        let has_frame_ids = bits.bit()?;
        if has_frame_ids {
            bits.skip(4 + 3)?;
        }
    }
    // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter.
    bits.skip(3)?;
    if !is_reduced {
        skip_inter_tools(bits)?;
    }
    // enable_superres, enable_cdef, enable_restoration.
    bits.skip(3)
}

fn skip_inter_tools(bits: &mut Bits<'_>) -> Option<()> {
    // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter.
    bits.skip(4)?;
    let has_order_hint = bits.bit()?;
    if has_order_hint {
        // enable_jnt_comp, enable_ref_frame_mvs.
        bits.skip(2)?;
    }
    let chooses_screen_content = bits.bit()?;
    let may_be_screen_content = chooses_screen_content || bits.bit()?;
    if may_be_screen_content {
        let chooses_integer_vectors = bits.bit()?;
        if !chooses_integer_vectors {
            bits.skip(1)?;
        }
    }
    if has_order_hint {
        bits.skip(3)?;
    }
    Some(())
}

impl Color {
    /// `color_config` (§5.5.2).
    fn read(bits: &mut Bits<'_>, profile: u32) -> Option<Self> {
        let mut color = Self {
            has_high_bit_depth: bits.bit()?,
            ..Self::default()
        };
        if profile == 2 && color.has_high_bit_depth {
            color.has_twelve_bits = bits.bit()?;
        }
        color.is_monochrome = profile != 1 && bits.bit()?;
        let is_described = bits.bit()?;
        let description = if is_described { bits.take(24)? } else { 0 };
        if color.is_monochrome {
            // color_range.
            bits.skip(1)?;
            (color.subsampling_x, color.subsampling_y) = (true, true);
        } else if description != SRGB {
            bits.skip(1)?;
            color.read_subsampling(bits, profile)?;
        }
        Some(color)
    }

    fn read_subsampling(&mut self, bits: &mut Bits<'_>, profile: u32) -> Option<()> {
        (self.subsampling_x, self.subsampling_y) = match profile {
            0 => (true, true),
            1 => (false, false),
            _ if self.has_twelve_bits => {
                let x = bits.bit()?;
                (x, x && bits.bit()?)
            }
            _ => (true, false),
        };
        if self.subsampling_x && self.subsampling_y {
            self.sample_position = bits.take(2)?;
        }
        Some(())
    }
}

/// Primaries of BT.709, the transfer of sRGB and the identity matrix: 4:4:4 without saying so.
const SRGB: u32 = 1 << 16 | 13 << 8;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// As libaom makes it in real time for 320x180: profile 0, level 2.0, one operating point.
    pub(in super::super) const SEQUENCE: [u8; 11] = [
        0x00, 0x00, 0x00, 0x04, 0x3c, 0xfe, 0xcc, 0xc2, 0x79, 0x00, 0x80,
    ];

    /// Level 4.0 in the high tier, with timing, a decoder model and two operating points.
    const TIMED: [u8; 35] = [
        0x04, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x00, 0x7b, 0xa4, 0x00, 0x00, 0x00, 0x04, 0x64,
        0x84, 0x40, 0x51, 0x80, 0xa0, 0x32, 0x62, 0x02, 0x8c, 0x05, 0x01, 0x93, 0xaa, 0xef, 0xf0,
        0xdc, 0xc2, 0x79, 0x00, 0x80,
    ];

    #[test]
    fn reads_size_and_format() {
        let sequence = Sequence::read(&SEQUENCE).expect("whole");

        assert_eq!(sequence.size, size(320, 180));
        // Profile 0, level 2.0; 4:2:0 of 8 bits.
        let config = sequence.config(&[9]);
        assert_eq!(config, [0x81, 0x00, 0x0c, 0x00, 9]);
    }

    #[test]
    fn reads_past_timing_and_delays() {
        let sequence = Sequence::read(&TIMED).expect("whole");

        assert_eq!(sequence.size, size(1920, 1080));
        let config = sequence.config(&[]);
        assert_eq!(config, [0x81, 0x08, 0x8c, 0x00]);
    }

    #[test]
    fn every_cut_is_malformed() {
        // The last byte has nothing that is read.
        for len in 0..SEQUENCE.len() - 1 {
            assert_eq!(Sequence::read(&SEQUENCE[..len]), None, "{len} bytes");
        }
    }
}
