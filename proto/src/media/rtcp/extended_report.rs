//! Extended reports, a list of blocks, RFC 3611 §2 and §3.
//!
//! ```text
//!  | ssrc                                              |
//!  | block type (8) | type-specific (8) | length in words |   any number of them
//!  | block ...                                         |
//! ```

use super::Rtcp;
use super::fields::Fields;
use super::packet::{self, Kind};
use super::receiver_reference;

/// The blocks of one extended report that have not been read yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Blocks<'a> {
    ssrc: u32,
    blocks: Fields<'a>,
}

impl<'a> Blocks<'a> {
    pub(super) fn read(mut body: Fields<'a>) -> Option<Self> {
        Some(Self {
            ssrc: body.u32()?,
            blocks: body,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// `None` also if the next block is malformed.
    pub(super) fn next(&mut self) -> Option<Rtcp<'a>> {
        let kind = self.blocks.u8()?;
        self.blocks.u8()?; // type-specific
        let words = self.blocks.u16()?;
        let block = self.blocks.part(usize::from(words) * 4)?;
        match kind {
            receiver_reference::REFERENCE => receiver_reference::read(self.ssrc, block),
            receiver_reference::DELAYS => Some(receiver_reference::read_delays(block)),
            _ => Some(Rtcp::Other),
        }
    }
}

/// Appends an extended report of one block of whole words.
pub(super) fn write(
    out: &mut Vec<u8>,
    ssrc: u32,
    kind: u8,
    words: u16,
    block: impl IntoIterator<Item = u8>,
) {
    packet::write(out, Kind::EXTENDED_REPORT, 0, |out| {
        out.extend(ssrc.to_be_bytes());
        out.extend([kind, 0]);
        out.extend(words.to_be_bytes());
        out.extend(block);
    });
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    const REFERENCE: Rtcp<'static> = Rtcp::ReceiverReference { ssrc: 9, ntp: 1 };

    /// An unknown block, one without content, and a receiver's reference time.
    const REPORT: [u8; 32] = [
        0x80, 207, 0, 7, 0, 0, 0, 9, // header, ssrc
        6, 0xff, 0, 1, 1, 2, 3, 4, // unknown
        7, 0, 0, 0, // unknown, empty
        4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1, // reference
    ];

    #[test]
    fn tells_each_block_and_goes_on_after_the_last() {
        let mut compound = REPORT.to_vec();
        compound.extend([0x80, 201, 0, 1, 0, 0, 0, 9]);

        let mut read = packets(&compound);

        assert_eq!(read.next(), Some(Rtcp::Other));
        assert_eq!(read.next(), Some(Rtcp::Other));
        assert_eq!(read.next(), Some(REFERENCE));
        assert!(matches!(
            read.next(),
            Some(Rtcp::ReceiverReport { ssrc: 9, .. })
        ));
        assert_eq!(read.next(), None);
    }

    #[test]
    fn a_report_without_blocks_is_passed_over() {
        let mut compound = vec![0x80, 207, 0, 1, 0, 0, 0, 9];
        compound.extend(REPORT);

        assert!(packets(&compound).eq([Rtcp::Other, Rtcp::Other, Rtcp::Other, REFERENCE]));
    }

    #[test]
    fn a_block_longer_than_the_report_is_malformed_and_ends_the_compound() {
        let mut compound = REPORT.to_vec();
        compound[23] = 3;
        compound.extend(REPORT);

        assert!(packets(&compound).eq([Rtcp::Other, Rtcp::Other]));
    }
}
