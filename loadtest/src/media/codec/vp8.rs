//! VP8 and its payload format, RFC 7741.
//!
//! The stamp is behind the last partition of the frame, whose decoder reads no further than it
//! needs (RFC 6386 §7.3); so is padding.

use std::sync::Arc;

use anyhow::{Context, ensure};
use proto::layer::{VideoCodec, describe};

use super::{Decoder, Encoder, Packet, Place};
use crate::media::card::Card;
use crate::media::clip::{ClipSpec, DescriptorNumbers};
use crate::media::decode::Picture;
use crate::media::layering::Step;
use crate::media::split::{Overhead, split_about_equally};
use crate::media::stamp::Stamp;

/// libvpx's `cpu-used`: fixed at eight, where a positive one would follow the clock.
const SPEED: i32 = -8;

pub(super) fn encoder(spec: &ClipSpec, bitrate_bps: u64) -> anyhow::Result<vpx::Encoder> {
    let settings = settings(spec, bitrate_bps, vpx::Codec::Vp8, SPEED)?;
    Ok(vpx::Encoder::new(&settings)?)
}

/// How libvpx is set up, for both of its codecs.
pub(super) fn settings(
    spec: &ClipSpec,
    bitrate_bps: u64,
    codec: vpx::Codec,
    speed: i32,
) -> anyhow::Result<vpx::Settings> {
    Ok(vpx::Settings {
        codec,
        purpose: vpx::Purpose::Layers,
        width: spec.width,
        height: spec.height,
        fps: spec.fps,
        kilobits: u32::try_from(bitrate_bps.div_ceil(1000)).context("bit rate")?,
        resilient: spec.temporal_layers > 1,
        speed,
    })
}

impl Encoder for vpx::Encoder {
    fn encode(&mut self, picture: &[u8], step: Step) -> anyhow::Result<Vec<u8>> {
        Ok(if step.keyframe {
            self.encode_keyframe(picture)?
        } else {
            Self::encode(self, picture, step.references, step.updates)?
        })
    }
}

pub(super) fn packets(spec: &ClipSpec, frame: &[u8], padding: usize) -> Vec<Packet> {
    let mut frame = frame.to_vec();
    frame.resize(frame.len() + padding, 0);
    let overhead = Overhead {
        each: descriptor_len(spec),
        first: 0,
        last: Stamp::BYTES,
    };
    cut(&frame, overhead)
}

/// Packets whose bodies are nothing but parts of the frame.
pub(super) fn cut(frame: &[u8], overhead: Overhead) -> Vec<Packet> {
    let mut rest = frame;
    split_about_equally(frame.len(), overhead)
        .into_iter()
        .map(|size| {
            let (body, after) = rest.split_at(size);
            rest = after;
            Packet {
                body: body.into(),
                tail: Box::default(),
            }
        })
        .collect()
}

/// RFC 7741 §4.2, with a picture id of 15 bits.
pub(super) fn write_descriptor(
    out: &mut Vec<u8>,
    spec: &ClipSpec,
    step: Step,
    place: Place,
    numbers: DescriptorNumbers,
) {
    const X: u8 = 0x80;
    const N: u8 = 0x20;
    const S: u8 = 0x10;
    const I: u8 = 0x80;
    const L: u8 = 0x40;
    const T: u8 = 0x20;
    const Y: u8 = 0x20;
    let when = |condition: bool, bit: u8| if condition { bit } else { 0 };

    let layers = spec.temporal_layers > 1;
    out.push(X | when(step.droppable(), N) | when(place.first, S));
    out.push(I | when(layers, L | T));
    out.extend((numbers.picture_id | 0x8000).to_be_bytes());
    if layers {
        out.push(numbers.tl0_pic_idx);
        out.push(step.temporal << 6 | when(step.sync, Y));
    }
}

fn descriptor_len(spec: &ClipSpec) -> usize {
    if spec.temporal_layers > 1 { 6 } else { 4 }
}

pub(super) struct FrameDecoder {
    vpx: vpx::Decoder,
    frame: Vec<u8>,
}

impl FrameDecoder {
    pub(super) fn new() -> anyhow::Result<Self> {
        Ok(Self {
            vpx: vpx::Decoder::new(vpx::Codec::Vp8)?,
            frame: Vec::new(),
        })
    }
}

impl Decoder for FrameDecoder {
    fn decode(&mut self, packets: &[Arc<[u8]>]) -> anyhow::Result<Option<Picture>> {
        self.frame.clear();
        for payload in packets {
            self.frame
                .extend(body(payload).context("malformed VP8 payload")?);
        }
        let starts = |payload: &Arc<[u8]>| {
            describe(VideoCodec::Vp8, payload).is_some_and(|info| info.frame_start)
        };
        ensure!(packets.first().is_some_and(starts), "no start of a frame");
        Ok(self.vpx.decode(&self.frame)?.as_ref().map(picture))
    }
}

/// What libvpx decoded.
pub(super) fn picture(decoded: &vpx::Picture<'_>) -> Picture {
    let (width, height, luma) = (decoded.width, decoded.height, decoded.y);
    Picture {
        width,
        height,
        card: Card::read(width as usize, height as usize, luma.rows, luma.stride),
    }
}

/// What is after the descriptor.
fn body(payload: &[u8]) -> Option<&[u8]> {
    let (&first, rest) = payload.split_first()?;
    if first & 0x80 == 0 {
        return Some(rest);
    }
    let (&extension, rest) = rest.split_first()?;
    let picture_id = match rest.first() {
        _ if extension & 0x80 == 0 => 0,
        Some(high) if high & 0x80 != 0 => 2,
        _ => 1,
    };
    let tl0_pic_idx = usize::from(extension & 0x40 != 0);
    let layer = usize::from(extension & 0x30 != 0);
    rest.get(picture_id + tl0_pic_idx + layer..)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::layering;

    #[test]
    fn a_descriptor_says_what_the_router_reads() {
        let spec = ClipSpec {
            codec: proto::codec::Codec::Vp8,
            publisher: 0,
            encoding: 0,
            width: 160,
            height: 90,
            fps: 30,
            bitrate_bps: 100_000,
            temporal_layers: 3,
            frames: 4,
        };
        let numbers = DescriptorNumbers {
            picture_id: 0x7ffe,
            tl0_pic_idx: 9,
        };
        for (frame, temporal, sync) in [(1, 2, true), (2, 1, true), (3, 2, false), (4, 0, false)] {
            let place = Place {
                first: true,
                last: true,
            };
            let mut payload = Vec::new();
            write_descriptor(
                &mut payload,
                &spec,
                layering::step(3, frame),
                place,
                numbers,
            );
            payload.extend([0x11, 0x22]);

            let info = describe(VideoCodec::Vp8, &payload).expect("whole");

            assert!(info.frame_start && !info.keyframe);
            assert_eq!((info.layer.temporal, info.switch_up), (temporal, sync));
            let ids = info.vp8.expect("VP8");
            assert_eq!(
                ids.picture_id.map(|id| (id.value, id.long)),
                Some((0x7ffe, true))
            );
            assert_eq!(ids.tl0_pic_idx, Some(9));
            assert_eq!(body(&payload), Some(&[0x11, 0x22][..]));
        }
    }
}
