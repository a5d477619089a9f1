//! Pictures of other sizes.
//!
//! Bilinear, after halving what would shrink to less than half: then every pixel of the source
//! counts. Rows are blended first, which the compiler vectorises, and columns then.

use super::i420::{Part, Plane, Window, WindowMut};

/// Scales, and keeps the memory that it needs for that.
#[derive(Debug, Default)]
pub struct Scaler {
    columns: Vec<Column>,
    row: Vec<u8>,
    halves: [Plane; 2],
}

/// Where a sample of a row comes from: this one and the next, which has `weight` of 256.
#[derive(Debug, Clone, Copy)]
struct Column {
    at: u32,
    weight: u16,
}

impl Scaler {
    /// Scales a plane to the size of another.
    pub fn scale(&mut self, source: &Plane, target: &mut Plane) {
        let (source, whole) = (source.window(all_of(source)), all_of(target));
        self.scale_window(source, &mut target.window_mut(whole));
    }

    pub(super) fn scale_window(&mut self, source: Window<'_>, target: &mut WindowMut<'_>) {
        if [source.width, source.height, target.width, target.height].contains(&0) {
            return;
        }
        let shrinks = |source: Window<'_>| {
            source.width >= 2 * target.width && source.height >= 2 * target.height
        };
        if !shrinks(source) {
            return bilinear(&mut self.columns, &mut self.row, source, target);
        }
        let [half, next] = &mut self.halves;
        halve(source, half);
        while shrinks(half.window(all_of(half))) {
            halve(half.window(all_of(half)), next);
            std::mem::swap(half, next);
        }
        let half = half.window(all_of(half));
        bilinear(&mut self.columns, &mut self.row, half, target);
    }
}

fn all_of(plane: &Plane) -> Part {
    Part {
        x: 0,
        y: 0,
        width: plane.width(),
        height: plane.height(),
    }
}

/// Makes four samples one.
fn halve(source: Window<'_>, target: &mut Plane) {
    target.resize(source.width / 2, source.height / 2);
    let whole = all_of(target);
    let mut target = target.window_mut(whole);
    for row in 0..target.height {
        let upper = source.row(2 * row).as_chunks::<2>().0;
        let lower = source.row(2 * row + 1).as_chunks::<2>().0;
        for ((out, upper), lower) in target.row_mut(row).iter_mut().zip(upper).zip(lower) {
            let [a, b] = upper.map(u16::from);
            let [c, d] = lower.map(u16::from);
            *out = ((a + b + c + d + 2) >> 2) as u8;
        }
    }
}

fn bilinear(
    columns: &mut Vec<Column>,
    blended: &mut Vec<u8>,
    source: Window<'_>,
    target: &mut WindowMut<'_>,
) {
    columns.clear();
    columns.extend(positions(source.width, target.width));
    // The last sample once more, so that each has a next one.
    blended.resize(source.width + 1, 0);
    let rows = positions(source.height, target.height);
    for (index, row) in rows.enumerate() {
        let upper = source.row(row.at as usize);
        if row.weight == 0 {
            blended[..upper.len()].copy_from_slice(upper);
        } else {
            let lower = source.row((row.at as usize + 1).min(source.height - 1));
            blend_rows(upper, lower, row.weight, &mut blended[..upper.len()]);
        }
        blended[upper.len()] = blended[upper.len() - 1];
        let out = target.row_mut(index);
        if out.len() == upper.len() {
            out.copy_from_slice(&blended[..out.len()]);
        } else {
            pick_columns(blended, columns, out);
        }
    }
}

fn blend_rows(upper: &[u8], lower: &[u8], weight: u16, out: &mut [u8]) {
    for ((out, &a), &b) in out.iter_mut().zip(upper).zip(lower) {
        *out = mix(a, b, weight);
    }
}

fn pick_columns(row: &[u8], columns: &[Column], out: &mut [u8]) {
    for (out, column) in out.iter_mut().zip(columns) {
        let pair = &row[column.at as usize..][..2];
        let (a, b) = (i32::from(pair[0]), i32::from(pair[1]));
        *out = (((a << 8) + (b - a) * i32::from(column.weight) + 128) >> 8) as u8;
    }
}

fn mix(a: u8, b: u8, weight: u16) -> u8 {
    // At most 255 * 256 + 128, so 16 bits do, and twice as many fit into a register.
    ((u16::from(a) * (256 - weight) + u16::from(b) * weight + 128) >> 8) as u8
}

/// Where each of `to` samples comes from, of `from` that cover the same length.
fn positions(from: usize, to: usize) -> impl Iterator<Item = Column> {
    // The middle of sample i is at (i + 1/2) * from / to - 1/2, here in 65536ths.
    let step = ((from as u64) << 16) / to as u64;
    let last = from as i64 - 1;
    (0..to as u64).map(move |index| {
        let middle = ((step * (2 * index + 1)) / 2) as i64 - (1 << 15);
        let position = middle.clamp(0, last << 16);
        Column {
            at: (position >> 16) as u32,
            weight: (position >> 8 & 0xff) as u16,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Picture, Size};

    #[test]
    fn is_as_good_as_floating_point() {
        for (from, to) in [
            ((640, 360), (426, 240)),
            ((640, 360), (640, 480)),
            ((320, 180), (853, 479)),
            ((99, 51), (98, 50)),
        ] {
            let source = gradient(from);

            let psnr = psnr(&scale(&source, to), &reference(&source, to));

            assert!(psnr > 48.0, "{from:?} to {to:?}: {psnr:.1} dB");
        }
    }

    #[test]
    fn what_stays_as_large_stays_as_it_is() {
        let source = gradient((31, 17));

        assert_eq!(scale(&source, (31, 17)), source);
    }

    #[test]
    fn nothing_is_skipped_when_shrinking_much() {
        let mut source = gradient((64, 64));
        let all = all_of(&source);
        let mut window = source.window_mut(all);
        for row in 0..64 {
            for (column, sample) in window.row_mut(row).iter_mut().enumerate() {
                *sample = if (row + column) % 2 == 0 { 0 } else { 200 };
            }
        }

        assert!(scale(&source, (9, 9)).samples().iter().all(|&y| y == 100));
    }

    #[test]
    fn any_size_comes_from_any_other() {
        for from in [(1, 1), (1, 9), (2, 3), (50, 1)] {
            for to in [(1, 1), (7, 1), (3, 40), (2, 2)] {
                scale(&gradient(from), to);
            }
        }
    }

    fn scale(source: &Plane, (width, height): (usize, usize)) -> Plane {
        let mut target = Plane::default();
        target.resize(width, height);
        Scaler::default().scale(source, &mut target);
        target
    }

    /// Waves and slopes.
    fn gradient((width, height): (usize, usize)) -> Plane {
        let mut picture = Picture::new(Size::new(width as u32, height as u32));
        let [plane, ..] = picture.planes_mut();
        let all = all_of(plane);
        let mut window = plane.window_mut(all);
        for row in 0..height {
            for (column, sample) in window.row_mut(row).iter_mut().enumerate() {
                let (x, y) = (column as f64, row as f64);
                let wave = (x / 9.0).sin() * (y / 7.0).cos() * 60.0;
                *sample = (128.0 + wave + x / width as f64 * 60.0) as u8;
            }
        }
        plane.clone()
    }

    fn reference(source: &Plane, (width, height): (usize, usize)) -> Plane {
        let mut target = Plane::default();
        target.resize(width, height);
        let all = all_of(&target);
        let mut window = target.window_mut(all);
        let position = |index: usize, from: usize, to: usize| {
            let middle = (index as f64 + 0.5) * from as f64 / to as f64 - 0.5;
            middle.clamp(0.0, from as f64 - 1.0)
        };
        for row in 0..height {
            let y = position(row, source.height(), height);
            for (column, sample) in window.row_mut(row).iter_mut().enumerate() {
                let x = position(column, source.width(), width);
                let at = |x: usize, y: usize| {
                    let row = source.row(y.min(source.height() - 1));
                    f64::from(row[x.min(source.width() - 1)])
                };
                let (x0, y0, fx, fy) = (x as usize, y as usize, x.fract(), y.fract());
                let upper = at(x0, y0) * (1.0 - fx) + at(x0 + 1, y0) * fx;
                let lower = at(x0, y0 + 1) * (1.0 - fx) + at(x0 + 1, y0 + 1) * fx;
                *sample = (upper * (1.0 - fy) + lower * fy).round() as u8;
            }
        }
        target
    }

    fn psnr(a: &Plane, b: &Plane) -> f64 {
        let pairs = a.samples().iter().zip(b.samples());
        let squares: f64 = pairs
            .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
            .sum();
        let mean = squares / a.samples().len() as f64;
        10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
    }
}
