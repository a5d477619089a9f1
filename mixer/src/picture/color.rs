//! Colours.

/// A colour as a picture has it: BT.601 in the narrow range, like what cameras send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Color {
    /// Brightness.
    pub y: u8,
    /// Blueness.
    pub u: u8,
    /// Redness.
    pub v: u8,
}

impl Color {
    /// From red, green and blue, as the web writes them: `0xRRGGBB`.
    pub const fn rgb(rgb: u32) -> Self {
        let [_, r, g, b] = rgb.to_be_bytes();
        let (r, g, b) = (r as i32, g as i32, b as i32);
        // BT.601, in 256ths.
        Self {
            y: (((66 * r + 129 * g + 25 * b + 128) >> 8) + 16) as u8,
            u: (((-38 * r - 74 * g + 112 * b + 128) >> 8) + 128) as u8,
            v: (((112 * r - 94 * g - 18 * b + 128) >> 8) + 128) as u8,
        }
    }

    /// Black.
    pub const BLACK: Self = Self::rgb(0x00_0000);
    /// White.
    pub const WHITE: Self = Self::rgb(0xff_ffff);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greys_have_no_chroma() {
        assert_eq!((Color::BLACK.y, Color::WHITE.y), (16, 235));
        for grey in [0x00_0000, 0x80_8080, 0xff_ffff] {
            let Color { u, v, .. } = Color::rgb(grey);
            assert_eq!((u, v), (128, 128));
        }
    }
}
