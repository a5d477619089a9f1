//! Counts and gauges, in Prometheus' form.
//!
//! What happens once a join or a request is counted here directly. What happens once a packet is
//! counted by each worker in plain integers of its own; [`Metrics::read_workers_with`] says how to
//! sum them up, and that is done when somebody looks.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::net::{BOUNDS_US, Transit};
use crate::recorder::StoreCounters;

/// Everything this process counts. Fields may be cloned and counted up from any thread.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    workers: Workers,
    /// Participants who got into a room.
    pub joins: Counter,
    /// Participants who did not, and why.
    pub join_refusals: Family<Reason, Counter>,
    /// Signalling messages from participants.
    pub signal_messages_in: Counter,
    /// Signalling messages to participants.
    pub signal_messages_out: Counter,
    /// Panics that ended one participant and nothing else.
    pub panics: Counter,
    /// Requests to the public HTTP server.
    pub api_requests: Family<RequestLabels, Counter>,
    /// Requests and connections refused because a limit is reached.
    pub limits_hit: Family<Limit, Counter>,
}

/// Why something was refused or dropped.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Reason {
    /// A word or two, from a fixed set.
    pub reason: &'static str,
}

/// Which limit was reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Limit {
    /// The setting's name.
    pub limit: &'static str,
}

/// A sort of request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The route's pattern, never the path itself, so that names of rooms stay out of the metrics.
    pub route: String,
    /// The method.
    pub method: String,
    /// The status of the answer.
    pub status: u16,
}

/// What the workers have counted, summed up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counters {
    /// Datagrams received.
    pub packets_in: u64,
    /// Datagrams sent.
    pub packets_out: u64,
    /// Bytes of datagrams received.
    pub bytes_in: u64,
    /// Bytes of datagrams sent.
    pub bytes_out: u64,
    /// Media packets forwarded to receivers.
    pub packets_forwarded: u64,
    /// Media packets sent again to receivers that had missed them.
    pub packets_resent: u64,
    /// Media packets handed from one worker to another.
    pub packets_linked: u64,
    /// Keyframes asked of publishers.
    pub keyframe_requests: u64,
    /// How long packets have been in the server.
    pub transit: Transit,
    /// Share of the last moment that each worker was busy for, 0 to 1.
    pub busy: Vec<f64>,
    /// Datagrams dropped, by reason.
    pub dropped: BTreeMap<&'static str, u64>,
    /// Packets and sessions that RTP dumps lack, by reason.
    pub dump_omissions: BTreeMap<&'static str, u64>,
    /// Rooms now.
    pub rooms: u64,
    /// Participants now.
    pub participants: u64,
    /// Published tracks now.
    pub publications: u64,
    /// Subscriptions now.
    pub subscriptions: u64,
    /// Mixes that run.
    pub mixes: u64,
    /// Recordings of this node, by how they stand.
    pub recordings: BTreeMap<&'static str, u64>,
    /// Recordings that should have begun by themselves and did not, by reason.
    pub recordings_not_begun: BTreeMap<&'static str, u64>,
    /// Free bytes of the disk of recordings, once it is known.
    pub recording_free_bytes: Option<u64>,
    /// What the object store makes of recordings, if there is one.
    pub recording_store: Option<StoreCounters>,
}

impl Metrics {
    /// Starts counting from zero.
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("plenary");
        let workers = Workers::default();
        registry.register_collector(Box::new(workers.clone()));
        let mut metrics = Self {
            workers,
            joins: Counter::default(),
            join_refusals: Family::default(),
            signal_messages_in: Counter::default(),
            signal_messages_out: Counter::default(),
            panics: Counter::default(),
            api_requests: Family::default(),
            limits_hit: Family::default(),
            registry: Registry::default(),
        };
        metrics.register(&mut registry);
        metrics.registry = registry;
        Arc::new(metrics)
    }

    fn register(&self, registry: &mut Registry) {
        registry.register(
            "joins",
            "Participants who got into a room",
            self.joins.clone(),
        );
        registry.register(
            "join_refusals",
            "Participants who did not get in",
            self.join_refusals.clone(),
        );
        registry.register(
            "signal_messages_in",
            "Signalling messages received",
            self.signal_messages_in.clone(),
        );
        registry.register(
            "signal_messages_out",
            "Signalling messages sent",
            self.signal_messages_out.clone(),
        );
        registry.register(
            "panics",
            "Panics that ended one participant only",
            self.panics.clone(),
        );
        registry.register(
            "http_requests",
            "Requests to the public HTTP server",
            self.api_requests.clone(),
        );
        registry.register(
            "limits_hit",
            "Refusals because a limit is reached",
            self.limits_hit.clone(),
        );
    }

    /// Says where to read the workers' counts. The first call counts.
    pub fn read_workers_with(&self, read: impl Fn() -> Counters + Send + Sync + 'static) {
        let _ = self.workers.0.set(Box::new(read));
    }

    /// Everything in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` does not fail; a metric that cannot be written is left out.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }
}

type ReadCounters = Box<dyn Fn() -> Counters + Send + Sync>;

/// Reads the workers' counts when metrics are read.
#[derive(Clone, Default)]
struct Workers(Arc<OnceLock<ReadCounters>>);

impl fmt::Debug for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Workers")
    }
}

impl Collector for Workers {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let counters = self.0.get().map(|read| read()).unwrap_or_default();
        for (name, help, count) in [
            ("packets_in", "Datagrams received", counters.packets_in),
            ("packets_out", "Datagrams sent", counters.packets_out),
            ("bytes_in", "Bytes of datagrams received", counters.bytes_in),
            ("bytes_out", "Bytes of datagrams sent", counters.bytes_out),
            (
                "packets_forwarded",
                "Media packets forwarded to receivers",
                counters.packets_forwarded,
            ),
            (
                "packets_resent",
                "Media packets sent again because they were missed",
                counters.packets_resent,
            ),
            (
                "packets_linked",
                "Media packets handed from one worker to another",
                counters.packets_linked,
            ),
            (
                "keyframe_requests",
                "Keyframes asked of publishers",
                counters.keyframe_requests,
            ),
        ] {
            ConstCounter::new(count).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Counter,
            )?)?;
        }
        for (name, help, counts) in [
            ("dropped_datagrams", "Datagrams dropped", &counters.dropped),
            (
                "rtp_dump_omissions",
                "Packets and sessions that RTP dumps lack",
                &counters.dump_omissions,
            ),
            (
                "recordings_not_begun",
                "Tries in vain to begin a recording of a room that records itself",
                &counters.recordings_not_begun,
            ),
        ] {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            for (reason, count) in counts {
                ConstCounter::new(*count).encode(family.encode_family(&[("reason", *reason)])?)?;
            }
        }
        let help = "Rooms that are mixed";
        let gauge = encoder.encode_descriptor("mixes", help, None, MetricType::Gauge)?;
        ConstGauge::new(counters.mixes as i64).encode(gauge)?;
        let help = "Recordings, by how they stand";
        let mut family = encoder.encode_descriptor("recordings", help, None, MetricType::Gauge)?;
        for (state, count) in &counters.recordings {
            ConstGauge::new(*count as i64).encode(family.encode_family(&[("state", *state)])?)?;
        }
        if let Some(bytes) = counters.recording_free_bytes {
            let help = "Free bytes of the disk of recordings";
            let gauge = encoder.encode_descriptor(
                "recording_disk_free_bytes",
                help,
                None,
                MetricType::Gauge,
            )?;
            ConstGauge::new(bytes as i64).encode(gauge)?;
        }
        if let Some(store) = &counters.recording_store {
            encode_store(&mut encoder, store)?;
        }
        let bounds = BOUNDS_US.iter().map(|us| *us as f64 / 1e6);
        let buckets: Vec<(f64, u64)> = bounds
            .chain([f64::INFINITY])
            .zip(counters.transit.counts)
            .collect();
        encoder
            .encode_descriptor(
                "forward_latency_seconds",
                "Time from a packet's arrival to its leaving for a receiver",
                None,
                MetricType::Histogram,
            )?
            .encode_histogram::<[(&str, &str); 0]>(
                counters.transit.sum_us as f64 / 1e6,
                counters.transit.count(),
                &buckets,
                None,
            )?;
        let mut busy = encoder.encode_descriptor(
            "worker_busy_ratio",
            "Share of the last moment that a worker was busy for",
            None,
            MetricType::Gauge,
        )?;
        for (worker, share) in counters.busy.iter().enumerate() {
            let worker = worker.to_string();
            ConstGauge::new(*share).encode(busy.encode_family(&[("worker", worker.as_str())])?)?;
        }
        for (name, help, count) in [
            ("rooms", "Rooms", counters.rooms),
            ("participants", "Participants", counters.participants),
            ("publications", "Published tracks", counters.publications),
            ("subscriptions", "Subscriptions", counters.subscriptions),
        ] {
            ConstGauge::new(count).encode(encoder.encode_descriptor(
                name,
                help,
                None,
                MetricType::Gauge,
            )?)?;
        }
        Ok(())
    }
}

fn encode_store(
    encoder: &mut DescriptorEncoder<'_>,
    store: &StoreCounters,
) -> Result<(), fmt::Error> {
    for (name, help, count) in [
        (
            "recording_stored_bytes",
            "Bytes of recordings sent to the object store",
            store.sent_bytes,
        ),
        (
            "recording_store_failures",
            "Tries to store a recording that have failed",
            store.failures,
        ),
    ] {
        let counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(count).encode(counter)?;
    }
    let help = "Files of ended recordings that the object store does not have";
    let name = "recording_store_missing_files";
    let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(store.missing_files as i64).encode(gauge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_read_when_somebody_looks() {
        let metrics = Metrics::new();
        assert!(metrics.text().contains("plenary_packets_in_total 0\n"));

        metrics.read_workers_with(|| Counters {
            packets_in: 7,
            rooms: 2,
            busy: vec![0.5],
            dropped: BTreeMap::from([("unknown_source", 3)]),
            dump_omissions: BTreeMap::from([("queue_full", 5)]),
            mixes: 6,
            recordings: BTreeMap::from([("recording", 4)]),
            recordings_not_begun: BTreeMap::from([("no_space", 6)]),
            recording_free_bytes: Some(9),
            recording_store: Some(StoreCounters {
                missing_files: 6,
                ..StoreCounters::default()
            }),
            ..Counters::default()
        });
        metrics.joins.inc();
        let text = metrics.text();

        for line in [
            "plenary_packets_in_total 7\n",
            "plenary_rooms 2\n",
            "plenary_worker_busy_ratio{worker=\"0\"} 0.5\n",
            "plenary_dropped_datagrams_total{reason=\"unknown_source\"} 3\n",
            "plenary_rtp_dump_omissions_total{reason=\"queue_full\"} 5\n",
            "plenary_mixes 6\n",
            "plenary_recordings_not_begun_total{reason=\"no_space\"} 6\n",
            "plenary_recordings{state=\"recording\"} 4\n",
            "plenary_recording_disk_free_bytes 9\n",
            "plenary_recording_store_missing_files 6\n",
            "plenary_joins_total 1\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
