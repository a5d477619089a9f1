//! What a block begins with: its track, its time, and flags (RFC 9559 §10.2).

use super::ebml::read_vint;
use super::track::TrackNumber;

/// A piece of a track, to write: a frame, or an Opus packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block<'a> {
    /// When it is played, in microseconds from the file's zero. What a decoder is to leave out at
    /// the start, [`Opus::pre_skip_samples`](super::Opus::pre_skip_samples), may be before zero.
    pub pts_us: i64,
    /// Whether a decoder can begin with it. Every block of audio is taken as such.
    pub is_keyframe: bool,
    /// What the codec makes of it.
    pub data: &'a [u8],
}

/// What a SimpleBlock or Block begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BlockHeader {
    pub(super) track: u64,
    /// Ticks after its cluster's time.
    pub(super) relative_time: i16,
    /// Means nothing in a Block.
    pub(super) is_keyframe: bool,
    /// Whether there is more than one frame in it (RFC 9559 §10.3).
    pub(super) is_laced: bool,
    /// Bytes of the header.
    pub(super) bytes: usize,
}

impl BlockHeader {
    /// The most bytes a header takes.
    pub(super) const MAX_BYTES: usize = 8 + 3;

    /// The bytes of a header as the writer makes it.
    pub(super) const WRITTEN_BYTES: usize = 4;

    /// Reads it from the start of a body; `None` if the body is too short.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (track, bytes) = read_vint(body)?;
        let &[high, low, flags] = body.get(bytes..)?.first_chunk()?;
        Some(Self {
            track,
            relative_time: i16::from_be_bytes([high, low]),
            is_keyframe: flags & KEYFRAME != 0,
            is_laced: flags & LACING != 0,
            bytes: bytes + 3,
        })
    }

    /// A SimpleBlock's header.
    pub(super) fn of_simple_block(
        track: TrackNumber,
        relative_time: i16,
        is_keyframe: bool,
    ) -> [u8; Self::WRITTEN_BYTES] {
        let [high, low] = relative_time.to_be_bytes();
        let flags = if is_keyframe { KEYFRAME } else { 0 };
        [0x80 | track.get(), high, low, flags]
    }
}

const KEYFRAME: u8 = 0x80;
const LACING: u8 = 0x06;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_written() {
        let track = TrackNumber::new(126).expect("in range");
        let bytes = BlockHeader::of_simple_block(track, -300, true);

        assert_eq!(
            BlockHeader::read(&bytes),
            Some(BlockHeader {
                track: 126,
                relative_time: -300,
                is_keyframe: true,
                is_laced: false,
                bytes: 4,
            })
        );
        for len in 0..bytes.len() {
            assert_eq!(BlockHeader::read(&bytes[..len]), None, "{len} bytes");
        }
    }

    #[test]
    fn every_kind_of_lacing_is_seen() {
        for flags in [0x02, 0x04, 0x06] {
            let header = BlockHeader::read(&[0x40, 0x80, 0, 0, flags]).expect("whole");

            assert!(header.is_laced);
            assert_eq!((header.track, header.bytes), (128, 5));
        }
    }
}
