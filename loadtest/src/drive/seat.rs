//! A participant and its sockets.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use mio::{Interest, Registry, Token};

use super::socket::PeerSocket;
use super::worker::{Due, Timers};
use crate::participant::Participant;

/// A participant in its place.
#[derive(Debug)]
pub(super) struct Seat {
    /// Its number in the plan.
    pub(super) number: usize,
    pub(super) participant: Participant,
    /// Whether it is of the pair without a server.
    pub(super) is_direct: bool,
    pub(super) sockets: Vec<PeerSocket>,
    /// When each session's timer is set for.
    scheduled: Vec<Option<Instant>>,
    media_scheduled: Option<Instant>,
}

impl Seat {
    pub(super) fn new(number: usize, participant: Participant, is_direct: bool) -> Self {
        Self {
            number,
            participant,
            is_direct,
            sockets: Vec::new(),
            scheduled: Vec::new(),
            media_scheduled: None,
        }
    }

    /// Sets timers for what has become due earlier than its timer.
    pub(super) fn set_timers(&mut self, place: usize, timers: &mut Timers) {
        for (peer, scheduled) in self.scheduled.iter_mut().enumerate() {
            let Some(at) = self.participant.deadline(peer) else {
                continue;
            };
            if scheduled.is_none_or(|scheduled| at < scheduled) {
                *scheduled = Some(at);
                timers.set(at, Due::Session(place, peer));
            }
        }
        if let Some(at) = self.participant.media_due()
            && self.media_scheduled.is_none_or(|scheduled| at < scheduled)
        {
            self.media_scheduled = Some(at);
            timers.set(at, Due::Media(place));
        }
    }

    /// A session's timer has come. Says whether it is the one that counts.
    pub(super) fn forget_timer(&mut self, peer: usize, at: Instant) -> bool {
        let scheduled = self.scheduled.get_mut(peer);
        scheduled.is_some_and(|own| own.take_if(|own| *own == at).is_some())
    }

    /// The same for the time of a frame.
    pub(super) fn forget_media_timer(&mut self, at: Instant) -> bool {
        self.media_scheduled.take_if(|own| *own == at).is_some()
    }

    /// Binds its sockets, all anew: a server must not take a participant that comes back for the
    /// one that left. Gives their addresses.
    pub(super) fn bind(
        &mut self,
        count: usize,
        local: IpAddr,
        registry: &Registry,
        mut token: impl FnMut(usize) -> Token,
    ) -> std::io::Result<Vec<SocketAddr>> {
        self.unbind(registry);
        let mut addresses = Vec::with_capacity(count);
        for peer in 0..count {
            let mut socket = PeerSocket::bind(local)?;
            registry.register(socket.source(), token(peer), Interest::READABLE)?;
            addresses.push(socket.address()?);
            self.sockets.push(socket);
            self.scheduled.push(None);
        }
        Ok(addresses)
    }

    pub(super) fn unbind(&mut self, registry: &Registry) {
        for mut socket in self.sockets.drain(..) {
            // A socket that is being closed is gone from the registry in any case.
            let _ = registry.deregister(socket.source());
        }
        self.scheduled.clear();
    }

    /// Sends what the participant has to send.
    pub(super) fn transmit(&mut self) {
        for (batch, socket) in self.participant.batches().zip(&self.sockets) {
            socket.send(batch);
            batch.clear();
        }
    }
}
