//! Estimates what the path to the peer carries, from when the peer received what was sent to it.
//!
//! 1. Every packet sent is noted with its transport-wide number ([`Estimator::handle_sent`]).
//! 2. The peer's feedback tells when each arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//! 3. Packets that left together are one observation of the delay (`group.rs`). Delays that rise
//!    (`trend.rs`), with a queue that stands (`queue.rs`), mean that more is sent than the path
//!    carries (`detect.rs`), unless less traffic does not shorten it (`answer.rs`); so does heavy
//!    loss (`loss.rs`).
//! 4. The estimate then falls to what the path has just been seen to carry (`throughput.rs`), and
//!    otherwise rises as far as the traffic supports it (`rate.rs`).
//! 5. Where more is wanted than what is sent can show, short clusters of packets are sent faster
//!    (`probe.rs`) and their arrivals measured (`cluster.rs`).
//!
//! The parts are those of draft-ietf-rmcat-gcc-02 and its implementation in libwebrtc. It differs in
//! what it takes for congestion, because a forwarder is not a camera: it sends in bursts whose size
//! it does not choose, to receivers that stop reading for tens of milliseconds, and hardly ever as
//! much as the estimate. So no delay counts of which the *shortest* over a moment has not risen,
//! and the less is sent the more must it have risen. A false alarm freezes pictures; a late one
//! costs some tenths of a second of delay. What little traffic meets lowers the estimate in steps,
//! and little traffic alone never does.
//!
//! Not implemented: RFC 8888 feedback, ECN, and falling when feedback ceases (a dead path is the
//! business of ICE consent).

mod answer;
mod cluster;
mod detect;
mod group;
mod history;
mod loss;
mod probe;
mod queue;
mod rate;
mod report;
mod send_side;
mod throughput;
mod trend;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use super::PrefetchStage;

pub use send_side::SendSideEstimator;

/// Lowest estimate, in bits/s. Lower could not even carry sound (Opus at 24 kbit/s plus headers);
/// higher would claim what the weakest links lack.
pub const MIN_ESTIMATE_BPS: u64 = 30_000;

/// Highest estimate, in bits/s: more than any receiver of pictures can use.
pub const MAX_ESTIMATE_BPS: u64 = 1_000_000_000;

/// Estimates what the path to the peer carries.
pub trait Estimator: Debug {
    /// A packet has been sent. `sequence` is the extended transport-wide sequence number, ascending
    /// without gaps; `probe` names the cluster it belongs to, media and padding alike.
    fn handle_sent(&mut self, now: Instant, sequence: u64, bytes: usize, probe: Option<ProbeId>);

    /// One packet of a feedback message, in sequence order: when it arrived by the receiver's clock
    /// in microseconds, `None` if not received. Followed by [`Self::finish_feedback`].
    fn handle_arrival(&mut self, now: Instant, sequence: u64, arrival_us: Option<i64>);

    /// A feedback message has been told to its end.
    fn finish_feedback(&mut self, now: Instant);

    /// The receiver's own estimate in bits/s: an upper bound while it is renewed.
    fn handle_remb(&mut self, now: Instant, bps: u64);

    /// Share of packets lost, of 0 to 1, from a receiver report. Ignored for peers that send
    /// transport feedback.
    fn handle_loss_report(&mut self, now: Instant, fraction_lost: f32);

    /// The round-trip time as measured now.
    fn handle_round_trip(&mut self, now: Instant, round_trip: Duration);

    /// What could be used, in bits/s; 0 for nothing. Probing goes no higher than a margin above it.
    fn set_wanted(&mut self, now: Instant, bps: u64);

    /// What the path carries, in bits/s.
    fn estimate_bps(&self) -> u64;

    /// A new estimate to tell, if it has changed by more than a few per cent since last told.
    fn poll_estimate(&mut self) -> Option<u64>;

    /// A probe to send now.
    fn poll_probe(&mut self, now: Instant) -> Option<Probe>;

    /// When to call [`Self::poll_probe`] next, if nothing happens before.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Prefetches what [`Self::handle_sent`] needs.
    fn prefetch(&self, stage: PrefetchStage);
}

/// Names a cluster of probing packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProbeId(u32);

/// A cluster of packets to send at a rate, so as to see how fast it arrives.
///
/// While it lasts, everything that is sent belongs to it: media as it comes, and padding for what
/// media leaves of the rate. It ends when both `bytes` and `min_packets` have been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// To be given with every packet of the cluster.
    pub id: ProbeId,
    /// The rate to send at, media included, in bits/s.
    pub rate_bps: u64,
    /// How much to send, media included.
    pub bytes: usize,
    /// How many packets it takes at least.
    pub min_packets: usize,
}

#[cfg(test)]
mod tests;
