//! Keeps loud mixes below full scale without being heard.
//!
//! It knows what comes in the next 5 ms, and turns down before a peak instead of cutting it off.

use super::time::Stereo;

/// One mix's limiter. It has no samples of its own, so that mixes can share them.
#[derive(Debug)]
pub(super) struct Limiter {
    /// How much less than 1 the gain is. The gain itself would be too coarse to come all the way
    /// back.
    reduction: f32,
    /// The gains of a block, to be used again.
    gains: Vec<f32>,
}

/// A sample of one or of two channels.
pub(super) trait Sample: Copy {
    /// How far it is from silence.
    fn peak(self) -> f32;
    /// Made louder or quieter.
    fn scaled(self, gain: f32) -> Self;
}

impl Limiter {
    /// How many samples after a block it looks at: 5 ms.
    pub(super) const LOOKAHEAD: usize = 240;

    pub(super) fn new() -> Self {
        Self {
            reduction: 0.0,
            gains: Vec::new(),
        }
    }

    /// Gives what is to be heard of a block, which comes with the [`Self::LOOKAHEAD`] samples
    /// after it. Tells whether anything was turned down.
    pub(super) fn limit<S: Sample>(&mut self, samples: &[S], out: &mut [S]) -> bool {
        let loudest = samples
            .iter()
            .map(|sample| sample.peak())
            .fold(0.0, f32::max);
        if loudest <= CEILING && self.reduction == 0.0 {
            out.copy_from_slice(&samples[..out.len()]);
            return false;
        }
        self.find_gains(samples);
        for ((out, &sample), &allowed) in out.iter_mut().zip(samples).zip(&self.gains) {
            self.reduction *= 1.0 - RELEASE;
            *out = sample.scaled((1.0 - self.reduction).min(allowed));
            self.reduction = self.reduction.max(1.0 - allowed);
        }
        if self.reduction < RELEASED {
            self.reduction = 0.0;
        }
        true
    }

    /// For each sample the most that it and those after it allow. Seen backwards, that rises in a
    /// straight line from each peak, and reaches 1 within the look-ahead: what comes after that
    /// cannot matter.
    fn find_gains<S: Sample>(&mut self, samples: &[S]) {
        self.gains.clear();
        self.gains.resize(samples.len(), 1.0);
        let mut gain = 1.0_f32;
        for (allowed, sample) in self.gains.iter_mut().zip(samples).rev() {
            gain = (gain + ATTACK).min(CEILING / sample.peak().max(CEILING));
            *allowed = gain;
        }
    }
}

impl Sample for f32 {
    fn peak(self) -> f32 {
        self.abs()
    }

    fn scaled(self, gain: f32) -> Self {
        self * gain
    }
}

impl Sample for Stereo {
    fn peak(self) -> f32 {
        self[0].abs().max(self[1].abs())
    }

    fn scaled(self, gain: f32) -> Self {
        self.map(|channel| channel * gain)
    }
}

/// -1 dBFS, and a little less for what rounding adds. What codecs add to peaks has room above.
const CEILING: f32 = 0.891_25;
/// How much the gain may fall with a sample.
const ATTACK: f32 = 1.0 / Limiter::LOOKAHEAD as f32;
/// How much of what is missing to 1 comes back with a sample: two thirds in 150 ms. Sooner would
/// follow the waves of low voices, later would swallow what comes after a cough.
const RELEASE: f32 = 1.0 / (0.150 * 48_000.0);
/// From where on a reduction is as good as none: 0.0001 dB.
const RELEASED: f32 = 0.000_01;

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: usize = 960;

    /// Limits all but the last 5 ms, in blocks.
    fn limited<S: Sample + Default>(samples: &[S]) -> Vec<S> {
        let mut limiter = Limiter::new();
        let mut out = Vec::new();
        let mut start = 0;
        while let Some(window) = samples.get(start..start + BLOCK + Limiter::LOOKAHEAD) {
            let mut block = vec![S::default(); BLOCK];
            limiter.limit(window, &mut block);
            out.extend(block);
            start += BLOCK;
        }
        out
    }

    fn tone(amplitude: f32, samples: usize) -> Vec<f32> {
        let turn = std::f32::consts::TAU * 440.0 / 48_000.0;
        (0..samples)
            .map(|at| amplitude * (at as f32 * turn).sin())
            .collect()
    }

    #[test]
    fn nothing_exceeds_1_db_below_full_scale() {
        let mut random = fastrand::Rng::with_seed(11);
        let mut samples: Vec<Stereo> = Vec::new();
        for _ in 0..400 {
            let loudness = 10_f32.powf(random.f32() * 6.0 - 4.0);
            let steps = random.usize(1..1_000);
            samples.extend(
                (0..steps).map(|_| [(); 2].map(|()| (random.f32() - 0.5) * 2.0 * loudness)),
            );
        }

        let out = limited(&samples);

        let most = out.iter().map(|sample| sample.peak()).fold(0.0, f32::max);
        assert!(most <= 10_f32.powf(-1.0 / 20.0), "{most}");
        assert!(most > 0.89, "{most}");
    }

    #[test]
    fn quiet_samples_stay_as_they_are() {
        let samples = tone(0.89, 10 * BLOCK + Limiter::LOOKAHEAD);

        assert_eq!(limited(&samples), samples[..10 * BLOCK]);
    }

    #[test]
    fn quiet_samples_are_as_they_were_again_after_loud_ones() {
        let mut samples = tone(3.0, 5 * BLOCK);
        samples.extend(tone(0.5, 150 * BLOCK));

        let out = limited(&samples);

        let is_same = |block: usize| {
            let block = block * BLOCK..(block + 1) * BLOCK;
            out[block.clone()] == samples[block]
        };
        assert!(!is_same(5) && !is_same(20));
        assert!(is_same(149));
    }

    #[test]
    fn turns_down_before_a_peak_and_without_a_step() {
        let mut samples = vec![0.5_f32; 4 * BLOCK];
        samples[2 * BLOCK + 7] = 4.0;

        let out = limited(&samples);

        let peak = 2 * BLOCK + 7;
        assert!((out[peak] - CEILING).abs() < 1e-5);
        assert_eq!(out[peak - Limiter::LOOKAHEAD], 0.5);
        for at in (peak - Limiter::LOOKAHEAD)..peak - 1 {
            assert!(
                (out[at + 1] - out[at]).abs() < 0.5 * ATTACK * 1.01,
                "at {at}"
            );
        }
    }

    #[test]
    fn blocks_make_no_difference() {
        let mut random = fastrand::Rng::with_seed(5);
        let samples: Vec<f32> = (0..5 * BLOCK + Limiter::LOOKAHEAD)
            .map(|_| random.f32() * 2.0)
            .collect();

        let mut at_once = vec![0.0; 5 * BLOCK];
        Limiter::new().limit(&samples, &mut at_once);

        for (at, (a, b)) in limited(&samples).iter().zip(&at_once).enumerate() {
            assert!((a - b).abs() < 1e-4, "{a} {b} at {at}");
        }
    }
}
