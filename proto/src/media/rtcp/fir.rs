//! Full intra request, RFC 5104 §4.3.1.
//!
//! ```text
//!  | ssrc                           |   one or more
//!  | command number | reserved (24) |
//! ```

use super::Rtcp;
use super::fields::Fields;
use super::packet::{self, Kind};

pub(super) const FORMAT: u8 = 4;

pub(super) fn read(mut body: Fields<'_>) -> Option<Rtcp<'_>> {
    body.u32()?; // of the sender of this
    body.u32()?; // unused: the streams are named by the entries
    Some(Rtcp::Fir(FirEntries(body)))
}

/// The streams a request names, each with its command number: a request that repeats the number
/// of the one before is the same request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirEntries<'a>(Fields<'a>);

impl Iterator for FirEntries<'_> {
    type Item = (u32, u8);

    fn next(&mut self) -> Option<Self::Item> {
        let mut entry = self.0.part(8)?;
        Some((entry.u32()?, entry.u8()?))
    }
}

/// Appends a full intra request for one stream.
pub fn write_fir(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32, command_number: u8) {
    packet::write(out, Kind::PAYLOAD_SPECIFIC_FEEDBACK, FORMAT, |out| {
        out.extend(sender_ssrc.to_be_bytes());
        // RFC 5104 §4.3.1.2: "not used and SHALL be set to 0".
        out.extend([0; 4]);
        out.extend(media_ssrc.to_be_bytes());
        out.extend([command_number, 0, 0, 0]);
    });
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    const FIR: [u8; 20] = [
        0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0xaa, 0xbb, 0xcc, 0xdd, 9, 0, 0, 0,
    ];

    fn entries(compound: &[u8]) -> Vec<(u32, u8)> {
        let Some(Rtcp::Fir(entries)) = packets(compound).next() else {
            panic!("a full intra request");
        };
        entries.collect()
    }

    #[test]
    fn reads_entries() {
        let two = [
            0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, // header, sender, unused
            0, 0, 0, 3, 255, 0, 0, 0, 0, 0, 0, 4, 0, 1, 2, 3,
        ];

        assert_eq!(entries(&FIR), [(0xaabb_ccdd, 9)]);
        assert_eq!(entries(&two), [(3, 255), (4, 0)]);
    }

    #[test]
    fn writes_one_entry() {
        let mut out = Vec::new();

        write_fir(&mut out, 1, 0xaabb_ccdd, 9);

        assert_eq!(out, FIR);
    }

    #[test]
    fn passes_over_half_an_entry() {
        let half = [0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3];

        assert_eq!(entries(&half), []);
    }
}
