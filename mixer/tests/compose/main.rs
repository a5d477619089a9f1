//! Rooms composed as they live: packets of cameras go in, and what people would see comes out.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mixer::codec::{self, Effort, EncoderSettings, Purpose, VideoDecoder};
use mixer::compose::{ComposerSettings, LiveComposer, LiveOutput, LiveSettings, Piece};
use mixer::frames::{Packet, Packetizer, Payload};
use mixer::layout::Layout;
use mixer::picture::{Color, Picture, Rect, Size};
use mixer::recording::{NewTrack, Person, PublishedTrack, Source, TrackPacket};
use mixer::timeline::Timeline;
use openh264::OpenH264API;
use openh264::encoder::{Encoder, EncoderConfig, RateControlMode};
use openh264::formats::YUVSlices;
use proto::codec::{Codec, MediaKind};
use proto::media::WallClock;

const CANVAS: Size = Size::new(320, 180);
const FRAME: Duration = Duration::from_millis(40);
const RED: Color = Color::rgb(0xe0_2020);
const BLUE: Color = Color::rgb(0x20_20e0);

#[test]
fn a_camera_is_seen_whatever_its_codec() {
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264] {
        let mut room = Room::new(codec);

        room.send(25, &plain(Size::new(320, 180), RED));

        assert_eq!(room.seen(), RED, "{codec:?}");
        assert_eq!(room.composer.dropped(), 0, "{codec:?}");
    }
}

#[test]
fn a_camera_that_changes_its_size_is_seen() {
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264] {
        let mut room = Room::new(codec);

        room.send(12, &plain(Size::new(320, 180), RED));
        room.send(12, &plain(Size::new(180, 320), BLUE));

        assert_eq!(room.seen(), BLUE, "{codec:?}");
        assert_eq!(room.composer.dropped(), 0, "{codec:?}");
    }
}

#[test]
fn a_camera_that_is_joined_late_is_seen_from_its_next_keyframe() {
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264] {
        let mut room = Room::new(codec);
        room.lose_next();

        room.send(12, &plain(Size::new(320, 180), RED));
        assert_ne!(room.seen(), RED, "{codec:?}");
        room.send(12, &plain(Size::new(320, 180), BLUE));

        assert_eq!(room.seen(), BLUE, "{codec:?}");
    }
}

/// A room in which Ann has a camera, and what it looks like.
struct Room {
    composer: LiveComposer,
    codec: Codec,
    packetizer: Packetizer,
    decoder: VideoDecoder,
    picture: Picture,
    now: Instant,
    sequence: u64,
    timestamp: u32,
    loses_next: bool,
}

impl Room {
    fn new(codec: Codec) -> Self {
        let wall = WallClock::new(start(), Duration::from_secs(1_750_000_000));
        let video = settings(codec::Codec::Vp8, CANVAS);
        let composer = ComposerSettings {
            layout: Layout::Grid,
            shows_names: false,
            video: Some(video),
            audio: None,
            begins_us: 0,
        };
        let mut composer = LiveComposer::new(&LiveSettings {
            composer,
            timeline: Timeline::new(wall, start()),
            patience: Duration::from_millis(100),
        })
        .expect("settings that can be");
        let camera = PublishedTrack {
            sid: "TR_cam".into(),
            kind: MediaKind::Video,
            source: Source::Camera,
            is_muted: false,
            is_encrypted: false,
        };
        let ann = Person {
            sid: "PA_ann".into(),
            identity: "ann".into(),
            name: "Ann".into(),
            tracks: vec![camera],
        };
        composer.handle_person(start(), ann);
        composer.handle_track(NewTrack {
            number: 1,
            sid: "TR_cam".into(),
            participant: "PA_ann".into(),
            kind: MediaKind::Video,
        });
        Self {
            composer,
            codec,
            packetizer: Packetizer::new(codec, 0),
            decoder: VideoDecoder::new(codec::Codec::Vp8).expect("a decoder"),
            picture: Picture::default(),
            now: start(),
            sequence: 65_530,
            timestamp: u32::MAX - 10_000,
            loses_next: false,
        }
    }

    /// The next keyframe does not arrive.
    fn lose_next(&mut self) {
        self.loses_next = true;
    }

    /// Has the camera send so many frames of a picture, the first of which is a keyframe, and waits
    /// until they are seen.
    fn send(&mut self, frames: usize, picture: &Picture) {
        for payloads in self.encode(frames, picture) {
            for payload in payloads {
                self.sequence += 1;
                if !self.loses_next {
                    self.deliver(&payload);
                }
            }
            self.loses_next = false;
            self.timestamp = self.timestamp.wrapping_add(3_600);
            self.wait(FRAME);
        }
        self.wait(Duration::from_millis(400));
    }

    fn deliver(&mut self, payload: &Payload) {
        let packet = TrackPacket {
            track: 1,
            encoding: 0,
            codec: self.codec,
            packet: Packet {
                sequence: self.sequence,
                timestamp: self.timestamp,
                marker: payload.is_last,
                payload: payload.data.as_slice(),
                received: self.now,
                orientation: None,
                clock: None,
            },
        };
        self.composer.handle_packet(self.now, &packet);
    }

    fn wait(&mut self, span: Duration) {
        self.now += span;
        self.composer.advance(self.now).expect("pictures");
        while let Some(output) = self.composer.poll() {
            if let LiveOutput::Piece(Piece::Picture { data, .. }) = output {
                let is_shown = self.decoder.decode(&data, &mut self.picture);
                assert_eq!(is_shown, Ok(true));
            }
        }
    }

    /// The middle of what is seen: one of the colours that are sent, or another.
    fn seen(&self) -> Color {
        let middle =
            |plane: &mixer::picture::Plane| plane.row(plane.height() / 2)[plane.width() / 2];
        let planes = self.picture.planes();
        let is_near = |color: &Color| {
            let plain = plain(CANVAS, *color);
            let mut planes = planes.iter().zip(plain.planes());
            planes.all(|(own, plain)| middle(own).abs_diff(middle(plain)) < 12)
        };
        [RED, BLUE]
            .into_iter()
            .find(is_near)
            .unwrap_or(Color::BLACK)
    }

    fn encode(&mut self, frames: usize, picture: &Picture) -> Vec<Vec<Payload>> {
        let codec = match self.codec {
            Codec::Vp8 => codec::Codec::Vp8,
            Codec::Vp9 => codec::Codec::Vp9,
            Codec::H264 | Codec::Av1 | Codec::Opus | Codec::Red => {
                return encode_h264(frames, picture);
            }
        };
        let settings = settings(codec, picture.size());
        let mut encoder = codec::VideoEncoder::new(&settings).expect("an encoder");
        let frames = (0..frames as i64).map(|number| {
            let encoded = encoder.encode(number * 40_000, picture, false);
            let encoded = encoded.expect("no failure").expect("a frame");
            self.packetizer.cut(&encoded.data, encoded.is_keyframe)
        });
        frames.collect()
    }
}

/// Each NAL unit in a packet of its own.
fn encode_h264(frames: usize, picture: &Picture) -> Vec<Vec<Payload>> {
    let size = picture.size();
    let [y, u, v] = picture.planes();
    let source = YUVSlices::new(
        (y.samples(), u.samples(), v.samples()),
        (size.width as usize, size.height as usize),
        (y.width(), u.width(), v.width()),
    );
    let api = OpenH264API::from_source();
    let config = EncoderConfig::new()
        .num_threads(1)
        .rate_control_mode(RateControlMode::Off);
    let mut encoder = Encoder::with_api_config(api, config).expect("an encoder");
    let frames = (0..frames).map(|_| {
        let stream = encoder.encode(&source).expect("a frame").to_vec();
        let units: Vec<_> = openh264::nal_units(&stream).collect();
        let payloads = units.iter().enumerate().map(|(place, unit)| {
            let code = unit.iter().position(|&byte| byte != 0).expect("a unit");
            Payload {
                data: unit[code + 1..].to_vec(),
                is_last: place + 1 == units.len(),
            }
        });
        payloads.collect()
    });
    frames.collect()
}

fn settings(codec: codec::Codec, size: Size) -> EncoderSettings {
    EncoderSettings {
        codec,
        purpose: Purpose::Live,
        size,
        fps: 25,
        kilobits: 2_000,
        effort: Effort::Normal,
        keyframe_interval: None,
    }
}

fn plain(size: Size, color: Color) -> Picture {
    let mut picture = Picture::new(size);
    picture.fill(Rect::new(0, 0, size.width, size.height), color);
    picture
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock"
)]
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}
