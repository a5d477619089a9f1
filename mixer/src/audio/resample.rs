//! Samples between samples: a stream that is a little too fast or too slow, at the room's rate.

use std::f64::consts::PI;
use std::sync::LazyLock;

use super::clock::Span;
use super::time::Stereo;

/// Turns blocks of samples, each at its place, into the samples of the room.
///
/// It is the band-limited interpolation of J. O. Smith, with sixteen samples around each place.
/// Rates are so near to 1 that nothing needs to be filtered out.
#[derive(Debug)]
pub(super) struct Resampler {
    /// Of the left and of the right channel the end of what came before, then what is being
    /// resampled.
    inputs: [Vec<f32>; 2],
    out: Vec<Stereo>,
}

impl Resampler {
    pub(super) fn new() -> Self {
        Self {
            inputs: [vec![0.0; BEFORE], vec![0.0; BEFORE]],
            out: Vec::new(),
        }
    }

    /// Forgets what came before: what follows does not continue it.
    pub(super) fn reset(&mut self) {
        for input in &mut self.inputs {
            input.clear();
            input.resize(BEFORE, 0.0);
        }
    }

    /// Takes the samples that are to be heard in a span. Gives those of the room, and the position
    /// of the first. The last ones come with the next block, since it takes what is after them.
    pub(super) fn resample(&mut self, span: Span, samples: &[Stereo]) -> (i64, &[Stereo]) {
        let [left, right] = &mut self.inputs;
        left.extend(samples.iter().map(|sample| sample[0]));
        right.extend(samples.iter().map(|sample| sample[1]));
        // Most microphones have one channel: half of the work.
        let is_mono = left == right;

        // Blocks join: this one's end is the same number as the next one's start.
        let first = (span.start - AHEAD).ceil() as i64;
        let end = (span.start + samples.len() as f64 * span.rate - AHEAD).ceil() as i64;
        let at = fixed((first as f64 - span.start) / span.rate + BEFORE as f64);
        let step = fixed(span.rate.recip());
        let places = (first..end).scan(at, |at, _| {
            let place = Place::near(*at);
            *at += step;
            Some(place)
        });
        self.out.clear();
        if is_mono {
            let left = places.map(|place| place.interpolate(left));
            self.out.extend(left.map(|sample| [sample; 2]));
        } else {
            let both = places.map(|place| [place.interpolate(left), place.interpolate(right)]);
            self.out.extend(both);
        }

        for input in &mut self.inputs {
            input.drain(..samples.len());
        }
        (first, &self.out)
    }
}

/// A place between two samples.
#[derive(Clone, Copy)]
struct Place {
    /// The first of the samples around it.
    first: usize,
    weights: &'static [f32; TAPS],
}

impl Place {
    fn near(at: u64) -> Self {
        let at = at + HALF_PHASE;
        let phase = at >> PHASE_SHIFT & (PHASES as u64 - 1);
        Self {
            first: (at >> FRACTION_BITS) as usize + 1 - TAPS / 2,
            weights: &KERNEL[phase as usize],
        }
    }

    fn interpolate(self, input: &[f32]) -> f32 {
        let around = input.get(self.first..).and_then(<[f32]>::first_chunk);
        // Rates are so near to 1 that no tap is ever outside.
        around.map_or(0.0, |around| convolve(around, self.weights))
    }
}

/// How many samples are looked at around a place. With 16, sound up to 17 kHz passes unchanged.
const TAPS: usize = 16;
/// What is kept of a block for the next: the taps, and what rates may shift them by.
const BEFORE: usize = TAPS + 2;
/// How far the output is behind: half of the taps, and one sample in which rates may change.
const AHEAD: f64 = (TAPS / 2) as f64 + 1.0;
/// How finely the place between two samples is known. Twice as many make a tone purer by 6 dB.
const PHASES: usize = 512;
/// Places are counted in fractions of a sample that are so fine that a block's are exact.
const FRACTION_BITS: u32 = 32;
const PHASE_SHIFT: u32 = FRACTION_BITS - PHASES.ilog2();
const HALF_PHASE: u64 = 1 << (PHASE_SHIFT - 1);
/// How much purer, against how much duller: the shape of Kaiser's window.
const BETA: f64 = 7.0;

/// For each place between two samples the weights of those around it.
static KERNEL: LazyLock<Box<[[f32; TAPS]]>> = LazyLock::new(|| (0..PHASES).map(weights).collect());

fn fixed(place: f64) -> u64 {
    (place * (1_u64 << FRACTION_BITS) as f64) as u64
}

fn weights(phase: usize) -> [f32; TAPS] {
    let place = phase as f64 / PHASES as f64;
    let mut weights = [0.0; TAPS];
    for (tap, weight) in weights.iter_mut().enumerate() {
        let distance = tap as f64 - (TAPS / 2 - 1) as f64 - place;
        *weight = sinc(distance) * window(distance / (TAPS / 2) as f64);
    }
    // What is steady stays as it is, whatever the place.
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| (weight / sum) as f32)
}

fn sinc(distance: f64) -> f64 {
    if distance.fract() == 0.0 {
        return if distance == 0.0 { 1.0 } else { 0.0 };
    }
    (PI * distance).sin() / (PI * distance)
}

/// Kaiser's window between -1 and 1.
fn window(at: f64) -> f64 {
    bessel(BETA * (1.0 - at * at).max(0.0).sqrt()) / bessel(BETA)
}

/// The modified Bessel function of the first kind, of order 0, by its series.
fn bessel(x: f64) -> f64 {
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..40 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
    }
    sum
}

fn convolve(input: &[f32; TAPS], weights: &[f32; TAPS]) -> f32 {
    // Eight sums side by side, as the compiler may not reorder one.
    let mut sums = [0.0; 8];
    for lane in 0..8 {
        sums[lane] = input[lane] * weights[lane] + input[lane + 8] * weights[lane + 8];
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resamples a tone of the room that a sender with another clock has, in blocks of 20 ms.
    /// Gives what is heard from a position on.
    fn resampled(hz: f64, rate: f64, blocks: usize) -> (i64, Vec<Stereo>) {
        let mut resampler = Resampler::new();
        let mut out: Vec<Stereo> = Vec::new();
        let mut begin = None;
        let mut start = 0.25;
        for _ in 0..blocks {
            let samples: Vec<_> = (0..960)
                .map(|at| tone(hz, start + f64::from(at) * rate))
                .collect();
            let (at, samples) = resampler.resample(Span { start, rate }, &samples);
            let begin = *begin.get_or_insert(at);
            assert_eq!(at, begin + out.len() as i64, "blocks join");
            out.extend_from_slice(samples);
            start += 960.0 * rate;
        }
        (begin.expect("a block"), out)
    }

    fn tone(hz: f64, position: f64) -> Stereo {
        let turn = 2.0 * PI * hz * position / 48_000.0;
        [turn.sin() as f32, turn.cos() as f32]
    }

    /// Everything that is not the tone at its place, in dB of the tone.
    fn impurity_db(hz: f64, rate: f64) -> f64 {
        let (begin, out) = resampled(hz, rate, 50);
        let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|s| s * s).sum::<f64>();
        let wanted = |at: usize| tone(hz, (begin + at as i64) as f64);
        let steady = 100..out.len();
        let off = |at: usize| f64::from(out[at][0] - wanted(at)[0]);
        let off = power(&mut steady.clone().map(off));
        let all = power(&mut steady.map(|at| f64::from(wanted(at)[0])));
        10.0 * (off / all).log10()
    }

    #[test]
    fn a_tone_of_1_khz_is_pure_to_75_db() {
        for rate in [1.0 - 2e-4, 1.0 + 2e-4, 0.999, 1.001] {
            let impurity_db = impurity_db(1_000.0, rate);

            assert!(impurity_db < -75.0, "{rate}: {impurity_db} dB");
        }
    }

    #[test]
    fn high_tones_are_pure_to_50_db() {
        for hz in [4_000.0, 8_000.0, 15_000.0] {
            let impurity_db = impurity_db(hz, 1.0 + 2e-4);

            assert!(impurity_db < -50.0, "{hz} Hz: {impurity_db} dB");
        }
    }

    #[test]
    fn samples_at_whole_places_stay_as_they_are() {
        let samples: Vec<Stereo> = (0..960).map(|at| tone(440.0, f64::from(at))).collect();
        let span = Span {
            start: 48_000.0,
            rate: 1.0,
        };

        let mut resampler = Resampler::new();
        let (at, out) = resampler.resample(span, &samples);

        assert_eq!(at, 48_000 - 9);
        assert_eq!(out[..9], [[0.0; 2]; 9]);
        assert_eq!(out[9..], samples[..951]);
    }

    #[test]
    fn forgets_what_came_before_when_reset() {
        let span = Span {
            start: 0.0,
            rate: 1.0,
        };
        let mut resampler = Resampler::new();
        resampler.resample(span, &[[1.0; 2]; 960]);

        resampler.reset();
        let (_, out) = resampler.resample(span, &[[0.0; 2]; 960]);

        assert!(out.iter().all(|&sample| sample == [0.0; 2]));
    }
}
