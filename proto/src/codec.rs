//! The codecs Plenary forwards.

use crate::layer::VideoCodec;

/// Audio or video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// What an RTP payload holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// Opus (RFC 7587).
    Opus,
    /// Redundant audio with Opus inside (RFC 2198).
    Red,
    /// VP8 (RFC 7741).
    Vp8,
    /// VP9 (RFC 9628).
    Vp9,
    /// H.264 (RFC 6184).
    H264,
    /// AV1 (AOM RTP payload specification).
    Av1,
}

impl Codec {
    /// How many codecs there are.
    pub const COUNT: usize = 6;

    /// Every codec, in the order Plenary prefers them.
    pub const ALL: [Self; 6] = [
        Self::Red,
        Self::Opus,
        Self::Vp8,
        Self::H264,
        Self::Vp9,
        Self::Av1,
    ];

    /// Whether it carries sound or pictures.
    pub const fn kind(self) -> MediaKind {
        match self {
            Self::Opus | Self::Red => MediaKind::Audio,
            Self::Vp8 | Self::Vp9 | Self::H264 | Self::Av1 => MediaKind::Video,
        }
    }

    /// The media type, as LiveKit writes it.
    pub const fn mime_type(self) -> &'static str {
        match self {
            Self::Opus => "audio/opus",
            Self::Red => "audio/red",
            Self::Vp8 => "video/VP8",
            Self::Vp9 => "video/VP9",
            Self::H264 => "video/H264",
            Self::Av1 => "video/AV1",
        }
    }

    /// The codec of a media type or of its short name (`vp8`), in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        let short = name.rsplit('/').next().unwrap_or(name);
        Self::ALL.into_iter().find(|codec| {
            codec
                .mime_type()
                .rsplit('/')
                .next()
                .is_some_and(|own| own.eq_ignore_ascii_case(short))
        })
    }

    /// The video codec, for readers of payload headers.
    pub const fn video(self) -> Option<VideoCodec> {
        match self {
            Self::Opus | Self::Red => None,
            Self::Vp8 => Some(VideoCodec::Vp8),
            Self::Vp9 => Some(VideoCodec::Vp9),
            Self::H264 => Some(VideoCodec::H264),
            Self::Av1 => Some(VideoCodec::Av1),
        }
    }

    /// Ticks of the RTP clock in a second.
    pub const fn clock_rate_hz(self) -> u32 {
        match self.kind() {
            MediaKind::Audio => 48_000,
            MediaKind::Video => 90_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_codecs_by_short_and_long_name() {
        assert_eq!(Codec::from_name("vp8"), Some(Codec::Vp8));
        assert_eq!(Codec::from_name("video/H264"), Some(Codec::H264));
        assert_eq!(Codec::from_name("video/H266"), None);
    }
}
