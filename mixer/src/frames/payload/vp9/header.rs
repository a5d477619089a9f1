//! The beginning of a VP9 frame (VP9 bitstream specification §6.2, `uncompressed_header`).

use super::size;
use crate::frames::bits::Bits;
use crate::mux::VideoSize;

/// What a frame says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// If it is not that of a frame it refers to.
    pub(super) size: Option<VideoSize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Key,
    Other,
}

impl Header {
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        let mut bits = Bits::new(frame);
        if bits.take(2)? != FRAME_MARKER {
            return None;
        }
        let profile = u32::from(bits.bit()?) | u32::from(bits.bit()?) << 1;
        if profile == 3 {
            bits.skip(1)?;
        }
        let kind = Kind::Other;
        let shows_existing = bits.bit()?;
        if shows_existing {
            return Some(Self { kind, size: None });
        }
        let is_key = !bits.bit()?;
        let is_shown = bits.bit()?;
        let is_resilient = bits.bit()?;
        if is_key {
            read_key(&mut bits, profile)
        } else {
            let size = read_other(&mut bits, profile, is_shown, is_resilient)?;
            Some(Self { kind, size })
        }
    }
}

fn read_key(bits: &mut Bits<'_>, profile: u32) -> Option<Header> {
    read_sync_code(bits)?;
    skip_color_config(bits, profile)?;
    Some(Header {
        kind: Kind::Key,
        size: Some(read_size(bits)?),
    })
}

fn read_other(
    bits: &mut Bits<'_>,
    profile: u32,
    is_shown: bool,
    is_resilient: bool,
) -> Option<Option<VideoSize>> {
    let is_intra_only = !is_shown && bits.bit()?;
    if !is_resilient {
        // reset_frame_context.
        bits.skip(2)?;
    }
    if is_intra_only {
        read_sync_code(bits)?;
        if profile > 0 {
            skip_color_config(bits, profile)?;
        }
        // refresh_frame_flags.
        bits.skip(8)?;
        return Some(Some(read_size(bits)?));
    }
    // refresh_frame_flags, then the index and the sign bias of three references.
    bits.skip(8 + 3 * 4)?;
    for _ in 0..3 {
        let has_size_of_reference = bits.bit()?;
        if has_size_of_reference {
            return Some(None);
        }
    }
    Some(Some(read_size(bits)?))
}

fn read_sync_code(bits: &mut Bits<'_>) -> Option<()> {
    (bits.take(24)? == SYNC_CODE).then_some(())
}

fn skip_color_config(bits: &mut Bits<'_>, profile: u32) -> Option<()> {
    if profile >= 2 {
        // ten_or_twelve_bit.
        bits.skip(1)?;
    }
    let is_rgb = bits.take(3)? == COLOR_SPACE_RGB;
    match (is_rgb, profile % 2) {
        // color_range.
        (false, 0) => bits.skip(1),
        // The same, subsampling of both directions, and a reserved bit.
        (false, _) => bits.skip(4),
        (true, 0) => Some(()),
        // A reserved bit.
        (true, _) => bits.skip(1),
    }
}

fn read_size(bits: &mut Bits<'_>) -> Option<VideoSize> {
    let width_px = bits.take(16)? + 1;
    let height_px = bits.take(16)? + 1;
    Some(size(width_px, height_px))
}

const FRAME_MARKER: u32 = 2;
const SYNC_CODE: u32 = 0x49_8342;
const COLOR_SPACE_RGB: u32 = 7;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The beginning of a keyframe of 320x180 in profile 0: marker, profile, key, shown, not
    /// resilient; sync code; colour space and range; size; and what comes then.
    pub(in super::super) const KEY: [u8; 10] =
        [0x82, 0x49, 0x83, 0x42, 0x20, 0x13, 0xf0, 0x0b, 0x30, 0x00];

    /// The beginning of another frame, of 640x360, although what it refers to has another size.
    pub(in super::super) const INTER: [u8; 9] =
        [0x87, 0x01, 0x00, 0x00, 0x04, 0xfe, 0x02, 0xce, 0x00];

    #[test]
    fn a_keyframe_has_a_size() {
        let header = Header::read(&KEY).expect("whole");

        assert_eq!(header.kind, Kind::Key);
        assert_eq!(header.size, Some(size(320, 180)));
    }

    #[test]
    fn another_frame_may_have_a_size() {
        let header = Header::read(&INTER).expect("whole");
        assert_eq!(
            (header.kind, header.size),
            (Kind::Other, Some(size(640, 360)))
        );

        // found_ref of the second reference.
        let mut inter = INTER;
        inter[3] |= 0x04;
        let header = Header::read(&inter).expect("whole");
        assert_eq!((header.kind, header.size), (Kind::Other, None));
    }

    #[test]
    fn a_frame_that_shows_another_one_has_nothing_else() {
        let header = Header::read(&[0x88]).expect("whole");

        assert_eq!((header.kind, header.size), (Kind::Other, None));
    }

    #[test]
    fn every_cut_and_every_wrong_mark_is_malformed() {
        for len in 0..9 {
            assert_eq!(Header::read(&KEY[..len]), None, "{len} bytes");
        }
        assert_eq!(Header::read(&[0x42; 10]), None);
        let mut key = KEY;
        key[2] = 0;
        assert_eq!(Header::read(&key), None);
    }
}
