//! Losses, and what is repaired in time.

use std::collections::HashMap;
use std::rc::Rc;

use proto::codec::Codec;

use crate::clips::{self, SIZE};
use crate::room::Room;
use crate::seeded::for_seeds;
use crate::sender::{Arrival, Sender};

#[test]
fn what_is_repaired_within_a_second_is_in_the_files_in_order() {
    for_seeds(10, |rng| {
        let mut room = Room::with_ann();
        let senders = senders().map(|mut sender| {
            sender.way.repair_us = Some(0..900_000);
            sender
        });
        senders.iter().for_each(|sender| room.send(rng, sender));
        room.run_until(12_500_000);

        let manifest = room.end();

        assert_eq!(manifest.lost_packets, 0);
        assert_eq!(room.disk.wanted, [0_u16; 0]);
        for (file, sender) in manifest.files.iter().zip(&senders) {
            let blocks = room.disk.file(&file.path).blocks();
            let frames = sender.clip.frames.iter().cycle();
            let count = 10_000_000 / sender.clip.frame_us + 1;
            let told = format!("{} {}", blocks.len(), file.path);
            assert!((blocks.len() as i64 - count).abs() <= 1, "{told}");
            assert!(
                blocks
                    .iter()
                    .map(|own| &own.data)
                    .eq(frames.take(blocks.len()))
            );
            assert!(blocks.is_sorted_by(|one, other| one.pts_us < other.pts_us));
        }
    });
}

#[test]
fn without_repair_there_are_only_frames_that_can_be_decoded() {
    for_seeds(10, |rng| {
        let mut room = Room::with_ann();
        let senders = senders();
        senders.iter().for_each(|sender| room.send(rng, sender));
        room.run_until(12_500_000);

        let manifest = room.end();

        assert!(manifest.lost_packets > 0);
        assert!(!room.disk.wanted.is_empty());
        let shown = shown(&senders[0].clip.frames);
        let mut decoder = vpx::Decoder::new(vpx::Codec::Vp8).expect("a decoder");
        let blocks = room.disk.file(&manifest.files[0].path).blocks();
        assert!(blocks.len() > 40, "{}", blocks.len());
        for block in &blocks {
            let picture = decoder.decode(&block.data).expect("a decodable frame");
            let picture = picture.expect("a picture");
            assert_eq!(
                shown.get(&block.data),
                Some(&hash(&picture)),
                "{}",
                block.pts_us
            );
        }
    });
}

#[test]
fn files_have_no_gaps_but_those_of_losses() {
    for_seeds(10, |rng| {
        let mut room = Room::with_ann();
        let [_, audio] = senders();
        // The same losses as the room has.
        let arrivals = audio.packets(&mut rng.clone());
        room.send(rng, &audio);
        room.run_until(12_500_000);

        let manifest = room.end();

        let blocks = room.disk.file(&manifest.files[0].path).blocks();
        assert_eq!(blocks.len(), arrivals.len());
        let sequences = arrivals.iter().map(|own: &Arrival| own.sequence);
        let mut sequences: Vec<_> = sequences.collect();
        sequences.sort_unstable();
        let steps = sequences.windows(2).map(|pair| pair[1] - pair[0]);
        let gaps = blocks
            .windows(2)
            .map(|pair| pair[1].pts_us - pair[0].pts_us);
        for (gap_us, step) in gaps.zip(steps).skip(100) {
            let expected_us = 20_000 * step as i64;
            assert!(
                (gap_us - expected_us).abs() <= 2_000,
                "{gap_us} {expected_us}"
            );
        }
    });
}

/// A camera and a microphone on a way that loses 5 %.
fn senders() -> [Sender; 2] {
    let video = Rc::new(clips::moving(Codec::Vp8, SIZE));
    let audio = Rc::new(clips::tone());
    [(0, video), (1, audio)].map(|(track, clip)| {
        let mut sender = Sender::new(track, &clip, 0..10_000_000);
        sender.reports_us = Some(500_000);
        sender.way.jitter_us = 30_000;
        sender.way.lost_percent = 5.0;
        sender
    })
}

/// What each frame shows when none is missing.
fn shown(frames: &[Vec<u8>]) -> HashMap<Vec<u8>, u64> {
    let mut decoder = vpx::Decoder::new(vpx::Codec::Vp8).expect("a decoder");
    let shown = frames.iter().map(|frame| {
        let picture = decoder.decode(frame).expect("a frame").expect("a picture");
        (frame.clone(), hash(&picture))
    });
    shown.collect()
}

fn hash(picture: &vpx::Picture<'_>) -> u64 {
    let rows = picture.y.rows.chunks(picture.y.stride);
    let pixels = rows.flat_map(|row| &row[..picture.width as usize]);
    pixels.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
