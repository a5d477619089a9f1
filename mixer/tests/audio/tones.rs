//! Who is heard by whom.

use mixer::audio::{InputId, ListenerId};

use super::listen::{amplitude_of, left, level, peak};
use super::room::Room;
use super::sender::{Sender, Sent};

const TONES_HZ: [f64; 8] = [315.0, 435.0, 555.0, 685.0, 845.0, 1_045.0, 1_245.0, 1_505.0];
const SECOND_US: i64 = 1_000_000;

fn tracks() -> Vec<Vec<Sent>> {
    let sender = |&hz: &f64| Sender::tone(hz, 0.08).frames_until(3 * SECOND_US + 100_000);
    TONES_HZ.iter().map(sender).collect()
}

#[test]
fn everyone_is_in_the_mix() {
    let mut room = Room::new(tracks());

    let heard = left(&room.mix(0, 3 * SECOND_US));

    for hz in TONES_HZ {
        let amplitude = amplitude_of(hz, &heard[2 * 48_000..]);
        assert!((0.07..0.09).contains(&amplitude), "{hz} Hz: {amplitude}");
    }
    let counters = room.mixer.total_counters();
    assert_eq!(counters.frames, 8 * 155);
    let others = [counters.bad_frames, counters.late_frames, counters.splices];
    assert_eq!(others, [0; 3]);
    assert_eq!(counters.concealed_samples, 0);
}

#[test]
fn a_listener_hears_all_but_itself() {
    let mut room = Room::new(tracks());
    for own in 0..8 {
        room.mixer.add_listener(ListenerId(own)).expect("room");
        room.mixer.set_own(ListenerId(own), &[InputId(own)]);
    }

    let mut heard = vec![Vec::new(); 8];
    room.mix_with(0, 3 * SECOND_US, |mixed| {
        for ((id, samples), heard) in mixed.listeners().zip(&mut heard) {
            assert_eq!(samples.len(), 960, "{id:?}");
            heard.extend_from_slice(samples);
        }
    });

    for (own, heard) in heard.iter().enumerate() {
        for (place, hz) in TONES_HZ.into_iter().enumerate() {
            let amplitude = amplitude_of(hz, &heard[2 * 48_000..]);
            let expected = if place == own { 0.0 } else { 0.08 };
            assert!(
                (amplitude - expected).abs() < 0.01,
                "{own}, {hz} Hz: {amplitude}"
            );
        }
    }
}

#[test]
fn what_a_listener_hears_is_as_if_it_were_not_there() {
    let mut tracks = tracks();
    let mut room = Room::new(tracks.clone());
    room.mixer.add_listener(ListenerId(0)).expect("room");
    room.mixer
        .set_own(ListenerId(0), &[InputId(3), InputId(3), InputId(99)]);
    let mut heard: Vec<f32> = Vec::new();
    room.mix_with(0, SECOND_US, |mixed| {
        heard.extend(mixed.listeners().flat_map(|(_, samples)| samples));
    });

    tracks.remove(3);
    let without = Room::new(tracks).mix(0, SECOND_US);

    let most = heard.iter().zip(without.chunks_exact(2));
    let most = most.map(|(heard, both)| (heard - (both[0] + both[1]) / 2.0).abs());
    let most = most.fold(0.0, f32::max);
    assert!(most < 1e-6, "{most}");
    assert!(level(&heard) > 0.05);
}

#[test]
fn who_is_alone_hears_nothing() {
    let mut room = Room::new(vec![Sender::tone(440.0, 0.5).frames_until(SECOND_US)]);
    room.mixer.add_listener(ListenerId(5)).expect("room");
    room.mixer.set_own(ListenerId(5), &[InputId(0)]);

    room.mix_with(0, SECOND_US, |mixed| {
        for (_, samples) in mixed.listeners() {
            assert_eq!(samples, [0.0; 960]);
        }
    });
}

#[test]
fn a_loud_crowd_stays_1_db_below_full_scale() {
    let loud = |&hz: &f64| Sender::tone(hz, 0.7).frames_until(SECOND_US);
    let mut room = Room::new(TONES_HZ.iter().map(loud).collect());
    room.mixer.add_listener(ListenerId(0)).expect("room");

    let mut most: f32 = 0.0;
    room.mix_with(0, SECOND_US, |mixed| {
        most = most.max(peak(mixed.samples));
        most = mixed
            .listeners()
            .map(|(_, samples)| peak(samples))
            .fold(most, f32::max);
    });

    assert!((0.88..=0.891_251).contains(&most), "{most}");
    let counters = room.mixer.counters();
    assert!(counters.limited_ticks > 45, "{counters:?}");
    assert!(counters.limited_listener_ticks > 45, "{counters:?}");
}

#[test]
fn an_input_has_its_gain_and_its_level() {
    let mut room = Room::new(vec![Sender::tone(440.0, 0.25).frames_until(3 * SECOND_US)]);

    room.mix(0, SECOND_US);
    let as_it_comes = room.mixer.level_dbfs(InputId(0));
    room.mixer.set_gain(InputId(0), 0.5);
    room.mix(SECOND_US, 2 * SECOND_US);
    let halved = room.mixer.level_dbfs(InputId(0));
    room.mixer.set_muted(InputId(0), true);
    let heard = room.mix(2 * SECOND_US, 3 * SECOND_US);

    assert!((as_it_comes - -15.05).abs() < 0.5, "{as_it_comes}");
    assert!((halved - as_it_comes + 6.02).abs() < 0.2, "{halved}");
    assert_eq!(room.mixer.level_dbfs(InputId(0)), -127.0);
    // What was looked at ahead, and what fades.
    assert_eq!(peak(&heard[2 * 480..]), 0.0);
}
