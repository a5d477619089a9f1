//! H.264 and its payload format in packetization mode 1, RFC 6184.
//!
//! Bytes behind a slice upset decoders, so the stamp is a NAL unit of filler data in a packet of
//! its own, which is the last of the frame; padding is filler data too.

use std::sync::Arc;

use anyhow::{Context, bail};
use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, EncoderConfig, FrameRate, IntraFramePeriod, Profile, RateControlMode,
    UsageType,
};
use openh264::formats::{YUVSlices, YUVSource};

use super::{Decoder, Encoder, Packet};
use crate::media::card::Card;
use crate::media::clip::ClipSpec;
use crate::media::decode::Picture;
use crate::media::layering::Step;
use crate::media::split::{MAX_PAYLOAD, Overhead, split_about_equally};

pub(super) struct FrameEncoder {
    openh264: openh264::encoder::Encoder,
    width: usize,
    height: usize,
}

impl FrameEncoder {
    pub(super) fn new(spec: &ClipSpec, bitrate_bps: u64) -> anyhow::Result<Self> {
        let bitrate_bps = u32::try_from(bitrate_bps).context("bit rate")?;
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(bitrate_bps))
            .max_frame_rate(FrameRate::from_hz(spec.fps as f32))
            .rate_control_mode(RateControlMode::Bitrate)
            .usage_type(UsageType::CameraVideoRealTime)
            .profile(Profile::Baseline)
            .complexity(Complexity::Low)
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            .scene_change_detect(false)
            .adaptive_quantization(false)
            .background_detection(false)
            .skip_frames(false)
            .num_threads(1);
        let openh264 =
            openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config)?;
        Ok(Self {
            openh264,
            width: spec.width as usize,
            height: spec.height as usize,
        })
    }
}

impl Encoder for FrameEncoder {
    fn encode(&mut self, picture: &[u8], _: Step) -> anyhow::Result<Vec<u8>> {
        let pixels = self.width * self.height;
        let (y, chroma) = picture.split_at(pixels);
        let (u, v) = chroma.split_at(pixels / 4);
        let strides = (self.width, self.width / 2, self.width / 2);
        let source = YUVSlices::new((y, u, v), (self.width, self.height), strides);
        Ok(self.openh264.encode(&source)?.to_vec())
    }
}

// NAL unit types, ITU-T H.264 table 7-1 and RFC 6184 table 1.
const SEQUENCE_PARAMETER_SET: u8 = 7;
const PICTURE_PARAMETER_SET: u8 = 8;
const FILLER_DATA: u8 = 12;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// The bits of a NAL header that tell how much others need it.
const REFERENCE: u8 = 0x60;

/// An aggregate of the parameter sets, the slices, filler, and the header of the stamp's unit.
pub(super) fn packets(frame: &[u8], padding: usize) -> Vec<Packet> {
    let mut bodies = Vec::new();
    let mut parameters = vec![REFERENCE | STAP_A];
    for unit in units(frame) {
        match unit[0] & 0x1f {
            SEQUENCE_PARAMETER_SET | PICTURE_PARAMETER_SET => {
                parameters.extend((unit.len() as u16).to_be_bytes());
                parameters.extend(unit);
            }
            _ => fragment(unit, &mut bodies),
        }
    }
    if parameters.len() > 1 {
        bodies.insert(0, parameters);
    }
    if padding > 0 {
        let mut filler = vec![0xff; padding];
        filler[0] = FILLER_DATA;
        fragment(&filler, &mut bodies);
    }
    bodies.push(vec![FILLER_DATA]);
    bodies
        .into_iter()
        .map(|body| Packet {
            body: body.into(),
            tail: Box::default(),
        })
        .collect()
}

/// The NAL units of a byte stream, without start codes; none is empty.
fn units(stream: &[u8]) -> impl Iterator<Item = &[u8]> {
    openh264::nal_units(stream).filter_map(|unit| {
        let start = unit.iter().position(|&byte| byte != 0)? + 1;
        let end = unit.iter().rposition(|&byte| byte != 0)? + 1;
        unit.get(start..end).filter(|unit| !unit.is_empty())
    })
}

/// A unit as a packet of its own or in parts (RFC 6184 §5.8).
fn fragment(unit: &[u8], bodies: &mut Vec<Vec<u8>>) {
    if unit.len() <= MAX_PAYLOAD {
        bodies.push(unit.to_vec());
        return;
    }
    const START: u8 = 0x80;
    const END: u8 = 0x40;
    let overhead = Overhead {
        each: 2,
        ..Overhead::default()
    };
    let (header, mut rest) = (unit[0], &unit[1..]);
    let sizes = split_about_equally(rest.len(), overhead);
    for (place, &size) in sizes.iter().enumerate() {
        let (part, after) = rest.split_at(size);
        rest = after;
        let start = if place == 0 { START } else { 0 };
        let end = if rest.is_empty() { END } else { 0 };
        let mut body = vec![header & REFERENCE | FU_A, start | end | header & 0x1f];
        body.extend(part);
        bodies.push(body);
    }
}

pub(super) struct FrameDecoder {
    openh264: openh264::decoder::Decoder,
    stream: Vec<u8>,
}

impl FrameDecoder {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            openh264: openh264::decoder::Decoder::new()?,
            stream: Vec::new(),
        })
    }
}

impl Decoder for FrameDecoder {
    fn decode(&mut self, packets: &[Arc<[u8]>]) -> anyhow::Result<Option<Picture>> {
        self.stream.clear();
        for payload in packets {
            unpack(payload, &mut self.stream).context("malformed H.264 payload")?;
        }
        if self.stream.is_empty() {
            bail!("no slice in the frame");
        }
        Ok(self.openh264.decode(&self.stream)?.map(|yuv| {
            let (width, height) = yuv.dimensions();
            Picture {
                width: width as u32,
                height: height as u32,
                card: Card::read(width, height, yuv.y(), yuv.strides().0),
            }
        }))
    }
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Appends the units of a payload to a byte stream, without filler.
fn unpack(payload: &[u8], stream: &mut Vec<u8>) -> Option<()> {
    let (&header, body) = payload.split_first()?;
    match header & 0x1f {
        FILLER_DATA => {}
        1..=23 => {
            stream.extend(START_CODE);
            stream.extend(payload);
        }
        STAP_A => {
            let mut rest = body;
            while let Some((size, after)) = rest.split_first_chunk::<2>() {
                let (unit, after) = after.split_at_checked(u16::from_be_bytes(*size).into())?;
                stream.extend(START_CODE);
                stream.extend(unit);
                rest = after;
            }
        }
        FU_A => {
            let (&part, body) = body.split_first()?;
            if part & 0x1f == FILLER_DATA {
                return Some(());
            }
            if part & 0x80 != 0 {
                stream.extend(START_CODE);
                stream.push(header & 0xe0 | part & 0x1f);
            }
            stream.extend(body);
        }
        _ => return None,
    }
    Some(())
}
