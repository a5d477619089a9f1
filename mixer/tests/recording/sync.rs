//! Flashes and beeps of the same moment are at the same time in the files.

use std::ops::Range;
use std::rc::Rc;

use fastrand::Rng;
use opus::Channels;

use crate::clips::{self, Clip};
use crate::disk::Read;
use crate::room::{Room, camera, microphone, person};
use crate::seeded::for_seeds;
use crate::sender::Sender;

/// As libwebrtc sends them.
const VIDEO_REPORTS_US: i64 = 1_000_000;
const AUDIO_REPORTS_US: i64 = 5_000_000;
/// Sound comes later by this than pictures do.
const LATE_US: i64 = 80_000;

#[test]
fn lips_stay_with_voices() {
    for_seeds(6, |rng| {
        for (lost_percent, p95_us) in [(0.0, 40_000), (2.0, 40_000), (5.0, 80_000)] {
            for fast_ppm in [-200, 0, 200] {
                let span_us = 300_000..90_000_000;
                let apart_us = apart_us(rng, span_us, lost_percent, fast_ppm, 30);
                let (median_us, worst_us) = (at_percent(&apart_us, 50), at_percent(&apart_us, 95));
                let told = format!("{lost_percent} % {fast_ppm} ppm: {median_us} {worst_us}");
                assert!(median_us <= 20_000 && worst_us <= p95_us, "{told}");
                assert!(apart_us.len() > 40, "{told}: {}", apart_us.len());
            }
        }
    });
}

#[test]
fn lips_of_a_late_joiner_stay_with_its_voice() {
    for_seeds(6, |rng| {
        let apart_us = apart_us(rng, 1_800_400_000..1_890_000_000, 2.0, 200, 30);

        let (median_us, worst_us) = (at_percent(&apart_us, 50), at_percent(&apart_us, 95));
        assert!(
            median_us <= 20_000 && worst_us <= 40_000,
            "{median_us} {worst_us}"
        );
    });
}

#[test]
fn nothing_drifts_apart_in_two_hours() {
    for_seeds(1, |rng| {
        for fast_ppm in [-200, 200] {
            let apart = signed_apart_us(rng, 0..7_200_000_000, 0.0, fast_ppm, 5);

            let median_us = |part: &[i64]| {
                let mut part = part.to_vec();
                part.sort_unstable();
                part[part.len() / 2]
            };
            let minutes: Vec<_> = apart.chunks(60).map(median_us).collect();
            assert!(minutes.len() >= 119, "{}", minutes.len());
            let (least, most) = (minutes.iter().min(), minutes.iter().max());
            let drift_us = most.unwrap() - least.unwrap();
            assert!(drift_us < 20_000, "{fast_ppm} ppm: {drift_us}: {minutes:?}");
        }
    });
}

#[test]
fn those_who_flash_at_once_are_within_one_frame() {
    for_seeds(6, |rng| {
        let mut room = Room::new();
        let clip = Rc::new(clips::flash(30));
        let senders: Vec<_> = (0..3)
            .map(|number: u16| {
                let track = camera(&format!("TR_{number}"));
                let identity = format!("p{number}");
                let person = person(&identity, std::slice::from_ref(&track));
                room.recorder.handle_person(room.now(), person);
                room.hear(number, &identity, &track);
                room.ahead_us[usize::from(number)] = rng.i64(-3_600_000_000..3_600_000_000);
                let mut sender = Sender::new(number, &clip, 0..60_000_000);
                sender.fast_ppm = rng.i64(-200..=200);
                sender.way.delay_us = rng.i64(10_000..30_000);
                sender.way.jitter_us = 50_000;
                sender.reports_us = Some(VIDEO_REPORTS_US);
                room.send(rng, &sender);
                sender
            })
            .collect();
        room.run_until(62_000_000);

        let manifest = room.end();

        let own = manifest.files.iter().zip(&senders);
        let own = own.map(|(file, sender)| {
            let blocks = room.disk.file(&file.path).blocks();
            marks(&blocks, &sender.clip)
        });
        let marks: Vec<_> = own.collect();
        for second in 6..60 {
            let times = marks.iter().filter_map(|own| at_second(own, second));
            let times: Vec<_> = times.collect();
            assert_eq!(times.len(), 3);
            let captured = senders.iter().map(|own| flash_us(own, second));
            // What is a frame apart because cameras take pictures at other moments is right.
            let errors: Vec<_> = times
                .iter()
                .zip(captured)
                .map(|(one, own)| one - own)
                .collect();
            let apart_us = errors.iter().max().unwrap() - errors.iter().min().unwrap();
            assert!(apart_us <= 33_333, "{apart_us} in second {second}");
        }
    });
}

/// What [`lips_stay_with_voices`] takes for flashes and beeps is what can be seen and heard.
#[test]
fn flashes_can_be_seen_and_beeps_heard() {
    let mut rng = Rng::with_seed(1);
    let (room, manifest, senders) = recorded(&mut rng, 0..20_500_000, 0.0, 0, 30);

    let blocks = room.disk.file(&manifest.files[0].path).blocks();
    let mut decoder = vpx::Decoder::new(vpx::Codec::Vp8).expect("a decoder");
    let (mut seen, mut was_bright) = (Vec::new(), false);
    for block in &blocks {
        let picture = decoder
            .decode(&block.data)
            .expect("a frame")
            .expect("a picture");
        let is_bright = picture.y.rows[0] > 120;
        if is_bright && !was_bright {
            seen.push(block.pts_us);
        }
        was_bright = is_bright;
    }
    assert_eq!(seen, marks(&blocks, &senders[0].clip));

    let blocks = room.disk.file(&manifest.files[1].path).blocks();
    let mut decoder = opus::Decoder::new(48_000, Channels::Mono).expect("a decoder");
    let (mut heard, mut was_loud) = (Vec::new(), false);
    for block in &blocks {
        let mut samples = [0.0; 5_760];
        let count = decoder.decode_float(&block.data, &mut samples, false);
        let samples = &samples[..count.expect("sound")];
        let is_loud = samples.iter().any(|sample| sample.abs() > 0.05);
        if is_loud && !was_loud {
            heard.push(block.pts_us);
        }
        was_loud = is_loud;
    }
    assert_eq!(heard, marks(&blocks, &senders[1].clip));
    assert_eq!((seen.len(), heard.len()), (20, 20));
}

/// How far flashes and beeps of the same second are apart, sorted.
fn apart_us(
    rng: &mut Rng,
    span_us: Range<i64>,
    lost_percent: f64,
    fast_ppm: i64,
    fps: u32,
) -> Vec<i64> {
    let apart = signed_apart_us(rng, span_us, lost_percent, fast_ppm, fps);
    let mut apart: Vec<_> = apart.into_iter().map(i64::abs).collect();
    apart.sort_unstable();
    apart
}

/// The same as it is in the room's order: positive where the beep is late.
fn signed_apart_us(
    rng: &mut Rng,
    span_us: Range<i64>,
    lost_percent: f64,
    fast_ppm: i64,
    fps: u32,
) -> Vec<i64> {
    let (room, manifest, senders) = recorded(rng, span_us.clone(), lost_percent, fast_ppm, fps);
    let marks = [0, 1].map(|place| {
        let is_own =
            |file: &&mixer::recording::RecordedFile| (file.codec == "opus") == (place == 1);
        let files = manifest.files.iter().filter(is_own);
        let blocks = files.flat_map(|file| room.disk.file(&file.path).blocks());
        marks(&blocks.collect::<Vec<_>>(), &senders[place].clip)
    });
    let seconds = span_us.start / 1_000_000 + 1..span_us.end / 1_000_000;
    let apart = seconds.filter_map(|second| {
        let flash = at_second(&marks[0], second)? - flash_us(&senders[0], second);
        let beep = at_second(&marks[1], second)? - flash_us(&senders[1], second);
        Some(beep - flash)
    });
    apart.collect()
}

/// A room in which somebody flashes and beeps each second.
fn recorded(
    rng: &mut Rng,
    span_us: Range<i64>,
    lost_percent: f64,
    fast_ppm: i64,
    fps: u32,
) -> (Room, mixer::recording::Manifest, [Sender; 2]) {
    let mut room = Room::new();
    let tracks = [camera("TR_cam"), microphone("TR_mic")];
    room.recorder
        .handle_person(room.now(), person("ann", &tracks));
    room.hear(0, "ann", &tracks[0]);
    room.hear(1, "ann", &tracks[1]);
    // Somebody's wall clock is hours off.
    room.ahead_us = vec![rng.i64(-7_200_000_000..7_200_000_000); 16];
    let (mut video, mut audio) = (
        Sender::new(0, &Rc::new(clips::flash(fps)), span_us.clone()),
        Sender::new(1, &Rc::new(clips::beep()), span_us.clone()),
    );
    (video.reports_us, audio.reports_us) = (Some(VIDEO_REPORTS_US), Some(AUDIO_REPORTS_US));
    (video.fast_ppm, audio.fast_ppm) = (-fast_ppm / 2, fast_ppm);
    (video.way.delay_us, audio.way.delay_us) = (20_000, 20_000 + LATE_US);
    for sender in [&mut video, &mut audio] {
        sender.way.jitter_us = 50_000;
        sender.way.lost_percent = lost_percent;
    }
    room.send(rng, &video);
    room.send(rng, &audio);
    room.run_until(span_us.end + 2_000_000);
    let manifest = room.end();
    (room, manifest, [video, audio])
}

/// When the flashes or beeps of a clip are.
fn marks(blocks: &[Read], clip: &Clip) -> Vec<i64> {
    let mark = &clip.frames[clip.mark.expect("it has one")];
    let marks = blocks.iter().filter(|block| block.data == *mark);
    marks.map(|block| block.pts_us).collect()
}

/// The mark of a second. What comes to the server is late by less than half a second.
fn at_second(marks: &[i64], second: i64) -> Option<i64> {
    let span_us = second * 1_000_000 - 300_000..second * 1_000_000 + 700_000;
    marks.iter().copied().find(|mark| span_us.contains(mark))
}

/// When the flash or beep of a second was captured: with the first frame of it.
fn flash_us(sender: &Sender, second: i64) -> i64 {
    let begin_us = second * 1_000_000;
    let near = (begin_us - sender.span_us.start) / sender.clip.frame_us;
    let frames = (near - 100).max(0)..;
    let mut times = frames.map(|place| sender.captured_us(place));
    times.find(|at| *at >= begin_us).unwrap_or(begin_us)
}

fn at_percent(sorted: &[i64], percent: usize) -> i64 {
    sorted[(sorted.len() - 1) * percent / 100]
}
