//! Shapes of one colour.

use super::Size;

/// How much of a colour each pixel gets, from 0 to 255.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    size: Size,
    alphas: Vec<u8>,
}

impl Mask {
    /// A mask of nothing.
    pub fn new(size: Size) -> Self {
        Self {
            size,
            alphas: vec![0; size.width as usize * size.height as usize],
        }
    }

    /// A mask whose pixels are as much inside of a shape as `distance` says: how far the middle of
    /// the pixel is from the edge, in pixels, less than 0 inside.
    pub(super) fn of_shape(size: Size, distance: impl Fn(f32, f32) -> f32) -> Self {
        let mut mask = Self::new(size);
        let rows = mask.alphas.chunks_exact_mut(size.width.max(1) as usize);
        for (row, y) in rows.zip(0_u16..) {
            for (alpha, x) in row.iter_mut().zip(0_u16..) {
                let distance = distance(f32::from(x) + 0.5, f32::from(y) + 0.5);
                *alpha = ((0.5 - distance).clamp(0.0, 1.0) * 255.0).round() as u8;
            }
        }
        mask
    }

    /// A disc that fills the size.
    pub fn disc(diameter: u32) -> Self {
        let radius = diameter as f32 / 2.0;
        Self::of_shape(Size::new(diameter, diameter), |x, y| {
            length(x - radius, y - radius) - radius
        })
    }

    /// A rectangle with round corners that fills the size.
    pub fn plate(size: Size, radius: u32) -> Self {
        let (width, height) = (size.width as f32 / 2.0, size.height as f32 / 2.0);
        let radius = radius as f32;
        Self::of_shape(size, |x, y| {
            let x = (x - width).abs() - width + radius;
            let y = (y - height).abs() - height + radius;
            length(x.max(0.0), y.max(0.0)) + x.max(y).min(0.0) - radius
        })
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The pixels, row by row.
    pub fn alphas(&self) -> &[u8] {
        &self.alphas
    }

    /// Adds to a pixel, if there is such.
    pub(super) fn add(&mut self, x: i32, y: i32, alpha: u8) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else {
            return;
        };
        if x < self.size.width && y < self.size.height {
            let own = &mut self.alphas[y as usize * self.size.width as usize + x as usize];
            *own = own.saturating_add(alpha);
        }
    }

    /// The pixels of a row.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        let width = self.size.width as usize;
        &self.alphas[row * width..][..width]
    }

    /// How much there is at a pixel, 0 outside.
    pub(super) fn at(&self, x: i64, y: i64) -> u8 {
        let is_inside = (0..i64::from(self.size.width)).contains(&x)
            && (0..i64::from(self.size.height)).contains(&y);
        if !is_inside {
            return 0;
        }
        self.alphas[y as usize * self.size.width as usize + x as usize]
    }
}

/// How long a line is. The square root has one right result, which every machine gives; `hypot` is
/// as the machine's library has it.
pub(super) fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plate_is_full_but_for_its_corners() {
        let plate = Mask::plate(Size::new(20, 10), 4);

        assert_eq!(plate.at(0, 0), 0);
        assert_eq!(plate.at(0, 5), 255);
        assert_eq!(plate.at(10, 0), 255);
        assert_eq!(plate.at(10, 5), 255);
    }

    #[test]
    fn a_disc_is_round() {
        let disc = Mask::disc(16);

        assert_eq!([disc.at(0, 0), disc.at(8, 8)], [0, 255]);
        let covered: u32 = disc.alphas().iter().map(|&alpha| u32::from(alpha)).sum();
        let circle = std::f32::consts::PI * 64.0 * 255.0;
        assert!((covered as f32 - circle).abs() < circle / 50.0);
    }
}
