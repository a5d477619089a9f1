//! One track that is heard: from frames to samples of the room.

use super::decoder::{Decoder, NoDecoder};
use super::limits::{MAX_COMFORT, MAX_CONCEALED, MAX_WAITING};
use super::packet::Packet;
use super::playout::{Placed, Playout};
use super::time::{Stereo, position, samples};

/// A packet of Opus. They come in the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudioFrame<'a> {
    /// When the first sample that it decodes to is to be heard, in microseconds of the room. As
    /// with every receiver of RTP, that sample is older by what the sender's encoder looks ahead.
    pub pts_us: i64,
    /// The packet.
    pub data: &'a [u8],
    /// How many packets between the one before and this are lost.
    pub lost_before: u32,
}

/// What became of the frames of an input, or of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InputCounters {
    /// Frames that there were.
    pub frames: u64,
    /// Frames that could not be decoded. They are as good as lost.
    pub bad_frames: u64,
    /// Frames that came after the time of all of their sound.
    pub late_frames: u64,
    /// Frames that were dropped because more than [`MAX_WAITING`] was waiting.
    pub early_frames: u64,
    /// Lost frames that were made from the copy in the next one.
    pub fec_frames: u64,
    /// How much of what was lost or did not come in time was made up, in samples.
    pub concealed_samples: u64,
    /// How much noise was made while senders were silent, in samples.
    pub comfort_samples: u64,
    /// How often sound was moved to where its frames say, since it was too far off.
    pub splices: u64,
}

impl InputCounters {
    /// Adds those of another.
    pub(super) fn add(&mut self, other: Self) {
        self.frames += other.frames;
        self.bad_frames += other.bad_frames;
        self.late_frames += other.late_frames;
        self.early_frames += other.early_frames;
        self.fec_frames += other.fec_frames;
        self.concealed_samples += other.concealed_samples;
        self.comfort_samples += other.comfort_samples;
        self.splices += other.splices;
    }
}

/// Decodes a track, and has it in room time.
#[derive(Debug)]
pub(super) struct Input {
    decoder: Decoder,
    playout: Playout,
    /// How long its packets are, as far as is known.
    packet_samples: usize,
    filler: Filler,
    /// Whether something had to be filled in since the last frame, because it was time.
    has_run_out: bool,
    counters: InputCounters,
}

/// What may stand for what does not come.
#[derive(Debug, Clone, Copy)]
struct Filler {
    /// Whether it is the noise behind a sender that is silent. Else it is what it might have gone on
    /// to say.
    is_noise: bool,
    /// For how many samples it is believable.
    left: usize,
}

impl Input {
    /// Begins with nothing. What is before a position, if one is known, will not be read.
    pub(super) fn new(read_to: Option<i64>) -> Result<Self, NoDecoder> {
        Ok(Self {
            decoder: Decoder::new()?,
            playout: Playout::new(read_to),
            packet_samples: MAX_UNIT,
            filler: Filler::after(false),
            has_run_out: false,
            counters: InputCounters::default(),
        })
    }

    pub(super) fn counters(&self) -> InputCounters {
        self.counters
    }

    /// Takes a frame. What becomes of it depends on it and those before, and not on when it is
    /// taken, if that is before its sound is read.
    pub(super) fn handle_frame(&mut self, frame: AudioFrame<'_>) {
        self.counters.frames += 1;
        let Some(at) = position(frame.pts_us) else {
            self.counters.bad_frames += 1;
            return;
        };
        if self.is_early(at) {
            self.counters.early_frames += 1;
            return;
        }
        let packet = Packet::parse(frame.data);
        self.fill_before(at, frame.lost_before, packet);
        let placed = packet.and_then(|packet| self.play(at, packet));
        let Some(placed) = placed else {
            self.counters.bad_frames += 1;
            self.fill(self.packet_samples);
            return;
        };
        self.counters.late_frames += u64::from(placed.is_late);
        self.counters.splices += u64::from(placed.is_spliced);
    }

    /// Gives the samples from a position on. Tells whether there are any.
    pub(super) fn read(&mut self, from: i64, out: &mut [Stereo]) -> bool {
        let to = from + out.len() as i64;
        while self.playout.runs_out_before(to) {
            self.has_run_out = true;
            if !self.make_filler(self.unit()) {
                self.playout.finish();
            }
        }
        self.playout.read(from, out)
    }

    /// Lets what was taken be the last.
    pub(super) fn finish(&mut self) {
        self.playout.finish();
    }

    /// Whether nothing waits to be read.
    pub(super) fn is_drained(&self) -> bool {
        self.playout.is_drained()
    }

    fn is_early(&self, at: f64) -> bool {
        let start = self.playout.start();
        start.is_some_and(|start| at > start as f64 + samples(MAX_WAITING) as f64)
    }

    /// Puts something where frames are missing.
    fn fill_before(&mut self, at: f64, lost: u32, packet: Option<Packet<'_>>) {
        let missing = self.playout.missing_before(at);
        // A sender's frames are as far apart as they are long.
        let unit = self.unit();
        let has_gap = missing >= if lost > 0 { unit as f64 / 2.0 } else { MIN_GAP };
        if has_gap {
            let missing = (missing / unit as f64).round() as usize * unit;
            match packet.filter(|_| lost > 0) {
                Some(next) => self.fill_lost(missing, next),
                None => self.fill(missing),
            }
        }
        if has_gap || self.has_run_out {
            self.playout.align(at);
        }
        self.has_run_out = false;
    }

    /// Fills the beginning of what was lost, and takes the end from the next packet's copy.
    fn fill_lost(&mut self, missing: usize, next: Packet<'_>) {
        let copied = next.redundant_samples().filter(|&copied| copied <= missing);
        let Some(copied) = copied else {
            self.fill(missing);
            return;
        };
        self.fill(missing - copied);
        match self.decoder.recover(next, copied) {
            Some(recovered) => {
                self.playout.push(recovered);
                self.counters.fec_frames += 1;
            }
            None => self.playout.leave_gap(copied),
        }
    }

    fn play(&mut self, at: f64, packet: Packet<'_>) -> Option<Placed> {
        let placed = self.playout.push_frame(at, self.decoder.decode(packet)?);
        self.packet_samples = packet.samples;
        self.filler = Filler::after(packet.is_silence());
        Some(placed)
    }

    /// Fills a gap for as long as that is believable, and leaves the rest silent.
    fn fill(&mut self, missing: usize) {
        let mut filled = 0;
        while filled < missing {
            let part = self.unit().min(missing - filled);
            if !self.make_filler(part) {
                self.playout.leave_gap(missing - filled);
                return;
            }
            filled += part;
        }
    }

    /// Makes a piece of what is to stand for what is missing. Tells whether it may.
    fn make_filler(&mut self, samples: usize) -> bool {
        if !self.playout.has_begun() || self.filler.left < samples {
            return false;
        }
        // libopus knows which of the two it is.
        let Some(made) = self.decoder.conceal(samples) else {
            return false;
        };
        self.playout.push(made);
        self.filler.left -= samples;
        let counter = if self.filler.is_noise {
            &mut self.counters.comfort_samples
        } else {
            &mut self.counters.concealed_samples
        };
        *counter += samples as u64;
        true
    }

    /// In what pieces gaps are filled.
    fn unit(&self) -> usize {
        self.packet_samples.min(MAX_UNIT)
    }
}

impl Filler {
    fn after(is_silence: bool) -> Self {
        let longest = if is_silence {
            MAX_COMFORT
        } else {
            MAX_CONCEALED
        };
        Self {
            is_noise: is_silence,
            left: samples(longest),
        }
    }
}

/// From where on a frame that is behind others has something missing before it although nothing is
/// lost: 15 ms, since it is mostly 20 ms that are missing, and times waver by a few.
const MIN_GAP: f64 = 720.0;
/// 20 ms, what frames mostly last, and what longer ones are made of.
const MAX_UNIT: usize = 960;
