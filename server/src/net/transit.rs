//! How long packets are in the server: from when the kernel got them to when it has what goes out.

use std::time::Duration;

/// Upper bounds of the classes, in microseconds; the last class has none.
pub const BOUNDS_US: [u64; 13] = [
    25, 50, 100, 200, 350, 500, 750, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000,
];

/// Times in classes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transit {
    /// How many packets took how long, by class.
    pub counts: [u64; BOUNDS_US.len() + 1],
    /// The sum of all times, in microseconds.
    pub sum_us: u64,
}

impl Transit {
    /// Counts so many packets that took a time.
    pub fn record(&mut self, span: Duration, packets: u64) {
        let us = span.as_micros() as u64;
        let class = BOUNDS_US.partition_point(|bound| *bound < us);
        self.counts[class] += packets;
        self.sum_us += us * packets;
    }

    /// How many packets were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Adds another's times.
    pub fn add(&mut self, other: &Self) {
        for (own, theirs) in self.counts.iter_mut().zip(other.counts) {
            *own += theirs;
        }
        self.sum_us += other.sum_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_class() {
        let mut transit = Transit::default();
        for (us, packets) in [(0, 1), (25, 2), (26, 4), (1_000, 8), (70_000, 16)] {
            transit.record(Duration::from_micros(us), packets);
        }

        let class = |bound| BOUNDS_US.iter().position(|own| *own == bound);
        assert_eq!(transit.counts[0], 3);
        assert_eq!(transit.counts[1], 4);
        assert_eq!(class(1_000).map(|class| transit.counts[class]), Some(8));
        assert_eq!(transit.counts.last(), Some(&16));
        assert_eq!(transit.count(), 31);
    }
}
