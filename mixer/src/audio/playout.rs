//! Where decoded samples go: each to the time at which it is to be heard.

use super::clock::SenderClock;
use super::resample::Resampler;
use super::ring::Ring;
use super::time::Stereo;

/// Places the samples of a sender in room time.
#[derive(Debug)]
pub(super) struct Playout {
    /// From the first frame on.
    clock: Option<SenderClock>,
    resampler: Resampler,
    ring: Ring,
}

/// What became of the samples of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Placed {
    /// Whether it was too late for all of them.
    pub(super) is_late: bool,
    /// Whether they were moved to where their frame says.
    pub(super) is_spliced: bool,
}

impl Playout {
    pub(super) fn new() -> Self {
        Self {
            clock: None,
            resampler: Resampler::new(),
            ring: Ring::new(),
        }
    }

    /// Whether there has been a frame.
    pub(super) fn has_begun(&self) -> bool {
        self.clock.is_some()
    }

    /// Where reading goes on, if that is known.
    pub(super) fn start(&self) -> Option<i64> {
        self.ring.start()
    }

    /// How many samples seem to be missing before a frame; less than none if it is early.
    pub(super) fn missing_before(&self, at: f64) -> f64 {
        self.clock
            .as_ref()
            .map_or(0.0, |clock| clock.gap_before(at))
    }

    /// Places the samples of a frame.
    pub(super) fn push_frame(&mut self, at: f64, samples: &[Stereo]) -> Placed {
        let mut is_spliced = false;
        match &mut self.clock {
            None => self.clock = Some(SenderClock::new(at)),
            Some(clock) => {
                clock.observe(at, samples.len());
                is_spliced = clock.needs_setting() || clock.wants_setting() && is_quiet(samples);
            }
        }
        if is_spliced {
            self.set_clock(at);
        }
        Placed {
            is_late: self.push(samples),
            is_spliced,
        }
    }

    /// Places samples after those before. Tells whether it was too late for all of them.
    pub(super) fn push(&mut self, samples: &[Stereo]) -> bool {
        let Some(clock) = &mut self.clock else {
            return false;
        };
        let span = clock.advance(samples.len());
        let (at, samples) = self.resampler.resample(span, samples);
        !samples.is_empty() && self.ring.write(at, samples) == samples.len()
    }

    /// Leaves a silence that lasts as long as so many samples.
    pub(super) fn leave_gap(&mut self, samples: usize) {
        self.finish();
        if let Some(clock) = &mut self.clock {
            clock.advance(samples);
        }
    }

    /// After a gap, begins where a frame says, unless it is but wavering.
    pub(super) fn align(&mut self, at: f64) {
        if self.clock.as_ref().is_some_and(|clock| clock.is_off(at)) {
            self.set_clock(at);
        }
    }

    /// Lets what was pushed be the last before a silence.
    pub(super) fn finish(&mut self) {
        self.ring.close();
        self.resampler.reset();
    }

    /// Whether more is needed for reading up to a position.
    pub(super) fn runs_out_before(&self, to: i64) -> bool {
        // What ends has to have faded before.
        self.ring.is_open() && self.ring.end() < to + Ring::FADE as i64
    }

    /// Gives the samples from a position on. Tells whether there are any.
    pub(super) fn read(&mut self, from: i64, out: &mut [Stereo]) -> bool {
        self.ring.read(from, out)
    }

    /// Whether nothing waits to be read.
    pub(super) fn is_drained(&self) -> bool {
        self.ring.is_empty()
    }

    fn set_clock(&mut self, at: f64) {
        self.finish();
        if let Some(clock) = &mut self.clock {
            clock.set(at);
        }
    }
}

fn is_quiet(samples: &[Stereo]) -> bool {
    let mut samples = samples.iter().flatten();
    samples.all(|sample| sample.abs() < QUIET)
}

/// -54 dBFS: what is between words in a room.
const QUIET: f32 = 0.002;
