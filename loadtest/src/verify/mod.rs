//! Judging what arrives, subscription by subscription.
//!
//! Every frame ends in a stamp, so a [`PictureStream`] or [`SoundStream`] knows of each frame who
//! sent it, when, and of how many packets it is, without decoding. What is wrong becomes a
//! finding with the second, the participant and the track; figures go to the [`Tally`] of the
//! second. Some streams are decoded as well: see [`specimen`].

mod arrivals;
mod assembly;
mod picture;
mod reception;
mod rhythm;
mod sound;
mod sources;
pub mod specimen;
mod tally;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use proto::codec::MediaKind;
use proto::media::MediaPacket;

pub use picture::PictureStream;
pub use sound::SoundStream;
pub use sources::Sources;
pub use tally::{Latencies, Tally};

use crate::report::SubscriptionSummary;
use reception::Reception;
use specimen::Sampler;

/// Whose stream it is, and who receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Who receives.
    pub participant: Arc<str>,
    /// Who publishes.
    pub publisher: Arc<str>,
    /// The publisher's number.
    pub number: u16,
    /// Pictures or sound.
    pub kind: MediaKind,
}

impl Who {
    /// The track's name in findings.
    pub fn track(&self) -> String {
        track_name(&self.publisher, self.kind)
    }
}

/// What a track is called in findings.
pub fn track_name(publisher: &str, kind: MediaKind) -> String {
    let source = match kind {
        MediaKind::Audio => "microphone",
        MediaKind::Video => "camera",
    };
    format!("{publisher} {source}")
}

/// What a stream needs besides its packets.
#[derive(Debug)]
pub struct Judge<'a> {
    /// The run's start.
    pub epoch: Instant,
    /// The same by the wall clock.
    pub epoch_wall: SystemTime,
    /// The present moment.
    pub now: Instant,
    /// Where figures go.
    pub tally: &'a mut Tally,
    /// What publishers did.
    pub sources: &'a Sources,
    /// Where specimens go.
    pub sampler: &'a Sampler,
}

impl Judge<'_> {
    fn find(&mut self, who: &Who, kind: &str, what: String) {
        self.find_of(&who.participant, Some(who.track()), kind, what);
    }

    /// Notes something wrong.
    pub fn find_of(&mut self, participant: &str, track: Option<String>, kind: &str, what: String) {
        let second = self.second();
        self.tally
            .find(second, kind, participant.to_owned(), track, what);
    }

    /// The wall clock's time of a capture.
    fn captured_at(&self, captured_us: u64) -> SystemTime {
        self.epoch_wall + Duration::from_micros(captured_us)
    }

    /// The second of the run.
    pub fn second(&self) -> u32 {
        (self.now - self.epoch).as_secs() as u32
    }

    /// Microseconds since the start.
    pub fn now_us(&self) -> u64 {
        (self.now - self.epoch).as_micros() as u64
    }
}

/// A subscription: one track of one publisher, as one participant receives it.
#[derive(Debug)]
pub enum Subscription {
    /// A camera.
    Picture(Box<PictureStream>),
    /// A microphone.
    Sound(Box<SoundStream>),
}

impl Subscription {
    /// A subscription that should carry something from now on.
    pub fn new(now: Instant, who: Who, sample_id: u64) -> Self {
        match who.kind {
            MediaKind::Video => Self::Picture(Box::new(PictureStream::new(now, who, sample_id))),
            MediaKind::Audio => Self::Sound(Box::new(SoundStream::new(now, who, sample_id))),
        }
    }

    fn reception(&self) -> &Reception {
        match self {
            Self::Picture(stream) => &stream.reception,
            Self::Sound(stream) => &stream.reception,
        }
    }

    fn reception_mut(&mut self) -> &mut Reception {
        match self {
            Self::Picture(stream) => &mut stream.reception,
            Self::Sound(stream) => &mut stream.reception,
        }
    }

    /// Whose it is.
    pub fn who(&self) -> &Who {
        &self.reception().who
    }

    /// Takes a packet. Says whether a keyframe should be asked for.
    pub fn handle(&mut self, judge: &mut Judge<'_>, packet: &MediaPacket<'_>) -> bool {
        match self {
            Self::Picture(stream) => stream.handle(judge, packet),
            Self::Sound(stream) => {
                stream.handle(judge, packet);
                false
            }
        }
    }

    /// Looks at what did not arrive; several times a second. Says whether a keyframe should be
    /// asked for.
    pub fn look(&mut self, judge: &mut Judge<'_>) -> bool {
        match self {
            Self::Picture(stream) => stream.look(judge),
            Self::Sound(stream) => {
                stream.reception.give_up(judge);
                false
            }
        }
    }

    /// The recent mean latency and the error of the sender's clock, for comparing sound with
    /// picture; forgets both.
    pub fn take_recent(&mut self) -> Option<Recent> {
        self.reception_mut().rhythm.take_recent()
    }

    /// Whether anything has arrived.
    pub fn has_begun(&self) -> bool {
        self.reception().rhythm.has_begun()
    }

    /// Whether it has carried something within the last second.
    pub fn is_live(&self, now: Instant) -> bool {
        self.reception().rhythm.is_live(now)
    }

    /// Hides or shows a camera: while it is hidden, nothing need come. Sound is always heard.
    pub fn hide(&mut self, hidden: bool, now: Instant) {
        if let Self::Picture(stream) = self {
            stream.hide(hidden, now);
        }
    }

    /// Whether something should come.
    pub fn is_wanted(&self) -> bool {
        match self {
            Self::Picture(stream) => !stream.is_hidden,
            Self::Sound(_) => true,
        }
    }

    /// From when on something should have come.
    pub fn wanted_from(&self) -> Instant {
        self.reception().rhythm.wanted_from
    }

    /// Has its stream decoded from now on, or no longer.
    pub fn sample(&mut self, sampled: bool) {
        self.reception_mut().is_sampled = sampled;
    }

    /// Ends it: what is still missing is missing for good.
    pub fn finish(&mut self, judge: &mut Judge<'_>) -> SubscriptionSummary {
        match self {
            Self::Picture(stream) => stream.finish(judge),
            Self::Sound(stream) => stream.finish(judge),
        }
    }
}

/// How a stream did in the last second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recent {
    /// Mean latency, in microseconds.
    pub latency_us: i64,
    /// How far the capture time told by sender reports is from the true one, in microseconds.
    pub clock_error_us: Option<i64>,
}
