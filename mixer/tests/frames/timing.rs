//! What comes when, and what goes along with frames.

use std::time::{Duration, Instant};

use mixer::frames::{Content, Frame, FrameAssembler, Orientation, Output, Packet};
use proto::codec::Codec;
use proto::media::StreamClock;

use super::network::start;

const PATIENCE: Duration = Duration::from_millis(250);
/// VP8 payloads of one packet: a keyframe of 320x180, and another frame.
const KEY: &[u8] = &[0x10, 0x50, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00];
const DELTA: &[u8] = &[0x10, 0x01, 0, 0];
/// 20 ms of Opus.
const SOUND: &[u8] = &[0xf8, 0xff, 0xfe];

#[test]
fn a_stream_that_begins_with_a_keyframe_asks_for_none() {
    let mut world = World::new(Codec::Vp8);

    assert_eq!(world.handle(0, 1, KEY), ["1"]);
    assert_eq!(world.handle(30, 2, DELTA), ["2"]);
    assert_eq!(world.assembler.poll_timeout(), None);
}

#[test]
fn what_precedes_the_first_keyframe_is_dropped_and_one_asked_for() {
    let mut world = World::new(Codec::Vp8);

    assert_eq!(world.handle(0, 1, DELTA), ["keyframe wanted"]);
    assert_eq!(world.handle(30, 2, DELTA), [""; 0]);
    assert_eq!(world.handle(60, 3, KEY), ["3"]);
    assert_eq!(world.assembler.poll_timeout(), None);
    assert_eq!(world.assembler.counters().undecodable_frames, 2);
}

#[test]
fn a_keyframe_is_asked_for_until_it_comes() {
    let mut world = World::new(Codec::Vp8);
    world.handle(0, 1, KEY);

    assert_eq!(world.handle(30, 3, DELTA), [""; 0]);
    assert_eq!(world.wait(279), [""; 0]);
    assert_eq!(world.wait(280), ["keyframe wanted"]);
    assert_eq!(world.wait(1_280), ["keyframe wanted"]);
    assert_eq!(world.handle(1_300, 4, KEY), ["4"]);
    assert_eq!(world.wait(60_000), [""; 0]);
}

#[test]
fn a_frame_ends_where_the_timestamp_changes() {
    let mut world = World::new(Codec::Vp8);

    world
        .assembler
        .handle_packet(start(), packet(1, KEY, false));
    assert_eq!(world.wait(0), [""; 0]);
    assert_eq!(world.handle(30, 2, DELTA), ["1", "2"]);
}

#[test]
fn a_frame_without_an_end_is_dropped_where_the_stream_ends() {
    let mut world = World::new(Codec::Vp8);
    world.handle(0, 1, KEY);
    world
        .assembler
        .handle_packet(start(), packet(2, DELTA, false));

    world.assembler.finish();

    assert_eq!(world.wait(0), [""; 0]);
    assert_eq!(world.assembler.counters().incomplete_frames, 1);
}

#[test]
fn what_waits_comes_where_the_stream_ends() {
    let mut world = World::new(Codec::Opus);
    world.handle(0, 1, SOUND);
    assert_eq!(world.handle(0, 4, SOUND), [""; 0]);

    world.assembler.finish();

    assert_eq!(world.wait(0), ["4 after 2"]);
    assert_eq!(world.assembler.poll_timeout(), None);
}

#[test]
fn a_stream_that_begins_anew_needs_a_keyframe() {
    let mut world = World::new(Codec::Vp8);
    world.handle(0, 1, KEY);

    assert_eq!(world.handle(30, 90_000, DELTA), [""; 0]);
    assert_eq!(world.handle(60, 90_001, KEY), ["90001"]);
    assert_eq!(world.handle(90, 90_002, DELTA), ["90002"]);
    assert_eq!(world.assembler.counters().restarts, 1);
}

#[test]
fn silence_without_a_gap_is_no_loss() {
    let mut world = World::new(Codec::Opus);
    world.handle(0, 1, SOUND);

    let mut later = packet(2, &[0xf8], false);
    later.timestamp += 48_000;
    world.assembler.handle_packet(start(), later);
    let frame = world.frame();

    let Content::Sound(sound) = frame.content else {
        panic!("a picture");
    };
    assert!(sound.is_silence);
    assert_eq!((sound.lost_before, sound.duration_samples), (0, 960));
}

#[test]
fn frames_have_the_newest_clock_and_orientation() {
    let mut world = World::new(Codec::Vp8);
    let clock = StreamClock {
        ntp: 7 << 32,
        timestamp: 9,
    };
    let first = Packet {
        clock: Some(clock),
        orientation: Some(0x05),
        ..packet(1, KEY, true)
    };
    world.assembler.handle_packet(start(), first);
    world.frame();
    world
        .assembler
        .handle_packet(start(), packet(2, DELTA, true));
    let frame = world.frame();

    assert_eq!(frame.clock, Some(clock));
    let Content::Picture(picture) = frame.content else {
        panic!("sound");
    };
    let orientation = Orientation {
        quarter_turns: 1,
        is_flipped: true,
    };
    assert_eq!(picture.orientation, Some(orientation));
    assert_eq!((picture.size.width_px, picture.size.height_px), (320, 180));
}

#[test]
fn a_frame_was_received_when_the_first_of_its_packets_was() {
    let mut world = World::new(Codec::Vp8);
    let at = |ms| start() + Duration::from_millis(ms);
    let (first, second) = (packet(1, KEY, false), packet(2, &[0x00, 1, 2], true));
    let (first, second) = (
        Packet {
            received: at(9),
            ..first
        },
        Packet {
            received: at(4),
            timestamp: first.timestamp,
            ..second
        },
    );
    world.assembler.handle_packet(at(9), first);
    world.assembler.handle_packet(at(9), second);

    assert_eq!(world.frame().received, at(4));
}

struct World {
    assembler: FrameAssembler<&'static [u8]>,
}

impl World {
    fn new(codec: Codec) -> Self {
        Self {
            assembler: FrameAssembler::new(codec, PATIENCE),
        }
    }

    /// Takes a frame of one packet, and tells what comes out.
    fn handle(&mut self, at_ms: u64, sequence: u64, payload: &'static [u8]) -> Vec<String> {
        let now = start() + Duration::from_millis(at_ms);
        let packet = packet(sequence, payload, true);
        self.assembler.handle_packet(now, packet);
        self.poll(now)
    }

    fn wait(&mut self, until_ms: u64) -> Vec<String> {
        self.poll(start() + Duration::from_millis(until_ms))
    }

    fn poll(&mut self, now: Instant) -> Vec<String> {
        let outputs = std::iter::from_fn(|| self.assembler.poll(now));
        let told = outputs.map(|output| match output {
            Output::KeyframeWanted => "keyframe wanted".into(),
            Output::Frame(frame) => match frame.content {
                Content::Sound(sound) if sound.lost_before > 0 => {
                    format!("{} after {}", frame.first_sequence, sound.lost_before)
                }
                Content::Sound(_) | Content::Picture(_) => frame.first_sequence.to_string(),
            },
        });
        told.collect()
    }

    fn frame(&mut self) -> Frame {
        match self.assembler.poll(start()) {
            Some(Output::Frame(frame)) => frame,
            other => panic!("no frame: {other:?}"),
        }
    }
}

fn packet(sequence: u64, payload: &'static [u8], marker: bool) -> Packet<&'static [u8]> {
    Packet {
        sequence,
        timestamp: 3_000 * sequence as u32,
        marker,
        payload,
        received: start(),
        orientation: None,
        clock: None,
    }
}
