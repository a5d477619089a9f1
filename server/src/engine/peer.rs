//! One participant as the engine holds it.

use std::time::Instant;

use proto::demux::Entries;
use proto::session::{OutgoingPacket, Session, SessionStats};
use proto::signal::messages::ParticipantInfo;
use proto::token::Claims;

use super::command::ConnectionId;
use super::data::DataState;
use super::limits::{MAX_OFFERS, OFFER_WINDOW};
use super::sections::Sections;
use super::tracks::Tracks;

/// Session, signalling and publications of one participant.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) session: Session,
    /// What the demultiplexer knows of the session.
    pub(super) entries: Entries,
    /// Its signalling, unless lost.
    pub(super) connection: Option<ConnectionId>,
    /// What others see of it, without its tracks.
    pub(super) info: ParticipantInfo,
    pub(super) claims: Claims,
    pub(super) sections: Sections,
    pub(super) tracks: Tracks,
    pub(super) data: DataState,
    /// Packets to send at the next flush.
    pub(super) outbox: Vec<OutgoingPacket>,
    /// Whether it is listed for the next flush.
    pub(super) is_dirty: bool,
    /// When its session wants to be driven.
    pub(super) deadline: Instant,
    /// Earliest entry in the timers.
    pub(super) scheduled: Option<Instant>,
    pub(super) life: Life,
    pub(super) stats: SessionStats,
    pub(super) bandwidth: Bandwidth,
    /// Quality it was last told of itself, and when.
    pub(super) told_quality: Option<i32>,
    offers: (Instant, u32),
    #[cfg(feature = "chaos")]
    pub(super) poisoned: bool,
}

/// Since when what lasts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub(super) joined: Instant,
    pub(super) connected: bool,
    pub(super) path_lost: Option<Instant>,
    pub(super) signal_lost: Option<Instant>,
    pub(super) token_sent: Instant,
}

/// What the path to a participant carries, and what it could use.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bandwidth {
    pub(super) estimate_bps: u64,
    pub(super) desired_bps: u64,
    /// Whether the estimator was last told the larger of its two figures.
    pub(super) has_asked_for_more: bool,
}

impl Bandwidth {
    /// The next figure to tell the estimator while its estimate is too low: it probes each time
    /// the figure rises. The margin is needed because encodings are raised only with one.
    pub(super) fn next_figure_bps(&mut self) -> u64 {
        self.has_asked_for_more = !self.has_asked_for_more;
        let percent = if self.has_asked_for_more { 200 } else { 130 };
        self.desired_bps.saturating_mul(percent) / 100
    }
}

impl Peer {
    pub(super) fn new(
        now: Instant,
        session: Session,
        connection: ConnectionId,
        info: ParticipantInfo,
        claims: Claims,
    ) -> Self {
        Self {
            session,
            entries: Entries::default(),
            connection: Some(connection),
            info,
            claims,
            sections: Sections::default(),
            tracks: Tracks::default(),
            data: DataState::default(),
            outbox: Vec::new(),
            is_dirty: false,
            deadline: now,
            scheduled: None,
            life: Life {
                joined: now,
                connected: false,
                path_lost: None,
                signal_lost: None,
                token_sent: now,
            },
            stats: SessionStats::default(),
            bandwidth: Bandwidth::default(),
            told_quality: None,
            offers: (now, 0),
            #[cfg(feature = "chaos")]
            poisoned: false,
        }
    }

    /// Whether others see it.
    pub(super) fn is_visible(&self) -> bool {
        !self.claims.video.hidden
    }

    /// Gives a section a new RTP stream. What was still to be sent in it belongs to the old one:
    /// with its numbers it would make receivers take the new one for a replay.
    pub(super) fn renew_stream(&mut self, section: usize) {
        self.outbox.retain(|packet| packet.section != section);
        self.session.renew_stream(section);
    }

    /// Counts an offer. Returns whether that is still within the limit.
    pub(super) fn may_offer(&mut self, now: Instant) -> bool {
        let (since, count) = &mut self.offers;
        if now.saturating_duration_since(*since) > OFFER_WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= MAX_OFFERS
    }
}
