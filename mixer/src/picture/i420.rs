//! A picture that owns its pixels.

use super::{Color, Rect, Size};

/// A picture of 8 bits in 4:2:0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    size: Size,
    planes: [Plane; 3],
}

/// One component of a picture, without gaps between rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plane {
    width: usize,
    height: usize,
    samples: Vec<u8>,
}

impl Picture {
    /// A black picture.
    pub fn new(size: Size) -> Self {
        let mut picture = Self::default();
        picture.resize(size);
        picture.fill(Rect::of(size), Color::BLACK);
        picture
    }

    /// Changes the size and keeps the memory; what is shown then is not defined.
    pub fn resize(&mut self, size: Size) {
        self.size = size;
        let (width, height) = (size.width as usize, size.height as usize);
        let [y, u, v] = &mut self.planes;
        y.resize(width, height);
        u.resize(width.div_ceil(2), height.div_ceil(2));
        v.resize(width.div_ceil(2), height.div_ceil(2));
    }

    /// How large it is.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Brightness, blueness and redness; the latter two are half as wide and high, rounded up.
    pub fn planes(&self) -> &[Plane; 3] {
        &self.planes
    }

    /// The same, to be drawn upon.
    pub fn planes_mut(&mut self) -> &mut [Plane; 3] {
        &mut self.planes
    }

    /// Fills a place, as much of it as there is.
    pub fn fill(&mut self, place: Rect, color: Color) {
        let place = place.clipped(self.size);
        let values = [color.y, color.u, color.v];
        for (index, (plane, value)) in self.planes.iter_mut().zip(values).enumerate() {
            let mut window = plane.window_mut(part_of_plane(index, place));
            (0..window.height).for_each(|row| window.row_mut(row).fill(value));
        }
    }

    /// Copies another picture to where its upper left corner is at (`x`, `y`), which are even; as
    /// much of it as there is room for.
    pub fn blit(&mut self, source: &Self, x: u32, y: u32) {
        let is_even = x.is_multiple_of(2) && y.is_multiple_of(2);
        debug_assert!(is_even, "chroma between two samples");
        let place = Rect::new(x, y, source.size.width, source.size.height).clipped(self.size);
        for (index, (plane, from)) in self.planes.iter_mut().zip(&source.planes).enumerate() {
            let mut window = plane.window_mut(part_of_plane(index, place));
            for row in 0..window.height {
                let target = window.row_mut(row);
                target.copy_from_slice(&from.row(row)[..target.len()]);
            }
        }
    }
}

impl Plane {
    /// Samples across.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Samples down.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All samples, row by row.
    pub fn samples(&self) -> &[u8] {
        &self.samples
    }

    /// The samples of a row.
    pub fn row(&self, row: usize) -> &[u8] {
        &self.samples[row * self.width..][..self.width]
    }

    /// Copies rows that are `stride` bytes apart.
    pub(crate) fn copy_from(&mut self, rows: &[u8], stride: usize) {
        let targets = self.samples.chunks_exact_mut(self.width.max(1));
        for (target, row) in targets.zip(rows.chunks(stride.max(1))) {
            target.copy_from_slice(&row[..target.len()]);
        }
    }

    pub(super) fn resize(&mut self, width: usize, height: usize) {
        (self.width, self.height) = (width, height);
        self.samples.resize(width * height, 0);
    }

    /// A part, in samples of this plane; it must be inside.
    pub(super) fn window(&self, part: Part) -> Window<'_> {
        let part = part.or_none();
        let end = part.end(self.width);
        let start = (part.y * self.width + part.x).min(end);
        Window {
            samples: &self.samples[start..end],
            stride: self.width,
            width: part.width,
            height: part.height,
        }
    }

    /// A part to be drawn upon, in samples of this plane; it must be inside.
    pub(super) fn window_mut(&mut self, part: Part) -> WindowMut<'_> {
        let part = part.or_none();
        let end = part.end(self.width);
        let start = (part.y * self.width + part.x).min(end);
        WindowMut {
            samples: &mut self.samples[start..end],
            stride: self.width,
            width: part.width,
            height: part.height,
        }
    }
}

/// A part of a plane, in its samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Part {
    /// Without rows if there is nothing in them.
    fn or_none(self) -> Self {
        let height = if self.width == 0 { 0 } else { self.height };
        Self { height, ..self }
    }

    /// Behind its last sample.
    fn end(self, stride: usize) -> usize {
        match self.height.checked_sub(1) {
            Some(last) => (self.y + last) * stride + self.x + self.width,
            None => 0,
        }
    }
}

/// What a place on a picture is on one of its planes. Its corner is even; a half sample at the end
/// counts as a whole.
pub(super) fn part_of_plane(plane: usize, place: Rect) -> Part {
    let [x, y, width, height] = [place.x, place.y, place.width, place.height].map(|px| px as usize);
    if plane == 0 {
        return Part {
            x,
            y,
            width,
            height,
        };
    }
    Part {
        x: x / 2,
        y: y / 2,
        width: width.div_ceil(2),
        height: height.div_ceil(2),
    }
}

/// A part of a plane's samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    samples: &'a [u8],
    stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl<'a> Window<'a> {
    pub(super) fn row(&self, row: usize) -> &'a [u8] {
        &self.samples[row * self.stride..][..self.width]
    }
}

/// A part of a plane's samples, to be drawn upon.
#[derive(Debug)]
pub(super) struct WindowMut<'a> {
    samples: &'a mut [u8],
    stride: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl WindowMut<'_> {
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [u8] {
        &mut self.samples[row * self.stride..][..self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_sizes_have_chroma_for_the_last_pixel() {
        let picture = Picture::new(Size::new(7, 5));

        let sizes = picture
            .planes()
            .each_ref()
            .map(|plane| (plane.width(), plane.height()));
        assert_eq!(sizes, [(7, 5), (4, 3), (4, 3)]);
    }

    #[test]
    fn fills_and_blits_stay_inside() {
        let mut canvas = Picture::new(Size::new(8, 6));
        let mut tile = Picture::new(Size::new(4, 4));
        tile.fill(Rect::new(0, 0, 99, 99), Color::WHITE);

        canvas.blit(&tile, 6, 4);
        canvas.fill(Rect::new(100, 0, 10, 10), Color::WHITE);

        let white = canvas.planes()[0].samples().iter().filter(|&&y| y == 235);
        assert_eq!(white.count(), 4);
        assert_eq!(canvas.planes()[0].row(5)[6..], [235, 235]);
    }
}
