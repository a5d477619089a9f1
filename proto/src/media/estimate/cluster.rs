//! A cluster of probing packets: how fast it was sent, and how fast it arrived.

use super::{Probe, ProbeId};

/// Share of the rate of sending at which a cluster must arrive not to have met the capacity
/// (libwebrtc's kMinRatioForUnsaturatedLink). Higher takes jitter for a capacity, lower lets
/// clusters fill queues.
const CARRIED_SHARE: f64 = 0.9;

/// A cluster that arrives so much faster than it was sent has been held up on the way, and tells
/// nothing (libwebrtc's kMaxValidRatio).
const MAX_COMPRESSION: f64 = 2.0;

/// Shortest time of sending, in µs, of which a rate can be told. A cluster sent in less was sent at
/// once; how fast is up to the network interface.
const MIN_SENDING_US: u64 = 5_000;

/// Share of the packets that must have been reported, in percent: libwebrtc's
/// kMinReceivedProbesRatio.
const MIN_REPORTED_PERCENT: u64 = 80;

/// What a cluster has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The path carries this, and maybe more, in bits/s.
    Carried(u64),
    /// The path carries this and no more.
    Saturated(u64),
    /// Nothing.
    Unclear,
}

/// A cluster on its way. It is all that is sent between its first packet and its last.
#[derive(Debug)]
pub(super) struct Cluster {
    probe: Probe,
    created_us: u64,
    /// Numbers of the first and the last packet.
    range: Option<(u64, u64)>,
    bytes_sent: usize,
    packets_sent: usize,
    reported: u64,
    received: u64,
    sending: Span,
    arrival: Span,
}

/// Times at one end of the path, and bytes between them.
#[derive(Debug, Clone, Copy)]
struct Span {
    first_us: i64,
    first_bytes: u32,
    last_us: i64,
    last_bytes: u32,
    bytes: u64,
}

impl Span {
    const EMPTY: Self = Self {
        first_us: i64::MAX,
        first_bytes: 0,
        last_us: i64::MIN,
        last_bytes: 0,
        bytes: 0,
    };

    fn insert(&mut self, us: i64, bytes: u32) {
        if us < self.first_us {
            (self.first_us, self.first_bytes) = (us, bytes);
        }
        if us >= self.last_us {
            (self.last_us, self.last_bytes) = (us, bytes);
        }
        self.bytes += u64::from(bytes);
    }

    fn length_us(&self) -> u64 {
        u64::try_from(self.last_us.saturating_sub(self.first_us)).unwrap_or(0)
    }

    /// The rate in bits/s if `excluded` bytes lie outside the span: those of the packet that ends
    /// it at the sender, or begins it at the receiver.
    fn rate_bps(&self, excluded: u32) -> f64 {
        let bits = self.bytes.saturating_sub(u64::from(excluded)) * 8;
        bits as f64 * 1e6 / self.length_us().max(1) as f64
    }
}

impl Cluster {
    /// A cluster about to be sent.
    pub(super) fn new(now_us: u64, probe: Probe) -> Self {
        Self {
            probe,
            created_us: now_us,
            range: None,
            bytes_sent: 0,
            packets_sent: 0,
            reported: 0,
            received: 0,
            sending: Span::EMPTY,
            arrival: Span::EMPTY,
        }
    }

    /// When it was asked for.
    pub(super) fn created_us(&self) -> u64 {
        self.created_us
    }

    /// A packet of a cluster has been sent.
    pub(super) fn handle_sent(&mut self, id: ProbeId, sequence: u64, bytes: usize) {
        if id != self.probe.id || self.is_sent() {
            return;
        }
        let first = self.range.map_or(sequence, |(first, _)| first);
        self.range = Some((first, sequence));
        self.bytes_sent += bytes;
        self.packets_sent += 1;
    }

    /// Numbers of its first packet and its last.
    pub(super) fn range(&self) -> Option<(u64, u64)> {
        self.range
    }

    /// Whether a packet is part of it.
    pub(super) fn contains(&self, sequence: u64) -> bool {
        self.range
            .is_some_and(|(first, last)| (first..=last).contains(&sequence))
    }

    /// A packet that is part of it has been reported: sent and received at these times.
    pub(super) fn handle_report(&mut self, sent_us: u64, arrival_us: Option<i64>, bytes: u32) {
        self.reported += 1;
        if let Some(arrival_us) = arrival_us {
            self.received += 1;
            self.sending.insert(sent_us as i64, bytes);
            self.arrival.insert(arrival_us, bytes);
        }
    }

    /// What it has shown, once it has been reported about as far as it will be.
    pub(super) fn outcome(&self, highest_reported: u64) -> Option<Outcome> {
        let (first, last) = self.range.filter(|_| self.is_sent())?;
        if highest_reported < last {
            return None;
        }
        let packets = last.saturating_sub(first).saturating_add(1);
        let is_known = self.reported * 100 >= packets.saturating_mul(MIN_REPORTED_PERCENT)
            && self.received * 2 >= self.probe.min_packets as u64;
        Some(match is_known {
            true => self.measure(),
            false => Outcome::Unclear,
        })
    }

    /// Whether all of it has been sent.
    pub(super) fn is_sent(&self) -> bool {
        self.bytes_sent >= self.probe.bytes && self.packets_sent >= self.probe.min_packets
    }

    fn measure(&self) -> Outcome {
        let aim = self.probe.rate_bps as f64;
        let was_sent_at_once = self.sending.length_us() < MIN_SENDING_US;
        let sent = match was_sent_at_once {
            true => aim,
            false => self.sending.rate_bps(self.sending.last_bytes),
        };
        let received = self.arrival.rate_bps(self.arrival.first_bytes);
        if received > sent * MAX_COMPRESSION && !was_sent_at_once {
            return Outcome::Unclear;
        }
        let tried = sent.min(aim);
        match received >= tried * CARRIED_SHARE {
            true => Outcome::Carried(tried.min(received) as u64),
            false => Outcome::Saturated(received as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Probe = Probe {
        id: ProbeId(1),
        rate_bps: 1_000_000,
        bytes: 10_000,
        min_packets: 5,
    };

    /// The outcome of ten packets of 1,000 bytes sent and received at these intervals.
    fn outcome(sent_every_us: u64, arriving_every_us: i64) -> Option<Outcome> {
        let mut cluster = Cluster::new(0, PROBE);
        for sequence in 0..10 {
            cluster.handle_sent(PROBE.id, sequence, 1_000);
            cluster.handle_report(
                sequence * sent_every_us,
                Some(-7 + sequence as i64 * arriving_every_us),
                1_000,
            );
        }
        cluster.outcome(9)
    }

    #[test]
    fn is_carried_if_it_arrives_as_it_was_sent() {
        assert_eq!(outcome(8_000, 8_000), Some(Outcome::Carried(1_000_000)));
        assert_eq!(outcome(8_000, 7_000), Some(Outcome::Carried(1_000_000)));
        assert_eq!(outcome(8_000, 8_500), Some(Outcome::Carried(941_176)));
    }

    #[test]
    fn shows_the_capacity_if_it_arrives_slower() {
        assert_eq!(outcome(8_000, 16_000), Some(Outcome::Saturated(500_000)));
    }

    #[test]
    fn tells_nothing_if_it_was_held_up() {
        assert_eq!(outcome(8_000, 1_000), Some(Outcome::Unclear));
    }

    #[test]
    fn may_be_sent_at_once() {
        assert_eq!(outcome(0, 0), Some(Outcome::Carried(1_000_000)));
        assert_eq!(outcome(0, 16_000), Some(Outcome::Saturated(500_000)));
    }

    #[test]
    fn waits_for_its_last_packet() {
        let mut cluster = Cluster::new(0, PROBE);
        for sequence in 0..10 {
            assert_eq!(cluster.outcome(u64::MAX), None);
            cluster.handle_sent(PROBE.id, sequence, 1_000);
        }

        assert_eq!(cluster.outcome(8), None);
        assert_eq!(cluster.outcome(9), Some(Outcome::Unclear));
    }

    #[test]
    fn bears_any_clock() {
        let mut cluster = Cluster::new(0, PROBE);
        for (sequence, arrival_us) in (0..10).zip([i64::MAX, i64::MIN, 0].into_iter().cycle()) {
            cluster.handle_sent(PROBE.id, sequence, 1_000);
            cluster.handle_report(sequence * 8_000, Some(arrival_us), 1_000);
        }

        assert!(matches!(cluster.outcome(9), Some(Outcome::Saturated(_))));
    }
}
