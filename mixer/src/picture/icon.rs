//! Signs that need no words.

use super::Size;
use super::mask::{Mask, length};

/// A microphone that is crossed out, in a square.
pub fn mute_icon(side: u32) -> Mask {
    shape(side, |x, y| {
        let body = capsule((x, y), (0.5, 0.28), (0.5, 0.46), 0.13);
        let holder = bow((x, y), (0.5, 0.46), 0.235).max(0.46 - y) - 0.03;
        let foot = capsule((x, y), (0.5, 0.7), (0.5, 0.84), 0.03);
        let microphone = body.min(holder).min(foot);
        let slash = capsule((x, y), (0.2, 0.17), (0.8, 0.83), 0.035);
        let gap = capsule((x, y), (0.26, 0.13), (0.86, 0.79), 0.035);
        microphone.max(-gap).min(slash)
    })
}

/// Three quarters of a circle, as of something that goes round and round, in a square.
pub fn reconnecting_icon(side: u32) -> Mask {
    shape(side, |x, y| {
        let ring = bow((x, y), (0.5, 0.5), 0.36) - 0.06;
        let is_open = x > 0.5 && y < 0.5;
        let arc = if is_open {
            ring.max((x - 0.5).min(0.5 - y))
        } else {
            ring
        };
        let upper = capsule((x, y), (0.5, 0.14), (0.501, 0.14), 0.06);
        let right = capsule((x, y), (0.86, 0.5), (0.86, 0.501), 0.06);
        arc.min(upper).min(right)
    })
}

/// How far a point is from a line, made thick.
fn capsule((x, y): (f32, f32), from: (f32, f32), to: (f32, f32), radius: f32) -> f32 {
    let (px, py) = (x - from.0, y - from.1);
    let (lx, ly) = (to.0 - from.0, to.1 - from.1);
    let along = ((px * lx + py * ly) / (lx * lx + ly * ly)).clamp(0.0, 1.0);
    length(px - lx * along, py - ly * along) - radius
}

/// How far a point is from a circle.
fn bow((x, y): (f32, f32), middle: (f32, f32), radius: f32) -> f32 {
    (length(x - middle.0, y - middle.1) - radius).abs()
}

/// A square whose sides are 1, with distances that are less than 0 inside of the shape.
fn shape(side: u32, distance: impl Fn(f32, f32) -> f32) -> Mask {
    let scale = side as f32;
    Mask::of_shape(Size::new(side, side), |x, y| {
        distance(x / scale, y / scale) * scale
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn icons_are_neither_empty_nor_full() {
        for icon in [mute_icon(16), mute_icon(48), reconnecting_icon(64)] {
            let covered = icon.alphas().iter().filter(|&&alpha| alpha > 128).count();
            let share = covered as f32 / icon.alphas().len() as f32;
            assert!((0.1..0.4).contains(&share), "{share}");
        }
    }
}
