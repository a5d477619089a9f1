//! While everything comes in time, exactly what was sent comes out.

use fastrand::Rng;
use mixer::frames::{Content, Counters};

use super::encoded;
use super::network::{FIRST_SEQUENCE, Network, Received, timestamp};
use super::packets::{self, Mode, Stream};
use crate::seeded::for_seeds;

const FRAMES: usize = 50;

#[test]
fn vp8_comes_out_as_it_was() {
    let encoded = [1, 3].map(|layers| (layers, encoded::vpx(vpx::Codec::Vp8, layers, FRAMES)));
    for_seeds(20, |rng| {
        for (layers, encoded) in &encoded {
            comes_out_as_it_was(rng, |rng| packets::vp8(rng, encoded, *layers));
        }
    });
}

#[test]
fn vp9_comes_out_as_it_was() {
    let encoded = encoded::vpx(vpx::Codec::Vp9, 3, FRAMES);
    for_seeds(20, |rng| {
        for mode in [Mode::Flexible, Mode::NonFlexible] {
            comes_out_as_it_was(rng, |rng| packets::vp9(rng, &encoded, mode));
        }
    });
}

#[test]
fn h264_comes_out_as_it_was() {
    let encoded = encoded::h264(FRAMES);
    for_seeds(20, |rng| {
        comes_out_as_it_was(rng, |rng| packets::h264(rng, &encoded));
    });
}

#[test]
fn av1_comes_out_as_it_was() {
    for_seeds(20, |rng| {
        comes_out_as_it_was(rng, |rng| packets::av1(rng, FRAMES));
    });
}

#[test]
fn opus_comes_out_as_it_was() {
    for_seeds(20, |rng| {
        comes_out_as_it_was(rng, |rng| packets::opus(rng, 300));
    });
}

fn comes_out_as_it_was(rng: &mut Rng, stream: impl Fn(&mut Rng) -> Stream) {
    let stream = stream(rng);
    let network = Network {
        repaired: 5,
        doubled: 10,
        lost: 0,
    };

    let received = network.send(rng, &stream);

    assert_frames(&stream, &received);
    let count = stream.frames.len() as u64;
    let keyframes = stream.frames.iter().filter(|frame| frame.is_keyframe);
    let counters = Counters {
        frames: count,
        keyframes: keyframes.count() as u64,
        late_packets: received.counters.late_packets,
        duplicate_packets: received.counters.duplicate_packets,
        ..Counters::default()
    };
    assert_eq!(received.counters, counters);
    assert_eq!(received.keyframe_requests, 0);
}

fn assert_frames(stream: &Stream, received: &Received) {
    assert_eq!(received.frames.len(), stream.frames.len());
    let mut sequence = FIRST_SEQUENCE;
    for (place, (sent, frame)) in stream.frames.iter().zip(&received.frames).enumerate() {
        assert!(frame.data == sent.expected, "frame {place}");
        assert_eq!(frame.timestamp, timestamp(stream, place));
        assert_eq!(frame.first_sequence, sequence);
        sequence += sent.payloads.len() as u64;
        assert_eq!(frame.last_sequence, sequence - 1);
        assert_eq!(frame.is_keyframe(), sent.is_keyframe);
        match &frame.content {
            Content::Picture(picture) => {
                let size = (picture.size.width_px, picture.size.height_px);
                assert_eq!(size, packets::size(stream.codec));
                assert!(picture.config.is_none() || place == 0);
            }
            Content::Sound(sound) => assert_eq!(sound.lost_before, 0),
        }
    }
}
