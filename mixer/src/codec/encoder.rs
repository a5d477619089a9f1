//! Pictures into frames.

use std::num::NonZeroU32;

use super::{Codec, CodecError};
use crate::picture::{Picture, Size};

/// What an encoder should make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderSettings {
    /// The codec.
    pub codec: Codec,
    /// What the frames are for.
    pub purpose: Purpose,
    /// Size of all pictures; even.
    pub size: Size,
    /// Pictures per second, about: each comes with its time.
    pub fps: u32,
    /// Target bit rate in kilobits per second.
    pub kilobits: u32,
    /// How hard to try.
    pub effort: Effort,
    /// Most frames from one keyframe to the next; `None` makes keyframes only where they are asked
    /// for. Shorter is quicker to seek in, longer takes fewer bits.
    pub keyframe_interval: Option<NonZeroU32>,
}

/// What frames are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be sent and written at once: at a constant bit rate, each in its time.
    Live,
    /// To be written whenever they are ready: as good as can be for the bits.
    Offline,
}

/// How hard an encoder tries. VP9 gets faster with less; VP8 in real time took as long with each
/// when it was measured, so a machine that is late is helped by fewer or smaller pictures there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effort {
    /// For a machine that is late.
    Least,
    /// What a composite is made with.
    #[default]
    Normal,
    /// For a machine that has nothing else to do.
    Most,
}

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The frame, as described at [`Codec`].
    pub data: Vec<u8>,
    /// Whether it builds on no other.
    pub is_keyframe: bool,
}

/// Encodes the pictures of one track.
#[derive(Debug)]
pub struct VideoEncoder {
    library: Library,
    settings: EncoderSettings,
    /// Frames since the last keyframe, that included.
    since_keyframe: u32,
}

#[derive(Debug)]
enum Library {
    Vpx(vpx::Encoder),
    #[cfg(any(feature = "h264", test))]
    H264(super::h264::Encoder),
}

impl VideoEncoder {
    /// An encoder whose first frame will be a keyframe.
    ///
    /// # Errors
    /// [`CodecError::NotSupported`] or [`CodecError::Settings`].
    pub fn new(settings: &EncoderSettings) -> Result<Self, CodecError> {
        if settings.size.is_empty() || settings.fps == 0 || settings.kilobits == 0 {
            return Err(CodecError::Settings);
        }
        Ok(Self {
            library: Library::new(settings)?,
            settings: *settings,
            since_keyframe: 0,
        })
    }

    /// Encodes the picture that is shown from `pts_us` on. `None` means that the encoder left it
    /// out to keep to its bit rate.
    ///
    /// # Errors
    /// [`CodecError::WrongSize`] or [`CodecError::Library`].
    pub fn encode(
        &mut self,
        pts_us: i64,
        picture: &Picture,
        keyframe: bool,
    ) -> Result<Option<Encoded>, CodecError> {
        if picture.size() != self.settings.size {
            return Err(CodecError::WrongSize);
        }
        let interval = self.settings.keyframe_interval.map(NonZeroU32::get);
        let is_due = interval.is_some_and(|interval| self.since_keyframe >= interval);
        let is_first = self.since_keyframe == 0;
        let encoded = self
            .library
            .encode(pts_us, picture, keyframe || is_due || is_first)?;
        self.since_keyframe = match &encoded {
            Some(encoded) if encoded.is_keyframe => 1,
            Some(_) | None if is_first => 0,
            Some(_) | None => self.since_keyframe.saturating_add(1),
        };
        Ok(encoded)
    }

    /// Changes the bit rate, from the next frame on; an H.264 encoder begins anew with a keyframe.
    ///
    /// # Errors
    /// [`CodecError::Settings`], and the rate stays.
    pub fn set_kilobits(&mut self, kilobits: u32) -> Result<(), CodecError> {
        if kilobits == 0 {
            return Err(CodecError::Settings);
        }
        self.settings.kilobits = kilobits;
        match &mut self.library {
            Library::Vpx(encoder) => encoder.set_kilobits(kilobits),
            #[cfg(any(feature = "h264", test))]
            Library::H264(encoder) => {
                *encoder = super::h264::Encoder::new(&self.settings)?;
                return Ok(());
            }
        }
        .map_err(|_| CodecError::Settings)
    }

    /// Changes the effort, from the next frame on. An H.264 encoder takes no notice.
    ///
    /// # Errors
    /// [`CodecError::Library`], and the effort stays.
    pub fn set_effort(&mut self, effort: Effort) -> Result<(), CodecError> {
        let settings = EncoderSettings {
            effort,
            ..self.settings
        };
        match &mut self.library {
            Library::Vpx(encoder) => encoder.set_speed(vpx_speed(&settings)),
            #[cfg(any(feature = "h264", test))]
            Library::H264(_) => Ok(()),
        }
        .map_err(|_| CodecError::Library)?;
        self.settings = settings;
        Ok(())
    }

    /// What it makes at the moment.
    pub fn settings(&self) -> &EncoderSettings {
        &self.settings
    }
}

impl Library {
    fn new(settings: &EncoderSettings) -> Result<Self, CodecError> {
        let codec = match settings.codec {
            Codec::Vp8 => vpx::Codec::Vp8,
            Codec::Vp9 => vpx::Codec::Vp9,
            #[cfg(any(feature = "h264", test))]
            Codec::H264 => return super::h264::Encoder::new(settings).map(Self::H264),
            #[cfg(not(any(feature = "h264", test)))]
            Codec::H264 => return Err(CodecError::NotSupported(settings.codec)),
            Codec::Av1 => return Err(CodecError::NotSupported(settings.codec)),
        };
        let settings = vpx::Settings {
            codec,
            purpose: match settings.purpose {
                Purpose::Live => vpx::Purpose::Realtime,
                Purpose::Offline => vpx::Purpose::Good,
            },
            width: settings.size.width,
            height: settings.size.height,
            fps: settings.fps,
            kilobits: settings.kilobits,
            resilient: false,
            speed: vpx_speed(settings),
        };
        let encoder = vpx::Encoder::new(&settings).map_err(|_| CodecError::Settings)?;
        Ok(Self::Vpx(encoder))
    }

    fn encode(
        &mut self,
        pts_us: i64,
        picture: &Picture,
        keyframe: bool,
    ) -> Result<Option<Encoded>, CodecError> {
        match self {
            Self::Vpx(encoder) => {
                let encoded = encoder.encode_at(pts_us, &vpx_picture(picture), keyframe);
                let vpx::Encoded { data, is_keyframe } =
                    encoded.map_err(|_| CodecError::Library)?;
                Ok((!data.is_empty()).then_some(Encoded { data, is_keyframe }))
            }
            #[cfg(any(feature = "h264", test))]
            Self::H264(encoder) => encoder.encode(pts_us, picture, keyframe),
        }
    }
}

fn vpx_picture(picture: &Picture) -> vpx::Picture<'_> {
    let [y, u, v] = picture.planes().each_ref().map(|plane| vpx::Plane {
        rows: plane.samples(),
        stride: plane.width(),
    });
    vpx::Picture {
        width: picture.size().width,
        height: picture.size().height,
        y,
        u,
        v,
    }
}

/// libvpx's `cpu-used`. VP8 takes negative ones as fixed, where others would follow the clock and
/// give other frames each time.
fn vpx_speed(settings: &EncoderSettings) -> i32 {
    use Effort::{Least, Most, Normal};
    match (settings.codec, settings.purpose, settings.effort) {
        (Codec::Vp9, Purpose::Live, Least) => 9,
        (Codec::Vp9, Purpose::Live, Normal) => 8,
        (Codec::Vp9, Purpose::Live, Most) => 7,
        (Codec::Vp9, Purpose::Offline, Least) => 5,
        (Codec::Vp9, Purpose::Offline, Normal) => 4,
        (Codec::Vp9, Purpose::Offline, Most) => 2,
        (_, Purpose::Live, Least) => -8,
        (_, Purpose::Live, Normal) => -6,
        (_, Purpose::Live, Most) => -4,
        (_, Purpose::Offline, Least) => 5,
        (_, Purpose::Offline, Normal) => 3,
        (_, Purpose::Offline, Most) => 1,
    }
}
