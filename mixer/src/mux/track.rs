//! What a file says of its tracks.

use std::num::NonZeroU64;

use super::ebml::{self, Children, Malformed, put_bytes, put_master, put_uint};
use super::id;
use super::limits::{MAX_CODEC_CONFIG_BYTES, MAX_TEXT_BYTES};

/// Names a track inside its file. Blocks have it in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackNumber(u8);

impl TrackNumber {
    /// A number from 1 to 126.
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            1..=126 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// A track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Track {
    /// Its name in blocks.
    pub number: TrackNumber,
    /// Its name for good; it should stay when blocks are copied into another file.
    pub uid: NonZeroU64,
    /// For people; may be empty.
    pub name: String,
    /// What is in its blocks.
    pub media: Media,
}

impl Track {
    /// How much earlier than the time in the file its blocks are played, in microseconds.
    pub fn codec_delay_us(&self) -> i64 {
        match &self.media {
            Media::Video { .. } => 0,
            Media::Audio(opus) => opus.delay_us(),
        }
    }

    /// Whether the blocks hold pictures.
    pub fn is_video(&self) -> bool {
        matches!(self.media, Media::Video { .. })
    }

    /// Whether WebM knows the codec.
    pub(super) fn is_webm(&self) -> bool {
        !matches!(
            &self.media,
            Media::Video {
                codec: VideoCodec::H264 { .. },
                ..
            }
        )
    }

    /// Whether it is video without a size.
    pub(super) fn has_no_size(&self) -> bool {
        match &self.media {
            Media::Video { size, .. } => size.width_px == 0 || size.height_px == 0,
            Media::Audio(_) => false,
        }
    }

    /// Whether all of it is within the limits.
    pub(super) fn is_within_limits(&self) -> bool {
        let config = self.codec_private().unwrap_or_default();
        self.name.len() <= MAX_TEXT_BYTES && config.len() <= MAX_CODEC_CONFIG_BYTES
    }

    /// Appends the TrackEntry (RFC 9559 §5.1.4.1).
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_master(out, id::TRACK_ENTRY, |out| {
            put_uint(out, id::TRACK_NUMBER, self.number.get().into());
            put_uint(out, id::TRACK_UID, self.uid.get());
            let track_type = if self.is_video() {
                VIDEO_TYPE
            } else {
                AUDIO_TYPE
            };
            put_uint(out, id::TRACK_TYPE, track_type);
            put_uint(out, id::FLAG_LACING, 0);
            put_bytes(out, id::LANGUAGE, b"und");
            if !self.name.is_empty() {
                put_bytes(out, id::NAME, self.name.as_bytes());
            }
            put_bytes(out, id::CODEC_ID, self.codec_id().as_bytes());
            if let Some(config) = self.codec_private() {
                put_bytes(out, id::CODEC_PRIVATE, &config);
            }
            match &self.media {
                Media::Video { size, .. } => size.put(out),
                Media::Audio(opus) => opus.put(out),
            }
        });
    }

    /// Reads the body of a TrackEntry, with the track's CodecDelay in nanoseconds. `None` if the
    /// track is not one that can be described.
    pub(super) fn read(body: &[u8]) -> Result<Option<(Self, u64)>, Malformed> {
        let mut entry = Entry::default();
        let mut children = Children::new(body);
        while let Some((child, body)) = children.next()? {
            match child.id {
                id::TRACK_NUMBER => entry.number = ebml::uint(body)?,
                id::TRACK_UID => entry.uid = ebml::uint(body)?,
                id::NAME => entry.name = ebml::text(body),
                id::CODEC_ID => entry.codec = body,
                id::CODEC_PRIVATE => entry.config = Some(body),
                id::CODEC_DELAY => entry.delay_ns = ebml::uint(body)?,
                // Blocks are compressed or encrypted once more.
                id::CONTENT_ENCODINGS => return Ok(None),
                id::VIDEO => entry.size = VideoSize::read(body)?,
                id::AUDIO => entry.channels = read_channels(body)?,
                _ => {}
            }
        }
        let delay_ns = entry.delay_ns;
        let track = entry.describe().filter(Self::is_within_limits);
        Ok(track.map(|track| (track, delay_ns)))
    }

    fn codec_id(&self) -> &'static str {
        match &self.media {
            Media::Video { codec, .. } => match codec {
                VideoCodec::Vp8 => "V_VP8",
                VideoCodec::Vp9 => "V_VP9",
                VideoCodec::Av1 { .. } => "V_AV1",
                VideoCodec::H264 { .. } => "V_MPEG4/ISO/AVC",
            },
            Media::Audio(_) => "A_OPUS",
        }
    }

    fn codec_private(&self) -> Option<Vec<u8>> {
        match &self.media {
            Media::Video { codec, .. } => match codec {
                VideoCodec::Vp8 | VideoCodec::Vp9 => None,
                VideoCodec::Av1 { config } => config.clone(),
                VideoCodec::H264 { config } => Some(config.clone()),
            },
            Media::Audio(opus) => Some(opus.head().to_vec()),
        }
    }
}

/// What is in the blocks of a track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Media {
    /// Pictures.
    Video {
        /// How they are coded.
        codec: VideoCodec,
        /// How large they are; players follow changes inside the stream.
        size: VideoSize,
    },
    /// Opus packets.
    Audio(Opus),
}

/// How pictures are coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VideoCodec {
    /// RFC 6386; a block is a frame.
    Vp8,
    /// The VP9 bitstream specification; a block is a superframe.
    Vp9,
    /// A block is a temporal unit without its temporal delimiter.
    Av1 {
        /// The `av1C` box's content, if known when the file began.
        config: Option<Vec<u8>>,
    },
    /// A block is an access unit, each NAL unit after its length.
    H264 {
        /// The `avcC` box's content, which tells how long such a length is.
        config: Vec<u8>,
    },
}

/// How large pictures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VideoSize {
    /// Pixels across, not 0.
    pub width_px: u32,
    /// Pixels down, not 0.
    pub height_px: u32,
    /// Across and down when shown, if that is another size.
    pub display_px: Option<(u32, u32)>,
}

impl VideoSize {
    fn put(self, out: &mut Vec<u8>) {
        put_master(out, id::VIDEO, |out| {
            put_uint(out, id::PIXEL_WIDTH, self.width_px.into());
            put_uint(out, id::PIXEL_HEIGHT, self.height_px.into());
            if let Some((width_px, height_px)) = self.display_px {
                put_uint(out, id::DISPLAY_WIDTH, width_px.into());
                put_uint(out, id::DISPLAY_HEIGHT, height_px.into());
            }
        });
    }

    fn read(body: &[u8]) -> Result<Option<Self>, Malformed> {
        let [mut width, mut height, mut display_width, mut display_height] = [0; 4];
        let mut children = Children::new(body);
        while let Some((child, body)) = children.next()? {
            let place = match child.id {
                id::PIXEL_WIDTH => &mut width,
                id::PIXEL_HEIGHT => &mut height,
                id::DISPLAY_WIDTH => &mut display_width,
                id::DISPLAY_HEIGHT => &mut display_height,
                _ => continue,
            };
            *place = u32::try_from(ebml::uint(body)?).map_err(|_| Malformed)?;
        }
        let is_shown_otherwise = display_width > 0 && display_height > 0;
        Ok((width > 0 && height > 0).then_some(Self {
            width_px: width,
            height_px: height,
            display_px: is_shown_otherwise.then_some((display_width, display_height)),
        }))
    }
}

/// An Opus stream of one or two channels (RFC 7845 §5.1, mapping family 0).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opus {
    /// Whether there are two channels.
    pub is_stereo: bool,
    /// What a decoder's first output is to be cut by, in samples at 48 kHz: the delay of the
    /// encoder.
    pub pre_skip_samples: u16,
    /// Rate of what was encoded, in Hz; for information.
    pub sample_rate_hz: u32,
}

impl Opus {
    /// Appends what a TrackEntry has of Opus.
    fn put(self, out: &mut Vec<u8>) {
        let delay_ns = self.delay_us().unsigned_abs() * 1_000;
        put_uint(out, id::CODEC_DELAY, delay_ns);
        put_uint(out, id::SEEK_PRE_ROLL, SEEK_PRE_ROLL_NS);
        put_master(out, id::AUDIO, |out| {
            put_bytes(out, id::SAMPLING_FREQUENCY, &48_000_f64.to_be_bytes());
            put_uint(out, id::CHANNELS, self.channels().into());
        });
    }

    /// The packet `OpusHead` (RFC 7845 §5.1).
    fn head(self) -> [u8; OPUS_HEAD_BYTES] {
        let mut head = *b"OpusHead\x01_\0\0\0\0\0\0\0\0\0";
        head[9] = self.channels();
        head[10..12].copy_from_slice(&self.pre_skip_samples.to_le_bytes());
        head[12..16].copy_from_slice(&self.sample_rate_hz.to_le_bytes());
        head
    }

    fn from_head(head: &[u8]) -> Option<Self> {
        let (magic, fields) = head.split_first_chunk()?;
        let &[
            version,
            channels,
            skip_low,
            skip_high,
            a,
            b,
            c,
            d,
            gain @ ..,
            family,
        ] = fields.first_chunk::<11>()?;
        // A gain or another order of channels would be lost, so such a track cannot be described.
        let is_plain = magic == b"OpusHead" && version >> 4 == 0 && gain == [0, 0] && family == 0;
        (is_plain && (1..=2).contains(&channels)).then(|| Self {
            is_stereo: channels == 2,
            pre_skip_samples: u16::from_le_bytes([skip_low, skip_high]),
            sample_rate_hz: u32::from_le_bytes([a, b, c, d]),
        })
    }

    fn channels(self) -> u8 {
        if self.is_stereo { 2 } else { 1 }
    }

    /// The delay of the encoder in microseconds.
    fn delay_us(self) -> i64 {
        i64::from(self.pre_skip_samples) * 1_000 / 48
    }
}

impl Default for Opus {
    /// What libopus makes in a conference: two channels, 6.5 ms of delay.
    fn default() -> Self {
        Self {
            is_stereo: true,
            pre_skip_samples: 312,
            sample_rate_hz: 48_000,
        }
    }
}

/// What has been read of a TrackEntry.
#[derive(Debug, Default)]
struct Entry<'a> {
    number: u64,
    uid: u64,
    name: String,
    codec: &'a [u8],
    config: Option<&'a [u8]>,
    delay_ns: u64,
    size: Option<VideoSize>,
    channels: u8,
}

impl Entry<'_> {
    fn describe(self) -> Option<Track> {
        let number = TrackNumber::new(u8::try_from(self.number).ok()?)?;
        let video = |codec| self.size.map(|size| Media::Video { codec, size });
        let config = self.config.map(<[u8]>::to_vec);
        let media = match self.codec {
            b"V_VP8" => video(VideoCodec::Vp8),
            b"V_VP9" => video(VideoCodec::Vp9),
            b"V_AV1" => video(VideoCodec::Av1 { config }),
            b"V_MPEG4/ISO/AVC" => config.and_then(|config| video(VideoCodec::H264 { config })),
            b"A_OPUS" => match self.config {
                Some(head) => Opus::from_head(head).map(Media::Audio),
                None => (1..=2)
                    .contains(&self.channels)
                    .then_some(Media::Audio(Opus {
                        is_stereo: self.channels == 2,
                        pre_skip_samples: 0,
                        ..Opus::default()
                    })),
            },
            _ => None,
        };
        Some(Track {
            number,
            uid: NonZeroU64::new(self.uid)?,
            name: self.name,
            media: media?,
        })
    }
}

fn read_channels(body: &[u8]) -> Result<u8, Malformed> {
    let mut channels = 1;
    let mut children = Children::new(body);
    while let Some((child, body)) = children.next()? {
        if child.id == id::CHANNELS {
            channels = ebml::uint(body)?;
        }
    }
    Ok(u8::try_from(channels).unwrap_or_default())
}

const VIDEO_TYPE: u64 = 1;
const AUDIO_TYPE: u64 = 2;
const OPUS_HEAD_BYTES: usize = 19;
/// What a decoder has to be given before the place that was jumped to: RFC 7845 §4.6 says 80 ms.
const SEEK_PRE_ROLL_NS: u64 = 80_000_000;
