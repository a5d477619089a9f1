//! Which session a datagram belongs to.
//!
//! A datagram is looked up by the address it comes from; a STUN request from an unknown address
//! by the ICE user name fragment it names. There is never a scan over sessions, and an address is
//! remembered only once its STUN request has passed the session's integrity check.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};
use std::net::SocketAddr;

/// Most addresses of one session that are remembered at a time. Clients check from a few
/// interfaces; more is somebody playing.
pub const MAX_ADDRESSES_PER_SESSION: usize = 8;

/// Class of a datagram by its first byte (RFC 7983, RFC 9443).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatagramClass {
    /// STUN.
    Stun,
    /// DTLS.
    Dtls,
    /// RTP or RTCP.
    Rtp,
    /// Nothing the server speaks.
    Unknown,
}

impl DatagramClass {
    /// The class of a datagram.
    pub const fn of(datagram: &[u8]) -> Self {
        match datagram {
            [0..=1, ..] if datagram.len() >= STUN_HEADER_BYTES => Self::Stun,
            [20..=63, ..] if datagram.len() > 12 => Self::Dtls,
            [128..=191, ..] if datagram.len() >= 8 => Self::Rtp,
            _ => Self::Unknown,
        }
    }
}

const STUN_HEADER_BYTES: usize = 20;
const STUN_BINDING_REQUEST: u16 = 0x0001;
const STUN_MAGIC_COOKIE: u32 = 0x2112_A442;
const STUN_USERNAME: u16 = 0x0006;
const STUN_USE_CANDIDATE: u16 = 0x0025;

/// What a STUN binding request says to whoever has to find its session (RFC 8445 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StunRequest<'a> {
    /// The server's user name fragment: the part of USERNAME before the colon.
    pub server_ufrag: &'a str,
    /// Whether it carries USE-CANDIDATE: the peer wants to use this path.
    pub nominates: bool,
}

impl<'a> StunRequest<'a> {
    /// Reads a request that names its session; `None` for anything else.
    pub fn read(datagram: &'a [u8]) -> Option<Self> {
        let header: &[u8; STUN_HEADER_BYTES] = datagram.first_chunk()?;
        let is_request = u16::from_be_bytes([header[0], header[1]]) == STUN_BINDING_REQUEST;
        let has_cookie =
            u32::from_be_bytes([header[4], header[5], header[6], header[7]]) == STUN_MAGIC_COOKIE;
        if !is_request || !has_cookie {
            return None;
        }
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let mut attributes = datagram.get(STUN_HEADER_BYTES..STUN_HEADER_BYTES + length)?;
        let (mut server_ufrag, mut nominates) = (None, false);
        while let Some((head, rest)) = attributes.split_first_chunk::<4>() {
            let kind = u16::from_be_bytes([head[0], head[1]]);
            let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
            let value = rest.get(..length)?;
            match kind {
                STUN_USERNAME => {
                    let name = std::str::from_utf8(value).ok()?;
                    server_ufrag = name.split_once(':').map(|(server, _)| server);
                }
                STUN_USE_CANDIDATE => nominates = true,
                _ => {}
            }
            // RFC 8489 §14: attributes are padded to four bytes; a last one may lack that.
            attributes = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Some(Self {
            server_ufrag: server_ufrag?,
            nominates,
        })
    }
}

/// The tables that find a session. `K` is the session's key, `S` the hasher.
#[derive(Debug)]
pub struct Demux<K, S> {
    by_address: HashMap<SocketAddr, K, S>,
    by_ufrag: HashMap<Box<str>, K, S>,
}

impl<K, S: Default> Default for Demux<K, S> {
    fn default() -> Self {
        Self {
            by_address: HashMap::default(),
            by_ufrag: HashMap::default(),
        }
    }
}

/// What one session has in the tables; the session's owner keeps it.
#[derive(Debug, Default)]
pub struct Entries {
    addresses: Vec<SocketAddr>,
    ufrags: Vec<Box<str>>,
}

impl<K: Copy + Eq + Hash, S: BuildHasher + Default> Demux<K, S> {
    /// The session an address belongs to.
    pub fn by_address(&self, address: SocketAddr) -> Option<K> {
        self.by_address.get(&address).copied()
    }

    /// The session with this user name fragment.
    pub fn by_ufrag(&self, ufrag: &str) -> Option<K> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// Makes a session known by its user name fragment. After an ICE restart the fragment before
    /// the new one stays valid too, for checks still on their way.
    pub fn insert_ufrag(&mut self, ufrag: &str, key: K, entries: &mut Entries) {
        self.by_ufrag.insert(ufrag.into(), key);
        entries.ufrags.push(ufrag.into());
        if entries.ufrags.len() > 2 {
            let oldest = entries.ufrags.remove(0);
            self.by_ufrag.remove(&oldest);
        }
    }

    /// Remembers an address that has proven to belong to the session, in place of the oldest one
    /// when there are [`MAX_ADDRESSES_PER_SESSION`].
    pub fn insert_address(&mut self, address: SocketAddr, key: K, entries: &mut Entries) {
        let previous = self.by_address.insert(address, key);
        if previous == Some(key) {
            return;
        }
        if entries.addresses.len() == MAX_ADDRESSES_PER_SESSION {
            let oldest = entries.addresses.remove(0);
            self.forget_address(oldest, key);
        }
        entries.addresses.push(address);
    }

    /// Forgets all of a session.
    pub fn remove(&mut self, key: K, entries: Entries) {
        for address in entries.addresses {
            self.forget_address(address, key);
        }
        for ufrag in entries.ufrags {
            self.by_ufrag.remove(&ufrag);
        }
    }

    /// An address may have moved on to another session since.
    fn forget_address(&mut self, address: SocketAddr, key: K) {
        if self.by_address.get(&address) == Some(&key) {
            self.by_address.remove(&address);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    fn ufrag(datagram: &[u8]) -> Option<&str> {
        StunRequest::read(datagram).map(|request| request.server_ufrag)
    }

    fn binding_request(username: &[u8]) -> Vec<u8> {
        let mut attribute = vec![0x80, 0x22, 0, 1, b'x', 0, 0, 0, 0, 6];
        attribute.extend((username.len() as u16).to_be_bytes());
        attribute.extend(username);
        attribute.resize(attribute.len().next_multiple_of(4), 0);
        let mut datagram = vec![0, 1];
        datagram.extend((attribute.len() as u16).to_be_bytes());
        datagram.extend(STUN_MAGIC_COOKIE.to_be_bytes());
        datagram.extend([0; 12]);
        datagram.extend(attribute);
        datagram
    }

    #[test]
    fn finds_the_servers_fragment_behind_other_attributes() {
        assert_eq!(ufrag(&binding_request(b"server:client")), Some("server"));
        assert_eq!(ufrag(&binding_request(b"nocolon")), None);
    }

    #[test]
    fn survives_every_truncation() {
        let whole = binding_request(b"server:client");

        for length in 0..whole.len() {
            assert_eq!(ufrag(&whole[..length]), None);
        }
    }

    #[test]
    fn keeps_a_bounded_number_of_addresses_per_session() {
        let mut demux = Demux::<u32, RandomState>::default();
        let mut entries = Entries::default();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));

        for port in 0..100 {
            demux.insert_address(address(port), 7, &mut entries);
        }

        assert_eq!(demux.by_address.len(), MAX_ADDRESSES_PER_SESSION);
        assert_eq!(demux.by_address(address(99)), Some(7));
        demux.remove(7, entries);
        assert!(demux.by_address.is_empty());
    }

    #[test]
    fn leaves_an_address_that_has_moved_to_another_session() {
        let mut demux = Demux::<u32, RandomState>::default();
        let (mut first, mut second) = (Entries::default(), Entries::default());
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        demux.insert_address(address, 1, &mut first);
        demux.insert_address(address, 2, &mut second);

        demux.remove(1, first);

        assert_eq!(demux.by_address(address), Some(2));
    }

    #[test]
    fn classifies_by_first_byte() {
        assert_eq!(
            DatagramClass::of(&binding_request(b"a:b")),
            DatagramClass::Stun
        );
        assert_eq!(DatagramClass::of(&[22; 40]), DatagramClass::Dtls);
        assert_eq!(DatagramClass::of(&[128; 12]), DatagramClass::Rtp);
        assert_eq!(DatagramClass::of(b""), DatagramClass::Unknown);
        assert_eq!(DatagramClass::of(b"GET / HTTP/1.1"), DatagramClass::Unknown);
    }
}
