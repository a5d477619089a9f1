//! Composites of recordings, made after them and faster than they were.
//!
//! 1. A script is a recording's journal in the time of its files.
//! 2. Stretches of pictures are made by one thread each, and the sound by another, each with a
//!    [`mixer::compose::Composer`] of its own that reads the files of the tracks, see `sources`.
//! 3. What they make is written into one file in the order of its times.

mod pace;
mod script;
mod sources;
mod spool;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use mixer::audio;
use mixer::codec::{Codec, Effort, EncoderSettings, Purpose, file_config};
use mixer::compose::{ComposeError, Composer, ComposerSettings, Piece};
use mixer::layout::Layout;
use mixer::mux::{self, Block, Media, Opus, TrackNumber, VideoCodec, VideoSize, Writer};
use mixer::picture::Size;
use mixer::recording::{Composite, CompositeState, MANIFEST_NAME, Manifest, UnreadableManifest};

use crate::files;

pub(crate) use pace::Pace;

use script::Script;
use sources::Sources;
use spool::{Spool, Spooled};

/// How far a composer is taken at a time.
const STEP_US: i64 = 500_000;
/// How long before they are due frames are read: less than sound may wait, more than it has to.
const LEAD_US: i64 = 1_000_000;
/// Shortest stretch that is worth a thread: every one begins with decoding what is before it.
const MIN_STRETCH_US: i64 = 30_000_000;
/// Pieces of a stretch that wait to be written.
const MAX_WAITING_PIECES: usize = 4_096;

/// What composites look like and how they are encoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The layout.
    pub layout: Layout,
    /// Size of the picture; even.
    pub size: Size,
    /// Pictures per second.
    pub fps: u32,
    /// How pictures are encoded.
    pub codec: Codec,
    /// Kilobits per second of the pictures.
    pub kilobits: u32,
}

impl Look {
    /// How pictures are encoded; none for sound alone.
    pub fn video(&self, purpose: Purpose) -> Option<EncoderSettings> {
        (self.layout != Layout::AudioOnly).then(|| EncoderSettings {
            codec: self.codec,
            purpose,
            size: self.size,
            fps: self.fps,
            kilobits: self.kilobits,
            effort: Effort::Normal,
            keyframe_interval: (self.fps * KEYFRAME_SECONDS).try_into().ok(),
        })
    }

    /// As a manifest names it before it is made.
    pub(crate) fn composite(&self) -> Composite {
        let has_pictures = self.layout != Layout::AudioOnly;
        let (codec, extension) = match self.codec {
            Codec::Vp9 => ("vp9", "webm"),
            Codec::H264 if has_pictures => ("h264", "mkv"),
            Codec::Vp8 | Codec::H264 | Codec::Av1 => ("vp8", "webm"),
        };
        let only_with_pictures = |number: u32| if has_pictures { number } else { 0 };
        Composite {
            path: format!("composite-000.{extension}"),
            state: CompositeState::Waiting,
            error: None,
            layout: serde_json::to_value(&self.layout).unwrap_or_default(),
            width_px: only_with_pictures(self.size.width),
            height_px: only_with_pictures(self.size.height),
            fps: only_with_pictures(self.fps),
            codec: if has_pictures { codec } else { "" }.to_owned(),
            bitrate_bps: only_with_pictures(self.kilobits * 1_000),
            duration_us: 0,
            bytes: 0,
        }
    }

    /// What a manifest names; `None` if it makes no sense.
    pub(crate) fn of(composite: &Composite) -> Option<Self> {
        Some(Self {
            layout: serde_json::from_value(composite.layout.clone()).ok()?,
            size: Size::new(composite.width_px, composite.height_px),
            fps: composite.fps,
            codec: match composite.codec.as_str() {
                "vp9" => Codec::Vp9,
                "h264" => Codec::H264,
                _ => Codec::Vp8,
            },
            kilobits: composite.bitrate_bps / 1_000,
        })
    }

    /// The beginning of a file of it.
    ///
    /// # Errors
    /// [`ComposeError::Video`] if pictures cannot be encoded so.
    pub(crate) fn file(&self, title: &str, unix_ms: i64) -> Result<mux::Settings, ComposeError> {
        file_settings((self.video(Purpose::Live).as_ref(), true), title, unix_ms)
    }
}

/// Most seconds from one place that a player can jump to, to the next.
const KEYFRAME_SECONDS: u32 = 4;

/// What is to be composed.
#[derive(Debug, Clone)]
pub struct Job {
    /// The recording's folder.
    pub recording: PathBuf,
    /// The file to make, which must not be there.
    pub out: PathBuf,
    /// What it looks like, whatever the recording's journal says.
    pub layout: Option<Layout>,
    /// What it looks like until the journal says something.
    pub first_layout: Layout,
    /// Whether tiles have names.
    pub shows_names: bool,
    /// How pictures are encoded; none for sound alone.
    pub video: Option<EncoderSettings>,
    /// Whether it is heard.
    pub has_sound: bool,
    /// Most threads that make pictures.
    pub threads: usize,
}

/// How far a job is, for those who wait for it.
#[derive(Debug, Default)]
pub struct Progress {
    /// What is to be made, in microseconds of pictures and sound.
    pub total_us: AtomicU64,
    /// What has been made of it.
    pub done_us: AtomicU64,
    /// Whether to give up.
    pub is_cancelled: AtomicBool,
}

/// What came of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Composed {
    /// How long the composite is, in microseconds.
    pub duration_us: i64,
    /// How large it is.
    pub bytes: u64,
    /// Frames of tracks that could not be shown.
    pub dropped_frames: u64,
}

/// Why there is no composite, or no more of it.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// There is no recording, or it cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// What was read.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The composite cannot be written.
    #[error("{path}: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The manifest says nothing.
    #[error("{0}")]
    Manifest(#[from] UnreadableManifest),
    /// The recording has not ended.
    #[error("the recording has not ended; stop it first")]
    Running,
    /// There is nothing in the recording.
    #[error("there is nothing in the recording")]
    Empty,
    /// Something cannot be encoded.
    #[error("{0}")]
    Compose(#[from] ComposeError),
    /// The file cannot be what was asked for.
    #[error("{0}")]
    Settings(#[from] mux::SettingsError),
    /// Somebody has given it up.
    #[error("given up")]
    Cancelled,
}

/// Threads for a job that can wait: half of the machine's cores, for conferences come first.
pub(crate) fn spare_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

/// Makes a composite.
///
/// # Errors
/// [`JobError`]; what was written by then plays.
pub fn run(job: &Job, progress: &Progress) -> Result<Composed, JobError> {
    let manifest = read_manifest(&job.recording)?;
    let script = Script::read(&job.recording, &manifest)?;
    let end_us = script.end_us;
    if end_us <= 0 {
        return Err(JobError::Empty);
    }
    let whole = end_us.unsigned_abs();
    let pictures = u64::from(job.video.is_some()) * whole;
    let sounds = u64::from(job.has_sound) * whole;
    progress
        .total_us
        .store(pictures + sounds, Ordering::Relaxed);
    let maker = |from_us, to_us| Maker {
        job,
        manifest: &manifest,
        script: &script,
        progress,
        from_us,
        to_us,
    };
    std::thread::scope(|scope| {
        let mut makers = Vec::new();
        let (give_sound, sound) = bounded(MAX_WAITING_PIECES);
        if job.has_sound {
            let of_sound = maker(0, end_us);
            makers.push(scope.spawn(move || of_sound.make_sound(&give_sound)));
        } else {
            drop(give_sound);
        }
        let mut ways = Vec::new();
        for (index, (from_us, to_us)) in stretches(end_us, job).into_iter().enumerate() {
            let (give, take) = bounded(MAX_WAITING_PIECES);
            ways.push(take);
            let of_pictures = maker(from_us, to_us);
            makers.push(scope.spawn(move || of_pictures.make_pictures(index, &give)));
        }
        let written = write(job, &manifest, sound, ways);
        if written.is_err() {
            progress.is_cancelled.store(true, Ordering::Relaxed);
        }
        let mut dropped_frames = 0;
        let mut failure = None;
        for maker in makers {
            match maker.join() {
                Ok(Ok(dropped)) => dropped_frames += dropped,
                // That they were given up is no reason.
                Ok(Err(JobError::Cancelled)) => {}
                Ok(Err(error)) => failure = failure.or(Some(error)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let (duration_us, bytes) = match (written, failure) {
            (_, Some(error)) | (Err(error), None) => return Err(error),
            (Ok(written), None) => written,
        };
        if progress.is_cancelled.load(Ordering::Relaxed) {
            return Err(JobError::Cancelled);
        }
        Ok(Composed {
            duration_us,
            bytes,
            dropped_frames,
        })
    })
}

/// The stretches of pictures, one for each thread.
fn stretches(end_us: i64, job: &Job) -> Vec<(i64, i64)> {
    let Some(video) = job.video else {
        return Vec::new();
    };
    let most = (end_us / MIN_STRETCH_US).max(1);
    let count = (job.threads.max(1) as i64).min(most);
    let frame_us = 1_000_000 / i64::from(video.fps.max(1));
    let bound = |index: i64| match index {
        0 => 0,
        index if index == count => end_us,
        // At a picture, so that none is made twice.
        index => end_us / count * index / frame_us * frame_us,
    };
    (0..count)
        .map(|index| (bound(index), bound(index + 1)))
        .collect()
}

/// What a thread makes.
struct Maker<'a> {
    job: &'a Job,
    manifest: &'a Manifest,
    script: &'a Script,
    progress: &'a Progress,
    from_us: i64,
    to_us: i64,
}

/// What is handed to the writer.
enum Made {
    /// The next piece.
    Piece(Piece),
    /// All pieces of a stretch.
    Stretch(Spooled),
}

impl Maker<'_> {
    /// Makes the sound. Returns how much of the tracks could not be read.
    fn make_sound(&self, give: &Sender<Made>) -> Result<u64, JobError> {
        let settings = ComposerSettings {
            audio: Some(audio::EncoderSettings::RECORDING),
            ..self.settings()
        };
        self.make(&settings, |piece| hand_over(give, Made::Piece(piece)))
    }

    /// Makes a stretch of pictures. Returns how many frames could not be shown. All but the first
    /// stretch have to wait for their turn, and are as long as it takes.
    fn make_pictures(&self, index: usize, give: &Sender<Made>) -> Result<u64, JobError> {
        let settings = ComposerSettings {
            video: self.job.video,
            begins_us: self.from_us,
            ..self.settings()
        };
        if index == 0 {
            return self.make(&settings, |piece| hand_over(give, Made::Piece(piece)));
        }
        let failed = |error| JobError::Write {
            path: self.job.out.clone(),
            error,
        };
        let mut spool = Spool::beside(&self.job.out, index).map_err(failed)?;
        let dropped = self.make(&settings, |piece| spool.add(&piece).map_err(failed))?;
        hand_over(give, Made::Stretch(spool.read().map_err(failed)?))?;
        Ok(dropped)
    }

    fn settings(&self) -> ComposerSettings {
        ComposerSettings {
            layout: self.job.first_layout.clone(),
            shows_names: self.job.shows_names,
            video: None,
            audio: None,
            begins_us: 0,
        }
    }

    fn make(
        &self,
        settings: &ComposerSettings,
        mut give: impl FnMut(Piece) -> Result<(), JobError>,
    ) -> Result<u64, JobError> {
        let mut composer = Composer::new(settings)?;
        for (at_us, event) in &self.script.events {
            composer.handle_event(*at_us, event.clone());
        }
        if let Some(layout) = &self.job.layout
            && let Ok(layout) = serde_json::to_value(layout)
        {
            composer.fix_layout(&layout);
        }
        let mut sources = Sources::new(&self.job.recording, self.manifest, settings, self.from_us);
        let mut at_us = self.from_us / STEP_US * STEP_US;
        while at_us < self.to_us {
            let until_us = (at_us + STEP_US).min(self.to_us);
            sources.read_until(until_us + LEAD_US, &mut composer)?;
            composer.advance(until_us)?;
            while let Some(piece) = composer.poll() {
                give(piece)?;
            }
            if self.progress.is_cancelled.load(Ordering::Relaxed) {
                return Err(JobError::Cancelled);
            }
            let made = (until_us - at_us.max(self.from_us)).max(0).unsigned_abs();
            self.progress.done_us.fetch_add(made, Ordering::Relaxed);
            at_us = until_us;
        }
        Ok(composer.dropped() + sources.skipped())
    }
}

fn hand_over(give: &Sender<Made>, made: Made) -> Result<(), JobError> {
    // The writer ends early only if it fails.
    give.send(made).map_err(|_| JobError::Cancelled)
}

/// The pieces that come on some ways, one way after the other.
struct Pieces {
    ways: VecDeque<Receiver<Made>>,
    stretch: Option<Spooled>,
    next: Option<Piece>,
}

impl Pieces {
    fn of(ways: Vec<Receiver<Made>>) -> io::Result<Self> {
        let mut pieces = Self {
            ways: ways.into(),
            stretch: None,
            next: None,
        };
        pieces.take()?;
        Ok(pieces)
    }

    /// When the next piece is due.
    fn next_us(&self) -> Option<i64> {
        self.next.as_ref().map(|piece| match piece {
            Piece::Picture { pts_us, .. } | Piece::Sound { pts_us, .. } => *pts_us,
        })
    }

    /// Takes the next piece.
    fn take(&mut self) -> io::Result<Option<Piece>> {
        let following = self.following()?;
        Ok(std::mem::replace(&mut self.next, following))
    }

    fn following(&mut self) -> io::Result<Option<Piece>> {
        loop {
            if let Some(stretch) = &mut self.stretch {
                match stretch.next()? {
                    Some(piece) => return Ok(Some(piece)),
                    None => self.stretch = None,
                }
            }
            let Some(way) = self.ways.front() else {
                return Ok(None);
            };
            match way.recv() {
                Ok(Made::Piece(piece)) => return Ok(Some(piece)),
                Ok(Made::Stretch(stretch)) => self.stretch = Some(stretch),
                Err(_) => _ = self.ways.pop_front(),
            }
        }
    }
}

const PICTURES: TrackNumber = track_number(1);
const SOUND: TrackNumber = track_number(2);

const fn track_number(number: u8) -> TrackNumber {
    match TrackNumber::new(number) {
        Some(number) => number,
        None => panic!("a track's number"),
    }
}

/// Writes what comes: the sound, and the stretches of pictures one after the other. Returns how long
/// the file is, and how large.
fn write(
    job: &Job,
    manifest: &Manifest,
    sound: Receiver<Made>,
    stretches: Vec<Receiver<Made>>,
) -> Result<(i64, u64), JobError> {
    let failed = |error| JobError::Write {
        path: job.out.clone(),
        error,
    };
    let file = files::create(&job.out).map_err(failed)?;
    let mut file = BufWriter::with_capacity(256 * 1024, file);
    let mut bytes = Vec::new();
    let mut writer = {
        let (title, unix_ms) = (&manifest.room, manifest.started_at_ms);
        Writer::new(
            file_settings((job.video.as_ref(), job.has_sound), title, unix_ms)?,
            &mut bytes,
        )?
    };
    let mut sound = Pieces::of(vec![sound]).map_err(failed)?;
    let mut pictures = Pieces::of(stretches).map_err(failed)?;
    loop {
        let is_sound_next = match (sound.next_us(), pictures.next_us()) {
            (Some(heard_us), Some(seen_us)) => heard_us <= seen_us,
            (heard_us, _) => heard_us.is_some(),
        };
        let next = match is_sound_next {
            true => sound.take(),
            false => pictures.take(),
        };
        let Some(piece) = next.map_err(failed)? else {
            break;
        };
        put(&mut writer, &piece, &mut bytes);
        file.write_all(&bytes).map_err(failed)?;
        bytes.clear();
    }
    finish(writer, file).map_err(failed)
}

/// Appends a piece to a file that [`Look::file`] has begun.
pub(crate) fn put(writer: &mut Writer, piece: &Piece, bytes: &mut Vec<u8>) {
    let (track, pts_us, is_keyframe, data) = match piece {
        Piece::Sound { pts_us, data } => (SOUND, *pts_us, true, data),
        Piece::Picture {
            pts_us,
            is_keyframe,
            data,
        } => (PICTURES, *pts_us, *is_keyframe, data),
    };
    let block = Block {
        pts_us,
        is_keyframe,
        data,
    };
    // What does not fit into a file is left out; nothing that is made here is so large.
    let _ = writer.write_block(track, block, bytes);
}

fn finish(writer: Writer, file: BufWriter<File>) -> io::Result<(i64, u64)> {
    let written = writer.bytes();
    let finish = writer.finish();
    let bytes = files::complete(&file.into_inner()?, written, &finish)?;
    Ok((finish.summary.end_us, bytes))
}

fn file_settings(
    (video, has_sound): (Option<&EncoderSettings>, bool),
    title: &str,
    unix_ms: i64,
) -> Result<mux::Settings, ComposeError> {
    let track = |number: TrackNumber, name: &str, media| mux::Track {
        number,
        uid: NonZeroU64::MIN.saturating_add(number.get().into()),
        name: name.to_owned(),
        media,
    };
    let mut tracks = Vec::new();
    if let Some(video) = video {
        let codec = match video.codec {
            Codec::Vp9 => VideoCodec::Vp9,
            Codec::H264 => VideoCodec::H264 {
                config: file_config(video)?.unwrap_or_default(),
            },
            Codec::Vp8 | Codec::Av1 => VideoCodec::Vp8,
        };
        let size = VideoSize {
            width_px: video.size.width,
            height_px: video.size.height,
            display_px: None,
        };
        tracks.push(track(PICTURES, "picture", Media::Video { codec, size }));
    }
    if has_sound {
        tracks.push(track(SOUND, "sound", Media::Audio(Opus::default())));
    }
    Ok(mux::Settings {
        title: title.to_owned(),
        utc_us: Some(unix_ms * 1_000),
        tracks,
    })
}

fn read_manifest(recording: &Path) -> Result<Manifest, JobError> {
    let path = recording.join(MANIFEST_NAME);
    let content = std::fs::read(&path).map_err(|error| JobError::Read { path, error })?;
    let manifest = Manifest::read(&content)?;
    match manifest.state.is_final() {
        true => Ok(manifest),
        false => Err(JobError::Running),
    }
}
