//! Generic NACK, RFC 4585 §6.2.1.
//!
//! ```text
//!  | packet id | bitmask of the 16 following |   PID and BLP, 16 bits each, one or more
//! ```

use std::iter::Peekable;

use super::Rtcp;
use super::fields::Fields;
use super::packet::{self, Kind, MAX_WRITTEN_BYTES};

pub(super) const FORMAT: u8 = 1;

pub(super) fn read(mut body: Fields<'_>) -> Option<Rtcp<'_>> {
    body.u32()?; // of the sender of this
    Some(Rtcp::Nack {
        media_ssrc: body.u32()?,
        sequences: NackSequences {
            pairs: body,
            packet_id: 0,
            following: 0,
        },
    })
}

/// The sequence numbers a NACK names, in its order: at most 17 for each four bytes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NackSequences<'a> {
    pairs: Fields<'a>,
    packet_id: u16,
    /// What is left of the bitmask; its lowest bit is the packet after `packet_id`.
    following: u16,
}

impl Iterator for NackSequences<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<Self::Item> {
        if self.following == 0 {
            let mut pair = self.pairs.part(4)?;
            self.packet_id = pair.u16()?;
            self.following = pair.u16()?;
            return Some(self.packet_id);
        }
        let bit = self.following.trailing_zeros() as u16;
        self.following &= self.following - 1;
        Some(self.packet_id.wrapping_add(bit + 1))
    }
}

/// Appends a NACK for sequence numbers in their order, which may wrap; none for none, and several
/// for more than fit [`MAX_WRITTEN_BYTES`].
pub fn write_nack(
    out: &mut Vec<u8>,
    sender_ssrc: u32,
    media_ssrc: u32,
    sequences: impl IntoIterator<Item = u16>,
) {
    let mut sequences = sequences.into_iter().peekable();
    while sequences.peek().is_some() {
        packet::write(out, Kind::TRANSPORT_LAYER_FEEDBACK, FORMAT, |out| {
            out.extend(sender_ssrc.to_be_bytes());
            out.extend(media_ssrc.to_be_bytes());
            for _ in 0..MAX_PAIRS {
                let Some((packet_id, following)) = next_pair(&mut sequences) else {
                    break;
                };
                out.extend(packet_id.to_be_bytes());
                out.extend(following.to_be_bytes());
            }
        });
    }
}

fn next_pair(sequences: &mut Peekable<impl Iterator<Item = u16>>) -> Option<(u16, u16)> {
    let packet_id = sequences.next()?;
    let mut following = 0;
    while let Some(next) = sequences.next_if(|next| next.wrapping_sub(packet_id) <= 16) {
        // Shifted out again at distance 0, a packet named twice.
        following |= (1_u32 << next.wrapping_sub(packet_id) >> 1) as u16;
    }
    Some((packet_id, following))
}

const HEADER_BYTES: usize = 12;
const MAX_PAIRS: usize = (MAX_WRITTEN_BYTES - HEADER_BYTES) / 4;

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    const NACK: [u8; 20] = [
        0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, // header, sender, media
        0, 100, 0x80, 0x01, // 100, the 1st and the 16th after it
        0, 117, 0x00, 0x00, // 117
    ];

    fn written(sequences: impl IntoIterator<Item = u16>) -> Vec<u8> {
        let mut out = Vec::new();
        write_nack(&mut out, 1, 2, sequences);
        out
    }

    fn sequences(compound: &[u8]) -> Vec<u16> {
        let mut all = Vec::new();
        for packet in packets(compound) {
            let Rtcp::Nack {
                media_ssrc: 2,
                sequences,
            } = packet
            else {
                panic!("{packet:?}");
            };
            all.extend(sequences);
        }
        all
    }

    #[test]
    fn reads_ids_and_bitmasks() {
        assert_eq!(sequences(&NACK), [100, 101, 116, 117]);
    }

    #[test]
    fn writes_ids_and_bitmasks() {
        assert_eq!(written([100, 101, 116, 117]), NACK);
    }

    #[test]
    fn goes_on_across_the_wrap() {
        let out = written([0xfffe, 0xffff, 0, 14]);

        assert_eq!(out[12..], [0xff, 0xfe, 0x80, 0x03]);
        assert_eq!(sequences(&out), [0xfffe, 0xffff, 0, 14]);
    }

    #[test]
    fn names_a_packet_once() {
        assert_eq!(sequences(&written([5, 5, 6, 6])), [5, 6]);
    }

    #[test]
    fn nothing_missing_writes_nothing() {
        assert!(written([]).is_empty());
    }

    #[test]
    fn a_packet_without_pairs_names_nothing() {
        assert!(sequences(&[0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]).is_empty());
    }

    #[test]
    fn a_full_bitmask_names_17() {
        let nack = [
            0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff,
        ];

        assert_eq!(sequences(&nack).len(), 17);
        assert_eq!(written(sequences(&nack)), nack);
    }

    #[test]
    fn splits_what_is_too_long() {
        let missing: Vec<_> = (0..1_000).map(|n| n * 20).collect();

        let out = written(missing.iter().copied());

        assert_eq!(packets(&out).count(), 1_000_usize.div_ceil(MAX_PAIRS));
        assert_eq!(sequences(&out), missing);
        assert!(1_000 * 4 + 4 * HEADER_BYTES >= out.len());
    }
}
