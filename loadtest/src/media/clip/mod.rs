//! Pictures encoded once and sent for ever.

use std::sync::Arc;

use anyhow::{bail, ensure};
use proto::codec::Codec;

use super::backdrop::Grain;
use super::card::Card;
use super::codec::{self, Packet, Place};
use super::decode::PictureDecoder;
use super::layering::{self, Step};
use super::split::MAX_PAYLOAD;
use super::stamp::Stamp;

/// What a clip should be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClipSpec {
    /// VP8, VP9 or H.264.
    pub codec: Codec,
    /// The number its cards show.
    pub publisher: u16,
    /// The simulcast encoding its cards show, 0 the smallest.
    pub encoding: u8,
    /// Pixels across, even.
    pub width: u32,
    /// Pixels down, even.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Bits of RTP payload per second, on average over the loop.
    pub bitrate_bps: u64,
    /// 1 to 3; H.264 clips always have 1.
    pub temporal_layers: u8,
    /// Length of the loop.
    pub frames: u16,
}

/// A loop of encoded frames, the first of which is the only keyframe.
///
/// A sender that is asked for a keyframe goes back to frame 0.
#[derive(Debug)]
pub struct Clip {
    spec: ClipSpec,
    frames: Vec<Frame>,
}

/// The counters of VP8 and VP9 payload descriptors, which run on across loops and jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorNumbers {
    /// Counts frames, in 15 bits.
    pub picture_id: u16,
    /// Counts frames of temporal layer 0.
    pub tl0_pic_idx: u8,
}

impl DescriptorNumbers {
    /// The numbers of the frame that is sent next, which is of layer `temporal`.
    pub fn next(self, temporal: u8) -> Self {
        Self {
            picture_id: self.picture_id.wrapping_add(1) & 0x7fff,
            tl0_pic_idx: self.tl0_pic_idx.wrapping_add(u8::from(temporal == 0)),
        }
    }
}

impl Clip {
    /// Draws and encodes a loop.
    ///
    /// This takes about as long as encoding twice the loop: a bit rate that the encoder misses is
    /// tried for again.
    ///
    /// # Errors
    ///
    /// [`super::Unsupported`] if there is no encoder of the codec; any other error if the encoder
    /// fails, or if its frames cannot be as small as they should be.
    pub fn encode(spec: &ClipSpec) -> anyhow::Result<Self> {
        check(spec)?;
        let mut spec = spec.clone();
        if spec.codec == Codec::H264 {
            // Its payload format cannot tell layers.
            spec.temporal_layers = 1;
        }

        let clip = Self::near_bitrate(&spec, Grain::Rough)?;
        if clip.shows_every_card() {
            return Ok(clip);
        }
        // Without grain around it the card has all the bits.
        let clip = Self::near_bitrate(&spec, Grain::None)?;
        ensure!(
            clip.shows_every_card(),
            "{:?} at {}x{} and {} bit/s is too coarse to read a card from",
            spec.codec,
            spec.width,
            spec.height,
            spec.bitrate_bps,
        );
        Ok(clip)
    }

    /// Whether every picture can be read. Encoders in a hurry leave blocks as they were now and
    /// then, so that a card is damaged for some frames.
    fn shows_every_card(&self) -> bool {
        let Ok(mut decoder) = PictureDecoder::new(self.spec.codec) else {
            return true;
        };
        let mut numbers = DescriptorNumbers {
            picture_id: 0,
            tl0_pic_idx: 0,
        };
        (0..self.len()).all(|frame| {
            numbers = numbers.next(self.temporal(frame));
            let stamp = Stamp::default();
            let payloads: Vec<Arc<[u8]>> = (0..self.packet_count(frame))
                .map(|packet| self.payload(frame, packet, numbers, &stamp))
                .collect();
            let picture = decoder.decode(&payloads).ok().flatten();
            let card = picture.and_then(|picture| picture.card);
            card.is_some_and(|card| usize::from(card.clip_frame) == frame)
        })
    }

    fn near_bitrate(spec: &ClipSpec, grain: Grain) -> anyhow::Result<Self> {
        let mut attempt = Attempt {
            grain,
            ..Attempt::first(spec)
        };
        let mut nearest = attempt.encode(spec)?;
        let mut ratio = nearest.ratio();
        for _ in 1..ATTEMPTS {
            if nearest.off_target() <= NEAR {
                break;
            }
            attempt = attempt.after(spec, ratio);
            let encoded = attempt.encode(spec)?;
            ratio = encoded.ratio();
            if encoded.regret() < nearest.regret() {
                nearest = encoded;
            }
        }
        nearest.finish()
    }

    /// What the clip is.
    pub fn spec(&self) -> &ClipSpec {
        &self.spec
    }

    /// Frames in the loop.
    #[expect(clippy::len_without_is_empty, reason = "no loop is empty")]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether a receiver can begin with this frame.
    pub fn is_keyframe(&self, frame: usize) -> bool {
        self.frame(frame).step.keyframe
    }

    /// The temporal layer of a frame.
    pub fn temporal(&self, frame: usize) -> u8 {
        self.frame(frame).step.temporal
    }

    /// RTP packets of a frame.
    pub fn packet_count(&self, frame: usize) -> usize {
        self.frame(frame).packets.len()
    }

    /// The payload of one packet; the stamp is in the last one of the frame.
    ///
    /// Frames are counted round the loop. There is no packet beyond the last: its payload is
    /// given instead.
    pub fn payload(
        &self,
        frame: usize,
        packet: usize,
        numbers: DescriptorNumbers,
        stamp: &Stamp,
    ) -> Arc<[u8]> {
        let Frame { step, packets } = self.frame(frame);
        let last = packets.len() - 1;
        debug_assert!(packet <= last, "packet {packet} of {}", packets.len());
        let place = Place {
            first: packet == 0,
            last: packet >= last,
        };
        let Packet { body, tail } = &packets[packet.min(last)];

        let mut payload = Vec::with_capacity(MAX_PAYLOAD);
        codec::write_descriptor(&mut payload, &self.spec, *step, place, numbers);
        payload.extend_from_slice(body);
        if place.last {
            payload.extend(stamp.to_bytes());
            payload.extend_from_slice(tail);
        }
        debug_assert!(payload.len() <= MAX_PAYLOAD, "{} bytes", payload.len());
        payload.into()
    }

    fn frame(&self, frame: usize) -> &Frame {
        &self.frames[frame % self.frames.len()]
    }
}

fn check(spec: &ClipSpec) -> anyhow::Result<()> {
    ensure!(spec.frames > 0 && spec.fps > 0, "a clip without frames");
    ensure!(
        (1..=3).contains(&spec.temporal_layers),
        "a clip has 1 to 3 temporal layers"
    );
    ensure!(
        spec.width.is_multiple_of(2) && spec.height.is_multiple_of(2),
        "a clip has even sides"
    );
    ensure!(
        (64..=4096).contains(&spec.width) && (64..=4096).contains(&spec.height),
        "a clip has sides of 64 to 4096 pixels"
    );
    Ok(())
}

/// How often a loop is encoded to meet its bit rate, at most.
const ATTEMPTS: usize = 4;

/// A part of the bit rate that is near enough not to try again.
const NEAR: f64 = 0.08;

/// A part of the bit rate that no clip is off by.
const TOLERANCE: f64 = 0.15;

#[derive(Debug)]
struct Frame {
    step: Step,
    packets: Vec<Packet>,
}

/// What the encoder is asked for.
struct Attempt {
    bitrate_bps: f64,
    grain: Grain,
}

impl Attempt {
    fn first(spec: &ClipSpec) -> Self {
        // Descriptors and stamps take their part.
        let overhead = 8 * (Stamp::BYTES + 8) as u64 * u64::from(spec.fps);
        Self {
            bitrate_bps: spec.bitrate_bps.saturating_sub(overhead).max(1000) as f64,
            grain: Grain::Rough,
        }
    }

    /// The next attempt after one that came out at `ratio` of the bit rate.
    fn after(self, spec: &ClipSpec, ratio: f64) -> Self {
        let asked_for_less = self.bitrate_bps < spec.bitrate_bps as f64 / 2.0;
        if ratio > 1.0 && asked_for_less && self.grain == Grain::Rough {
            // The coarsest quantizer is too fine for all the grain.
            return Self {
                grain: Grain::None,
                ..Self::first(spec)
            };
        }
        Self {
            bitrate_bps: (self.bitrate_bps / ratio.clamp(0.25, 4.0)).max(1000.0),
            ..self
        }
    }

    fn encode(&self, spec: &ClipSpec) -> anyhow::Result<Encoded> {
        let mut encoder = codec::encoder(spec, self.bitrate_bps as u64)?;
        let mut canvas = Canvas::new(spec);
        let frames = (0..spec.frames)
            .map(|frame| {
                let step = layering::step(spec.temporal_layers, frame.into());
                let picture = canvas.draw(spec, frame, self.grain);
                let data = encoder.encode(picture, step)?;
                ensure!(!data.is_empty(), "the encoder left out frame {frame}");
                Ok((step, data))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Encoded::new(spec, frames))
    }
}

/// Room for one I420 picture.
struct Canvas {
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(spec: &ClipSpec) -> Self {
        let luma = spec.width as usize * spec.height as usize;
        Self {
            pixels: vec![0; luma / 2 * 3],
        }
    }

    fn draw(&mut self, spec: &ClipSpec, frame: u16, grain: Grain) -> &[u8] {
        let (width, height) = (spec.width as usize, spec.height as usize);
        let (y, chroma) = self.pixels.split_at_mut(width * height);
        let (u, v) = chroma.split_at_mut(width * height / 4);
        let card = Card {
            publisher: spec.publisher,
            encoding: spec.encoding,
            clip_frame: frame,
            captured_ms: u32::from(frame) * 1000 / spec.fps,
        };
        card.draw_grained(grain, width, height, y, u, v);
        &self.pixels
    }
}

/// A loop as it came from the encoder.
struct Encoded {
    spec: ClipSpec,
    frames: Vec<(Step, Vec<u8>)>,
    clip: Clip,
}

impl Encoded {
    fn new(spec: &ClipSpec, frames: Vec<(Step, Vec<u8>)>) -> Self {
        Self {
            clip: Clip::pack(spec, &frames, 0),
            spec: spec.clone(),
            frames,
        }
    }

    fn bitrate_bps(&self) -> f64 {
        self.clip.bitrate_bps()
    }

    /// The part of the bit rate that came out.
    fn ratio(&self) -> f64 {
        self.bitrate_bps() / self.spec.bitrate_bps as f64
    }

    /// How much worse this is than meeting the bit rate: too few bytes can be filled up.
    fn regret(&self) -> f64 {
        match self.ratio() - 1.0 {
            over if over > 0.0 => over,
            under => -under / 5.0,
        }
    }

    fn off_target(&self) -> f64 {
        (self.ratio() - 1.0).abs()
    }

    /// Fills up what is missing.
    fn finish(self) -> anyhow::Result<Clip> {
        if self.off_target() <= NEAR {
            return Ok(self.clip);
        }
        let target = self.spec.bitrate_bps as f64;
        let missing = target - self.bitrate_bps();
        if missing > 0.0 {
            let padding = missing / 8.0 / f64::from(self.spec.fps);
            return Ok(Clip::pack(&self.spec, &self.frames, padding as usize));
        }
        if -missing > target * TOLERANCE {
            bail!(
                "{:?} at {}x{} needs {:.0} bit/s, not {target:.0}",
                self.spec.codec,
                self.spec.width,
                self.spec.height,
                self.bitrate_bps(),
            );
        }
        Ok(self.clip)
    }
}

impl Clip {
    fn pack(spec: &ClipSpec, frames: &[(Step, Vec<u8>)], padding: usize) -> Self {
        let frames = frames
            .iter()
            .map(|(step, data)| Frame {
                step: *step,
                packets: codec::packets(spec, *step, data, padding),
            })
            .collect();
        Self {
            spec: spec.clone(),
            frames,
        }
    }

    /// Bits of payload per second.
    fn bitrate_bps(&self) -> f64 {
        let numbers = DescriptorNumbers {
            picture_id: 0,
            tl0_pic_idx: 0,
        };
        let mut bytes = 0;
        let mut descriptor = Vec::new();
        for Frame { step, packets } in &self.frames {
            for (number, packet) in packets.iter().enumerate() {
                let place = Place {
                    first: number == 0,
                    last: number + 1 == packets.len(),
                };
                descriptor.clear();
                codec::write_descriptor(&mut descriptor, &self.spec, *step, place, numbers);
                bytes += descriptor.len() + packet.body.len() + packet.tail.len();
            }
            bytes += Stamp::BYTES;
        }
        bytes as f64 * 8.0 * f64::from(self.spec.fps) / self.frames.len() as f64
    }
}

#[cfg(test)]
mod tests;
