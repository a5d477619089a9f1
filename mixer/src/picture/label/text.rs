//! Lines of text as masks.

use std::fmt;

use cosmic_text::{
    Attrs, Buffer, Ellipsize, EllipsizeHeightLimit, Family, FontSystem, LayoutRun, Metrics,
    PhysicalGlyph, Shaping, SwashCache, SwashContent, Wrap,
};

use super::fonts;
use crate::picture::{Mask, Size};

/// Turns text into masks.
pub(super) struct Typesetter {
    fonts: FontSystem,
    glyphs: SwashCache,
}

impl Typesetter {
    pub(super) fn new() -> Self {
        Self {
            fonts: fonts::load(),
            glyphs: SwashCache::new(),
        }
    }

    /// One line, in letters of that size, not wider than `max_width`.
    pub(super) fn line(&mut self, text: &str, font_px: u32, max_width: u32) -> Mask {
        let buffer = self.layout(text, font_px, max_width);
        let line_height = line_height(font_px);
        let Some(run) = buffer.layout_runs().next() else {
            return Mask::new(Size::new(0, line_height));
        };
        let (left, right) = extent(&run);
        // A pixel at each side for what letters hang over their places.
        let width = ((right - left).ceil() as u32 + 2).min(max_width);
        let mut mask = Mask::new(Size::new(width, line_height));
        for glyph in run.glyphs {
            let glyph = glyph.physical((1.0 - left, run.line_y), 1.0);
            self.draw(&glyph, &mut mask);
        }
        mask
    }

    /// How many glyphs of a text no font has.
    #[cfg(test)]
    pub(super) fn missing(&mut self, text: &str) -> usize {
        let buffer = self.layout(text, 20, 4_000);
        let runs = buffer.layout_runs();
        runs.flat_map(|run| run.glyphs)
            .filter(|glyph| glyph.glyph_id == 0)
            .count()
    }

    fn layout(&mut self, text: &str, font_px: u32, max_width: u32) -> Buffer {
        let metrics = Metrics::new(font_px as f32, line_height(font_px) as f32);
        let mut buffer = Buffer::new(&mut self.fonts, metrics);
        buffer.set_wrap(Wrap::None);
        buffer.set_ellipsize(Ellipsize::End(EllipsizeHeightLimit::Lines(1)));
        // Two pixels less, for what letters hang over.
        buffer.set_size(Some(max_width.saturating_sub(2) as f32), None);
        let attrs = Attrs::new().family(Family::Name(fonts::FAMILY));
        buffer.set_text(text, &attrs, Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.fonts, false);
        buffer
    }

    fn draw(&mut self, glyph: &PhysicalGlyph, mask: &mut Mask) {
        let image = self
            .glyphs
            .get_image_uncached(&mut self.fonts, glyph.cache_key);
        let Some(image) = image.filter(|image| image.content == SwashContent::Mask) else {
            return;
        };
        let (left, top) = (
            glyph.x + image.placement.left,
            glyph.y - image.placement.top,
        );
        let rows = image
            .data
            .chunks_exact(image.placement.width.max(1) as usize);
        for (row, y) in rows.zip(top..) {
            for (&alpha, x) in row.iter().zip(left..) {
                mask.add(x, y, alpha);
            }
        }
    }
}

impl fmt::Debug for Typesetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typesetter").finish_non_exhaustive()
    }
}

/// Where a line begins and ends; text that runs to the left begins at the far end of its place.
fn extent(run: &LayoutRun<'_>) -> (f32, f32) {
    let left = run.glyphs.iter().map(|glyph| glyph.x);
    let right = run.glyphs.iter().map(|glyph| glyph.x + glyph.w);
    let (left, right) = (left.reduce(f32::min), right.reduce(f32::max));
    (left.unwrap_or_default(), right.unwrap_or_default())
}

/// High enough for marks above and below, of every script.
fn line_height(font_px: u32) -> u32 {
    (font_px * 27).div_ceil(20)
}
