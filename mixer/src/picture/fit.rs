//! How a picture comes into a place of another shape.

use serde::{Deserialize, Serialize};

use super::{Rect, Size};

/// What is done about another shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Fills the place and cuts off what is outside, for cameras; unless that were more than half
    /// of the picture, as of an upright telephone: then like [`Fit::Contain`].
    Fill,
    /// Shows all of the picture, with bars at two sides.
    Contain,
}

/// What is shown of a picture, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// The part of the picture.
    pub part: Rect,
    /// Where it is shown.
    pub place: Rect,
}

impl Fit {
    /// Where a picture goes. Both the picture's part and its place begin at even pixels.
    pub fn place(self, picture: Size, region: Rect) -> Placement {
        let all = Placement {
            part: Rect::of(picture),
            place: region,
        };
        if picture.is_empty() || region.size().is_empty() || is_nearly_as(picture, region.size()) {
            return all;
        }
        let shown = picture.scaled(region.size(), false);
        let is_half = 2 * shown.width >= picture.width && 2 * shown.height >= picture.height;
        if self == Self::Fill && is_half {
            let part = Rect::of(picture).centered(shown);
            return Placement { part, ..all };
        }
        let inner = region.size().scaled(picture, false);
        let even = |side: u32, most: u32| (side.next_multiple_of(2)).min(most).max(1);
        let inner = Size {
            width: even(inner.width, region.width),
            height: even(inner.height, region.height),
        };
        Placement {
            place: region.centered(inner),
            ..all
        }
    }
}

/// Whether the shapes are so much alike that nobody sees one stretched into the other: within a
/// fiftieth, for places that had to become even, and pictures whose encoder rounded.
fn is_nearly_as(picture: Size, region: Size) -> bool {
    let a = u64::from(picture.width) * u64::from(region.height);
    let b = u64::from(picture.height) * u64::from(region.width);
    a.abs_diff(b) * 50 <= a.max(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_of_another_shape_is_cut() {
        let place = Rect::new(10, 20, 426, 240);

        let placement = Fit::Fill.place(Size::new(640, 480), place);

        assert_eq!(placement.part, Rect::new(0, 58, 640, 361));
        assert_eq!(placement.place, place);
    }

    #[test]
    fn a_share_is_shown_with_bars() {
        let placement = Fit::Contain.place(Size::new(1600, 1200), Rect::new(0, 0, 1280, 720));

        assert_eq!(placement.part, Rect::new(0, 0, 1600, 1200));
        assert_eq!(placement.place, Rect::new(160, 0, 960, 720));
    }

    #[test]
    fn an_upright_telephone_is_not_cut_to_a_stripe() {
        let place = Rect::new(0, 0, 640, 360);

        let placement = Fit::Fill.place(Size::new(720, 1280), place);

        assert_eq!(placement.place, Rect::new(218, 0, 204, 360));
        assert_eq!(placement.part, Rect::new(0, 0, 720, 1280));
    }

    #[test]
    fn nearly_the_same_shape_is_stretched() {
        let place = Rect::new(0, 0, 418, 234);

        let placement = Fit::Fill.place(Size::new(640, 360), place);

        assert_eq!(placement.part, Rect::new(0, 0, 640, 360));
        assert_eq!(placement.place, place);
    }
}
