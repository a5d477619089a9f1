//! Sound encoded once and sent for ever: a steady tone for each publisher.

use std::sync::Arc;

use anyhow::{Context, ensure};
use opus::{Application, Bitrate, Channels};

use super::stamp::Stamp;

/// The frequency of a publisher's tone; 64 publishers in turn have different ones, 40 Hz apart or
/// more, and none is near a multiple of another.
pub fn tone_hz(publisher: u16) -> u32 {
    TONES_HZ[usize::from(publisher) % TONES_HZ.len()]
}

/// A second of Opus in frames of 20 ms, at 48 kHz, mono, 32 kbit/s.
#[derive(Debug)]
pub struct Tone {
    frames: Vec<Box<[u8]>>,
}

impl Tone {
    /// Frames in the loop.
    pub const FRAMES: usize = 50;

    /// How loud the tone is, 0 the loudest there can be (RFC 6465).
    pub const LEVEL_DBOV: f32 = -15.05;

    /// Encodes the loop.
    ///
    /// # Errors
    ///
    /// If the encoder refuses.
    pub fn encode(publisher: u16) -> anyhow::Result<Self> {
        let mut encoder = opus::Encoder::new(RATE_HZ, Channels::Mono, Application::Audio)?;
        encoder.set_bitrate(Bitrate::Bits(32_000))?;
        encoder.set_vbr(false)?;

        // The second time round, the encoder is as it will be each time the loop begins.
        let mut frames = Vec::with_capacity(2 * Self::FRAMES);
        for frame in 0..2 * Self::FRAMES {
            let coded = encoder.encode_vec_float(&samples(publisher, frame), 1000)?;
            frames.push(with_padding(&coded)?);
        }
        frames.drain(..Self::FRAMES);
        Ok(Self { frames })
    }

    /// The payload of a frame, counted without end.
    pub fn payload(&self, frame: u64, stamp: &Stamp) -> Arc<[u8]> {
        let frame = &self.frames[(frame % self.frames.len() as u64) as usize];
        let mut payload = frame.to_vec();
        stamp.write(&mut payload);
        payload.into()
    }
}

/// The rate at which Opus is always offered (RFC 7587 §7).
const RATE_HZ: u32 = 48_000;

/// Samples in 20 ms.
const FRAME: usize = RATE_HZ as usize / Tone::FRAMES;

fn samples(publisher: u16, frame: usize) -> Vec<f32> {
    // A quarter of the range: -12 dB, and a sine is 3 dB below its peak.
    const AMPLITUDE: f32 = 0.25;
    let hz = tone_hz(publisher) as usize;
    (0..FRAME)
        .map(|at| {
            // A whole number of turns a second: the loop closes.
            let turn = (frame * FRAME + at) * hz % RATE_HZ as usize;
            AMPLITUDE * (std::f32::consts::TAU * turn as f32 / RATE_HZ as f32).sin()
        })
        .collect()
}

/// Makes a packet of one frame (RFC 6716 §3.2.2) into one of the kind that can have padding
/// (§3.2.5), with room for a stamp.
fn with_padding(coded: &[u8]) -> anyhow::Result<Box<[u8]>> {
    const ONE_FRAME_WITH_PADDING: u8 = 0x41;
    // To a reader of extensions in padding, a zero ends them, and the stamp is none.
    const PADDING: usize = 1 + Stamp::BYTES;

    let (&toc, frame) = coded.split_first().context("the encoder made no packet")?;
    ensure!(toc & 0x03 == 0, "the encoder made a packet of many frames");
    let mut packet = vec![toc | 0x03, ONE_FRAME_WITH_PADDING, PADDING as u8];
    packet.extend(frame);
    packet.resize(packet.len() + PADDING, 0);
    Ok(packet.into())
}

/// Each is at least 15 Hz from every multiple of every other.
const TONES_HZ: [u32; 64] = [
    315, 355, 395, 435, 475, 515, 555, 595, 645, 685, 725, 765, 805, 845, 885, 925, 965, 1005,
    1045, 1085, 1125, 1165, 1205, 1245, 1320, 1385, 1465, 1505, 1560, 1625, 1705, 1755, 1800, 1865,
    1915, 1955, 1995, 2035, 2075, 2115, 2155, 2235, 2275, 2315, 2355, 2395, 2435, 2505, 2550, 2595,
    2670, 2710, 2790, 2865, 2915, 2955, 2995, 3075, 3175, 3270, 3310, 3350, 3395, 3440,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::decode::ToneDecoder;

    const STAMP: Stamp = Stamp {
        publisher: 3,
        encoding: 0,
        keyframe: true,
        audio: true,
        temporal: 0,
        packets: 1,
        frame: 77,
        clip_frame: 27,
        captured_us: 1_540_000,
    };

    #[test]
    fn is_heard_as_its_publishers() {
        for publisher in [0, 1, 17, 31, 63, 64] {
            let tone = Tone::encode(publisher).expect("encodes");
            let mut decoder = ToneDecoder::new();

            let heard: Vec<_> = (0..150)
                .filter_map(|frame| decoder.decode(&tone.payload(frame, &STAMP)))
                .collect();

            assert_eq!(heard.len(), 15);
            for heard in &heard[1..] {
                let off = heard.hz - tone_hz(publisher) as f32;
                assert!(off.abs() < 3.0, "{publisher}: {heard:?}");
                let louder = heard.level_dbov - Tone::LEVEL_DBOV;
                assert!(louder.abs() < 1.0, "{publisher}: {heard:?}");
            }
        }
    }

    #[test]
    fn carries_a_stamp_that_decoders_ignore() {
        let tone = Tone::encode(5).expect("encodes");
        let payload = tone.payload(77, &STAMP);
        let plain = &tone.frames[27];

        assert_eq!(Stamp::read(&payload), Some(STAMP));
        let decoder = || opus::Decoder::new(RATE_HZ, Channels::Mono).expect("decoder");
        let (mut stamped, mut unstamped) = ([0; FRAME], [0; FRAME]);
        assert_eq!(
            decoder().decode(&payload, &mut stamped, false).ok(),
            Some(FRAME)
        );
        assert_eq!(
            decoder().decode(plain, &mut unstamped, false).ok(),
            Some(FRAME)
        );
        assert_eq!(stamped, unstamped);
    }

    #[test]
    fn tones_are_apart_from_each_other_and_from_multiples() {
        for (place, &tone) in TONES_HZ.iter().enumerate() {
            assert!((300..=3500).contains(&tone));
            for &lower in &TONES_HZ[..place] {
                assert!(tone - lower >= 40);
                let rest = tone % lower;
                assert!(tone < 2 * lower - 10 || rest.min(lower - rest) >= 10);
            }
        }
    }
}
