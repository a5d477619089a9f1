//! Names, in any script that its letters are here for.
//!
//! The fonts are part of the program (`mixer/fonts`), so a name looks the same on every machine. A
//! character that no font has is a box.

mod fonts;
mod text;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Mask;
use text::Typesetter;

/// Names as masks, the latest of which are kept.
#[derive(Debug, Default)]
pub struct Labels {
    /// Fonts take a few milliseconds to look through, and a recording of sounds needs none.
    typesetter: Option<Typesetter>,
    masks: BTreeMap<Key, Kept>,
    /// How often a mask was asked for.
    clock: u64,
}

/// What makes a mask what it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    text: Box<str>,
    font_px: u32,
    max_width: u32,
}

#[derive(Debug)]
struct Kept {
    mask: Arc<Mask>,
    used_at: u64,
}

impl Labels {
    /// A line of text whose letters are `font_px` high, cut with an ellipsis to `max_width` pixels.
    /// The mask is as high as every other of that size, and as wide as the text.
    pub fn text(&mut self, text: &str, font_px: u32, max_width: u32) -> Arc<Mask> {
        self.clock += 1;
        let key = Key {
            text: visible(text).into(),
            font_px: font_px.clamp(1, MAX_FONT_PX),
            max_width: max_width.min(MAX_WIDTH),
        };
        if let Some(kept) = self.masks.get_mut(&key) {
            kept.used_at = self.clock;
            return Arc::clone(&kept.mask);
        }
        let typesetter = self.typesetter.get_or_insert_with(Typesetter::new);
        let mask = Arc::new(typesetter.line(&key.text, key.font_px, key.max_width));
        self.forget_oldest();
        let kept = Kept {
            mask: Arc::clone(&mask),
            used_at: self.clock,
        };
        self.masks.insert(key, kept);
        mask
    }

    fn forget_oldest(&mut self) {
        if self.masks.len() < MAX_MASKS {
            return;
        }
        let oldest = self.masks.iter().min_by_key(|(_, kept)| kept.used_at);
        if let Some(key) = oldest.map(|(key, _)| key.clone()) {
            self.masks.remove(&key);
        }
    }
}

/// A name without what would end its line, and not longer than anybody can read.
fn visible(text: &str) -> String {
    let characters = text.trim().chars().take(MAX_CHARACTERS);
    let visible = characters.map(|character| match character {
        _ if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => ' ',
        // Directions that would be forced on what follows.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => ' ',
        _ => character,
    });
    visible.collect()
}

/// Most masks that are kept: two of each tile, and as many from before the last change.
const MAX_MASKS: usize = 128;
/// Most characters of a name that are looked at.
const MAX_CHARACTERS: usize = 128;
/// Largest letters, in pixels.
const MAX_FONT_PX: u32 = 512;
/// Widest mask, in pixels.
const MAX_WIDTH: u32 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_many_scripts_have_letters() {
        let mut labels = Labels::default();
        for name in [
            "Zoë Łukasz",
            "Ελένη",
            "Дмитрий",
            "محمد",
            "דוד",
            "प्रिया",
            "ประภา",
            "王小明",
            "さくら ハナ",
            "김민준",
            "நந்தினி",
            "ანა",
            "Անի",
            "አበበ",
            "Nguyễn Thị Hạnh",
        ] {
            let mask = labels.text(name, 24, 300);

            let ink = mask.alphas().iter().filter(|&&alpha| alpha > 128).count();
            assert!(ink > 80, "{name}: {ink} pixels");
            assert!(mask.size().width <= 300 && mask.size().width > 20, "{name}");
        }
    }

    #[test]
    fn none_of_these_scripts_falls_back_to_boxes() {
        let mut typesetter = Typesetter::new();
        for name in [
            "Zoë Łukasz",
            "Ελένη",
            "Дмитрий",
            "محمد",
            "דוד",
            "प्रिया",
            "ประภา",
            "王小明國龍",
            "さくら ハナ 髙﨑",
            "김민준 뷁",
            "தமிழ்",
            "ანა",
            "Անի",
            "አበበ",
            "ဗမာ",
            "ខ្មែរ",
            "ລາວ",
            "සිංහල",
            "ગુજ",
            "ਪੰਜ",
            "తెలు",
            "ಕನ್ನ",
            "മല",
            "ଓଡ",
            "বাংলা",
        ] {
            assert_eq!(typesetter.missing(name), 0, "{name}");
        }
        assert_eq!(typesetter.missing("\u{10FFFD}"), 1);
    }

    #[test]
    fn what_no_font_has_is_a_box() {
        let mask = Labels::default().text("\u{10FFFD}", 24, 100);

        assert!(mask.alphas().iter().any(|&alpha| alpha > 128));
    }

    #[test]
    fn long_names_end_in_an_ellipsis_inside_of_the_width() {
        let mut labels = Labels::default();

        let long = labels.text("Wolfeschlegelsteinhausenbergerdorff", 20, 120);
        let short = labels.text("Wolf", 20, 120);

        assert!(long.size().width <= 120 && long.size().width > 90);
        assert!(short.size().width < 60);
        assert_eq!(long.size().height, short.size().height);
    }

    #[test]
    fn hostile_names_are_one_line_of_bounded_size() {
        let mut labels = Labels::default();
        let zalgo = "a".to_owned() + &"\u{0301}".repeat(5_000);
        for name in [
            "",
            "\n\r\t\0",
            "a\nb\u{2028}c",
            "\u{202e}evil",
            &zalgo,
            "\u{200b}",
        ] {
            let size = labels.text(name, 20, 200).size();
            assert!(size.width <= 200 && size.height < 40, "{name:?}: {size:?}");
        }
    }

    #[test]
    fn names_of_anything_are_one_line() {
        let seed = std::env::var("SIM_SEED").ok();
        let seed = seed.and_then(|seed| seed.parse().ok());
        let seed: u64 = seed.unwrap_or_else(|| fastrand::u64(..));
        println!("SIM_SEED={seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut labels = Labels::default();
        for _ in 0..500 {
            let start = random.char(..);
            let name: String = (0..random.usize(..20))
                .map(|_| {
                    let near = u32::from(start).saturating_add(random.u32(..100));
                    let near = char::from_u32(near).unwrap_or(start);
                    [near, near, near, 'a', '\u{200d}', '\u{5d0}'][random.usize(..6)]
                })
                .collect();

            let size = labels.text(&name, 20, 200).size();

            assert!(size.width <= 200 && size.height < 40, "{name:?}: {size:?}");
        }
    }

    #[test]
    fn the_masks_of_the_latest_are_kept() {
        let mut labels = Labels::default();
        let first = labels.text("first", 20, 200);

        for number in 0..1_000 {
            labels.text("first", 20, 200);
            labels.text(&number.to_string(), 8, 100);
        }

        assert!(Arc::ptr_eq(&first, &labels.text("first", 20, 200)));
        assert_eq!(labels.masks.len(), MAX_MASKS);
    }
}
