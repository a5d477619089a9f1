//! The forwarder: a frame goes to all receivers, and nothing else happens.

use std::fmt;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use quinn_udp::{Transmit, UdpSocketState};

use super::seal::{Key, Numbers, OVERHEAD_BYTES};
use super::traffic::{Payload, Track};

/// The kernel's limit for datagrams of one message.
const MAX_SEGMENTS: usize = 64;
/// The largest UDP payload, less room for headers.
const MAX_MESSAGE_BYTES: usize = 65_000;
/// What stays in a core's cache: when so much is sealed, it is sent.
const FULL_BYTES: usize = 64 * 1024;
/// Asked of the kernel, in bytes.
const SOCKET_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// Time from one of the kernel's ticks to the next, where it is longest. By what runs at a tick the
/// kernel tells its own share of a process's time, so that frames are up to so much late, at random:
/// in step with the ticks they would all be found in the same place.
const MAX_TICK: Duration = Duration::from_millis(10);

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) packets: u64,
    pub(crate) messages: u64,
    /// What the kernel did not take.
    pub(crate) refused: u64,
}

/// One process tells another.
impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} {}", self.packets, self.messages, self.refused)
    }
}

impl FromStr for Sent {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let numbers: Vec<u64> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        let [packets, messages, refused] = numbers[..] else {
            bail!("the forwarder told nothing");
        };
        Ok(Self {
            packets,
            messages,
            refused,
        })
    }
}

/// Sends to receivers.
pub(crate) struct Forwarder {
    socket: UdpSocket,
    state: UdpSocketState,
    /// Datagrams in a message, as far as this kernel goes.
    most_segments: usize,
    receivers: Vec<Receiver>,
    buffer: Vec<u8>,
    filled: usize,
    messages: Vec<Message>,
    sent: Sent,
}

struct Receiver {
    address: SocketAddr,
    key: Key,
    /// By track.
    sequences: [u64; 2],
    transport_sequence: u16,
}

/// Datagrams of one size, but for a shorter last one, to one receiver.
struct Message {
    receiver: usize,
    bytes: Range<usize>,
    segment_bytes: usize,
    segments: usize,
    is_open: bool,
}

impl Forwarder {
    pub(crate) fn new(receivers: &[SocketAddr]) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("cannot bind a socket")?;
        socket.set_nonblocking(true)?;
        // The kernel caps it.
        let _ = socket2::SockRef::from(&socket).set_send_buffer_size(SOCKET_BUFFER_BYTES);
        let receivers = receivers.iter().zip(0..).map(|(address, number)| {
            Ok(Receiver {
                address: *address,
                key: Key::of(number)?,
                sequences: [0; 2],
                transport_sequence: 0,
            })
        });
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self {
            most_segments: state.max_gso_segments().clamp(1, MAX_SEGMENTS),
            state,
            socket,
            receivers: receivers.collect::<Result<_>>()?,
            buffer: vec![0; FULL_BYTES + MAX_MESSAGE_BYTES],
            filled: 0,
            messages: Vec::new(),
            sent: Sent::default(),
        })
    }

    /// Sends the tracks, each frame when it is due, until it is over.
    pub(crate) fn run(&mut self, tracks: &[Track], is_over: &AtomicBool) -> Result<Sent> {
        let start = Instant::now();
        let mut rng = fastrand::Rng::with_seed(1);
        let mut due = |track: &Track, number: u32| {
            start + track.interval * number + MAX_TICK.mul_f64(rng.f64())
        };
        let mut next: Vec<(Instant, u32)> = tracks.iter().map(|track| (due(track, 0), 0)).collect();
        while !is_over.load(Ordering::Relaxed) {
            let soonest = (0..tracks.len()).min_by_key(|index| next[*index].0);
            let index = soonest.context("nothing to send")?;
            let (at, number) = next[index];
            std::thread::sleep(at.saturating_duration_since(Instant::now()));
            let timestamp = (at - start).as_micros() as u32;
            let frame = tracks[index].frame(number as usize);
            self.forward(index as u8, timestamp, frame)?;
            next[index] = (due(&tracks[index], number + 1), number + 1);
        }
        Ok(self.sent)
    }

    /// Seals a frame for each receiver, and sends it.
    fn forward(&mut self, track: u8, timestamp: u32, frame: &[Payload]) -> Result<()> {
        for index in 0..self.receivers.len() {
            for (place, payload) in frame.iter().enumerate() {
                if self.filled + payload.bytes.len() + OVERHEAD_BYTES > self.buffer.len() {
                    self.flush();
                }
                let receiver = &mut self.receivers[index];
                let sequence = &mut receiver.sequences[usize::from(track)];
                *sequence += 1;
                receiver.transport_sequence = receiver.transport_sequence.wrapping_add(1);
                let numbers = Numbers {
                    track,
                    marker: place + 1 == frame.len(),
                    sequence: *sequence,
                    timestamp,
                    transport_sequence: receiver.transport_sequence,
                };
                let out = &mut self.buffer[self.filled..];
                let bytes = receiver.key.seal(numbers, payload, out)?;
                self.commit(index, bytes);
            }
            if self.filled >= FULL_BYTES {
                self.flush();
            }
        }
        self.flush();
        Ok(())
    }

    /// Makes what was written last part of a message.
    fn commit(&mut self, receiver: usize, bytes: usize) {
        let datagram = self.filled..self.filled + bytes;
        self.filled = datagram.end;
        if let Some(last) = self.messages.last_mut()
            && last.is_open
            && last.receiver == receiver
            && bytes <= last.segment_bytes
            && last.bytes.len() + bytes <= MAX_MESSAGE_BYTES
        {
            last.bytes.end = datagram.end;
            last.segments += 1;
            last.is_open = bytes == last.segment_bytes && last.segments < self.most_segments;
            return;
        }
        self.messages.push(Message {
            receiver,
            bytes: datagram,
            segment_bytes: bytes,
            segments: 1,
            is_open: self.most_segments > 1,
        });
    }

    fn flush(&mut self) {
        for message in self.messages.drain(..) {
            let transmit = Transmit {
                destination: self.receivers[message.receiver].address,
                ecn: None,
                contents: &self.buffer[message.bytes],
                segment_size: (message.segments > 1).then_some(message.segment_bytes),
                src_ip: None,
            };
            match self.state.try_send((&self.socket).into(), &transmit) {
                Ok(()) => self.sent.packets += message.segments as u64,
                Err(_) => self.sent.refused += message.segments as u64,
            }
            self.sent.messages += 1;
        }
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::receive::Receivers;
    use super::*;

    fn payload(bytes: usize) -> Payload {
        Payload {
            bytes: vec![7; bytes],
            is_padded: false,
        }
    }

    #[test]
    fn receivers_open_all_that_is_forwarded() {
        let mut receivers = Receivers::bind(3).expect("free ports");
        let addresses = receivers.addresses().expect("bound");
        let mut forwarder = Forwarder::new(&addresses).expect("a free port");
        let frame = [1_000, 1_000, 1_001, 10].map(payload);

        for timestamp in 0..20 {
            forwarder.forward(0, timestamp, &frame).expect("sealed");
            forwarder
                .forward(1, timestamp, &frame[3..])
                .expect("sealed");
        }
        receivers
            .receive_for(Duration::from_millis(100))
            .expect("sockets");

        let expected = Sent {
            packets: 3 * 20 * 5,
            // Two of one size, a larger one with the smallest behind it, and the sound.
            messages: 3 * 20 * 3,
            refused: 0,
        };
        assert_eq!(forwarder.sent, expected);
        assert_eq!(
            forwarder.sent.to_string().parse::<Sent>().expect("its own"),
            expected
        );
        assert_eq!(
            (receivers.received.packets, receivers.received.wrong),
            (expected.packets, 0)
        );
    }

    #[test]
    fn more_than_the_buffer_holds_is_sent_in_parts() {
        let mut receivers = Receivers::bind(40).expect("free ports");
        let addresses = receivers.addresses().expect("bound");
        let mut forwarder = Forwarder::new(&addresses).expect("a free port");
        let frame = vec![payload(1_100); 20];

        forwarder.forward(0, 0, &frame).expect("sealed");
        receivers
            .receive_for(Duration::from_millis(100))
            .expect("sockets");

        const { assert!(40 * 20 * 1_100 > 2 * FULL_BYTES) };
        assert_eq!(
            (forwarder.sent.packets, receivers.received.packets),
            (800, 800)
        );
    }
}
