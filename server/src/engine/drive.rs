//! Driving sessions: one input, then everything it causes, with panics kept inside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use proto::media::{Dropped, MediaPacket, SendBatch};
use proto::session::{Event, Output, Received, Session, SessionError};
use proto::signal::messages::DisconnectReason;
use router::ParticipantKey;

use super::Engine;

/// What a drive left behind.
struct Driven<'a> {
    packet: Option<MediaPacket<'a>>,
    dropped: Option<Dropped>,
    events: Vec<Event>,
    outcome: Result<Instant, SessionError>,
}

impl Engine {
    /// Gives a session one input and takes all its outputs. Returns the media packet among them.
    /// A session that fails or panics ends its participant's stay.
    pub(super) fn drive<'a>(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        input: impl FnOnce(&mut Session, &mut SendBatch) -> Result<Received<'a>, SessionError>,
    ) -> Option<MediaPacket<'a>> {
        let peer = self.peers.get_mut(key.index())?.as_mut()?;
        #[cfg(feature = "chaos")]
        let poisoned = std::mem::take(&mut peer.poisoned);
        let session = &mut peer.session;
        let batch = &mut self.batch;

        let driven = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(feature = "chaos")]
            assert!(!poisoned, "poisoned on purpose");
            drive_session(now, session, batch, input)
        }));

        self.settle(now, key, driven)
    }

    /// Carries out what a drive left behind.
    fn settle<'a>(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        driven: std::thread::Result<Driven<'a>>,
    ) -> Option<MediaPacket<'a>> {
        let Ok(driven) = driven else {
            self.counters.panics += 1;
            tracing::error!(participant = %self.router.participant(key).sid, "session panicked");
            self.end_stay(now, key, DisconnectReason::MediaFailure);
            return None;
        };
        match driven.outcome {
            Ok(deadline) => self.schedule(now, key, deadline),
            Err(error) => {
                self.counters.session_errors += 1;
                tracing::info!(participant = %self.router.participant(key).sid, %error, "session failed");
                self.end_stay(now, key, DisconnectReason::MediaFailure);
                return None;
            }
        }
        if let Some(dropped) = driven.dropped {
            self.counters.drop(dropped.into());
        }
        for event in driven.events {
            self.handle_session_event(now, key, event);
        }
        self.send_again(now, key);
        driven.packet
    }

    /// Lets a session do what is due, and sends what was held back for the pace.
    pub(super) fn wake(&mut self, now: Instant, key: ParticipantKey) {
        self.drive(now, key, |session, batch| {
            session.handle_timeout(now, batch)?;
            Ok(Received::Nothing)
        });
        if self.peer(key).is_some_and(|peer| !peer.held.is_empty()) {
            self.mark_dirty(key);
        }
    }

    fn schedule(&mut self, now: Instant, key: ParticipantKey, deadline: Instant) {
        let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
        };
        let deadline = if peer.held.is_empty() {
            deadline
        } else {
            deadline.min(peer.session.pace_timeout(now))
        };
        peer.deadline = deadline;
        if peer.scheduled.is_none_or(|scheduled| deadline < scheduled) {
            peer.scheduled = Some(deadline);
            self.timers.push(deadline, key);
        }
    }

    /// The next session whose deadline has come.
    pub(super) fn poll_due_session(&mut self, now: Instant) -> Option<ParticipantKey> {
        while let Some((at, key)) = self.timers.pop_due(now) {
            let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
                continue;
            };
            if peer.scheduled != Some(at) {
                continue;
            }
            peer.scheduled = None;
            if peer.deadline <= now {
                return Some(key);
            }
            let deadline = peer.deadline;
            self.schedule(now, key, deadline);
        }
        None
    }

    /// Lists a participant for the next flush.
    pub(super) fn mark_dirty(&mut self, key: ParticipantKey) {
        let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
        };
        if !peer.is_dirty {
            peer.is_dirty = true;
            self.dirty.push_back(key);
        }
    }

    /// Seals a participant's packets: first those held back for the pace, then the new ones.
    pub(super) fn flush_peer(&mut self, now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
        };
        peer.is_dirty = false;
        let router = &mut self.router;
        let batch = &mut self.batch;
        let counters = &mut self.counters;
        let driven = catch_unwind(AssertUnwindSafe(|| {
            peer.send_packets(now, router, batch, counters);
            // Most often it has nothing else to do, and what it would look at is in no cache.
            if !peer.session.is_due(now) {
                return None;
            }
            let driven = drive_session(now, &mut peer.session, batch, |session, batch| {
                session.handle_timeout(now, batch)?;
                Ok(Received::Nothing)
            });
            Some(driven)
        }));
        let driven = match driven {
            Ok(Some(driven)) => Ok(driven),
            Ok(None) if peer.held.is_empty() => return,
            Ok(None) => {
                let deadline = peer.deadline;
                return self.schedule(now, key, deadline);
            }
            Err(panic) => Err(panic),
        };
        self.settle(now, key, driven);
    }

    fn handle_session_event(&mut self, now: Instant, key: ParticipantKey, event: Event) {
        match event {
            Event::Connected => self.handle_connected(now, key),
            Event::PathLost => {
                if let Some(peer) = self.peer_mut(key) {
                    peer.life.path_lost.get_or_insert(now);
                }
            }
            Event::PathRestored => {
                if let Some(peer) = self.peer_mut(key) {
                    peer.life.path_lost = None;
                }
            }
            Event::KeyframeRequest { section } => self.handle_keyframe_request(now, key, section),
            Event::Broken { section, rid } => {
                if let Some(peer) = self.peer_mut(key) {
                    peer.session.request_keyframe(section, rid);
                    self.mark_dirty(key);
                }
            }
            Event::Estimate(bps) => self.router.set_estimate(now, key, bps),
            Event::ChannelOpen(channel) | Event::ChannelWritable(channel) => {
                self.flush_data(now, key, channel);
            }
            Event::Data(channel, message) => self.handle_data(now, key, channel, &message),
            Event::Stats(stats) => {
                if let Some(peer) = self.peer_mut(key) {
                    peer.stats = stats;
                }
            }
            Event::Closed => self.end_stay(now, key, DisconnectReason::ClientInitiated),
        }
    }
}

fn drive_session<'a>(
    now: Instant,
    session: &mut Session,
    batch: &mut SendBatch,
    input: impl FnOnce(&mut Session, &mut SendBatch) -> Result<Received<'a>, SessionError>,
) -> Driven<'a> {
    let mut driven = Driven {
        packet: None,
        dropped: None,
        events: Vec::new(),
        outcome: Ok(now),
    };
    match input(session, batch) {
        Ok(Received::Media(packet)) => driven.packet = Some(packet),
        Ok(Received::Dropped(why)) => driven.dropped = Some(why),
        Ok(Received::Nothing) => {}
        Err(error) => {
            driven.outcome = Err(error);
            return driven;
        }
    }
    driven.outcome = loop {
        match session.poll(now, batch) {
            Ok(Output::Event(event)) => driven.events.push(event),
            Ok(Output::Timeout(at)) => break Ok(at),
            Err(error) => break Err(error),
        }
    };
    driven
}
