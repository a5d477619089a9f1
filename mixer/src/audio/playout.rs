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
    /// Begins with nothing. What is before a position, if one is known, will not be read.
    pub(super) fn new(read_to: Option<i64>) -> Self {
        Self {
            clock: None,
            resampler: Resampler::new(),
            ring: Ring::new(read_to),
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: u64 = 3_600_000_000;

    /// A sender whose clock is off, and whose times waver by 5 ms.
    struct Sender {
        playout: Playout,
        fast_ppm: f64,
        random: fastrand::Rng,
    }

    impl Sender {
        fn new(fast_ppm: f64) -> Self {
            Self {
                playout: Playout::new(None),
                fast_ppm,
                random: fastrand::Rng::with_seed(17),
            }
        }

        /// Where a sample is taken.
        fn due(&self, sample: u64) -> f64 {
            sample as f64 / (1.0 + self.fast_ppm * 1e-6)
        }

        fn at(&mut self, frame: u64) -> f64 {
            self.due(frame * 960) + (self.random.f64() - 0.5) * 2.0 * 5.0 * 48.0
        }

        /// Sends a frame that nobody listens to: its samples need not be made.
        fn pass(&mut self, frame: u64) {
            let at = self.at(frame);
            if let Some(clock) = &mut self.playout.clock {
                clock.observe(at, 960);
            }
            self.playout.leave_gap(960);
        }

        /// Sends a second with a pulse in its middle. Tells how far off that is heard, in ms.
        fn skew_ms(&mut self, frame: u64) -> f64 {
            let middle = (frame + 25) * 960;
            for frame in frame..frame + 50 {
                let at = self.at(frame);
                let samples = pulse(frame * 960, middle);
                assert!(!self.playout.push_frame(at, &samples).is_spliced);
            }
            let from = self.due(middle) as i64 - 2_400;
            let mut out = [[0.0; 2]; 4_800];
            self.playout.read(from, &mut out);
            let peak = (0..out.len()).max_by(|&a, &b| out[a][0].total_cmp(&out[b][0]));
            let heard = from + peak.expect("samples") as i64;
            (heard as f64 - self.due(middle)) / 48.0
        }
    }

    /// A hump of 2 ms.
    fn pulse(start: u64, middle: u64) -> Vec<Stereo> {
        let sample = |at: u64| (1.0 - at.abs_diff(middle) as f32 / 48.0).max(0.0);
        (start..start + 960).map(|at| [sample(at); 2]).collect()
    }

    #[test]
    fn sound_is_within_a_millisecond_of_its_time_for_two_hours() {
        for fast_ppm in [-200.0, 200.0] {
            let mut sender = Sender::new(fast_ppm);
            sender.skew_ms(0);
            let frames = 2 * HOUR_US / 20_000;
            for frame in 50..frames {
                match frame % 3_000 {
                    0 if frame >= 9_000 => {
                        let skew_ms = sender.skew_ms(frame);
                        assert!(
                            skew_ms.abs() < 1.0,
                            "{fast_ppm} ppm: {skew_ms} ms in {frame}"
                        );
                    }
                    // Sent with the one before.
                    1..50 if frame >= 9_000 => {}
                    _ => sender.pass(frame),
                }
            }
        }
    }
}
