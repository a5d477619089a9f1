//! Packets in order to frames of sound: one packet is one frame.

use super::counters::Counters;
use super::frame::{Content, Frame, Sound};
use super::payload::opus;
use super::reorder::{Before, Ordered};

/// Makes frames of sound of packets.
#[derive(Debug, Default)]
pub(super) struct SoundAssembly {
    lost: u64,
}

impl SoundAssembly {
    /// Takes the next packet.
    pub(super) fn handle_packet<P: AsRef<[u8]>>(
        &mut self,
        ordered: &Ordered<P>,
        counters: &mut Counters,
    ) -> Option<Frame> {
        match ordered.before {
            Before::Nothing => {}
            Before::Lost(lost) => self.lost = self.lost.saturating_add(lost),
            Before::Restart => self.lost = 0,
        }
        let packet = &ordered.packet;
        let payload = packet.payload.as_ref();
        let Some(duration_samples) = opus::duration_samples(payload) else {
            counters.malformed_packets += 1;
            self.lost = self.lost.saturating_add(1);
            return None;
        };
        counters.frames += 1;
        counters.keyframes += 1;
        let lost_before = u32::try_from(std::mem::take(&mut self.lost)).unwrap_or(u32::MAX);
        Some(Frame {
            timestamp: packet.timestamp,
            received: packet.received,
            first_sequence: packet.sequence,
            last_sequence: packet.sequence,
            clock: None,
            data: payload.to_vec(),
            content: Content::Sound(Sound {
                duration_samples,
                is_silence: opus::is_silence(payload),
                lost_before,
            }),
        })
    }
}
