//! What composites are encoded with, in LiveKit's words.

use std::num::NonZeroU32;

use mixer::codec::{Codec, Effort, EncoderSettings, Purpose};
use mixer::picture::Size;
use proto::signal::messages::{AudioCodec, EncodingOptions, EncodingOptionsPreset, VideoCodec};
use serde::{Deserialize, Serialize};

use super::EgressError;

/// Most pixels on a side.
const MAX_SIDE: i32 = 4_096;
const MAX_FPS: i32 = 60;
/// Most kilobits per second.
const MAX_KILOBITS: i32 = 50_000;
/// Most seconds from one place that a player can jump to, to the next.
const KEYFRAME_SECONDS: f64 = 4.0;

/// The pictures of a composite.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Pictures {
    width: u32,
    height: u32,
    fps: u32,
    kilobits: u32,
    keyframe_seconds: f64,
    /// Whether they are H.264, and not VP9.
    #[serde(default)]
    is_h264: bool,
}

/// What a request says of them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Wanted {
    /// Nothing.
    #[default]
    Usual,
    Preset(i32),
    Advanced(EncodingOptions),
}

impl Pictures {
    /// What is wanted, as it can be had.
    ///
    /// # Errors
    /// [`EgressError::Invalid`]
    pub(super) fn new(wanted: Wanted) -> Result<Self, EgressError> {
        match wanted {
            Wanted::Usual => of_preset(EncodingOptionsPreset::H264720p30),
            Wanted::Advanced(options) => of_options(&options),
            Wanted::Preset(number) => {
                let preset = EncodingOptionsPreset::try_from(number);
                of_preset(
                    preset.map_err(|_| {
                        EgressError::invalid("preset", "there is none of this number")
                    })?,
                )
            }
        }
    }

    /// The extension of a file of them.
    pub(super) fn extension(self) -> &'static str {
        if self.is_h264 { "mkv" } else { "webm" }
    }

    /// For the encoder.
    pub(super) fn settings(self) -> EncoderSettings {
        let interval = (f64::from(self.fps) * self.keyframe_seconds).ceil();
        EncoderSettings {
            codec: if self.is_h264 {
                Codec::H264
            } else {
                Codec::Vp9
            },
            purpose: Purpose::Offline,
            size: Size::new(self.width, self.height),
            fps: self.fps,
            kilobits: self.kilobits,
            effort: Effort::Normal,
            keyframe_interval: NonZeroU32::new(interval as u32),
        }
    }
}

/// Size, rate and bit rate are those of LiveKit's presets; the codec is not.
fn of_preset(preset: EncodingOptionsPreset) -> Result<Pictures, EgressError> {
    use EncodingOptionsPreset as Preset;
    let (width, height, fps, kilobits) = match preset {
        Preset::H264720p30 => (1_280, 720, 30, 3_000),
        Preset::H264720p60 => (1_280, 720, 60, 4_500),
        Preset::H2641080p30 => (1_920, 1_080, 30, 4_500),
        Preset::H2641080p60 => (1_920, 1_080, 60, 6_000),
        Preset::PortraitH264720p30 => (720, 1_280, 30, 3_000),
        Preset::PortraitH264720p60 => (720, 1_280, 60, 4_500),
        Preset::PortraitH2641080p30 => (1_080, 1_920, 30, 4_500),
        Preset::PortraitH2641080p60 => (1_080, 1_920, 60, 6_000),
        Preset::Passthrough => {
            let detail = "composites are always encoded; StartTrackEgress keeps a track as it is";
            return Err(EgressError::invalid("preset", detail));
        }
    };
    Ok(Pictures {
        width,
        height,
        fps,
        kilobits,
        keyframe_seconds: KEYFRAME_SECONDS,
        is_h264: false,
    })
}

/// Zero means the usual. What is said of sound beyond its codec, and the depth of colours, has no effect.
fn of_options(options: &EncodingOptions) -> Result<Pictures, EgressError> {
    let usual = of_preset(EncodingOptionsPreset::H264720p30)?;
    let is_h264 = options.video_codec() != VideoCodec::DefaultVc;
    if is_h264 && !Codec::H264.has_encoder() {
        let detail = "leave it out: pictures are VP9";
        return Err(EgressError::invalid("video_codec", detail));
    }
    if !matches!(
        options.audio_codec(),
        AudioCodec::DefaultAc | AudioCodec::Opus
    ) {
        return Err(EgressError::invalid(
            "audio_codec",
            "leave it out or use OPUS",
        ));
    }
    if (options.width == 0) != (options.height == 0) {
        return Err(EgressError::invalid(
            "width",
            "give width and height, or neither",
        ));
    }
    let is_odd = options.width % 2 != 0 || options.height % 2 != 0;
    if is_odd {
        return Err(EgressError::invalid(
            "width",
            "width and height must be even",
        ));
    }
    let keyframe_seconds = match options.key_frame_interval {
        0.0 => usual.keyframe_seconds,
        seconds if (0.1..=60.0).contains(&seconds) => seconds,
        _ => {
            return Err(EgressError::invalid(
                "key_frame_interval",
                "must be from 0.1 to 60",
            ));
        }
    };
    Ok(Pictures {
        width: within("width", options.width, 16, MAX_SIDE)?.unwrap_or(usual.width),
        height: within("height", options.height, 16, MAX_SIDE)?.unwrap_or(usual.height),
        fps: within("framerate", options.framerate, 1, MAX_FPS)?.unwrap_or(usual.fps),
        kilobits: within("video_bitrate", options.video_bitrate, 50, MAX_KILOBITS)?
            .unwrap_or(usual.kilobits),
        keyframe_seconds,
        is_h264,
    })
}

/// A number that keeps to its bounds; none for zero.
fn within(
    field: &'static str,
    value: i32,
    least: i32,
    most: i32,
) -> Result<Option<u32>, EgressError> {
    match value {
        0 => Ok(None),
        value if (least..=most).contains(&value) => Ok(Some(value.unsigned_abs())),
        _ => Err(EgressError::invalid(
            field,
            format!("must be from {least} to {most}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_of_livekits_sizes() {
        let portrait = EncodingOptionsPreset::PortraitH2641080p60.into();
        let settings = Pictures::new(Wanted::Preset(portrait)).unwrap().settings();

        assert_eq!(settings.size, Size::new(1_080, 1_920));
        assert_eq!((settings.fps, settings.kilobits), (60, 6_000));
        assert_eq!(settings.keyframe_interval, NonZeroU32::new(240));
        let usual = Pictures::new(Wanted::Usual).unwrap();
        assert_eq!(Pictures::new(Wanted::Preset(0)).unwrap(), usual);
    }

    #[test]
    fn options_replace_what_is_usual() {
        let options = EncodingOptions {
            width: 640,
            height: 480,
            framerate: 15,
            key_frame_interval: 2.0,
            ..EncodingOptions::default()
        };

        let settings = Pictures::new(Wanted::Advanced(options)).unwrap().settings();

        assert_eq!(settings.size, Size::new(640, 480));
        assert_eq!((settings.fps, settings.kilobits), (15, 3_000));
        assert_eq!(settings.keyframe_interval, NonZeroU32::new(30));
    }

    #[test]
    fn h264_is_had_if_this_build_encodes_it() {
        let options = EncodingOptions {
            video_codec: VideoCodec::H264Main.into(),
            ..EncodingOptions::default()
        };

        let pictures = Pictures::new(Wanted::Advanced(options));

        match Codec::H264.has_encoder() {
            true => assert_eq!(pictures.unwrap().extension(), "mkv"),
            false => {
                let error = pictures.unwrap_err().to_string();
                assert!(error.starts_with("video_codec"), "{error}");
            }
        }
    }

    #[test]
    fn what_cannot_be_had_is_told() {
        let options = EncodingOptions::default();
        let of = |options| Pictures::new(Wanted::Advanced(options));
        for (wrong, field) in [
            (
                EncodingOptions {
                    width: 641,
                    height: 480,
                    ..options
                },
                "width",
            ),
            (
                EncodingOptions {
                    width: 640,
                    ..options
                },
                "width",
            ),
            (
                EncodingOptions {
                    width: 8_000,
                    height: 480,
                    ..options
                },
                "width",
            ),
            (
                EncodingOptions {
                    framerate: -1,
                    ..options
                },
                "framerate",
            ),
            (
                EncodingOptions {
                    video_bitrate: 1,
                    ..options
                },
                "video_bitrate",
            ),
            (
                EncodingOptions {
                    key_frame_interval: f64::NAN,
                    ..options
                },
                "key_frame_interval",
            ),
            (
                EncodingOptions {
                    audio_codec: AudioCodec::Aac.into(),
                    ..options
                },
                "audio_codec",
            ),
        ] {
            let error = of(wrong).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
        }
        let passthrough = EncodingOptionsPreset::Passthrough.into();
        assert!(Pictures::new(Wanted::Preset(passthrough)).is_err());
        assert!(Pictures::new(Wanted::Preset(99)).is_err());
    }
}
