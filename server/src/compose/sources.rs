//! The files of a recording's tracks, read as far as a composer needs them.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use mixer::audio::AudioFrame;
use mixer::codec::Codec;
use mixer::compose::{Composer, ComposerSettings, PictureFrame};
use mixer::frames::opus_duration_samples;
use mixer::mux::{ReadBlock, Reader, Track};
use mixer::recording::{Manifest, RecordedFile};

use super::JobError;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Packets that are made up for one gap at most: more is silence anyway.
const MAX_LOST: i64 = 50;
/// What a packet of sound is taken to last whose beginning cannot be read.
const PACKET_US: i64 = 20_000;

/// All files that matter to a composer.
#[derive(Debug)]
pub(super) struct Sources(Vec<Source>);

#[derive(Debug)]
struct Source {
    path: PathBuf,
    track: String,
    /// None for sound.
    codec: Option<Codec>,
    first_us: i64,
    file: Option<Open>,
    is_over: bool,
    /// Why it was given up, if it was.
    is_damaged: bool,
}

#[derive(Debug)]
struct Open {
    file: File,
    reader: Reader,
    /// The block that is not due yet.
    next: Option<ReadBlock>,
    /// When the next packet of sound is due.
    sound_due_us: Option<i64>,
    is_at_end: bool,
}

impl Sources {
    /// The files a composer of these settings needs, from a time on.
    pub(super) fn new(
        recording: &Path,
        manifest: &Manifest,
        settings: &ComposerSettings,
        from_us: i64,
    ) -> Self {
        let wanted = manifest.files.iter().filter_map(|file| {
            let codec = codec(file);
            let is_wanted = match codec {
                Some(_) => settings.video.is_some(),
                None => settings.audio.is_some(),
            };
            let ends_before = file.last_pts_us.is_some_and(|last_us| last_us < from_us);
            let first_us = file.first_pts_us?;
            (is_wanted && !ends_before).then(|| Source {
                path: recording.join(&file.path),
                track: file.track.clone(),
                codec,
                first_us,
                file: None,
                is_over: false,
                is_damaged: false,
            })
        });
        let mut sources = Self(wanted.collect());
        for source in &mut sources.0 {
            source.skip_to(from_us);
        }
        sources
    }

    /// Gives a composer everything that is due before a time.
    pub(super) fn read_until(
        &mut self,
        until_us: i64,
        composer: &mut Composer,
    ) -> Result<(), JobError> {
        for source in &mut self.0 {
            if source.is_over || source.first_us >= until_us {
                continue;
            }
            let outcome = source.read_until(until_us, composer);
            outcome.map_err(|error| JobError::Read {
                path: source.path.clone(),
                error,
            })?;
        }
        Ok(())
    }

    /// Files that could not be read to their end.
    pub(super) fn skipped(&self) -> u64 {
        self.0.iter().filter(|source| source.is_damaged).count() as u64
    }
}

impl Source {
    /// Opens the file at the last keyframe before a time, if its index tells one.
    fn skip_to(&mut self, from_us: i64) {
        if self.codec.is_none() || self.first_us >= from_us {
            return;
        }
        // Without an index it is read from its beginning.
        if let Ok(mut open) = Open::new(&self.path)
            && open.skip_to(from_us).is_ok()
        {
            self.file = Some(open);
        }
    }

    fn read_until(&mut self, until_us: i64, composer: &mut Composer) -> io::Result<()> {
        let open = match &mut self.file {
            Some(open) => open,
            None => self.file.insert(Open::new(&self.path)?),
        };
        loop {
            let block = match open.next.take() {
                Some(block) => block,
                None => match open.read_block() {
                    Ok(Some(block)) => block,
                    Ok(None) => break,
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                        tracing::warn!(path = %self.path.display(), %error, "the rest is left out");
                        self.is_damaged = true;
                        break;
                    }
                    Err(error) => return Err(error),
                },
            };
            if block.pts_us >= until_us {
                open.next = Some(block);
                return Ok(());
            }
            match self.codec {
                Some(codec) => composer.handle_picture(
                    &self.track,
                    PictureFrame {
                        codec,
                        pts_us: block.pts_us,
                        data: open.reader.data().to_vec(),
                    },
                ),
                None => open.hand_over_sound(&self.track, &block, composer),
            }
        }
        self.is_over = true;
        self.file = None;
        Ok(())
    }
}

impl Open {
    fn new(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: File::open(path)?,
            reader: Reader::new(),
            next: None,
            sound_due_us: None,
            is_at_end: false,
        })
    }

    /// The next block; `None` at the end of the file.
    fn read_block(&mut self) -> io::Result<Option<ReadBlock>> {
        loop {
            let polled = self.reader.poll();
            let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            if let Some(block) = polled.map_err(invalid)? {
                return Ok(Some(block));
            }
            if self.is_at_end || !self.feed()? {
                return Ok(None);
            }
        }
    }

    fn feed(&mut self) -> io::Result<bool> {
        let mut chunk = [0; CHUNK_BYTES];
        let count = self.file.read(&mut chunk)?;
        self.reader.feed(chunk.get(..count).unwrap_or_default());
        self.is_at_end = count == 0;
        Ok(count > 0)
    }

    /// Goes to the last cluster that begins with a keyframe before a time.
    fn skip_to(&mut self, from_us: i64) -> io::Result<()> {
        while self.reader.header().is_none() && self.feed()? {
            // A block before the first keyframe is of no use.
            let _ = self.reader.poll();
        }
        let header = self.reader.header();
        let Some(cues_offset) = header.and_then(|header| header.cues_offset) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        self.go_to(cues_offset)?;
        while self.reader.cues().is_none() && self.feed()? {
            let _ = self.reader.poll();
        }
        let cues = self.reader.cues().ok_or(io::ErrorKind::NotFound)?;
        let before = cues
            .points()
            .iter()
            .rev()
            .find(|point| point.time_us <= from_us);
        let offset = before.ok_or(io::ErrorKind::NotFound)?.cluster_offset;
        self.go_to(offset)
    }

    fn go_to(&mut self, offset: u64) -> io::Result<()> {
        self.reader.seek(offset);
        self.is_at_end = false;
        self.file.seek(SeekFrom::Start(offset)).map(|_| ())
    }

    /// How much earlier than the samples that were encoded a packet decodes to.
    fn delay_us(&self) -> i64 {
        let tracks = self.reader.header().map(|header| &header.tracks);
        let track = tracks.and_then(|tracks| tracks.first());
        track.map_or(0, Track::codec_delay_us)
    }

    fn hand_over_sound(&mut self, track: &str, block: &ReadBlock, composer: &mut Composer) {
        let data = self.reader.data();
        let samples = opus_duration_samples(data);
        let duration_us = samples.map_or(PACKET_US, |samples| i64::from(samples) * 1_000 / 48);
        let missing_us = self.sound_due_us.map_or(0, |due_us| block.pts_us - due_us);
        let lost = (missing_us + PACKET_US / 2) / PACKET_US;
        self.sound_due_us = Some(block.pts_us + duration_us);
        let frame = AudioFrame {
            pts_us: block.pts_us - self.delay_us(),
            data,
            lost_before: lost.clamp(0, MAX_LOST) as u32,
        };
        composer.handle_sound(track, frame);
    }
}

/// How a file's pictures are coded; `None` for sound.
fn codec(file: &RecordedFile) -> Option<Codec> {
    match file.codec.as_str() {
        "vp8" => Some(Codec::Vp8),
        "vp9" => Some(Codec::Vp9),
        "h264" => Some(Codec::H264),
        "av1" => Some(Codec::Av1),
        _ => None,
    }
}
