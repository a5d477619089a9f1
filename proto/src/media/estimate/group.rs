//! Packets that left together, or arrived together after a halt: one observation of the delay.

/// Packets sent within this time, in µs, are a group (draft-ietf-rmcat-gcc-02 §5.2, burst_time).
/// Longer bears more jitter of the sender's loop, shorter observes more often.
const SEND_SPAN_US: u64 = 5_000;

/// Packets arriving within this time of one another, in µs, may be a burst that was held up
/// somewhere (§5.2; libwebrtc's kBurstDeltaThreshold).
const BURST_GAP_US: i64 = 5_000;

/// By how much less than the burst's first a packet must have been delayed to belong to it, in µs.
/// Draft and libwebrtc take any amount; then arrivals in quick succession, as of a keyframe over a
/// fast link, become bursts by chance.
const BURST_FALL_US: i64 = 1_000;

/// Longest burst by arrival time, in µs (libwebrtc's kMaxBurstDuration).
const MAX_BURST_US: i64 = 100_000;

/// An observation of the delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Group {
    /// When its first packet was sent.
    pub(super) sent_us: u64,
    /// The shortest difference between arrival and sending among its packets, each by its own
    /// clock: that of a packet which did not wait for others of the group, so that large groups do
    /// not look like congestion.
    pub(super) delay_us: i64,
    first_delay_us: i64,
    first_arrival_us: i64,
    last_arrival_us: i64,
}

/// Collects packets into groups.
#[derive(Debug, Default)]
pub(super) struct Groups {
    current: Option<Group>,
}

impl Groups {
    /// Takes a packet. Returns the group before, if the packet begins another.
    pub(super) fn insert(&mut self, sent_us: u64, arrival_us: i64) -> Option<Group> {
        let delay_us = arrival_us.wrapping_sub(sent_us as i64);
        if let Some(group) = &mut self.current {
            if sent_us < group.sent_us {
                // A late report about a group that is over.
                return None;
            }
            if group.takes(sent_us, arrival_us, delay_us) {
                group.delay_us = group.delay_us.min(delay_us);
                group.last_arrival_us = group.last_arrival_us.max(arrival_us);
                return None;
            }
        }
        self.current.replace(Group {
            sent_us,
            delay_us,
            first_delay_us: delay_us,
            first_arrival_us: arrival_us,
            last_arrival_us: arrival_us,
        })
    }

    /// Forgets the packets collected.
    pub(super) fn clear(&mut self) {
        self.current = None;
    }
}

impl Group {
    fn takes(&self, sent_us: u64, arrival_us: i64, delay_us: i64) -> bool {
        let is_same_sending = sent_us - self.sent_us < SEND_SPAN_US;
        let is_same_burst = arrival_us.wrapping_sub(self.last_arrival_us) <= BURST_GAP_US
            && arrival_us.wrapping_sub(self.first_arrival_us) < MAX_BURST_US
            && self.first_delay_us.wrapping_sub(delay_us) >= BURST_FALL_US;
        is_same_sending || is_same_burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sent and delay, in ms, of the groups that packets with these times of sending and arrival
    /// make.
    fn groups(packets: &[(u64, i64)]) -> Vec<(u64, i64)> {
        let mut groups = Groups::default();
        let last = (1_000_000, 1_000_000);
        packets
            .iter()
            .chain([&last])
            .filter_map(|&(sent_ms, arrival_ms)| groups.insert(sent_ms * 1_000, arrival_ms * 1_000))
            .map(|group| (group.sent_us / 1_000, group.delay_us / 1_000))
            .collect()
    }

    #[test]
    fn packets_sent_together_are_one() {
        let observed = groups(&[(0, 50), (0, 60), (4, 70), (5, 80)]);

        assert_eq!(observed, [(0, 50), (5, 75)]);
    }

    #[test]
    fn packets_held_up_together_are_one() {
        let observed = groups(&[(0, 20), (10, 70), (20, 70), (30, 70), (40, 71), (60, 80)]);

        assert_eq!(observed, [(0, 20), (10, 31), (60, 20)]);
    }

    #[test]
    fn a_growing_queue_is_not_a_burst() {
        let observed = groups(&[(0, 20), (10, 35), (15, 40), (20, 45)]);

        assert_eq!(observed, [(0, 20), (10, 25), (15, 25), (20, 25)]);
    }

    #[test]
    fn late_reports_are_ignored() {
        let observed = groups(&[(0, 20), (10, 30), (0, 20), (20, 40)]);

        assert_eq!(observed, [(0, 20), (10, 20), (20, 20)]);
    }
}
