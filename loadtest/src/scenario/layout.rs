//! Who watches whom, at which size.

use serde::{Deserialize, Serialize};

/// A window a participant looks at, as people know them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Layout {
    /// Hears everybody, sees nobody.
    #[default]
    #[serde(rename = "none")]
    #[value(name = "none")]
    None,
    /// The one who speaks large, five others in a strip.
    #[serde(rename = "speaker")]
    #[value(name = "speaker")]
    Speaker,
    /// Nine tiles.
    #[serde(rename = "3x3")]
    #[value(name = "3x3")]
    Grid3,
    /// Sixteen tiles.
    #[serde(rename = "4x4")]
    #[value(name = "4x4")]
    Grid4,
    /// Twenty-five tiles.
    #[serde(rename = "5x5")]
    #[value(name = "5x5")]
    Grid5,
    /// Everybody, as large as they come.
    #[serde(rename = "all")]
    #[value(name = "all")]
    All,
}

/// A place for one picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

impl Tile {
    const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }
}

/// Pictures of the strip beside the one who speaks.
const STRIP: usize = 5;

impl Layout {
    /// The tile of the `place`-th camera in a window of 1,280 by 720; nothing for those not shown.
    /// Place 0 is the one who speaks.
    pub fn tile(self, place: usize) -> Option<Tile> {
        let grid = |side: usize| {
            let tile = Tile::new(1280 / side as u32, 720 / side as u32);
            (place < side * side).then_some(tile)
        };
        match self {
            Self::None => None,
            Self::Speaker if place == 0 => Some(Tile::new(1280, 720)),
            Self::Speaker => (place <= STRIP).then_some(Tile::new(256, 144)),
            Self::Grid3 => grid(3),
            Self::Grid4 => grid(4),
            Self::Grid5 => grid(5),
            Self::All => Some(Tile::new(1280, 720)),
        }
    }

    /// Number of cameras shown of so many.
    pub fn shown(self, cameras: usize) -> usize {
        (0..cameras)
            .take_while(|place| self.tile(*place).is_some())
            .count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speaker_is_large_and_five_are_beside() {
        let tiles: Vec<_> = (0..8)
            .filter_map(|place| Layout::Speaker.tile(place))
            .collect();

        assert_eq!(tiles[0], Tile::new(1280, 720));
        assert_eq!(tiles.len(), 6);
        assert!(tiles[1..].iter().all(|tile| *tile == Tile::new(256, 144)));
    }

    #[test]
    fn a_grid_shows_no_more_than_its_tiles() {
        assert_eq!(Layout::Grid3.shown(50), 9);
        assert_eq!(Layout::Grid4.shown(50), 16);
        assert_eq!(Layout::Grid5.shown(7), 7);
        assert_eq!(Layout::All.shown(50), 50);
        assert_eq!(Layout::None.shown(50), 0);
    }
}
