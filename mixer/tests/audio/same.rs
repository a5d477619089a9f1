//! A mix is the same, however early its frames come.

use super::room::Room;
use super::sender::{Sender, Sent, lose, send_dtx, tone};

/// Losses, silences, clocks that are off, and one who comes late.
fn tracks() -> Vec<Vec<Sent>> {
    let end_us = 6_000_000;
    let mut random = fastrand::Rng::with_seed(21);
    let lossy = Sender::tone(440.0, 0.4).fast_by(150.0).frames_until(end_us);
    let lossy = lose(lossy, |_| random.u32(..20) == 0);
    let talk = |time: f64| match time as u64 % 3 {
        1 => tone(700.0, 0.4)(time),
        _ => 0.0,
    };
    let talk = Sender::new(talk).with_dtx().frames_until(end_us);
    let late = Sender::tone(300.0, 0.5).starting_at(3_210_987);
    let late = late.fast_by(-200.0).frames_until(end_us - 500_000);
    vec![lossy, send_dtx(talk), late]
}

#[test]
fn a_mix_is_the_same_live_and_later() {
    let mix = |delay_us| Room::new(tracks()).with_delay(delay_us).mix(0, 6_000_000);

    let later = mix(2_500_000);

    for delay_us in [100_000, 250_000, 1_000_000] {
        let live = mix(delay_us);
        let differing = live.iter().zip(&later).position(|(a, b)| a != b);
        assert_eq!(differing, None, "{delay_us}");
    }
}
