//! AV1 payloads ("RTP Payload Format For AV1" §4): a frame is a temporal unit in the low-overhead
//! format (AV1 specification §5.2), each OBU with its size, without a temporal delimiter, as
//! Matroska and ISO base media files have it.

mod sequence;

use std::sync::Arc;

use proto::layer::av1::{Aggregate, read_leb128};

use self::sequence::Sequence;
use super::{Coded, Depacketizer, Malformed, size};
use crate::frames::continuity::Needs;
use crate::frames::limits::MAX_PARAMETER_SET_BYTES;
use crate::mux::VideoSize;

// OBU types, AV1 specification §6.2.2.
const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;
const PADDING: u8 = 15;

#[derive(Debug)]
pub(super) struct Av1 {
    config: Option<Arc<[u8]>>,
    /// The sequence header that the frame has brought, as a configuration, and its size.
    new: Option<(Vec<u8>, VideoSize)>,
    size: VideoSize,
    has_start: bool,
    has_payload: bool,
    /// The OBU that parts are added to.
    open: Option<Obu>,
    /// Whether the first frame of the temporal unit is a key frame that is shown.
    begins_with_key: Option<bool>,
}

/// An OBU in the temporal unit.
#[derive(Debug, Clone, Copy)]
struct Obu {
    kind: u8,
    /// Where its header begins.
    start: usize,
    /// Where room has been left for its size, and how much.
    size_at: usize,
    size_bytes: usize,
    /// The size that it has had in the packets.
    own_size: Option<usize>,
}

impl Default for Av1 {
    fn default() -> Self {
        Self {
            config: None,
            new: None,
            size: size(0, 0),
            has_start: false,
            has_payload: false,
            open: None,
            begins_with_key: None,
        }
    }
}

impl Depacketizer for Av1 {
    fn begin(&mut self, _after_loss: bool) {
        self.new = None;
        self.has_start = false;
        self.has_payload = false;
        self.open = None;
        self.begins_with_key = None;
    }

    fn push(&mut self, payload: &[u8], frame: &mut Vec<u8>) -> Result<(), Malformed> {
        let aggregate = Aggregate::read(payload).ok_or(Malformed)?;
        if !std::mem::replace(&mut self.has_payload, true) {
            self.has_start = !aggregate.continues;
        }
        if !self.has_start {
            return Ok(());
        }
        if aggregate.continues != self.open.is_some() {
            return Err(Malformed);
        }
        let mut elements = aggregate.elements();
        let mut next = elements.next();
        while let Some(element) = next {
            next = elements.next();
            let is_continued = next.is_none() && aggregate.is_continued;
            self.push_element(element, is_continued, frame)?;
        }
        let is_whole = elements.are_complete() && aggregate.is_continued == self.open.is_some();
        if is_whole { Ok(()) } else { Err(Malformed) }
    }

    fn needs(&self) -> Option<Needs> {
        // Nothing tells, so it is taken for a frame that all later ones refer to.
        self.has_payload.then(|| Needs {
            is_keyframe: self.new.is_some() && self.begins_with_key == Some(true),
            ..Needs::default()
        })
    }

    fn finish(&mut self, _frame: &mut Vec<u8>) -> Result<Option<Coded>, Malformed> {
        if !self.has_start || self.open.is_some() {
            return Err(Malformed);
        }
        let Some(needs) = self.needs().filter(|_| self.begins_with_key.is_some()) else {
            return Ok(None);
        };
        let new = self.new.take().filter(|_| needs.is_keyframe);
        Ok(Some(Coded {
            needs,
            config: new.and_then(|(config, size)| self.describe(config, size)),
            size: self.size,
        }))
    }
}

impl Av1 {
    fn push_element(
        &mut self,
        element: &[u8],
        is_continued: bool,
        frame: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let obu = match self.open.take() {
            Some(obu) => {
                frame.extend_from_slice(element);
                obu
            }
            None => Obu::begin(element, is_continued, frame).ok_or(Malformed)?,
        };
        if is_continued {
            self.open = Some(obu);
            return Ok(());
        }
        obu.put_size(frame).ok_or(Malformed)?;
        self.note(&obu, frame)
    }

    /// Notes what an OBU is that is whole, and takes it out if it does not belong into files.
    fn note(&mut self, obu: &Obu, frame: &mut Vec<u8>) -> Result<(), Malformed> {
        let bytes = frame.get(obu.start..).unwrap_or_default();
        match obu.kind {
            TEMPORAL_DELIMITER | TILE_LIST | PADDING => frame.truncate(obu.start),
            SEQUENCE_HEADER => {
                if bytes.len() > MAX_PARAMETER_SET_BYTES {
                    return Err(Malformed);
                }
                let sequence = Sequence::read(payload_of(bytes).ok_or(Malformed)?);
                let sequence = sequence.ok_or(Malformed)?;
                self.new = Some((sequence.config(bytes), sequence.size));
            }
            FRAME | FRAME_HEADER => {
                let payload = payload_of(bytes).ok_or(Malformed)?;
                let &first = payload.first().ok_or(Malformed)?;
                // AV1 specification §5.9.2: show_existing_frame 0, frame_type 0, show_frame 1.
                self.begins_with_key.get_or_insert(first & 0xf0 == 0x10);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes over the configuration of a keyframe, and tells it if it is another one.
    fn describe(&mut self, config: Vec<u8>, size: VideoSize) -> Option<Arc<[u8]>> {
        if self.config.as_deref() == Some(config.as_slice()) {
            return None;
        }
        self.size = size;
        self.config = Some(config.into());
        self.config.clone()
    }
}

impl Obu {
    /// Appends the beginning of an OBU, with room for its size.
    fn begin(element: &[u8], is_continued: bool, frame: &mut Vec<u8>) -> Option<Self> {
        let (&header, mut rest) = element.split_first()?;
        let start = frame.len();
        frame.push(header | HAS_SIZE);
        if header & HAS_EXTENSION != 0 {
            let (&extension, after) = rest.split_first()?;
            frame.push(extension);
            rest = after;
        }
        let own_size = if header & HAS_SIZE != 0 {
            Some(read_leb128(&mut rest)? as usize)
        } else {
            None
        };
        // What goes over several packets needs two bytes, unless it is very large.
        let size_bytes = if is_continued {
            2
        } else {
            leb128_bytes(own_size.unwrap_or(rest.len()))
        };
        let size_at = frame.len();
        frame.extend_from_slice(ROOM.get(..size_bytes)?);
        frame.extend_from_slice(rest);
        Some(Self {
            kind: header >> 3 & 0x0f,
            start,
            size_at,
            size_bytes,
            own_size,
        })
    }

    /// Puts the size where it belongs, once all of the OBU is there.
    fn put_size(&self, frame: &mut Vec<u8>) -> Option<()> {
        let payload_at = self.size_at + self.size_bytes;
        let bytes = frame.len().checked_sub(payload_at)?;
        let size = match self.own_size {
            Some(own) if own > bytes => return None,
            Some(own) => {
                frame.truncate(payload_at + own);
                own
            }
            None => bytes,
        };
        let written = leb128_bytes(size);
        if written != self.size_bytes {
            let room = ROOM.get(..written)?.iter().copied();
            frame.splice(self.size_at..payload_at, room);
        }
        let mut rest = size;
        for place in frame.get_mut(self.size_at..self.size_at + written)? {
            *place = (rest & 0x7f) as u8 | 0x80;
            rest >>= 7;
        }
        *frame.get_mut(self.size_at + written - 1)? &= 0x7f;
        Some(())
    }
}

/// What is behind the header of an OBU with a size.
fn payload_of(obu: &[u8]) -> Option<&[u8]> {
    let (&header, rest) = obu.split_first()?;
    let extension = usize::from(header & HAS_EXTENSION != 0);
    let mut rest = rest.get(extension..)?;
    read_leb128(&mut rest)?;
    Some(rest)
}

fn leb128_bytes(value: usize) -> usize {
    (usize::BITS - value.leading_zeros()).div_ceil(7).max(1) as usize
}

// Bits of an OBU's header, AV1 specification §5.3.2.
const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// Room for the largest size.
const ROOM: [u8; 5] = [0; 5];

#[cfg(test)]
mod tests {
    use super::sequence::tests::SEQUENCE;
    use super::*;

    // Headers of OBUs without and with a size.
    const SEQUENCE_OBU: u8 = SEQUENCE_HEADER << 3;
    const FRAME_OBU: u8 = FRAME << 3;
    /// What a key frame that is shown begins with, and another frame.
    const KEY: u8 = 0x10;
    const OTHER: u8 = 0x30;

    // Bits of an aggregation header.
    const Z: u8 = 0x80;
    const Y: u8 = 0x40;
    const N: u8 = 0x08;

    #[test]
    fn a_key_unit_has_sizes_and_a_configuration() {
        let mut av1 = Av1::default();
        let mut frame = Vec::new();

        av1.begin(false);
        av1.push(&key_payload(), &mut frame).expect("whole");
        let coded = av1.finish(&mut frame).expect("whole").expect("a picture");

        let sequence = [&[SEQUENCE_OBU | 2, SEQUENCE.len() as u8][..], &SEQUENCE].concat();
        assert_eq!(
            frame,
            [&sequence[..], &[FRAME_OBU | 2, 3, KEY, 7, 8]].concat()
        );
        assert!(coded.needs.is_keyframe);
        assert_eq!(coded.size, size(320, 180));
        let config = coded.config.expect("a configuration");
        assert_eq!(config[4..], sequence);
    }

    #[test]
    fn a_configuration_is_told_once() {
        let mut av1 = Av1::default();
        let mut frame = Vec::new();
        let mut told = Vec::new();

        for _ in 0..2 {
            av1.begin(false);
            av1.push(&key_payload(), &mut frame).expect("whole");
            let coded = av1.finish(&mut frame).expect("whole").expect("a picture");
            told.push(coded.config.is_some());
        }

        assert_eq!(told, [true, false]);
    }

    #[test]
    fn parts_of_an_obu_are_joined_whatever_their_size() {
        for bytes in [3, 100, 127, 128, 16_383, 16_384, 70_000] {
            let mut av1 = Av1::default();
            let mut frame = Vec::new();
            let body: Vec<u8> = (0..bytes).map(|at| OTHER | at as u8 & 0x0f).collect();
            let (first, rest) = body.split_at(1);
            let (second, third) = rest.split_at(rest.len() / 2);

            av1.begin(false);
            let payloads = [
                [&[Y | 1 << 4, FRAME_OBU][..], first].concat(),
                [&[Z | Y | 1 << 4][..], second].concat(),
                [&[Z | 1 << 4][..], third].concat(),
            ];
            for payload in payloads {
                av1.push(&payload, &mut frame).expect("whole");
            }
            av1.finish(&mut frame).expect("whole").expect("a picture");

            let mut rest = frame.get(1..).expect("a size");
            assert_eq!(frame[0], FRAME_OBU | 2);
            assert_eq!(read_leb128(&mut rest), Some(bytes as u32));
            assert_eq!(rest, body, "{bytes} bytes");
            assert_eq!(frame.len(), 1 + leb128_bytes(bytes) + bytes);
        }
    }

    #[test]
    fn delimiters_and_padding_are_left_out_and_sizes_kept() {
        let mut av1 = Av1::default();
        let mut frame = Vec::new();

        av1.begin(false);
        // W 0: each element after its size.
        let payload = [
            &[0, 2, TEMPORAL_DELIMITER << 3 | 2, 0][..],
            &[5, FRAME_OBU | 2, 2, OTHER, 5, 0],
            &[2, PADDING << 3, 0x80],
        ];
        av1.push(&payload.concat(), &mut frame).expect("whole");
        av1.finish(&mut frame).expect("whole").expect("a picture");

        assert_eq!(frame, [FRAME_OBU | 2, 2, OTHER, 5]);
    }

    #[test]
    fn what_has_no_frame_is_no_picture() {
        let mut av1 = Av1::default();
        let mut frame = Vec::new();

        av1.begin(false);
        let payload = [&[1 << 4, SEQUENCE_OBU][..], &SEQUENCE].concat();
        av1.push(&payload, &mut frame).expect("whole");

        assert_eq!(av1.finish(&mut frame), Ok(None));
    }

    #[test]
    fn a_unit_that_begins_or_ends_in_the_middle_is_not_whole() {
        let mut av1 = Av1::default();
        let mut frame = Vec::new();
        for header in [Z | 1 << 4, Y | 1 << 4] {
            av1.begin(true);
            av1.push(&[header, FRAME_OBU, OTHER], &mut frame)
                .expect("readable");

            assert_eq!(av1.finish(&mut frame), Err(Malformed));
            assert_eq!(av1.needs(), Some(Needs::default()));
        }
    }

    #[test]
    fn what_does_not_fit_together_is_malformed() {
        let mut av1 = Av1::default();
        let mut frame = Vec::new();
        let payloads: [&[u8]; 6] = [
            &[],
            // A size of its own beyond the element.
            &[1 << 4, FRAME_OBU | 2, 9, OTHER],
            // An element that is cut, none at all, and an empty one.
            &[0, 9, FRAME_OBU, OTHER],
            &[1 << 4],
            &[0, 0],
            // A sequence header of nothing.
            &[1 << 4, SEQUENCE_OBU],
        ];
        for payload in payloads {
            av1.begin(false);
            assert_eq!(av1.push(payload, &mut frame), Err(Malformed), "{payload:?}");
        }

        av1.begin(false);
        av1.push(&[1 << 4, FRAME_OBU, OTHER], &mut frame)
            .expect("whole");
        assert_eq!(av1.push(&[Z | 1 << 4, 1], &mut frame), Err(Malformed));
    }

    /// W 2, N: the sequence header after its size, then a key frame.
    fn key_payload() -> Vec<u8> {
        let head = [N | 2 << 4, SEQUENCE.len() as u8 + 1, SEQUENCE_OBU];
        [&head[..], &SEQUENCE, &[FRAME_OBU, KEY, 7, 8]].concat()
    }
}
