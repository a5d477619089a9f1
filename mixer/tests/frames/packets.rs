//! Frames cut into payloads of random sizes, and what has to come of them.

use fastrand::Rng;
use proto::codec::Codec;

use super::encoded::{self, Encoded, HEIGHT, Step, WIDTH};

/// A stream of one codec.
#[derive(Debug, Clone)]
pub(crate) struct Stream {
    pub(crate) codec: Codec,
    pub(crate) frames: Vec<SentFrame>,
}

/// A frame on its way.
#[derive(Debug, Clone)]
pub(crate) struct SentFrame {
    pub(crate) payloads: Vec<Vec<u8>>,
    /// As it is to come out.
    pub(crate) expected: Vec<u8>,
    pub(crate) is_keyframe: bool,
}

/// Which of RFC 9628's modes a stream is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Flexible,
    NonFlexible,
}

/// VP8 in one temporal layer or in three.
pub(crate) fn vp8(rng: &mut Rng, encoded: &[Encoded], temporal_layers: u8) -> Stream {
    let mut numbers = Numbers::new(rng);
    let frames = encoded.iter().map(|frame| {
        numbers.advance(frame.step);
        let is_discardable = frame.step.updates == vpx::Buffers::default();
        let parts = cut(rng, &frame.data);
        let payloads = parts.into_iter().map(|part| {
            let start = u8::from(part.is_first) << 4;
            let mut payload = vec![0x80 | u8::from(is_discardable) << 5 | start];
            payload.push(if temporal_layers > 1 { 0xe0 } else { 0x80 });
            payload.extend((numbers.picture | 0x8000).to_be_bytes());
            if temporal_layers > 1 {
                payload.push(numbers.base);
                payload.push(frame.step.temporal << 6 | u8::from(frame.step.is_sync) << 5);
            }
            payload.extend(part.bytes);
            payload
        });
        SentFrame::new(payloads.collect(), frame)
    });
    Stream {
        frames: frames.collect(),
        codec: Codec::Vp8,
    }
}

/// VP9 in three temporal layers.
pub(crate) fn vp9(rng: &mut Rng, encoded: &[Encoded], mode: Mode) -> Stream {
    let mut numbers = Numbers::new(rng);
    let frames = encoded.iter().map(|frame| {
        let step = frame.step;
        numbers.advance(step);
        let parts = cut(rng, &frame.data);
        let payloads = parts.into_iter().map(|part| {
            let flexible = mode == Mode::Flexible;
            let mut payload = vec![
                0xa0 | u8::from(!step.is_keyframe) << 6
                    | u8::from(flexible) << 4
                    | u8::from(part.is_first) << 3
                    | u8::from(part.is_last) << 2,
            ];
            payload.extend((numbers.picture | 0x8000).to_be_bytes());
            payload.push(step.temporal << 5 | 0x10);
            match mode {
                Mode::NonFlexible => payload.push(numbers.base),
                Mode::Flexible if step.is_keyframe => {}
                Mode::Flexible => payload.push(step.distance << 1),
            }
            payload.extend(part.bytes);
            payload
        });
        SentFrame::new(payloads.collect(), frame)
    });
    Stream {
        frames: frames.collect(),
        codec: Codec::Vp9,
    }
}

/// H.264: parameter sets in an aggregate, slices alone or in parts.
pub(crate) fn h264(rng: &mut Rng, encoded: &[Encoded]) -> Stream {
    let frames = encoded.iter().map(|frame| {
        let (mut payloads, mut aggregate) = (Vec::new(), vec![0x78]);
        let mut expected = Vec::new();
        for unit in units(&frame.data) {
            expected.extend((unit.len() as u32).to_be_bytes());
            expected.extend(&unit);
            if matches!(unit[0] & 0x1f, 7 | 8) {
                aggregate.extend((unit.len() as u16).to_be_bytes());
                aggregate.extend(&unit);
            } else if rng.bool() || unit.len() < 3 {
                payloads.push(unit);
            } else {
                payloads.extend(fragments(rng, &unit));
            }
        }
        if aggregate.len() > 1 {
            payloads.insert(0, aggregate);
        }
        SentFrame {
            payloads,
            expected,
            is_keyframe: frame.step.is_keyframe,
        }
    });
    Stream {
        frames: frames.collect(),
        codec: Codec::H264,
    }
}

/// AV1 of random OBUs, some with a size of their own.
pub(crate) fn av1(rng: &mut Rng, count: usize) -> Stream {
    let frames = (0..count).map(|frame| {
        let is_keyframe = frame.is_multiple_of(encoded::KEYFRAME_INTERVAL);
        let mut obus = Vec::new();
        if is_keyframe {
            obus.push((1, SEQUENCE.to_vec()));
        }
        for place in 0..rng.usize(1..4) {
            let kind = if place == 0 { 6 } else { 4 };
            let mut body: Vec<u8> = (0..rng.usize(1..20_000)).map(|_| rng.u8(..)).collect();
            body[0] = if is_keyframe { 0x10 } else { 0x30 };
            obus.push((kind, body));
        }
        SentFrame {
            expected: obus
                .iter()
                .flat_map(|(kind, body)| obu(*kind, true, body))
                .collect(),
            payloads: aggregates(rng, &obus, is_keyframe),
            is_keyframe,
        }
    });
    Stream {
        frames: frames.collect(),
        codec: Codec::Av1,
    }
}

/// Opus of random bytes: 20 ms each.
pub(crate) fn opus(rng: &mut Rng, count: usize) -> Stream {
    let frames = (0..count).map(|_| {
        let mut packet: Vec<u8> = (0..rng.usize(1..120)).map(|_| rng.u8(..)).collect();
        packet[0] = 0xf8;
        SentFrame {
            payloads: vec![packet.clone()],
            expected: packet,
            is_keyframe: true,
        }
    });
    Stream {
        frames: frames.collect(),
        codec: Codec::Opus,
    }
}

/// Changes lengths of four bytes back into start codes.
pub(crate) fn with_start_codes(frame: &[u8]) -> Vec<u8> {
    let (mut stream, mut rest) = (Vec::new(), frame);
    while let Some((length, after)) = rest.split_first_chunk() {
        let (unit, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        stream.extend([0, 0, 0, 1]);
        stream.extend(unit);
        rest = after;
    }
    stream
}

impl SentFrame {
    fn new(payloads: Vec<Vec<u8>>, frame: &Encoded) -> Self {
        Self {
            payloads,
            expected: frame.data.clone(),
            is_keyframe: frame.step.is_keyframe,
        }
    }
}

/// Counters of pictures that are about to come round.
struct Numbers {
    picture: u16,
    base: u8,
}

impl Numbers {
    fn new(rng: &mut Rng) -> Self {
        Self {
            picture: rng.u16(0x7fe0..=0x7fff),
            base: rng.u8(0xf0..=0xff),
        }
    }

    fn advance(&mut self, step: Step) {
        self.picture = self.picture.wrapping_add(1) & 0x7fff;
        self.base = self.base.wrapping_add(u8::from(step.temporal == 0));
    }
}

struct Part<'a> {
    bytes: &'a [u8],
    is_first: bool,
    is_last: bool,
}

fn cut<'a>(rng: &mut Rng, data: &'a [u8]) -> Vec<Part<'a>> {
    let size = rng.usize(100..1_200);
    let parts: Vec<_> = data.chunks(size).collect();
    let last = parts.len() - 1;
    let parts = parts.into_iter().enumerate().map(|(place, bytes)| Part {
        bytes,
        is_first: place == 0,
        is_last: place == last,
    });
    parts.collect()
}

/// The NAL units of a byte stream, without start codes.
fn units(stream: &[u8]) -> Vec<Vec<u8>> {
    let units = openh264::nal_units(stream).map(|unit| {
        let start = unit.iter().position(|&byte| byte != 0).expect("a unit") + 1;
        let end = unit.iter().rposition(|&byte| byte != 0).expect("a unit") + 1;
        unit[start..end].to_vec()
    });
    units.collect()
}

fn fragments(rng: &mut Rng, unit: &[u8]) -> Vec<Vec<u8>> {
    let body = &unit[1..];
    let parts = body.chunks(rng.usize(1..body.len())).collect::<Vec<_>>();
    let last = parts.len() - 1;
    let parts = parts.into_iter().enumerate().map(|(place, part)| {
        let start = u8::from(place == 0) << 7;
        let end = u8::from(place == last) << 6;
        let head = [unit[0] & 0xe0 | 28, start | end | unit[0] & 0x1f];
        [&head[..], part].concat()
    });
    parts.collect()
}

/// Elements of random sizes, several in a packet where they are small.
fn aggregates(rng: &mut Rng, obus: &[(u8, Vec<u8>)], is_keyframe: bool) -> Vec<Vec<u8>> {
    let mut payloads: Vec<Vec<u8>> = Vec::new();
    for (kind, body) in obus {
        let has_size = rng.bool();
        let whole = obu(*kind, has_size, body);
        // The header and the size stay in one piece.
        let (head, mut rest) = whole.split_at(whole.len() - body.len());
        let mut part = head.to_vec();
        let mut is_first = true;
        loop {
            let (now, later) = rest.split_at(rng.usize(1..1_200).min(rest.len()));
            part.extend(now);
            rest = later;
            let flags = u8::from(!is_first) << 7 | u8::from(!rest.is_empty()) << 6;
            let joins = payloads.last().is_some_and(|last| last[0] & 0x40 == 0);
            match payloads.last_mut() {
                // W 0: an element after its size.
                Some(last) if joins && is_first && last[0] & 0x30 == 0 => {
                    last[0] |= flags & 0x40;
                    last.extend(leb128(part.len()));
                    last.append(&mut part);
                }
                _ if rng.bool() => payloads.push([&[flags | 1 << 4][..], &part].concat()),
                _ => payloads.push([&[flags][..], &leb128(part.len()), &part].concat()),
            }
            part.clear();
            is_first = false;
            if rest.is_empty() {
                break;
            }
        }
    }
    payloads[0][0] |= u8::from(is_keyframe) << 3;
    payloads
}

fn obu(kind: u8, has_size: bool, body: &[u8]) -> Vec<u8> {
    let mut obu = vec![kind << 3 | u8::from(has_size) << 1];
    if has_size {
        obu.extend(leb128(body.len()));
    }
    obu.extend(body);
    obu
}

fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 0x80);
    }
}

/// A sequence header, of 320x180.
const SEQUENCE: [u8; 11] = [
    0x00, 0x00, 0x00, 0x04, 0x3c, 0xfe, 0xcc, 0xc2, 0x79, 0x00, 0x80,
];

/// How large the pictures of a codec are.
pub(crate) fn size(codec: Codec) -> (u32, u32) {
    match codec {
        Codec::Av1 => (320, 180),
        Codec::Vp8 | Codec::Vp9 | Codec::H264 | Codec::Opus | Codec::Red => {
            (WIDTH as u32, HEIGHT as u32)
        }
    }
}
