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

/// Starts the relay of datagrams. Gives the port for the client.
pub(super) async fn start(fault: Fault, payloads: watch::Receiver<Payloads>) -> u16 {
    let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
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
                let server = payloads.borrow().server;
                if let Some(server) = server {
                    let _ = far.send_to(&outward[..len], server).await;
                }
            }
            received = far.recv_from(&mut inward) => {
                let (Ok((len, _)), Some(client)) = (received, client) else { continue };
                let fate = breaker.fate(fault, &inward[..len], &payloads.borrow());
                match fate {
                    Fate::Passes => drop(near.send_to(&inward[..len], client).await),
                    Fate::IsHeld => held.push_back((Instant::now() + DELAY, inward[..len].to_vec())),
                    Fate::IsLost => {}
                }
            }
            () = tokio::time::sleep_until(release) => {
                if let (Some((_, datagram)), Some(client)) = (held.pop_front(), client) {
                    let _ = near.send_to(&datagram, client).await;
                }
            }
        }
    }
}

fn far_future() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}

enum Fate {
    Passes,
    IsHeld,
    IsLost,
}

/// Decides what becomes of packets.
#[derive(Debug, Default)]
struct Breaker {
    /// RTP packets by SSRC.
    counts: HashMap<u32, u64>,
    /// The camera to freeze, and since when it is there.
    camera: Option<(u32, Instant)>,
}

impl Breaker {
    fn fate(&mut self, fault: Fault, datagram: &[u8], payloads: &Payloads) -> Fate {
        let Some((payload_type, ssrc)) = rtp(datagram) else {
            return Fate::Passes;
        };
        let is_audio = payloads.audio.contains(&payload_type);
        let is_repair = payloads.retransmission.contains(&payload_type);
        let count = self.counts.entry(ssrc).or_default();
        *count += 1;
        match fault {
            Fault::DropEveryFiftieth if is_repair || count.is_multiple_of(50) => Fate::IsLost,
            Fault::DelayAudio if is_audio => Fate::IsHeld,
            Fault::FreezeCamera if !is_audio => {
                let now = Instant::now();
                let (camera, since) = *self.camera.get_or_insert((ssrc, now));
                let frozen = since + FREEZE_AFTER..since + FREEZE_AFTER + FREEZE;
                let is_meant = is_repair || ssrc == camera;
                if is_meant && frozen.contains(&now) {
                    Fate::IsLost
                } else {
                    Fate::Passes
                }
            }
            _ => Fate::Passes,
        }
    }
}

/// Payload type and SSRC, if it is RTP (RFC 7983, RFC 5761 §4).
fn rtp(datagram: &[u8]) -> Option<(u8, u32)> {
    let is_rtp = (128..192).contains(datagram.first()?);
    let payload_type = datagram.get(1)? & 0x7f;
    let ssrc = datagram.get(8..12)?.try_into().ok()?;
    (is_rtp && !(64..96).contains(&payload_type)).then(|| (payload_type, u32::from_be_bytes(ssrc)))
}
