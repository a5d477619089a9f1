//! Pictures into frames.

use openh264::OpenH264API;
use openh264::Timestamp;
use openh264::encoder::{
    BitRate, Complexity, Encoder as Openh264Encoder, EncoderConfig, FrameRate, FrameType,
    IntraFramePeriod, Profile, RateControlMode, UsageType,
};
use openh264::formats::YUVSlices;

use super::units;
use crate::codec::{CodecError, Effort, Encoded, EncoderSettings};
use crate::picture::Picture;

/// An encoder.
pub(in crate::codec) struct Encoder(Box<Openh264Encoder>);

impl Encoder {
    pub(in crate::codec) fn new(settings: &EncoderSettings) -> Result<Self, CodecError> {
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

    pub(in crate::codec) fn encode(
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
        let data = units::with_lengths(&encoded.to_vec());
        Ok((!data.is_empty()).then_some(Encoded { data, is_keyframe }))
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
