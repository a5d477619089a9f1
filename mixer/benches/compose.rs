//! What a picture of a composite costs, in instructions: nine cameras of 640x360 in VP8, a grid of
//! 1280x720, VP8 of 2 Mbit/s.
//!
//! `cargo bench -p mixer --bench compose` counts, with gungraun-runner and valgrind as for
//! `deploy/bench`. libvpx chooses its code by the processor, so its counts are of the one that
//! valgrind emulates.
#![allow(missing_docs, unused_qualifications, reason = "made by the macros")]

use std::hint::black_box;

use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use mixer::codec::{Codec, Effort, EncoderSettings, Purpose, VideoDecoder, VideoEncoder};
use mixer::compose::{Canvas, Frame};
use mixer::layout::{
    Identity, Layout, LayoutSettings, LayoutState, Participant, Scene, Source, Tile,
};
use mixer::picture::{Color, Picture, Rect, Rotation, Size};

/// Pictures of a run. The first one is a keyframe, and the first that is drawn.
const PICTURES: usize = 10;
const FRAME_US: i64 = 1_000_000 / 30;
const CAMERAS: usize = 9;
const CAMERA: Size = Size::new(640, 360);
const CANVAS: Size = Size::new(1280, 720);

library_benchmark_group!(name = compose, benchmarks = [decode, draw, encode]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = compose
);

#[library_benchmark]
#[bench::nine_cameras(setup = frames, teardown = tell)]
fn decode(mut room: Room) -> Room {
    for number in 0..PICTURES {
        room.decode(number);
    }
    room
}

#[library_benchmark]
#[bench::grid_of_nine(setup = room, teardown = tell)]
fn draw(mut room: Room) -> Room {
    for number in 0..PICTURES {
        room.draw(number);
    }
    room
}

#[library_benchmark]
#[bench::vp8(setup = composites, teardown = tell)]
fn encode((mut encoder, pictures): (VideoEncoder, Vec<Picture>)) -> VideoEncoder {
    for (number, picture) in (0..).zip(&pictures) {
        let encoded = encoder.encode(number * FRAME_US, black_box(picture), false);
        black_box(encoded.expect("a picture of its size"));
    }
    encoder
}

/// Says how many pictures the run was about.
fn tell<T>(_: T) {
    println!("pictures: {PICTURES}");
}

/// Nine people and what is drawn of them.
struct Room {
    frames: Vec<Vec<u8>>,
    decoders: Vec<VideoDecoder>,
    cameras: Vec<Picture>,
    tiles: Vec<Tile>,
    canvas: Canvas,
}

impl Room {
    fn decode(&mut self, number: usize) {
        for (decoder, picture) in self.decoders.iter_mut().zip(&mut self.cameras) {
            let is_shown = decoder.decode(black_box(&self.frames[number]), picture);
            assert_eq!(is_shown, Ok(true));
        }
    }

    fn draw(&mut self, number: usize) {
        let pts_us = number as i64 * FRAME_US;
        let cameras = &self.cameras;
        self.canvas.draw(pts_us, &self.tiles, &|source: &Source| {
            let index: usize = source.identity.as_str().parse().ok()?;
            Some(Frame {
                picture: &cameras[index],
                rotation: Rotation::None,
                generation: number as u64,
                pts_us,
            })
        });
    }
}

/// Everybody sends the same.
fn frames() -> Room {
    let mut encoder = encoder(CAMERA, 500);
    let frames = (0..PICTURES).map(|number| {
        let picture = camera(number);
        let encoded = encoder.encode(number as i64 * FRAME_US, &picture, false);
        encoded
            .expect("a picture of its size")
            .expect("a frame")
            .data
    });
    Room {
        frames: frames.collect(),
        decoders: (0..CAMERAS).map(|_| decoder()).collect(),
        cameras: vec![Picture::default(); CAMERAS],
        tiles: tiles(),
        canvas: Canvas::new(CANVAS),
    }
}

fn room() -> Room {
    let mut room = frames();
    room.decode(0);
    room
}

fn composites() -> (VideoEncoder, Vec<Picture>) {
    let mut room = frames();
    let pictures = (0..PICTURES).map(|number| {
        room.decode(number);
        room.draw(number);
        room.canvas.picture().clone()
    });
    (encoder(CANVAS, 2_000), pictures.collect())
}

fn encoder(size: Size, kilobits: u32) -> VideoEncoder {
    let encoder = VideoEncoder::new(&EncoderSettings {
        codec: Codec::Vp8,
        purpose: Purpose::Live,
        size,
        fps: 30,
        kilobits,
        effort: Effort::Normal,
        keyframe_interval: None,
    });
    encoder.expect("settings that libvpx takes")
}

fn decoder() -> VideoDecoder {
    VideoDecoder::new(Codec::Vp8).expect("libvpx has VP8")
}

fn tiles() -> Vec<Tile> {
    let participants = (0..CAMERAS).map(|index| Participant {
        identity: Identity::from(index.to_string().as_str()),
        camera: Some(CAMERA),
        is_muted: index % 2 == 0,
        ..Participant::new("", "Ann Smith")
    });
    let scene = Scene {
        participants: participants.collect(),
    };
    let mut state = LayoutState::new(LayoutSettings {
        layout: Layout::Grid,
        canvas: CANVAS,
        shows_names: true,
    });
    state.update(0, &scene)
}

/// Somebody who moves before a wall of many shades.
fn camera(number: usize) -> Picture {
    let mut picture = Picture::new(CAMERA);
    for x in (0..CAMERA.width).step_by(4) {
        for y in (0..CAMERA.height).step_by(4) {
            let shade = (x / 4 + y / 3 + (x * y) % 5) & 0xff;
            picture.fill(Rect::new(x, y, 4, 4), Color::rgb(shade * 0x01_0101));
        }
    }
    let left = 200 + 4 * number as u32;
    picture.fill(Rect::new(left, 80, 120, 160), Color::rgb(0xd0_b090));
    picture.fill(Rect::new(left - 40, 240, 200, 120), Color::rgb(0x40_5060));
    picture
}
