//! Nothing of a pause is kept, and files take no time for it.

use std::rc::Rc;

use fastrand::Rng;
use mixer::recording::{Interval, State};
use proto::codec::Codec;

use crate::clips::{self, SIZE};
use crate::room::Room;
use crate::sender::Sender;

const FROM_US: i64 = 2_500_000;
const TO_US: i64 = 5_510_000;

#[test]
fn nothing_of_a_pause_is_in_any_file() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let video = Sender::new(0, &Rc::new(clips::moving(Codec::Vp8, SIZE)), 0..8_000_000);
    let audio = Sender::new(1, &Rc::new(clips::tone()), 0..8_000_000);
    // On the way when it is paused, and when it goes on.
    let sent = [video, audio].map(|mut sender| {
        sender.way.delay_us = 90_000;
        sender.way.jitter_us = 20_000;
        sender.reports_us = Some(500_000);
        room.send(&mut rng, &sender);
        sender
    });

    room.run_until(FROM_US);
    assert!(room.recorder.pause(room.now()));
    assert_eq!(room.recorder.manifest(room.now()).state, State::Paused);
    room.run_until(TO_US);
    assert_eq!(room.disk.wanted, [0_u16; 0]);
    assert!(room.recorder.resume(room.now()));
    room.run_until(8_200_000);
    let manifest = room.end();

    // It is asked for a keyframe until there is one, which is in the next second.
    assert_eq!(room.disk.wanted, [0]);
    let pause = Interval {
        from_us: FROM_US,
        to_us: Some(TO_US),
    };
    assert_eq!(manifest.pauses, [pause]);
    assert_eq!(manifest.duration_us, 8_200_000 - (TO_US - FROM_US));
    assert_eq!(manifest.files.len(), 2);
    for (file, sender) in manifest.files.iter().zip(&sent) {
        let is_video = sender.track == 0;
        let blocks = room.disk.file(&file.path).blocks();
        let next = blocks.iter().position(|own| own.pts_us > FROM_US);
        let next = next.expect("it goes on");
        assert!(blocks[next].is_keyframe);
        let gap_us = blocks[next].pts_us - blocks[next - 1].pts_us;
        // The clip has a keyframe each second.
        let most_us = if is_video { 800_000 } else { 60_000 };
        assert!(gap_us < most_us, "{gap_us} in {}", file.path);
        for block in &blocks {
            let is_after = block.pts_us > FROM_US;
            let room_us = block.pts_us + if is_after { TO_US - FROM_US } else { 0 };
            // By the shortest way later than it was captured.
            let captured_us = room_us - sender.way.delay_us;
            let place = (captured_us as f64 / sender.clip.frame_us as f64).round() as usize;
            let near = place.saturating_sub(1)..=place + 1;
            let frames = &sender.clip.frames;
            let is_there = |place: usize| frames[place % frames.len()] == block.data;
            let is_silence = block.data.len() == 3;
            assert!(is_silence || near.clone().any(is_there), "{room_us}");
        }
    }
}

#[test]
fn a_keyframe_is_asked_for_again_after_a_pause_until_there_is_one() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let mut clip = clips::moving(Codec::Vp8, SIZE);
    // Nobody answers: after the first second nothing but the same frame comes.
    clip.mark = Some(2);
    clip.frames.truncate(3);
    let sender = Sender::new(0, &Rc::new(clip), 0..900_000);
    let mut later = Sender::new(0, &sender.clip, 900_000..6_900_000);
    later.sequence = sender.sequence + sender.packets(&mut rng).len() as u64;
    later.timestamp = sender.timestamp.wrapping_add(27 * 3_000);
    room.send(&mut rng, &sender);
    room.run_until(1_000_000);
    room.recorder.pause(room.now());
    room.run_until(2_000_000);

    room.recorder.resume(room.now());
    room.run_until(5_100_000);

    assert_eq!(room.disk.wanted.len(), 4);
    room.end();
}

#[test]
fn a_recording_that_ends_in_a_pause_is_complete() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let audio = Sender::new(1, &Rc::new(clips::tone()), 0..4_000_000);
    room.send(&mut rng, &audio);
    room.run_until(1_000_000);
    room.recorder.pause(room.now());
    assert!(!room.recorder.pause(room.now()));
    room.run_until(4_000_000);

    let manifest = room.end();

    assert_eq!(
        (manifest.state, manifest.duration_us),
        (State::Done, 1_000_000)
    );
    assert_eq!(manifest.pauses[0].to_us, Some(4_000_000));
    assert_eq!(room.disk.file(&manifest.files[0].path).times_us().len(), 50);
}
