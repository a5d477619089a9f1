//! The datagrams of one participant.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::Instant;

use super::Fault;

/// A frozen camera stays so for this long, from this long after its first packet.
const FREEZE: Duration = Duration::from_secs(1);
const FREEZE_AFTER: Duration = Duration::from_secs(6);
/// Sound is held back for this long.
const DELAY: Duration = Duration::from_millis(200);
/// The tester makes no larger datagrams, and neither does the server.
const MAX_DATAGRAM: usize = 2_048;

/// Which payload type means what, and where the server is; from its answers.
#[derive(Debug, Clone, Default)]
pub(super) struct Payloads {
    server: Option<SocketAddr>,
    audio: HashSet<u8>,
    retransmission: HashSet<u8>,
}

impl Payloads {
    /// Reads an answer.
    pub(super) fn learn(&mut self, sdp: &str) {
        for line in sdp.lines() {
            if let Some(map) = line.strip_prefix("a=rtpmap:") {
                let mut words = map.split([' ', '/']);
                let number = words.next().and_then(|number| number.parse().ok());
                match (number, words.next()) {
                    (Some(number), Some("opus")) => drop(self.audio.insert(number)),
                    (Some(number), Some("rtx")) => drop(self.retransmission.insert(number)),
                    _ => {}
                }
            }
            let words: Vec<&str> = line.split(' ').collect();
            if line.starts_with("a=candidate:") && words.get(4) == Some(&"127.0.0.1") {
                let port = words.get(5).and_then(|port| port.parse::<u16>().ok());
                let address = port.map(|port| (Ipv4Addr::LOCALHOST, port).into());
                // Later answers also name the address the client sees, which is the relay's own.
                self.server = self.server.or(address);
            }
        }
    }
}

impl Payloads {
    fn is_audio(&self, datagram: &[u8]) -> bool {
        rtp(datagram).is_some_and(|(payload_type, _)| self.audio.contains(&payload_type))
    }
}

/// Starts the relay of datagrams. Gives the port for the client.
pub(super) async fn start(fault: Fault, payloads: watch::Receiver<Payloads>) -> u16 {
    let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a free port");
    let port = near.local_addr().expect("an address").port();
    tokio::spawn(carry(near, far, fault, payloads));
    port
}

async fn carry(near: UdpSocket, far: UdpSocket, fault: Fault, payloads: watch::Receiver<Payloads>) {
    let mut client = None;
    let mut breaker = Breaker::default();
    let mut held: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let (mut outward, mut inward) = ([0; MAX_DATAGRAM], [0; MAX_DATAGRAM]);
    loop {
        let release = held.front().map_or_else(far_future, |(at, _)| *at);
        tokio::select! {
            received = near.recv_from(&mut outward) => {
                let Ok((len, source)) = received else { continue };
                client = Some(source);
                let datagram = &outward[..len];
                if fault == Fault::DelayAudio && payloads.borrow().is_audio(datagram) {
                    held.push_back((Instant::now() + DELAY, datagram.to_vec()));
                } else {
                    let server = payloads.borrow().server;
                    send(&far, datagram, server).await;
                }
            }
            received = far.recv_from(&mut inward) => {
                let Ok((len, _)) = received else { continue };
                let passes = breaker.passes(fault, &inward[..len], &payloads.borrow());
                send(&near, &inward[..len], client.filter(|_| passes)).await;
            }
            () = tokio::time::sleep_until(release) => {
                let server = payloads.borrow().server;
                if let Some((_, datagram)) = held.pop_front() {
                    send(&far, &datagram, server).await;
                }
            }
        }
    }
}

/// What cannot be sent is lost, as on any path.
async fn send(socket: &UdpSocket, datagram: &[u8], to: Option<SocketAddr>) {
    if let Some(to) = to {
        let _ = socket.send_to(datagram, to).await;
    }
}

fn far_future() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}

/// Decides which packets pass.
#[derive(Debug, Default)]
struct Breaker {
    /// RTP packets by SSRC.
    counts: HashMap<u32, u64>,
    /// The camera to freeze, and since when it is there.
    camera: Option<(u32, Instant)>,
}

impl Breaker {
    fn passes(&mut self, fault: Fault, datagram: &[u8], payloads: &Payloads) -> bool {
        let Some((payload_type, ssrc)) = rtp(datagram) else {
            return true;
        };
        let is_audio = payloads.audio.contains(&payload_type);
        let is_repair = payloads.retransmission.contains(&payload_type);
        let count = self.counts.entry(ssrc).or_default();
        *count += 1;
        match fault {
            Fault::DropEveryFiftieth => !is_repair && !count.is_multiple_of(50),
            Fault::FreezeCamera if !is_audio => !self.is_frozen(ssrc, is_repair),
            Fault::FreezeCamera | Fault::Nothing | Fault::SwapPublishers | Fault::DelayAudio => {
                true
            }
        }
    }

    /// The first camera is the one that freezes. A server probes by repair packets too, so those
    /// may come before, and are missed only meanwhile.
    fn is_frozen(&mut self, ssrc: u32, is_repair: bool) -> bool {
        let now = Instant::now();
        if self.camera.is_none() && !is_repair {
            self.camera = Some((ssrc, now));
        }
        self.camera.is_some_and(|(camera, since)| {
            let frozen = since + FREEZE_AFTER..since + FREEZE_AFTER + FREEZE;
            (is_repair || ssrc == camera) && frozen.contains(&now)
        })
    }
}

/// Payload type and SSRC, if it is RTP (RFC 7983, RFC 5761 §4).
fn rtp(datagram: &[u8]) -> Option<(u8, u32)> {
    let is_rtp = (128..192).contains(datagram.first()?);
    let payload_type = datagram.get(1)? & 0x7f;
    let ssrc = datagram.get(8..12)?.try_into().ok()?;
    (is_rtp && !(64..96).contains(&payload_type)).then(|| (payload_type, u32::from_be_bytes(ssrc)))
}
