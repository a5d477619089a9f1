//! H.264 by OpenH264.

use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::decoder::Decoder as Openh264Decoder;
use openh264::encoder::{
    BitRate, Complexity, Encoder as Openh264Encoder, EncoderConfig, FrameRate, FrameType,
    IntraFramePeriod, Profile, RateControlMode, UsageType,
};
use openh264::formats::{YUVSlices, YUVSource};

use super::{CodecError, Effort, Encoded, EncoderSettings};
use crate::picture::{Picture, Size};

/// A decoder.
pub(super) struct Decoder(Openh264Decoder);

impl Decoder {
    pub(super) fn new() -> Result<Self, CodecError> {
        let decoder = Openh264Decoder::new().map_err(|_| CodecError::Library)?;
        Ok(Self(decoder))
    }

    /// OpenH264 itself refuses what has more than 36,864 macroblocks, which is 4096x2304.
    pub(super) fn decode(
        &mut self,
        frame: &[u8],
        picture: &mut Picture,
    ) -> Result<bool, CodecError> {
        let decoded = self.0.decode(frame).map_err(|_| CodecError::Undecodable)?;
        let Some(decoded) = decoded else {
            return Ok(false);
        };
        let (width, height) = decoded.dimensions();
        let (width, height) = (width as u32, height as u32);
        if width > vpx::MAX_DECODED_SIDE || height > vpx::MAX_DECODED_SIDE {
            return Err(CodecError::TooLarge { width, height });
        }
        picture.resize(Size::new(width, height));
        let (y, u, v) = decoded.strides();
        let [luma, blue, red] = picture.planes_mut();
        luma.copy_from(decoded.y(), y);
        blue.copy_from(decoded.u(), u);
        red.copy_from(decoded.v(), v);
        Ok(true)
    }
}

/// An encoder.
pub(super) struct Encoder(Box<Openh264Encoder>);

impl Encoder {
    pub(super) fn new(settings: &EncoderSettings) -> Result<Self, CodecError> {
        let size = settings.size;
        let is_even = size.width.is_multiple_of(2) && size.height.is_multiple_of(2);
        if !is_even || size.width > MAX_WIDTH || size.height > MAX_HEIGHT {
            return Err(CodecError::Settings);
        }
        let config = EncoderConfig::new()
            .bitrate(BitRate::from_bps(settings.kilobits.saturating_mul(1_000)))
            .max_frame_rate(FrameRate::from_hz(settings.fps as f32))
            .rate_control_mode(RateControlMode::Bitrate)
            .usage_type(UsageType::CameraVideoRealTime)
            .profile(Profile::Baseline)
            .complexity(match settings.effort {
                Effort::Least => Complexity::Low,
                Effort::Normal => Complexity::Medium,
                Effort::Most => Complexity::High,
            })
            .intra_frame_period(IntraFramePeriod::from_num_frames(0))
            .scene_change_detect(false)
            // Without this it does not keep to its bit rate.
            .skip_frames(true)
            .num_threads(1);
        let api = OpenH264API::from_source();
        let encoder = Openh264Encoder::with_api_config(api, config);
        Ok(Self(Box::new(encoder.map_err(|_| CodecError::Settings)?)))
    }

    pub(super) fn encode(
        &mut self,
        pts_us: i64,
        picture: &Picture,
        keyframe: bool,
    ) -> Result<Option<Encoded>, CodecError> {
        if keyframe {
            self.0.force_intra_frame();
        }
        let size = picture.size();
        let [y, u, v] = picture.planes();
        let source = YUVSlices::new(
            (y.samples(), u.samples(), v.samples()),
            (size.width as usize, size.height as usize),
            (y.width(), u.width(), v.width()),
        );
        let at = Timestamp::from_millis(u64::try_from(pts_us / 1_000).unwrap_or_default());
        let encoded = self.0.encode_at(&source, at);
        let encoded = encoded.map_err(|_| CodecError::Library)?;
        let is_keyframe = matches!(encoded.frame_type(), FrameType::IDR);
        let data = encoded.to_vec();
        Ok((!data.is_empty()).then_some(Encoded { data, is_keyframe }))
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

/// What level 5.1 has, in pixels across.
const MAX_WIDTH: u32 = 4096;
/// What level 5.1 has, in pixels down.
const MAX_HEIGHT: u32 = 2304;
