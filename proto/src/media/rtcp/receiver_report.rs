//! Receiver reports, RFC 3550 §6.4.2.

use super::fields::Fields;
use super::packet::{self, Kind, MAX_COUNT};
use super::{ReportBlock, Reports, Rtcp};

pub(super) fn read(count: u8, mut body: Fields<'_>) -> Option<Rtcp<'_>> {
    Some(Rtcp::ReceiverReport {
        ssrc: body.u32()?,
        reports: Reports::read(count, &mut body)?,
    })
}

/// Appends a receiver report: one packet without blocks, else one for each 31 of them.
pub fn write_receiver_report(out: &mut Vec<u8>, ssrc: u32, reports: &[ReportBlock]) {
    let mut rest = reports;
    loop {
        let (reports, more) = rest.split_at(rest.len().min(MAX_COUNT));
        packet::write(out, Kind::RECEIVER_REPORT, reports.len() as u8, |out| {
            out.extend(ssrc.to_be_bytes());
            for report in reports {
                report.write(out);
            }
        });
        if more.is_empty() {
            return;
        }
        rest = more;
    }
}

#[cfg(test)]
mod tests {
    use super::super::packets;
    use super::*;

    #[test]
    fn writes_a_report_without_blocks() {
        let mut out = Vec::new();

        write_receiver_report(&mut out, 0x0102_0304, &[]);

        assert_eq!(out, [0x80, 201, 0, 1, 1, 2, 3, 4]);
    }

    #[test]
    fn clamps_what_was_lost_to_24_bits() {
        let blocks = [i32::MAX, i32::MIN].map(|cumulative_lost| ReportBlock {
            cumulative_lost,
            ..ReportBlock::default()
        });
        let mut out = Vec::new();

        write_receiver_report(&mut out, 1, &blocks);

        let Some(Rtcp::ReceiverReport { reports, .. }) = packets(&out).next() else {
            panic!("a receiver report");
        };
        assert!(
            reports
                .map(|report| report.cumulative_lost)
                .eq([0x7f_ffff, -0x80_0000])
        );
    }

    #[test]
    fn splits_at_31_blocks() {
        for (blocks, expected) in [(0, 1), (31, 1), (32, 2), (62, 2), (63, 3)] {
            let mut out = Vec::new();

            write_receiver_report(&mut out, 1, &vec![ReportBlock::default(); blocks]);

            assert_eq!(packets(&out).count(), expected, "{blocks} blocks");
            assert_eq!(out.len(), expected * 8 + blocks * 24);
        }
    }
}
