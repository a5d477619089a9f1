//! Seconds as they come from the drivers, and what they add up to.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::Result;

use crate::measure::{Processes, Usage};
use crate::report::{DirectPath, Finding, MAX_FINDINGS, Report, Second, TesterCost, Totals};
use crate::scenario::plan::Plan;
use crate::verify::Tally;

/// See the module.
#[derive(Debug)]
pub(super) struct Gathered {
    threads: usize,
    participants: u64,
    /// First and last second of the steady time, the last not included.
    steady_from: u32,
    steady_to: u32,
    pending: BTreeMap<u32, (usize, Tally)>,
    seconds: Vec<Second>,
    total: Tally,
    steady: Tally,
    direct: Tally,
    busy_s: f64,
    own: Processes,
    usage: Usage,
    usage_at: Instant,
    steady_cpu_s: f64,
    /// Participants that are gone for good.
    gone: u64,
}

impl Gathered {
    pub(super) fn new(plan: &Plan, threads: usize) -> Result<Self> {
        let own = Processes::own()?;
        let usage = own.usage();
        Ok(Self {
            threads,
            participants: plan.participants.len() as u64,
            steady_from: plan.first_steady_second(),
            steady_to: plan.end.as_secs() as u32,
            pending: BTreeMap::new(),
            seconds: Vec::new(),
            total: Tally::default(),
            steady: Tally::default(),
            direct: Tally::default(),
            busy_s: 0.0,
            own,
            usage,
            usage_at: Instant::now(),
            steady_cpu_s: 0.0,
            gone: 0,
        })
    }

    /// Takes a second of one driver. Gives the second once all have reported it.
    pub(super) fn add(&mut self, number: u32, tally: &Tally) -> Option<&mut Second> {
        self.gone += tally.join_failures + tally.disconnects;
        if number >= self.steady_to {
            // What is left at the end is no whole second.
            self.total.add(tally);
            return None;
        }
        let (count, sum) = self.pending.entry(number).or_default();
        *count += 1;
        sum.add(tally);
        if *count < self.threads {
            return None;
        }
        let (_, sum) = self.pending.remove(&number)?;
        self.total.add(&sum);
        let is_steady = self.is_steady(number);
        if is_steady {
            self.steady.add(&sum);
            self.busy_s += sum.busiest.as_secs_f64();
        }
        let mut second = second_of(number, &sum);
        second.tester_cpu = self.note_own_usage(is_steady);
        self.seconds.push(second);
        self.seconds.last_mut()
    }

    pub(super) fn add_direct(&mut self, number: u32, tally: &Tally) {
        if self.is_steady(number) {
            self.direct.add(tally);
        }
    }

    /// Whether nobody is there any more who could go on.
    pub(super) fn have_all_failed(&self) -> bool {
        self.gone >= self.participants
            && self
                .seconds
                .last()
                .is_some_and(|second| second.connected == 0)
    }

    fn is_steady(&self, number: u32) -> bool {
        (self.steady_from..self.steady_to).contains(&number)
    }

    /// The tester's own CPU time since the last second, in cores.
    fn note_own_usage(&mut self, is_steady: bool) -> f64 {
        let (usage, now) = (self.own.usage(), Instant::now());
        let spent_s = usage.cpu_s() - self.usage.cpu_s();
        let elapsed_s = (now - self.usage_at).as_secs_f64();
        (self.usage, self.usage_at) = (usage, now);
        if is_steady {
            self.steady_cpu_s += spent_s;
        }
        spent_s / elapsed_s.max(0.001)
    }

    /// Writes all of it into the report.
    pub(super) fn into_report(
        self,
        report: &mut Report,
        decoded: Vec<Finding>,
        failure: Option<String>,
    ) {
        let is_cut_short = self.seconds.len() < self.steady_to as usize;
        report.aborted = failure.or_else(|| is_cut_short.then(|| "seconds are missing".to_owned()));
        report.duration_s = self.seconds.len() as f64;
        report.steady_from_s = self.steady_from.into();
        report.steady_to_s = self.steady_to.into();
        report.totals = totals(&self.total);
        report.steady = totals(&self.steady);
        report.video_latency_ms = self.steady.video_latency.figures_ms();
        report.audio_latency_ms = self.steady.audio_latency.figures_ms();
        report.lip_sync_ms = self.steady.lip_sync.figures_ms();
        report.join_ms = self.total.join.figures_ms();
        report.first_frame_ms = self.total.first_frame.figures_ms();
        report.tester_cost = self.tester_cost();
        report.direct = self.direct_path(report);
        report.findings_by_kind = self.total.findings_by_kind;
        report.steady_findings_by_kind = self.steady.findings_by_kind;
        report.findings = self.total.findings;
        for finding in decoded {
            *report
                .findings_by_kind
                .entry(finding.kind.clone())
                .or_default() += 1;
            report.findings.push(finding);
        }
        report.findings.sort_by_key(|finding| finding.second);
        report.findings.truncate(MAX_FINDINGS);
        report.seconds = self.seconds;
    }

    fn tester_cost(&self) -> TesterCost {
        let seconds = f64::from(self.steady_to.saturating_sub(self.steady_from).max(1));
        let packets = self.steady.packets_sent + self.steady.packets_received;
        let cpu_s = self.steady_cpu_s;
        TesterCost {
            threads: self.threads,
            cpu_s,
            cpu_us_per_packet: cpu_s * 1e6 / packets.max(1) as f64,
            busiest_thread: self.busy_s / seconds,
            lateness_max_ms: self.steady.lateness.as_secs_f64() * 1_000.0,
        }
    }

    fn direct_path(&self, report: &Report) -> Option<DirectPath> {
        let video_latency_ms = self.direct.video_latency.figures_ms();
        let audio_latency_ms = self.direct.audio_latency.figures_ms();
        let (through, direct) = if video_latency_ms.count > 0 {
            (&report.video_latency_ms, &video_latency_ms)
        } else {
            (&report.audio_latency_ms, &audio_latency_ms)
        };
        (direct.count > 0 && through.count > 0).then_some(DirectPath {
            video_latency_ms,
            audio_latency_ms,
            added_p50_ms: through.p50 - direct.p50,
            added_p99_ms: through.p99 - direct.p99,
        })
    }
}

fn second_of(number: u32, tally: &Tally) -> Second {
    Second {
        second: number,
        connected: tally.connected,
        subscriptions: tally.live,
        packets_sent: tally.packets_sent,
        packets_received: tally.packets_received,
        bytes_received: tally.bytes_received,
        packets_lost: tally.packets_lost,
        frames: tally.frames,
        frames_by_encoding: tally.frames_by_encoding.to_vec(),
        freezes: tally.freezes,
        video_latency_ms: tally.video_latency.figures_ms(),
        audio_latency_ms: tally.audio_latency.figures_ms(),
        findings: tally.findings_by_kind.values().sum::<u64>() as u32,
        ..Second::default()
    }
}

fn totals(tally: &Tally) -> Totals {
    Totals {
        joined: tally.joined,
        join_failures: tally.join_failures,
        disconnects: tally.disconnects,
        reconnects: tally.reconnects,
        packets_sent: tally.packets_sent,
        bytes_sent: tally.bytes_sent,
        packets_received: tally.packets_received,
        bytes_received: tally.bytes_received,
        packets_lost: tally.packets_lost,
        packets_late: tally.packets_late,
        frames: tally.frames,
        frames_broken: tally.frames_broken,
        freezes: tally.freezes.into(),
        frozen_s: tally.frozen.as_secs_f64(),
        watched_s: tally.watched.as_secs_f64(),
        interruptions: tally.interruptions,
        subscriptions_silent: tally.silent,
        messages_sent: tally.messages_sent,
        messages_received: tally.messages_received,
    }
}
