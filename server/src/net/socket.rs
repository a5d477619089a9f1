//! One UDP socket of a worker, with batches in both directions.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proto::media::{Message, SendBatch};
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};

use super::Transit;
use crate::clock;

/// Asked of the kernel for each direction, in bytes: 20 ms of 1 Gbit/s. It may give less.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Largest datagram taken; larger ones are cut and then refused by their checksums. Nothing we
/// speak is larger than an MTU.
const MAX_DATAGRAM_BYTES: usize = 2_048;

/// Messages whose time is taken together, when the last of them has left.
const MESSAGES_TIMED: usize = 8;

/// A non-blocking UDP socket that takes with `recvmmsg` and GRO, and gives with GSO.
#[derive(Debug)]
pub struct MediaSocket {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    /// Whether IPv4 goes through an IPv6 socket.
    is_ipv6: bool,
    local: LocalAddresses,
    buffers: Vec<u8>,
    /// When the kernel got the first datagram since [`MediaSocket::begin_turn`].
    oldest: Option<Duration>,
    transit: Transit,
}

/// The candidate addresses of a socket.
#[derive(Debug, Clone)]
struct LocalAddresses {
    port: u16,
    advertised: Vec<IpAddr>,
}

impl LocalAddresses {
    /// The candidate a datagram came to. One that came to an address not offered came through
    /// NAT, to the first offered address of its family.
    fn candidate(&self, destination: Option<IpAddr>, source: IpAddr) -> SocketAddr {
        let destination = destination.map(|ip| ip.to_canonical());
        let exact = destination.filter(|ip| self.advertised.contains(ip));
        let of_family = || {
            self.advertised
                .iter()
                .copied()
                .find(|ip| ip.is_ipv4() == source.is_ipv4())
        };
        let ip = exact.or_else(of_family).or(destination).unwrap_or(source);
        SocketAddr::new(ip, self.port)
    }
}

impl MediaSocket {
    /// Binds a socket.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(address: SocketAddr, advertised: Vec<IpAddr>) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        // The kernel caps both; what it gives is logged.
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER_BYTES);
        tracing::debug!(
            %address,
            receive_bytes = socket.recv_buffer_size().unwrap_or(0),
            send_bytes = socket.send_buffer_size().unwrap_or(0),
            "media socket"
        );
        let socket: std::net::UdpSocket = socket.into();
        let state = UdpSocketState::new((&socket).into())?;
        let bytes = MAX_DATAGRAM_BYTES * state.gro_segments().max(1) * BATCH_SIZE;
        Ok(Self {
            socket: mio::net::UdpSocket::from_std(socket),
            is_ipv6: address.is_ipv6(),
            local: LocalAddresses {
                port: address.port(),
                advertised,
            },
            state,
            buffers: vec![0; bytes],
            oldest: None,
            transit: Transit::default(),
        })
    }

    /// The socket, to wait for.
    pub fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.socket
    }

    /// Begins a turn: what is sent until the next one was caused by what is received in it.
    pub fn begin_turn(&mut self) {
        self.oldest = None;
    }

    /// How long packets have been in the server. One that came later in its turn than the first
    /// is counted as if it had come with it.
    pub const fn transit(&self) -> Transit {
        self.transit
    }

    /// Takes one batch and hands each datagram on: source, candidate address, payload. Returns
    /// whether there may be more.
    pub fn receive(&mut self, mut handle: impl FnMut(SocketAddr, SocketAddr, &mut [u8])) -> bool {
        let each = self.buffers.len() / BATCH_SIZE;
        let mut slices: Vec<IoSliceMut<'_>> =
            self.buffers.chunks_mut(each).map(IoSliceMut::new).collect();
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let count = match self
            .state
            .recv((&self.socket).into(), &mut slices, &mut metas)
        {
            Ok(count) => count,
            Err(error) => {
                // Others are news of somebody's closed port, one per datagram sent there.
                return error.kind() != ErrorKind::WouldBlock;
            }
        };
        for (meta, buffer) in metas.iter().zip(&mut slices).take(count) {
            if let Some(at) = meta.timestamp {
                self.oldest = Some(self.oldest.map_or(at, |oldest| oldest.min(at)));
            }
            let source = canonical(meta.addr);
            let local = self.local.candidate(meta.dst_ip, source.ip());
            let payload = buffer.get_mut(..meta.len).unwrap_or_default();
            for datagram in payload.chunks_mut(meta.stride.max(1)) {
                handle(source, local, datagram);
            }
        }
        // Fewer than asked for were all there were; the next one wakes again.
        count == BATCH_SIZE
    }

    /// Sends everything, a message at a time. Returns how many datagrams the kernel did not take:
    /// those are lost, as on any congested link.
    pub fn send(&mut self, batch: &SendBatch) -> u64 {
        let most = self.state.max_gso_segments().max(1);
        let mut lost = 0;
        let mut timed = 0;
        for (index, message) in batch.messages().enumerate() {
            for part in message.parts(most) {
                lost += self.send_message(&part);
            }
            timed += message.segments as u64;
            // Reading the clock takes longer than it is worth for every one.
            if (index + 1).is_multiple_of(MESSAGES_TIMED) {
                self.record_transit(std::mem::take(&mut timed));
            }
        }
        self.record_transit(timed);
        lost
    }

    fn record_transit(&mut self, packets: u64) {
        if let Some(oldest) = self.oldest
            && packets > 0
        {
            let span = clock::since_epoch().saturating_sub(oldest);
            self.transit.record(span, packets);
        }
    }

    fn send_message(&self, message: &Message<'_>) -> u64 {
        let destination = match (message.path.destination, self.is_ipv6) {
            (SocketAddr::V4(v4), true) => {
                SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port())
            }
            (destination, _) => destination,
        };
        let source = message.path.source.ip();
        let transmit = quinn_udp::Transmit {
            destination,
            ecn: None,
            contents: message.contents,
            segment_size: message.gso_bytes(),
            // An address behind NAT is none of ours: the system chooses then.
            src_ip: self.is_own(source).then_some(source),
        };
        match self.state.try_send((&self.socket).into(), &transmit) {
            Ok(()) => 0,
            Err(_) => message.segments as u64,
        }
    }

    fn is_own(&self, ip: IpAddr) -> bool {
        self.local.advertised.contains(&ip)
    }
}

/// IPv4 that came through an IPv6 socket is IPv4 again.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests {
    use proto::media::Path;

    use super::*;

    #[test]
    fn datagrams_of_many_sizes_arrive_as_they_were_sent() {
        let own: IpAddr = "127.0.0.1".parse().expect("an address");
        let mut sender = bound(own);
        let mut receiver = bound(own);
        let to = receiver.socket.local_addr().expect("bound");
        let from = sender.socket.local_addr().expect("bound");
        let sizes = [1_200, 1_200, 1_200, 300, 1_199, 1_200, 40];
        let path = Path {
            source: from,
            destination: to,
        };
        let mut batch = SendBatch::default();
        for bytes in sizes {
            batch.push(path, &vec![bytes as u8; bytes]);
        }

        assert_eq!(sender.send(&batch), 0);

        let mut received = Vec::new();
        while received.len() < sizes.len() {
            receiver.receive(|source, _, datagram| {
                assert_eq!(source, from);
                assert!(datagram.iter().all(|byte| *byte == datagram.len() as u8));
                received.push(datagram.len());
            });
        }
        assert_eq!(received, sizes);
    }

    fn bound(own: IpAddr) -> MediaSocket {
        MediaSocket::bind(SocketAddr::new(own, 0), vec![own]).expect("a free port")
    }

    #[test]
    fn an_unknown_destination_is_the_advertised_address_of_its_family() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let local = LocalAddresses {
            port: 7882,
            advertised: vec![ip("203.0.113.5"), ip("2001:db8::5")],
        };

        let through_nat = local.candidate(Some(ip("10.0.0.7")), ip("198.51.100.1"));
        let mapped = local.candidate(Some(ip("::ffff:203.0.113.5")), ip("198.51.100.1"));
        let v6 = local.candidate(None, ip("2001:db8::99"));

        assert_eq!(through_nat.ip(), ip("203.0.113.5"));
        assert_eq!(mapped.ip(), ip("203.0.113.5"));
        assert_eq!(v6.ip(), ip("2001:db8::5"));
    }
}
