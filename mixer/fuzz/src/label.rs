//! Names on pictures.

use mixer::picture::label::Labels;

/// Any name is one line of the size that was asked for.
pub fn run(name: &[u8]) {
    let name = String::from_utf8_lossy(name);
    let mut labels = Labels::default();
    for (font_px, max_width) in [(20, 200), (9, 7), (64, 4_000)] {
        let mask = labels.text(&name, font_px, max_width);
        assert!(mask.size().width <= max_width && mask.size().height < 2 * font_px);
    }
}
