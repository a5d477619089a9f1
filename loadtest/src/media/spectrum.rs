//! Which tone a stream of Opus carries.

/// Decodes one RTP stream of Opus and tells which tone it hears.
#[derive(Debug)]
pub struct ToneDecoder {
    /// Without one, nothing is heard.
    opus: Option<opus::Decoder>,
    heard: Vec<f32>,
}

/// The loudest frequency in a stretch of sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeardTone {
    /// Its frequency, to about 2 Hz.
    pub hz: f32,
    /// Level of the whole sound, 0 the loudest there can be (RFC 6465), -127 for silence.
    pub level_dbov: f32,
}

impl ToneDecoder {
    /// A decoder that has heard nothing.
    pub fn new() -> Self {
        Self {
            opus: opus::Decoder::new(RATE_HZ, opus::Channels::Mono).ok(),
            heard: Vec::with_capacity(WINDOW),
        }
    }

    /// Decodes one payload; tells what it heard after every 200 ms of sound.
    ///
    /// Malformed payloads are not heard.
    pub fn decode(&mut self, payload: &[u8]) -> Option<HeardTone> {
        if payload.is_empty() {
            // To libopus, this would be a lost frame.
            return None;
        }
        let mut samples = [0.0; LONGEST_PACKET];
        let count = self
            .opus
            .as_mut()?
            .decode_float(payload, &mut samples, false)
            .ok()?;
        self.heard.extend_from_slice(samples.get(..count)?);

        if self.heard.len() < WINDOW {
            return None;
        }
        let heard = listen(&self.heard[..WINDOW]);
        self.heard.drain(..WINDOW);
        Some(heard)
    }
}

impl Default for ToneDecoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Opus decodes to this rate at the cost of a sixth of 48 kHz, and every tone is below half of it.
const RATE_HZ: u32 = 8000;

/// 200 ms.
const WINDOW: usize = RATE_HZ as usize / 5;

/// 120 ms, RFC 6716 §3.2.5.
const LONGEST_PACKET: usize = RATE_HZ as usize * 120 / 1000;

/// The next power of two after [`WINDOW`].
const POINTS: usize = 2048;

fn listen(samples: &[f32]) -> HeardTone {
    let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;

    let mut spectrum = [Complex::default(); POINTS];
    for (at, (point, &sample)) in spectrum.iter_mut().zip(samples).enumerate() {
        // Hann's window, for a tone that does not fit the window a whole number of times.
        let turn = std::f32::consts::TAU * at as f32 / samples.len() as f32;
        point.re = sample * (0.5 - 0.5 * turn.cos());
    }
    transform(&mut spectrum);

    let magnitude = |at: usize| spectrum[at].re.hypot(spectrum[at].im);
    let peak = (1..POINTS / 2 - 1)
        .max_by(|&a, &b| magnitude(a).total_cmp(&magnitude(b)))
        .unwrap_or(1);
    let hz = (peak as f32 + vertex([peak - 1, peak, peak + 1].map(magnitude))) * RATE_HZ as f32
        / POINTS as f32;
    HeardTone {
        hz,
        level_dbov: (10.0 * power.log10()).clamp(-127.0, 0.0),
    }
}

/// Where between -0.5 and 0.5 the parabola through three points has its top.
fn vertex([left, middle, right]: [f32; 3]) -> f32 {
    let curve = left - 2.0 * middle + right;
    if curve < 0.0 {
        (0.5 * (left - right) / curve).clamp(-0.5, 0.5)
    } else {
        0.0
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Complex {
    re: f32,
    im: f32,
}

/// The Fourier transform in place, radix 2, decimated in time (Cooley and Tukey 1965).
fn transform(points: &mut [Complex; POINTS]) {
    for at in 0..POINTS {
        let mirrored = at.reverse_bits() >> (usize::BITS - POINTS.ilog2());
        if at < mirrored {
            points.swap(at, mirrored);
        }
    }
    let mut span = 1;
    while span < POINTS {
        for offset in 0..span {
            let turn = -std::f32::consts::PI * offset as f32 / span as f32;
            let (sin, cos) = turn.sin_cos();
            for a in (offset..POINTS).step_by(2 * span) {
                let (low, high) = (points[a], points[a + span]);
                let re = high.re * cos - high.im * sin;
                let im = high.re * sin + high.im * cos;
                points[a] = Complex {
                    re: low.re + re,
                    im: low.im + im,
                };
                points[a + span] = Complex {
                    re: low.re - re,
                    im: low.im - im,
                };
            }
        }
        span *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f32, amplitude: f32) -> Vec<f32> {
        (0..WINDOW)
            .map(|at| amplitude * (std::f32::consts::TAU * hz * at as f32 / RATE_HZ as f32).sin())
            .collect()
    }

    #[test]
    fn finds_a_frequency_to_two_hertz() {
        for hz in [300.0, 307.7, 1234.5, 3500.0] {
            let heard = listen(&sine(hz, 0.1));

            assert!((heard.hz - hz).abs() < 2.0, "{hz}: {heard:?}");
        }
    }

    #[test]
    fn measures_the_level_of_the_whole_sound() {
        let full = listen(&sine(1000.0, 1.0));
        let silent = listen(&[0.0; WINDOW]);

        assert!((full.level_dbov + 3.01).abs() < 0.1, "{full:?}");
        assert_eq!(silent.level_dbov, -127.0);
    }

    #[test]
    fn garbage_never_panics() {
        let mut decoder = ToneDecoder::new();
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..2000 {
            let payload: Vec<u8> = (0..random.usize(0..80)).map(|_| random.u8(..)).collect();

            let _ = decoder.decode(&payload);
        }
    }
}
