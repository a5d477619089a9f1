//! How often somebody may do something.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Instant;

use crate::config::Limits;

/// Addresses remembered. Beyond it, those that have not joined lately are forgotten.
const MAX_ADDRESSES: usize = 10_000;

/// Tokens that refill with time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    tokens: f64,
    since: Instant,
    per_second: f64,
    burst: f64,
}

impl Bucket {
    pub(super) fn new(now: Instant, per_second: f64, burst: f64) -> Self {
        Self {
            tokens: burst,
            since: now,
            per_second,
            burst,
        }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        self.tokens = elapsed
            .mul_add(self.per_second, self.tokens)
            .min(self.burst);
        self.since = now;
        let has_one = self.tokens >= 1.0;
        if has_one {
            self.tokens -= 1.0;
        }
        has_one
    }

    fn is_full(&self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        elapsed.mul_add(self.per_second, self.tokens) >= self.burst
    }
}

/// Joins by address.
#[derive(Debug)]
pub(super) struct JoinRates {
    per_second: f64,
    burst: f64,
    buckets: HashMap<IpAddr, Bucket>,
}

impl JoinRates {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            per_second: f64::from(limits.joins_per_second),
            burst: f64::from(limits.join_burst),
            buckets: HashMap::new(),
        }
    }

    pub(super) fn allow(&mut self, now: Instant, ip: IpAddr) -> bool {
        // A machine on the loopback is this one: tests and load testers, not strangers.
        if ip.to_canonical().is_loopback() {
            return true;
        }
        if self.buckets.len() >= MAX_ADDRESSES {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
        }
        if self.buckets.len() >= MAX_ADDRESSES && !self.buckets.contains_key(&ip) {
            return false;
        }
        let bucket = self
            .buckets
            .entry(ip)
            .or_insert_with(|| Bucket::new(now, self.per_second, self.burst));
        bucket.take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[test]
    fn a_flood_of_joins_is_cut_to_the_rate() {
        let now = clock::now();
        let ip: IpAddr = "203.0.113.5".parse().expect("an address");
        let mut rates = JoinRates::new(&Limits::default());

        let at_once = (0..1_000).filter(|_| rates.allow(now, ip)).count();
        let later = (0..1_000)
            .filter(|_| rates.allow(now + Duration::from_secs(1), ip))
            .count();

        assert_eq!((at_once, later), (100, 20));
    }

    #[test]
    fn remembers_a_bounded_number_of_addresses() {
        let now = clock::now();
        let mut rates = JoinRates::new(&Limits::default());

        for index in 0..2 * MAX_ADDRESSES as u32 {
            rates.allow(now, IpAddr::from((0x0A00_0000 + index).to_be_bytes()));
        }

        assert!(rates.buckets.len() <= MAX_ADDRESSES);
    }
}
