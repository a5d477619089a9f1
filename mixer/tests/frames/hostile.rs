//! Whatever comes in, nothing panics and memory stays bounded.

use std::time::Duration;

use fastrand::Rng;
use mixer::frames::limits::MAX_FRAME_BYTES;
use mixer::frames::{FrameAssembler, Output, Packet};
use proto::codec::Codec;

use super::encoded;
use super::network::start;
use super::packets::{self, Mode, Stream};
use crate::seeded::for_seeds;

#[test]
fn random_packets_are_taken_without_panic() {
    for_seeds(40, |rng| {
        for codec in Codec::ALL {
            let mut sequence = rng.u64(..);
            run(codec, rng, 500, |rng, packet| {
                sequence = match rng.u8(0..20) {
                    0 => rng.u64(..),
                    1 => sequence.wrapping_sub(rng.u64(0..5_000)),
                    2 => sequence.wrapping_add(rng.u64(0..5_000)),
                    _ => sequence.wrapping_add(1),
                };
                packet.sequence = sequence;
                packet.payload = (0..rng.usize(0..40)).map(|_| rng.u8(..)).collect();
            });
        }
    });
}

#[test]
fn damaged_packets_are_taken_without_panic() {
    let vp8 = encoded::vpx(vpx::Codec::Vp8, 3, 20);
    let vp9 = encoded::vpx(vpx::Codec::Vp9, 3, 20);
    let h264 = encoded::h264(20);
    for_seeds(40, |rng| {
        let streams = [
            packets::vp8(rng, &vp8, 3),
            packets::vp9(rng, &vp9, Mode::Flexible),
            packets::vp9(rng, &vp9, Mode::NonFlexible),
            packets::h264(rng, &h264),
            packets::av1(rng, 20),
            packets::opus(rng, 50),
        ];
        for stream in streams {
            run_damaged(rng, &stream);
        }
    });
}

#[test]
fn a_frame_without_end_is_dropped_when_it_is_too_large() {
    let start = start();
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1] {
        let mut assembler = FrameAssembler::new(codec, Duration::ZERO);
        for sequence in 0..10_000 {
            let payload = endless(codec, sequence == 0);
            assembler.handle_packet(start, packet(sequence, payload));
            assert!(!matches!(assembler.poll(start), Some(Output::Frame(_))));
        }
        let mut last = packet(10_000, endless(codec, false));
        last.marker = true;
        assembler.handle_packet(start, last);

        while let Some(output) = assembler.poll(start) {
            assert!(!matches!(output, Output::Frame(_)));
        }
        assert_eq!(assembler.counters().oversized_frames, 1, "{codec:?}");
    }
}

fn run_damaged(rng: &mut Rng, stream: &Stream) {
    let payloads: Vec<_> = stream
        .frames
        .iter()
        .flat_map(|frame| &frame.payloads)
        .collect();
    let mut place = 0;
    run(stream.codec, rng, payloads.len(), |rng, packet| {
        packet.sequence = place as u64;
        packet.payload.clone_from(payloads[place]);
        place += 1;
        if rng.u8(0..4) == 0 {
            packet.payload.truncate(rng.usize(..=packet.payload.len()));
        }
        let head = packet.payload.len().min(12);
        if head > 0 && rng.u8(0..3) == 0 {
            packet.payload[rng.usize(..head)] = rng.u8(..);
        }
    });
}

/// Takes `count` packets that `fill` has made.
fn run(
    codec: Codec,
    rng: &mut Rng,
    count: usize,
    mut fill: impl FnMut(&mut Rng, &mut Packet<Vec<u8>>),
) {
    let mut now = start();
    let mut assembler = FrameAssembler::new(codec, Duration::from_millis(20));
    for _ in 0..count {
        now += Duration::from_millis(rng.u64(0..10));
        let mut packet = packet(0, Vec::new());
        packet.timestamp = rng.u32(0..4);
        packet.marker = rng.u8(0..4) == 0;
        packet.received = now;
        packet.orientation = rng.bool().then(|| rng.u8(..));
        fill(rng, &mut packet);
        assembler.handle_packet(now, packet);
        drain(&mut assembler, now);
    }
    assembler.finish();
    drain(&mut assembler, now);
}

fn drain(assembler: &mut FrameAssembler<Vec<u8>>, now: std::time::Instant) {
    while let Some(output) = assembler.poll(now) {
        if let Output::Frame(frame) = output {
            assert!((1..=MAX_FRAME_BYTES).contains(&frame.data.len()));
            assert!(frame.first_sequence <= frame.last_sequence);
        }
    }
    assert!(assembler.poll_timeout().is_none_or(|at| at > now));
}

fn packet(sequence: u64, payload: Vec<u8>) -> Packet<Vec<u8>> {
    Packet {
        sequence,
        timestamp: 0,
        marker: false,
        payload,
        received: start(),
        orientation: None,
        clock: None,
    }
}

/// The first or a later part of a frame.
fn endless(codec: Codec, is_first: bool) -> Vec<u8> {
    let head: &[u8] = match (codec, is_first) {
        (Codec::Vp8, true) => &[0x10],
        (Codec::Vp9, true) => &[0x08],
        (Codec::Vp8 | Codec::Vp9, false) => &[0x00],
        (Codec::H264, true) => &[0x7c, 0x85],
        (Codec::H264, false) => &[0x7c, 0x05],
        (_, true) => &[0x50, 0x30],
        (_, false) => &[0xd0],
    };
    [head, &[0x55; 1_200]].concat()
}
