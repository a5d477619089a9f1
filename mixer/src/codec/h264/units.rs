//! NAL units as files have them, each after its length in four bytes, and as OpenH264 has them, each
//! after a start code.

use crate::codec::CodecError;
use crate::frames::plain_h264_size;

// NAL unit types, ITU-T H.264 table 7-1.
const SLICE: u8 = 1;
const IDR_SLICE: u8 = 5;
const SEQUENCE_PARAMETER_SET: u8 = 7;
const PICTURE_PARAMETER_SET: u8 = 8;

/// What is known of a frame that a decoder may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Checked {
    pub(super) is_keyframe: bool,
}

/// Puts the units of a frame that decoding needs into `stream`, after start codes.
///
/// OpenH264 takes a sequence parameter set at its word: it allocates what it asks for, and where
/// what is to be cut off is so much that it overflows, it reads what is not its own. So every one
/// is read here first, and no unit gets through that would be several to it.
pub(super) fn check(frame: &[u8], stream: &mut Vec<u8>) -> Result<Checked, CodecError> {
    stream.clear();
    let mut is_keyframe = false;
    let mut rest = frame;
    while !rest.is_empty() {
        let (unit, after) = split_unit(rest).ok_or(CodecError::Undecodable)?;
        rest = after;
        match unit.first().map_or(0, |header| header & 0x1f) {
            IDR_SLICE => is_keyframe = true,
            SEQUENCE_PARAMETER_SET => check_sequence(unit)?,
            SLICE | PICTURE_PARAMETER_SET => {}
            // What a picture can do without: delimiters, messages, further layers.
            _ => continue,
        }
        if has_start_code(unit) {
            return Err(CodecError::Undecodable);
        }
        stream.extend(START_CODE);
        stream.extend_from_slice(unit);
    }
    Ok(Checked { is_keyframe })
}

/// An access unit of OpenH264 as files have it.
#[cfg(any(feature = "h264", test))]
pub(super) fn with_lengths(stream: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(stream.len());
    for unit in openh264::nal_units(stream) {
        let zeros = unit.iter().take_while(|&&byte| byte == 0).count();
        let unit = without_trailing_zeros(unit.get(zeros + 1..).unwrap_or_default());
        frame.extend((unit.len() as u32).to_be_bytes());
        frame.extend_from_slice(unit);
    }
    frame
}

/// The first unit, without zeros behind it, and what follows.
fn split_unit(frame: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = frame.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (unit, rest) = rest.split_at_checked(length)?;
    Some((without_trailing_zeros(unit), rest))
}

/// Zeros may follow a unit in a byte stream (ITU-T H.264 annex B), and some senders leave them on.
fn without_trailing_zeros(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|&byte| byte != 0);
    unit.get(..=end.unwrap_or_default()).unwrap_or_default()
}

fn check_sequence(unit: &[u8]) -> Result<(), CodecError> {
    let size = plain_h264_size(unit).ok_or(CodecError::Undecodable)?;
    let (width, height) = (size.width_px, size.height_px);
    if width > vpx::MAX_DECODED_SIDE || height > vpx::MAX_DECODED_SIDE {
        return Err(CodecError::TooLarge { width, height });
    }
    Ok(())
}

/// Whether there is what no unit has inside (ITU-T H.264 §7.4.1).
fn has_start_code(unit: &[u8]) -> bool {
    unit.windows(3).any(|bytes| matches!(bytes, [0, 0, 0..=2]))
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

#[cfg(test)]
mod tests {
    use super::*;

    /// Baseline, 320x180.
    const SPS: [u8; 9] = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x05, 0x06, 0x7e, 0x74];
    const PPS: [u8; 4] = [0x68, 0xce, 0x3c, 0x80];
    const IDR: [u8; 4] = [0x65, 0x88, 0x84, 0x21];
    const DELTA: [u8; 3] = [0x41, 0x9a, 0x11];

    #[test]
    fn lengths_become_start_codes() {
        let mut stream = Vec::new();
        let sei = [0x06, 5, 1, 0x80];

        let checked = check(&frame(&[&SPS, &sei, &PPS, &IDR]), &mut stream);

        assert_eq!(checked, Ok(Checked { is_keyframe: true }));
        let code: &[u8] = &START_CODE;
        assert_eq!(stream, [code, &SPS, code, &PPS, code, &IDR].concat());
        let checked = check(&frame(&[&DELTA]), &mut stream);
        assert_eq!(checked, Ok(Checked { is_keyframe: false }));
        assert_eq!(stream, [code, &DELTA].concat());
    }

    #[test]
    fn zeros_behind_a_unit_are_left_out() {
        let mut stream = Vec::new();

        let checked = check(&frame(&[&[0x41, 0x9a, 0, 0, 0], &[0, 0]]), &mut stream);

        assert!(checked.is_ok());
        assert_eq!(stream, [0, 0, 0, 1, 0x41, 0x9a]);
    }

    #[test]
    fn a_unit_that_hides_another_is_refused() {
        let mut stream = Vec::new();
        let hidden = [&DELTA[..], &START_CODE, &SPS].concat();

        let checked = check(&frame(&[&hidden]), &mut stream);

        assert_eq!(checked, Err(CodecError::Undecodable));
    }

    #[test]
    fn a_set_that_asks_for_too_much_is_refused() {
        let mut stream = Vec::new();
        // 4112 pixels across and 16 down.
        let wide = [0x67, 0x42, 0xc0, 0x1f, 0xda, 0x00, 0x40, 0x79];

        let checked = check(&frame(&[&wide]), &mut stream);

        let (width, height) = (4_112, 16);
        assert_eq!(checked, Err(CodecError::TooLarge { width, height }));
        assert!(stream.is_empty());
    }

    #[test]
    fn lengths_beyond_the_end_are_refused() {
        let mut stream = Vec::new();
        let whole = frame(&[&DELTA]);

        for len in 1..whole.len() {
            let checked = check(&whole[..len], &mut stream);
            assert_eq!(checked, Err(CodecError::Undecodable), "{len} bytes");
        }
    }

    #[test]
    fn start_codes_become_lengths() {
        let code: &[u8] = &START_CODE;
        let stream = [code, &SPS, &[0, 0, 1], &PPS, code, &IDR].concat();

        assert_eq!(with_lengths(&stream), frame(&[&SPS, &PPS, &IDR]));
    }

    fn frame(units: &[&[u8]]) -> Vec<u8> {
        let length = |unit: &[u8]| (unit.len() as u32).to_be_bytes();
        let units = units.iter().map(|unit| [&length(unit), *unit].concat());
        units.flatten().collect()
    }
}
