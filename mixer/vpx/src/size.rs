//! How large the pictures of a frame are, read from its header before libvpx sees it.
//!
//! libvpx allocates what a header asks for: up to 6 GB for 20 bytes. So every header that it is
//! going to read is read here first.

use crate::{Codec, Error, MAX_DECODED_SIDE};

/// Refuses a VP8 frame whose size is beyond the limit (RFC 6386 §9.1).
pub(crate) fn check_vp8(frame: &[u8]) -> Result<(), Error> {
    let Some(&first) = frame.first() else {
        return Err(Error::Malformed);
    };
    if first & 1 != 0 {
        // Only keyframes have a size.
        return Ok(());
    }
    let &[_, _, _, 0x9d, 0x01, 0x2a, w0, w1, h0, h1, ..] = frame else {
        return Err(Error::Malformed);
    };
    // The upper two bits are how much larger to show it.
    let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
    check(side([w0, w1]), side([h0, h1]))
}

/// The frames of a VP9 superframe; one if it is none (VP9 bitstream specification, annex B).
///
/// Refuses those whose size is beyond the limit.
pub(crate) fn check_vp9(chunk: &[u8]) -> Result<Vp9Chunk, Error> {
    let Some(index) = Index::read(chunk) else {
        check_vp9_frame(chunk)?;
        return Ok(Vp9Chunk::Frame);
    };
    let mut rest = chunk;
    for bytes in index.sizes(chunk) {
        let (frame, after) = rest.split_at_checked(bytes).ok_or(Error::Malformed)?;
        rest = after;
        if !frame.is_empty() {
            check_vp9_frame(frame)?;
        }
    }
    Ok(Vp9Chunk::Superframe)
}

/// Whether a frame says that it builds on no other. A VP9 frame that is "intra only" counts as one
/// that does: it leaves old pictures to build on.
pub fn is_keyframe(codec: Codec, frame: &[u8]) -> bool {
    let Some(&first) = frame.first() else {
        return false;
    };
    match codec {
        Codec::Vp8 => first & 1 == 0,
        Codec::Vp9 => {
            // Marker, profile, one more bit in profile 3; then whether a picture is shown again, and
            // whether this is no keyframe.
            let past_profile = if first & 0x30 == 0x30 { 5 } else { 4 };
            first >> 6 == 2 && first << past_profile >> 6 == 0
        }
    }
}

/// What is in a chunk of VP9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vp9Chunk {
    /// A frame without an index: libvpx takes bytes behind it for another frame.
    Frame,
    /// Frames with an index, beyond which libvpx does not read.
    Superframe,
}

/// An index of one frame of `len` bytes, to be put behind it.
pub(crate) fn vp9_index(len: u32) -> [u8; 6] {
    const MARKER: u8 = 0xc0 | 3 << 3;
    let [a, b, c, d] = len.to_le_bytes();
    [MARKER, a, b, c, d, MARKER]
}

#[derive(Debug, Clone, Copy)]
struct Index {
    frames: usize,
    bytes_each: usize,
}

impl Index {
    fn read(chunk: &[u8]) -> Option<Self> {
        let &marker = chunk.last()?;
        let index = Self {
            frames: usize::from(marker & 7) + 1,
            bytes_each: usize::from(marker >> 3 & 3) + 1,
        };
        let first = chunk.len().checked_sub(index.bytes())?;
        (marker & 0xe0 == 0xc0 && chunk.get(first) == Some(&marker)).then_some(index)
    }

    fn bytes(self) -> usize {
        2 + self.frames * self.bytes_each
    }

    fn sizes(self, chunk: &[u8]) -> impl Iterator<Item = usize> {
        let sizes = &chunk[chunk.len() - self.bytes() + 1..chunk.len() - 1];
        sizes.chunks_exact(self.bytes_each).map(|size| {
            let bytes = size.iter().rev();
            bytes.fold(0, |size, &byte| size << 8 | usize::from(byte))
        })
    }
}

/// Reads an uncompressed header to its size (VP9 bitstream specification §6.2).
fn check_vp9_frame(frame: &[u8]) -> Result<(), Error> {
    let mut bits = Bits { frame, at: 0 };
    if bits.take(2)? != 2 {
        return Err(Error::Malformed);
    }
    let profile = bits.take(1)? | bits.take(1)? << 1;
    if profile == 3 {
        bits.take(1)?;
    }
    let show_existing_frame = bits.flag()?;
    if show_existing_frame {
        return Ok(());
    }
    let is_inter = bits.flag()?;
    let show_frame = bits.flag()?;
    let error_resilient = bits.flag()?;
    if !is_inter {
        bits.sync_code()?;
        bits.color_config(profile)?;
        return bits.frame_size();
    }
    let intra_only = !show_frame && bits.flag()?;
    if !error_resilient {
        let _reset_frame_context = bits.take(2)?;
    }
    if intra_only {
        bits.sync_code()?;
        if profile > 0 {
            bits.color_config(profile)?;
        }
        let _refresh_frame_flags = bits.take(8)?;
        return bits.frame_size();
    }
    let _refresh_frame_flags = bits.take(8)?;
    let _references = bits.take(3 * 4)?;
    for _ in 0..3 {
        let is_as_large_as_reference = bits.flag()?;
        if is_as_large_as_reference {
            return Ok(());
        }
    }
    bits.frame_size()
}

fn check(width: u32, height: u32) -> Result<(), Error> {
    if width > MAX_DECODED_SIDE || height > MAX_DECODED_SIDE {
        return Err(Error::TooLarge { width, height });
    }
    Ok(())
}

struct Bits<'a> {
    frame: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.frame.get(self.at / 8).ok_or(Error::Malformed)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    fn flag(&mut self) -> Result<bool, Error> {
        Ok(self.take(1)? == 1)
    }

    fn sync_code(&mut self) -> Result<(), Error> {
        if self.take(24)? == 0x49_83_42 {
            Ok(())
        } else {
            Err(Error::Malformed)
        }
    }

    fn color_config(&mut self, profile: u32) -> Result<(), Error> {
        const RGB: u32 = 7;
        if profile >= 2 {
            let _has_12_bits = self.take(1)?;
        }
        let has_subsampling = profile & 1 == 1;
        if self.take(3)? != RGB {
            let _color_range = self.take(1)?;
            self.take(if has_subsampling { 3 } else { 0 })?;
        } else if has_subsampling {
            self.take(1)?;
        }
        Ok(())
    }

    fn frame_size(&mut self) -> Result<(), Error> {
        let (width, height) = (self.take(16)? + 1, self.take(16)? + 1);
        check(width, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vp8_keyframe_has_its_size_in_14_bits() {
        let keyframe = |w: u16, h: u16| {
            let ([w0, w1], [h0, h1]) = (w.to_le_bytes(), h.to_le_bytes());
            [0x10, 0, 0, 0x9d, 0x01, 0x2a, w0, w1, h0, h1]
        };

        assert_eq!(check_vp8(&keyframe(4096, 0xc000 | 4096)), Ok(()));
        let (width, height) = (4097, 16);
        let too_large = Err(Error::TooLarge { width, height });
        assert_eq!(check_vp8(&keyframe(4097, 16)), too_large);
        assert_eq!(check_vp8(&keyframe(16, 16)[..9]), Err(Error::Malformed));
        assert_eq!(check_vp8(&[0x11]), Ok(()));
    }

    #[test]
    fn a_vp9_frame_that_is_no_keyframe_may_have_a_size_too() {
        let huge = Err(Error::TooLarge {
            width: 65_536,
            height: 65_536,
        });
        // Marker, profile 0, not existing, inter, shown, resilient; refresh; references; no size
        // of theirs; 16 bits each.
        let inter = [0b1000_0111, 0xff, 0, 0b0000_0001, 0xff, 0xff, 0xff, 0xfe];
        // The same, not shown and intra only.
        let intra = [0b1000_0101, 0b1100_1001, 0xff, 0xff];

        assert_eq!(check_vp9_frame(&inter), huge);
        assert_eq!(check_vp9_frame(&intra), Err(Error::Malformed));
        assert_eq!(check_vp9(&inter).map(drop), huge);
    }

    #[test]
    fn keyframes_are_told_from_others() {
        assert!(is_keyframe(Codec::Vp8, &[0x10]) && !is_keyframe(Codec::Vp8, &[0x11]));
        assert!(is_keyframe(Codec::Vp9, &[0x82]) && is_keyframe(Codec::Vp9, &[0xb1]));
        for first in [0x86, 0x88, 0x8c, 0xb2, 0xb4, 0x02] {
            assert!(!is_keyframe(Codec::Vp9, &[first]), "{first:x}");
        }
        assert!(!is_keyframe(Codec::Vp9, &[]));
    }

    #[test]
    fn every_frame_of_a_vp9_superframe_is_checked() {
        let shown_again = [0b1000_1000];
        let inter = [0b1000_0111, 0xff, 0, 0b0000_0001, 0xff, 0xff, 0xff, 0xfe];
        let chunk = [&shown_again[..], &inter, &[0xc1, 1, 8, 0xc1]].concat();

        assert!(matches!(check_vp9(&chunk), Err(Error::TooLarge { .. })));
        let chunk = [&shown_again[..], &[0xc0, 1, 0xc0]].concat();
        assert_eq!(check_vp9(&chunk), Ok(Vp9Chunk::Superframe));
        assert_eq!(check_vp9(&shown_again), Ok(Vp9Chunk::Frame));
        let chunk = [&shown_again[..], &[0xc0, 5, 0xc0]].concat();
        assert_eq!(check_vp9(&chunk), Err(Error::Malformed));
    }
}
