//! What a run has to tell. The JSON report is this, field by field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the JSON report's shape; it rises when a field changes its meaning or goes.
pub const REPORT_VERSION: u32 = 1;

/// One run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub report_version: u32,
    /// Version of the tester.
    pub tester_version: String,
    /// Name of the scenario.
    pub scenario: String,
    /// Its one-line description.
    pub summary: String,
    /// Where the server is.
    pub server: String,
    /// How it was spoken to: `livekit`, `whip` or `janus`.
    pub protocol: String,
    /// Replays the same joins, churn and samples.
    pub seed: u64,
    /// When the run began, RFC 3339, UTC.
    pub started: String,
    /// From the first join to the end, in seconds.
    pub duration_s: f64,
    /// The seconds from which and to which bars and averages are taken: everybody has joined.
    pub steady_from_s: f64,
    /// End of the steady time.
    pub steady_to_s: f64,
    /// Whether every bar held.
    pub passed: bool,
    /// Why the run ended early, if it did.
    pub aborted: Option<String>,
    /// What was asked for.
    pub plan: PlanSummary,
    /// What was asked of the quality, and what was seen.
    pub bars: Vec<BarResult>,
    /// Sums over the run.
    pub totals: Totals,
    /// The same for the steady time alone.
    pub steady: Totals,
    /// Latency from capture to a complete picture at the receiver, in milliseconds, steady time.
    pub video_latency_ms: Distribution,
    /// Latency from capture to arrival of sound, in milliseconds, steady time.
    pub audio_latency_ms: Distribution,
    /// From the first connection attempt to a transport that carries media, in milliseconds.
    pub join_ms: Distribution,
    /// From the moment both sides are there to the first complete picture, in milliseconds.
    pub first_frame_ms: Distribution,
    /// How far apart sound and picture would be played by what sender reports say, steady time.
    pub lip_sync_ms: Distribution,
    /// Second by second.
    pub seconds: Vec<Second>,
    /// What the server's process spent, if it could be watched.
    pub server_cost: Option<ServerCost>,
    /// What the tester itself spent.
    pub tester_cost: TesterCost,
    /// The same media without a server, in the same run.
    pub direct: Option<DirectPath>,
    /// Streams that were truly decoded.
    pub decoded: Decoded,
    /// What was wrong, oldest first; at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// All findings by kind, also those beyond the list.
    pub findings_by_kind: BTreeMap<String, u64>,
    /// Those of the steady time by kind, without what decoding found.
    pub steady_findings_by_kind: BTreeMap<String, u64>,
    /// Every subscription there was.
    pub subscriptions: Vec<SubscriptionSummary>,
    /// The sizes tried, in order, if the limit was searched for; the report is then that of the
    /// largest size that held.
    pub limit_search: Vec<LimitStep>,
}

/// A size that was tried.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LimitStep {
    /// The scenario's size.
    pub size: usize,
    /// Participants that made.
    pub participants: usize,
    /// Packets received by subscribers in a second of the steady time.
    pub packets_per_second: f64,
    /// Whether every bar held.
    pub passed: bool,
    /// Names of the bars that did not.
    pub broken_bars: Vec<String>,
    /// The server's CPU time, in cores.
    pub server_cpu: Option<f64>,
    /// Share of the time the tester's busiest thread was working, 0 to 1.
    pub busiest_thread: f64,
}

/// Findings kept one by one; further ones are only counted.
pub const MAX_FINDINGS: usize = 1_000;

/// What the scenario came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PlanSummary {
    /// Number of rooms.
    pub rooms: usize,
    /// Participants in all rooms.
    pub participants: usize,
    /// Those that publish.
    pub publishers: usize,
    /// Tracks they publish.
    pub tracks: usize,
    /// Subscriptions expected at once when everybody is there.
    pub subscriptions: usize,
}

/// A quality bar.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BarResult {
    /// Its name in the scenario file.
    pub name: String,
    /// What it means, in words.
    pub meaning: String,
    /// The most allowed.
    pub limit: f64,
    /// What was measured; nothing if there was nothing to measure.
    pub measured: Option<f64>,
    /// Unit of both.
    pub unit: String,
    /// Whether it held. A bar with nothing to measure has not.
    pub held: bool,
}

/// Sums over the run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Participants that connected at least once.
    pub joined: u64,
    /// Attempts to join that failed.
    pub join_failures: u64,
    /// Connections lost in the middle.
    pub disconnects: u64,
    /// Times a participant came back, by plan or after a loss.
    pub reconnects: u64,
    /// RTP packets publishers sent, retransmissions not counted.
    pub packets_sent: u64,
    /// RTP payload bytes publishers sent.
    pub bytes_sent: u64,
    /// RTP packets subscribers received.
    pub packets_received: u64,
    /// RTP payload bytes subscribers received.
    pub bytes_received: u64,
    /// Packets that never came.
    pub packets_lost: u64,
    /// Packets that came after a later one: reordered, or lost and sent again.
    pub packets_late: u64,
    /// Complete pictures received.
    pub frames: u64,
    /// Pictures that could not be shown, for want of a packet.
    pub frames_broken: u64,
    /// Freezes, by the W3C's definition.
    pub freezes: u64,
    /// Their duration in all, in seconds.
    pub frozen_s: f64,
    /// Seconds of pictures there should have been, over all subscriptions.
    pub watched_s: f64,
    /// Gaps in sound of 150 ms and more.
    pub interruptions: u64,
    /// Subscriptions that were expected and never carried anything.
    pub subscriptions_silent: u64,
    /// Data messages sent.
    pub messages_sent: u64,
    /// Data messages received.
    pub messages_received: u64,
}

/// A distribution's figures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Number of values; without any, the rest is zero.
    pub count: u64,
    /// Mean.
    pub mean: f64,
    /// Median.
    pub p50: f64,
    /// 90th percentile.
    pub p90: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 99.9th percentile.
    pub p999: f64,
    /// Largest.
    pub max: f64,
}

/// One second of the run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Second {
    /// Since the start.
    pub second: u32,
    /// Participants connected at its end.
    pub connected: u32,
    /// Subscriptions that carried something in it.
    pub subscriptions: u32,
    /// RTP packets sent by publishers.
    pub packets_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// RTP payload bytes received.
    pub bytes_received: u64,
    /// Packets given up as lost.
    pub packets_lost: u64,
    /// Complete pictures.
    pub frames: u64,
    /// Pictures received by encoding, lowest first.
    pub frames_by_encoding: Vec<u64>,
    /// Freezes that ended in it.
    pub freezes: u32,
    /// Video latency, in milliseconds.
    pub video_latency_ms: Distribution,
    /// Audio latency, in milliseconds.
    pub audio_latency_ms: Distribution,
    /// Findings in it.
    pub findings: u32,
    /// The server's CPU time, in cores: 1.5 is one and a half.
    pub server_cpu: Option<f64>,
    /// Of that, in the kernel.
    pub server_cpu_system: Option<f64>,
    /// The server's resident memory, in bytes.
    pub server_rss_bytes: Option<u64>,
    /// The tester's CPU time, in cores.
    pub tester_cpu: f64,
}

/// What the server's process spent in the steady time.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ServerCost {
    /// Processes watched.
    pub pids: Vec<u32>,
    /// CPU seconds in user mode.
    pub cpu_user_s: f64,
    /// CPU seconds in the kernel.
    pub cpu_system_s: f64,
    /// Packets forwarded in that time: those received by subscribers.
    pub packets_forwarded: u64,
    /// CPU microseconds per forwarded packet.
    pub cpu_us_per_packet: f64,
    /// Of that, in the kernel.
    pub cpu_system_us_per_packet: f64,
    /// Packets per second a whole core would forward at this cost.
    pub packets_per_core_second: f64,
    /// Payload bits per second a whole core would forward at this cost.
    pub bits_per_core_second: f64,
    /// Resident memory before anybody joined, in bytes.
    pub rss_before_bytes: u64,
    /// Resident memory at its highest in the steady time, in bytes.
    pub rss_peak_bytes: u64,
    /// Growth per participant, in bytes.
    pub rss_per_participant_bytes: f64,
    /// Growth per subscription, in bytes.
    pub rss_per_subscription_bytes: f64,
    /// Context switches per forwarded packet.
    pub context_switches_per_packet: Option<f64>,
    /// System calls per forwarded packet, where the system tells.
    pub system_calls_per_packet: Option<f64>,
    /// Metrics scraped from the server at the end of the steady time, less those at its begin.
    pub metrics: BTreeMap<String, f64>,
}

/// What the tester spent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TesterCost {
    /// Threads that carry participants.
    pub threads: usize,
    /// CPU seconds in the steady time.
    pub cpu_s: f64,
    /// CPU microseconds per packet sent or received.
    pub cpu_us_per_packet: f64,
    /// Share of the steady time its busiest thread was working, 0 to 1. Above 0.9 the tester is
    /// the limit, and latencies are its own.
    pub busiest_thread: f64,
    /// Longest time a thread was late for a timer, in milliseconds.
    pub lateness_max_ms: f64,
}

/// The same media between two sessions of the tester, without a server.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DirectPath {
    /// Latency of pictures, in milliseconds.
    pub video_latency_ms: Distribution,
    /// Latency of sound, in milliseconds.
    pub audio_latency_ms: Distribution,
    /// What the server added to the median, in milliseconds: pictures.
    pub added_p50_ms: f64,
    /// What the server added to the 99th percentile, in milliseconds: pictures.
    pub added_p99_ms: f64,
}

/// What the rotating sample showed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Decoded {
    /// Video subscriptions sampled.
    pub video_streams: u64,
    /// Pictures decoded.
    pub pictures: u64,
    /// Of those, right: person, size, number.
    pub pictures_right: u64,
    /// Audio subscriptions sampled.
    pub audio_streams: u64,
    /// Stretches of sound decoded.
    pub tones: u64,
    /// Of those, right.
    pub tones_right: u64,
    /// Samples left out because the checker was busy.
    pub skipped: u64,
}

/// Something that was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Second of the run.
    pub second: u32,
    /// Kind, for counting: `freeze`, `wrong-person`, `loss`, ...
    pub kind: String,
    /// Who saw it.
    pub participant: String,
    /// Whose track, and which: `r0-p3 camera`.
    pub track: Option<String>,
    /// In words.
    pub what: String,
}

/// One subscription.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SubscriptionSummary {
    /// Who watches.
    pub participant: String,
    /// Whom.
    pub publisher: String,
    /// `video` or `audio`.
    pub kind: String,
    /// RTP packets received.
    pub packets: u64,
    /// RTP packets that never came.
    pub lost: u64,
    /// RTP packets that came after a later one.
    pub late: u64,
    /// Complete pictures, or packets of sound.
    pub frames: u64,
    /// Freezes, or interruptions of sound.
    pub freezes: u32,
    /// How long they were in all, in seconds.
    pub frozen_s: f64,
    /// From the moment both sides were there to the first complete picture or sound.
    pub first_frame_ms: Option<f64>,
    /// Mean latency in milliseconds.
    pub latency_mean_ms: f64,
    /// Largest latency in milliseconds.
    pub latency_max_ms: f64,
    /// Encoding last received, 0 lowest.
    pub encoding: Option<u8>,
    /// Switches between encodings.
    pub switches: u32,
}
