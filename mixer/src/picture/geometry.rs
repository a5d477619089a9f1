//! Sizes, places and turns, in pixels.

/// How large something is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Size {
    /// So many pixels across and down.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Whether there is nothing of it.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The largest of the shape of `shape` that fits inside, or the smallest that covers it.
    pub(super) fn scaled(self, shape: Self, covers: bool) -> Self {
        let (width, height) = (u64::from(shape.width), u64::from(shape.height));
        let by_width = u64::from(self.width) * height;
        let by_height = u64::from(self.height) * width;
        let divide = |product: u64, by: u64| {
            u32::try_from((product + by / 2) / by.max(1)).unwrap_or(u32::MAX)
        };
        if (by_width <= by_height) == covers {
            Self::new(divide(by_height, height), self.height)
        } else {
            Self::new(self.width, divide(by_width, width))
        }
    }
}

/// A place on a picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Pixels left of it.
    pub x: u32,
    /// Pixels above it.
    pub y: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Rect {
    /// A place by its upper left corner and its size.
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// All of a picture.
    pub const fn of(size: Size) -> Self {
        Self::new(0, 0, size.width, size.height)
    }

    /// How large it is.
    pub const fn size(self) -> Size {
        Size::new(self.width, self.height)
    }

    /// What is left of it inside of a picture.
    pub fn clipped(self, size: Size) -> Self {
        let (x, y) = (self.x.min(size.width), self.y.min(size.height));
        Self {
            x,
            y,
            width: self.width.min(size.width - x),
            height: self.height.min(size.height - y),
        }
    }

    /// Whether the two share a pixel.
    pub fn overlaps(self, other: Self) -> bool {
        let meet = |a, a_len, b, b_len| u64::from(a) < b + b_len && b < u64::from(a) + a_len;
        let wide = |number: u32| u64::from(number);
        meet(self.x, wide(self.width), wide(other.x), wide(other.width))
            && meet(self.y, wide(self.height), wide(other.y), wide(other.height))
    }

    /// A place of that size in the middle of this one, as even as chroma needs it.
    pub(super) fn centered(self, size: Size) -> Self {
        let start =
            |start: u32, len: u32, inner: u32| start + ((len.saturating_sub(inner) / 2) & !1);
        Self {
            x: start(self.x, self.width, size.width),
            y: start(self.y, self.height, size.height),
            width: size.width,
            height: size.height,
        }
    }
}

/// How far to turn a picture clockwise before it is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// By 90 degrees.
    Quarter,
    /// By 180 degrees.
    Half,
    /// By 270 degrees.
    ThreeQuarters,
}

impl Rotation {
    /// A size before or after the turn, from the other.
    pub const fn apply(self, size: Size) -> Size {
        match self {
            Self::None | Self::Half => size,
            Self::Quarter | Self::ThreeQuarters => Size::new(size.height, size.width),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_scaled_into_or_over_a_size() {
        let size = Size::new(426, 240);

        assert_eq!(size.scaled(Size::new(4, 3), false), Size::new(320, 240));
        assert_eq!(size.scaled(Size::new(4, 3), true), Size::new(426, 320));
        assert_eq!(size.scaled(Size::new(1920, 400), false), Size::new(426, 89));
    }

    #[test]
    fn places_that_touch_do_not_overlap() {
        let left = Rect::new(0, 0, 10, 10);

        assert!(!left.overlaps(Rect::new(10, 0, 10, 10)));
        assert!(left.overlaps(Rect::new(9, 9, 10, 10)));
        assert!(!left.overlaps(Rect::new(u32::MAX, 0, u32::MAX, 10)));
    }
}
