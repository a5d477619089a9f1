//! What files there are, and what times their blocks have.

use std::rc::Rc;

use fastrand::Rng;
use mixer::mux::{Media, VideoCodec};
use mixer::recording::{FileState, Source};
use proto::codec::Codec;

use crate::clips::{self, SIZE};
use crate::disk::read;
use crate::room::{Room, camera, microphone, person};
use crate::seeded::for_seeds;
use crate::sender::Sender;

const CAMERA: &str = "tracks/PA_ann/TR_cam-cam-000.mkv";
const MICROPHONE: &str = "tracks/PA_ann/TR_mic-mic-000.mka";

#[test]
fn h264_is_in_one_file_however_many_keyframes_it_has() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let video = Rc::new(clips::moving_h264());
    room.send(&mut rng, &Sender::new(0, &video, 0..5_000_000));
    room.run_until(5_000_000);

    let manifest = room.end();

    let [file] = &manifest.files[..] else {
        panic!("{:?}", manifest.files);
    };
    assert_eq!((file.blocks, file.keyframes), (151, 6));
}

#[test]
fn a_pause_of_h264_may_leave_out_what_describes_it() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let video = Rc::new(clips::moving_h264());
    room.recorder.pause(room.now());
    room.send(&mut rng, &Sender::new(0, &video, 0..5_000_000));
    room.run_until(2_500_000);
    room.recorder.resume(room.now());
    room.run_until(5_000_000);

    let manifest = room.end();

    let [file] = &manifest.files[..] else {
        panic!("{:?}", manifest.files);
    };
    assert_eq!(file.keyframes, 3);
}

#[test]
fn every_frame_of_everyone_is_in_a_file_at_its_time_in_the_room() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let (video, audio) = (Rc::new(clips::moving(Codec::Vp8, SIZE)), tone());
    room.send(&mut rng, &Sender::new(0, &video, 0..5_000_000));
    room.send(&mut rng, &Sender::new(1, &audio, 0..5_000_000));
    // Somebody comes later.
    room.run_until(2_000_000);
    let track = microphone("TR_late");
    room.recorder
        .handle_person(room.now(), person("ben", std::slice::from_ref(&track)));
    room.hear(2, "ben", &track);
    room.send(&mut rng, &Sender::new(2, &audio, 2_500_000..5_000_000));
    room.run_until(5_000_000);

    let manifest = room.end();

    let late = "tracks/PA_ben/TR_late-mic-000.mka";
    for (path, first_us, frame_us, count) in [
        (CAMERA, 0, 33_333, 151),
        (MICROPHONE, 0, 20_000, 250),
        (late, 2_500_000, 20_000, 125),
    ] {
        let times_us = room.disk.file(path).times_us();
        assert_eq!(times_us.len(), count, "{path}");
        for (place, time_us) in (0..).zip(times_us) {
            let due_us = first_us + place * frame_us;
            // Files count in milliseconds.
            assert!(
                (time_us - due_us).abs() <= 500,
                "{path}: {time_us} {due_us}"
            );
        }
    }
    assert_eq!(room.disk.paths().len(), 3);
    for file in &manifest.files {
        assert_eq!(file.state, FileState::Complete);
        let own = room.disk.file(&file.path);
        let blocks = own.blocks();
        assert_eq!(file.bytes, own.bytes.len() as u64);
        assert_eq!(file.blocks, blocks.len() as u64);
        let last = blocks.last().expect("a block");
        for (told, read) in [(file.first_pts_us, &blocks[0]), (file.last_pts_us, last)] {
            assert!((told.expect("a time") - read.pts_us).abs() <= 500);
        }
    }
    assert_eq!((manifest.lost_packets, manifest.dropped_packets), (0, 0));
    assert_eq!(manifest.duration_us, 5_000_000);
}

#[test]
fn what_a_track_shows_may_be_told_after_its_first_packets_are_announced() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::new();
    let tracks = [camera("TR_cam"), microphone("TR_mic")];
    room.hear(0, "ann", &tracks[0]);
    room.hear(1, "ann", &tracks[1]);
    room.recorder
        .handle_person(room.now(), person("ann", &tracks));

    room.send(&mut rng, &Sender::new(1, &tone(), 0..100_000));
    room.run_until(200_000);

    let manifest = room.end();
    assert_eq!(manifest.files[0].source, Source::Microphone);
    assert_eq!(manifest.files[0].identity, "ann");
    assert_eq!(manifest.files[0].path, MICROPHONE);
}

#[test]
fn a_keyframe_that_was_on_its_way_when_the_recording_began_is_in_the_file() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let clip = Rc::new(clips::moving(Codec::Vp8, SIZE));
    // The 31st picture is a keyframe again: captured 10 ms before the recording begins, it comes
    // 10 ms after, and its sender's sound tells how long it was on its way.
    let began_us = -10_000 - 30 * clip.frame_us;
    let mut video = Sender::new(0, &clip, began_us..2_000_000);
    let mut audio = Sender::new(1, &tone(), -1_000_000..2_000_000);
    (video.way.delay_us, audio.way.delay_us) = (20_000, 5_000);
    (video.reports_us, audio.reports_us) = (Some(100_000), Some(100_000));
    room.send(&mut rng, &video);
    room.send(&mut rng, &audio);
    room.run_until(2_100_000);

    room.end();

    let blocks = room.disk.file(CAMERA).blocks();
    let sent = (30..30 + blocks.len()).map(|place| &clip.frames[place % clip.frames.len()]);
    assert!(blocks.iter().map(|block| &block.data).eq(sent));
    assert_eq!(blocks.len(), 61);
    assert_eq!((blocks[0].pts_us, blocks[0].is_keyframe), (0, true));
}

#[test]
fn an_encrypted_track_is_refused_and_the_journal_says_so() {
    for is_told_late in [false, true] {
        let mut rng = Rng::with_seed(1);
        let mut room = Room::new();
        let mut track = microphone("TR_mic");
        track.is_encrypted = true;
        let tell = |room: &mut Room| {
            let ann = person("ann", std::slice::from_ref(&track));
            room.recorder.handle_person(room.now(), ann);
        };
        if !is_told_late {
            tell(&mut room);
        }
        room.hear(1, "ann", &track);
        if is_told_late {
            tell(&mut room);
        }

        room.send(&mut rng, &Sender::new(1, &tone(), 0..500_000));
        room.run_until(600_000);
        let manifest = room.end();

        assert_eq!(manifest.files, []);
        let refusals = room.disk.journal().into_iter().filter(|entry| {
            matches!(&entry.event, mixer::recording::Event::NotRecorded { track, reason }
                if track == "TR_mic" && reason.contains("encrypted"))
        });
        assert_eq!(refusals.count(), 1, "late: {is_told_late}");
    }
}

#[test]
fn a_track_that_changes_its_codec_goes_on_in_another_file() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let clip = |codec| Rc::new(clips::moving(codec, SIZE));
    let first = Sender::new(0, &clip(Codec::Vp8), 0..2_000_000);
    let sent = first.packets(&mut rng).len() as u64;
    room.send(&mut rng, &first);
    room.send(
        &mut rng,
        &Sender {
            sequence: first.sequence + sent,
            timestamp: first.timestamp.wrapping_add(180_000),
            ..Sender::new(0, &clip(Codec::Vp9), 2_000_000..4_000_000)
        },
    );
    room.run_until(4_000_000);

    let manifest = room.end();

    let codecs: Vec<_> = manifest
        .files
        .iter()
        .map(|own| own.codec.as_str())
        .collect();
    assert_eq!(codecs, ["vp8", "vp9"]);
    let next = room.disk.file("tracks/PA_ann/TR_cam-cam-001.mkv");
    assert_eq!(next.times_us()[0], 2_000_000);
    let header = read(&next.bytes).1.expect("a header");
    let Media::Video { codec, .. } = &header.tracks[0].media else {
        panic!("pictures");
    };
    assert_eq!(*codec, VideoCodec::Vp9);
}

#[test]
fn pictures_of_another_size_and_encoding_go_on_in_the_same_file() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let small = Sender::new(0, &Rc::new(clips::moving(Codec::Vp8, SIZE)), 0..1_000_000);
    let sent = small.packets(&mut rng).len() as u64;
    let large = Rc::new(clips::moving(Codec::Vp8, (192, 128)));
    room.send(&mut rng, &small);
    room.send(
        &mut rng,
        &Sender {
            encoding: 1,
            sequence: small.sequence + sent,
            // Timestamps of another encoding are close, but not in line.
            timestamp: small.timestamp.wrapping_add(31 * 3_000 + 700),
            ..Sender::new(0, &large, 1_033_333..3_000_000)
        },
    );
    room.run_until(3_000_000);

    let manifest = room.end();

    assert_eq!(manifest.files.len(), 1);
    let sizes = &manifest.files[0].sizes;
    assert_eq!(
        sizes.iter().map(|own| (own.1, own.2)).collect::<Vec<_>>(),
        [SIZE, (192, 128)]
    );
    let times_us = room.disk.file(CAMERA).times_us();
    assert_eq!(times_us.len(), 91);
    for pair in times_us.windows(2) {
        assert!((20_000..50_000).contains(&(pair[1] - pair[0])), "{pair:?}");
    }
}

#[test]
fn a_track_that_is_heard_again_gets_another_file() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    room.send(&mut rng, &Sender::new(1, &tone(), 0..1_000_000));
    room.run_until(1_500_000);
    room.recorder.handle_track_end(room.now(), 1);

    // It has the same id under another number.
    room.hear(5, "ann", &microphone("TR_mic"));
    room.send(&mut rng, &Sender::new(5, &tone(), 2_000_000..3_000_000));
    room.run_until(3_000_000);
    room.end();

    let next = "tracks/PA_ann/TR_mic-mic-001.mka";
    assert_eq!(room.disk.paths(), [MICROPHONE, next]);
    // Files count in milliseconds.
    assert_eq!(room.disk.file(next).times_us()[0], 2_000_500);
}

#[test]
fn silence_fills_what_is_not_sent() {
    for_seeds(5, |rng| {
        let mut room = Room::with_ann();
        let quiet_us = rng.i64(500_000..900_000)..rng.i64(8_000_000..11_500_000);
        let mut sender = Sender::new(1, &tone(), 0..12_000_000);
        sender.quiet_us = quiet_us.clone();
        sender.way.jitter_us = 30_000;
        room.send(rng, &sender);
        room.run_until(12_500_000);

        room.end();

        let blocks = room.disk.file(MICROPHONE).blocks();
        for pair in blocks.windows(2) {
            let gap_us = pair[1].pts_us - (pair[0].pts_us + 20_000);
            assert!(gap_us <= 60_000, "{gap_us} at {}", pair[0].pts_us);
            assert!(pair[1].pts_us > pair[0].pts_us);
        }
        let sent = blocks.iter().filter(|block| block.data.len() > 3);
        let quiet = (quiet_us.end - quiet_us.start) / 20_000;
        assert!((sent.count() as i64 - (600 - quiet)).abs() <= 1);
    });
}

#[test]
fn what_is_lost_is_left_open_but_not_the_silence_around_it() {
    for is_lost in [false, true] {
        let mut rng = Rng::with_seed(1);
        let mut room = Room::with_ann();
        let first = Sender::new(1, &tone(), 0..1_000_000);
        let between = Sender {
            sequence: first.sequence + 50,
            timestamp: first.timestamp.wrapping_add(48_000 * 4),
            ..Sender::new(1, &tone(), 4_000_000..4_100_000)
        };
        let last = Sender {
            sequence: first.sequence + 55,
            timestamp: first.timestamp.wrapping_add(48_000 * 4 + 4_800),
            ..Sender::new(1, &tone(), 4_100_000..5_000_000)
        };
        room.send(&mut rng, &first);
        if !is_lost {
            room.send(&mut rng, &between);
        }
        room.send(&mut rng, &last);
        room.run_until(6_500_000);

        let manifest = room.end();

        let times_us = room.disk.file(MICROPHONE).times_us();
        let gaps = times_us.windows(2).map(|pair| pair[1] - pair[0] - 20_000);
        let largest_us = gaps.max().expect("blocks");
        assert_eq!(manifest.lost_packets, if is_lost { 5 } else { 0 });
        let range = match is_lost {
            false => 0..=61_000,
            true => 100_000..=161_000,
        };
        assert!(range.contains(&largest_us), "{largest_us}");
    }
}

#[test]
fn a_long_track_goes_on_in_another_file_each_hour() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::with_ann();
    let mut clip = clips::beep();
    // Packets are few so that it does not take long.
    (clip.frame_us, clip.ticks) = (1_000_000, 48_000);
    let clip = Rc::new(clip);
    room.send(&mut rng, &Sender::new(1, &clip, 0..7_300_000_000));
    room.run_until(7_300_000_000);

    let manifest = room.end();

    let starts = manifest.files.iter().map(|own| own.first_pts_us.unwrap());
    let expected = [0, 3_600_000_000, 7_200_000_000];
    for (start_us, expected_us) in starts.zip(expected) {
        assert!((start_us - expected_us).abs() <= 1_000_500, "{start_us}");
    }
    assert_eq!(manifest.files.len(), 3);
}

fn tone() -> Rc<clips::Clip> {
    Rc::new(clips::tone())
}
