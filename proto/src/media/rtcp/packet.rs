//! What all packets have in common: header, length and padding, RFC 3550 §6.4.1.

use super::fields::Fields;

/// Most bytes of a packet written here, where what it says could fill more: it is then split over
/// several. Leaves room for other packets, SRTCP and tunnels in a datagram of 1,280 bytes.
pub const MAX_WRITTEN_BYTES: usize = 1_100;

/// Most blocks the five bits of the header can count.
pub(super) const MAX_COUNT: usize = 31;

/// Packet type, from the IANA registry of RTCP control packet types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    pub(super) const SENDER_REPORT: Self = Self(200);
    pub(super) const RECEIVER_REPORT: Self = Self(201);
    pub(super) const SOURCE_DESCRIPTION: Self = Self(202);
    pub(super) const GOODBYE: Self = Self(203);
    pub(super) const TRANSPORT_LAYER_FEEDBACK: Self = Self(205);
    pub(super) const PAYLOAD_SPECIFIC_FEEDBACK: Self = Self(206);
    pub(super) const EXTENDED_REPORT: Self = Self(207);
}

/// One packet of a compound packet.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    pub(super) kind: Kind,
    /// How many blocks follow, or in feedback the format; 5 bits.
    pub(super) count: u8,
    /// All after the header, without padding.
    pub(super) body: Fields<'a>,
}

impl<'a> Packet<'a> {
    /// Takes the first packet; `None`, with nothing taken, if there is no whole one.
    pub(super) fn split(compound: &mut &'a [u8]) -> Option<Self> {
        let (&[first, kind, high, low], rest) = compound.split_first_chunk()?;
        if first >> 6 != VERSION {
            return None;
        }
        let words = u16::from_be_bytes([high, low]);
        let (mut body, rest) = rest.split_at_checked(usize::from(words) * 4)?;
        if first & PADDING != 0 {
            body = unpad(body)?;
        }
        *compound = rest;
        Some(Self {
            kind: Kind(kind),
            count: first & 0x1f,
            body: Fields::new(body),
        })
    }
}

/// RFC 3550 has padding in multiples of four, on the last packet only. Senders of transport
/// feedback pad to the next word with it, wherever the packet is.
fn unpad(body: &[u8]) -> Option<&[u8]> {
    let padding = usize::from(*body.last()?);
    if padding == 0 {
        return None;
    }
    body.get(..body.len().checked_sub(padding)?)
}

/// Appends a packet whose body is what `body` appends, filled up with zeros to a whole word.
pub(super) fn write(out: &mut Vec<u8>, kind: Kind, count: u8, body: impl FnOnce(&mut Vec<u8>)) {
    debug_assert!(usize::from(count) <= MAX_COUNT, "5 bits");
    let start = out.len();
    out.extend([VERSION << 6 | count, kind.0, 0, 0]);
    body(out);
    let words = (out.len() - start).div_ceil(4);
    out.resize(start + words * 4, 0);
    debug_assert!(words <= 0x1_0000, "16 bits");
    out[start + 2..start + 4].copy_from_slice(&((words - 1) as u16).to_be_bytes());
}

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_one_packet_and_leaves_the_rest() {
        let mut compound: &[u8] = &[0x81, 206, 0, 1, 1, 2, 3, 4, 9, 9];

        let packet = Packet::split(&mut compound).expect("whole");

        assert_eq!(packet.kind, Kind::PAYLOAD_SPECIFIC_FEEDBACK);
        assert_eq!(packet.count, 1);
        assert_eq!(packet.body, Fields::new(&[1, 2, 3, 4]));
        assert_eq!(compound, [9, 9]);
    }

    #[test]
    fn takes_padding_away() {
        let mut compound: &[u8] = &[0xa0, 204, 0, 2, 1, 2, 3, 4, 0, 0, 0, 4];

        let packet = Packet::split(&mut compound).expect("whole");

        assert_eq!(packet.body, Fields::new(&[1, 2, 3, 4]));
    }

    #[test]
    fn refuses_padding_of_nothing_or_of_more_than_the_body() {
        for packet in [
            &[0xa0, 204, 0, 1, 1, 2, 3, 0][..],
            &[0xa0, 204, 0, 1, 1, 2, 3, 5],
            &[0xa0, 204, 0, 0],
        ] {
            let mut compound = packet;

            assert!(Packet::split(&mut compound).is_none(), "{packet:?}");
            assert_eq!(compound, packet);
        }
    }

    #[test]
    fn refuses_other_versions() {
        for version in [0, 1, 3] {
            assert!(Packet::split(&mut &[version << 6, 204, 0, 0][..]).is_none());
        }
    }

    #[test]
    fn refuses_a_length_beyond_the_datagram() {
        assert!(Packet::split(&mut &[0x80, 204, 0, 2, 1, 2, 3, 4][..]).is_none());
        assert!(Packet::split(&mut &[0x80, 204, 0xff, 0xff][..]).is_none());
    }

    #[test]
    fn writes_the_length_in_words_and_fills_up_with_zeros() {
        let mut out = vec![7];

        write(&mut out, Kind::GOODBYE, 3, |out| {
            out.extend([1, 2, 3, 4, 5])
        });

        assert_eq!(out, [7, 0x83, 203, 0, 2, 1, 2, 3, 4, 5, 0, 0, 0]);
    }
}
