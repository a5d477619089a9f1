//! Whole codecs: there and back, and what hostile frames do.

use std::num::NonZeroU32;

use super::*;
use crate::frames::h264_config;
use crate::picture::{Color, Picture, Rect, Size};

const SIZE: Size = Size::new(320, 180);

#[test]
fn what_is_encoded_is_decoded() {
    for codec in codecs() {
        for purpose in [Purpose::Live, Purpose::Offline] {
            let mut encoder = VideoEncoder::new(&settings(codec, purpose)).expect("an encoder");
            let mut decoder = VideoDecoder::new(codec).expect("a decoder");
            let mut decoded = Picture::default();
            let mut worst = f64::INFINITY;
            for number in 0..30 {
                let picture = scene(number);
                let encoded = encode(&mut encoder, number, false);
                assert_eq!(encoded.is_keyframe, number == 0, "{codec:?} {number}");

                let is_shown = decoder.decode(&encoded.data, &mut decoded);

                assert_eq!(is_shown, Ok(true));
                assert_eq!(decoded.size(), SIZE);
                worst = worst.min(psnr(&picture, &decoded));
            }
            assert!(worst > 32.0, "{codec:?} {purpose:?}: {worst:.1} dB");
        }
    }
}

#[test]
fn keyframes_come_where_they_are_asked_for_and_in_their_interval() {
    for codec in codecs() {
        let settings = EncoderSettings {
            keyframe_interval: NonZeroU32::new(10),
            ..settings(codec, Purpose::Live)
        };
        let mut encoder = VideoEncoder::new(&settings).expect("an encoder");
        let frames = (0..30).map(|number| encode(&mut encoder, number, number == 4));
        let keyframes: Vec<_> = frames
            .enumerate()
            .filter(|(_, frame)| frame.is_keyframe)
            .map(|(number, _)| number)
            .collect();

        assert_eq!(keyframes, [0, 4, 14, 24], "{codec:?}");
    }
}

#[test]
fn the_bit_rate_follows_what_is_asked() {
    for codec in [Codec::Vp8, Codec::Vp9] {
        let mut encoder = VideoEncoder::new(&settings(codec, Purpose::Live)).expect("an encoder");
        let mut random = fastrand::Rng::with_seed(1);
        let mut number = 0;
        let mut seconds = |encoder: &mut VideoEncoder, count: u32| -> usize {
            let frames = (0..count * 30).map(|_| {
                number += 1;
                let encoded = encoder.encode(number * 1_000_000 / 30, &noise(&mut random), false);
                encoded.expect("no failure").expect("a frame").data.len()
            });
            frames.sum()
        };
        let before = seconds(&mut encoder, 2);

        encoder.set_kilobits(500).expect("a rate");
        encoder.set_effort(Effort::Least).expect("an effort");

        seconds(&mut encoder, 2);
        let after = seconds(&mut encoder, 2);
        assert!((400_000..600_000).contains(&before), "{codec:?}: {before}");
        assert!((100_000..150_000).contains(&after), "{codec:?}: {after}");
    }
}

#[test]
fn a_file_of_h264_has_the_parameter_sets_of_its_frames() {
    let settings = settings(Codec::H264, Purpose::Offline);
    let mut encoder = VideoEncoder::new(&settings).expect("an encoder");
    let first = encode(&mut encoder, 0, false).data;

    let config = file_config(&settings).expect("an encoder").expect("one");

    assert_eq!(Some(config), h264_config(&first));
    let vp9 = file_config(&self::settings(Codec::Vp9, Purpose::Offline));
    assert_eq!(vp9, Ok(None));
}

#[test]
fn times_that_stand_still_or_jump_are_taken() {
    for codec in codecs() {
        let mut encoder = VideoEncoder::new(&settings(codec, Purpose::Live)).expect("an encoder");
        for pts_us in [0, 0, -5, 33_333, 3, i64::MAX, i64::MAX, i64::MIN] {
            let encoded = encoder.encode(pts_us, &scene(0), false);

            assert!(encoded.is_ok(), "{codec:?} {pts_us}: {encoded:?}");
        }
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let odd = EncoderSettings {
        size: Size::new(321, 180),
        ..settings(Codec::Vp8, Purpose::Live)
    };
    let mut encoder = VideoEncoder::new(&settings(Codec::Vp8, Purpose::Live)).expect("an encoder");
    let large = Picture::new(Size::new(322, 180));

    assert_eq!(VideoEncoder::new(&odd).err(), Some(CodecError::Settings));
    assert_eq!(encoder.encode(0, &large, false), Err(CodecError::WrongSize));
    assert_eq!(encoder.set_kilobits(0), Err(CodecError::Settings));
    let av1 = settings(Codec::Av1, Purpose::Live);
    let not_supported = CodecError::NotSupported(Codec::Av1);
    assert_eq!(VideoEncoder::new(&av1).err(), Some(not_supported));
}

#[test]
fn damaged_frames_leave_the_decoder_usable() {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    for codec in codecs() {
        let mut encoder = VideoEncoder::new(&settings(codec, Purpose::Live)).expect("an encoder");
        let frames: Vec<_> = (0..8)
            .map(|at| encode(&mut encoder, at, false).data)
            .collect();
        let mut decoder = VideoDecoder::new(codec).expect("a decoder");
        let mut picture = Picture::default();
        for _ in 0..200 {
            let mut frame = frames[random.usize(..frames.len())].clone();
            damage(&mut frame, &mut random);
            // An error or some picture: what matters is that it is nothing else.
            let _ = decoder.decode(&frame, &mut picture);
        }

        let is_shown = decoder.decode(&frames[0], &mut picture);

        assert_eq!(is_shown, Ok(true), "{codec:?}, SIM_SEED={seed}");
        assert!(psnr(&scene(0), &picture) > 32.0);
    }
}

#[test]
fn after_a_damaged_frame_a_keyframe_is_waited_for() {
    for codec in codecs() {
        let mut encoder = VideoEncoder::new(&settings(codec, Purpose::Live)).expect("an encoder");
        let frames: Vec<_> = (0..3)
            .map(|at| encode(&mut encoder, at, at == 2).data)
            .collect();
        let mut decoder = VideoDecoder::new(codec).expect("a decoder");
        let mut picture = Picture::default();
        let mut decode = |frame: &[u8]| decoder.decode(frame, &mut picture);
        let waits = Err(CodecError::Undecodable);

        assert_eq!(decode(&frames[1]), waits, "{codec:?}");
        assert_eq!(decode(&frames[0]), Ok(true), "{codec:?}");
        assert_eq!(decode(&[0; 3]), waits, "{codec:?}");
        assert_eq!(decode(&frames[1]), waits, "{codec:?}");
        assert_eq!(decode(&frames[2]), Ok(true), "{codec:?}");
    }
}

#[test]
fn pictures_may_change_their_size() {
    for codec in codecs() {
        let mut decoder = VideoDecoder::new(codec).expect("a decoder");
        let mut picture = Picture::default();
        for size in [SIZE, Size::new(180, 320), Size::new(640, 480), SIZE] {
            let settings = EncoderSettings {
                size,
                ..settings(codec, Purpose::Live)
            };
            let mut encoder = VideoEncoder::new(&settings).expect("an encoder");
            for pts_us in [0, 33_333] {
                let encoded = encoder.encode(pts_us, &Picture::new(size), false);
                let encoded = encoded.expect("no failure").expect("a frame");

                let is_shown = decoder.decode(&encoded.data, &mut picture);

                assert_eq!((is_shown, picture.size()), (Ok(true), size), "{codec:?}");
            }
        }
    }
}

#[test]
fn frames_of_nothing_are_errors() {
    for codec in codecs() {
        let mut decoder = VideoDecoder::new(codec).expect("a decoder");
        let mut picture = Picture::default();
        for frame in [&[][..], &[0], &[0xff; 3], &[0x9d; 40], &[0x82; 3]] {
            let is_shown = decoder.decode(frame, &mut picture);
            assert_ne!(is_shown, Ok(true), "{codec:?} {frame:?}");
        }
        assert_eq!(picture, Picture::default());
    }
}

#[test]
fn a_keyframe_that_asks_for_gigabytes_is_refused() {
    let mut encoder = VideoEncoder::new(&settings(Codec::Vp8, Purpose::Live)).expect("an encoder");
    let mut frame = encode(&mut encoder, 0, true).data;
    frame[6..10].copy_from_slice(&[0xff; 4]);
    let mut decoder = VideoDecoder::new(Codec::Vp8).expect("a decoder");

    let is_shown = decoder.decode(&frame, &mut Picture::default());

    let (width, height) = (0x3fff, 0x3fff);
    assert_eq!(is_shown, Err(CodecError::TooLarge { width, height }));
}

#[test]
fn av1_is_decoded() {
    let mut decoder = VideoDecoder::new(Codec::Av1).expect("a decoder");
    let mut decoded = Picture::default();
    for (number, unit) in (0..).zip(av1_units()) {
        assert_eq!(decoder.decode(unit, &mut decoded), Ok(true), "{number}");
        assert_eq!(decoded.size(), SIZE);
        let psnr = psnr(&scene(number), &decoded);
        assert!(psnr > 32.0, "{number}: {psnr:.1} dB");
    }
}

#[test]
fn after_a_damaged_unit_of_av1_a_keyframe_is_waited_for() {
    let units = av1_units();
    let mut decoder = VideoDecoder::new(Codec::Av1).expect("a decoder");
    let mut picture = Picture::default();
    let mut decode = |unit: &[u8]| decoder.decode(unit, &mut picture);
    let waits = Err(CodecError::Undecodable);

    assert_eq!(decode(units[1]), waits);
    assert_eq!(decode(units[0]), Ok(true));
    assert_eq!(decode(&units[1][..units[1].len() / 2]), waits);
    assert_eq!(decode(units[2]), waits);
    assert_eq!(decode(units[AV1_KEYFRAME]), Ok(true));
    assert_eq!(decode(units[AV1_KEYFRAME + 1]), Ok(true));
}

#[test]
fn damaged_units_of_av1_leave_the_decoder_usable() {
    let seed = seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let units = av1_units();
    let mut decoder = VideoDecoder::new(Codec::Av1).expect("a decoder");
    let mut picture = Picture::default();
    for _ in 0..200 {
        let mut unit = units[random.usize(..units.len())].to_vec();
        damage(&mut unit, &mut random);
        let _ = decoder.decode(&unit, &mut picture);
    }

    let is_shown = decoder.decode(units[0], &mut picture);

    assert_eq!(is_shown, Ok(true), "SIM_SEED={seed}");
    assert!(psnr(&scene(0), &picture) > 32.0);
}

#[test]
fn units_of_nothing_are_errors() {
    let mut decoder = VideoDecoder::new(Codec::Av1).expect("a decoder");
    let mut picture = Picture::default();
    for unit in [&[][..], &[0], &[0xff; 3], &[0x0a, 200, 1], &[0x82; 3]] {
        let is_shown = decoder.decode(unit, &mut picture);
        assert_ne!(is_shown, Ok(true), "{unit:?}");
    }
    assert_eq!(picture, Picture::default());
}

#[test]
fn a_sequence_of_av1_that_asks_for_gigabytes_is_refused() {
    // Of a still picture, with all bits of its width and height set.
    let header = [0x0a, 9, 0x18, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xc0, 0, 0x80];
    let mut decoder = VideoDecoder::new(Codec::Av1).expect("a decoder");

    let is_shown = decoder.decode(&header, &mut Picture::default());

    let (width, height) = (0x1_0000, 0x1_0000);
    assert_eq!(is_shown, Err(CodecError::TooLarge { width, height }));
}

/// The first eight scenes as temporal units, in a seed of the fuzz target: each after its length.
///
/// They were made by libaom 3.6 (ffmpeg's `-c:v libaom-av1 -usage realtime -cpu-used 7 -lag-in-frames
/// 0 -crf 20 -b:v 4M -force_key_frames 'expr:eq(n,0)+eq(n,5)'`); delimiters were taken out.
fn av1_units() -> Vec<&'static [u8]> {
    let seed = include_bytes!("../../fuzz/seeds/codec/av1");
    let (mut units, mut rest) = (Vec::new(), &seed[1..]);
    while let Some((len, after)) = rest.split_first_chunk() {
        let (unit, after) = after.split_at(u16::from_le_bytes(*len).into());
        units.push(unit);
        rest = after;
    }
    units
}

/// The unit that builds on no other, besides the first.
const AV1_KEYFRAME: usize = 5;

fn codecs() -> [Codec; 3] {
    [Codec::Vp8, Codec::Vp9, Codec::H264]
}

fn settings(codec: Codec, purpose: Purpose) -> EncoderSettings {
    EncoderSettings {
        codec,
        purpose,
        size: SIZE,
        fps: 30,
        kilobits: 2_000,
        effort: Effort::Normal,
        keyframe_interval: None,
    }
}

fn encode(encoder: &mut VideoEncoder, number: u32, keyframe: bool) -> Encoded {
    let pts_us = i64::from(number) * 1_000_000 / 30;
    let encoded = encoder.encode(pts_us, &scene(number), keyframe);
    encoded.expect("no failure").expect("a frame")
}

/// Things that move over a ground of many shades.
fn scene(number: u32) -> Picture {
    let mut picture = Picture::new(SIZE);
    for x in (0..SIZE.width).step_by(8) {
        for y in (0..SIZE.height).step_by(8) {
            let shade = (x / 2 + y / 3 + (x ^ y) / 8) & 0xff;
            picture.fill(Rect::new(x, y, 8, 8), Color::rgb(shade * 0x01_0101));
        }
    }
    picture.fill(Rect::new(number * 4, 40, 40, 60), Color::rgb(0xc2_3b78));
    picture.fill(Rect::new(200, number * 2, 30, 30), Color::WHITE);
    picture
}

/// Blocks of any shade, which cost as many bits as there are.
fn noise(random: &mut fastrand::Rng) -> Picture {
    let mut picture = scene(0);
    for _ in 0..400 {
        let [x, y] = [SIZE.width, SIZE.height].map(|side| random.u32(..side));
        let shade = random.u32(..0x100) * 0x01_0101;
        picture.fill(Rect::new(x & !1, y & !1, 6, 6), Color::rgb(shade));
    }
    picture
}

fn damage(frame: &mut Vec<u8>, random: &mut fastrand::Rng) {
    for _ in 0..random.usize(1..8) {
        let at = random.usize(..frame.len());
        frame[at] = random.u8(..);
    }
    if random.bool() {
        frame.truncate(random.usize(..=frame.len()));
    }
}

fn psnr(a: &Picture, b: &Picture) -> f64 {
    let (a, b) = (a.planes()[0].samples(), b.planes()[0].samples());
    let squares: f64 = a
        .iter()
        .zip(b)
        .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
        .sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares.max(1e-9)).log10()
}

/// What `SIM_SEED` says, so that a run can be repeated.
fn seed() -> u64 {
    let seed = std::env::var("SIM_SEED").ok();
    seed.and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| fastrand::u64(..))
}
