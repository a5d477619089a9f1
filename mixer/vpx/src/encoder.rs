//! Pictures into frames.

use std::ffi::{c_int, c_long};
use std::ptr::{self, NonNull};

use crate::{Codec, Error};

/// What an encoder should make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The codec.
    pub codec: Codec,
    /// Pixels across, even.
    pub width: u32,
    /// Pixels down, even.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Target bit rate in kilobits per second.
    pub kilobits: u32,
    /// Whether frames will be left out, so that none may build on the probabilities and motion of
    /// just any earlier one.
    pub resilient: bool,
    /// libvpx's `cpu-used`; a VP8 encoder takes a negative one as fixed and others as a hint.
    pub speed: i32,
}

/// A set of the buffers that frames refer to and update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Buffers {
    /// The buffer called "last".
    pub last: bool,
    /// The buffer called "golden".
    pub golden: bool,
}

/// An encoder of libvpx.
#[derive(Debug)]
pub struct Encoder {
    raw: NonNull<RawEncoder>,
    width: u32,
    height: u32,
}

impl Encoder {
    /// Sets up an encoder.
    ///
    /// # Errors
    ///
    /// If libvpx does not like the settings.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let (width, height) = (settings.width, settings.height);
        if width % 2 != 0 || height % 2 != 0 || width > MAX_SIDE || height > MAX_SIDE {
            return Err(Error::INVALID);
        }
        let raw_settings = RawSettings {
            vp9: (settings.codec == Codec::Vp9).into(),
            width,
            height,
            fps: settings.fps,
            kilobits: settings.kilobits,
            resilient: settings.resilient.into(),
            speed: settings.speed,
        };
        let mut raw = ptr::null_mut();
        // SAFETY: both pointers are to live values of the types that the function expects.
        Error::check(unsafe { plenary_vpx_encoder_new(&raw_settings, &mut raw) })?;
        let raw = NonNull::new(raw).ok_or(Error::INVALID)?;
        Ok(Self { raw, width, height })
    }

    /// Encodes an I420 picture without gaps between rows and planes as a keyframe.
    ///
    /// # Errors
    ///
    /// If the picture has not the size of the settings, or libvpx fails.
    pub fn encode_keyframe(&mut self, picture: &[u8]) -> Result<Vec<u8>, Error> {
        // SAFETY: the function only calculates.
        self.encode_with(picture, unsafe { plenary_vpx_flags(1, 0, 0) })
    }

    /// Encodes an I420 picture without gaps between rows and planes as a frame that builds on
    /// `references` and changes `updates`.
    ///
    /// # Errors
    ///
    /// If the picture has not the size of the settings, or libvpx fails.
    pub fn encode(
        &mut self,
        picture: &[u8],
        references: Buffers,
        updates: Buffers,
    ) -> Result<Vec<u8>, Error> {
        // SAFETY: the function only calculates.
        let flags = unsafe { plenary_vpx_flags(0, references.bits(), updates.bits()) };
        self.encode_with(picture, flags)
    }

    fn encode_with(&mut self, picture: &[u8], flags: c_long) -> Result<Vec<u8>, Error> {
        let pixels = self.width as usize * self.height as usize;
        if picture.len() != pixels / 2 * 3 {
            return Err(Error::INVALID);
        }
        let (mut data, mut len) = (ptr::null(), 0);
        // SAFETY: the encoder is alive, the picture has all the pixels of its size, which is even,
        // and the encoder only reads them.
        Error::check(unsafe {
            plenary_vpx_encoder_encode(
                self.raw.as_ptr(),
                self.width,
                self.height,
                picture.as_ptr(),
                flags,
                &mut data,
                &mut len,
            )
        })?;
        if len == 0 {
            return Ok(Vec::new());
        }
        // SAFETY: the function set `data` to `len` bytes that stay until the encoder is used again.
        Ok(unsafe { std::slice::from_raw_parts(data, len) }.to_vec())
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the encoder is alive and nobody else has it.
        unsafe { plenary_vpx_encoder_free(self.raw.as_ptr()) }
    }
}

// SAFETY: libvpx's encoders hold no locks and no thread's memory between calls, and only `&mut`
// reaches them.
unsafe impl Send for Encoder {}

impl Buffers {
    fn bits(self) -> u32 {
        u32::from(self.last) | u32::from(self.golden) << 1
    }
}

/// Both codecs write 14 bits or more for a side; this leaves room for every product of two.
const MAX_SIDE: u32 = 8192;

#[repr(C)]
struct RawSettings {
    vp9: u32,
    width: u32,
    height: u32,
    fps: u32,
    kilobits: u32,
    resilient: u32,
    speed: i32,
}

#[repr(C)]
struct RawEncoder {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn plenary_vpx_encoder_new(settings: *const RawSettings, out: *mut *mut RawEncoder) -> c_int;
    fn plenary_vpx_encoder_encode(
        encoder: *mut RawEncoder,
        width: u32,
        height: u32,
        i420: *const u8,
        flags: c_long,
        out: *mut *const u8,
        out_len: *mut usize,
    ) -> c_int;
    fn plenary_vpx_encoder_free(encoder: *mut RawEncoder);
    fn plenary_vpx_flags(keyframe: u32, references: u32, updates: u32) -> c_long;
}
