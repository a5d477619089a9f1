//! RTCP: what was read, written again, reads the same.

use std::collections::BTreeSet;

use proto::media::rtcp::{
    FirEntries, MAX_WRITTEN_BYTES, NackSequences, ReportBlock, Reports, Rtcp, TransportFeedback,
    packets, write_fir, write_goodbye, write_nack, write_pli, write_receiver_reference,
    write_receiver_reference_delays, write_receiver_report, write_remb, write_sender_report,
    write_transport_feedback,
};

/// Reads the input as a compound packet.
pub fn run(data: &[u8]) {
    for packet in packets(data) {
        match packet.clone() {
            Rtcp::SenderReport {
                ssrc,
                clock,
                reports,
            } => comes_back(&packet, |out| {
                write_sender_report(out, ssrc, &clock, &blocks(reports));
            }),
            Rtcp::ReceiverReport { ssrc, reports } => comes_back(&packet, |out| {
                write_receiver_report(out, ssrc, &blocks(reports));
            }),
            Rtcp::Nack { sequences, .. } => nack(sequences),
            Rtcp::Pli { media_ssrc } => comes_back(&packet, |out| write_pli(out, 1, media_ssrc)),
            Rtcp::Fir(entries) => fir(entries),
            Rtcp::Remb { bitrate_bps } => comes_back(&packet, |out| {
                write_remb(out, 1, bitrate_bps, &[2]);
            }),
            Rtcp::TransportFeedback(feedback) => transport_feedback(&feedback),
            Rtcp::Goodbye(ssrcs) => {
                let ssrcs: Vec<_> = ssrcs.collect();
                if !ssrcs.is_empty() {
                    comes_back(&packet, |out| write_goodbye(out, &ssrcs));
                }
            }
            Rtcp::ReceiverReference { ssrc, ntp } => comes_back(&packet, |out| {
                write_receiver_reference(out, ssrc, ntp);
            }),
            Rtcp::ReceiverReferenceDelays(delays) => {
                let delays: Vec<_> = delays.collect();
                let mut out = Vec::new();
                write_receiver_reference_delays(&mut out, 1, &delays);
                let read = packets(&out).flat_map(|packet| {
                    let Rtcp::ReceiverReferenceDelays(delays) = packet else {
                        panic!("{packet:?}");
                    };
                    delays
                });
                assert!(read.eq(delays));
            }
            Rtcp::Other => {}
        }
    }
}

fn comes_back(packet: &Rtcp<'_>, write: impl FnOnce(&mut Vec<u8>)) {
    let mut out = Vec::new();
    write(&mut out);
    assert!(packets(&out).eq([packet.clone()]));
}

fn blocks(reports: Reports<'_>) -> Vec<ReportBlock> {
    let blocks: Vec<_> = reports.collect();
    assert!(blocks.len() <= 31);
    blocks
}

/// A NACK may name packets in any order and more than once; written again it does not.
fn nack(sequences: NackSequences<'_>) {
    let missing: BTreeSet<_> = sequences.collect();
    let mut out = Vec::new();
    write_nack(&mut out, 1, 2, missing.iter().copied());
    let read = packets(&out).flat_map(|packet| {
        let Rtcp::Nack { sequences, .. } = packet else {
            panic!("{packet:?}");
        };
        sequences
    });
    assert!(read.eq(missing));
}

fn fir(entries: FirEntries<'_>) {
    for entry in entries {
        let (media_ssrc, command_number) = entry;
        let mut out = Vec::new();
        write_fir(&mut out, 1, media_ssrc, command_number);
        let Some(Rtcp::Fir(mut read)) = packets(&out).next() else {
            panic!("no full intra request");
        };
        assert_eq!(read.next(), Some(entry));
    }
}

/// Times read are whole ticks, so they come back exactly, up to the wrap of the reference.
fn transport_feedback(feedback: &TransportFeedback<'_>) {
    assert_eq!(feedback.packets().count(), usize::from(feedback.count()));
    let mut arrivals = Vec::new();
    for (sequence, (told, arrival_us)) in
        (u64::from(feedback.base_sequence())..).zip(feedback.packets())
    {
        assert_eq!(told, sequence as u16);
        arrivals.extend(arrival_us.map(|us| (sequence, us)));
    }
    let mut rest = &arrivals[..];
    while !rest.is_empty() {
        let mut out = Vec::new();
        let covered = write_transport_feedback(&mut out, 1, 2, 3, rest[0].0, rest);
        assert!(covered > 0 && out.len() <= MAX_WRITTEN_BYTES);
        let Some(Rtcp::TransportFeedback(read)) = packets(&out).next() else {
            panic!("no transport feedback");
        };
        let (written, after) = rest.split_at(covered);
        let received = read
            .packets()
            .filter_map(|(sequence, us)| Some((sequence, us?.rem_euclid(WRAP_US))));
        assert!(
            received.eq(written
                .iter()
                .map(|&(sequence, us)| (sequence as u16, us.rem_euclid(WRAP_US))))
        );
        rest = after;
    }
}

const WRAP_US: i64 = 64_000 << 24;
