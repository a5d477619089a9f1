//! Sender reports, RFC 3550 §6.4.1.

use super::fields::Fields;
use super::packet::{self, Kind, MAX_COUNT};
use super::{ReportBlock, Reports, Rtcp, write_receiver_report};

/// Where a stream has come to at the moment of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// The moment, in seconds since 1900 as 32.32 fixed point.
    pub ntp: u64,
    /// The same moment on the stream's RTP clock.
    pub rtp: u32,
    /// Packets sent since the beginning; wraps.
    pub packets: u32,
    /// Payload bytes sent since the beginning; wraps.
    pub octets: u32,
}

pub(super) fn read(count: u8, mut body: Fields<'_>) -> Option<Rtcp<'_>> {
    Some(Rtcp::SenderReport {
        ssrc: body.u32()?,
        clock: SenderInfo {
            ntp: body.u64()?,
            rtp: body.u32()?,
            packets: body.u32()?,
            octets: body.u32()?,
        },
        reports: Reports::read(count, &mut body)?,
    })
}

/// Appends a sender report; blocks beyond 31 go into receiver reports after it.
pub fn write_sender_report(
    out: &mut Vec<u8>,
    ssrc: u32,
    clock: &SenderInfo,
    reports: &[ReportBlock],
) {
    let (reports, more) = reports.split_at(reports.len().min(MAX_COUNT));
    packet::write(out, Kind::SENDER_REPORT, reports.len() as u8, |out| {
        out.extend(ssrc.to_be_bytes());
        out.extend(clock.ntp.to_be_bytes());
        out.extend(clock.rtp.to_be_bytes());
        out.extend(clock.packets.to_be_bytes());
        out.extend(clock.octets.to_be_bytes());
        for report in reports {
            report.write(out);
        }
    });
    if !more.is_empty() {
        write_receiver_report(out, ssrc, more);
    }
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    const REPORT: [u8; 52] = [
        0x81, 200, 0, 12, // 1 block, 12 words
        0xde, 0xad, 0xbe, 0xef, // ssrc
        0xe0, 0x00, 0x00, 0x01, 0x80, 0x00, 0x00, 0x00, // ntp
        0x00, 0x01, 0x5f, 0x90, // rtp
        0x00, 0x00, 0x01, 0x00, // packets
        0x00, 0x01, 0x00, 0x00, // octets
        0x11, 0x22, 0x33, 0x44, // block: ssrc
        0x40, 0xff, 0xff, 0xfe, // a quarter lost, -2 in all
        0x00, 0x02, 0x12, 0x34, // wrapped twice, sequence 0x1234
        0x00, 0x00, 0x00, 0x5a, // jitter
        0x00, 0x01, 0x80, 0x00, // last sender report
        0x00, 0x01, 0x00, 0x00, // one second ago
    ];
    const CLOCK: SenderInfo = SenderInfo {
        ntp: 0xe000_0001_8000_0000,
        rtp: 90_000,
        packets: 256,
        octets: 65_536,
    };
    const BLOCK: ReportBlock = ReportBlock {
        ssrc: 0x1122_3344,
        fraction_lost: 64,
        cumulative_lost: -2,
        highest_sequence: 0x0002_1234,
        jitter: 90,
        last_sender_report: 0x0001_8000,
        delay_since_last: 65_536,
    };

    #[test]
    fn reads_every_field() {
        let mut read = packets(&REPORT);

        let Some(Rtcp::SenderReport {
            ssrc,
            clock,
            reports,
        }) = read.next()
        else {
            panic!("a sender report");
        };
        assert_eq!((ssrc, clock), (0xdead_beef, CLOCK));
        assert!(reports.eq([BLOCK]));
        assert_eq!(read.next(), None);
    }

    #[test]
    fn writes_every_field() {
        let mut out = Vec::new();

        write_sender_report(&mut out, 0xdead_beef, &CLOCK, &[BLOCK]);

        assert_eq!(out, REPORT);
    }

    #[test]
    fn more_blocks_than_are_present_are_malformed() {
        let mut report = REPORT;
        report[0] = 0x82;

        assert_eq!(packets(&report).next(), None);
    }

    #[test]
    fn passes_over_a_profiles_extension() {
        let mut report = REPORT;
        report[0] = 0x80;

        let Some(Rtcp::SenderReport { reports, .. }) = packets(&report).next() else {
            panic!("a sender report");
        };
        assert_eq!(reports.count(), 0);
    }

    #[test]
    fn blocks_beyond_31_follow_in_receiver_reports() {
        let blocks: Vec<_> = (0..64).map(|ssrc| ReportBlock { ssrc, ..BLOCK }).collect();
        let mut out = Vec::new();

        write_sender_report(&mut out, 7, &CLOCK, &blocks);

        let mut read = Vec::new();
        let mut counts = Vec::new();
        for packet in packets(&out) {
            let (Rtcp::SenderReport { ssrc, reports, .. } | Rtcp::ReceiverReport { ssrc, reports }) =
                packet
            else {
                panic!("a report");
            };
            assert_eq!(ssrc, 7);
            counts.push(reports.clone().count());
            read.extend(reports);
        }
        assert_eq!(counts, [31, 31, 2]);
        assert_eq!(read, blocks);
    }
}
