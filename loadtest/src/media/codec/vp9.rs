//! VP9 with one spatial layer and its payload format in non-flexible mode, RFC 9628.
//!
//! A decoder takes bytes behind a frame for another frame, except between the frame and a
//! superframe index (VP9 bitstream specification, annex B). So the frame is a superframe of one,
//! and the stamp is in front of its index; so is padding.

use std::sync::Arc;

use anyhow::{Context, ensure};
use proto::layer::vp9::Descriptor;

use super::vp8::{cut, picture, settings};
use super::{Decoder, Packet, Place};
use crate::media::clip::{ClipSpec, DescriptorNumbers};
use crate::media::decode::Picture;
use crate::media::layering::{Step, pattern};
use crate::media::split::Overhead;
use crate::media::stamp::Stamp;

/// libvpx's `cpu-used`.
const SPEED: i32 = 8;

/// From 6 on, libvpx skips blocks that are as they were in the picture before, although the frame
/// may build on an older one.
const SPEED_WITH_LAYERS: i32 = 5;

pub(super) fn encoder(spec: &ClipSpec, bitrate_bps: u64) -> anyhow::Result<vpx::Encoder> {
    let speed = if spec.temporal_layers > 1 {
        SPEED_WITH_LAYERS
    } else {
        SPEED
    };
    let settings = settings(spec, bitrate_bps, vpx::Codec::Vp9, speed)?;
    Ok(vpx::Encoder::new(&settings)?)
}

pub(super) fn packets(spec: &ClipSpec, step: Step, frame: &[u8], padding: usize) -> Vec<Packet> {
    let index = superframe_index(frame.len());
    let mut frame = frame.to_vec();
    frame.resize(frame.len() + padding, 0);
    let overhead = Overhead {
        each: if spec.temporal_layers > 1 { 5 } else { 3 },
        first: if step.keyframe {
            structure(spec).len()
        } else {
            0
        },
        last: Stamp::BYTES + index.len(),
    };
    let mut packets = cut(&frame, overhead);
    if let Some(last) = packets.last_mut() {
        last.tail = index.into();
    }
    packets
}

/// One frame of `len` bytes, which take three bytes.
fn superframe_index(len: usize) -> [u8; 5] {
    const MARKER: u8 = 0xc0 | 2 << 3;
    debug_assert!(len < 1 << 24, "a frame of 16 MiB");
    let [low, middle, high, ..] = len.to_le_bytes();
    [MARKER, low, middle, high, MARKER]
}

/// RFC 9628 §4.2, with a picture id of 15 bits.
pub(super) fn write_descriptor(
    out: &mut Vec<u8>,
    spec: &ClipSpec,
    step: Step,
    place: Place,
    numbers: DescriptorNumbers,
) {
    const I: u8 = 0x80;
    const P: u8 = 0x40;
    const L: u8 = 0x20;
    const B: u8 = 0x08;
    const E: u8 = 0x04;
    const V: u8 = 0x02;
    const Z: u8 = 0x01;
    const U: u8 = 0x10;
    let when = |condition: bool, bit: u8| if condition { bit } else { 0 };

    let layers = spec.temporal_layers > 1;
    let structured = step.keyframe && place.first;
    out.push(
        I | Z
            | when(!step.keyframe, P)
            | when(layers, L)
            | when(place.first, B)
            | when(place.last, E)
            | when(structured, V),
    );
    out.extend((numbers.picture_id | 0x8000).to_be_bytes());
    if layers {
        out.push(step.temporal << 5 | U);
        out.push(numbers.tl0_pic_idx);
    }
    if structured {
        out.extend(structure(spec));
    }
}

/// The scalability structure, RFC 9628 §4.2.1: the size and the group of pictures. Every frame
/// builds on the latest of a lower layer or on one of its own with nothing lower since, so that
/// each is a place to switch up.
fn structure(spec: &ClipSpec) -> Vec<u8> {
    const Y: u8 = 0x10;
    const G: u8 = 0x08;
    const U: u8 = 0x10;
    const ONE_REFERENCE: u8 = 1 << 2;

    let group = pattern(spec.temporal_layers);
    let mut structure = vec![Y | G];
    structure.extend((spec.width as u16).to_be_bytes());
    structure.extend((spec.height as u16).to_be_bytes());
    structure.push(group.len() as u8);
    for step in group {
        structure.extend([step.temporal << 5 | U | ONE_REFERENCE, step.distance]);
    }
    structure
}

pub(super) struct FrameDecoder {
    vpx: vpx::Decoder,
    frame: Vec<u8>,
}

impl FrameDecoder {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            vpx: vpx::Decoder::new(vpx::Codec::Vp9)?,
            frame: Vec::new(),
        })
    }
}

impl Decoder for FrameDecoder {
    fn decode(&mut self, packets: &[Arc<[u8]>]) -> anyhow::Result<Option<Picture>> {
        self.frame.clear();
        for (place, payload) in packets.iter().enumerate() {
            let descriptor = Descriptor::read(payload).context("malformed VP9 payload")?;
            ensure!(descriptor.start == (place == 0), "no start of a frame");
            let body = payload.get(descriptor.len..);
            self.frame.extend(body.context("malformed VP9 payload")?);
        }
        Ok(self.vpx.decode(&self.frame)?.as_ref().map(picture))
    }
}
