//! The name in the corner of a tile.

use std::sync::Arc;

use crate::layout::Tile;
use crate::picture::label::Labels;
use crate::picture::{Color, Mask, Picture, Size, blend, mute_icon};

/// A name on a dark plate, with a sign before it if the microphone is off.
#[derive(Debug, Clone)]
pub(super) struct Badge {
    plate: Arc<Mask>,
    name: Arc<Mask>,
    icon: Option<Arc<Mask>>,
    /// Of the plate, from the left and the upper edge of the tile.
    offset: (u32, u32),
    padding: u32,
}

impl Badge {
    /// The badge of a tile; `None` if there is nothing to say, or no room to say it.
    pub(super) fn new(tile: &Tile, canvas: Size, labels: &mut Labels) -> Option<Self> {
        let region = tile.region.size();
        let font_px = (canvas.width.min(canvas.height) / 40).min(region.height / 7);
        if font_px < MIN_FONT_PX || !(tile.shows_name || tile.shows_mute) {
            return None;
        }
        let (padding, margin) = (font_px / 2, (font_px / 2) & !1);
        let icon_side = font_px * 6 / 5;
        let icon_room = if tile.shows_mute {
            icon_side + font_px / 4
        } else {
            0
        };
        let taken = 2 * (padding + margin) + icon_room;
        let name = if tile.shows_name { &*tile.name } else { "" };
        let name = labels.text(name, font_px, region.width.checked_sub(taken)?);
        let text_width = name.size().width;
        if text_width + icon_room == 0 {
            return None;
        }
        // Without a name, the icon needs no space behind it.
        let inside = if text_width == 0 {
            icon_side
        } else {
            text_width + icon_room
        };
        let height = (name.size().height + font_px / 4).max(icon_side);
        let size = Size::new(inside + 2 * padding, height.next_multiple_of(2));
        Some(Self {
            plate: Arc::new(Mask::plate(size, font_px / 3)),
            icon: tile.shows_mute.then(|| Arc::new(mute_icon(icon_side))),
            name,
            offset: (margin, region.height.checked_sub(size.height + margin)?),
            padding,
        })
    }

    /// Draws it onto its tile.
    pub(super) fn draw(&self, tile: &Tile, canvas: &mut Picture) {
        let x = (tile.region.x + self.offset.0) as i32;
        let y = (tile.region.y + self.offset.1) as i32;
        blend(canvas, &self.plate, (x, y), Color::BLACK, PLATE_OPACITY);
        let in_middle =
            |mask: &Mask| y + (self.plate.size().height - mask.size().height) as i32 / 2;
        let left = x + self.padding as i32;
        if let Some(icon) = &self.icon {
            blend(canvas, icon, (left, in_middle(icon)), MUTE_COLOR, 255);
        }
        let right = x + (self.plate.size().width - self.padding - self.name.size().width) as i32;
        blend(
            canvas,
            &self.name,
            (right, in_middle(&self.name)),
            Color::WHITE,
            255,
        );
    }
}

/// Smallest letters, in pixels.
const MIN_FONT_PX: u32 = 9;
/// How dark the plate makes what is behind it, of 255.
const PLATE_OPACITY: u8 = 150;
const MUTE_COLOR: Color = Color::rgb(0xff_8a80);
