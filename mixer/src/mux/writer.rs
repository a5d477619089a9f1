//! A file that grows block by block.
//!
//! Everything is appended, and always whole elements, so that the file plays at any time and as it
//! is left by a crash:
//! 1. [`Writer::new`] gives its beginning;
//! 2. [`Writer::write_block`] gives a block, and the beginning of a cluster where that is due. The
//!    Segment and its clusters have no size: a cluster ends where the next begins (RFC 8794 §6.2);
//! 3. [`Writer::finish`] gives an index for the end, and the length for the beginning.

use super::block::{Block, BlockHeader};
use super::ebml::{UNKNOWN_SIZE, put_id, put_size, put_uint};
use super::finish::Finish;
use super::header::{Places, Settings};
use super::id;
use super::limits::{
    MAX_BLOCK_BYTES, MAX_CLUSTER_BYTES, MAX_CLUSTER_DURATION, MAX_TEXT_BYTES, MAX_TRACKS,
};
use super::summary::{Counter, Recorded};
use super::time::TimestampScale;
use super::track::TrackNumber;

/// Why a file cannot be begun: who asks is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// There is no track, or more than [`MAX_TRACKS`].
    #[error("a file has 1 to {MAX_TRACKS} tracks, not {0}")]
    TrackCount(usize),
    /// Two tracks have the same number or uid.
    #[error("two tracks have the number {0} or the same uid")]
    Twice(u8),
    /// A track's name or codec configuration is longer than its limit.
    #[error("the name or the codec configuration of track {0} is too long")]
    TrackTooLong(u8),
    /// A track of video has no width or no height.
    #[error("the video track {0} has no size")]
    NoSize(u8),
    /// The title is longer than [`MAX_TEXT_BYTES`].
    #[error("the title is longer than {MAX_TEXT_BYTES} bytes")]
    TitleTooLong,
}

/// Why a block cannot be written. Nothing has been, and further blocks can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The file has no such track.
    #[error("the file has no track {0}")]
    NoSuchTrack(u8),
    /// The block is before the file's time zero, or beyond all time.
    #[error("the time {0} us is outside of the file")]
    Time(i64),
    /// The block is too much older than others that are in the file already.
    #[error("the block is {0} ms older than the cluster it belongs into")]
    TooLate(i64),
    /// The block is larger than [`MAX_BLOCK_BYTES`].
    #[error("a block of {0} bytes is too large")]
    TooLarge(usize),
}

/// Writes one file, of a track or of several.
#[derive(Debug)]
pub struct Writer {
    settings: Settings,
    places: Places,
    counter: Counter,
    /// What has been given out so far.
    bytes: u64,
    cluster: Option<Cluster>,
}

/// The cluster that blocks go into.
#[derive(Debug, Clone, Copy)]
struct Cluster {
    /// Where it begins.
    offset: u64,
    time_ms: i64,
}

impl Writer {
    /// Appends the beginning of a file to `out`.
    ///
    /// # Errors
    /// [`SettingsError`] when there can be no such file.
    pub fn new(settings: Settings, out: &mut Vec<u8>) -> Result<Self, SettingsError> {
        check(&settings)?;
        let places = settings.put(out);
        Ok(Self {
            counter: Counter::new(&settings.tracks),
            bytes: places.end,
            settings,
            places,
            cluster: None,
        })
    }

    /// Appends a block to `out`. Blocks of a track come in the order of their codec; those of
    /// different tracks as nearly in the order of time as can be had.
    ///
    /// # Errors
    /// [`WriteError`] when the block does not fit into the file, which stays as it is.
    pub fn write_block(
        &mut self,
        track: TrackNumber,
        block: Block<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let mut tracks = self.settings.tracks.iter().enumerate();
        let (index, settings) = tracks
            .find(|(_, own)| own.number == track)
            .ok_or(WriteError::NoSuchTrack(track.get()))?;
        let body_bytes = BlockHeader::WRITTEN_BYTES + block.data.len();
        if body_bytes > MAX_BLOCK_BYTES {
            return Err(WriteError::TooLarge(block.data.len()));
        }
        let is_keyframe = block.is_keyframe || !settings.is_video();
        let time_ms = time_ms(block.pts_us, settings.codec_delay_us())?;
        let begins_cluster = settings.is_video() && is_keyframe;

        let start = out.len();
        let cluster = self.cluster_for(time_ms, begins_cluster);
        let relative = time_ms - cluster.time_ms;
        let relative = i16::try_from(relative).map_err(|_| WriteError::TooLate(-relative))?;
        if self.cluster.map(|own| own.offset) != Some(cluster.offset) {
            cluster.put(out);
        }
        put_id(out, id::SIMPLE_BLOCK);
        put_size(out, body_bytes as u64);
        out.extend_from_slice(&BlockHeader::of_simple_block(track, relative, is_keyframe));
        out.extend_from_slice(block.data);

        self.cluster = Some(cluster);
        self.bytes += (out.len() - start) as u64;
        self.counter.count(&Recorded {
            index,
            pts_us: block.pts_us,
            time_us: time_ms * 1_000,
            is_keyframe,
            data_bytes: block.data.len() as u64,
            cluster_offset: cluster.offset,
        });
        Ok(())
    }

    /// How long the file is so far, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the file.
    pub fn finish(self) -> Finish {
        Finish::new(&self.places, self.counter.finish(), self.bytes, None)
    }

    /// The cluster that a block goes into: the one there is, or the next, whose time is never
    /// before that of the one before.
    fn cluster_for(&self, time_ms: i64, begins_cluster: bool) -> Cluster {
        let next = |time_ms| Cluster {
            offset: self.bytes,
            time_ms,
        };
        let Some(cluster) = self.cluster else {
            return next(time_ms);
        };
        let is_long = time_ms - cluster.time_ms >= MAX_CLUSTER_DURATION.as_millis() as i64;
        let is_large = self.bytes - cluster.offset >= MAX_CLUSTER_BYTES;
        if begins_cluster || is_long || is_large {
            next(time_ms.max(cluster.time_ms))
        } else {
            cluster
        }
    }
}

impl Cluster {
    /// Appends its beginning.
    fn put(self, out: &mut Vec<u8>) {
        put_id(out, id::CLUSTER);
        out.extend_from_slice(&UNKNOWN_SIZE);
        put_uint(out, id::TIMESTAMP, self.time_ms.unsigned_abs());
    }
}

fn check(settings: &Settings) -> Result<(), SettingsError> {
    let tracks = &settings.tracks;
    if !(1..=MAX_TRACKS).contains(&tracks.len()) {
        return Err(SettingsError::TrackCount(tracks.len()));
    }
    if settings.title.len() > MAX_TEXT_BYTES {
        return Err(SettingsError::TitleTooLong);
    }
    for (index, track) in tracks.iter().enumerate() {
        let mut others = tracks.iter().take(index);
        if others.any(|other| other.number == track.number || other.uid == track.uid) {
            return Err(SettingsError::Twice(track.number.get()));
        }
        if track.has_no_size() {
            return Err(SettingsError::NoSize(track.number.get()));
        }
        if !track.is_within_limits() {
            return Err(SettingsError::TrackTooLong(track.number.get()));
        }
    }
    Ok(())
}

/// The time of a block in the file (RFC 9559 §11), from when it is played.
fn time_ms(pts_us: i64, codec_delay_us: i64) -> Result<i64, WriteError> {
    let time_us = pts_us.checked_add(codec_delay_us);
    match time_us.map(|time_us| TimestampScale::MILLISECOND.ticks(time_us)) {
        Some(time_ms @ 0..MAX_TIME_MS) => Ok(time_ms),
        _ => Err(WriteError::Time(pts_us)),
    }
}

/// Times are less than this. A hundred years leave room for calculating.
const MAX_TIME_MS: i64 = 100 * 366 * 24 * 3_600 * 1_000;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::mux::{Media, Opus, Track, VideoCodec, VideoSize};

    const VIDEO: TrackNumber = TrackNumber::new(1).unwrap();
    const AUDIO: TrackNumber = TrackNumber::new(2).unwrap();

    /// A change of these bytes is a change of the format: players are to be tried again then.
    #[test]
    fn every_byte_is_as_expected() {
        let mut file = Vec::new();
        let mut writer = Writer::new(settings(vec![video()]), &mut file).expect("settings");
        let header = file.len();
        writer
            .write_block(VIDEO, block(40_000, true, &[0xaa; 3]), &mut file)
            .expect("a block");
        writer
            .write_block(VIDEO, block(73_400, false, &[]), &mut file)
            .expect("a block");
        let finish = writer.finish();

        let expected: [&[u8]; 20] = [
            b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08",
            b"\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02",
            // The Segment, at 36.
            b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff",
            // Room for the SeekHead, at 48.
            b"\xec\xde",
            &[0; 94],
            // Info, at 144, with room for the Duration at 156.
            b"\x15\x49\xa9\x66\xb8",
            b"\x2a\xd7\xb1\x83\x0f\x42\x40",
            b"\xec\x89\0\0\0\0\0\0\0\0\0",
            b"\x4d\x80\x87Plenary\x57\x41\x87Plenary",
            b"\x7b\xa9\x84room",
            b"\x44\x61\x88\0\0\0\x02\x54\x0b\xe4\0",
            // Tracks, at 205.
            b"\x16\x54\xae\x6b\xa7\xae\xa5",
            b"\xd7\x81\x01\x73\xc5\x81\x07\x83\x81\x01\x9c\x81\x00\x22\xb5\x9c\x83und",
            b"\x86\x85V_VP8\xe0\x88\xb0\x82\x02\x80\xba\x82\x01\x68",
            // A cluster, at 249.
            b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff",
            b"\xe7\x81\x28",
            b"\xa3\x87\x81\x00\x00\x80\xaa\xaa\xaa",
            b"\xa3\x84\x81\x00\x21\x00",
            // Cues, at 279.
            b"\x1c\x53\xbb\x6b\x8d\xbb\x8b",
            b"\xb3\x81\x28\xb7\x86\xf7\x81\x01\xf1\x81\xc9",
        ];
        let expected = expected.concat();
        assert_eq!(file, expected[..279]);
        assert_eq!(header, 249);
        assert_eq!(finish.append, expected[279..]);
        let mut seek_head = [
            &b"\x11\x4d\x9b\x74\xbf"[..],
            b"\x4d\xbb\x92\x53\xab\x84\x15\x49\xa9\x66\x53\xac\x88\0\0\0\0\0\0\0\x60",
            b"\x4d\xbb\x92\x53\xab\x84\x16\x54\xae\x6b\x53\xac\x88\0\0\0\0\0\0\0\x9d",
            b"\x4d\xbb\x92\x53\xab\x84\x1c\x53\xbb\x6b\x53\xac\x88\0\0\0\0\0\0\0\xe7",
            b"\xec\x9a",
        ]
        .concat();
        seek_head.resize(96, 0);
        // 106 ms: the last block is taken to last as long as the one before.
        let duration = [b"\x44\x89\x88", &106_f64.to_be_bytes()[..]].concat();
        let patches = finish
            .patches
            .into_iter()
            .map(|patch| (patch.offset, patch.bytes));
        assert_eq!(
            patches.collect::<Vec<_>>(),
            [(48, seek_head), (156, duration)]
        );
    }

    #[test]
    fn a_keyframe_of_video_begins_a_cluster() {
        let mut clusters = Clusters::new(vec![video(), audio()]);

        clusters.write(VIDEO, 0, true);
        clusters.write(AUDIO, 0, true);
        clusters.write(VIDEO, 33, false);
        clusters.write(VIDEO, 66, true);
        clusters.write(AUDIO, 60, true);

        assert_eq!(clusters.times_ms, [0, 66]);
    }

    #[test]
    fn a_cluster_lasts_for_five_seconds_at_most() {
        let mut clusters = Clusters::new(vec![video()]);

        for frame in 0..400 {
            clusters.write(VIDEO, frame * 40, frame == 0);
        }

        assert_eq!(clusters.times_ms, [0, 5_000, 10_000, 15_000]);
    }

    #[test]
    fn a_cluster_is_not_much_larger_than_its_limit() {
        let mut clusters = Clusters::new(vec![video()]);
        clusters.data = vec![0; 1024 * 1024];

        for frame in 0..10 {
            clusters.write(VIDEO, frame * 40, frame == 0);
        }

        assert_eq!(clusters.times_ms, [0, 160, 320]);
    }

    #[test]
    fn the_time_of_clusters_never_goes_back() {
        let mut clusters = Clusters::new(vec![video()]);

        clusters.write(VIDEO, 900, true);
        clusters.write(VIDEO, 400, true);

        assert_eq!(clusters.times_ms, [900, 900]);
    }

    #[test]
    fn a_block_that_cannot_be_written_changes_nothing() {
        let mut out = Vec::new();
        let mut writer = Writer::new(settings(vec![video()]), &mut out).expect("settings");
        let late = block(40_000_000, true, &[1]);
        writer.write_block(VIDEO, late, &mut out).expect("a block");
        let before = (out.clone(), writer.bytes());
        let large = vec![0; MAX_BLOCK_BYTES];
        let refused = [
            (AUDIO, block(0, true, &[]), WriteError::NoSuchTrack(2)),
            (VIDEO, block(-501, true, &[]), WriteError::Time(-501)),
            (
                VIDEO,
                block(i64::MAX, true, &[]),
                WriteError::Time(i64::MAX),
            ),
            (
                VIDEO,
                block(7_231_000, true, &[]),
                WriteError::TooLate(32_769),
            ),
            (
                VIDEO,
                block(0, true, &large),
                WriteError::TooLarge(large.len()),
            ),
        ];

        for (track, block, error) in refused {
            assert_eq!(writer.write_block(track, block, &mut out), Err(error));
        }

        assert_eq!((out, writer.bytes()), before);
    }

    #[test]
    fn audio_is_later_in_the_file_by_its_delay() {
        let mut clusters = Clusters::new(vec![audio()]);

        clusters.write(AUDIO, 20, false);

        // 26.5 ms, to the next millisecond.
        assert_eq!(clusters.times_ms, [27]);
        let mut out = Vec::new();
        let pre_skip = block(-6_500, true, &[]);
        clusters
            .writer
            .write_block(AUDIO, pre_skip, &mut out)
            .expect("a block");
    }

    #[test]
    fn a_file_needs_tracks_that_can_be_read_again() {
        let new = |settings| Writer::new(settings, &mut Vec::new()).map(|_| ());
        let long_name = Track {
            name: "n".repeat(MAX_TEXT_BYTES + 1),
            ..video()
        };
        let same_uid = Track {
            uid: video().uid,
            ..audio()
        };
        let mut no_size = video();
        if let Media::Video { size, .. } = &mut no_size.media {
            size.height_px = 0;
        }
        let long_title = Settings {
            title: "t".repeat(MAX_TEXT_BYTES + 1),
            ..settings(vec![video()])
        };

        assert_eq!(new(settings(Vec::new())), Err(SettingsError::TrackCount(0)));
        let too_many = vec![video(); MAX_TRACKS + 1];
        assert_eq!(new(settings(too_many)), Err(SettingsError::TrackCount(17)));
        assert_eq!(
            new(settings(vec![video(), video()])),
            Err(SettingsError::Twice(1))
        );
        assert_eq!(
            new(settings(vec![video(), same_uid])),
            Err(SettingsError::Twice(2))
        );
        assert_eq!(
            new(settings(vec![long_name])),
            Err(SettingsError::TrackTooLong(1))
        );
        assert_eq!(new(settings(vec![no_size])), Err(SettingsError::NoSize(1)));
        assert_eq!(new(long_title), Err(SettingsError::TitleTooLong));
    }

    /// Writes blocks and notes what clusters they begin.
    struct Clusters {
        writer: Writer,
        data: Vec<u8>,
        times_ms: Vec<i64>,
    }

    impl Clusters {
        fn new(tracks: Vec<Track>) -> Self {
            Self {
                writer: Writer::new(settings(tracks), &mut Vec::new()).expect("settings"),
                data: vec![1],
                times_ms: Vec::new(),
            }
        }

        fn write(&mut self, track: TrackNumber, pts_ms: i64, is_keyframe: bool) {
            let mut out = Vec::new();
            let block = block(pts_ms * 1_000, is_keyframe, &self.data);
            self.writer
                .write_block(track, block, &mut out)
                .expect("a block");
            if out.starts_with(&id::CLUSTER.to_be_bytes()) {
                self.times_ms
                    .extend(self.writer.cluster.map(|cluster| cluster.time_ms));
            }
        }
    }

    fn block(pts_us: i64, is_keyframe: bool, data: &[u8]) -> Block<'_> {
        Block {
            pts_us,
            is_keyframe,
            data,
        }
    }

    fn settings(tracks: Vec<Track>) -> Settings {
        Settings {
            title: "room".to_owned(),
            utc_us: Some(978_307_210_000_000),
            tracks,
        }
    }

    fn video() -> Track {
        let size = VideoSize {
            width_px: 640,
            height_px: 360,
            display_px: None,
        };
        let codec = VideoCodec::Vp8;
        Track {
            number: VIDEO,
            uid: NonZeroU64::new(7).expect("not zero"),
            name: String::new(),
            media: Media::Video { codec, size },
        }
    }

    fn audio() -> Track {
        Track {
            number: AUDIO,
            uid: NonZeroU64::new(8).expect("not zero"),
            name: String::new(),
            media: Media::Audio(Opus::default()),
        }
    }
}
