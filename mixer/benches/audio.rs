//! What 20 ms of a room of twenty cost the mixer, in instructions.
//!
//! Everyone talks, which is the worst case: libopus decoding takes most of it, and where each hears
//! the others without itself, libopus encoding does.
#![allow(missing_docs, unused_qualifications, reason = "made by the macros")]

use std::f64::consts::TAU;
use std::hint::black_box;

use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use mixer::audio::{
    AudioFrame, AudioMixer, Encoder, EncoderSettings, InputId, ListenerId, RATE_HZ, TICK_SAMPLES,
};

const TICKS: usize = 20;
const TICK_US: i64 = 20_000;
const TALKERS: u32 = 20;
/// How many ticks before its sound a frame is given.
const AHEAD: usize = 3;

library_benchmark_group!(name = audio, benchmarks = [mix]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = audio
);

#[library_benchmark]
#[bench::one_of_20(setup = room, args = (0), teardown = tell)]
#[bench::one_each_for_20_without_itself(setup = room, args = (TALKERS), teardown = tell)]
fn mix(mut room: Room) -> Room {
    for tick in 0..TICKS {
        room.tick(tick);
    }
    room
}

/// Says how many ticks the run was about.
fn tell<T>(_: T) {
    println!("ticks: {TICKS}");
}

struct Room {
    mixer: AudioMixer,
    /// What everyone sends.
    frames: Vec<Vec<Vec<u8>>>,
    recording: Encoder,
    listeners: Vec<Encoder>,
}

impl Room {
    fn tick(&mut self, tick: usize) {
        self.give(tick + AHEAD);
        let mixed = self.mixer.mix(tick as i64 * TICK_US);
        let recorded = self.recording.encode(mixed.pts_us, mixed.samples);
        black_box(recorded.expect("a tick"));
        for ((_, samples), encoder) in mixed.listeners().zip(&mut self.listeners) {
            black_box(encoder.encode(mixed.pts_us, samples).expect("a tick"));
        }
    }

    fn give(&mut self, index: usize) {
        for (id, frames) in (0..).map(InputId).zip(&self.frames) {
            let frame = AudioFrame {
                pts_us: index as i64 * TICK_US,
                data: &frames[index],
                lost_before: 0,
            };
            self.mixer.handle_frame(id, frame);
        }
    }
}

fn room(listeners: u32) -> Room {
    let mut mixer = AudioMixer::new();
    for talker in 0..TALKERS {
        mixer.add_input(InputId(talker)).expect("room for all");
    }
    for listener in 0..listeners {
        let id = ListenerId(listener);
        mixer.add_listener(id).expect("room for all");
        mixer.set_own(id, &[InputId(listener)]);
    }
    let encoder = |settings| Encoder::new(settings).expect("an encoder");
    let mut room = Room {
        mixer,
        frames: (0..TALKERS).map(talk).collect(),
        recording: encoder(EncoderSettings::RECORDING),
        listeners: (0..listeners)
            .map(|_| encoder(EncoderSettings::LISTENER))
            .collect(),
    };
    for index in 0..AHEAD {
        room.give(index);
    }
    room
}

/// A voice, encoded as what listeners hear.
fn talk(talker: u32) -> Vec<Vec<u8>> {
    let mut encoder = Encoder::new(EncoderSettings::LISTENER).expect("an encoder");
    let voice = |at: usize| {
        let time = at as f64 / f64::from(RATE_HZ);
        let hz = 100.0 + 7.0 * f64::from(talker);
        let loudness = 0.5 + 0.5 * (TAU * (2.0 + 0.1 * f64::from(talker)) * time).sin();
        let harmonics = (1..8).map(|n| (TAU * hz * f64::from(n) * time).sin() / f64::from(n));
        (0.1 * loudness * harmonics.sum::<f64>()) as f32
    };
    let frame = |index: usize| {
        let samples: Vec<_> = (0..TICK_SAMPLES)
            .map(|at| voice(index * TICK_SAMPLES + at))
            .collect();
        encoder.encode(0, &samples).expect("a tick").data.to_vec()
    };
    (0..TICKS + AHEAD).map(frame).collect()
}
