//! When packets are lost, all that comes out shows what was sent.

use std::collections::BTreeMap;

use fastrand::Rng;
use mixer::frames::Content;

use super::encoded::{self, Encoded, H264Decoder, VpxDecoder};
use super::network::{Network, Received, timestamp};
use super::packets::{self, Mode, Stream, with_start_codes};
use crate::seeded::for_seeds;

const FRAMES: usize = 96;

#[test]
fn vp8_shows_what_was_sent() {
    for layers in [1, 3] {
        let codec = vpx::Codec::Vp8;
        let encoded = encoded::vpx(codec, layers, FRAMES);
        let shown = shown(codec, &encoded);
        for_seeds(30, |rng| {
            let stream = packets::vp8(rng, &encoded, layers);
            assert_shows(rng, &stream, &shown, &mut vpx_decoder(codec));
        });
    }
}

#[test]
fn vp9_shows_what_was_sent() {
    let codec = vpx::Codec::Vp9;
    let encoded = encoded::vpx(codec, 3, FRAMES);
    let shown = shown(codec, &encoded);
    for_seeds(30, |rng| {
        for mode in [Mode::Flexible, Mode::NonFlexible] {
            let stream = packets::vp9(rng, &encoded, mode);
            assert_shows(rng, &stream, &shown, &mut vpx_decoder(codec));
        }
    });
}

#[test]
fn h264_shows_what_was_sent() {
    let encoded = encoded::h264(FRAMES);
    let mut decoder = H264Decoder::new();
    let shown: Vec<_> = encoded
        .iter()
        .map(|frame| decoder.decode(&frame.data))
        .collect();
    for_seeds(30, |rng| {
        let stream = packets::h264(rng, &encoded);
        let mut decoder = H264Decoder::new();
        let mut decode = |frame: &[u8]| decoder.decode(&with_start_codes(frame));
        assert_shows(rng, &stream, &shown, &mut decode);
    });
}

#[test]
fn av1_begins_again_with_a_keyframe() {
    for_seeds(30, |rng| {
        let stream = packets::av1(rng, FRAMES);
        let received = lossy(rng).send(rng, &stream);

        let mut next = None;
        for (place, _) in places(&stream, &received) {
            assert!(stream.frames[place].is_keyframe || next == Some(place));
            next = Some(place + 1);
        }
    });
}

#[test]
fn layers_keep_a_stream_going() {
    let [plain, layered] = [1, 3].map(|layers| {
        let encoded = encoded::vpx(vpx::Codec::Vp8, layers, FRAMES);
        let mut given = 0;
        for_seeds(30, |rng| {
            let stream = packets::vp8(rng, &encoded, layers);
            given += lossy(rng).send(rng, &stream).counters.frames;
        });
        given
    });

    assert!(layered > plain, "{layered} and {plain}");
}

#[test]
fn opus_tells_how_many_packets_are_missing() {
    for_seeds(30, |rng| {
        let stream = packets::opus(rng, 300);
        let received = lossy(rng).send(rng, &stream);

        let mut next = 0;
        for (place, content) in places(&stream, &received) {
            let Content::Sound(sound) = content else {
                panic!("a picture");
            };
            assert_eq!(sound.lost_before as usize, place - next);
            assert_eq!(sound.duration_samples, 960);
            next = place + 1;
        }
        assert_eq!(received.keyframe_requests, 0);
    });
}

fn lossy(rng: &mut Rng) -> Network {
    Network {
        repaired: 3,
        doubled: 3,
        lost: rng.u8(1..6),
    }
}

/// What every frame shows when none is missing.
fn shown(codec: vpx::Codec, encoded: &[Encoded]) -> Vec<Option<u64>> {
    let mut decode = vpx_decoder(codec);
    encoded.iter().map(|frame| decode(&frame.data)).collect()
}

fn vpx_decoder(codec: vpx::Codec) -> impl FnMut(&[u8]) -> Option<u64> {
    let mut decoder = VpxDecoder::new(codec);
    move |frame: &[u8]| decoder.decode(frame)
}

/// A frame that refers to one that is missing would show something else.
fn assert_shows(
    rng: &mut Rng,
    stream: &Stream,
    shown: &[Option<u64>],
    decode: &mut dyn FnMut(&[u8]) -> Option<u64>,
) {
    let received = lossy(rng).send(rng, stream);

    let frames = received.frames.iter();
    for ((place, _), frame) in places(stream, &received).into_iter().zip(frames) {
        assert!(frame.data == stream.frames[place].expected, "frame {place}");
        assert_eq!(decode(&frame.data), shown[place], "frame {place}");
    }
    let counters = received.counters;
    let known = counters.frames + counters.incomplete_frames + counters.undecodable_frames;
    assert!(known <= stream.frames.len() as u64, "{counters:?}");
    assert!(counters.frames > 0 && counters.lost_packets > 0);
}

/// Which frames have come, in order.
fn places<'a>(stream: &Stream, received: &'a Received) -> Vec<(usize, &'a Content)> {
    let by_timestamp: BTreeMap<u32, usize> = (0..stream.frames.len())
        .map(|place| (timestamp(stream, place), place))
        .collect();
    let frames = received.frames.iter();
    let places: Vec<_> = frames
        .map(|frame| (by_timestamp[&frame.timestamp], &frame.content))
        .collect();
    assert!(places.is_sorted_by(|(one, _), (other, _)| one < other));
    places
}
