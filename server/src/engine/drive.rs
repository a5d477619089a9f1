//! Driving sessions: one input, then everything it causes, with panics kept inside.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use proto::session::{Event, Output, Session, SessionError};
use proto::signal::messages::DisconnectReason;
use router::ParticipantKey;

use super::Engine;

/// What a drive left behind.
struct Driven {
    events: Vec<Event>,
    outcome: Result<Instant, SessionError>,
}

impl Engine {
    /// Gives a session one input and takes all its outputs. A session that fails or panics ends
    /// its participant's stay.
    pub(super) fn drive(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        input: impl FnOnce(&mut Session) -> Result<(), SessionError>,
    ) {
        let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
        };
        #[cfg(feature = "chaos")]
        let poisoned = std::mem::take(&mut peer.poisoned);
        let session = &mut peer.session;
        let transmits = &mut self.transmits;
        let counters = &mut self.counters;

        let driven = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(feature = "chaos")]
            assert!(!poisoned, "poisoned on purpose");
            let mut events = Vec::new();
            let outcome = input(session).and_then(|()| {
                loop {
                    match session.poll()? {
                        Output::Transmit(transmit) => {
                            counters.datagrams_out += 1;
                            counters.bytes_out += transmit.contents.len() as u64;
                            transmits.push_back(transmit);
                        }
                        Output::Event(event) => events.push(event),
                        Output::Timeout(at) => return Ok(at),
                    }
                }
            });
            Driven { events, outcome }
        }));

        let Ok(driven) = driven else {
            self.counters.panics += 1;
            tracing::error!(participant = %self.router.participant(key).sid, "session panicked");
            return self.end_stay(now, key, DisconnectReason::MediaFailure);
        };
        match driven.outcome {
            Ok(deadline) => self.schedule(key, deadline),
            Err(error) => {
                self.counters.session_errors += 1;
                tracing::info!(participant = %self.router.participant(key).sid, %error, "session failed");
                return self.end_stay(now, key, DisconnectReason::MediaFailure);
            }
        }
        for event in driven.events {
            self.handle_session_event(now, key, event);
        }
    }

    fn schedule(&mut self, key: ParticipantKey, deadline: Instant) {
        let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
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
            self.schedule(key, deadline);
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
            self.dirty.push(key);
        }
    }

    /// Hands a participant's packets to its session and sends what comes of it.
    pub(super) fn flush_peer(&mut self, now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        peer.is_dirty = false;
        let mut outbox = std::mem::take(&mut peer.outbox);
        let mut not_taken = 0;
        self.drive(now, key, |session| {
            for packet in outbox.drain(..) {
                not_taken += u64::from(!session.send(packet));
            }
            session.handle_timeout(now)
        });
        self.counters.dropped[super::DropReason::CodecNotTaken as usize] += not_taken;
        // The vector keeps its room for the next wake-up.
        if let Some(peer) = self.peer_mut(key)
            && peer.outbox.is_empty()
        {
            peer.outbox = outbox;
        }
    }

    fn handle_session_event(&mut self, now: Instant, key: ParticipantKey, event: Event) {
        match event {
            Event::Media(packet) => self.handle_media(now, key, packet),
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
            Event::Estimate(bps) => {
                if let Some(peer) = self.peer_mut(key) {
                    peer.bandwidth.estimate_bps = bps;
                }
                self.router.set_estimate(now, key, bps);
            }
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
