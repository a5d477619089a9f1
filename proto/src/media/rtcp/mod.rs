//! RTCP: what the two ends of a stream tell each other about it.
//!
//! ```text
//!  |V=2|P| count or format | packet type | length in words - 1 |   RFC 3550 §6.4.1
//!  | body ...                                                  |
//! ```
//!
//! [`packets`] reads a datagram, [`Rtcp`] is what can be in it, and there is a writer for each
//! kind, which appends to a buffer. Readers take bytes from the network: they never panic, never
//! allocate and never look past the packet. Neither side knows about SRTCP.
//!
//! Not implemented: SDES and APP are written or skipped but not read, slice loss and reference
//! picture indications, TMMBR, congestion control feedback (RFC 8888), and all extended report
//! blocks but the two about a receiver's clock.

mod cname;
mod extended_report;
mod fields;
mod fir;
mod goodbye;
mod nack;
mod packet;
mod pli;
mod receiver_reference;
mod receiver_report;
mod remb;
mod report_block;
mod sender_report;
mod transport_feedback;

pub use cname::write_cname;
pub use fir::{FirEntries, write_fir};
pub use goodbye::{Goodbyes, write_goodbye};
pub use nack::{NackSequences, write_nack};
pub use packet::MAX_WRITTEN_BYTES;
pub use pli::write_pli;
pub use receiver_reference::{
    ReceiverReferenceDelay, ReceiverReferenceDelays, write_receiver_reference,
    write_receiver_reference_delays,
};
pub use receiver_report::write_receiver_report;
pub use remb::write_remb;
pub use report_block::{ReportBlock, Reports};
pub use sender_report::{SenderInfo, write_sender_report};
pub use transport_feedback::{FeedbackPackets, TransportFeedback, write_transport_feedback};

use extended_report::Blocks;
use packet::{Kind, Packet};

/// Splits a compound packet (RFC 3550 §6.1), or a reduced-size one (RFC 5506), into its packets.
///
/// An extended report counts as one packet for each of its blocks. A malformed packet ends the
/// iteration: where the one after it starts is no longer certain.
pub fn packets(compound: &[u8]) -> Packets<'_> {
    Packets {
        compound,
        blocks: Blocks::default(),
    }
}

/// What one packet says. Who sent it is told only where a receiver needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rtcp<'a> {
    /// RFC 3550 §6.4.1: from the sender of a stream.
    SenderReport {
        /// The stream that is sent.
        ssrc: u32,
        /// Where the stream has come to.
        clock: SenderInfo,
        /// How streams in the other direction arrive.
        reports: Reports<'a>,
    },
    /// RFC 3550 §6.4.2: how streams arrive.
    ReceiverReport {
        /// The receiver.
        ssrc: u32,
        /// A block for each stream.
        reports: Reports<'a>,
    },
    /// RFC 4585 §6.2.1: packets to be sent again.
    Nack {
        /// The stream they are missing from.
        media_ssrc: u32,
        /// The RTP sequence numbers that are missing.
        sequences: NackSequences<'a>,
    },
    /// RFC 4585 §6.3.1: a picture cannot be shown, send a keyframe if nothing less helps.
    Pli {
        /// The stream of the picture.
        media_ssrc: u32,
    },
    /// RFC 5104 §4.3.1: send a keyframe.
    Fir(FirEntries<'a>),
    /// draft-alvestrand-rmcat-remb-03: the most the sender of this expects to be able to receive.
    Remb {
        /// All streams together.
        bitrate_bps: u64,
    },
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01: when each packet arrived.
    TransportFeedback(TransportFeedback<'a>),
    /// RFC 3550 §6.6: streams that end.
    Goodbye(Goodbyes<'a>),
    /// RFC 3611 §4.4: the clock of an end that sends nothing itself, to measure the round trip by.
    ReceiverReference {
        /// The receiver whose clock it is.
        ssrc: u32,
        /// Seconds since 1900, in 32.32 fixed point.
        ntp: u64,
    },
    /// RFC 3611 §4.5: the answer to [`Self::ReceiverReference`].
    ReceiverReferenceDelays(ReceiverReferenceDelays<'a>),
    /// Anything else that is well-formed as far as is known: SDES, APP, the unknown.
    Other,
}

impl<'a> Rtcp<'a> {
    fn read(packet: Packet<'a>) -> Option<Self> {
        let Packet { kind, count, body } = packet;
        match (kind, count) {
            (Kind::SENDER_REPORT, count) => sender_report::read(count, body),
            (Kind::RECEIVER_REPORT, count) => receiver_report::read(count, body),
            (Kind::GOODBYE, count) => goodbye::read(count, body),
            (Kind::TRANSPORT_LAYER_FEEDBACK, nack::FORMAT) => nack::read(body),
            (Kind::TRANSPORT_LAYER_FEEDBACK, transport_feedback::FORMAT) => {
                TransportFeedback::read(body).map(Self::TransportFeedback)
            }
            (Kind::PAYLOAD_SPECIFIC_FEEDBACK, pli::FORMAT) => pli::read(body),
            (Kind::PAYLOAD_SPECIFIC_FEEDBACK, fir::FORMAT) => fir::read(body),
            (Kind::PAYLOAD_SPECIFIC_FEEDBACK, remb::FORMAT) => remb::read(body),
            _ => Some(Self::Other),
        }
    }
}

/// The packets of a compound packet, from [`packets`].
#[derive(Debug, Clone, Default)]
pub struct Packets<'a> {
    /// What has not been split yet.
    compound: &'a [u8],
    /// What has not been told yet of the extended report before it.
    blocks: Blocks<'a>,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Rtcp<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let packet = self.read();
        if packet.is_none() {
            *self = Self::default();
        }
        packet
    }
}

impl<'a> Packets<'a> {
    fn read(&mut self) -> Option<Rtcp<'a>> {
        if self.blocks.is_empty() {
            let packet = Packet::split(&mut self.compound)?;
            if packet.kind != Kind::EXTENDED_REPORT {
                return Rtcp::read(packet);
            }
            self.blocks = Blocks::read(packet.body)?;
            if self.blocks.is_empty() {
                return Some(Rtcp::Other);
            }
        }
        self.blocks.next()
    }
}

#[cfg(test)]
mod tests;
