//! The fonts that are part of the program.

use std::sync::Arc;

use cosmic_text::fontdb::{Database, Source};
use cosmic_text::{Fallback, FontSystem};
use unicode_script::Script;

/// The font that is asked first.
pub(super) const FAMILY: &str = "Noto Sans";

/// Makes all fonts ready.
pub(super) fn load() -> FontSystem {
    let mut fonts = Database::new();
    for file in FILES {
        fonts.load_font_source(Source::Binary(Arc::new(file)));
    }
    // The locale would choose between fonts for Chinese characters, and there is one.
    FontSystem::new_with_locale_and_db_and_fallback("en".to_owned(), fonts, InOrder)
}

/// Asks one font after the other, so that which of them is taken depends on nothing but the text.
struct InOrder;

impl Fallback for InOrder {
    fn common_fallback(&self) -> &[&'static str] {
        &FAMILIES
    }

    fn forbidden_fallback(&self) -> &[&'static str] {
        &[]
    }

    fn script_fallback(&self, _: Script, _: &str) -> &[&'static str] {
        &[]
    }
}

macro_rules! fonts {
    ($($family:literal in $file:literal,)*) => {
        const FAMILIES: [&str; [$($family),*].len()] = [$($family),*];
        const FILES: [&[u8]; FAMILIES.len()] = [$(
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/", $file))
        ),*];
    };
}

// Those that more names need are asked first.
fonts! {
    "Noto Sans" in "NotoSans.ttf",
    "Noto Sans CJK SC" in "NotoSansCJK.otf",
    "Noto Sans Arabic" in "NotoSansArabic.ttf",
    "Noto Sans Devanagari" in "NotoSansDevanagari.ttf",
    "Noto Sans Hebrew" in "NotoSansHebrew.ttf",
    "Noto Sans Thai" in "NotoSansThai.ttf",
    "Noto Sans Bengali" in "NotoSansBengali.ttf",
    "Noto Sans Tamil" in "NotoSansTamil.ttf",
    "Noto Sans Telugu" in "NotoSansTelugu.ttf",
    "Noto Sans Gujarati" in "NotoSansGujarati.ttf",
    "Noto Sans Gurmukhi" in "NotoSansGurmukhi.ttf",
    "Noto Sans Kannada" in "NotoSansKannada.ttf",
    "Noto Sans Malayalam" in "NotoSansMalayalam.ttf",
    "Noto Sans Oriya" in "NotoSansOriya.ttf",
    "Noto Sans Sinhala" in "NotoSansSinhala.ttf",
    "Noto Sans Georgian" in "NotoSansGeorgian.ttf",
    "Noto Sans Armenian" in "NotoSansArmenian.ttf",
    "Noto Sans Ethiopic" in "NotoSansEthiopic.ttf",
    "Noto Sans Khmer" in "NotoSansKhmer.ttf",
    "Noto Sans Lao" in "NotoSansLao.ttf",
    "Noto Sans Myanmar" in "NotoSansMyanmar.ttf",
    "Noto Emoji" in "NotoEmoji.ttf",
}
