//! What is shown of somebody without a picture.

use super::label::Labels;
use super::{Color, Mask, Picture, Rect, blend};

/// Draws a disc with the initials of a name into the middle of a region. The colour depends on
/// `identity` alone. Less opaque, of 255, is for who is not there at the moment.
pub fn draw_avatar(
    canvas: &mut Picture,
    region: Rect,
    identity: &str,
    name: &str,
    opacity: u8,
    labels: &mut Labels,
) {
    let diameter = (region.width.min(region.height) * 2 / 5) & !1;
    if diameter < MIN_DIAMETER {
        return;
    }
    let place = |width: u32, height: u32| {
        let middle =
            |start: u32, len: u32, inner: u32| start as i32 + (len as i32 - inner as i32) / 2;
        let x = middle(region.x, region.width, width);
        (x, middle(region.y, region.height, height))
    };
    let disc = Mask::disc(diameter);
    let at = place(diameter, diameter);
    blend(canvas, &disc, at, color_of(identity), opacity);
    let text = labels.text(&initials(name), diameter * 2 / 5, diameter);
    let size = text.size();
    blend(
        canvas,
        &text,
        place(size.width, size.height),
        Color::WHITE,
        opacity,
    );
}

/// The first letters of the first and the last word of a name, as large letters.
pub fn initials(name: &str) -> String {
    let mut words = name
        .split_whitespace()
        .filter_map(|word| word.chars().find(|character| character.is_alphanumeric()));
    let first = words.next();
    // Scripts that put no space between names say it all with one letter.
    let last = words.next_back();
    let letters = [first, last].into_iter().flatten();
    letters.flat_map(char::to_uppercase).take(2).collect()
}

/// A colour that white letters can be read on.
fn color_of(identity: &str) -> Color {
    // FNV-1a: it is the same in every version of the program, unlike the standard library's.
    let hash = identity
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    COLORS[((hash >> 32) % COLORS.len() as u64) as usize]
}

const COLORS: [Color; 10] = [
    Color::rgb(0x1a_73e8),
    Color::rgb(0x7b_4fd0),
    Color::rgb(0xc2_3b78),
    Color::rgb(0xd0_4a35),
    Color::rgb(0xb8_6a12),
    Color::rgb(0x5d_7f1d),
    Color::rgb(0x1e_8a4c),
    Color::rgb(0x0f_8a8a),
    Color::rgb(0x3f_6c9a),
    Color::rgb(0x8a_5a44),
];

/// Smallest disc that is worth drawing, in pixels.
const MIN_DIAMETER: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Size;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("ann smith"), "AS");
        assert_eq!(initials("José de la Cruz"), "JC");
        assert_eq!(initials("  (Éva) "), "É");
        assert_eq!(initials("王小明"), "王");
        assert_eq!(initials("ßeta"), "SS");
        assert_eq!(initials("🎉"), "");
    }

    #[test]
    fn a_participant_keeps_the_colour() {
        assert_eq!(color_of("ann"), color_of("ann"));
        let names = (0..100).map(|number| color_of(&number.to_string()));
        let distinct: std::collections::HashSet<_> = names.collect();
        assert_eq!(distinct.len(), COLORS.len());
    }

    #[test]
    fn the_avatar_is_in_the_middle_of_its_region() {
        let mut canvas = Picture::new(Size::new(200, 100));
        let mut labels = Labels::default();

        draw_avatar(
            &mut canvas,
            Rect::new(100, 0, 100, 100),
            "ann",
            "Ann",
            255,
            &mut labels,
        );

        let row = canvas.planes()[0].row(50);
        assert!(row[..129].iter().all(|&y| y == 16));
        assert!(row[131..168].iter().all(|&y| y != 16));
    }
}
