//! Round trips measured from the end that sends nothing, RFC 3611 §4.4 and §4.5.
//!
//! 1. The receiver tells its time: a receiver reference time block, RRTR.
//! 2. The sender answers which time it heard last and how long ago: a DLRR block.

use super::fields::Fields;
use super::packet::MAX_WRITTEN_BYTES;
use super::{Rtcp, extended_report};

/// Block type of RRTR.
pub(super) const REFERENCE: u8 = 4;
/// Block type of DLRR.
pub(super) const DELAYS: u8 = 5;

pub(super) fn read(ssrc: u32, mut block: Fields<'_>) -> Option<Rtcp<'_>> {
    Some(Rtcp::ReceiverReference {
        ssrc,
        ntp: block.u64()?,
    })
}

pub(super) fn read_delays(block: Fields<'_>) -> Rtcp<'_> {
    Rtcp::ReceiverReferenceDelays(ReceiverReferenceDelays(block))
}

/// Which time of a receiver was heard last, and how long ago.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReceiverReferenceDelay {
    /// The receiver.
    pub ssrc: u32,
    /// The middle 32 bits of its NTP time.
    pub last_reference: u32,
    /// Time since that arrived, in 1/65536 s.
    pub delay: u32,
}

/// The answers to several receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverReferenceDelays<'a>(Fields<'a>);

impl Iterator for ReceiverReferenceDelays<'_> {
    type Item = ReceiverReferenceDelay;

    fn next(&mut self) -> Option<Self::Item> {
        let mut delay = self.0.part(DELAY_BYTES)?;
        Some(ReceiverReferenceDelay {
            ssrc: delay.u32()?,
            last_reference: delay.u32()?,
            delay: delay.u32()?,
        })
    }
}

/// Appends the time of a receiver, as 32.32 fixed point.
pub fn write_receiver_reference(out: &mut Vec<u8>, ssrc: u32, ntp: u64) {
    extended_report::write(out, ssrc, REFERENCE, 2, ntp.to_be_bytes());
}

/// Appends the answers to receivers; none for none, and several packets for more than fit
/// [`MAX_WRITTEN_BYTES`].
pub fn write_receiver_reference_delays(
    out: &mut Vec<u8>,
    ssrc: u32,
    delays: &[ReceiverReferenceDelay],
) {
    for delays in delays.chunks(MAX_DELAYS) {
        let fields = delays
            .iter()
            .flat_map(|delay| [delay.ssrc, delay.last_reference, delay.delay])
            .flat_map(u32::to_be_bytes);
        extended_report::write(out, ssrc, DELAYS, (delays.len() * 3) as u16, fields);
    }
}

const DELAY_BYTES: usize = 12;
const HEADER_BYTES: usize = 12;
const MAX_DELAYS: usize = (MAX_WRITTEN_BYTES - HEADER_BYTES) / DELAY_BYTES;

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    const RRTR: [u8; 20] = [
        0x80, 207, 0, 4, 0, 0, 0, 9, // header, ssrc
        4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8,
    ];
    const DLRR: [u8; 24] = [
        0x80, 207, 0, 5, 0, 0, 0, 1, // header, ssrc
        5, 0, 0, 3, 0, 0, 0, 9, 3, 4, 5, 6, 0, 1, 0, 0,
    ];
    const DELAY: ReceiverReferenceDelay = ReceiverReferenceDelay {
        ssrc: 9,
        last_reference: 0x0304_0506,
        delay: 65_536,
    };

    fn delays(compound: &[u8]) -> Vec<ReceiverReferenceDelay> {
        let mut all = Vec::new();
        for packet in packets(compound) {
            let Rtcp::ReceiverReferenceDelays(delays) = packet else {
                panic!("{packet:?}");
            };
            all.extend(delays);
        }
        all
    }

    #[test]
    fn reads_the_time() {
        assert!(packets(&RRTR).eq([Rtcp::ReceiverReference {
            ssrc: 9,
            ntp: 0x0102_0304_0506_0708
        }]));
    }

    #[test]
    fn writes_the_time() {
        let mut out = Vec::new();

        write_receiver_reference(&mut out, 9, 0x0102_0304_0506_0708);

        assert_eq!(out, RRTR);
    }

    #[test]
    fn half_a_time_is_malformed() {
        let half = [0x80, 207, 0, 3, 0, 0, 0, 9, 4, 0, 0, 1, 1, 2, 3, 4];

        assert_eq!(packets(&half).next(), None);
    }

    #[test]
    fn reads_delays() {
        assert_eq!(delays(&DLRR), [DELAY]);
    }

    #[test]
    fn writes_delays() {
        let mut out = Vec::new();

        write_receiver_reference_delays(&mut out, 1, &[DELAY]);

        assert_eq!(out, DLRR);
    }

    #[test]
    fn splits_what_is_too_long() {
        let many: Vec<_> = (0..200)
            .map(|ssrc| ReceiverReferenceDelay { ssrc, ..DELAY })
            .collect();
        let mut out = Vec::new();

        write_receiver_reference_delays(&mut out, 1, &many);

        assert_eq!(packets(&out).count(), 3);
        assert_eq!(delays(&out), many);
    }
}
