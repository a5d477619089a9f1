//! Masks drawn onto a picture.

use super::i420::{Part, Plane};
use super::{Color, Mask, Picture};

/// Draws a mask in a colour, with its upper left corner at (`x`, `y`), which may be outside.
/// `opacity` is how much of the colour a whole pixel of the mask gets, of 255.
pub fn blend(canvas: &mut Picture, mask: &Mask, (x, y): (i32, i32), color: Color, opacity: u8) {
    let at = (i64::from(x), i64::from(y));
    let [luma, u, v] = canvas.planes_mut();
    let part = covered(mask, at, 1, luma);
    let mut window = luma.window_mut(part);
    for row in 0..window.height {
        let (from, line) = (part.x as i64 - at.0, (part.y + row) as i64 - at.1);
        let alphas = &mask.row(line as usize)[from as usize..];
        blend_row(window.row_mut(row), alphas, color.y, opacity);
    }

    let part = covered(mask, at, 2, u);
    let (mut u, mut v) = (u.window_mut(part), v.window_mut(part));
    let mut alphas = Vec::with_capacity(part.width);
    for row in 0..u.height {
        let line = 2 * (part.y + row) as i64 - at.1;
        let columns = (part.x..part.x + part.width).map(|column| 2 * column as i64 - at.0);
        alphas.clear();
        alphas.extend(columns.map(|column| mean_of_four(mask, column, line)));
        blend_row(u.row_mut(row), &alphas, color.u, opacity);
        blend_row(v.row_mut(row), &alphas, color.v, opacity);
    }
}

/// Which samples of a plane a mask may touch, of a plane whose samples are `step` pixels apart.
fn covered(mask: &Mask, (x, y): (i64, i64), step: i64, plane: &Plane) -> Part {
    let size = mask.size();
    let range = |start: i64, len: u32, most: usize| {
        let most = most as i64;
        let end = (start + i64::from(len) + step - 1).div_euclid(step);
        let (start, end) = (start.div_euclid(step).clamp(0, most), end.clamp(0, most));
        (start as usize, (end - start).max(0) as usize)
    };
    let (x, width) = range(x, size.width, plane.width());
    let (y, height) = range(y, size.height, plane.height());
    Part {
        x,
        y,
        width,
        height,
    }
}

/// What a sample of chroma gets; it covers two pixels by two.
fn mean_of_four(mask: &Mask, column: i64, line: i64) -> u8 {
    let at = |column, line| u16::from(mask.at(column, line));
    let upper = at(column, line) + at(column + 1, line);
    let lower = at(column, line + 1) + at(column + 1, line + 1);
    ((upper + lower + 2) / 4) as u8
}

fn blend_row(samples: &mut [u8], alphas: &[u8], value: u8, opacity: u8) {
    for (sample, &alpha) in samples.iter_mut().zip(alphas) {
        let alpha = u32::from(alpha) * u32::from(opacity) / 255;
        let mixed = u32::from(*sample) * (255 - alpha) + u32::from(value) * alpha;
        *sample = ((mixed + 127) / 255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Size;

    #[test]
    fn a_whole_mask_gives_the_colour() {
        let mut canvas = Picture::new(Size::new(20, 20));
        let red = Color::rgb(0xff_0000);

        blend(
            &mut canvas,
            &Mask::plate(Size::new(8, 8), 0),
            (4, 4),
            red,
            255,
        );

        let [y, u, v] = canvas.planes();
        assert_eq!(
            [y.row(4)[4], u.row(2)[2], v.row(5)[5]],
            [red.y, red.u, red.v]
        );
        assert_eq!([y.row(3)[4], u.row(1)[2], v.row(6)[5]], [16, 128, 128]);
    }

    #[test]
    fn half_a_mask_gives_half_of_the_colour() {
        let mut canvas = Picture::new(Size::new(4, 4));

        blend(
            &mut canvas,
            &Mask::plate(Size::new(4, 4), 0),
            (0, 0),
            Color::WHITE,
            128,
        );

        assert_eq!(canvas.planes()[0].samples(), [126; 16]);
    }

    #[test]
    fn masks_may_hang_over_every_edge() {
        let mask = Mask::disc(10);
        for x in [-30, -5, 3, 7, 30] {
            for y in [-30, -5, 3, 5, 30] {
                let mut canvas = Picture::new(Size::new(9, 7));
                blend(&mut canvas, &mask, (x, y), Color::WHITE, 255);
                let is_touched = canvas != Picture::new(Size::new(9, 7));
                assert_eq!(is_touched, x.abs() < 30 && y.abs() < 30, "{x} {y}");
            }
        }
    }
}
