//! Pictures into frames.

use std::ffi::{c_int, c_long};
use std::ptr::{self, NonNull};

use crate::picture::RawPicture;
use crate::{Codec, Error, Picture};

/// What an encoder should make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The codec.
    pub codec: Codec,
    /// What the frames are for.
    pub purpose: Purpose,
    /// Pixels across, even.
    pub width: u32,
    /// Pixels down, even.
    pub height: u32,
    /// Frames per second; a hint where frames have times.
    pub fps: u32,
    /// Target bit rate in kilobits per second.
    pub kilobits: u32,
    /// Whether frames will be left out, so that none may build on the probabilities and motion of
    /// just any earlier one.
    pub resilient: bool,
    /// libvpx's `cpu-used`; a VP8 encoder takes a negative one as fixed and others as a hint.
    pub speed: i32,
}

/// What frames are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// For [`Encoder::encode`] and [`Encoder::encode_keyframe`]: the caller says which frame builds
    /// on which, and nothing else ties one to another.
    Layers,
    /// For [`Encoder::encode_at`], at a constant bit rate and in time.
    Realtime,
    /// For [`Encoder::encode_at`], at a bit rate that is met over time only, and as slow as the
    /// speed makes it.
    Good,
}

/// A set of the buffers that frames refer to and update.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Buffers {
    /// The buffer called "last".
    pub last: bool,
    /// The buffer called "golden".
    pub golden: bool,
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The frame.
    pub data: Vec<u8>,
    /// Whether it builds on no other.
    pub is_keyframe: bool,
}

/// An encoder of libvpx.
#[derive(Debug)]
pub struct Encoder {
    raw: NonNull<RawEncoder>,
    width: u32,
    height: u32,
    /// When the next frame is at the earliest, in ticks.
    next_ticks: i64,
    frame_ticks: i64,
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
        let has_times = settings.purpose != Purpose::Layers;
        let ticks_per_second = if has_times { TICK_HZ } else { settings.fps };
        let raw_settings = RawSettings {
            vp9: (settings.codec == Codec::Vp9).into(),
            purpose: match settings.purpose {
                Purpose::Layers => 0,
                Purpose::Realtime => 1,
                Purpose::Good => 2,
            },
            width,
            height,
            ticks_per_second,
            kilobits: settings.kilobits,
            resilient: settings.resilient.into(),
            speed: settings.speed,
        };
        let mut raw = ptr::null_mut();
        // SAFETY: both pointers are to live values of the types that the function expects.
        Error::check(unsafe { plenary_vpx_encoder_new(&raw_settings, &mut raw) })?;
        let raw = NonNull::new(raw).ok_or(Error::INVALID)?;
        let frame_ticks = ticks_per_second / settings.fps.max(1);
        Ok(Self {
            raw,
            width,
            height,
            next_ticks: 0,
            frame_ticks: frame_ticks.max(1).into(),
        })
    }

    /// Encodes an I420 picture without gaps between rows and planes as a keyframe.
    ///
    /// # Errors
    ///
    /// If the picture has not the size of the settings, or libvpx fails.
    pub fn encode_keyframe(&mut self, picture: &[u8]) -> Result<Vec<u8>, Error> {
        self.encode_next(picture, keyframe_flags())
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
        self.encode_next(picture, flags)
    }

    /// Encodes a picture that is shown from `pts_us` on; one that is not later than the one before
    /// is taken to be a little. No data means that libvpx left the picture out.
    ///
    /// # Errors
    ///
    /// If the picture has not the size of the settings, or libvpx fails.
    pub fn encode_at(
        &mut self,
        pts_us: i64,
        picture: &Picture<'_>,
        keyframe: bool,
    ) -> Result<Encoded, Error> {
        let ticks = i128::from(pts_us) * i128::from(TICK_HZ) / 1_000_000;
        let latest = self.next_ticks.saturating_add(MAX_GAP_TICKS);
        let ticks = i64::try_from(ticks).unwrap_or(latest);
        let flags = if keyframe { keyframe_flags() } else { 0 };
        self.encode_with(ticks.clamp(self.next_ticks, latest), picture, flags)
    }

    /// Changes the bit rate, from the next frame on.
    ///
    /// # Errors
    ///
    /// If libvpx does not like it.
    pub fn set_kilobits(&mut self, kilobits: u32) -> Result<(), Error> {
        // SAFETY: the encoder is alive.
        Error::check(unsafe { plenary_vpx_encoder_set_kilobits(self.raw.as_ptr(), kilobits) })
    }

    /// Changes libvpx's `cpu-used`, from the next frame on.
    ///
    /// # Errors
    ///
    /// If libvpx does not like it.
    pub fn set_speed(&mut self, speed: i32) -> Result<(), Error> {
        // SAFETY: the encoder is alive.
        Error::check(unsafe { plenary_vpx_encoder_set_speed(self.raw.as_ptr(), speed) })
    }

    fn encode_next(&mut self, picture: &[u8], flags: c_long) -> Result<Vec<u8>, Error> {
        let picture = Picture::contiguous(self.width, self.height, picture);
        let picture = picture.ok_or(Error::INVALID)?;
        Ok(self.encode_with(self.next_ticks, &picture, flags)?.data)
    }

    fn encode_with(
        &mut self,
        ticks: i64,
        picture: &Picture<'_>,
        flags: c_long,
    ) -> Result<Encoded, Error> {
        if (picture.width, picture.height) != (self.width, self.height) {
            return Err(Error::INVALID);
        }
        let raw_picture = picture.raw()?;
        let mut out = RawFrame {
            data: ptr::null(),
            len: 0,
            is_keyframe: 0,
        };
        // SAFETY: the encoder is alive, `raw` has seen that the picture has all the pixels of its
        // size, which is the encoder's, and the encoder only reads them.
        Error::check(unsafe {
            plenary_vpx_encoder_encode(
                self.raw.as_ptr(),
                &raw_picture,
                ticks,
                self.frame_ticks,
                flags,
                &mut out,
            )
        })?;
        self.next_ticks = ticks + 1;
        if out.len == 0 {
            let (data, is_keyframe) = (Vec::new(), false);
            return Ok(Encoded { data, is_keyframe });
        }
        // SAFETY: the function set `data` to `len` bytes that stay until the encoder is used again.
        let data = unsafe { std::slice::from_raw_parts(out.data, out.len) };
        Ok(Encoded {
            data: data.to_vec(),
            is_keyframe: out.is_keyframe != 0,
        })
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

fn keyframe_flags() -> c_long {
    // SAFETY: the function only calculates.
    unsafe { plenary_vpx_flags(1, 0, 0) }
}

/// Both codecs write 14 bits or more for a side; this leaves room for every product of two.
const MAX_SIDE: u32 = 8192;

/// What times are counted in, where frames have times: the clock of RTP.
const TICK_HZ: u32 = 90_000;
/// Longest time from frame to frame, one hour: libvpx multiplies times.
const MAX_GAP_TICKS: i64 = 3_600 * TICK_HZ as i64;

/// The same as `plenary_vpx_settings` in shim.c.
#[repr(C)]
struct RawSettings {
    vp9: u32,
    purpose: u32,
    width: u32,
    height: u32,
    ticks_per_second: u32,
    kilobits: u32,
    resilient: u32,
    speed: i32,
}

/// The same as `plenary_vpx_frame` in shim.c.
#[repr(C)]
struct RawFrame {
    data: *const u8,
    len: usize,
    is_keyframe: u32,
}

#[repr(C)]
struct RawEncoder {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    fn plenary_vpx_encoder_new(settings: *const RawSettings, out: *mut *mut RawEncoder) -> c_int;
    fn plenary_vpx_encoder_encode(
        encoder: *mut RawEncoder,
        picture: *const RawPicture,
        pts: i64,
        duration: i64,
        flags: c_long,
        out: *mut RawFrame,
    ) -> c_int;
    fn plenary_vpx_encoder_set_kilobits(encoder: *mut RawEncoder, kilobits: u32) -> c_int;
    fn plenary_vpx_encoder_set_speed(encoder: *mut RawEncoder, speed: i32) -> c_int;
    fn plenary_vpx_encoder_free(encoder: *mut RawEncoder);
    fn plenary_vpx_flags(keyframe: u32, references: u32, updates: u32) -> c_long;
}
