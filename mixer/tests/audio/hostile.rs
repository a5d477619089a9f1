//! Frames that nobody would send.

use mixer::audio::{AddError, AudioFrame, AudioMixer, InputId, ListenerId, limits};

use super::listen::{left, level, peak, step};
use super::room::{Room, TICK_US};
use super::sender::Sender;

#[test]
fn garbage_is_never_more_than_noise() {
    let mut random = fastrand::Rng::with_seed(77);
    for _ in 0..20 {
        let mut mixer = AudioMixer::new();
        mixer.add_input(InputId(0)).expect("room");
        for tick in 0..100 {
            for _ in 0..random.usize(..4) {
                let bytes = random.usize(..200);
                let data: Vec<u8> = (0..bytes).map(|_| random.u8(..)).collect();
                let frame = AudioFrame {
                    pts_us: tick * TICK_US + random.i64(-100_000..2_000_000),
                    data: &data,
                    lost_before: random.u32(..5),
                };
                mixer.handle_frame(InputId(0), frame);
            }
            let mixed = mixer.mix(tick * TICK_US);
            assert!(mixed.samples.iter().all(|sample| sample.is_finite()));
            assert!(peak(mixed.samples) < 0.892);
        }
    }
}

#[test]
fn damaged_frames_are_as_good_as_lost() {
    let mut frames = Sender::tone(440.0, 0.5).frames_until(2_000_000);
    // Two frames of the same length, in an odd number of bytes (RFC 6716 §3.2.3).
    frames[50].data = vec![0xFD, 1, 2, 3, 4, 5];
    frames[60].data = Vec::new();
    frames[70].data = vec![0; limits::MAX_FRAME_BYTES + 1];
    let mut room = Room::new(vec![frames]);

    let heard = left(&room.mix(0, 1_900_000));

    let counters = room.mixer.total_counters();
    assert_eq!(counters.bad_frames, 3);
    assert_eq!(counters.concealed_samples, 3 * 960);
    assert!(level(&heard[61 * 960..70 * 960]) > 0.3);
}

#[test]
fn times_beyond_all_time_change_nothing() {
    let frames = Sender::tone(440.0, 0.5).frames_until(1_000_000);
    let clean = Room::new(vec![frames.clone()]).mix(0, 1_000_000);
    let mut room = Room::new(vec![frames.clone()]);
    let mut heard = room.mix(0, 500_000);

    for pts_us in [i64::MIN, i64::MAX, i64::MIN / 48, i64::MAX / 48, 9_000_000] {
        let frame = AudioFrame {
            pts_us,
            ..frames[0].frame()
        };
        room.mixer.handle_frame(InputId(0), frame);
    }
    heard.extend(room.mix(500_000, 1_000_000));

    assert!(heard == clean);
    let counters = room.mixer.total_counters();
    assert_eq!((counters.bad_frames, counters.early_frames), (4, 1));
    room.mixer.mix(i64::MAX);
    room.mixer.mix(i64::MIN);
}

#[test]
fn a_first_frame_from_far_ahead_does_not_keep_others_away() {
    let frames = Sender::tone(440.0, 0.5).frames_until(1_000_000);
    let mut room = Room::new(vec![frames.clone()]);
    room.mix(0, 20_000);
    let id = InputId(1);
    room.mixer.add_input(id).expect("room");

    let ahead = AudioFrame {
        pts_us: 3_600_000_000,
        ..frames[0].frame()
    };
    room.mixer.handle_frame(id, ahead);
    for sent in &frames {
        room.mixer.handle_frame(id, sent.frame());
    }
    room.mix(20_000, 500_000);

    assert_eq!(
        room.mixer.input_counters(id).expect("added").early_frames,
        1
    );
    assert!(room.mixer.level_dbfs(id) > -12.0);
}

#[test]
fn late_frames_are_dropped_and_counted() {
    let frames = Sender::tone(440.0, 0.5).frames_until(1_000_000);
    let mut room = Room::new(vec![frames]).with_delay(-100_000);

    let heard = room.mix(0, 1_000_000);

    assert_eq!(peak(&heard), 0.0);
    let counters = room.mixer.total_counters();
    assert_eq!(counters.late_frames, counters.frames);
    assert!(counters.frames > 40);
}

#[test]
fn what_comes_too_late_keeps_its_time_and_does_not_click() {
    let frames = Sender::tone(300.0, 0.5).frames_until(4_000_000);
    let mut room = Room::new(Vec::new());
    room.mixer.add_input(InputId(0)).expect("room");
    let mut random = fastrand::Rng::with_seed(31);
    // Each frame comes 0 to 60 ms before its time, so that half of them are too late.
    let mut due: Vec<_> = frames.into_iter().map(|sent| (0, sent)).collect();
    let mut last_us = i64::MIN;
    for (due_us, sent) in &mut due {
        last_us = last_us.max(sent.pts_us - random.i64(0..60_000));
        *due_us = last_us;
    }

    let mut heard = Vec::new();
    let mut next = due.iter().peekable();
    for tick_us in (0..4_000_000).step_by(TICK_US as usize) {
        while let Some((_, sent)) = next.next_if(|(due_us, _)| *due_us < tick_us) {
            room.mixer.handle_frame(InputId(0), sent.frame());
        }
        heard.extend(left(room.mixer.mix(tick_us).samples));
    }

    let counters = room.mixer.total_counters();
    assert!(counters.concealed_samples > 48_000, "{counters:?}");
    assert_eq!(counters.splices, 0);
    assert!(step(&heard) < 0.06, "{}", step(&heard));
    for part in heard[4_800..].chunks_exact(4_800) {
        assert!(level(part) > 0.05, "{}", level(part));
    }
}

#[test]
fn there_are_no_more_than_there_may_be() {
    let mut mixer = AudioMixer::new();

    assert_eq!(mixer.add_listener(ListenerId(0)), Ok(()));
    assert_eq!(mixer.add_listener(ListenerId(0)), Err(AddError::Exists));
    for id in 1..limits::MAX_LISTENERS as u32 {
        assert_eq!(mixer.add_listener(ListenerId(id)), Ok(()));
    }
    assert_eq!(mixer.add_listener(ListenerId(9_999)), Err(AddError::Full));
    mixer.remove_listener(ListenerId(3));
    assert_eq!(mixer.add_listener(ListenerId(9_999)), Ok(()));

    for id in 0..limits::MAX_INPUTS as u32 {
        assert_eq!(mixer.add_input(InputId(id)), Ok(()));
    }
    assert_eq!(mixer.add_input(InputId(7)), Err(AddError::Exists));
    assert_eq!(mixer.add_input(InputId(9_999)), Err(AddError::Full));
    mixer.remove_input(InputId(7));
    mixer.mix(0);
    assert_eq!(mixer.add_input(InputId(9_999)), Ok(()));

    mixer.handle_frame(
        InputId(7),
        AudioFrame {
            pts_us: 0,
            data: &[],
            lost_before: 0,
        },
    );
    assert_eq!(mixer.counters().stray_frames, 1);
}
