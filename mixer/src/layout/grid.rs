//! Everybody as large as everybody else.

use crate::picture::{Rect, Size};

/// Rows and columns of a grid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) rows: u32,
    pub(super) columns: u32,
}

impl Shape {
    /// The shape that shows `count` cameras largest. Of several that do, the one that leaves least
    /// empty.
    pub(super) fn best(canvas: Size, count: usize) -> Self {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let shapes = (1..=count).map(|columns| Self {
            rows: count.div_ceil(columns),
            columns,
        });
        let best = shapes.max_by_key(|shape| {
            let tile = shape.tile(canvas);
            let area = u64::from(tile.width) * u64::from(tile.height);
            (area, std::cmp::Reverse(shape.tiles()))
        });
        best.unwrap_or_default()
    }

    /// Places of `count` tiles, row by row; the last row is in the middle.
    pub(super) fn places(self, canvas: Size, count: usize) -> Vec<Rect> {
        let tile = self.tile(canvas);
        let gap = self.gap(canvas);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let used_rows = count.div_ceil(self.columns.max(1));
        (0..count)
            .map(|index| {
                let (row, column) = (index / self.columns, index % self.columns);
                let in_row = self.columns.min(count - row * self.columns);
                let x = start(canvas.width, tile.width, gap, in_row, column);
                let y = start(canvas.height, tile.height, gap, used_rows, row);
                Rect::new(x, y, tile.width, tile.height)
            })
            .collect()
    }

    /// How many tiles it has room for.
    pub(super) fn tiles(self) -> usize {
        self.rows as usize * self.columns as usize
    }

    /// How large a tile is.
    pub(super) fn tile(self, canvas: Size) -> Size {
        let gap = self.gap(canvas);
        let side = |side: u32, count: u32| side.saturating_sub(gap * (count + 1)) / count.max(1);
        let cell = Size::new(
            side(canvas.width, self.columns),
            side(canvas.height, self.rows),
        );
        if self.tiles() == 1 {
            return canvas;
        }
        of_camera(cell)
    }

    fn gap(self, canvas: Size) -> u32 {
        if self.tiles() == 1 { 0 } else { gap(canvas) }
    }
}

/// Where one of `count` tiles begins that are in the middle of a side.
pub(super) fn start(side: u32, tile: u32, gap: u32, count: u32, index: u32) -> u32 {
    let all = count * tile + count.saturating_sub(1) * gap;
    let margin = side.saturating_sub(all) / 2;
    (margin + index * (tile + gap)) & !1
}

/// The largest place inside of a cell in about the shape of a camera's picture.
pub(super) fn of_camera(cell: Size) -> Size {
    let (width, height) = (cell.width, cell.height);
    let wide = height * CAMERA.width / CAMERA.height;
    let high = width * CAMERA.height / CAMERA.width;
    let even = |side: u32| side & !1;
    Size {
        width: even(width.min(wide + wide / LENIENCE)),
        height: even(height.min(high + high / LENIENCE)),
    }
}

/// Space between tiles, and around them.
pub(super) fn gap(canvas: Size) -> u32 {
    (canvas.width.min(canvas.height) / 90).next_multiple_of(2)
}

/// What nearly all cameras send.
const CAMERA: Size = Size::new(16, 9);
/// Which part of a side a tile may be longer than a camera's picture, so that less of the canvas is
/// empty; as much is cut off of the picture.
const LENIENCE: u32 = 16;
