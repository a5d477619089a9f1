//! One UDP socket of a session, with batches in both directions.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use proto::media::SendBatch;
use quinn_udp::{RecvMeta, UdpSocketState};

/// Messages taken by one system call; with GRO each may hold dozens of datagrams.
const MESSAGES: usize = 8;
/// Largest message, in bytes: the largest UDP payload.
const MESSAGE_BYTES: usize = 65_535;
/// Asked of the kernel for each direction, in bytes: half a second of a busy meeting.
const SOCKET_BUFFER_BYTES: usize = 1024 * 1024;

/// A session's socket.
#[derive(Debug)]
pub struct PeerSocket {
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
}

/// What the sockets of a thread share.
#[derive(Debug)]
pub struct Buffers {
    incoming: Vec<u8>,
}

impl Default for Buffers {
    fn default() -> Self {
        Self {
            incoming: vec![0; MESSAGES * MESSAGE_BYTES],
        }
    }
}

impl PeerSocket {
    /// Binds a socket to a free port.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(local: IpAddr) -> io::Result<Self> {
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

    /// Where it is bound.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The socket, to wait for.
    pub fn source(&mut self) -> &mut mio::net::UdpSocket {
        &mut self.socket
    }

    /// Takes one batch. Says whether there may be more: readiness is told once only.
    pub fn receive(
        &self,
        buffers: &mut Buffers,
        mut handle: impl FnMut(SocketAddr, &mut [u8]),
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
        for (meta, slice) in metas.iter().zip(&mut slices).take(count) {
            let payload = slice.get_mut(..meta.len).unwrap_or_default();
            for datagram in payload.chunks_mut(meta.stride.max(1)) {
                handle(meta.addr, datagram);
            }
        }
        count == MESSAGES
    }

    /// Sends everything, a GSO message at a time. What the kernel does not take is lost, as on any
    /// congested link.
    pub(super) fn send(&self, batch: &SendBatch) {
        let most = self.state.max_gso_segments().max(1);
        for message in batch.messages().flat_map(|message| message.parts(most)) {
            let transmit = quinn_udp::Transmit {
                destination: message.path.destination,
                ecn: None,
                contents: message.contents,
                segment_size: message.gso_bytes(),
                src_ip: None,
            };
            let _ = self.state.try_send((&self.socket).into(), &transmit);
        }
    }
}
