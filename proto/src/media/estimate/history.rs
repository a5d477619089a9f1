//! The packets that have been sent and may still be reported.

use prefetch::prefetch;

/// Most packets to remember: a second at 40 Mbit/s. The oldest is forgotten, and a later report
/// about it ignored. More bears longer round trips at higher rates, fewer bounds the memory
/// (8 bytes each).
const MAX_IN_FLIGHT: usize = 4_096;

/// Fewest slots, once anything is sent.
const MIN_SLOTS: usize = 32;

/// After this time, in µs, a packet without report may be forgotten before the memory grows. Longer
/// than any round trip worth a call, plus the interval of feedback.
const UNREPORTED_AGE_US: u64 = 2_000_000;

/// What is known about a packet's arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// No feedback has mentioned it.
    Unreported,
    /// The feedback that should have mentioned it was lost; it is taken to have arrived.
    Assumed,
    /// Reported as not received, so far.
    Missing,
    /// Reported as received.
    Received,
}

/// A packet that has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SentPacket {
    pub(super) sent_us: u64,
    pub(super) bytes: u32,
    pub(super) fate: Fate,
}

/// The last packets, by sequence number: a ring that grows with what is in flight.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Empty, or a power of two long.
    slots: Vec<Slot>,
    first: u64,
    next: u64,
    /// Packets before this number are of no more use.
    released: u64,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    /// The low bits: they come round once in 71 minutes.
    sent_us: u32,
    bytes: u16,
    fate: Fate,
}

impl Slot {
    const EMPTY: Self = Self {
        sent_us: 0,
        bytes: 0,
        fate: Fate::Received,
    };

    fn age_us(self, now_us: u64) -> u64 {
        u64::from((now_us as u32).wrapping_sub(self.sent_us))
    }
}

impl History {
    /// Remembers a packet sent now. Returns whether it has started anew, because the number does not
    /// follow the last.
    pub(super) fn insert(&mut self, now_us: u64, sequence: u64, bytes: usize) -> bool {
        let starts_anew = sequence != self.next;
        if starts_anew {
            self.first = sequence;
            self.next = sequence;
            self.released = sequence;
        }
        if self.len() == self.slots.len() {
            self.make_room(now_us);
        }
        self.next = sequence.wrapping_add(1);
        let index = self.index(sequence);
        self.slots[index] = Slot {
            sent_us: now_us as u32,
            bytes: u16::try_from(bytes).unwrap_or(u16::MAX),
            fate: Fate::Unreported,
        };
        starts_anew
    }

    /// Prefetches where the next packet goes.
    pub(super) fn prefetch_next(&self) {
        if let Some(slot) = self.slots.get(self.index(self.next)) {
            prefetch(slot);
        }
    }

    /// A packet that is still remembered.
    pub(super) fn get(&self, now_us: u64, sequence: u64) -> Option<SentPacket> {
        let slot = self
            .holds(sequence)
            .then(|| self.slots[self.index(sequence)])?;
        Some(SentPacket {
            sent_us: now_us.saturating_sub(slot.age_us(now_us)),
            bytes: u32::from(slot.bytes),
            fate: slot.fate,
        })
    }

    /// Notes what became of a packet.
    pub(super) fn set_fate(&mut self, sequence: u64, fate: Fate) {
        if self.holds(sequence) {
            let index = self.index(sequence);
            self.slots[index].fate = fate;
        }
    }

    /// The number of the oldest packet that is remembered.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Lets packets before a number be forgotten when their room is needed.
    pub(super) fn release(&mut self, before: u64) {
        self.released = before;
    }

    fn holds(&self, sequence: u64) -> bool {
        sequence.wrapping_sub(self.first) < self.len() as u64
    }

    fn len(&self) -> usize {
        self.next.wrapping_sub(self.first) as usize
    }

    fn index(&self, sequence: u64) -> usize {
        sequence as usize & self.slots.len().wrapping_sub(1)
    }

    fn make_room(&mut self, now_us: u64) {
        let is_old = || self.slots[self.index(self.first)].age_us(now_us) > UNREPORTED_AGE_US;
        let is_spent = self.first < self.released || (!self.slots.is_empty() && is_old());
        if is_spent || self.slots.len() >= MAX_IN_FLIGHT {
            self.first = self.first.wrapping_add(1);
        } else {
            self.grow();
        }
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 2).max(MIN_SLOTS);
        let mut slots = vec![Slot::EMPTY; length];
        for offset in 0..self.len() as u64 {
            let sequence = self.first.wrapping_add(offset);
            slots[sequence as usize & (length - 1)] = self.slots[self.index(sequence)];
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(packets: u64) -> History {
        let mut history = History::default();
        for sequence in 0..packets {
            history.insert(sequence * 1_000, sequence, 100);
        }
        history
    }

    #[test]
    fn remembers_when_and_how_much_was_sent() {
        let history = filled(100);

        let packet = history.get(200_000, 42);

        let expected = SentPacket {
            sent_us: 42_000,
            bytes: 100,
            fate: Fate::Unreported,
        };
        assert_eq!(packet, Some(expected));
        assert_eq!(history.get(200_000, 100), None);
        assert_eq!(history.get(200_000, u64::MAX), None);
    }

    #[test]
    fn takes_no_memory_until_something_is_sent() {
        assert_eq!(History::default().slots.capacity(), 0);
        assert_eq!(size_of::<Slot>(), 8);
    }

    #[test]
    fn does_not_grow_while_reports_keep_up() {
        let mut history = History::default();

        for sequence in 0..10_000 {
            history.insert(sequence * 1_000, sequence, 100);
            history.release(sequence.saturating_sub(20));
        }

        assert_eq!(history.slots.len(), MIN_SLOTS);
        assert_eq!(
            history.get(10_000_000, 9_990).map(|p| p.sent_us),
            Some(9_990_000)
        );
    }

    #[test]
    fn forgets_the_oldest_beyond_its_bound() {
        let mut history = History::default();

        for sequence in 0..10_000 {
            history.insert(0, sequence, 100);
        }

        assert_eq!(history.slots.len(), MAX_IN_FLIGHT);
        assert_eq!(history.get(0, 10_000 - MAX_IN_FLIGHT as u64 - 1), None);
        assert!(history.get(0, 10_000 - MAX_IN_FLIGHT as u64).is_some());
    }

    #[test]
    fn starts_anew_after_a_jump() {
        let mut history = filled(10);

        history.insert(0, u64::MAX, 100);
        history.insert(0, 0, 100);

        assert!(history.get(0, u64::MAX).is_some());
        assert!(history.get(0, 0).is_some());
        assert_eq!(history.get(0, 5), None);
    }
}
