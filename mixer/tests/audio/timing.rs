//! When things are heard.

use mixer::audio::{AudioMixer, Encoder, EncoderSettings, InputId};

use super::listen::{left, level, onset, peak, step};
use super::room::{Room, TICK_US};
use super::sender::{Sender, Sent, beeps};

/// What the sender's encoder looks ahead, for which no receiver of RTP makes up.
const SENDER_DELAY_US: i64 = 6_500;

/// When a beep is heard, if the first sample is heard at a time.
fn heard_us(from_us: i64, samples: &[f32]) -> i64 {
    from_us + onset(samples) as i64 * 1_000 / 48
}

/// When a receiver of RTP hears the beep in frames.
fn due_us(frames: &[Sent]) -> i64 {
    heard_us(
        frames[0].pts_us,
        &decoded(frames.iter().map(|sent| sent.data.as_slice())),
    )
}

fn decoded<'a>(packets: impl Iterator<Item = &'a [u8]>) -> Vec<f32> {
    let mut decoder = opus::Decoder::new(48_000, opus::Channels::Mono).expect("decoder");
    let decode = |packet| {
        let mut out = vec![0.0; 960];
        assert_eq!(
            decoder.decode_float(packet, &mut out, false).ok(),
            Some(960)
        );
        out
    };
    packets.flat_map(decode).collect()
}

#[test]
fn a_beep_is_heard_when_its_frame_says() {
    for start_us in [0, 7_300, 1_234_567, 86_400_000_123] {
        let beep_us = start_us + 500_000;
        let frames = Sender::new(beeps(vec![beep_us]))
            .starting_at(start_us)
            .frames_until(start_us + 1_000_000);
        let due_us = due_us(&frames);
        let tick_us = start_us / TICK_US * TICK_US;

        let heard = left(&Room::new(vec![frames]).mix(tick_us, tick_us + 1_000_000));

        let off_us = heard_us(tick_us, &heard) - due_us;
        assert!(off_us.abs() < 100, "{start_us}: {off_us} us");
        let off_us = due_us - SENDER_DELAY_US - beep_us;
        assert!(off_us.abs() < 1_000, "{start_us}: {off_us} us");
    }
}

#[test]
fn a_beep_is_heard_in_time_through_the_whole_chain() {
    let frames = Sender::new(beeps(vec![500_000])).frames_until(1_000_000);
    let due_us = due_us(&frames);
    let mut encoder = Encoder::new(EncoderSettings::RECORDING).expect("encoder");
    let mut packets = Vec::new();

    Room::new(vec![frames]).mix_with(0, 1_000_000, |mixed| {
        let packet = encoder
            .encode(mixed.pts_us, mixed.samples)
            .expect("encodes");
        packets.push((packet.pts_us, packet.data.to_vec()));
    });

    assert_eq!(encoder.pre_skip_samples(), 312);
    assert_eq!(packets[0].0, -6_500);
    assert_eq!(packets[9].0, 9 * TICK_US - 6_500);
    let heard = decoded(packets.iter().map(|(_, data)| data.as_slice()));
    let off_us = heard_us(packets[0].0, &heard) - due_us;
    assert!(off_us.abs() < 1_000, "{off_us} us");
}

#[test]
fn who_joins_late_is_heard_at_its_own_time() {
    let early = Sender::new(beeps(vec![3_000_000])).frames_until(4_000_000);
    let late = Sender::new(beeps(vec![3_000_000]))
        .starting_at(2_345_678)
        .frames_until(4_000_000);
    let track = |track| left(&Room::new(vec![track]).mix(0, 4_000_000));

    let (early, late) = (track(early), track(late));

    assert_eq!(peak(&late[..2_345 * 48]), 0.0);
    let apart = onset(&early).abs_diff(onset(&late));
    assert!(apart < 48, "{apart} samples");
}

#[test]
fn a_tone_begins_and_ends_without_a_click() {
    let mut frames = Sender::tone(300.0, 0.5).frames_until(1_000_000);
    frames.drain(..5);
    frames.truncate(25);

    let heard = left(&Room::new(vec![frames]).mix(0, 1_000_000));

    assert!(peak(&heard) > 0.4);
    // The tone itself has steps of 0.02.
    assert!(step(&heard) < 0.03, "{}", step(&heard));
    // Until then, what follows could have been lost.
    assert_eq!(peak(&heard[37 * 960..]), 0.0);
}

#[test]
fn who_leaves_is_heard_to_the_end() {
    let frames = Sender::tone(300.0, 0.5).frames_until(500_000);
    let mut mixer = AudioMixer::new();
    mixer.add_input(InputId(1)).expect("room");
    for sent in &frames {
        mixer.handle_frame(InputId(1), sent.frame());
    }
    mixer.remove_input(InputId(1));
    mixer.add_input(InputId(1)).expect("the name is free");

    let mut heard = Vec::new();
    for tick_us in (0..1_000_000).step_by(TICK_US as usize) {
        heard.extend(left(mixer.mix(tick_us).samples));
    }

    assert!(level(&heard[20 * 960..24 * 960]) > 0.3);
    assert_eq!(peak(&heard[25 * 960..]), 0.0);
    assert!(step(&heard) < 0.03, "{}", step(&heard));
    assert_eq!(mixer.total_counters().frames, 25);
    assert_eq!(mixer.input_counters(InputId(1)).expect("added").frames, 0);
}

#[test]
fn a_pause_is_cut_out_without_a_click() {
    // Longer than what may wait.
    let frames = Sender::tone(300.0, 0.5).frames_until(7_000_000);
    let mut room = Room::new(vec![frames]);

    let mut heard = left(&room.mix(0, 1_000_000));
    room.skip(1_000_000, 6_013_000);
    heard.extend(left(&room.mix(6_013_000, 6_953_000)));

    assert!(step(&heard) < 0.03, "{}", step(&heard));
    for part in heard.chunks_exact(9_600).skip(1) {
        assert!((level(part) - 0.35).abs() < 0.03, "{}", level(part));
    }
    assert_eq!(room.mixer.total_counters().early_frames, 0);
}
