//! Feedback as bytes, by hand from the draft, and there and back.

use super::super::{MAX_WRITTEN_BYTES, Rtcp, packets};
use super::*;

/// Small deltas, a missing packet, a large delta and a negative one.
const MIXED: [u8; 28] = [
    0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, // header, sender, media
    0, 10, 0, 5, // base, count
    0, 0, 5, 0xfb, // reference 320 ms, feedback 251
    0xd4, 0xa0, // two bits each: small, small, not received, large, large
    4, 2, 0x01, 0x90, 0xff, 0xff, // 1 ms, 500 us, 100 ms, -250 us
];
const MIXED_ARRIVALS: [(u64, i64); 4] =
    [(10, 321_000), (11, 321_500), (13, 421_500), (14, 421_250)];

#[test]
fn reads_small_large_and_negative_deltas() {
    let feedback = read(&MIXED).expect("well-formed");

    assert_eq!(feedback.base_sequence(), 10);
    assert_eq!(feedback.count(), 5);
    assert_eq!(feedback.feedback_number(), 251);
    assert_eq!(feedback.reference_time_us(), 320_000);
    assert_eq!(feedback.packets().len(), 5);
    assert!(feedback.packets().eq([
        (10, Some(321_000)),
        (11, Some(321_500)),
        (12, None),
        (13, Some(421_500)),
        (14, Some(421_250)),
    ]));
}

#[test]
fn writes_small_large_and_negative_deltas() {
    assert_eq!(written(251, &MIXED_ARRIVALS), (MIXED.to_vec(), 4));
}

#[test]
fn equal_deltas_make_a_run() {
    let arrivals: Vec<_> = (0..20).map(|n| (n, n as i64 * 1_000)).collect();

    let (out, covered) = written(0, &arrivals);

    assert_eq!(covered, 20);
    let mut expected = vec![
        0x8f, 205, 0, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 20, 0, 0, 0, 0, // header
        0x20, 0x14, 0, // a run of 20, the first at the reference
    ];
    expected.extend([4; 19]);
    expected.extend([0; 2]);
    assert_eq!(out, expected);
}

#[test]
fn a_gap_is_told_as_not_received() {
    let (out, covered) = written(0, &[(0xffff, 0), (0x1_0063, 250)]);

    assert_eq!(covered, 2);
    assert_eq!(out[12..16], [0xff, 0xff, 0, 101]);
    assert_eq!(out[20..], [0xa0, 0, 0, 86, 0x20, 1, 0, 1]);
    let packets: Vec<_> = read(&out).expect("well-formed").packets().collect();
    assert_eq!(packets[0], (0xffff, Some(0)));
    assert_eq!(packets[1], (0, None));
    assert_eq!(packets[99], (98, None));
    assert_eq!(packets[100], (99, Some(250)));
}

#[test]
fn a_time_before_zero_has_a_negative_reference() {
    let (out, _) = written(0, &[(1, -1_000)]);

    assert_eq!(out[16..19], [0xff, 0xff, 0xff]);
    let feedback = read(&out).expect("well-formed");
    assert_eq!(feedback.reference_time_us(), -64_000);
    assert!(feedback.packets().eq([(1, Some(-1_000))]));
}

#[test]
fn the_reference_wraps_at_24_bits() {
    let wrap = REFERENCE_US << 24;
    let (out, _) = written(0, &[(1, wrap + 64_250)]);

    let feedback = read(&out).expect("well-formed");

    assert!(feedback.packets().eq([(1, Some(64_250))]));
}

#[test]
fn rounding_does_not_accumulate() {
    let arrivals: Vec<_> = (0..200).map(|n| (n, n as i64 * 1_124)).collect();

    let (out, covered) = written(0, &arrivals);

    assert_eq!(covered, 200);
    for ((_, told), (_, arrival)) in read(&out).expect("well-formed").packets().zip(arrivals) {
        assert!((told.expect("received") - arrival).abs() <= 125);
    }
}

#[test]
fn a_delta_of_256_is_large() {
    // Half a tick before the next reference rounds up to it.
    let (out, _) = written(0, &[(1, 63_875)]);

    assert_eq!(out[20..], [0x40, 1, 1, 0]);
}

#[test]
fn ends_before_a_delta_beyond_16_bits() {
    let most_us = 0x7fff * TICK_US;
    let least_us = -0x8000 * TICK_US;

    assert_eq!(written(0, &[(1, 0), (2, most_us)]).1, 2);
    assert_eq!(written(0, &[(1, 0), (2, most_us + 250)]).1, 1);
    assert_eq!(written(0, &[(1, 0), (2, least_us)]).1, 2);
    assert_eq!(written(0, &[(1, 0), (2, least_us - 250)]).1, 1);
    assert_eq!(written(0, &[(1, i64::MIN), (2, i64::MAX), (3, 0)]).1, 1);
}

#[test]
fn ends_before_more_packets_than_can_be_counted() {
    assert_eq!(written(0, &[(1, 0), (65_535, 0)]).1, 2);
    assert_eq!(written(0, &[(1, 0), (65_536, 0)]).1, 1);
    assert_eq!(written(0, &[(1, 0), (u64::MAX, 0)]).1, 1);
    assert_eq!(written(0, &[(u64::MAX, 0)]).1, 1);
}

#[test]
fn ends_before_a_sequence_number_that_does_not_ascend() {
    assert_eq!(written(0, &[(5, 0), (5, 0)]).1, 1);
    assert_eq!(written(0, &[(5, 0), (6, 0), (4, 0)]).1, 2);
}

#[test]
fn ends_before_the_packet_is_too_long() {
    let small: Vec<_> = (0..5_000).map(|n| (n, 0)).collect();
    let large: Vec<_> = (0..5_000).map(|n| (n, n as i64 * 100_000)).collect();
    let apart: Vec<_> = (0..60).map(|n| (n * 1_000, 0)).collect();

    for (arrivals, at_least) in [(small, 1_060), (large, 530), (apart, 60)] {
        let (out, covered) = written(0, &arrivals);

        assert!(covered >= at_least, "{covered} arrivals");
        assert!(out.len() <= MAX_WRITTEN_BYTES, "{} bytes", out.len());
        assert_eq!(received(&out).len(), covered);
    }
}

#[test]
fn nothing_arrived_writes_nothing() {
    assert_eq!(written(0, &[]), (vec![], 0));
}

#[test]
fn a_few_bytes_can_tell_about_65535_packets() {
    let mut chunks = [0x1f, 0xff].repeat(8);
    chunks.extend([0, 7, 0, 0]);

    let told = feedback(65_535, &chunks);

    let told = read(&told).expect("well-formed");
    assert_eq!(told.packets().len(), 65_535);
    assert_eq!(told.packets().count(), 65_535);
    assert!(told.packets().all(|(_, arrival)| arrival.is_none()));
    assert_eq!(told.packets().last(), Some((65_534, None)));
}

#[test]
fn a_last_chunk_may_have_room_for_more() {
    let told = feedback(2, &[0xbf, 0xff, 1, 2]);

    let told = read(&told).expect("well-formed");

    assert!(told.packets().eq([(0, Some(250)), (1, Some(750))]));
}

#[test]
fn runs_of_no_length_tell_nothing() {
    let told = feedback(1, &[0x20, 0, 0x20, 0, 0x20, 1, 7, 0]);

    let told = read(&told).expect("well-formed");

    assert!(told.packets().eq([(0, Some(1_750))]));
}

#[test]
fn no_packets_are_told_about() {
    let told = feedback(0, &[]);

    let told = read(&told).expect("well-formed");

    assert_eq!(told.packets().next(), None);
}

#[test]
fn padding_after_the_deltas_may_be_declared() {
    let mut padded = feedback(2, &[0x20, 2, 4, 4, 0, 0, 0, 4]);
    padded[0] |= 0x20;
    assert!(read(&padded).is_some());

    // One more than the padding there is: the last delta is missing.
    padded[27] = 5;
    assert_eq!(read(&padded), None);
}

#[test]
fn missing_chunks_and_deltas_are_malformed() {
    for rest in [
        &[][..],
        &[0x20, 1, 0x20, 1], // 2 of 3 packets
        &[0x20, 3, 1, 2],    // 2 of 3 deltas
        &[0x40, 3, 1, 2],    // 2 of 6 bytes of deltas
        &[0, 0, 0, 0],       // runs of no length
        &[0x60, 3, 1, 2],    // reserved symbol
    ] {
        assert_eq!(read(&feedback(3, rest)), None, "{rest:02x?}");
    }
}

/// Feedback from packet 0 on, with reference 0.
fn feedback(count: u16, chunks_and_deltas: &[u8]) -> Vec<u8> {
    let [high, low] = count.to_be_bytes();
    let words = (16 + chunks_and_deltas.len()) / 4;
    let mut feedback = vec![0x8f, 205, 0, words as u8, 0, 0, 0, 1, 0, 0, 0, 2];
    feedback.extend([0, 0, high, low, 0, 0, 0, 0]);
    feedback.extend(chunks_and_deltas);
    assert_eq!(feedback.len(), words * 4 + 4, "whole words");
    feedback
}

fn read(compound: &[u8]) -> Option<TransportFeedback<'_>> {
    let packet = packets(compound).next()?;
    let Rtcp::TransportFeedback(feedback) = packet else {
        panic!("{packet:?}");
    };
    Some(feedback)
}

fn received(compound: &[u8]) -> Vec<(u16, i64)> {
    let feedback = read(compound).expect("well-formed");
    let packets = feedback.packets();
    packets
        .filter_map(|(sequence, arrival)| Some((sequence, arrival?)))
        .collect()
}

fn written(feedback_number: u8, arrivals: &[(u64, i64)]) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let from = arrivals.first().map_or(0, |(sequence, _)| *sequence);
    let covered = write_transport_feedback(&mut out, 1, 2, feedback_number, from, arrivals);
    (out, covered)
}

#[test]
fn what_is_missing_before_the_first_arrival_is_told() {
    let mut out = Vec::new();

    let covered = write_transport_feedback(&mut out, 1, 2, 0, 97, &[(100, 64_000)]);

    assert_eq!(covered, 1);
    let feedback = read(&out).expect("well-formed");
    let told: Vec<_> = feedback.packets().collect();
    let missing = [(97, None), (98, None), (99, None)];
    assert_eq!(told[..3], missing);
    assert_eq!(told[3..], [(100, Some(64_000))]);
}
