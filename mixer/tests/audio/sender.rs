//! Who sends: a microphone with a clock of its own, and an encoder.

use mixer::audio::AudioFrame;
use opus::{Application, Bitrate, Channels, Encoder, Signal};

/// What is said at a time, in seconds of the room.
pub(crate) type Sound = Box<dyn Fn(f64) -> f32>;

pub(crate) struct Sender {
    encoder: Encoder,
    sound: Sound,
    /// When the first sample is taken.
    pub(crate) start_us: i64,
    /// How much faster than the room's its clock is.
    pub(crate) fast_ppm: f64,
    sent: u32,
    /// How many samples a frame has.
    samples: u32,
}

/// A frame on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) pts_us: i64,
    pub(crate) data: Vec<u8>,
    pub(crate) lost_before: u32,
}

impl Sent {
    pub(crate) fn frame(&self) -> AudioFrame<'_> {
        AudioFrame {
            pts_us: self.pts_us,
            data: &self.data,
            lost_before: self.lost_before,
        }
    }
}

impl Sender {
    /// As browsers do it: speech, 32 kbit/s, mono, with copies for what is lost.
    pub(crate) fn new(sound: impl Fn(f64) -> f32 + 'static) -> Self {
        let mut encoder = Encoder::new(48_000, Channels::Mono, Application::Voip).expect("encoder");
        encoder.set_bitrate(Bitrate::Bits(32_000)).expect("bitrate");
        // A tone would be taken for music, which has no copies.
        encoder.set_signal(Signal::Voice).expect("signal");
        encoder.set_inband_fec(true).expect("FEC");
        encoder.set_packet_loss_perc(10).expect("loss");
        Self {
            encoder,
            sound: Box::new(sound),
            start_us: 0,
            fast_ppm: 0.0,
            sent: 0,
            samples: 960,
        }
    }

    pub(crate) fn tone(hz: f64, amplitude: f64) -> Self {
        Self::new(tone(hz, amplitude))
    }

    /// Sends nothing while it has nothing to say.
    pub(crate) fn with_dtx(mut self) -> Self {
        self.encoder.set_dtx(true).expect("DTX");
        self
    }

    /// Frames of another length than 20 ms.
    pub(crate) fn with_frames_of(mut self, samples: u32) -> Self {
        self.samples = samples;
        self
    }

    pub(crate) fn starting_at(mut self, start_us: i64) -> Self {
        self.start_us = start_us;
        self
    }

    pub(crate) fn fast_by(mut self, ppm: f64) -> Self {
        self.fast_ppm = ppm;
        self
    }

    /// All frames up to a time.
    pub(crate) fn frames_until(&mut self, end_us: i64) -> Vec<Sent> {
        std::iter::from_fn(|| (self.time_us(0) < end_us as f64).then(|| self.frame())).collect()
    }

    fn frame(&mut self) -> Sent {
        let samples: Vec<_> = (0..self.samples)
            .map(|at| (self.sound)(self.time_us(at) / 1e6))
            .collect();
        let pts_us = self.time_us(0).round() as i64;
        self.sent += 1;
        Sent {
            pts_us,
            data: self
                .encoder
                .encode_vec_float(&samples, 1_276)
                .expect("encodes"),
            lost_before: 0,
        }
    }

    /// When a sample of the next frame is taken.
    fn time_us(&self, at: u32) -> f64 {
        let samples = f64::from(self.sent * self.samples) + f64::from(at);
        self.start_us as f64 + samples / (0.048 * (1.0 + self.fast_ppm * 1e-6))
    }
}

pub(crate) fn tone(hz: f64, amplitude: f64) -> impl Fn(f64) -> f32 + 'static {
    move |time| (amplitude * (std::f64::consts::TAU * hz * time).sin()) as f32
}

/// What an encoder takes for a voice, and sends copies of: vowels, three a second. It has about the
/// level of a tone with an amplitude of 0.3, and is never silent.
pub(crate) fn voice() -> impl Fn(f64) -> f32 + 'static {
    |time| {
        let loudness = 0.6 + 0.4 * (std::f64::consts::TAU * 3.0 * time).sin();
        let harmonics = (1..=8).map(|n| {
            let hz = 140.0 * f64::from(n) * (1.0 + 0.000_1 * (time * 5.0).sin());
            (std::f64::consts::TAU * hz * time).sin() / f64::from(n)
        });
        (0.3 * loudness * harmonics.sum::<f64>()) as f32
    }
}

/// 20 ms of 1 kHz at each of some times.
pub(crate) fn beeps(times_us: Vec<i64>) -> impl Fn(f64) -> f32 + 'static {
    move |time| {
        let is_on = |&beep: &i64| (0.0..0.02).contains(&(time - beep as f64 / 1e6));
        match times_us.iter().any(is_on) {
            true => tone(1_000.0, 0.5)(time),
            false => 0.0,
        }
    }
}

/// Loses frames, and has the next ones tell.
pub(crate) fn lose(frames: Vec<Sent>, mut is_lost: impl FnMut(usize) -> bool) -> Vec<Sent> {
    let mut lost = 0;
    let mut kept = Vec::new();
    for (index, mut frame) in frames.into_iter().enumerate() {
        if is_lost(index) {
            lost += 1;
            continue;
        }
        frame.lost_before = std::mem::take(&mut lost);
        kept.push(frame);
    }
    kept
}

/// Leaves out what a sender with DTX does not send: all but the first of the packets without a
/// frame.
pub(crate) fn send_dtx(frames: Vec<Sent>) -> Vec<Sent> {
    let mut was_empty = false;
    let is_sent = |frame: &Sent| {
        let is_empty = frame.data.len() <= 2;
        let is_repeated = is_empty && std::mem::replace(&mut was_empty, is_empty);
        was_empty = is_empty;
        !is_repeated
    };
    let mut frames = frames;
    frames.retain(is_sent);
    frames
}
