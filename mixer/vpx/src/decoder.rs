//! Frames into pictures.

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use crate::picture::RawPicture;
use crate::size::{Vp9Chunk, check_vp8, check_vp9, vp9_index};
use crate::{Codec, Error, Picture};

/// A decoder of libvpx.
#[derive(Debug)]
pub struct Decoder {
    raw: NonNull<RawDecoder>,
    codec: Codec,
    /// A frame with an index behind it.
    indexed: Vec<u8>,
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
        Ok(Self {
            raw,
            codec,
            indexed: Vec::new(),
        })
    }

    /// Decodes a frame; `None` if it shows no picture of 8 bits in 4:2:0.
    ///
    /// # Errors
    ///
    /// If the frame is damaged, larger than [`MAX_DECODED_SIDE`](crate::MAX_DECODED_SIDE), or
    /// builds on frames that the decoder has not seen.
    pub fn decode(&mut self, frame: &[u8]) -> Result<Option<Picture<'_>>, Error> {
        // libvpx reads no more than an `u32` can count, and no bytes mean "flush" to it.
        let len = u32::try_from(frame.len()).map_err(|_| Error::INVALID)?;
        let chunk = match self.codec {
            Codec::Vp8 => {
                check_vp8(frame)?;
                frame
            }
            Codec::Vp9 => match check_vp9(frame)? {
                Vp9Chunk::Superframe => frame,
                Vp9Chunk::Frame => {
                    self.indexed.clear();
                    self.indexed.extend_from_slice(frame);
                    self.indexed.extend_from_slice(&vp9_index(len));
                    &self.indexed
                }
            },
        };
        let len = u32::try_from(chunk.len()).map_err(|_| Error::INVALID)?;
        let mut picture = RawPicture::NONE;
        // SAFETY: the decoder is alive, `chunk` has `len` bytes, and `picture` is of the type that
        // the function expects.
        Error::check(unsafe {
            plenary_vpx_decoder_decode(self.raw.as_ptr(), chunk.as_ptr(), len, &mut picture)
        })?;
        // SAFETY: the function gives only pictures in 4:2:0 whose strides are as long as their rows,
        // and they stay until the decoder is used again, which the borrow of `self` rules out.
        Ok(unsafe { picture.view() })
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
struct RawDecoder {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn plenary_vpx_decoder_new(vp9: c_int, out: *mut *mut RawDecoder) -> c_int;
    fn plenary_vpx_decoder_decode(
        decoder: *mut RawDecoder,
        data: *const u8,
        len: u32,
        out: *mut RawPicture,
    ) -> c_int;
    fn plenary_vpx_decoder_free(decoder: *mut RawDecoder);
}
