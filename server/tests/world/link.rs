//! A one-way link with loss, delay, jitter and a rate, all from the world's seed.

use std::time::{Duration, Instant};

use rand::RngExt;
use rand_chacha::ChaCha20Rng;

/// What a link does to datagrams.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// Share of datagrams lost, 0 to 1.
    pub loss: f64,
    /// Time from end to end.
    pub delay: Duration,
    /// Up to this much more, at random; datagrams overtake each other.
    pub jitter: Duration,
    /// Bits per second, with a queue of a quarter of a second; `None` for no limit.
    pub rate_bps: Option<u64>,
    /// Whether nothing passes at all.
    pub is_cut: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            loss: 0.0,
            delay: Duration::from_millis(10),
            jitter: Duration::ZERO,
            rate_bps: None,
            is_cut: false,
        }
    }
}

/// Longest time a datagram may wait for a slow link.
const QUEUE: Duration = Duration::from_millis(250);

/// A link in use.
#[derive(Debug, Default)]
pub struct Wire {
    pub link: Link,
    free_at: Option<Instant>,
}

impl Wire {
    /// When a datagram comes out at the far end, if it does.
    pub fn pass(&mut self, now: Instant, bytes: usize, rng: &mut ChaCha20Rng) -> Option<Instant> {
        if self.link.is_cut || rng.random_bool(self.link.loss) {
            return None;
        }
        let mut leaves = now;
        if let Some(rate_bps) = self.link.rate_bps {
            let starts = self.free_at.map_or(now, |free_at| free_at.max(now));
            if starts - now > QUEUE {
                return None;
            }
            leaves = starts + Duration::from_secs_f64((bytes + 28) as f64 * 8.0 / rate_bps as f64);
            self.free_at = Some(leaves);
        }
        let jitter = self.link.jitter.mul_f64(rng.random_range(0.0..1.0));
        Some(leaves + self.link.delay + jitter)
    }
}
