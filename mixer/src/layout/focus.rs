//! One large tile, and a strip of small ones.

use super::grid::{gap, of_camera, start};
use crate::picture::{Rect, Size};

/// A large tile and small ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Focus {
    pub(super) large: Rect,
    pub(super) strip: Vec<Rect>,
}

impl Focus {
    /// With `count` small tiles: on the right, or below on a canvas that is upright.
    pub(super) fn new(canvas: Size, count: usize) -> Self {
        if count == 0 {
            return Self {
                large: Rect::of(canvas),
                strip: Vec::new(),
            };
        }
        if canvas.width >= canvas.height {
            Self::with_strip_on_the_right(canvas, count)
        } else {
            Self::with_strip_below(canvas, count)
        }
    }

    fn with_strip_on_the_right(canvas: Size, count: usize) -> Self {
        let (gap, count) = (gap(canvas), count as u32);
        let height = canvas.height.saturating_sub(gap * (count + 1)) / count;
        let tile = of_camera(Size::new(canvas.width / STRIP_SHARE, height));
        let x = canvas.width - gap - tile.width;
        let strip = (0..count).map(|index| {
            let y = start(canvas.height, tile.height, gap, count, index);
            Rect::new(x, y, tile.width, tile.height)
        });
        let (width, height) = (x - 2 * gap, canvas.height - 2 * gap);
        Self {
            large: Rect::new(gap, gap, width, height),
            strip: strip.collect(),
        }
    }

    fn with_strip_below(canvas: Size, count: usize) -> Self {
        let (gap, count) = (gap(canvas), count as u32);
        let columns = count.min(COLUMNS_BELOW);
        let rows = count.div_ceil(columns);
        let width = canvas.width.saturating_sub(gap * (columns + 1)) / columns;
        let tile = of_camera(Size::new(width, canvas.height / STRIP_SHARE));
        let top = canvas.height - rows * (tile.height + gap);
        let strip = (0..count).map(|index| {
            let (row, column) = (index / columns, index % columns);
            let in_row = columns.min(count - row * columns);
            let x = start(canvas.width, tile.width, gap, in_row, column);
            Rect::new(x, top + row * (tile.height + gap), tile.width, tile.height)
        });
        let (width, height) = (canvas.width - 2 * gap, top - 2 * gap);
        Self {
            large: Rect::new(gap, gap, width, height),
            strip: strip.collect(),
        }
    }
}

/// How often the widest strip goes into the canvas.
const STRIP_SHARE: u32 = 5;
/// Most tiles side by side below a large one.
const COLUMNS_BELOW: u32 = 3;
