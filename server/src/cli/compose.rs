//! `plenary compose`

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use mixer::codec::{Codec, Purpose};
use mixer::layout::Layout;
use mixer::picture::Size;

use super::{CliError, say};
use crate::compose::{self, Composed, Job, JobError, Look, Progress};

/// How often the bar moves.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Make one picture and one sound of a recording.
///
/// A recording has a file for each track, as it was sent. This makes one file that shows and plays all of them: a
/// grid of everyone, who speaks, or a shared screen with people beside it. The recording stays as it is, so any
/// number of composites can be made of it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plenary compose recordings/RM_x/2026-11-21T10-00-00-000Z-RC_y --out talk.webm
  plenary compose RECORDING --layout speaker --size 1920x1080 --bitrate 4000 --out talk.webm
  plenary compose RECORDING --layout audio_only --out talk.webm
  plenary compose RECORDING --layout '[{\"x\":0,\"y\":0,\"w\":1,\"h\":1,\"source\":\"active_speaker\"}]' --out one.webm")]
pub(super) struct Compose {
    /// The recording's folder, with its manifest.json.
    recording: PathBuf,
    /// The file to make; it must not be there.
    #[arg(long, short)]
    out: PathBuf,
    /// grid, speaker, presenter, single, audio_only, or a list of regions as JSON; left out, what the recording's
    /// journal says, else grid.
    #[arg(long)]
    layout: Option<String>,
    /// Size of the picture in pixels.
    #[arg(long, default_value = "1280x720", value_parser = size)]
    size: Size,
    /// Pictures per second.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=60))]
    fps: u32,
    /// How pictures are encoded.
    #[arg(long, default_value = "vp9")]
    codec: CodecName,
    /// Kilobits per second of the pictures.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(50..=50_000))]
    bitrate: u32,
    /// Pictures are as good as they can be for the bits, which takes some four times as long.
    #[arg(long)]
    best: bool,
    /// Tiles have no names.
    #[arg(long)]
    no_names: bool,
    /// Threads that make pictures; left out, one for each core.
    #[arg(long)]
    threads: Option<usize>,
    /// Says nothing but what fails.
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CodecName {
    /// Quick.
    Vp8,
    /// Better pictures for the bits; the usual one.
    Vp9,
    /// For players that know no other; in a file that ends in .mkv, if the program was built to encode it.
    H264,
}

impl Compose {
    pub(super) fn run(self) -> Result<(), CliError> {
        let job = self.job()?;
        let progress = Progress::default();
        let bar = match self.quiet {
            true => ProgressBar::hidden(),
            false => ProgressBar::new(1_000),
        };
        let style = ProgressStyle::with_template("{bar:40} {percent:>3} %, {eta} left");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let composed = std::thread::scope(|scope| {
            let making = scope.spawn(|| compose::run(&job, &progress));
            while !making.is_finished() {
                let total = progress.total_us.load(Ordering::Relaxed).max(1);
                let done = progress.done_us.load(Ordering::Relaxed);
                bar.set_position(done * 1_000 / total);
                std::thread::sleep(LOOK_INTERVAL);
            }
            making.join()
        });
        bar.finish_and_clear();
        match composed {
            Ok(Ok(composed)) => {
                if !self.quiet {
                    self.tell(composed);
                }
                Ok(())
            }
            Ok(Err(error)) => Err(failed(&error)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn job(&self) -> Result<Job, CliError> {
        let layout = self.layout.as_deref().map(layout).transpose()?;
        let look = Look {
            layout: layout.clone().unwrap_or_default(),
            codec: codec(self.codec)?,
            size: self.size,
            fps: self.fps,
            kilobits: self.bitrate,
        };
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Job {
            recording: self.recording.clone(),
            out: self.out.clone(),
            video: look.video(match self.best {
                true => Purpose::Offline,
                false => Purpose::Live,
            }),
            layout,
            first_layout: Layout::default(),
            has_sound: true,
            shows_names: !self.no_names,
            threads: self.threads.unwrap_or(cores).max(1),
        })
    }

    fn tell(&self, composed: Composed) {
        let Composed {
            duration_us,
            bytes,
            dropped_frames,
        } = composed;
        let seconds = duration_us as f64 / 1e6;
        let megabytes = bytes as f64 / 1e6;
        say(format!(
            "{}: {seconds:.1} s, {megabytes:.1} MB",
            self.out.display()
        ));
        if dropped_frames > 0 {
            say(format!(
                "{dropped_frames} frames of tracks could not be shown: they are damaged, or in a codec that this \
                 build has no decoder for"
            ));
        }
    }
}

fn failed(error: &JobError) -> CliError {
    CliError::Failed(error.to_string())
}

fn codec(name: CodecName) -> Result<Codec, CliError> {
    let codec = match name {
        CodecName::Vp8 => Codec::Vp8,
        CodecName::Vp9 => Codec::Vp9,
        CodecName::H264 => Codec::H264,
    };
    codec.has_encoder().then_some(codec).ok_or_else(|| {
        let error = "--codec: this program was built without an encoder of H.264; use vp8 or vp9";
        CliError::Usage(error.to_owned())
    })
}

fn layout(text: &str) -> Result<Layout, CliError> {
    let usage = |error: String| CliError::Usage(format!("--layout: {error}"));
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(text).map_err(|error| usage(error.to_string()));
    }
    Layout::from_name(text).map_err(|error| usage(error.to_string()))
}

fn size(text: &str) -> Result<Size, String> {
    let wrong = || "must be like 1280x720, with even numbers from 16 to 4096".to_owned();
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let side = |text: &str| {
        let side = text.parse::<u32>().ok()?;
        (side % 2 == 0 && (16..=4_096).contains(&side)).then_some(side)
    };
    let width = side(width).ok_or_else(wrong)?;
    Ok(Size::new(width, side(height).ok_or_else(wrong)?))
}
