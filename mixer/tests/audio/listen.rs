//! What can be told of samples.

use std::f64::consts::TAU;

/// How loud a tone is: the amplitude of a sine of that frequency in the samples.
pub(crate) fn amplitude_of(hz: f64, samples: &[f32]) -> f64 {
    let mut sums = [0.0; 2];
    for (at, &sample) in samples.iter().enumerate() {
        let turn = TAU * hz * at as f64 / 48_000.0;
        sums[0] += f64::from(sample) * turn.cos();
        sums[1] += f64::from(sample) * turn.sin();
    }
    2.0 * sums[0].hypot(sums[1]) / samples.len() as f64
}

/// The left channel.
pub(crate) fn left(samples: &[f32]) -> Vec<f32> {
    samples.iter().copied().step_by(2).collect()
}

/// The root of the mean square.
pub(crate) fn level(samples: &[f32]) -> f32 {
    let power: f32 = samples.iter().map(|sample| sample * sample).sum();
    (power / samples.len() as f32).sqrt()
}

/// The greatest there is.
pub(crate) fn peak(samples: &[f32]) -> f32 {
    samples
        .iter()
        .fold(0.0, |peak, sample| peak.max(sample.abs()))
}

/// The greatest step from one sample to the next.
pub(crate) fn step(samples: &[f32]) -> f32 {
    let steps = samples.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    steps.fold(0.0, f32::max)
}

/// Where a beep begins: the first sample with half of the greatest level around it, to some tenths
/// of a millisecond.
pub(crate) fn onset(samples: &[f32]) -> usize {
    const AROUND: usize = 48;
    let around: Vec<_> = samples.windows(AROUND).map(level).collect();
    let most = around.iter().copied().fold(0.0, f32::max);
    let place = around.iter().position(|&level| level >= most / 2.0);
    place.expect("there is a greatest") + AROUND / 2
}
