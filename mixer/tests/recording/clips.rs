//! Encoded pictures and sound that are sent again and again.

use openh264::OpenH264API;
use openh264::encoder::{Encoder, EncoderConfig, RateControlMode};
use openh264::formats::YUVSlices;
use opus::{Application, Bitrate, Channels};
use proto::codec::Codec;
use vpx::Buffers;

/// What a track can send.
#[derive(Debug)]
pub(crate) struct Clip {
    pub(crate) codec: Codec,
    /// How long a frame is, in microseconds.
    pub(crate) frame_us: i64,
    /// How far timestamps of frames are from each other.
    pub(crate) ticks: u32,
    /// Encoded frames; a decoder can begin with the first, and go on with the first after the last.
    pub(crate) frames: Vec<Vec<u8>>,
    /// The place of the frame that is a flash or a beep, if the clip is silent and dark otherwise.
    pub(crate) mark: Option<usize>,
}

/// Pixels across and down.
pub(crate) const SIZE: (u32, u32) = (96, 64);

/// Stripes that move, for a second, with grain that makes each frame another.
pub(crate) fn moving(codec: Codec, size: (u32, u32)) -> Clip {
    let mut encoder = encoder(codec, size);
    let last = Buffers {
        last: true,
        golden: false,
    };
    let frames = (0..30).map(|frame| {
        let picture = stripes(size, frame);
        match frame {
            0 => encoder.encode_keyframe(&picture),
            _ => encoder.encode(&picture, last, last),
        }
        .expect("a frame")
    });
    Clip {
        codec,
        frame_us: 33_333,
        ticks: 3_000,
        frames: frames.collect(),
        mark: None,
    }
}

/// A second of the same in H.264; frames are byte streams with start codes.
pub(crate) fn moving_h264() -> Clip {
    let config = EncoderConfig::new()
        .rate_control_mode(RateControlMode::Off)
        .scene_change_detect(false)
        .num_threads(1);
    let api = OpenH264API::from_source();
    let mut encoder = Encoder::with_api_config(api, config).expect("an encoder");
    let (width, height) = (SIZE.0 as usize, SIZE.1 as usize);
    let frames = (0..30).map(|frame| {
        let picture = stripes(SIZE, frame);
        let (y, chroma) = picture.split_at(width * height);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        let strides = (width, width / 2, width / 2);
        let source = YUVSlices::new((y, u, v), (width, height), strides);
        encoder.encode(&source).expect("a frame").to_vec()
    });
    Clip {
        codec: Codec::H264,
        frame_us: 33_333,
        ticks: 3_000,
        frames: frames.collect(),
        mark: None,
    }
}

/// A second of a tone that rises.
pub(crate) fn tone() -> Clip {
    let mut encoder = opus_encoder();
    let frames = (0..50).map(|frame| {
        let samples: Vec<f32> = (0..960)
            .map(|at| sine(0.3, 300.0 + f64::from(frame), frame * 960 + at))
            .collect();
        encoder.encode_vec_float(&samples, 1_276).expect("a packet")
    });
    Clip {
        codec: Codec::Opus,
        frame_us: 20_000,
        ticks: 960,
        frames: frames.collect(),
        mark: None,
    }
}

/// Darkness, and a flash: a keyframe that is dark, one that is bright, and one that shows what the
/// one before does.
pub(crate) fn flash(fps: u32) -> Clip {
    let plain = |luma: u8| {
        let pixels = (SIZE.0 * SIZE.1) as usize;
        let mut picture = vec![128; pixels * 3 / 2];
        picture[..pixels].fill(luma);
        picture
    };
    let mut encoder = encoder(Codec::Vp8, SIZE);
    let last = Buffers {
        last: true,
        golden: false,
    };
    let bright = encoder.encode_keyframe(&plain(220)).expect("a frame");
    let dark = encoder.encode_keyframe(&plain(20)).expect("a frame");
    let same = encoder.encode(&plain(20), last, last).expect("a frame");
    Clip {
        codec: Codec::Vp8,
        frame_us: 1_000_000 / i64::from(fps),
        ticks: 90_000 / fps,
        frames: vec![dark, bright, same],
        mark: Some(1),
    }
}

/// Silence, and a beep.
pub(crate) fn beep() -> Clip {
    let packet = |amplitude: f64| {
        let samples: Vec<f32> = (0..960).map(|at| sine(amplitude, 1_000.0, at)).collect();
        let mut encoder = opus_encoder();
        encoder.encode_vec_float(&samples, 1_276).expect("a packet")
    };
    let (silence, beep) = (packet(0.000_1), packet(0.7));
    Clip {
        codec: Codec::Opus,
        frame_us: 20_000,
        ticks: 960,
        frames: vec![silence.clone(), beep, silence],
        mark: Some(1),
    }
}

fn sine(amplitude: f64, hz: f64, at: u32) -> f32 {
    let turns = hz * f64::from(at) / 48_000.0;
    (amplitude * (std::f64::consts::TAU * turns).sin()) as f32
}

fn opus_encoder() -> opus::Encoder {
    let (channels, use_of_it) = (Channels::Mono, Application::LowDelay);
    let mut encoder = opus::Encoder::new(48_000, channels, use_of_it).expect("an encoder");
    encoder.set_bitrate(Bitrate::Bits(32_000)).expect("bitrate");
    encoder
}

fn encoder(codec: Codec, (width, height): (u32, u32)) -> vpx::Encoder {
    let (codec, speed) = match codec == Codec::Vp9 {
        true => (vpx::Codec::Vp9, 5),
        false => (vpx::Codec::Vp8, -8),
    };
    vpx::Encoder::new(&vpx::Settings {
        codec,
        purpose: vpx::Purpose::Layers,
        width,
        height,
        fps: 30,
        kilobits: 400,
        resilient: false,
        speed,
    })
    .expect("an encoder")
}

fn stripes((width, height): (u32, u32), frame: u32) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(u64::from(frame));
    let pixels = width * height;
    let mut picture = vec![128; pixels as usize * 3 / 2];
    for (at, pixel) in (0..pixels).zip(&mut picture) {
        let (x, y) = (at % width, at / width);
        *pixel = (((x + 3 * frame) ^ (y + frame)) as u8).wrapping_add(random.u8(0..24));
    }
    picture
}
