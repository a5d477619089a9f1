//! What differs from codec to codec: encoders, payload formats and decoders.
//!
//! A codec that is to be added has to make frames ([`Encoder`]), cut them into [`Packet`]s, write
//! what comes before each ([`write_descriptor`]), and undo all that ([`Decoder`]).

mod h264;
mod vp8;
mod vp9;

use std::sync::Arc;

use proto::codec::Codec;

use super::clip::{ClipSpec, DescriptorNumbers};
use super::decode::Picture;
use super::layering::Step;
use super::{Part, Unsupported};

/// Makes pictures into frames.
pub(super) trait Encoder {
    /// Encodes an I420 picture without gaps between rows and planes.
    fn encode(&mut self, picture: &[u8], step: Step) -> anyhow::Result<Vec<u8>>;
}

/// An encoder of the codec of `spec` for a bit rate that may be another than in `spec`.
pub(super) fn encoder(spec: &ClipSpec, bitrate_bps: u64) -> anyhow::Result<Box<dyn Encoder>> {
    Ok(match spec.codec {
        Codec::Vp8 => Box::new(vp8::encoder(spec, bitrate_bps)?),
        Codec::Vp9 => Box::new(vp9::encoder(spec, bitrate_bps)?),
        Codec::H264 => Box::new(h264::FrameEncoder::new(spec, bitrate_bps)?),
        codec @ (Codec::Opus | Codec::Red | Codec::Av1) => {
            let part = Part::Encoder;
            return Err(Unsupported { codec, part }.into());
        }
    })
}

/// What a packet holds between its descriptor and its stamp, and after the stamp.
#[derive(Debug)]
pub(super) struct Packet {
    pub(super) body: Box<[u8]>,
    pub(super) tail: Box<[u8]>,
}

/// Cuts a frame into packets, with `padding` bytes that decoders ignore.
pub(super) fn packets(spec: &ClipSpec, step: Step, frame: &[u8], padding: usize) -> Vec<Packet> {
    match spec.codec {
        Codec::Vp9 => vp9::packets(spec, step, frame, padding),
        Codec::H264 => h264::packets(frame, padding),
        Codec::Vp8 | Codec::Av1 | Codec::Opus | Codec::Red => vp8::packets(spec, frame, padding),
    }
}

/// One packet of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) first: bool,
    pub(super) last: bool,
}

/// Writes what a packet's payload begins with.
pub(super) fn write_descriptor(
    out: &mut Vec<u8>,
    spec: &ClipSpec,
    step: Step,
    place: Place,
    numbers: DescriptorNumbers,
) {
    match spec.codec {
        Codec::Vp8 => vp8::write_descriptor(out, spec, step, place, numbers),
        Codec::Vp9 => vp9::write_descriptor(out, spec, step, place, numbers),
        // H.264 has no counters: its headers are in the packets' bodies.
        Codec::H264 | Codec::Av1 | Codec::Opus | Codec::Red => {}
    }
}

/// Makes the payloads of a frame into a picture.
pub(super) trait Decoder: Send {
    /// Decodes one complete frame.
    fn decode(&mut self, packets: &[Arc<[u8]>]) -> anyhow::Result<Option<Picture>>;
}

/// A decoder of a codec.
pub(super) fn decoder(codec: Codec) -> anyhow::Result<Box<dyn Decoder>> {
    Ok(match codec {
        Codec::Vp8 => Box::new(vp8::FrameDecoder::new()?),
        Codec::Vp9 => Box::new(vp9::FrameDecoder::new()?),
        Codec::H264 => Box::new(h264::FrameDecoder::new()?),
        Codec::Opus | Codec::Red | Codec::Av1 => {
            let part = Part::Decoder;
            return Err(Unsupported { codec, part }.into());
        }
    })
}
