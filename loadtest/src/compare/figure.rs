//! What servers are compared by.

use crate::report::Report;

/// A figure of a run.
#[derive(Debug)]
pub struct Figure {
    /// In words.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Digits after the point.
    pub digits: usize,
    /// Reads it; nothing if it was not measured or means nothing.
    pub value: fn(&Report) -> Option<f64>,
}

/// All of them; less is better, unless the name says otherwise.
pub const FIGURES: [Figure; 8] = [
    Figure {
        name: "server CPU per forwarded packet",
        unit: "µs",
        digits: 1,
        value: |report| watched(report).map(|cost| cost.cpu_us_per_packet),
    },
    Figure {
        name: "memory per participant",
        unit: "kB",
        digits: 0,
        value: |report| watched(report).map(|cost| cost.rss_per_participant_bytes / 1_000.0),
    },
    Figure {
        name: "context switches per packet",
        unit: "",
        digits: 3,
        value: |report| watched(report)?.context_switches_per_packet,
    },
    Figure {
        name: "latency added, median",
        unit: "ms",
        digits: 2,
        value: |report| Some(report.direct.as_ref()?.added_p50_ms),
    },
    Figure {
        name: "latency added, 99th percentile",
        unit: "ms",
        digits: 2,
        value: |report| Some(report.direct.as_ref()?.added_p99_ms),
    },
    Figure {
        name: "time to join, median",
        unit: "ms",
        digits: 1,
        value: |report| (report.join_ms.count > 0).then_some(report.join_ms.p50),
    },
    Figure {
        name: "time to the first picture, median",
        unit: "ms",
        digits: 1,
        value: |report| (report.first_frame_ms.count > 0).then_some(report.first_frame_ms.p50),
    },
    LARGEST_SIZE,
];

/// What a search for the limit is about.
pub(super) const LARGEST_SIZE: Figure = Figure {
    name: "largest size that holds the bars (more is better)",
    unit: "",
    digits: 0,
    value: largest_size,
};

/// The server's cost, if its process was watched.
fn watched(report: &Report) -> Option<&crate::report::ServerCost> {
    report
        .server_cost
        .as_ref()
        .filter(|cost| !cost.pids.is_empty())
}

fn largest_size(report: &Report) -> Option<f64> {
    let held = report.limit_search.iter().filter(|step| step.passed);
    held.map(|step| step.size as f64).reduce(f64::max)
}
