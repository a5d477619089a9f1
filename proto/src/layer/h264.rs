//! H.264 payload, RFC 6184 §5: single NAL units, STAP-A and FU-A, which is all that packetization
//! modes 0 and 1 allow.
//!
//! A keyframe starts at a sequence parameter set, as other servers have it, or at the first slice
//! of an IDR picture, for encoders that send their parameter sets apart.

use super::{LayerId, PayloadInfo};

// NAL unit types, ITU-T H.264 table 7-1 and RFC 6184 table 1.
const SLICE: u8 = 1;
const SLICE_PARTITION_A: u8 = 2;
const IDR_SLICE: u8 = 5;
const SEQUENCE_PARAMETER_SET: u8 = 7;
const ACCESS_UNIT_DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

pub(super) fn describe(payload: &[u8]) -> Option<PayloadInfo> {
    let (&header, body) = payload.split_first()?;
    let begins = match header & 0x1f {
        STAP_A => aggregate(body)?,
        FU_A => fragment(body)?,
        unit @ 1..=23 => Begins::at(unit, body),
        // Reserved, or of the interleaved mode, which is never negotiated.
        _ => return None,
    };

    Some(PayloadInfo {
        keyframe: begins.keyframe,
        frame_start: begins.frame,
        layer: LayerId::default(),
        switch_up: begins.keyframe,
        vp8: None,
    })
}

/// What begins with a NAL unit.
#[derive(Default)]
struct Begins {
    keyframe: bool,
    frame: bool,
}

impl Begins {
    fn at(unit: u8, body: &[u8]) -> Self {
        // A slice starts with first_mb_in_slice (ITU-T H.264 §7.3.3); its code for 0 is one set bit.
        let first_slice = body.first().is_some_and(|byte| byte & 0x80 != 0);
        let frame = match unit {
            SEQUENCE_PARAMETER_SET | ACCESS_UNIT_DELIMITER => true,
            SLICE | SLICE_PARTITION_A | IDR_SLICE => first_slice,
            _ => false,
        };
        Self {
            keyframe: frame && matches!(unit, SEQUENCE_PARAMETER_SET | IDR_SLICE),
            frame,
        }
    }
}

/// RFC 6184 §5.7.1: NAL units, each after its size in 16 bits.
fn aggregate(body: &[u8]) -> Option<Begins> {
    let mut all = Begins::default();
    let mut rest = body;
    loop {
        let (size, after) = rest.split_first_chunk::<2>()?;
        let (unit, after) = after.split_at_checked(u16::from_be_bytes(*size).into())?;
        let (&header, unit_body) = unit.split_first()?;
        let begins = Begins::at(header & 0x1f, unit_body);
        all.keyframe |= begins.keyframe;
        all.frame |= begins.frame;
        if after.is_empty() {
            return Some(all);
        }
        rest = after;
    }
}

/// RFC 6184 §5.8: a header with S, E, R and the type of the whole unit, then a part of the unit.
fn fragment(body: &[u8]) -> Option<Begins> {
    let (&header, part) = body.split_first()?;
    let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
    if part.is_empty() || (start && end) {
        return None;
    }
    Some(if start {
        Begins::at(header & 0x1f, part)
    } else {
        Begins::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SPS, PPS and an IDR slice in one packet.
    const KEY_STAP: [u8; 16] = [
        0x78, 0x00, 0x04, 0x67, 0x42, 0xc0, 0x1f, 0x00, 0x02, 0x68, 0xce, 0x00, 0x03, 0x65, 0x88,
        0x84,
    ];

    fn keyframe(payload: &[u8]) -> bool {
        describe(payload).expect("whole").keyframe
    }

    #[test]
    fn a_parameter_set_starts_a_keyframe() {
        assert!(keyframe(&[0x67, 0x42, 0xc0, 0x1f]));
        assert!(keyframe(&KEY_STAP));
        assert!(keyframe(&[0x78, 0x00, 0x01, 0x09, 0x00, 0x02, 0x67, 0x42]));
        assert!(keyframe(&[0x7c, 0x87, 0x42]));
    }

    #[test]
    fn the_first_slice_of_an_idr_picture_starts_a_keyframe() {
        assert!(keyframe(&[0x65, 0x88, 0x84]));
        assert!(keyframe(&[0x7c, 0x85, 0x88, 0x84]));
    }

    #[test]
    fn a_later_slice_or_fragment_starts_nothing() {
        for payload in [
            &[0x65, 0x40, 0x84][..],
            &[0x7c, 0x05, 0x88],
            &[0x7c, 0x45, 0x88],
            &[0x41, 0x5a],
            &[0x68, 0xce],
        ] {
            let info = describe(payload).expect("whole");

            assert!(!info.keyframe && !info.frame_start, "{payload:02x?}");
        }
    }

    #[test]
    fn a_first_slice_starts_a_frame_that_is_no_keyframe() {
        for payload in [&[0x41, 0x9a][..], &[0x7c, 0x81, 0x9a], &[0x09, 0x30]] {
            let info = describe(payload).expect("whole");

            assert!(!info.keyframe && info.frame_start, "{payload:02x?}");
        }
    }

    #[test]
    fn reserved_and_interleaved_units_are_malformed() {
        for unit in [0, 25, 26, 27, 29, 30, 31] {
            assert_eq!(
                describe(&[0x60 | unit, 0x85, 0x88, 0x84]),
                None,
                "type {unit}"
            );
        }
    }

    #[test]
    fn every_cut_of_an_aggregate_that_splits_a_unit_is_malformed() {
        let whole = [7, 11, KEY_STAP.len()];
        for len in 0..=KEY_STAP.len() {
            assert_eq!(
                describe(&KEY_STAP[..len]).is_some(),
                whole.contains(&len),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn an_empty_unit_in_an_aggregate_is_malformed() {
        assert_eq!(describe(&[0x78, 0x00, 0x00, 0x00, 0x01, 0x67]), None);
    }

    #[test]
    fn a_fragment_is_cut_or_contradictory() {
        assert_eq!(describe(&[0x7c]), None);
        assert_eq!(describe(&[0x7c, 0x85]), None);
        assert_eq!(describe(&[0x7c, 0xc5, 0x88]), None);
    }
}
