//! Files of random blocks, and what tests do with them.

use std::num::NonZeroU64;

use fastrand::Rng;
use mixer::mux::{
    Block, Finish, Media, Opus, ReadError, Reader, Recovery, Settings, Track, TrackNumber,
    VideoCodec, VideoSize, Writer,
};

/// When the files' time zero is: 2025-01-01, to the microsecond.
pub(crate) const UTC_US: i64 = 1_735_689_600_000_123;

/// A block with its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnBlock {
    pub(crate) track: TrackNumber,
    pub(crate) pts_us: i64,
    pub(crate) is_keyframe: bool,
    pub(crate) data: Vec<u8>,
}

/// A file that has been written.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) settings: Settings,
    /// What has been written, with times as they are in the file.
    pub(crate) blocks: Vec<OwnBlock>,
    /// How long the file was before the first block, and after each.
    pub(crate) lengths: Vec<usize>,
    /// The file without an end.
    pub(crate) live: Vec<u8>,
    pub(crate) finish: Finish,
}

impl File {
    /// Writes blocks of the tracks, in the order of their times.
    pub(crate) fn random(rng: &mut Rng, tracks: &[Track], count: usize) -> Self {
        let settings = settings(tracks.to_vec());
        let mut live = Vec::new();
        let mut writer = Writer::new(settings.clone(), &mut live).expect("settings");
        let mut file = Self {
            lengths: vec![live.len()],
            settings,
            blocks: Vec::new(),
            live: Vec::new(),
            finish: Finish {
                append: Vec::new(),
                patches: Vec::new(),
                summary: Writer::new(settings_of_one(), &mut Vec::new())
                    .expect("settings")
                    .finish()
                    .summary,
            },
        };
        let mut times: Vec<i64> = tracks.iter().map(|_| rng.i64(0..3_000_000)).collect();
        for index in 0..count {
            let earliest = (0..tracks.len()).min_by_key(|&track| times[track]);
            let place = earliest.expect("a track");
            let track = &tracks[place];
            let block = OwnBlock {
                track: track.number,
                pts_us: times[place],
                is_keyframe: !track.is_video() || index < 3 || rng.u8(0..30) == 0,
                data: (0..rng.usize(0..200)).map(|_| rng.u8(..)).collect(),
            };
            times[place] += gap_us(rng, track);
            block.write(&mut writer, &mut live);
            file.lengths.push(live.len());
            file.blocks.push(block.as_read(track));
        }
        file.live = live;
        file.finish = writer.finish();
        file
    }

    /// The file with its end.
    pub(crate) fn finished(&self) -> Vec<u8> {
        finished(&self.live, self.live.len(), &self.finish)
    }

    /// The blocks that are whole in so many bytes of the file.
    pub(crate) fn blocks_within(&self, len: usize) -> &[OwnBlock] {
        let whole = self.lengths[1..].iter().filter(|&&end| end <= len);
        &self.blocks[..whole.count()]
    }

    /// Whether a file of some tracks and blocks has an index: it is of the video, if there is some.
    pub(crate) fn has_cues(tracks: &[Track], blocks: &[OwnBlock]) -> bool {
        let has_video = tracks.iter().any(Track::is_video);
        let own = |block: &OwnBlock| tracks.iter().find(|track| track.number == block.track);
        blocks.iter().any(|block| {
            block.is_keyframe && own(block).is_some_and(|track| track.is_video() == has_video)
        })
    }
}

impl OwnBlock {
    /// Appends it to a file.
    pub(crate) fn write(&self, writer: &mut Writer, out: &mut Vec<u8>) {
        let block = Block {
            pts_us: self.pts_us,
            is_keyframe: self.is_keyframe,
            data: &self.data,
        };
        let before = out.len() as u64;
        let written = writer.bytes();
        writer.write_block(self.track, block, out).expect("a block");
        assert_eq!(writer.bytes() - written, out.len() as u64 - before);
    }

    /// What a reader gives: its time in the file is in milliseconds, and later by the codec delay.
    fn as_read(&self, track: &Track) -> Self {
        let delay_us = track.codec_delay_us();
        let time_ms = (self.pts_us + delay_us + 500).div_euclid(1_000);
        Self {
            pts_us: time_ms * 1_000 - delay_us,
            ..self.clone()
        }
    }
}

/// Cuts a file, appends, and patches.
pub(crate) fn finished(file: &[u8], truncate_to: usize, finish: &Finish) -> Vec<u8> {
    let mut file = file[..truncate_to].to_vec();
    file.extend_from_slice(&finish.append);
    for patch in &finish.patches {
        let offset = patch.offset as usize;
        file[offset..offset + patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    file
}

/// Recovers a file that is given in pieces of random sizes.
pub(crate) fn recovered(rng: &mut Rng, file: &[u8]) -> Option<Vec<u8>> {
    let mut recovery = Recovery::new();
    pieces(rng, file, |piece| recovery.feed(piece));
    let recovered = recovery.finish().ok()?;
    let truncate_to = recovered.truncate_to as usize;
    Some(finished(file, truncate_to, &recovered.finish))
}

/// Reads a file that is given in pieces of random sizes, and checks what does not depend on it.
pub(crate) fn read(rng: &mut Rng, file: &[u8]) -> (Vec<OwnBlock>, Reader, Option<ReadError>) {
    let (mut reader, mut blocks, mut result) = (Reader::new(), Vec::new(), None);
    pieces(rng, file, |piece| {
        reader.feed(piece);
        loop {
            match reader.poll() {
                Ok(Some(block)) => {
                    let range = block.data_range.start as usize..block.data_range.end as usize;
                    assert_eq!(&file[range], reader.data());
                    blocks.push(OwnBlock {
                        track: block.track,
                        pts_us: block.pts_us,
                        is_keyframe: block.is_keyframe,
                        data: reader.data().to_vec(),
                    });
                }
                Ok(None) => break,
                Err(error) => result = result.or(Some(error)),
            }
        }
    });
    (blocks, reader, result)
}

fn pieces(rng: &mut Rng, file: &[u8], mut take: impl FnMut(&[u8])) {
    let most = [1, 7, 100, 5_000, 1_000_000][rng.usize(0..5)];
    let mut rest = file;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rng.usize(1..=most).min(rest.len()));
        take(piece);
        rest = after;
    }
}

/// The combinations of tracks that recordings have.
pub(crate) fn combinations() -> Vec<Vec<Track>> {
    let h264 = || VideoCodec::H264 {
        config: vec![1, 0x42, 0, 0x1f, 0xff, 0xe1, 0, 0, 1, 0, 0],
    };
    let av1 = |config| VideoCodec::Av1 { config };
    vec![
        vec![video(1, VideoCodec::Vp8)],
        vec![video(1, VideoCodec::Vp9)],
        vec![video(1, av1(None))],
        vec![video(1, av1(Some(vec![0x81, 0, 0x0c, 0])))],
        vec![video(1, h264())],
        vec![audio(1)],
        vec![video(1, VideoCodec::Vp8), audio(2)],
        vec![audio(126), video(3, VideoCodec::Vp9)],
        vec![video(1, h264()), audio(2)],
        vec![
            video(1, VideoCodec::Vp8),
            video(2, VideoCodec::Vp8),
            audio(3),
            audio(4),
        ],
    ]
}

pub(crate) fn video(number: u8, codec: VideoCodec) -> Track {
    let size = VideoSize {
        width_px: 1_280,
        height_px: 720,
        display_px: (number == 2).then_some((640, 360)),
    };
    track(number, Media::Video { codec, size })
}

pub(crate) fn audio(number: u8) -> Track {
    track(number, Media::Audio(Opus::default()))
}

fn track(number: u8, media: Media) -> Track {
    Track {
        number: TrackNumber::new(number).expect("in range"),
        uid: NonZeroU64::MIN.saturating_add(u64::from(number) << 40),
        name: format!("track {number} of Łukasz"),
        media,
    }
}

fn settings(tracks: Vec<Track>) -> Settings {
    Settings {
        title: "a meeting".to_owned(),
        utc_us: Some(UTC_US),
        tracks,
    }
}

fn settings_of_one() -> Settings {
    settings(vec![audio(1)])
}

/// Video mostly comes each 33 ms, and now and then pauses for long.
fn gap_us(rng: &mut Rng, track: &Track) -> i64 {
    match (track.is_video(), rng.u8(..)) {
        (_, 0) => rng.i64(1_000_000..70_000_000),
        (true, _) => rng.i64(20_000..50_000),
        (false, _) => 20_000,
    }
}
