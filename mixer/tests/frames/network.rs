//! A network that delays, doubles, loses and repairs, and a receiver at its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use mixer::frames::limits::RECORDER_PATIENCE;
use mixer::frames::{Counters, Frame, FrameAssembler, Output, Packet};
use proto::codec::MediaKind;

use super::packets::Stream;

/// What happens on the way, in percent of packets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Network {
    pub(crate) repaired: u8,
    pub(crate) doubled: u8,
    pub(crate) lost: u8,
}

/// What has come out.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) frames: Vec<Frame>,
    pub(crate) keyframe_requests: usize,
    pub(crate) counters: Counters,
}

/// Sequence number and timestamp before they roll over.
pub(crate) const FIRST_SEQUENCE: u64 = 65_500;
const FIRST_TIMESTAMP: u32 = u32::MAX - 20_000;

/// The timestamp of a frame of a stream.
pub(crate) fn timestamp(stream: &Stream, frame: usize) -> u32 {
    let ticks = match stream.codec.kind() {
        MediaKind::Audio => 960,
        MediaKind::Video => 3_000,
    };
    FIRST_TIMESTAMP.wrapping_add(ticks * frame as u32)
}

impl Network {
    /// Sends a stream, of which the first packet arrives first.
    pub(crate) fn send(self, rng: &mut Rng, stream: &Stream) -> Received {
        let mut arrivals = self.arrivals(rng, stream);
        arrivals.sort_by_key(|(at_ms, _)| *at_ms);
        receive(stream, arrivals)
    }

    fn arrivals(self, rng: &mut Rng, stream: &Stream) -> Vec<(u64, Packet<Arc<[u8]>>)> {
        let mut arrivals = Vec::new();
        let mut sequence = FIRST_SEQUENCE;
        let received = start();
        for (place, frame) in stream.frames.iter().enumerate() {
            let last = frame.payloads.len() - 1;
            for (part, payload) in frame.payloads.iter().enumerate() {
                let packet = Packet {
                    sequence,
                    timestamp: timestamp(stream, place),
                    marker: part == last,
                    payload: Arc::from(payload.as_slice()),
                    received,
                    orientation: None,
                    clock: None,
                };
                sequence += 1;
                let sent_ms = 33 * place as u64;
                if sequence == FIRST_SEQUENCE + 1 {
                    arrivals.push((0, packet));
                    continue;
                }
                let mut chance = |percent| rng.u8(0..100) < percent;
                let (is_lost, is_repaired, is_doubled) = (
                    chance(self.lost),
                    chance(self.repaired),
                    chance(self.doubled),
                );
                if is_lost {
                    continue;
                }
                // A gap is noticed 60 ms after the packet was sent at the latest.
                let delay_ms = if is_repaired { 100..900 } else { 1..60 };
                if is_doubled {
                    arrivals.push((sent_ms + rng.u64(1..900), packet.clone()));
                }
                arrivals.push((sent_ms + rng.u64(delay_ms), packet));
            }
        }
        arrivals
    }
}

fn receive(stream: &Stream, arrivals: Vec<(u64, Packet<Arc<[u8]>>)>) -> Received {
    let mut assembler = FrameAssembler::new(stream.codec, RECORDER_PATIENCE);
    let mut received = Received {
        frames: Vec::new(),
        keyframe_requests: 0,
        counters: Counters::default(),
    };
    let start = start();
    let mut now = start;
    for (at_ms, mut packet) in arrivals {
        let arrival = start + Duration::from_millis(at_ms);
        while let Some(timeout) = assembler.poll_timeout().filter(|&at| at < arrival) {
            assert!(timeout > now, "what is due has been done");
            now = timeout;
            received.drain(&mut assembler, now);
        }
        now = arrival;
        packet.received = now;
        assembler.handle_packet(now, packet);
        received.drain(&mut assembler, now);
    }
    assembler.finish();
    received.drain(&mut assembler, now);
    received.counters = *assembler.counters();
    received
}

impl Received {
    fn drain(&mut self, assembler: &mut FrameAssembler<Arc<[u8]>>, now: Instant) {
        while let Some(output) = assembler.poll(now) {
            match output {
                Output::Frame(frame) => self.frames.push(frame),
                Output::KeyframeWanted => self.keyframe_requests += 1,
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock"
)]
pub(crate) fn start() -> Instant {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *START.get_or_init(Instant::now)
}
