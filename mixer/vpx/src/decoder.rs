//! Frames into pictures.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use crate::{Codec, Error};

/// A decoder of libvpx.
#[derive(Debug)]
pub struct Decoder {
    raw: NonNull<RawDecoder>,
}

/// The brightness of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Luma<'a> {
    /// The rows, each `stride` bytes after the one before.
    pub rows: &'a [u8],
    /// Bytes from row to row, at least the width.
    pub stride: usize,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Decoder {
    /// Sets up a decoder.
    ///
    /// # Errors
    ///
    /// If libvpx was built without the codec.
    pub fn new(codec: Codec) -> Result<Self, Error> {
        let mut raw = ptr::null_mut();
        // SAFETY: the pointer is to a live value of the type that the function expects.
        Error::check(unsafe { plenary_vpx_decoder_new((codec == Codec::Vp9).into(), &mut raw) })?;
        let raw = NonNull::new(raw).ok_or(Error::INVALID)?;
        Ok(Self { raw })
    }

    /// Decodes a frame; `None` if it shows no picture of 8 bits in 4:2:0.
    ///
    /// # Errors
    ///
    /// If the frame is damaged or builds on frames that the decoder has not seen.
    pub fn decode(&mut self, frame: &[u8]) -> Result<Option<Luma<'_>>, Error> {
        // No bytes mean "flush" to libvpx, and it reads no more than an `u32` can count.
        let len = u32::try_from(frame.len()).map_err(|_| Error::INVALID)?;
        if len == 0 {
            return Err(Error::INVALID);
        }
        let mut luma = RawLuma {
            rows: ptr::null(),
            stride: 0,
            width: 0,
            height: 0,
        };
        // SAFETY: the decoder is alive, `frame` has `len` bytes, and `luma` is of the type that
        // the function expects.
        Error::check(unsafe {
            plenary_vpx_decoder_decode(self.raw.as_ptr(), frame.as_ptr(), len, &mut luma)
        })?;
        let (width, height) = (luma.width as usize, luma.height as usize);
        if luma.rows.is_null() || width == 0 || height == 0 {
            return Ok(None);
        }
        let size = luma.stride * (height - 1) + width;
        // SAFETY: libvpx's picture has `height` rows of `width` bytes, `stride` bytes apart, and it
        // stays until the decoder is used again, which the borrow of `self` rules out.
        let rows = unsafe { std::slice::from_raw_parts(luma.rows, size) };
        Ok(Some(Luma {
            rows,
            stride: luma.stride,
            width: luma.width,
            height: luma.height,
        }))
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the decoder is alive and nobody else has it.
        unsafe { plenary_vpx_decoder_free(self.raw.as_ptr()) }
    }
}

// SAFETY: libvpx's decoders hold no locks and no thread's memory between calls, and only `&mut`
// reaches them.
unsafe impl Send for Decoder {}

#[repr(C)]
struct RawLuma {
    rows: *const u8,
    stride: usize,
    width: u32,
    height: u32,
}

#[repr(C)]
struct RawDecoder {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn plenary_vpx_decoder_new(vp9: c_int, out: *mut *mut RawDecoder) -> c_int;
    fn plenary_vpx_decoder_decode(
        decoder: *mut RawDecoder,
        data: *const u8,
        len: u32,
        out: *mut RawLuma,
    ) -> c_int;
    fn plenary_vpx_decoder_free(decoder: *mut RawDecoder);
}
