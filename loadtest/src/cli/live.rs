//! What is seen while a run goes on.

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::Second;
use crate::run::{Progress, Settings};
use crate::scenario::Scenario;
use crate::scenario::plan::Plan;

/// A bar and a line of figures on a terminal, a line every few seconds elsewhere.
#[derive(Debug)]
pub(super) struct Live {
    is_quiet: bool,
    is_terminal: bool,
    bar: ProgressBar,
}

/// Between lines where there is no terminal, in seconds.
const LINE_SECONDS: u32 = 5;

impl Live {
    pub(super) fn new(is_quiet: bool, is_terminal: bool) -> Self {
        let bar = if is_quiet || !is_terminal {
            ProgressBar::hidden()
        } else {
            ProgressBar::new(0)
        };
        let style = ProgressStyle::with_template("{prefix:9} {wide_bar} {pos}/{len}\n{msg}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self {
            is_quiet,
            is_terminal,
            bar,
        }
    }

    /// Says what is about to happen.
    pub(super) fn begin(&self, scenario: &Scenario, settings: &Settings) {
        let plan = Plan::new(scenario.clone(), settings.seed, "").summary();
        self.say(&format!(
            "{}: {}\n{} rooms, {} participants, {} of them publish {} tracks, {} subscriptions; \
             seed {}, {} at {}",
            scenario.name,
            scenario.summary,
            plan.rooms,
            plan.participants,
            plan.publishers,
            plan.tracks,
            plan.subscriptions,
            settings.seed,
            settings.protocol.name(),
            settings.access.server,
        ));
    }

    pub(super) fn tell(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Encoding(done, total) => {
                self.bar.set_prefix("encoding");
                self.bar.set_length(*total as u64);
                self.bar.set_position(*done as u64);
            }
            Progress::Size(size) => self.say(&format!("\nsize {size}")),
            Progress::Second(second, last) => {
                self.bar.set_prefix("running");
                self.bar.set_length((*last).into());
                self.bar.set_position(u64::from(second.second) + 1);
                self.bar.set_message(line(second));
                if !self.is_terminal && second.second.is_multiple_of(LINE_SECONDS) {
                    self.say(&format!("{:4} s  {}", second.second + 1, line(second)));
                }
            }
        }
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, text: &str) {
        if !self.is_quiet {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }
}

fn line(second: &Second) -> String {
    let mut line = format!(
        "{} in, {} subscriptions, {} packets/s, {:.1} Mbit/s, latency {:.1}/{:.1} ms, {} lost, \
         {} freezes, tester {:.0} %",
        second.connected,
        second.subscriptions,
        second.packets_received,
        second.bytes_received as f64 * 8.0 / 1e6,
        second.video_latency_ms.p50.max(second.audio_latency_ms.p50),
        second.video_latency_ms.p99.max(second.audio_latency_ms.p99),
        second.packets_lost,
        second.freezes,
        second.tester_cpu * 100.0,
    );
    if let Some(cpu) = second.server_cpu {
        line.push_str(&format!(", server {:.0} %", cpu * 100.0));
    }
    line
}
