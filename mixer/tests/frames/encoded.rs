//! Streams as encoders make them, and what they decode to.

use openh264::OpenH264API;
use openh264::encoder::{EncoderConfig, IntraFramePeriod, Profile, UsageType};
use openh264::formats::{YUVSlices, YUVSource};
use vpx::Buffers;

/// Pixels across and down.
pub(crate) const WIDTH: usize = 160;
pub(crate) const HEIGHT: usize = 96;
/// How often there is a keyframe.
pub(crate) const KEYFRAME_INTERVAL: usize = 16;

/// An encoded frame.
#[derive(Debug, Clone)]
pub(crate) struct Encoded {
    pub(crate) data: Vec<u8>,
    pub(crate) step: Step,
}

/// Its place among temporal layers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) is_keyframe: bool,
    pub(crate) temporal: u8,
    /// Refers to the lowest layer only.
    pub(crate) is_sync: bool,
    pub(crate) references: Buffers,
    pub(crate) updates: Buffers,
    /// How many frames before the one is that this one refers to.
    pub(crate) distance: u8,
}

/// Encodes with libvpx, in one temporal layer or in three.
pub(crate) fn vpx(codec: vpx::Codec, temporal_layers: u8, frames: usize) -> Vec<Encoded> {
    let settings = vpx::Settings {
        codec,
        purpose: vpx::Purpose::Layers,
        width: WIDTH as u32,
        height: HEIGHT as u32,
        fps: 30,
        kilobits: 600,
        resilient: temporal_layers > 1,
        speed: if codec == vpx::Codec::Vp8 { -8 } else { 5 },
    };
    let mut encoder = vpx::Encoder::new(&settings).expect("an encoder");
    let frames = (0..frames).map(|frame| {
        let step = step(temporal_layers, frame);
        let picture = picture(frame);
        let data = if step.is_keyframe {
            encoder.encode_keyframe(&picture)
        } else {
            encoder.encode(&picture, step.references, step.updates)
        };
        let data = data.expect("a frame");
        Encoded { data, step }
    });
    frames.collect()
}

/// Encodes with openh264, as a stream of NAL units after start codes.
pub(crate) fn h264(frames: usize) -> Vec<Encoded> {
    let config = EncoderConfig::new()
        .usage_type(UsageType::CameraVideoRealTime)
        .profile(Profile::Baseline)
        .intra_frame_period(IntraFramePeriod::from_num_frames(0))
        .scene_change_detect(false)
        .skip_frames(false)
        .num_threads(1);
    let api = OpenH264API::from_source();
    let mut encoder = openh264::encoder::Encoder::with_api_config(api, config).expect("an encoder");
    let frames = (0..frames).map(|frame| {
        let picture = picture(frame);
        let (y, chroma) = picture.split_at(WIDTH * HEIGHT);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        let strides = (WIDTH, WIDTH / 2, WIDTH / 2);
        let source = YUVSlices::new((y, u, v), (WIDTH, HEIGHT), strides);
        let step = step(1, frame);
        if step.is_keyframe {
            encoder.force_intra_frame();
        }
        let data = encoder.encode(&source).expect("a frame").to_vec();
        Encoded { data, step }
    });
    frames.collect()
}

/// Decodes frames of libvpx, and tells each picture by a hash; `None` if there is none.
pub(crate) struct VpxDecoder(vpx::Decoder);

impl VpxDecoder {
    pub(crate) fn new(codec: vpx::Codec) -> Self {
        Self(vpx::Decoder::new(codec).expect("a decoder"))
    }

    pub(crate) fn decode(&mut self, frame: &[u8]) -> Option<u64> {
        let picture = self.0.decode(frame).expect("a decodable frame")?;
        let rows = picture.y.rows.chunks(picture.y.stride);
        Some(hash(rows.flat_map(|row| &row[..picture.width as usize])))
    }
}

/// The same for openh264, which takes start codes.
pub(crate) struct H264Decoder(openh264::decoder::Decoder);

impl H264Decoder {
    pub(crate) fn new() -> Self {
        Self(openh264::decoder::Decoder::new().expect("a decoder"))
    }

    pub(crate) fn decode(&mut self, stream: &[u8]) -> Option<u64> {
        let yuv = self.0.decode(stream).expect("a decodable frame")?;
        let (width, _) = yuv.dimensions();
        let rows = yuv.y().chunks(yuv.strides().0);
        Some(hash(rows.flat_map(|row| &row[..width])))
    }
}

fn hash<'a>(bytes: impl Iterator<Item = &'a u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Stripes that move, with grain that takes some bits.
fn picture(frame: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(frame as u64);
    let mut picture = vec![128; WIDTH * HEIGHT * 3 / 2];
    for (at, pixel) in picture[..WIDTH * HEIGHT].iter_mut().enumerate() {
        let (x, y) = (at % WIDTH, at / WIDTH);
        *pixel = (((x + 3 * frame) ^ (y + frame)) as u8).wrapping_add(random.u8(0..24));
    }
    picture
}

/// Layer 2, 1 and 2 again after layer 0, the last on the golden buffer, as conferences have it.
fn step(temporal_layers: u8, frame: usize) -> Step {
    let buffers = |last, golden| Buffers { last, golden };
    let (none, last, golden) = (
        buffers(false, false),
        buffers(true, false),
        buffers(false, true),
    );
    let place = if temporal_layers == 1 { 4 } else { frame % 4 };
    let (temporal, is_sync, references, updates, distance) = match place {
        0 => (0, false, last, last, 4),
        1 => (2, true, last, none, 1),
        2 => (1, true, last, golden, 2),
        3 => (2, false, golden, none, 1),
        _ => (0, false, last, last, 1),
    };
    Step {
        is_keyframe: frame.is_multiple_of(KEYFRAME_INTERVAL),
        temporal,
        is_sync,
        references,
        updates,
        distance,
    }
}
