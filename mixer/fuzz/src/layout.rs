//! Layouts as they are asked for.

use mixer::layout::{Layout, LayoutSettings, LayoutState, Participant, Scene};
use mixer::picture::Size;

/// What is taken for a layout comes back from its JSON, and its tiles are on the canvas.
pub fn run(json: &[u8]) {
    let Ok(layout) = serde_json::from_slice::<Layout>(json) else {
        return;
    };
    let written = serde_json::to_string(&layout).expect("it was JSON");
    let read: Layout = serde_json::from_str(&written).expect("it was a layout");
    assert_eq!(read, layout);

    let canvas = Size::new(1280, 720);
    let mut state = LayoutState::new(LayoutSettings {
        layout,
        canvas,
        shows_names: true,
    });
    let mut ann = Participant::new("ann", "Ann");
    ann.shares_screen = true;
    let participants = vec![ann, Participant::new("bob", "Bob")];
    for tile in state.update(0, &Scene { participants }) {
        let region = tile.region;
        assert!(region.x + region.width <= canvas.width);
        assert!(region.y + region.height <= canvas.height);
        assert!(region.width > 0 && region.height > 0);
    }
}
