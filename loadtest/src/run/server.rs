//! The server's process and metrics in the course of a run.

use std::time::Instant;

use anyhow::Result;
use tokio::runtime::Runtime;

use super::Settings;
use crate::measure::{Metrics, Processes, Usage, scrape};
use crate::report::{Report, Second, ServerCost};

/// See the module.
#[derive(Debug)]
pub(super) struct ServerWatch {
    processes: Option<Processes>,
    metrics: Option<(Runtime, String)>,
    steady_from: u32,
    before: Usage,
    last: Usage,
    last_at: Instant,
    /// When the steady time began.
    begin: Option<(Usage, Metrics)>,
    /// Packets subscribers received since, as long as somebody looked.
    packets: u64,
    bytes: u64,
    rss_peak: u64,
}

impl ServerWatch {
    pub(super) fn new(settings: &Settings, steady_from: u32) -> Result<Self> {
        let pids = &settings.server_pids;
        let processes = (!pids.is_empty())
            .then(|| Processes::watch(pids))
            .transpose()?;
        let before = processes.as_ref().map(Processes::usage).unwrap_or_default();
        let metrics = match &settings.metrics_url {
            None => None,
            Some(url) => {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()?;
                // A wrong address should come out before the run, not after.
                runtime.block_on(scrape(url))?;
                Some((runtime, url.clone()))
            }
        };
        Ok(Self {
            processes,
            metrics,
            steady_from,
            before,
            last: before,
            last_at: Instant::now(),
            begin: None,
            packets: 0,
            bytes: 0,
            rss_peak: 0,
        })
    }

    /// Looks at the end of each second.
    pub(super) fn note(&mut self, second: &mut Second) {
        if let Some(processes) = &self.processes {
            let (usage, now) = (processes.usage(), Instant::now());
            let elapsed_s = (now - self.last_at).as_secs_f64().max(0.001);
            second.server_cpu = Some((usage.cpu_s() - self.last.cpu_s()) / elapsed_s);
            second.server_cpu_system = Some((usage.system_s - self.last.system_s) / elapsed_s);
            second.server_rss_bytes = Some(usage.rss_bytes);
            (self.last, self.last_at) = (usage, now);
        }
        if self.begin.is_some() {
            self.packets += second.packets_received;
            self.bytes += second.bytes_received;
            self.rss_peak = self.rss_peak.max(self.last.rss_bytes);
        } else if second.second + 1 >= self.steady_from {
            self.begin = Some((self.last, self.scrape()));
        }
    }

    pub(super) fn into_report(self, report: &mut Report) {
        let Some((begin, metrics)) = &self.begin else {
            return;
        };
        if self.processes.is_none() && self.metrics.is_none() {
            return;
        }
        let user_s = self.last.user_s - begin.user_s;
        let system_s = self.last.system_s - begin.system_s;
        let packets = self.packets.max(1) as f64;
        let cpu_s = (user_s + system_s).max(1e-9);
        let switches = self
            .last
            .context_switches
            .saturating_sub(begin.context_switches);
        let grown = self.rss_peak.saturating_sub(self.before.rss_bytes) as f64;
        let per = |count: usize| grown / count.max(1) as f64;
        let mut cost = ServerCost {
            packets_forwarded: self.packets,
            metrics: self.differences(metrics),
            ..ServerCost::default()
        };
        if let Some(processes) = &self.processes {
            cost = ServerCost {
                pids: processes.pids(),
                cpu_user_s: user_s,
                cpu_system_s: system_s,
                cpu_us_per_packet: cpu_s * 1e6 / packets,
                cpu_system_us_per_packet: system_s * 1e6 / packets,
                packets_per_core_second: packets / cpu_s,
                bits_per_core_second: self.bytes as f64 * 8.0 / cpu_s,
                rss_before_bytes: self.before.rss_bytes,
                rss_peak_bytes: self.rss_peak,
                rss_per_participant_bytes: per(report.plan.participants),
                rss_per_subscription_bytes: per(report.plan.subscriptions),
                context_switches_per_packet: Some(switches as f64 / packets),
                ..cost
            };
        }
        report.server_cost = Some(cost);
    }

    fn scrape(&self) -> Metrics {
        let metrics = self.metrics.as_ref();
        metrics.map_or_else(Metrics::new, |(runtime, url)| {
            runtime.block_on(scrape(url)).unwrap_or_default()
        })
    }

    /// What counters have risen by since the steady time began.
    fn differences(&self, before: &Metrics) -> Metrics {
        let mut metrics = self.scrape();
        for (name, value) in &mut metrics {
            if name.ends_with("_total") || name.ends_with("_count") || name.ends_with("_sum") {
                *value -= before.get(name).copied().unwrap_or(0.0);
            }
        }
        metrics
    }
}
