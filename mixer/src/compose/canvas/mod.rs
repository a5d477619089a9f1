//! The composite.

use super::badge::Badge;
use crate::layout::{Source, SourceKind, Tile, Video};
use crate::picture::label::Labels;
use crate::picture::{
    Color, Mask, Picture, Placer, Rect, Rotation, Size, blend, draw_avatar, reconnecting_icon,
};

/// The newest picture of a source.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The picture.
    pub picture: &'a Picture,
    /// How far to turn it.
    pub rotation: Rotation,
    /// Another number for every picture of the source.
    pub generation: u64,
    /// When it was taken, in microseconds.
    pub pts_us: i64,
}

/// Draws tiles, those only that have changed.
#[derive(Debug)]
pub struct Canvas {
    picture: Picture,
    placer: Placer,
    labels: Labels,
    drawn: Vec<Drawn>,
}

/// What is on the canvas for a tile.
#[derive(Debug)]
struct Drawn {
    tile: Tile,
    look: Look,
    badge: Option<Badge>,
}

/// What of a source is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Picture { generation: u64, rotation: Rotation },
    Avatar,
    Interrupted,
}

impl Canvas {
    /// An empty canvas; its sides are even.
    pub fn new(size: Size) -> Self {
        let is_even = size.width.is_multiple_of(2) && size.height.is_multiple_of(2);
        debug_assert!(is_even, "odd canvas");
        let mut picture = Picture::new(size);
        picture.fill(Rect::of(size), BACKGROUND);
        Self {
            picture,
            placer: Placer::default(),
            labels: Labels::default(),
            drawn: Vec::new(),
        }
    }

    /// What has been drawn.
    pub fn picture(&self) -> &Picture {
        &self.picture
    }

    /// What the tiles are that have been drawn.
    pub fn tiles(&self) -> impl Iterator<Item = &Tile> {
        self.drawn.iter().map(|drawn| &drawn.tile)
    }

    /// Draws how the room looks at a time, from `frames`, which has the newest picture of a source
    /// that is not after it. Tells whether anything has changed.
    ///
    /// A camera that gives no more pictures is shown with its last for two seconds; a screen for
    /// good, because one that does not change sends nothing.
    pub fn draw<'a>(
        &mut self,
        at_us: i64,
        tiles: &[Tile],
        frames: &dyn Fn(&Source) -> Option<Frame<'a>>,
    ) -> bool {
        let before = std::mem::take(&mut self.drawn);
        let places = |drawn: &Drawn| (drawn.tile.region, drawn.tile.z);
        let stays = before
            .iter()
            .map(places)
            .eq(tiles.iter().map(|tile| (tile.region, tile.z)));
        if !stays {
            let all = Rect::of(self.picture.size());
            self.picture.fill(all, BACKGROUND);
        }
        let mut redrawn: Vec<Rect> = Vec::new();
        let mut before = before.into_iter();
        for tile in tiles {
            let frame = frames(&tile.source);
            let look = Look::of(tile, at_us, frame.as_ref());
            let old = before.next().filter(|_| stays);
            let is_new = !old
                .as_ref()
                .is_some_and(|old| old.tile == *tile && old.look == look);
            let is_hurt = redrawn.iter().any(|region| region.overlaps(tile.region));
            let badge = self.badge(tile, old);
            if is_new || is_hurt {
                self.draw_tile(tile, look, frame, badge.as_ref());
                redrawn.push(tile.region);
            }
            let tile = tile.clone();
            self.drawn.push(Drawn { tile, look, badge });
        }
        !stays || !redrawn.is_empty()
    }

    /// The badge of a tile, the old one if that still does.
    fn badge(&mut self, tile: &Tile, old: Option<Drawn>) -> Option<Badge> {
        let words = |tile: &Tile| (tile.shows_name, tile.shows_mute);
        match old {
            Some(old) if words(&old.tile) == words(tile) && old.tile.name == tile.name => old.badge,
            Some(_) | None => Badge::new(tile, self.picture.size(), &mut self.labels),
        }
    }

    fn draw_tile(
        &mut self,
        tile: &Tile,
        look: Look,
        frame: Option<Frame<'_>>,
        badge: Option<&Badge>,
    ) {
        match (look, frame) {
            (Look::Picture { rotation, .. }, Some(frame)) => {
                let shown = rotation.apply(frame.picture.size());
                if tile.fit.place(shown, tile.region).place != tile.region {
                    self.picture.fill(tile.region, TILE_COLOR);
                }
                let (picture, canvas) = (frame.picture, &mut self.picture);
                self.placer
                    .draw(canvas, picture, rotation, tile.fit, tile.region);
            }
            (Look::Interrupted, _) => {
                // The letters would be under the sign.
                self.draw_avatar(tile, "", DIM);
                self.draw_interruption(tile);
            }
            (Look::Avatar | Look::Picture { .. }, _) => self.draw_avatar(tile, &tile.name, 255),
        }
        if let Some(badge) = badge {
            badge.draw(tile, &mut self.picture);
        }
        if tile.is_speaking {
            self.draw_frame(tile.region);
        }
    }

    fn draw_frame(&mut self, region: Rect) {
        let size = self.picture.size();
        let line = (size.width.min(size.height) / 180).next_multiple_of(2);
        let Rect {
            x,
            y,
            width,
            height,
        } = region;
        if width <= 2 * line || height <= 2 * line {
            return;
        }
        let (right, bottom) = (x + width - line, y + height - line);
        for side in [
            Rect::new(x, y, width, line),
            Rect::new(x, bottom, width, line),
            Rect::new(x, y, line, height),
            Rect::new(right, y, line, height),
        ] {
            self.picture.fill(side, SPEAKING_COLOR);
        }
    }

    fn draw_avatar(&mut self, tile: &Tile, name: &str, opacity: u8) {
        let (region, identity) = (tile.region, tile.source.identity.as_str());
        self.picture.fill(region, TILE_COLOR);
        let (canvas, labels) = (&mut self.picture, &mut self.labels);
        draw_avatar(canvas, region, identity, name, opacity, labels);
    }

    fn draw_interruption(&mut self, tile: &Tile) {
        let region = tile.region;
        let side = (region.width.min(region.height) / 4) & !1;
        let icon: Mask = reconnecting_icon(side);
        let x = region.x + (region.width - side) / 2;
        let y = region.y + (region.height - side) / 2;
        let at = (x as i32, y as i32);
        blend(&mut self.picture, &icon, at, Color::WHITE, 255);
    }
}

impl Look {
    fn of(tile: &Tile, at_us: i64, frame: Option<&Frame<'_>>) -> Self {
        let is_screen = tile.source.kind == SourceKind::Share;
        let is_late = |frame: &Frame<'_>| at_us.saturating_sub(frame.pts_us) > HOLD_US;
        let picture = frame
            .filter(|frame| !frame.picture.size().is_empty() && (is_screen || !is_late(frame)))
            .map(|frame| Self::Picture {
                generation: frame.generation,
                rotation: frame.rotation,
            });
        match tile.video {
            Video::Off => Self::Avatar,
            Video::On if frame.is_none() => Self::Avatar,
            Video::On | Video::Interrupted => picture.unwrap_or(Self::Interrupted),
        }
    }
}

/// How long the last picture of a camera stands still before it is taken for lost, in microseconds.
const HOLD_US: i64 = 2_000_000;
/// How much is left of an avatar whose owner is not there, of 255.
const DIM: u8 = 90;

const BACKGROUND: Color = Color::rgb(0x13_1416);
const TILE_COLOR: Color = Color::rgb(0x26_282c);
const SPEAKING_COLOR: Color = Color::rgb(0x4c_9aff);

#[cfg(test)]
mod tests;
