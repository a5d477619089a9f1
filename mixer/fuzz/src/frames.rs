//! Packets of all codecs, put together to frames.
//!
//! An input is a byte that names the codec, then packets: a byte of [`MARKER`], [`NEW_TIMESTAMP`]
//! and [`AFTER_LOSS`], the payload's length in two bytes, and the payload.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mixer::frames::limits::MAX_FRAME_BYTES;
use mixer::frames::{Counters, Frame, FrameAssembler, Output, Packet};
use proto::codec::Codec;

/// The packet ends a frame.
pub const MARKER: u8 = 1;
/// It has another timestamp than the packet before.
pub const NEW_TIMESTAMP: u8 = 2;
/// A packet before it is lost.
pub const AFTER_LOSS: u8 = 4;

/// Packets that come in another order make the same frames, and the first is a keyframe.
pub fn run(data: &[u8]) {
    let Some((&kind, records)) = data.split_first() else {
        return;
    };
    let codec = Codec::ALL[usize::from(kind) % Codec::COUNT];
    let packets = packets(records);
    let given = assemble(codec, packets.iter());

    for group in [2, 7] {
        // Only the first packet has to come first.
        let (first, rest) = packets.split_at(packets.len().min(1));
        let turned = rest.chunks(group).flat_map(|group| group.iter().rev());
        assert_eq!(assemble(codec, first.iter().chain(turned)), given);
    }
    let (frames, counters) = given;
    assert_eq!(counters.frames, frames.len() as u64);
    for frame in &frames {
        assert!((1..=MAX_FRAME_BYTES).contains(&frame.data.len()));
    }
    assert!(frames.first().is_none_or(Frame::is_keyframe));
}

fn assemble<'a>(
    codec: Codec,
    packets: impl Iterator<Item = &'a Packet<&'a [u8]>>,
) -> (Vec<Frame>, Counters) {
    let now = start();
    let mut assembler = FrameAssembler::new(codec, Duration::from_secs(1));
    let mut frames = Vec::new();
    let mut poll = |assembler: &mut FrameAssembler<&'a [u8]>| {
        while let Some(output) = assembler.poll(now) {
            if let Output::Frame(frame) = output {
                frames.push(frame);
            }
        }
    };
    for packet in packets {
        assembler.handle_packet(now, *packet);
        poll(&mut assembler);
    }
    assembler.finish();
    poll(&mut assembler);
    let counters = *assembler.counters();
    (frames, counters)
}

/// At most as many as never wait in vain.
fn packets(mut rest: &[u8]) -> Vec<Packet<&[u8]>> {
    const MOST: usize = 1_000;
    let (mut sequence, mut timestamp) = (65_530, u32::MAX);
    let mut packets = Vec::new();
    while packets.len() < MOST {
        let Some((&[flags, high, low], after)) = rest.split_first_chunk() else {
            break;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let Some((payload, after)) = after.split_at_checked(length) else {
            break;
        };
        rest = after;
        sequence += 1 + u64::from(flags & AFTER_LOSS != 0);
        timestamp = timestamp.wrapping_add(u32::from(flags & NEW_TIMESTAMP != 0));
        packets.push(Packet {
            sequence,
            timestamp,
            marker: flags & MARKER != 0,
            payload,
            received: start(),
            orientation: None,
            clock: None,
        });
    }
    packets
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock"
)]
fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}
