//! Quality bars: what must hold for a run to pass.

use serde::{Deserialize, Serialize};

use crate::report::{BarResult, Report};

/// The most allowed of each, in the steady time unless said otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bars {
    /// Joins that failed, of all, in percent, over the whole run.
    pub join_failures_percent: f64,
    /// Subscriptions that never carried anything, in percent, over the whole run.
    pub silent_percent: f64,
    /// 99th percentile of the time to the first picture, in milliseconds, over the whole run.
    pub first_frame_p99_ms: f64,
    /// RTP packets that never came, in percent.
    pub loss_percent: f64,
    /// Time in freezes, of all the time watched, in percent.
    pub frozen_percent: f64,
    /// 99th percentile of the latency of pictures, in milliseconds.
    pub video_latency_p99_ms: f64,
    /// 99th percentile of the latency of sound, in milliseconds.
    pub audio_latency_p99_ms: f64,
    /// Sound and picture of one publisher apart by more than 100 ms: such seconds.
    pub out_of_step_s: f64,
    /// Things that no load excuses: the wrong person, a wrong picture or tone, a broken order;
    /// over the whole run.
    pub wrong: f64,
}

impl Default for Bars {
    fn default() -> Self {
        Self {
            join_failures_percent: 0.0,
            silent_percent: 0.0,
            first_frame_p99_ms: 2_000.0,
            loss_percent: 0.1,
            frozen_percent: 0.5,
            video_latency_p99_ms: 150.0,
            audio_latency_p99_ms: 150.0,
            out_of_step_s: 0.0,
            wrong: 0.0,
        }
    }
}

/// Kinds of findings that no load excuses.
pub const WRONG: [&str; 6] = [
    "wrong-person",
    "wrong-picture",
    "wrong-tone",
    "wrong-order",
    "foreign-packet",
    "switch-without-keyframe",
];

/// Sound and picture too far apart in a second.
pub const OUT_OF_STEP: &str = "out-of-step";

impl Bars {
    /// Holds a run against them.
    pub fn judge(&self, report: &Report) -> Vec<BarResult> {
        let totals = &report.totals;
        let wrong = WRONG
            .iter()
            .filter_map(|kind| report.findings_by_kind.get(*kind));
        let out_of_step = report.steady_findings_by_kind.get(OUT_OF_STEP);
        let joins = totals.joined + totals.join_failures;
        let has = |count: u64, value: f64| (count > 0).then_some(value);
        let has_video = report.plan.subscriptions > 0 && totals.frames > 0;
        let mut bars = vec![
            bar(
                "join_failures_percent",
                "joins that failed",
                "%",
                self.join_failures_percent,
                percent(totals.join_failures as f64, joins as f64),
            ),
            bar(
                "loss_percent",
                "RTP packets that never came",
                "%",
                self.loss_percent,
                percent(
                    report.steady.packets_lost as f64,
                    (report.steady.packets_lost + report.steady.packets_received) as f64,
                ),
            ),
            bar(
                "silent_percent",
                "subscriptions that never carried anything",
                "%",
                self.silent_percent,
                percent(
                    totals.subscriptions_silent as f64,
                    report.plan.subscriptions as f64,
                ),
            ),
            bar(
                "wrong",
                "wrong person, picture, tone or order",
                "",
                self.wrong,
                Some(wrong.sum::<u64>() as f64),
            ),
        ];
        if has_video {
            bars.push(bar(
                "first_frame_p99_ms",
                "time to the first picture, 99th percentile",
                "ms",
                self.first_frame_p99_ms,
                has(report.first_frame_ms.count, report.first_frame_ms.p99),
            ));
            bars.push(bar(
                "frozen_percent",
                "time in freezes",
                "%",
                self.frozen_percent,
                percent(report.steady.frozen_s, report.steady.watched_s),
            ));
            bars.push(bar(
                "video_latency_p99_ms",
                "latency of pictures, 99th percentile",
                "ms",
                self.video_latency_p99_ms,
                has(report.video_latency_ms.count, report.video_latency_ms.p99),
            ));
        }
        if report.audio_latency_ms.count > 0 {
            bars.push(bar(
                "audio_latency_p99_ms",
                "latency of sound, 99th percentile",
                "ms",
                self.audio_latency_p99_ms,
                Some(report.audio_latency_ms.p99),
            ));
        }
        if has_video && report.audio_latency_ms.count > 0 {
            bars.push(bar(
                "out_of_step_s",
                "seconds with sound and picture over 100 ms apart",
                "s",
                self.out_of_step_s,
                Some(out_of_step.copied().unwrap_or(0) as f64),
            ));
        }
        bars
    }
}

fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole * 100.0)
}

fn bar(name: &str, meaning: &str, unit: &str, limit: f64, measured: Option<f64>) -> BarResult {
    BarResult {
        name: name.to_owned(),
        meaning: meaning.to_owned(),
        limit,
        measured,
        unit: unit.to_owned(),
        held: measured.is_some_and(|value| value <= limit),
    }
}
