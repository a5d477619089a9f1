//! One UDP socket of a session, with batches in both directions.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use proto::session::Transmit;
use quinn_udp::{RecvMeta, UdpSocketState};

/// Messages taken by one system call; with GRO each may hold dozens of datagrams.
const MESSAGES: usize = 8;
/// Largest message, in bytes: the largest UDP payload.
const MESSAGE_BYTES: usize = 65_535;
/// Asked of the kernel for each direction, in bytes: half a second of a busy meeting.
const SOCKET_BUFFER_BYTES: usize = 1024 * 1024;

/// A session's socket.
#[derive(Debug)]
pub(super) struct PeerSocket {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
}

/// What the sockets of a thread share.
#[derive(Debug)]
pub(super) struct Buffers {
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            incoming: vec![0; MESSAGES * MESSAGE_BYTES],
            outgoing: Vec::with_capacity(MESSAGE_BYTES),
        }
    }
}

impl PeerSocket {
    pub(super) fn bind(local: IpAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(SocketAddr::new(local, 0))?;
        socket.set_nonblocking(true)?;
        let options = socket2::SockRef::from(&socket);
        // The kernel caps both.
        let _ = options.set_recv_buffer_size(SOCKET_BUFFER_BYTES);
        let _ = options.set_send_buffer_size(SOCKET_BUFFER_BYTES);
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self {
            socket: mio::net::UdpSocket::from_std(socket),
            state,
        })
    }

    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.socket
    }

    /// Takes one batch. Says whether there may be more: readiness is told once only.
    pub(super) fn receive(
        &self,
        buffers: &mut Buffers,
        mut handle: impl FnMut(SocketAddr, &[u8]),
    ) -> bool {
        let mut slices: Vec<IoSliceMut<'_>> = buffers
            .incoming
            .chunks_mut(MESSAGE_BYTES)
            .map(IoSliceMut::new)
            .collect();
        let mut metas = [RecvMeta::default(); MESSAGES];
        let received = self
            .state
            .recv((&self.socket).into(), &mut slices, &mut metas);
        let count = match received {
            Ok(count) => count,
            // Others are news of the server's closed port, one for each datagram sent there.
            Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
        };
        for (meta, slice) in metas.iter().zip(&slices).take(count) {
            let payload = slice.get(..meta.len).unwrap_or_default();
            for datagram in payload.chunks(meta.stride.max(1)) {
                handle(meta.addr, datagram);
            }
        }
        count == MESSAGES
    }

    /// Sends the datagrams at the front of the queue that are this peer's, in GSO messages as far
    /// as their sizes allow. What the kernel does not take is lost, as on any congested link.
    pub(super) fn send(
        &self,
        peer: usize,
        queue: &mut VecDeque<(usize, Transmit)>,
        buffers: &mut Buffers,
    ) {
        let message = &mut buffers.outgoing;
        while queue.front().is_some_and(|(own, _)| *own == peer) {
            let Some((_, first)) = queue.pop_front() else {
                return;
            };
            let segment = first.contents.len();
            message.clear();
            message.extend_from_slice(&first.contents);
            let mut count = 1;
            while let Some((own, next)) = queue.front() {
                let fits = *own == peer
                    && next.destination == first.destination
                    && next.contents.len() <= segment
                    && count < self.state.max_gso_segments()
                    && message.len() + next.contents.len() <= MESSAGE_BYTES - 500;
                if !fits {
                    break;
                }
                // Only the last segment may be shorter.
                let is_last = next.contents.len() < segment;
                message.extend_from_slice(&next.contents);
                queue.pop_front();
                count += 1;
                if is_last {
                    break;
                }
            }
            let transmit = quinn_udp::Transmit {
                destination: first.destination,
                ecn: None,
                contents: message,
                segment_size: (count > 1).then_some(segment),
                src_ip: None,
            };
            let _ = self.state.try_send((&self.socket).into(), &transmit);
        }
    }
}
