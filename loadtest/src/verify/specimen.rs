//! Streams that are truly decoded: a rotating sample, on a thread of its own.
//!
//! A sampled stream hands each shown frame to the [`Sampler`]; the checker decodes it and looks
//! whether the picture shows the right person, size and number, and whether the tone is the right
//! one. When the checker is busy, frames are left out and counted: the load goes first.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use proto::codec::{Codec, MediaKind};

use super::Who;
use crate::media::decode::{PictureDecoder, ToneDecoder};
use crate::media::stamp::Stamp;
use crate::media::tone::tone_hz;
use crate::report::{Decoded, Finding};
use crate::scenario::Video;

/// Frames that wait for the checker; further ones are left out.
const MAX_QUEUED: usize = 256;
/// Streams decoded at once; the one sampled longest ago goes for a further one.
const MAX_DECODERS: usize = 64;
/// A tone this far from the right one is wrong, in Hz: half the distance between two tones.
const TONE_TOLERANCE_HZ: f32 = 15.0;

/// A frame to decode.
#[derive(Debug)]
pub struct Specimen {
    /// The stream's number.
    pub id: u64,
    /// Of the run.
    pub second: u32,
    /// Whose stream it is.
    pub who: Who,
    /// What it holds.
    pub codec: Codec,
    /// What it should be.
    pub stamp: Stamp,
    /// Whether nothing is missing between the one before and this.
    pub follows: bool,
    /// RTP payloads in order.
    pub payloads: Vec<Arc<[u8]>>,
}

/// Where specimens go.
#[derive(Debug, Clone)]
pub struct Sampler {
    specimens: Sender<Specimen>,
    skipped: Arc<AtomicU64>,
}

impl Sampler {
    /// A sampler and what comes out of it.
    pub fn new() -> (Self, Receiver<Specimen>) {
        let (specimens, receiver) = bounded(MAX_QUEUED);
        let skipped = Arc::default();
        (Self { specimens, skipped }, receiver)
    }

    pub(super) fn offer(&self, specimen: Specimen) {
        if let Err(TrySendError::Full(_)) = self.specimens.try_send(specimen) {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Frames left out because the checker was busy.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
}

/// Decodes specimens and judges them.
#[derive(Debug)]
pub struct Checker {
    video: Video,
    streams: HashMap<u64, Stream>,
    clock: u64,
    decoded: Decoded,
    findings: Vec<Finding>,
}

#[derive(Debug)]
struct Stream {
    decoder: Decoder,
    /// Frames up to the next keyframe cannot be decoded.
    waits_for_keyframe: bool,
    newest_frame: Option<u32>,
    used: u64,
}

#[derive(Debug)]
enum Decoder {
    Picture(PictureDecoder),
    Tone(ToneDecoder),
}

impl Checker {
    /// For what cameras send.
    pub fn new(video: Video) -> Self {
        Self {
            video,
            streams: HashMap::new(),
            clock: 0,
            decoded: Decoded::default(),
            findings: Vec::new(),
        }
    }

    /// Decodes until there is nothing more to come.
    pub fn run(mut self, specimens: &Receiver<Specimen>) -> (Decoded, Vec<Finding>) {
        while let Ok(specimen) = specimens.recv() {
            if let Err(error) = self.check(&specimen) {
                self.find(
                    &specimen,
                    "wrong-picture",
                    format!("cannot be decoded: {error:#}"),
                );
            }
        }
        (self.decoded, self.findings)
    }

    fn check(&mut self, specimen: &Specimen) -> anyhow::Result<()> {
        self.clock += 1;
        let clock = self.clock;
        if !self.streams.contains_key(&specimen.id) {
            self.begin(specimen)?;
        }
        let Some(stream) = self.streams.get_mut(&specimen.id) else {
            return Ok(());
        };
        stream.used = clock;
        let before = stream.newest_frame.replace(specimen.stamp.frame);
        match &mut stream.decoder {
            Decoder::Tone(decoder) => {
                let heard = decoder.decode(specimen.payloads.first().map_or(&[], |one| &**one));
                if let Some(heard) = heard {
                    let wanted = tone_hz(self.card_of(specimen.who.number)) as f32;
                    let is_right = (heard.hz - wanted).abs() <= TONE_TOLERANCE_HZ;
                    self.decoded.tones += 1;
                    self.decoded.tones_right += u64::from(is_right);
                    if !is_right {
                        let what = format!("a tone of {:.0} Hz instead of {wanted} Hz", heard.hz);
                        self.find(specimen, "wrong-tone", what);
                    }
                }
            }
            Decoder::Picture(decoder) => {
                // Frames are left out when this thread is busy: then the chain is broken.
                let was_left_out = before.is_some_and(|before| {
                    specimen.stamp.frame.wrapping_sub(before) > MAX_TEMPORAL_STEP
                });
                stream.waits_for_keyframe |= !specimen.follows || was_left_out;
                if stream.waits_for_keyframe && !specimen.stamp.keyframe {
                    return Ok(());
                }
                stream.waits_for_keyframe = false;
                let Some(picture) = decoder.decode(&specimen.payloads)? else {
                    return Ok(());
                };
                let wrong = self.wrong(specimen, &picture);
                self.decoded.pictures += 1;
                self.decoded.pictures_right += u64::from(wrong.is_none());
                if let Some(what) = wrong {
                    self.find(specimen, "wrong-picture", what);
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, specimen: &Specimen) -> anyhow::Result<()> {
        if self.streams.len() == MAX_DECODERS {
            let oldest = self.streams.iter().min_by_key(|(_, stream)| stream.used);
            if let Some(id) = oldest.map(|(id, _)| *id) {
                self.streams.remove(&id);
            }
        }
        let decoder = match specimen.who.kind {
            MediaKind::Video => {
                self.decoded.video_streams += 1;
                Decoder::Picture(PictureDecoder::new(specimen.codec)?)
            }
            MediaKind::Audio => {
                self.decoded.audio_streams += 1;
                Decoder::Tone(ToneDecoder::new())
            }
        };
        self.streams.insert(
            specimen.id,
            Stream {
                decoder,
                waits_for_keyframe: true,
                newest_frame: None,
                used: self.clock,
            },
        );
        Ok(())
    }

    /// What is wrong with a picture.
    fn wrong(
        &self,
        specimen: &Specimen,
        picture: &crate::media::decode::Picture,
    ) -> Option<String> {
        let stamp = specimen.stamp;
        let Some(encoding) = self.video.encodings.get(usize::from(stamp.encoding)) else {
            return Some(format!("there is no encoding {}", stamp.encoding));
        };
        if (picture.width, picture.height) != (encoding.width, encoding.height) {
            return Some(format!(
                "a picture of {}x{} instead of {}x{}",
                picture.width, picture.height, encoding.width, encoding.height
            ));
        }
        let Some(card) = &picture.card else {
            return Some("the test card cannot be read".to_owned());
        };
        let wanted = self.card_of(specimen.who.number);
        if card.publisher != wanted {
            return Some(format!(
                "the card of {} instead of {wanted}",
                card.publisher
            ));
        }
        if card.encoding != stamp.encoding || card.clip_frame != stamp.clip_frame {
            return Some(format!(
                "picture {} of encoding {} instead of picture {} of encoding {}",
                card.clip_frame, card.encoding, stamp.clip_frame, stamp.encoding
            ));
        }
        None
    }

    /// The card a publisher shows.
    fn card_of(&self, publisher: u16) -> u16 {
        publisher % self.video.cards.max(1)
    }

    fn find(&mut self, specimen: &Specimen, kind: &str, what: String) {
        if self.findings.len() < crate::report::MAX_FINDINGS {
            self.findings.push(Finding {
                second: specimen.second,
                kind: kind.to_owned(),
                participant: specimen.who.participant.to_string(),
                track: Some(specimen.who.track()),
                what,
            });
        }
    }
}

/// Pictures from one shown to the next where temporal layers are left out by the server: three of
/// four, at most.
const MAX_TEMPORAL_STEP: u32 = 4;
