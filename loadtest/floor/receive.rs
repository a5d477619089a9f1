//! The receivers: as many sockets, served as the load tester serves its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use loadtest::drive::{Buffers, PeerSocket};
use mio::{Events, Interest, Poll, Token};

use super::seal::Key;

/// Sockets served in one round.
const MAX_EVENTS: usize = 1_024;

/// What was received.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) packets: u64,
    /// Datagrams that are not the forwarder's, or not this receiver's.
    pub(crate) wrong: u64,
}

/// All receivers.
pub(crate) struct Receivers {
    poll: Poll,
    buffers: Buffers,
    sockets: Vec<PeerSocket>,
    keys: Vec<(Key, [u64; 2])>,
    pub(crate) received: Received,
}

impl Receivers {
    /// Binds as many sockets.
    pub(crate) fn bind(count: usize) -> Result<Self> {
        let poll = Poll::new().context("cannot wait for sockets")?;
        let mut sockets = Vec::with_capacity(count);
        let mut keys = Vec::with_capacity(count);
        for number in 0..count {
            let mut socket = PeerSocket::bind(IpAddr::V4(Ipv4Addr::LOCALHOST))
                .context("cannot bind a socket for each receiver; see ulimit -n")?;
            poll.registry()
                .register(socket.source(), Token(number), Interest::READABLE)?;
            sockets.push(socket);
            keys.push((Key::of(number as u32)?, [0; 2]));
        }
        Ok(Self {
            poll,
            buffers: Buffers::default(),
            sockets,
            keys,
            received: Received::default(),
        })
    }

    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>> {
        let addresses = self.sockets.iter().map(PeerSocket::address);
        Ok(addresses.collect::<Result<_, _>>()?)
    }

    /// Receives and opens what comes, for so long.
    pub(crate) fn receive_for(&mut self, span: Duration) -> Result<()> {
        let end = Instant::now() + span;
        let mut events = Events::with_capacity(MAX_EVENTS);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if let Err(error) = self.poll.poll(&mut events, Some(left))
                && error.kind() != std::io::ErrorKind::Interrupted
            {
                return Err(error).context("cannot wait for sockets");
            }
            for event in &events {
                self.serve(event.token().0);
            }
        }
    }

    fn serve(&mut self, index: usize) {
        let (key, newest) = &mut self.keys[index];
        let received = &mut self.received;
        let mut open = |_: SocketAddr, datagram: &mut [u8]| match key.open(newest, datagram) {
            Some(_) => received.packets += 1,
            None => received.wrong += 1,
        };
        while self.sockets[index].receive(&mut self.buffers, &mut open) {}
    }
}
