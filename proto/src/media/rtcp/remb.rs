//! Receiver estimated maximum bitrate, draft-alvestrand-rmcat-remb-03 §2.2.
//!
//! ```text
//!  | 'R' 'E' 'M' 'B'                       |
//!  | ssrcs (8) | exponent (6), mantissa (18) |
//!  | ssrc ...                              |
//! ```

use super::Rtcp;
use super::fields::Fields;
use super::packet::{self, Kind};

/// Of all application layer feedback; the identifier after it tells which.
pub(super) const FORMAT: u8 = 15;

pub(super) fn read(mut body: Fields<'_>) -> Option<Rtcp<'_>> {
    body.u32()?; // of the sender of this
    body.u32()?; // always 0
    if body.array() != Some(IDENTIFIER) {
        return Some(Rtcp::Other);
    }
    let ssrcs = usize::from(body.u8()?);
    let bitrate = body.u24()?;
    body.part(ssrcs * 4)?;
    let scale = 1_u64 << (bitrate >> MANTISSA_BITS);
    let mantissa = u64::from(bitrate & MAX_MANTISSA);
    Some(Rtcp::Remb {
        bitrate_bps: mantissa.checked_mul(scale)?,
    })
}

/// Appends an estimate for these streams together, of which no more than 255 can be named. The
/// bitrate is rounded down to 18 significant bits.
pub fn write_remb(out: &mut Vec<u8>, sender_ssrc: u32, bitrate_bps: u64, ssrcs: &[u32]) {
    let ssrcs = &ssrcs[..ssrcs.len().min(MAX_SSRCS)];
    let exponent = (u64::BITS - bitrate_bps.leading_zeros()).saturating_sub(MANTISSA_BITS);
    let bitrate = exponent << MANTISSA_BITS | (bitrate_bps >> exponent) as u32;
    let [_, bitrate @ ..] = bitrate.to_be_bytes();
    packet::write(out, Kind::PAYLOAD_SPECIFIC_FEEDBACK, FORMAT, |out| {
        out.extend(sender_ssrc.to_be_bytes());
        out.extend([0; 4]);
        out.extend(IDENTIFIER);
        out.push(ssrcs.len() as u8);
        out.extend(bitrate);
        out.extend(ssrcs.iter().flat_map(|ssrc| ssrc.to_be_bytes()));
    });
}

const IDENTIFIER: [u8; 4] = *b"REMB";
const MANTISSA_BITS: u32 = 18;
const MAX_MANTISSA: u32 = (1 << MANTISSA_BITS) - 1;
const MAX_SSRCS: usize = 255;

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    /// 1,000,000 b/s is 250,000 * 2^2.
    const REMB: [u8; 28] = [
        0x8f, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 2, 0x0b, 0xd0, 0x90, 0, 0,
        0, 7, 0, 0, 0, 8,
    ];

    fn written(bitrate_bps: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write_remb(&mut out, 1, bitrate_bps, &[7, 8]);
        out
    }

    fn bitrate(compound: &[u8]) -> Option<u64> {
        let packet = packets(compound).next()?;
        let Rtcp::Remb { bitrate_bps } = packet else {
            panic!("{packet:?}");
        };
        Some(bitrate_bps)
    }

    #[test]
    fn reads_the_bitrate() {
        assert_eq!(bitrate(&REMB), Some(1_000_000));
    }

    #[test]
    fn writes_the_bitrate_and_the_streams() {
        assert_eq!(written(1_000_000), REMB);
    }

    #[test]
    fn rounds_down_to_18_bits() {
        for (given, expected) in [
            (0, 0),
            (1, 1),
            (0x3_ffff, 0x3_ffff),
            (0x4_0001, 0x4_0000),
            (u64::MAX, 0x3_ffff << 46),
        ] {
            assert_eq!(bitrate(&written(given)), Some(expected), "{given}");
        }
    }

    #[test]
    fn a_bitrate_beyond_64_bits_is_malformed() {
        let mut remb = REMB;
        remb[17..20].copy_from_slice(&[0xff, 0xff, 0xff]);

        assert_eq!(bitrate(&remb), None);
    }

    #[test]
    fn more_streams_than_are_present_are_malformed() {
        let mut remb = REMB;
        remb[16] = 3;

        assert_eq!(bitrate(&remb), None);
    }

    #[test]
    fn other_application_feedback_is_passed_over() {
        let mut other = REMB;
        other[12] = b'r';

        assert!(packets(&other).eq([Rtcp::Other]));
    }

    #[test]
    fn names_at_most_255_streams() {
        let mut out = Vec::new();

        write_remb(&mut out, 1, 5, &[9; 300]);

        assert_eq!(out.len(), 20 + 255 * 4);
        assert_eq!(bitrate(&out), Some(5));
    }
}
