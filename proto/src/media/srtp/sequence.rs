//! Indexes of RTP packets from their sequence numbers (RFC 3711 §3.3.1, appendix A), and which
//! were here before.

use super::replay::ReplayWindow;

/// Half of what a sequence number counts: how far one is taken to be ahead or behind.
const HALF: u16 = 1 << 15;

/// What one incoming RTP stream has brought of late.
///
/// The first packet is taken to have roll-over counter 0, so a sender should start in the lower
/// half of sequence numbers: a receiver that joins after a wrap has no way to know of it.
#[derive(Debug, Clone, Default)]
pub struct SequenceWindow(ReplayWindow);

impl SequenceWindow {
    /// A window that has seen nothing.
    pub const fn new() -> Self {
        Self(ReplayWindow::new())
    }

    /// The index that a packet most likely has: its sequence number below the roll-over counter
    /// that brings it closest to the highest index so far.
    pub const fn index_of(&self, sequence: u16) -> u64 {
        let highest = match self.highest() {
            Some(highest) => highest,
            None => 0,
        };
        let newest = (highest & 0xffff) as u16;
        let rollovers = highest >> 16;
        let rollovers = if newest < HALF {
            if sequence > newest + HALF {
                // Before the first wrap there is nothing behind to belong to: it is a jump ahead.
                rollovers.saturating_sub(1)
            } else {
                rollovers
            }
        } else if sequence < newest - HALF {
            rollovers + 1
        } else {
            rollovers
        };
        rollovers << 16 | sequence as u64
    }

    /// Whether a packet was not seen and is not older than the window, 128 packets.
    pub fn is_new(&self, index: u64) -> bool {
        self.0.is_new(index)
    }

    /// Remembers a packet, once it has proven authentic.
    pub fn insert(&mut self, index: u64) {
        self.0.insert(index);
    }

    /// The highest index so far.
    pub const fn highest(&self) -> Option<u64> {
        self.0.highest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A window after packets in this order.
    fn after(sequences: &[u16]) -> SequenceWindow {
        let mut window = SequenceWindow::new();
        for sequence in sequences {
            window.insert(window.index_of(*sequence));
        }
        window
    }

    #[test]
    fn starts_with_rollover_counter_zero() {
        let window = SequenceWindow::new();

        assert_eq!(window.highest(), None);
        for sequence in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] {
            assert_eq!(window.index_of(sequence), u64::from(sequence));
        }
    }

    #[test]
    fn counts_a_roll_over() {
        let window = after(&[0xfffe, 0xffff, 0, 1]);

        assert_eq!(window.highest(), Some(0x1_0001));
    }

    #[test]
    fn wraps_after_a_high_first_packet() {
        let window = after(&[0xffff]);

        assert_eq!(window.index_of(0), 0x1_0000);
        assert_eq!(window.index_of(0x7ffe), 0x1_7ffe);
        assert_eq!(window.index_of(0x7fff), 0x7fff);
    }

    #[test]
    fn takes_a_late_packet_back_over_the_roll_over() {
        let mut window = after(&[0xfffd, 0xfffe, 0, 1]);

        assert_eq!(window.index_of(0xffff), 0xffff);
        assert!(window.is_new(0xffff));
        window.insert(0xffff);

        assert!(!window.is_new(window.index_of(0xffff)));
        assert!(!window.is_new(window.index_of(0xfffe)));
        assert_eq!(window.highest(), Some(0x1_0001));
    }

    #[test]
    fn takes_reordered_packets_once() {
        let mut window = after(&[10, 12, 11, 15]);

        let new: Vec<u16> = (9..17)
            .filter(|sequence| window.is_new(window.index_of(*sequence)))
            .collect();
        window.insert(window.index_of(13));

        assert_eq!(new, [9, 13, 14, 16]);
        assert!(!window.is_new(13));
        assert_eq!(window.highest(), Some(15));
    }

    #[test]
    fn refuses_what_is_too_old_even_over_the_roll_over() {
        let window = after(&[0xff00, 0x0010]);

        assert_eq!(window.highest(), Some(0x1_0010));
        assert!(window.is_new(window.index_of(0xff91)));
        assert!(!window.is_new(window.index_of(0xff90)));
    }

    #[test]
    fn does_not_go_below_rollover_counter_zero() {
        let window = after(&[5]);

        assert_eq!(window.index_of(0xffff), 0xffff);
        assert_eq!(window.index_of(0x8006), 0x8006);
    }

    #[test]
    fn changes_its_mind_at_half_way() {
        let low = after(&[0xffff, 0x0100]);
        let high = after(&[0x7000, 0x9000]);

        assert_eq!(low.index_of(0x8100), 0x1_8100);
        assert_eq!(low.index_of(0x8101), 0x8101);
        assert_eq!(high.index_of(0x1000), 0x1000);
        assert_eq!(high.index_of(0x0fff), 0x1_0fff);
    }

    #[test]
    fn follows_many_roll_overs() {
        let mut window = SequenceWindow::new();

        for index in (0..=0x5_0000_u64).step_by(0x1234) {
            assert_eq!(window.index_of(index as u16), index);
            window.insert(index);
        }
    }
}
