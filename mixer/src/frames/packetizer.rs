//! Encoded frames cut into RTP payloads, the other way round from all else here.

use proto::codec::Codec;

/// Bytes of a payload at most: what is around it stays below an MTU of 1,280 (RFC 8200 §5).
const MAX_PAYLOAD_BYTES: usize = 1_100;

/// A payload of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// The payload header, and a part of the frame.
    pub data: Vec<u8>,
    /// Whether it is the frame's last, which RTP marks.
    pub is_last: bool,
}

/// Cuts the frames of one stream: VP8, or VP9 with one spatial and one temporal layer, each frame
/// referring to the one before. Opus goes as it is.
#[derive(Debug)]
pub struct Packetizer {
    codec: Codec,
    picture_id: u16,
}

impl Packetizer {
    /// Begins with the picture that has this number; 15 bits of it count.
    pub const fn new(codec: Codec, picture_id: u16) -> Self {
        Self { codec, picture_id }
    }

    /// The payloads of the next frame. There are none for codecs that cannot be cut here.
    pub fn cut(&mut self, frame: &[u8], is_keyframe: bool) -> Vec<Payload> {
        if matches!(self.codec, Codec::Opus) {
            let data = frame.to_vec();
            return vec![Payload {
                data,
                is_last: true,
            }];
        }
        let room = MAX_PAYLOAD_BYTES - MAX_HEADER_BYTES;
        let count = frame.len().div_ceil(room);
        // Parts of one size: the last would be lost as easily as the others.
        let size = frame.len().div_ceil(count.max(1)).max(1);
        let parts = frame.chunks(size).enumerate();
        let payloads = parts.filter_map(|(place, part)| {
            let is_last = place + 1 == count;
            let mut data = self.header(is_keyframe, place == 0, is_last)?;
            data.extend_from_slice(part);
            Some(Payload { data, is_last })
        });
        let payloads = payloads.collect();
        self.picture_id = self.picture_id.wrapping_add(1);
        payloads
    }

    fn header(&self, is_keyframe: bool, is_first: bool, is_last: bool) -> Option<Vec<u8>> {
        let [high, low] = (self.picture_id | 0x8000).to_be_bytes();
        match self.codec {
            // RFC 7741 §4.2: X, S; I; a picture id of 15 bits.
            Codec::Vp8 => Some(vec![0x80 | u8::from(is_first) << 4, 0x80, high, low]),
            // RFC 9628 §4.2: I, P, F, B, E; a picture id of 15 bits; how far back the reference is.
            Codec::Vp9 => {
                let inter = u8::from(!is_keyframe) << 6;
                let edges = u8::from(is_first) << 3 | u8::from(is_last) << 2;
                let mut header = vec![0x90 | inter | edges, high, low];
                if !is_keyframe {
                    header.push(1 << 1);
                }
                Some(header)
            }
            Codec::H264 | Codec::Av1 | Codec::Opus | Codec::Red => None,
        }
    }
}

const MAX_HEADER_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::{FrameAssembler, Output, Packet};
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    /// A keyframe as far as anybody looks: VP8's first bit, or VP9's frame marker and type.
    fn frame(codec: Codec, is_keyframe: bool, bytes: usize) -> Vec<u8> {
        let mut frame: Vec<u8> = (0..bytes).map(|byte| byte as u8).collect();
        let beginning: &[u8] = match (codec, is_keyframe) {
            // RFC 6386 §9.1: the tag, the start code, 320 by 180.
            (Codec::Vp8, true) => &[0x10, 2, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xb4, 0],
            (Codec::Vp8, false) => &[0x11, 2, 0],
            (_, true) => &[0x82, 0x49, 0x83, 0x42],
            (_, false) => &[0x86],
        };
        frame[..beginning.len()].copy_from_slice(beginning);
        frame
    }

    #[test]
    fn what_is_cut_is_put_together_again() {
        for codec in [Codec::Vp8, Codec::Vp9] {
            // The number of pictures comes round on the way.
            let mut packetizer = Packetizer::new(codec, 0x7fff);
            let mut assembler = FrameAssembler::new(codec, Duration::from_millis(100));
            let now = start();
            let mut sequence = 65_500;
            for (index, bytes) in [9_000, 400, 1_096, 1_097, 30].into_iter().enumerate() {
                let frame = frame(codec, index == 0, bytes);
                let payloads = packetizer.cut(&frame, index == 0);
                assert!(
                    payloads
                        .iter()
                        .all(|own| own.data.len() <= MAX_PAYLOAD_BYTES)
                );
                assert_eq!(payloads.iter().filter(|own| own.is_last).count(), 1);
                for payload in payloads {
                    assembler.handle_packet(
                        now,
                        Packet {
                            sequence,
                            timestamp: index as u32 * 3_000,
                            marker: payload.is_last,
                            payload: payload.data,
                            received: now,
                            orientation: None,
                            clock: None,
                        },
                    );
                    sequence += 1;
                }

                let Some(Output::Frame(made)) = assembler.poll(now) else {
                    panic!("{codec:?}: frame {index} of {bytes} bytes is not whole");
                };
                assert_eq!(made.data, frame, "{codec:?}: frame {index}");
            }
        }
    }

    #[test]
    fn a_codec_that_cannot_be_cut_gives_nothing() {
        assert_eq!(Packetizer::new(Codec::H264, 0).cut(&[1, 2, 3], true), []);
        assert_eq!(Packetizer::new(Codec::Vp8, 0).cut(&[], false), []);
    }
}
