//! What of an input is in the mix.

use super::decoder::NoDecoder;
use super::input::Input;
use super::level::{SILENCE_DBFS, level_dbfs};
use super::limiter::{Limiter, Sample};
use super::ring::Ring;
use super::time::{Stereo, TICK_SAMPLES};

/// Names an input for as long as it is there; who adds it chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InputId(pub u32);

/// An input, and what it has in the tick that is mixed.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) id: InputId,
    pub(super) input: Input,
    /// Whether it has been removed, and only what waits is still heard.
    pub(super) is_leaving: bool,
    gain: f32,
    is_muted: bool,
    /// The gain up to where it has been read.
    gain_so_far: f32,
    window: Vec<Stereo>,
    /// Whether there is nothing in the window, and nothing after the tick.
    is_silent: bool,
    is_silent_after: bool,
}

impl Source {
    /// Begins with nothing. What is before a position, if one is known, will not be heard.
    pub(super) fn new(id: InputId, read_to: Option<i64>) -> Result<Self, NoDecoder> {
        Ok(Self {
            id,
            input: Input::new(read_to)?,
            is_leaving: false,
            gain: 1.0,
            is_muted: false,
            gain_so_far: 1.0,
            window: vec![[0.0; 2]; WINDOW],
            is_silent: true,
            is_silent_after: true,
        })
    }

    pub(super) fn set_gain(&mut self, gain: f32) {
        self.gain = gain;
    }

    pub(super) fn set_muted(&mut self, is_muted: bool) {
        self.is_muted = is_muted;
    }

    /// Whether nothing of it will be heard any more.
    pub(super) fn is_gone(&self) -> bool {
        self.is_leaving && self.is_silent_after && self.input.is_drained()
    }

    /// Goes on to the tick after the one before. What was looked at ahead is now heard.
    pub(super) fn go_on(&mut self, from: i64) {
        self.window.copy_within(TICK_SAMPLES.., 0);
        self.is_silent = self.is_silent_after;
        self.read(from, Limiter::LOOKAHEAD);
    }

    /// Goes to a tick anywhere else. What was looked at ahead fades into it.
    pub(super) fn jump(&mut self, from: i64) {
        let mut before = [[0.0; 2]; Limiter::LOOKAHEAD];
        before.copy_from_slice(&self.window[TICK_SAMPLES..]);
        let was_silent = self.is_silent_after;
        self.is_silent = true;
        self.read(from, 0);
        self.is_silent &= was_silent;
        for (index, (sample, before)) in self.window.iter_mut().zip(before).enumerate() {
            let share = (index as f32 + 0.5) / Limiter::LOOKAHEAD as f32;
            *sample = plus(sample.scaled(share), before.scaled(1.0 - share));
        }
    }

    /// What is heard in the tick and shortly after; `None` if that is silence.
    pub(super) fn window(&self) -> Option<&[Stereo]> {
        (!self.is_silent).then_some(&self.window)
    }

    /// How loud it is in the tick, as the root of the mean square in dB of full scale.
    pub(super) fn level_dbfs(&self) -> f32 {
        if self.is_silent {
            return SILENCE_DBFS;
        }
        level_dbfs(self.window[..TICK_SAMPLES].as_flattened())
    }

    /// Reads what is missing in the window from there on.
    fn read(&mut self, from: i64, known: usize) {
        let window = &mut self.window[known..];
        let is_sound = self.input.read(from + known as i64, window);
        self.is_silent_after = !is_sound;
        self.is_silent &= !is_sound;
        let gain = if self.is_muted { 0.0 } else { self.gain };
        if is_sound {
            amplify(window, self.gain_so_far, gain);
        }
        self.gain_so_far = gain;
    }
}

/// What is looked at for a tick.
pub(super) const WINDOW: usize = TICK_SAMPLES + Limiter::LOOKAHEAD;

fn amplify(samples: &mut [Stereo], before: f32, gain: f32) {
    if before == 1.0 && gain == 1.0 {
        return;
    }
    let (fading, rest) = samples.split_at_mut(Ring::FADE.min(samples.len()));
    for (index, sample) in fading.iter_mut().enumerate() {
        let share = (index as f32 + 0.5) / Ring::FADE as f32;
        *sample = sample.scaled(before + (gain - before) * share);
    }
    for sample in rest {
        *sample = sample.scaled(gain);
    }
}

fn plus(a: Stereo, b: Stereo) -> Stereo {
    [a[0] + b[0], a[1] + b[1]]
}
