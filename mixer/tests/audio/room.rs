//! A room whose frames come when they come, and that is mixed tick by tick.

use mixer::audio::{AudioMixer, InputId};

use super::sender::Sent;

/// A tick.
pub(crate) const TICK_US: i64 = 20_000;

pub(crate) struct Room {
    pub(crate) mixer: AudioMixer,
    tracks: Vec<(InputId, Vec<Sent>)>,
    /// How many frames of each track have been given.
    given: Vec<usize>,
    /// How long before its sound a frame comes.
    pub(crate) delay_us: i64,
}

impl Room {
    /// With inputs numbered from 0.
    pub(crate) fn new(tracks: Vec<Vec<Sent>>) -> Self {
        let mut mixer = AudioMixer::new();
        let given = vec![0; tracks.len()];
        let tracks: Vec<_> = (0..).map(InputId).zip(tracks).collect();
        for (id, _) in &tracks {
            mixer.add_input(*id).expect("room for all");
        }
        Self {
            mixer,
            tracks,
            given,
            delay_us: 250_000,
        }
    }

    pub(crate) fn with_delay(mut self, delay_us: i64) -> Self {
        self.delay_us = delay_us;
        self
    }

    /// Mixes from a time to another: both channels of all.
    pub(crate) fn mix(&mut self, from_us: i64, to_us: i64) -> Vec<f32> {
        let mut all = Vec::new();
        self.mix_with(from_us, to_us, |mixed| all.extend_from_slice(mixed.samples));
        all
    }

    pub(crate) fn mix_with(
        &mut self,
        from_us: i64,
        to_us: i64,
        mut heard: impl FnMut(mixer::audio::Mixed<'_>),
    ) {
        for tick_us in (from_us..to_us).step_by(TICK_US as usize) {
            self.give_until(tick_us + self.delay_us);
            heard(self.mixer.mix(tick_us));
        }
    }

    /// Lets time pass.
    pub(crate) fn skip(&mut self, from_us: i64, to_us: i64) {
        for tick_us in (from_us..=to_us).step_by(TICK_US as usize) {
            self.give_until(tick_us + self.delay_us);
            self.mixer.skip_to(tick_us);
        }
    }

    fn give_until(&mut self, until_us: i64) {
        for ((id, frames), given) in self.tracks.iter().zip(&mut self.given) {
            while let Some(sent) = frames.get(*given).filter(|sent| sent.pts_us < until_us) {
                self.mixer.handle_frame(*id, sent.frame());
                *given += 1;
            }
        }
    }
}
