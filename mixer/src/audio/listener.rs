//! Who hears all but itself.

use super::limiter::{Limiter, Sample};
use super::source::{InputId, WINDOW};
use super::time::{Stereo, TICK_SAMPLES};

/// Names a listener for as long as it is there; who adds it chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub u32);

/// A mix of all inputs but the listener's own, of one channel.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) own: Vec<InputId>,
    limiter: Limiter,
    window: Vec<f32>,
    out: Vec<f32>,
}

impl Listener {
    pub(super) fn new(id: ListenerId) -> Self {
        Self {
            id,
            own: Vec::new(),
            limiter: Limiter::new(),
            window: vec![0.0; WINDOW],
            out: vec![0.0; TICK_SAMPLES],
        }
    }

    /// Takes the sum of all. What of it is the listener's own is to be left out next.
    pub(super) fn begin(&mut self, sum: &[f32]) {
        self.window.copy_from_slice(sum);
    }

    /// Leaves out what an input has in the sum.
    pub(super) fn leave_out(&mut self, own: &[Stereo]) {
        for (sample, &own) in self.window.iter_mut().zip(own) {
            *sample -= mono(own);
        }
    }

    /// Makes what is left fit to be heard. Tells whether it was too loud.
    pub(super) fn finish(&mut self) -> bool {
        self.limiter.limit(&self.window, &mut self.out)
    }

    pub(super) fn samples(&self) -> &[f32] {
        &self.out
    }
}

/// Both channels in one.
pub(super) fn mono(sample: Stereo) -> f32 {
    let [left, right] = sample.scaled(0.5);
    left + right
}
