//! Whole layouts. `SIM_SEED=... cargo test -p mixer layout` replays what is random.

use super::*;
use crate::picture::{Fit, Rect, Size};

const HD: Size = Size::new(1280, 720);
const UPRIGHT: Size = Size::new(720, 1280);

#[test]
fn the_grid_of_every_size() {
    for (count, golden) in (1..).zip(GRIDS) {
        let tiles = tiles(Layout::Grid, HD, &room(count));

        assert_eq!(drawn(&tiles), golden, "{count} people");
        let everybody: Vec<_> = (1..=count).map(|number| number.to_string()).collect();
        assert_eq!(owners(&tiles), everybody);
    }
}

#[test]
fn the_speaker_and_a_strip_of_every_size() {
    for (count, golden) in (1..).zip(SPEAKERS) {
        let tiles = tiles(Layout::Speaker, HD, &room(count));

        assert_eq!(drawn(&tiles), golden, "{count} people");
        assert_eq!(owners(&tiles)[0], "1");
    }
    for count in 8..=25 {
        let tiles = tiles(Layout::Speaker, HD, &room(count));
        assert_eq!(drawn(&tiles), SPEAKERS[6]);
    }
}

#[test]
fn a_screen_is_large_and_whole_and_people_are_beside_it() {
    for layout in [Layout::Presenter, Layout::Speaker, Layout::Grid] {
        for count in 1..=25 {
            let mut room = room(count);
            room.participants[count - 1].shares_screen = true;

            let tiles = tiles(layout.clone(), HD, &room);

            // As many beside it as beside a speaker who is one more.
            assert_eq!(drawn(&tiles), SPEAKERS[count.min(6)]);
            assert_eq!(owners(&tiles)[0], format!("{count}*"));
            assert_eq!((tiles[0].fit, tiles[1].fit), (Fit::Contain, Fit::Fill));
            assert!(
                owners(&tiles).contains(&count.to_string()),
                "who shares is seen"
            );
        }
    }
}

#[test]
fn without_screens_a_presenter_is_a_speaker() {
    for count in 1..=25 {
        let room = room(count);
        assert_eq!(
            tiles(Layout::Presenter, HD, &room),
            tiles(Layout::Speaker, HD, &room)
        );
    }
}

#[test]
fn one_alone_has_the_whole_canvas() {
    for count in 1..=25 {
        let mut room = room(count);
        room.participants[count - 1].speaking_level = 1;

        let tiles = tiles(Layout::Single, HD, &room);

        assert_eq!(drawn(&tiles), "1280x720 x 0 y 0");
        assert_eq!(owners(&tiles), [count.to_string()]);
        assert!(!tiles[0].is_speaking);
    }
}

#[test]
fn sounds_have_no_tiles() {
    for count in 0..=25 {
        assert_eq!(tiles(Layout::AudioOnly, HD, &room(count)), []);
    }
}

#[test]
fn upright_canvases_are_used_too() {
    let drawn = |layout, count| drawn(&tiles(layout, UPRIGHT, &room(count)));

    assert_eq!(drawn(Layout::Grid, 2), "704x420 x 8 y 216 644");
    assert_eq!(drawn(Layout::Grid, 4), "584x310 x 68 y 8 326 644 962");
    let seven = "348x206 x 8 364 y 216 430 644, 348x206 x 186 y 858";
    assert_eq!(drawn(Layout::Grid, 7), seven);
    let seven = "704x976 x 8 y 8, 228x136 x 10 246 482 y 992 1136";
    assert_eq!(drawn(Layout::Speaker, 7), seven);
}

#[test]
fn an_empty_room_has_no_tiles() {
    for layout in layouts() {
        assert_eq!(tiles(layout, HD, &Scene::default()), []);
    }
}

#[test]
fn who_leaves_a_grid_moves_nobody() {
    let mut state = state(Layout::Grid, HD);
    let before = state.update(0, &room(9));
    let mut room = room(9);
    room.participants.remove(4);

    let after = state.update(1, &room);

    assert_eq!(owners(&after), ["1", "2", "3", "4", "6", "7", "8", "9"]);
    assert!(after.iter().all(|tile| before.contains(tile)));

    room.participants.push(Participant::new("10", ""));
    let filled = state.update(2, &room);
    assert_eq!(
        owners(&filled),
        ["1", "2", "3", "4", "10", "6", "7", "8", "9"]
    );
}

#[test]
fn beyond_its_size_the_grid_shows_who_spoke_last() {
    let mut state = state(Layout::Grid, HD);
    let mut room = room(30);
    let before = state.update(0, &room);
    room.participants[29].last_spoke_us = Some(5);

    let after = state.update(1, &room);

    assert_eq!(after.len(), 25);
    assert_eq!(owners(&before)[24], "25");
    assert_eq!(owners(&after)[24], "30");
    assert_eq!(before[..24], after[..24]);
}

#[test]
fn the_strip_swaps_who_speaks() {
    let mut state = state(Layout::Speaker, HD);
    let mut room = room(4);
    room.participants[0].speaking_level = 9;
    state.update(0, &room);
    room.participants[0].speaking_level = 0;
    room.participants[2].speaking_level = 9;

    let held = state.update(1_000, &room);
    let switched = state.update(1_501_000, &room);

    assert_eq!(owners(&held), ["1", "2", "3", "4"]);
    assert_eq!(owners(&switched), ["3", "2", "1", "4"]);
}

#[test]
fn the_latest_screen_is_the_large_one() {
    let mut state = state(Layout::Presenter, HD);
    let mut room = room(3);
    room.participants[2].shares_screen = true;
    state.update(0, &room);
    room.participants[0].shares_screen = true;

    assert_eq!(owners(&state.update(1, &room))[0], "1*");
    room.participants[0].shares_screen = false;
    assert_eq!(owners(&state.update(2, &room))[0], "3*");
}

#[test]
fn a_custom_layout_is_filled_by_its_selectors() {
    let json = r#"[
        {"x":0.75,"y":0.75,"w":0.25,"h":0.25,"z":2,"source":"active_speaker"},
        {"x":0,"y":0,"w":1,"h":1,"source":"screen_share"},
        {"x":0,"y":0,"w":0.5,"h":0.5,"z":1,"source":{"share":0},"fit":"fill"},
        {"x":0.5,"y":0,"w":0.5,"h":0.5,"z":1,"source":{"slot":1}},
        {"x":0.5,"y":0,"w":0.5,"h":0.5,"z":1,"source":{"slot":9}},
        {"x":0,"y":0.5,"w":0.5,"h":0.5,"z":1,"source":{"identity":"3"}}
    ]"#;
    let layout = serde_json::from_str(json).expect("a layout");
    let mut room = room(3);
    room.participants[1].shares_screen = true;

    let tiles = tiles(layout, HD, &room);

    assert_eq!(owners(&tiles), ["2*", "2*", "2", "3", "1"]);
    assert_eq!(tiles[4].region, Rect::new(960, 540, 320, 180));
    assert_eq!([tiles[0].fit, tiles[1].fit], [Fit::Contain, Fit::Fill]);
}

#[test]
fn tiles_say_what_is_to_be_expected() {
    let mut room = room(3);
    room.participants[0].is_muted = true;
    room.participants[1].camera = None;
    room.participants[2].connection = Connection::Reconnecting;

    let tiles = tiles(Layout::Grid, HD, &room);

    let video: Vec<_> = tiles.iter().map(|tile| tile.video).collect();
    assert_eq!(video, [Video::On, Video::Off, Video::Interrupted]);
    assert_eq!([tiles[0].shows_mute, tiles[1].shows_mute], [true, false]);
    assert!(tiles.iter().all(|tile| tile.shows_name));
}

#[test]
fn whatever_happens_tiles_are_sound() {
    let seed = seed();
    println!("SIM_SEED={seed}");
    for run in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed.wrapping_add(run));
        let layouts = layouts();
        let layout = layouts[random.usize(..layouts.len())].clone();
        let canvas = [HD, UPRIGHT, Size::new(640, 480), Size::new(1920, 1080)][random.usize(..4)];
        let (mut state, mut twin) = (state(layout.clone(), canvas), state(layout, canvas));
        let (mut scene, mut at_us) = (Scene::default(), 0);
        for step in 0..300 {
            let before = state.update(at_us, &scene);
            assert_eq!(before, twin.update(at_us, &scene));
            let is_leaving = happen(&mut random, &mut scene, step);
            at_us += random.i64(0..500_000);

            let after = state.update(at_us, &scene);

            assert_eq!(after, twin.update(at_us, &scene));
            assert_sound(&after, canvas);
            let is_grid = state.settings().layout == Layout::Grid;
            let mut shown = before.iter().chain(&after);
            let has_screen = shown.any(|tile| tile.source.kind == SourceKind::Share);
            if is_leaving && is_grid && !has_screen && scene.participants.len() < 25 {
                assert_nobody_jumped(&before, &after);
            }
        }
    }
}

fn assert_sound(tiles: &[Tile], canvas: Size) {
    assert!(tiles.len() <= 25);
    for (index, tile) in tiles.iter().enumerate() {
        let Rect {
            x,
            y,
            width,
            height,
        } = tile.region;
        assert!(
            x + width <= canvas.width && y + height <= canvas.height,
            "{tile:?}"
        );
        assert!(
            [x, y, width, height].iter().all(|px| px % 2 == 0),
            "{tile:?}"
        );
        assert!(width >= 16 && height >= 16, "{tile:?}");
        for other in &tiles[..index] {
            assert!(
                !other.region.overlaps(tile.region),
                "{other:?} and {tile:?}"
            );
            assert_ne!(other.source, tile.source);
        }
    }
}

/// Unless all tiles have got another size.
fn assert_nobody_jumped(before: &[Tile], after: &[Tile]) {
    for tile in after {
        let old = before.iter().find(|old| old.source == tile.source);
        if let Some(old) = old.filter(|old| old.region.size() == tile.region.size()) {
            assert_eq!(old.region, tile.region);
        }
    }
}

/// Something happens in the room; tells whether it is that somebody leaves.
fn happen(random: &mut fastrand::Rng, scene: &mut Scene, step: usize) -> bool {
    let people = &mut scene.participants;
    if people.is_empty() || people.len() < 30 && random.u8(..3) == 0 {
        people.push(Participant::new(&step.to_string(), "somebody"));
        return false;
    }
    let index = random.usize(..people.len());
    let one = &mut people[index];
    match random.u8(..7) {
        0 | 1 => {
            people.remove(index);
            return true;
        }
        2 => one.camera = random.bool().then_some(Size::new(640, 360)),
        3 => one.shares_screen = random.u8(..4) == 0,
        4 => one.speaking_level = 0,
        _ => {
            one.speaking_level = random.u8(..);
            one.last_spoke_us = Some(step as i64);
        }
    }
    false
}

fn layouts() -> [Layout; 5] {
    [
        Layout::Grid,
        Layout::Speaker,
        Layout::Presenter,
        Layout::Single,
        Layout::AudioOnly,
    ]
}

/// What `SIM_SEED` says, so that a run can be repeated.
fn seed() -> u64 {
    let seed = std::env::var("SIM_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    seed.unwrap_or_else(|| fastrand::u64(..))
}

/// Whose tiles there are, a star for a screen.
fn owners(tiles: &[Tile]) -> Vec<String> {
    let owners = tiles.iter().map(|tile| {
        let is_screen = tile.source.kind == SourceKind::Share;
        let star = if is_screen { "*" } else { "" };
        format!("{}{star}", tile.source.identity.as_str())
    });
    owners.collect()
}

/// Sizes of tiles, and for each where they begin: rows with the same columns are said at once.
fn drawn(tiles: &[Tile]) -> String {
    let mut rows: Vec<(Size, u32, Vec<u32>)> = Vec::new();
    for Tile { region, .. } in tiles {
        match rows.last_mut() {
            Some((size, y, columns)) if (*size, *y) == (region.size(), region.y) => {
                columns.push(region.x);
            }
            _ => rows.push((region.size(), region.y, vec![region.x])),
        }
    }
    let alike =
        rows.chunk_by(|(size, _, columns), (next, _, others)| size == next && columns == others);
    let lines = alike.map(|rows| {
        let (size, _, columns) = &rows[0];
        let tops: Vec<_> = rows.iter().map(|(_, y, _)| *y).collect();
        let numbers = |numbers: &[u32]| {
            let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
            numbers.join(" ")
        };
        let Size { width, height } = size;
        format!(
            "{width}x{height} x {} y {}",
            numbers(columns),
            numbers(&tops)
        )
    });
    lines.collect::<Vec<_>>().join(", ")
}

fn tiles(layout: Layout, canvas: Size, scene: &Scene) -> Vec<Tile> {
    state(layout, canvas).update(0, scene)
}

fn state(layout: Layout, canvas: Size) -> LayoutState {
    LayoutState::new(LayoutSettings {
        layout,
        canvas,
        shows_names: true,
    })
}

/// People whose identities are numbers from 1 on.
fn room(count: usize) -> Scene {
    let participants = (1..=count).map(|number| Participant {
        camera: Some(Size::new(640, 360)),
        ..Participant::new(&number.to_string(), "")
    });
    Scene {
        participants: participants.collect(),
    }
}

/// Of 1 to 25 people.
const GRIDS: [&str; 25] = [
    "1280x720 x 0 y 0",
    "628x374 x 8 644 y 172",
    "628x348 x 8 644 y 8, 628x348 x 326 y 364",
    "628x348 x 8 644 y 8 364",
    "416x248 x 8 432 856 y 108, 416x248 x 220 644 y 364",
    "416x248 x 8 432 856 y 108 364",
    "416x228 x 8 432 856 y 10 246, 416x228 x 432 y 482",
    "416x228 x 8 432 856 y 10 246, 416x228 x 220 644 y 482",
    "416x228 x 8 432 856 y 10 246 482",
    "310x184 x 8 326 644 962 y 76 268, 310x184 x 326 644 y 460",
    "310x184 x 8 326 644 962 y 76 268, 310x184 x 166 484 802 y 460",
    "310x184 x 8 326 644 962 y 76 268 460",
    "310x170 x 8 326 644 962 y 8 186 364, 310x170 x 484 y 542",
    "310x170 x 8 326 644 962 y 8 186 364, 310x170 x 326 644 y 542",
    "310x170 x 8 326 644 962 y 8 186 364, 310x170 x 166 484 802 y 542",
    "310x170 x 8 326 644 962 y 8 186 364 542",
    "246x146 x 8 262 516 770 1024 y 56 210 364, 246x146 x 390 644 y 518",
    "246x146 x 8 262 516 770 1024 y 56 210 364, 246x146 x 262 516 770 y 518",
    "246x146 x 8 262 516 770 1024 y 56 210 364, 246x146 x 136 390 644 898 y 518",
    "246x146 x 8 262 516 770 1024 y 56 210 364 518",
    "246x134 x 8 262 516 770 1024 y 8 150 292 434, 246x134 x 516 y 576",
    "246x134 x 8 262 516 770 1024 y 8 150 292 434, 246x134 x 390 644 y 576",
    "246x134 x 8 262 516 770 1024 y 8 150 292 434, 246x134 x 262 516 770 y 576",
    "246x134 x 8 262 516 770 1024 y 8 150 292 434, 246x134 x 136 390 644 898 y 576",
    "246x134 x 8 262 516 770 1024 y 8 150 292 434 576",
];

/// A large tile, beside 0 to 6 small ones.
const SPEAKERS: [&str; 7] = [
    "1280x720 x 0 y 0",
    "1000x704 x 8 y 8, 256x152 x 1016 y 284",
    "1000x704 x 8 y 8, 256x152 x 1016 y 204 364",
    "1000x704 x 8 y 8, 256x152 x 1016 y 124 284 444",
    "1000x704 x 8 y 8, 256x152 x 1016 y 44 204 364 524",
    "1004x704 x 8 y 8, 252x134 x 1020 y 8 150 292 434 576",
    "1050x704 x 8 y 8, 206x110 x 1066 y 10 128 246 364 482 600",
];
