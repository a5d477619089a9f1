//! How loud samples are.

/// Of what is not heard at all, as in RFC 6465.
pub(super) const SILENCE_DBFS: f32 = -127.0;

/// The root of the mean square in dB of full scale: -3 for a sine as loud as can be.
pub(super) fn level_dbfs(samples: &[f32]) -> f32 {
    let power = sum_of_squares(samples) / samples.len().max(1) as f32;
    (10.0 * power.log10()).max(SILENCE_DBFS)
}

/// Is no number if any sample is none.
pub(super) fn sum_of_squares(samples: &[f32]) -> f32 {
    // Eight sums side by side, as the compiler may not reorder one.
    let mut sums = [0.0; 8];
    let (chunks, rest) = samples.as_chunks::<8>();
    for chunk in chunks {
        for (sum, sample) in sums.iter_mut().zip(chunk) {
            *sum += sample * sample;
        }
    }
    let rest: f32 = rest.iter().map(|sample| sample * sample).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_in_db_of_full_scale() {
        let sine: Vec<f32> = (0..960)
            .map(|at| (std::f32::consts::TAU * at as f32 / 96.0).sin())
            .collect();

        assert!((level_dbfs(&sine) - -3.01).abs() < 0.01);
        assert_eq!(level_dbfs(&[1.0; 13]), 0.0);
        assert_eq!(level_dbfs(&[0.0; 13]), SILENCE_DBFS);
        assert_eq!(level_dbfs(&[]), SILENCE_DBFS);
    }

    #[test]
    fn what_is_no_number_is_found_anywhere() {
        for at in 0..13 {
            let mut samples = [0.5; 13];
            samples[at] = f32::NAN;
            assert!(!sum_of_squares(&samples).is_finite());
            samples[at] = f32::INFINITY;
            assert!(!sum_of_squares(&samples).is_finite());
        }
    }
}
