//! One receiver's standing request for a publication.

use proto::codec::MediaKind;

use crate::keys::{ParticipantKey, PublicationKey};
use crate::publication::Publication;
use crate::rewrite::Rewriter;
use crate::select::Selector;

/// What a receiver asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Nothing at all at present, without unsubscribing.
    pub disabled: bool,
    /// Highest encoding, counted from 0.
    pub quality: usize,
    /// Size of the picture on the receiver's screen, in pixels; overrides `quality`.
    pub size: Option<(u32, u32)>,
    /// Higher is served first when bandwidth is short.
    pub priority: u32,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            disabled: false,
            quality: usize::MAX,
            size: None,
            priority: 0,
        }
    }
}

/// What the router knows of a subscription.
#[derive(Debug)]
pub struct Subscription {
    /// Who receives.
    pub subscriber: ParticipantKey,
    /// What.
    pub publication: PublicationKey,
    pub(crate) wanted: Wanted,
    pub(crate) selector: Selector,
    /// Where it goes out, once the receiver has agreed to a section for it.
    pub(crate) output: Option<SectionOutput>,
    /// Whether the receiver was told that bandwidth does not suffice.
    pub(crate) starved: bool,
}

/// A media section towards the receiver, and the RTP stream in it.
#[derive(Debug)]
pub struct SectionOutput {
    /// Index of the media section.
    pub section: usize,
    /// Its numbers, which outlive the subscription.
    pub rewriter: Rewriter,
}

impl Subscription {
    pub(crate) fn new(subscriber: ParticipantKey, publication: PublicationKey) -> Self {
        Self {
            subscriber,
            publication,
            wanted: Wanted::default(),
            selector: Selector::default(),
            output: None,
            starved: false,
        }
    }

    /// The section it goes out in.
    pub fn section(&self) -> Option<usize> {
        self.output.as_ref().map(|output| output.section)
    }

    /// The encoding on the wire, counted from the lowest.
    pub const fn current_encoding(&self) -> Option<usize> {
        self.selector.current()
    }

    /// The highest encoding the receiver has use for.
    pub(crate) fn wanted_encoding(&self, publication: &Publication) -> Option<usize> {
        let highest = publication.encodings.len().checked_sub(1)?;
        if self.wanted.disabled {
            return None;
        }
        if publication.kind == MediaKind::Audio {
            return Some(highest);
        }
        match self.wanted.size {
            Some(size) => Some(smallest_covering(publication, size).unwrap_or(highest)),
            None => Some(self.wanted.quality.min(highest)),
        }
    }
}

/// The lowest encoding at least as large as asked, whichever way it is turned. `None` when sizes
/// are unknown or none is large enough.
fn smallest_covering(publication: &Publication, (width, height): (u32, u32)) -> Option<usize> {
    let (long, short) = (width.max(height), width.min(height));
    publication.encodings.iter().position(|encoding| {
        let (w, h) = (encoding.info.width, encoding.info.height);
        w.max(h) >= long && w.min(h) >= short
    })
}

#[cfg(test)]
mod tests {
    use proto::ids::TrackSid;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::publication::{EncodingInfo, NewPublication};

    fn camera() -> Publication {
        let encoding = |width, height| EncodingInfo {
            width,
            height,
            bitrate_bps: 0,
        };
        let new = NewPublication {
            sid: TrackSid::random(&mut ChaCha20Rng::seed_from_u64(1)),
            kind: MediaKind::Video,
            screen_share: false,
            encodings: vec![encoding(320, 180), encoding(640, 360), encoding(1_280, 720)],
            audience: proto::link::Audience::Room,
            is_remote: false,
        };
        Publication::new(ParticipantKey::new(0), new)
    }

    #[test]
    fn wants_the_smallest_picture_that_fills_the_tile() {
        let camera = camera();
        let mut subscription = Subscription::new(ParticipantKey::new(1), PublicationKey::new(0));

        for (size, expected) in [
            ((100, 60), 0),
            ((320, 180), 0),
            ((180, 320), 0),
            ((321, 180), 1),
            ((4_000, 3_000), 2),
        ] {
            subscription.wanted.size = Some(size);
            assert_eq!(
                subscription.wanted_encoding(&camera),
                Some(expected),
                "{size:?}"
            );
        }
    }

    #[test]
    fn wants_nothing_while_disabled() {
        let mut subscription = Subscription::new(ParticipantKey::new(1), PublicationKey::new(0));
        subscription.wanted.disabled = true;

        assert_eq!(subscription.wanted_encoding(&camera()), None);
    }
}
