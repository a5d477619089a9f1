//! Senders that send nothing while they have nothing to say.

use super::listen::{left, level, onset, peak, step};
use super::room::Room;
use super::sender::{Sender, Sent, beeps, send_dtx, tone};

/// A tone each fourth second, with a little noise around it.
fn talk() -> impl Fn(f64) -> f32 + 'static {
    let random = std::cell::RefCell::new(fastrand::Rng::with_seed(9));
    move |time| {
        let noise = (random.borrow_mut().f32() - 0.5) * 0.002;
        match time as u64 % 4 {
            1 => tone(300.0, 0.5)(time) + noise,
            _ => noise,
        }
    }
}

fn talk_with_dtx() -> Vec<Sent> {
    let mut sender = Sender::new(talk()).with_dtx();
    send_dtx(sender.frames_until(12_000_000))
}

#[test]
fn silent_senders_are_filled_in_with_their_noise() {
    let frames = talk_with_dtx();
    assert!((200..450).contains(&frames.len()), "{}", frames.len());
    let mut room = Room::new(vec![frames]);

    let heard = left(&room.mix(0, 12_000_000));

    let counters = room.mixer.total_counters();
    assert!(counters.comfort_samples > 2 * 48_000, "{counters:?}");
    assert_eq!(counters.concealed_samples, 0);
    assert_eq!(counters.splices, 0);
    // Neither loud nor gone, 20 ms by 20 ms.
    for part in heard[6 * 48_000 + 24_000..8 * 48_000 + 24_000].chunks_exact(960) {
        assert!((1e-5..2e-3).contains(&level(part)), "{}", level(part));
    }
    assert!(level(&heard[5 * 48_000 + 9_600..6 * 48_000 - 9_600]) > 0.3);
    assert!(step(&heard) < 0.05, "{}", step(&heard));
}

#[test]
fn who_speaks_after_a_silence_is_heard_in_time() {
    let times_us = [500_000, 3_000_000, 7_500_000];
    // The first frame after a silence fades in: after the one for that comes the one to be measured.
    let times = times_us
        .iter()
        .flat_map(|&time_us| [time_us - 60_000, time_us]);
    let mut sender = Sender::new(beeps(times.collect()))
        .with_dtx()
        .fast_by(100.0);
    let frames = send_dtx(sender.frames_until(8_000_000));
    assert!(frames.len() < 150, "{}", frames.len());

    let heard = left(&Room::new(vec![frames]).mix(0, 8_000_000));

    for beep_us in times_us {
        let around = (beep_us * 48 / 1_000) as usize - 960;
        let place = onset(&heard[around..around + 3_000]) as f64 - 960.0;
        let off_ms = place / 48.0 - 6.5;
        assert!(off_ms.abs() < 2.0, "{beep_us}: {off_ms} ms");
    }
}

#[test]
fn a_track_that_stops_for_long_is_silent_and_comes_back() {
    let mut frames = Sender::tone(300.0, 0.5).frames_until(20_000_000);
    frames.retain(|sent| !(5_000_000..15_000_000).contains(&sent.pts_us));
    let mut room = Room::new(vec![frames]);

    let heard = left(&room.mix(0, 20_000_000));

    // Until then, it could have been lost.
    assert_eq!(peak(&heard[5 * 48_000 + 130 * 48..15 * 48_000 - 480]), 0.0);
    assert!(level(&heard[15 * 48_000 + 960..16 * 48_000]) > 0.3);
    assert!(step(&heard) < 0.04, "{}", step(&heard));
    assert_eq!(room.mixer.total_counters().comfort_samples, 0);
}
