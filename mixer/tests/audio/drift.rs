//! Senders whose clocks are off.

use mixer::audio::InputId;

use super::listen::{amplitude_of, left, onset};
use super::room::Room;
use super::sender::{Sender, Sent, beeps};

const SECOND_US: i64 = 1_000_000;

/// How far each second's beep is off, in ms. Frames' times waver by 3 ms.
fn skews_ms(fast_ppm: f64, seconds: i64) -> Vec<f64> {
    let times = (1..seconds).map(|second| second * SECOND_US).collect();
    let mut frames = Sender::new(beeps(times))
        .fast_by(fast_ppm)
        .frames_until(seconds * SECOND_US);
    waver(&mut frames, 3_000);

    let heard = left(&Room::new(vec![frames]).mix(0, seconds * SECOND_US));

    let beep = |second: i64| {
        let around = second as usize * 48_000 - 12_000;
        let place = onset(&heard[around..around + 24_000]) as f64 - 12_000.0;
        place / 48.0 - 6.5
    };
    (1..seconds).map(beep).collect()
}

fn waver(frames: &mut [Sent], by_us: i64) {
    let mut random = fastrand::Rng::with_seed(1);
    for frame in frames {
        frame.pts_us += random.i64(-by_us..=by_us);
    }
}

#[test]
fn beeps_stay_in_time_for_a_minute() {
    for fast_ppm in [-200.0, 200.0] {
        let skews_ms = skews_ms(fast_ppm, 60);

        for (second, skew_ms) in skews_ms.iter().enumerate() {
            assert!(
                skew_ms.abs() < 5.0,
                "{fast_ppm}: {skew_ms} ms at {second} s"
            );
        }
        let last = skews_ms[50..].iter().sum::<f64>() / (skews_ms.len() - 50) as f64;
        assert!(last.abs() < 2.0, "{fast_ppm}: {last} ms");
    }
}

#[test]
fn a_tone_keeps_its_pitch_while_times_waver() {
    let mut frames = Sender::tone(1_000.0, 0.5).frames_until(20 * SECOND_US);
    waver(&mut frames, 3_000);
    let mut room = Room::new(vec![frames]);

    let heard = left(&room.mix(0, 20 * SECOND_US));

    // Over a second, 1 kHz would be gone if it were off by 0.1 %.
    for second in heard[9_600..].chunks_exact(48_000) {
        let amplitude = amplitude_of(1_000.0, second);
        assert!(amplitude > 0.42, "{amplitude}");
    }
    assert_eq!(room.mixer.total_counters().splices, 0);
}

#[test]
fn what_is_far_off_is_moved_once() {
    for jump_us in [-150_000, 150_000] {
        let mut frames = Sender::tone(440.0, 0.5).frames_until(25 * SECOND_US);
        // Slowly enough to be no gap.
        for (index, frame) in frames.iter_mut().enumerate() {
            frame.pts_us += jump_us * ((index as i64).clamp(100, 1_000) - 100) / 900;
        }
        let last_us = frames.last().expect("frames").pts_us;
        let mut room = Room::new(vec![frames]);

        // All frames have been given by then.
        let given_us = (last_us - 200_000) / 20_000 * 20_000;
        let mut heard = left(&room.mix(0, given_us));
        room.mixer.remove_input(InputId(0));
        heard.extend(left(&room.mix(given_us, 26 * SECOND_US)));

        let counters = room.mixer.total_counters();
        assert_eq!(counters.splices, 1, "{jump_us}");
        assert_eq!(counters.late_frames, 0, "{jump_us}");
        let steps = super::listen::step(&heard);
        assert!(steps < 0.06, "{jump_us}: {steps}");
        let end = heard
            .iter()
            .rposition(|&sample| sample != 0.0)
            .expect("a tone");
        let off_ms = (end as f64 / 48.0) - (last_us as f64 / 1_000.0 + 20.0);
        assert!(off_ms.abs() < 50.0, "{jump_us}: {off_ms} ms");
    }
}
