//! Goodbye, RFC 3550 §6.6.

use super::Rtcp;
use super::fields::Fields;
use super::packet::{self, Kind, MAX_COUNT};

pub(super) fn read(count: u8, mut body: Fields<'_>) -> Option<Rtcp<'_>> {
    // A reason may follow. It is for humans.
    body.part(usize::from(count) * 4)
        .map(|ssrcs| Rtcp::Goodbye(Goodbyes(ssrcs)))
}

/// The streams that end, at most 31.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goodbyes<'a>(Fields<'a>);

impl Iterator for Goodbyes<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.u32()
    }
}

/// Appends a goodbye for these streams: one packet for each 31 of them, none for none.
pub fn write_goodbye(out: &mut Vec<u8>, ssrcs: &[u32]) {
    for ssrcs in ssrcs.chunks(MAX_COUNT) {
        packet::write(out, Kind::GOODBYE, ssrcs.len() as u8, |out| {
            out.extend(ssrcs.iter().flat_map(|ssrc| ssrc.to_be_bytes()));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    fn ended(compound: &[u8]) -> Vec<u32> {
        let mut all = Vec::new();
        for packet in packets(compound) {
            let Rtcp::Goodbye(ssrcs) = packet else {
                panic!("{packet:?}");
            };
            all.extend(ssrcs);
        }
        all
    }

    #[test]
    fn reads_streams_before_a_reason() {
        let goodbye = [
            0x82, 203, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 4, b'd', b'o', b'n', b'e', 0, 0, 0,
        ];

        assert_eq!(ended(&goodbye), [1, 2]);
    }

    #[test]
    fn writes_streams() {
        let mut out = Vec::new();

        write_goodbye(&mut out, &[1, 0xaabb_ccdd]);

        assert_eq!(out, [0x82, 203, 0, 2, 0, 0, 0, 1, 0xaa, 0xbb, 0xcc, 0xdd]);
    }

    #[test]
    fn more_streams_than_are_present_are_malformed() {
        assert_eq!(packets(&[0x82, 203, 0, 1, 0, 0, 0, 1]).next(), None);
    }

    #[test]
    fn splits_at_31_streams() {
        let ssrcs: Vec<_> = (0..70).collect();
        let mut out = Vec::new();

        write_goodbye(&mut out, &ssrcs);

        assert_eq!(packets(&out).count(), 3);
        assert_eq!(ended(&out), ssrcs);
    }
}
