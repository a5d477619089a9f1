//! Layouts that somebody else has drawn.

use serde::{Deserialize, Serialize};

use super::limits::{MAX_GRID_TILES, MAX_REGIONS};
use crate::picture::{Fit, Rect, Size};

/// Regions that can be shown; in JSON a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Region>", into = "Vec<Region>")]
pub struct CustomLayout(Vec<Region>);

/// A place for one source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Left edge, as a fraction of the width.
    pub x: f64,
    /// Upper edge, as a fraction of the height.
    pub y: f64,
    /// Width, as a fraction.
    pub w: f64,
    /// Height, as a fraction.
    pub h: f64,
    /// Regions of more are before those of less; of as much, later ones before earlier ones.
    #[serde(default)]
    pub z: i32,
    /// What is shown. A region whose source is not there is empty.
    pub source: Selector,
    /// What is done about other shapes; if not said, cameras fill and screens are shown whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
}

/// Who or what is shown in a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selector {
    /// The camera of the participant with this identity.
    Identity(String),
    /// The camera of somebody, who keeps the place until leaving; counted from 0.
    Slot(usize),
    /// The camera of who speaks.
    ActiveSpeaker,
    /// The screen whose sharing began last.
    ScreenShare,
    /// The screens in the order their sharing began, counted from 0.
    Share(usize),
}

/// Why a custom layout is not used, and what to change.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CustomLayoutError {
    /// The list is empty.
    #[error("a custom layout needs at least one region")]
    NoRegion,
    /// The list is too long.
    #[error("a custom layout has at most {MAX_REGIONS} regions, not {0}")]
    TooManyRegions(usize),
    /// A number is not a fraction.
    #[error("region {region}: {field} is {value}; use a fraction from 0 to 1")]
    NotAFraction {
        /// Which region, from 0.
        region: usize,
        /// Which field of it.
        field: &'static str,
        /// What it is.
        value: f64,
    },
    /// A region is too small to be seen.
    #[error("region {region}: {field} is {value}; use at least {MIN_SIDE}")]
    TooSmall {
        /// Which region, from 0.
        region: usize,
        /// Which field of it.
        field: &'static str,
        /// What it is.
        value: f64,
    },
    /// A region hangs over an edge.
    #[error("region {region}: {sum} is {value}; make it 1 or less")]
    Outside {
        /// Which region, from 0.
        region: usize,
        /// Which sum is too large.
        sum: &'static str,
        /// What it is.
        value: f64,
    },
    /// There will never be such a slot.
    #[error("region {region}: slots and shares go from 0 to {}, not {number}", MAX_GRID_TILES - 1)]
    NoSuchNumber {
        /// Which region, from 0.
        region: usize,
        /// The number.
        number: usize,
    },
}

impl CustomLayout {
    /// The regions.
    pub fn regions(&self) -> &[Region] {
        &self.0
    }
}

impl TryFrom<Vec<Region>> for CustomLayout {
    type Error = CustomLayoutError;

    fn try_from(regions: Vec<Region>) -> Result<Self, CustomLayoutError> {
        if regions.is_empty() {
            return Err(CustomLayoutError::NoRegion);
        }
        if regions.len() > MAX_REGIONS {
            return Err(CustomLayoutError::TooManyRegions(regions.len()));
        }
        for (index, region) in regions.iter().enumerate() {
            region.check(index)?;
        }
        Ok(Self(regions))
    }
}

impl From<CustomLayout> for Vec<Region> {
    fn from(layout: CustomLayout) -> Self {
        layout.0
    }
}

impl Region {
    /// Where it is on a picture. Regions that touch still do.
    pub(super) fn pixels(&self, canvas: Size) -> Rect {
        let even = |fraction: f64, side: u32| {
            let half = (fraction * f64::from(side) / 2.0).round();
            (half as u32 * 2).min(side)
        };
        let (left, right) = (
            even(self.x, canvas.width),
            even(self.x + self.w, canvas.width),
        );
        let (top, bottom) = (
            even(self.y, canvas.height),
            even(self.y + self.h, canvas.height),
        );
        Rect::new(left, top, right - left, bottom - top)
    }

    fn check(&self, region: usize) -> Result<(), CustomLayoutError> {
        let fields = [("x", self.x), ("y", self.y), ("w", self.w), ("h", self.h)];
        for (field, value) in fields {
            if !(0.0..=1.0).contains(&value) {
                return Err(CustomLayoutError::NotAFraction {
                    region,
                    field,
                    value,
                });
            }
        }
        for (field, value) in [("w", self.w), ("h", self.h)] {
            if value < MIN_SIDE {
                return Err(CustomLayoutError::TooSmall {
                    region,
                    field,
                    value,
                });
            }
        }
        for (sum, value) in [("x + w", self.x + self.w), ("y + h", self.y + self.h)] {
            if value > 1.0 + ROUNDING {
                return Err(CustomLayoutError::Outside { region, sum, value });
            }
        }
        match self.source {
            Selector::Slot(number) | Selector::Share(number) if number >= MAX_GRID_TILES => {
                Err(CustomLayoutError::NoSuchNumber { region, number })
            }
            Selector::Slot(_)
            | Selector::Share(_)
            | Selector::Identity(_)
            | Selector::ActiveSpeaker
            | Selector::ScreenShare => Ok(()),
        }
    }
}

/// Smallest width and height of a region: at 720p a camera of that size is a spot of 26x14.
const MIN_SIDE: f64 = 0.02;
/// What thirds written with a few digits may be too much.
const ROUNDING: f64 = 0.001;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirds_cover_everything() {
        let region = |x| Region {
            x,
            y: 0.0,
            w: 1.0 / 3.0,
            h: 1.0,
            z: 0,
            source: Selector::Slot(0),
            fit: None,
        };
        let canvas = Size::new(1280, 720);

        let places = [0.0, 1.0 / 3.0, 2.0 / 3.0].map(|x| region(x).pixels(canvas));

        let edges = places.map(|place| (place.x, place.x + place.width));
        assert_eq!(edges, [(0, 426), (426, 854), (854, 1280)]);
    }

    #[test]
    fn a_layout_comes_back_from_json() {
        let json = r#"[{"x":0.0,"y":0.0,"w":1.0,"h":1.0,"z":0,"source":"screen_share"},
            {"x":0.75,"y":0.75,"w":0.25,"h":0.25,"z":1,"source":{"identity":"ann"},"fit":"fill"}]"#;

        let layout: CustomLayout = serde_json::from_str(json).expect("a layout");

        assert_eq!(layout.regions()[1].source, Selector::Identity("ann".into()));
        let again = serde_json::to_string(&layout).expect("JSON");
        assert_eq!(
            serde_json::from_str::<CustomLayout>(&again).expect("a layout"),
            layout
        );
    }

    #[test]
    fn errors_say_what_to_change() {
        let region = Region {
            x: 0.0,
            y: 0.0,
            w: 1.0,
            h: 1.0,
            z: 0,
            source: Selector::Slot(0),
            fit: None,
        };
        let error = |region: Region| CustomLayout::try_from(vec![region]).map(drop);
        let (field, value) = ("x", f64::NAN);
        let wrong = error(Region {
            x: value,
            ..region.clone()
        });
        assert!(
            matches!(
                wrong,
                Err(CustomLayoutError::NotAFraction { field: "x", .. })
            ),
            "{field}"
        );
        let wrong = error(Region {
            h: 0.0,
            ..region.clone()
        });
        assert_eq!(
            wrong.expect_err("too small").to_string(),
            "region 0: h is 0; use at least 0.02"
        );
        let source = Selector::Share(25);
        let wrong = error(Region { source, ..region });
        assert_eq!(
            wrong.expect_err("no such share").to_string(),
            "region 0: slots and shares go from 0 to 24, not 25"
        );
    }
}
