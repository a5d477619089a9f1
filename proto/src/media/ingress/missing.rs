//! Packets that have not come, and when to ask for them (RFC 4585 §6.2.1).

use std::time::{Duration, Instant};

/// Most packets missed at a time. When more are missing, asking would only add to the congestion
/// that took them: they are given up, and a keyframe is asked for.
pub(super) const MAX_MISSING: usize = 256;
/// How long a gap is taken for a change of order. Longer asks less in vain, shorter repairs sooner.
const REORDERING: Duration = Duration::from_millis(5);
/// Shortest time between two requests for a packet, whatever the round trip.
const MIN_RETRY: Duration = Duration::from_millis(20);
/// How often a packet is asked for, as libwebrtc does.
const MAX_TRIES: u8 = 10;
/// After this a packet is given up: its receivers have gone on.
const MAX_AGE: Duration = Duration::from_millis(1_000);

#[derive(Debug, Clone, Copy)]
struct Entry {
    index: u64,
    since: Instant,
    ask_at: Instant,
    tries: u8,
}

/// The packets of one stream that are missing, by index.
#[derive(Debug, Default)]
pub(super) struct Missing {
    entries: Vec<Entry>,
}

impl Missing {
    /// Notes that a packet has come after `highest`, or late. Returns whether too much is missing.
    pub(super) fn handle_packet(&mut self, now: Instant, highest: Option<u64>, index: u64) -> bool {
        let Some(highest) = highest else { return false };
        if index <= highest {
            self.entries.retain(|entry| entry.index != index);
            return false;
        }
        let gap = (index - highest - 1) as usize;
        if self.entries.len() + gap > MAX_MISSING {
            self.entries.clear();
            return true;
        }
        self.entries.extend((highest + 1..index).map(|index| Entry {
            index,
            since: now,
            ask_at: now + REORDERING,
            tries: 0,
        }));
        false
    }

    /// When something is to be asked for or given up.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.entries.iter().map(|entry| entry.ask_at).min()
    }

    /// Gives the sequence numbers to ask for now into `due`, in order.
    pub(super) fn poll_due(&mut self, now: Instant, round_trip: Duration, due: &mut Vec<u16>) {
        self.entries.retain_mut(|entry| {
            if entry.ask_at > now {
                return true;
            }
            if entry.tries >= MAX_TRIES || now.saturating_duration_since(entry.since) >= MAX_AGE {
                return false;
            }
            entry.tries += 1;
            entry.ask_at = now + round_trip.max(MIN_RETRY);
            due.push(entry.index as u16);
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUND_TRIP: Duration = Duration::from_millis(50);

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn due(missing: &mut Missing, now: Instant) -> Vec<u16> {
        let mut due = Vec::new();
        missing.poll_due(now, ROUND_TRIP, &mut due);
        due
    }

    #[test]
    fn asks_once_in_a_round_trip_until_the_packet_comes() {
        let now = start();
        let at = |ms| now + Duration::from_millis(ms);
        let mut missing = Missing::default();
        missing.handle_packet(now, Some(65_534), 65_538);

        assert!(due(&mut missing, at(4)).is_empty());
        assert_eq!(due(&mut missing, at(5)), [65_535, 0, 1]);
        assert!(due(&mut missing, at(54)).is_empty());
        missing.handle_packet(at(54), Some(65_538), 65_536);

        assert_eq!(due(&mut missing, at(55)), [65_535, 1]);
    }

    #[test]
    fn a_changed_order_is_not_asked_for() {
        let now = start();
        let mut missing = Missing::default();
        missing.handle_packet(now, Some(1), 3);
        missing.handle_packet(now, Some(3), 2);

        assert_eq!(missing.poll_timeout(), None);
    }

    #[test]
    fn gives_up_in_the_end() {
        let now = start();
        let mut missing = Missing::default();
        missing.handle_packet(now, Some(1), 3);
        let asked: usize = (0..3_000)
            .map(|ms| due(&mut missing, now + Duration::from_millis(ms)).len())
            .sum();

        assert_eq!(asked, usize::from(MAX_TRIES));
        assert_eq!(missing.poll_timeout(), None);
    }

    #[test]
    fn too_wide_a_gap_is_not_filled() {
        let now = start();
        let mut missing = Missing::default();

        assert!(missing.handle_packet(now, Some(1), 1_000));
        assert_eq!(missing.poll_timeout(), None);
    }
}
