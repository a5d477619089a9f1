//! The canonical name of a source, the one item of a source description that has to be sent,
//! RFC 3550 §6.5.1.

use super::packet::{self, Kind};

/// Appends a source description that holds the canonical name of one source. A name longer than
/// 255 bytes is cut.
pub fn write_cname(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let cname = &cname[..cname.floor_char_boundary(MAX_BYTES)];
    packet::write(out, Kind::SOURCE_DESCRIPTION, 1, |out| {
        out.extend(ssrc.to_be_bytes());
        out.extend([CNAME, cname.len() as u8]);
        out.extend(cname.as_bytes());
        // RFC 3550 §6.5: at least one zero ends the items.
        out.push(0);
    });
}

const CNAME: u8 = 1;
/// The length has one byte.
const MAX_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::super::{Rtcp, packets};
    use super::*;

    fn written(cname: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write_cname(&mut out, 0x0102_0304, cname);
        out
    }

    #[test]
    fn ends_the_name_with_zeros_up_to_the_next_word() {
        assert_eq!(
            written("a"),
            [0x81, 202, 0, 2, 1, 2, 3, 4, 1, 1, b'a', 0],
            "one zero"
        );
        assert_eq!(
            written("ab"),
            [0x81, 202, 0, 3, 1, 2, 3, 4, 1, 2, b'a', b'b', 0, 0, 0, 0],
            "four zeros"
        );
    }

    #[test]
    fn cuts_a_long_name_between_characters() {
        let out = written(&"ä".repeat(200));

        assert_eq!(out[9], 254);
        assert_eq!(out.len(), 8 + 2 + 254 + 4);
    }

    #[test]
    fn is_passed_over_by_the_reader() {
        assert!(packets(&written("someone")).eq([Rtcp::Other]));
    }
}
