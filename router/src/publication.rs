//! A track offered to a room, with its encodings.

use std::time::{Duration, Instant};

use proto::codec::MediaKind;
use proto::ids::TrackSid;
use proto::link::{Audience, EncodingSet, SegmentId};
use proto::media::PacketRing;

use crate::keyframe::KeyframeRequests;
use crate::keys::{ParticipantKey, SubscriptionKey};
use crate::limits::{MAX_ENCODINGS, UNWANTED_ENCODING_DELAY};

/// What a publisher says about an encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EncodingInfo {
    /// Width in pixels, 0 if unknown.
    pub width: u32,
    /// Height in pixels, 0 if unknown.
    pub height: u32,
    /// Intended rate in bits per second, 0 if unknown.
    pub bitrate_bps: u64,
}

/// What is published.
#[derive(Debug, Clone)]
pub struct NewPublication {
    /// Its id.
    pub sid: TrackSid,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// Whether it shows a screen, which is favoured when bandwidth is short.
    pub screen_share: bool,
    /// Encodings, lowest first; one without simulcast.
    pub encodings: Vec<EncodingInfo>,
    /// Who gets it without asking.
    pub audience: Audience,
    /// Whether its packets come over a link, from the segment where it is published.
    pub is_remote: bool,
}

/// What the router knows of a publication.
#[derive(Debug)]
pub struct Publication {
    /// Whose it is.
    pub publisher: ParticipantKey,
    /// Its id.
    pub sid: TrackSid,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// Whether its packets come over a link.
    pub is_remote: bool,
    /// Who gets it without asking.
    pub audience: Audience,
    pub(crate) screen_share: bool,
    pub(crate) encodings: Vec<Encoding>,
    pub(crate) subscriptions: Vec<SubscriptionKey>,
    pub(crate) wanted: WantedEncodings,
    /// What the other segments of the room want of it, if it is published here.
    pub(crate) links: Vec<LinkWants>,
    /// The rates they were told.
    pub(crate) told_rates: [Option<u64>; MAX_ENCODINGS],
    /// The encodings its segment was told to send, if it is published elsewhere.
    pub(crate) crossing: EncodingSet,
    /// Whether those are to be looked at again.
    pub(crate) is_crossing_due: bool,
}

/// What another segment wants of a publication.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinkWants {
    pub(crate) segment: SegmentId,
    /// The highest encoding anybody there has use for.
    pub(crate) highest: Option<usize>,
    /// The encodings to send there.
    pub(crate) crossing: EncodingSet,
}

impl Publication {
    pub(crate) fn new(publisher: ParticipantKey, new: NewPublication) -> Self {
        let wanted = match new.is_remote {
            true => WantedEncodings::none(),
            false => WantedEncodings::all(new.encodings.len()),
        };
        Self {
            publisher,
            sid: new.sid,
            kind: new.kind,
            is_remote: new.is_remote,
            audience: new.audience,
            screen_share: new.screen_share,
            encodings: new.encodings.into_iter().map(Encoding::new).collect(),
            subscriptions: Vec::new(),
            wanted,
            links: Vec::new(),
            told_rates: [None; MAX_ENCODINGS],
            crossing: EncodingSet::default(),
            is_crossing_due: false,
        }
    }

    /// How many encodings it has.
    pub fn encoding_count(&self) -> usize {
        self.encodings.len()
    }

    /// Who is subscribed to it.
    pub fn subscriptions(&self) -> &[SubscriptionKey] {
        &self.subscriptions
    }

    /// Measured rate of each encoding, `None` for those not being sent.
    pub fn rates(&self) -> [Option<u64>; MAX_ENCODINGS] {
        std::array::from_fn(|index| self.encodings.get(index).and_then(|own| own.rate_bps))
    }

    /// Rate of all that comes in, in bits per second.
    pub(crate) fn total_rate_bps(&self) -> u64 {
        self.encodings
            .iter()
            .filter_map(|encoding| encoding.rate_bps)
            .sum()
    }
}

/// Rate assumed of an encoding that has just begun and whose publisher has named none.
const UNKNOWN_RATE_BPS: u64 = 150_000;

/// One RTP stream of a publication.
#[derive(Debug)]
pub(crate) struct Encoding {
    pub(crate) info: EncodingInfo,
    pub(crate) keyframes: KeyframeRequests,
    /// Its last packets, for all who receive it.
    pub(crate) ring: PacketRing,
    /// Rate while it is being sent.
    pub(crate) rate_bps: Option<u64>,
    bytes: u64,
    since: Option<Instant>,
}

impl Encoding {
    fn new(info: EncodingInfo) -> Self {
        Self {
            info,
            keyframes: KeyframeRequests::default(),
            ring: PacketRing::default(),
            rate_bps: None,
            bytes: 0,
            since: None,
        }
    }

    /// Counts a packet. Returns whether the encoding has just begun to be sent.
    pub(crate) fn count(&mut self, now: Instant, bytes: usize) -> bool {
        self.bytes += bytes as u64;
        self.since.get_or_insert(now);
        let begins = self.rate_bps.is_none();
        if begins {
            let declared = self.info.bitrate_bps;
            self.rate_bps = Some(if declared == 0 {
                UNKNOWN_RATE_BPS
            } else {
                declared
            });
        }
        begins
    }

    /// Takes the rate since the last measurement.
    pub(crate) fn measure(&mut self, now: Instant) {
        let Some(since) = self.since else { return };
        let span = now.saturating_duration_since(since);
        if span < Duration::from_millis(200) {
            return;
        }
        let measured = self.bytes * 8_000 / (span.as_millis() as u64).max(1);
        self.rate_bps = match self.rate_bps {
            _ if self.bytes == 0 => None,
            // Up at once, down slowly: a quiet moment is no smaller stream.
            Some(before) if before > measured => Some((before * 3 + measured) / 4),
            _ => Some(measured),
        };
        self.since = self.rate_bps.map(|_| now);
        self.bytes = 0;
    }
}

/// Which encodings anybody wants, and what the publisher was last told (LiveKit's dynacast).
#[derive(Debug, Clone, Copy)]
pub(crate) struct WantedEncodings {
    told: Option<usize>,
    lower_since: Option<Instant>,
    /// How long less must be wanted before it is told.
    patience: Duration,
}

impl WantedEncodings {
    fn all(count: usize) -> Self {
        Self {
            told: count.checked_sub(1),
            lower_since: None,
            patience: UNWANTED_ENCODING_DELAY,
        }
    }

    /// Those of a remote publication: where it is published, somebody else is patient.
    fn none() -> Self {
        Self {
            told: None,
            lower_since: None,
            patience: Duration::ZERO,
        }
    }

    /// Takes what is wanted at present. Returns the highest encoding to tell the publisher, when
    /// that changes: up at once, down after a while.
    pub(crate) fn update(&mut self, now: Instant, wanted: Option<usize>) -> Option<Option<usize>> {
        if wanted >= self.told {
            self.lower_since = None;
            let changed = wanted > self.told;
            self.told = wanted;
            return changed.then_some(wanted);
        }
        let since = *self.lower_since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.patience {
            return None;
        }
        self.lower_since = None;
        self.told = wanted;
        Some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn tells_more_at_once_and_less_after_a_while() {
        let now = start();
        let mut wanted = WantedEncodings::all(3);

        assert_eq!(wanted.update(now, Some(0)), None);
        assert_eq!(wanted.update(now + Duration::from_secs(4), Some(0)), None);
        assert_eq!(
            wanted.update(now + Duration::from_secs(5), Some(0)),
            Some(Some(0))
        );
        assert_eq!(
            wanted.update(now + Duration::from_secs(6), Some(2)),
            Some(Some(2))
        );
    }

    #[test]
    fn notices_when_an_encoding_begins_and_ends() {
        let now = start();
        let mut encoding = Encoding::new(EncodingInfo::default());

        assert!(encoding.count(now, 1_000));
        assert!(!encoding.count(now, 1_000));
        encoding.measure(now + Duration::from_millis(500));
        assert!(encoding.rate_bps.is_some_and(|rate| rate > 0));
        encoding.measure(now + Duration::from_millis(1_000));

        assert_eq!(encoding.rate_bps, None);
    }
}
