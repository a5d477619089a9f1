//! A look at media in the clear, for people who search for a fault.

use std::fmt;

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The peer has sent it.
    Received,
    /// It is sent to the peer.
    Sent,
}

/// What a packet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Media.
    Rtp,
    /// Feedback and reports, all of a compound packet.
    Rtcp,
}

/// A packet as it is before sealing, or after opening.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClearPacket<'a> {
    /// Which way it goes.
    pub way: Way,
    /// What it is.
    pub protocol: Protocol,
    /// Its bytes, in two parts that follow each other; the second may be empty.
    pub parts: [&'a [u8]; 2],
}

impl ClearPacket<'_> {
    /// How many bytes it has.
    pub const fn byte_count(&self) -> usize {
        let [first, second] = self.parts;
        first.len() + second.len()
    }

    /// All bytes.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        let [first, second] = self.parts;
        first.iter().chain(second).copied()
    }
}

/// Sees every packet that a session opens and seals, in that order: also what is sent again, padding
/// and RED as they are on the wire.
///
/// It is called, and not polled like all else, because nothing keeps packets in the clear until
/// somebody looks. It must not wait, and nothing that it does comes back to the session.
pub trait Tap: fmt::Debug + Send + Sync {
    /// Takes what it wants of a packet.
    fn handle_packet(&self, packet: &ClearPacket<'_>);
}
