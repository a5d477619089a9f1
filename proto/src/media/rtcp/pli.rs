//! Picture loss indication, RFC 4585 §6.3.1.

use super::Rtcp;
use super::fields::Fields;
use super::packet::{self, Kind};

pub(super) const FORMAT: u8 = 1;

pub(super) fn read(mut body: Fields<'_>) -> Option<Rtcp<'_>> {
    body.u32()?; // of the sender of this
    Some(Rtcp::Pli {
        media_ssrc: body.u32()?,
    })
}

/// Appends a picture loss indication.
pub fn write_pli(out: &mut Vec<u8>, sender_ssrc: u32, media_ssrc: u32) {
    packet::write(out, Kind::PAYLOAD_SPECIFIC_FEEDBACK, FORMAT, |out| {
        out.extend(sender_ssrc.to_be_bytes());
        out.extend(media_ssrc.to_be_bytes());
    });
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    const PLI: [u8; 12] = [0x81, 206, 0, 2, 0, 0, 0, 1, 0xaa, 0xbb, 0xcc, 0xdd];

    #[test]
    fn reads_the_stream() {
        assert!(packets(&PLI).eq([Rtcp::Pli {
            media_ssrc: 0xaabb_ccdd
        }]));
    }

    #[test]
    fn writes_the_stream() {
        let mut out = Vec::new();

        write_pli(&mut out, 1, 0xaabb_ccdd);

        assert_eq!(out, PLI);
    }

    #[test]
    fn without_a_stream_is_malformed() {
        assert_eq!(packets(&[0x81, 206, 0, 1, 0, 0, 0, 1]).next(), None);
    }
}
