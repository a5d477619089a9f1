//! Temporal units into pictures.

use std::ffi::c_int;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::{Error, MAX_DECODED_SIDE};

/// A decoder of libdav1d, without threads of its own.
#[derive(Debug)]
pub struct Decoder {
    raw: NonNull<RawDecoder>,
}

/// A picture of 8 bits in 4:2:0, which a decoder owns.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    raw: RawPicture,
    owner: PhantomData<&'a Decoder>,
}

/// One component of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The rows, each `stride` bytes after the one before.
    pub rows: &'a [u8],
    /// Bytes from row to row, at least the width.
    pub stride: usize,
}

impl Decoder {
    /// Sets up a decoder.
    ///
    /// # Errors
    ///
    /// If there is too little memory.
    pub fn new() -> Result<Self, Error> {
        let mut raw = ptr::null_mut();
        let max_pixels = MAX_DECODED_SIDE * MAX_DECODED_SIDE;
        // SAFETY: the pointer is to a live value of the type that the function expects.
        Error::check(unsafe { plenary_dav1d_decoder_new(max_pixels, &mut raw) })?;
        let raw = NonNull::new(raw).ok_or(Error::Empty)?;
        Ok(Self { raw })
    }

    /// Decodes a temporal unit, in the low-overhead format (AV1 specification §5.2); `None` if it
    /// shows no picture of 8 bits in 4:2:0. Of several it is the last, of layers the largest.
    ///
    /// # Errors
    ///
    /// If the unit is damaged, larger than [`MAX_DECODED_SIDE`], or builds on units that the decoder
    /// has not seen. After that it needs a unit that builds on no other.
    pub fn decode(&mut self, unit: &[u8]) -> Result<Option<Picture<'_>>, Error> {
        // To libdav1d that is a mistake of its caller's.
        if unit.is_empty() {
            return Err(Error::Empty);
        }
        let (mut width, mut height) = (0, 0);
        // SAFETY: `unit` has as many bytes, and the numbers are of the types that are expected.
        unsafe { plenary_dav1d_sequence_size(unit.as_ptr(), unit.len(), &mut width, &mut height) };
        check(width, height)?;
        let mut raw = RawPicture::NONE;
        // SAFETY: the decoder is alive, `unit` has as many bytes, and `raw` is of the type that the
        // function expects.
        Error::check(unsafe {
            plenary_dav1d_decoder_decode(self.raw.as_ptr(), unit.as_ptr(), unit.len(), &mut raw)
        })?;
        // A frame need not be as large as its sequence.
        check(raw.width, raw.height)?;
        let owner = PhantomData;
        let is_there = raw.width > 0 && raw.height > 0;
        Ok(is_there.then_some(Picture { raw, owner }))
    }
}

impl<'a> Picture<'a> {
    /// Pixels across.
    pub fn width(&self) -> u32 {
        self.raw.width
    }

    /// Pixels down.
    pub fn height(&self) -> u32 {
        self.raw.height
    }

    /// Brightness; blueness and redness, half as wide and high, rounded up.
    pub fn planes(&self) -> [Plane<'a>; 3] {
        [0, 1, 2].map(|index| {
            let half = |side: u32| if index == 0 { side } else { side.div_ceil(2) };
            let (width, height) = (
                half(self.raw.width) as usize,
                half(self.raw.height) as usize,
            );
            let stride = self.raw.strides[index];
            let len = stride * (height - 1) + width;
            // SAFETY: the plane has `height` rows of `width` bytes, `stride` bytes apart, as the
            // function that gave it promises. They stay until the decoder is used again, which the
            // borrow of it rules out.
            let rows = unsafe { std::slice::from_raw_parts(self.raw.planes[index], len) };
            Plane { rows, stride }
        })
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the decoder is alive and nobody else has it.
        unsafe { plenary_dav1d_decoder_free(self.raw.as_ptr()) }
    }
}

// SAFETY: a libdav1d that has no threads holds no locks and no thread's memory between calls, and
// only `&mut` reaches it.
unsafe impl Send for Decoder {}

fn check(width: u32, height: u32) -> Result<(), Error> {
    if width > MAX_DECODED_SIDE || height > MAX_DECODED_SIDE {
        return Err(Error::TooLarge { width, height });
    }
    Ok(())
}

/// The same as `plenary_dav1d_picture` in shim.c.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct RawPicture {
    planes: [*const u8; 3],
    strides: [usize; 3],
    width: u32,
    height: u32,
}

impl RawPicture {
    const NONE: Self = Self {
        planes: [ptr::null(); 3],
        strides: [0; 3],
        width: 0,
        height: 0,
    };
}

#[repr(C)]
struct RawDecoder {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn plenary_dav1d_decoder_new(max_pixels: u32, out: *mut *mut RawDecoder) -> c_int;
    fn plenary_dav1d_sequence_size(data: *const u8, len: usize, width: *mut u32, height: *mut u32);
    fn plenary_dav1d_decoder_decode(
        decoder: *mut RawDecoder,
        data: *const u8,
        len: usize,
        out: *mut RawPicture,
    ) -> c_int;
    fn plenary_dav1d_decoder_free(decoder: *mut RawDecoder);
}
