//! What is drawn, and what is not drawn again.

use std::collections::BTreeMap;

use super::*;
use crate::layout::Identity;
use crate::picture::Fit;

const SIZE: Size = Size::new(320, 180);
const SECOND_US: i64 = 1_000_000;

#[test]
fn what_stays_is_not_drawn_again() {
    let mut canvas = Canvas::new(SIZE);
    let mut sources = Sources::default();
    sources.show("ann", 0, 1);
    let tiles = [tile("ann", Rect::of(SIZE))];

    assert!(canvas.draw(0, &tiles, &|source| sources.frame(source)));
    assert!(!canvas.draw(1, &tiles, &|source| sources.frame(source)));
    sources.show("ann", 2, 2);
    assert!(canvas.draw(2, &tiles, &|source| sources.frame(source)));
}

#[test]
fn nobody_is_ever_black() {
    let mut canvas = Canvas::new(SIZE);
    let places = [Rect::new(0, 0, 160, 180), Rect::new(160, 0, 160, 180)];
    for video in [Video::On, Video::Off, Video::Interrupted] {
        let tiles = places.map(|place| Tile {
            video,
            ..tile("ann", place)
        });

        canvas.draw(0, &tiles, &|_| None);

        let [luma, ..] = canvas.picture().planes();
        assert!(
            luma.samples().iter().all(|&y| y >= TILE_COLOR.y),
            "{video:?}"
        );
        assert!(
            luma.samples().iter().any(|&y| y > 2 * TILE_COLOR.y),
            "{video:?}"
        );
    }
}

#[test]
fn the_last_picture_of_a_camera_stands_for_two_seconds() {
    let mut sources = Sources::default();
    sources.show("ann", 0, 1);
    let tile = tile("ann", Rect::of(SIZE));
    let frame = sources.frame(&tile.source);
    let look = |at_us| Look::of(&tile, at_us, frame.as_ref());

    let rotation = Rotation::None;
    let generation = 1;
    let picture = Look::Picture {
        generation,
        rotation,
    };
    assert_eq!(look(2 * SECOND_US), picture);
    assert_eq!(look(2 * SECOND_US + 1), Look::Interrupted);
}

#[test]
fn a_screen_that_does_not_change_stays() {
    let mut sources = Sources::default();
    let mut tile = tile("ann", Rect::of(SIZE));
    tile.source = Source::share("ann".into());
    sources.show("ann", 0, 1);

    let frame = sources.frame(&tile.source);

    let look = Look::of(&tile, 3_600 * SECOND_US, frame.as_ref());
    assert!(matches!(look, Look::Picture { .. }), "{look:?}");
}

#[test]
fn a_camera_that_is_turned_off_is_not_shown_longer() {
    let mut sources = Sources::default();
    sources.show("ann", 0, 1);
    let tile = Tile {
        video: Video::Off,
        ..tile("ann", Rect::of(SIZE))
    };

    assert_eq!(
        Look::of(&tile, 0, sources.frame(&tile.source).as_ref()),
        Look::Avatar
    );
}

#[test]
fn tiles_hide_those_behind_them() {
    let mut canvas = Canvas::new(SIZE);
    let mut sources = Sources::default();
    sources.show("behind", 0, 1);
    sources.show("before", 0, 2);
    let inner = Rect::new(100, 50, 64, 36);
    let tiles = [tile("behind", Rect::of(SIZE)), tile("before", inner)];
    canvas.draw(0, &tiles, &|source| sources.frame(source));
    let before = canvas.picture().clone();

    sources.show("behind", 1, 3);
    canvas.draw(1, &tiles, &|source| sources.frame(source));

    let row = |picture: &Picture| picture.planes()[0].row(60)[102..160].to_vec();
    assert_eq!(row(&before), row(canvas.picture()));
    assert_ne!(&before, canvas.picture());
}

#[test]
fn what_is_drawn_bit_by_bit_is_what_is_drawn_at_once() {
    let seed = std::env::var("SIM_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("SIM_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut sources = Sources::default();
    let mut canvas = Canvas::new(SIZE);
    let mut tiles: Vec<Tile> = Vec::new();
    for step in 0..400 {
        let at_us = step * SECOND_US / 4;
        happen(&mut random, &mut tiles, &mut sources, at_us);

        canvas.draw(at_us, &tiles, &|source| sources.frame(source));

        let mut fresh = Canvas::new(SIZE);
        fresh.draw(at_us, &tiles, &|source| sources.frame(source));
        assert!(canvas.picture() == fresh.picture(), "step {step}");
    }
}

fn happen(random: &mut fastrand::Rng, tiles: &mut Vec<Tile>, sources: &mut Sources, at_us: i64) {
    let name = ["ann", "bob", "eve", "joe"][random.usize(..4)];
    if tiles.is_empty() || random.u8(..8) == 0 {
        let mut even = |most: u32| random.u32(..most / 2) * 2;
        let place = Rect::new(even(200), even(100), 20 + even(100), 20 + even(60));
        tiles.push(tile(name, place));
        return;
    }
    let index = random.usize(..tiles.len());
    let one = &mut tiles[index];
    match random.u8(..8) {
        0 => drop(tiles.remove(index)),
        1 => one.shows_mute = !one.shows_mute,
        2 => one.is_speaking = !one.is_speaking,
        3 => one.video = [Video::On, Video::Off, Video::Interrupted][random.usize(..3)],
        4 => one.fit = [Fit::Fill, Fit::Contain][random.usize(..2)],
        _ => sources.show(name, at_us, random.u64(..)),
    }
}

/// What everybody sends.
#[derive(Default)]
struct Sources(BTreeMap<Identity, (Picture, u64, i64)>);

impl Sources {
    /// A picture whose colours and size depend on its number.
    fn show(&mut self, identity: &str, pts_us: i64, generation: u64) {
        let [a, b, ..] = generation.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        let mut picture = Picture::new(Size::new(64 + u32::from(a % 3) * 16, 48));
        picture.fill(
            Rect::new(0, 0, 32, 99),
            Color::rgb(u32::from(a) << 16 | 0x8080),
        );
        picture.fill(
            Rect::new(32, 0, 99, 99),
            Color::rgb(u32::from(b) << 8 | 0x40),
        );
        self.0
            .insert(identity.into(), (picture, generation, pts_us));
    }

    fn frame(&self, source: &Source) -> Option<Frame<'_>> {
        let (picture, generation, pts_us) = self.0.get(&source.identity)?;
        Some(Frame {
            picture,
            rotation: Rotation::None,
            generation: *generation,
            pts_us: *pts_us,
        })
    }
}

fn tile(identity: &str, region: Rect) -> Tile {
    Tile {
        region,
        z: 0,
        source: Source::camera(identity.into()),
        fit: Fit::Fill,
        name: "Ann Smith".into(),
        shows_name: true,
        shows_mute: false,
        is_speaking: false,
        video: Video::On,
    }
}
