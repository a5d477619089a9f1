//! What is around a card: coloured bands that drift, with grain that is new in every frame.
//!
//! Grain cannot be predicted, so it takes as many bits as the quantizer lets through. Every band
//! has grain of another strength: a finer quantizer lets more bands through, and an encoder can
//! meet any bit rate.

/// How much there is to encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grain {
    /// Enough for every usual bit rate.
    Rough,
    /// Nothing but the bands, for bit rates below what grain costs.
    None,
}

/// The backdrop of one frame.
pub(super) struct Backdrop {
    /// Decides the colour.
    pub(super) publisher: u16,
    /// Decides where the bands are.
    pub(super) frame: u16,
    pub(super) grain: Grain,
}

impl Backdrop {
    /// Fills all of an I420 picture without gaps between its rows.
    pub(super) fn draw(
        &self,
        width: usize,
        height: usize,
        y: &mut [u8],
        u: &mut [u8],
        v: &mut [u8],
    ) {
        let (blue, red) = self.colour();
        u.fill(blue);
        v.fill(red);
        if width == 0 {
            return;
        }

        let band_height = (height / BANDS_IN_VIEW).max(4);
        let drift = usize::from(self.frame) * (height / 90).max(1);
        let mut random = u64::from(self.publisher) << 32 | u64::from(self.frame) << 1 | 1;
        for (row, pixels) in y.chunks_exact_mut(width).enumerate() {
            let band = (row + drift) / band_height;
            let shade = SHADES[band % SHADES.len()];
            match self.grain {
                Grain::Rough => grain(
                    pixels,
                    shade,
                    STRENGTHS[band % STRENGTHS.len()],
                    &mut random,
                ),
                Grain::None => pixels.fill(shade),
            }
        }
    }

    fn colour(&self) -> (u8, u8) {
        // Neighbours in number are far apart in colour.
        let hue = self.publisher.wrapping_mul(37);
        (
            64 + (hue % 128) as u8,
            64 + (hue.wrapping_mul(3) / 5 % 128) as u8,
        )
    }
}

/// Fills pixels with `shade` and noise as strong as the bits of `strength`.
fn grain(pixels: &mut [u8], shade: u8, strength: u8, random: &mut u64) {
    let darkest = shade - strength / 2;
    for pixels in pixels.chunks_mut(8) {
        // xorshift64 (Marsaglia 2003), a word for eight pixels.
        *random ^= *random << 13;
        *random ^= *random >> 7;
        *random ^= *random << 17;
        for (pixel, noise) in pixels.iter_mut().zip(random.to_le_bytes()) {
            *pixel = darkest + (noise & strength);
        }
    }
}

const BANDS_IN_VIEW: usize = 11;

/// Luma of the bands.
const SHADES: [u8; 4] = [110, 140, 125, 155];

/// Peak to peak of the grain; each is a mask, and half of each is less than every shade.
const STRENGTHS: [u8; 5] = [15, 127, 31, 63, 7];
