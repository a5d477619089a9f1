//! Searching for the largest size that holds every bar.

use anyhow::{Result, bail};
use crossbeam_channel::Receiver;

use super::{Progress, Settings, Tell, run};
use crate::report::{LimitStep, Report};
use crate::scenario::Scenario;

/// Sizes tried at most; each takes as long as a run.
const MAX_STEPS: usize = 14;
/// The search ends when the largest that held and the smallest that did not are this close, as
/// part of the former.
const RESOLUTION: f64 = 0.08;
/// The first size tried, as part of the scenario's own.
const FIRST_PART: usize = 8;

/// Runs the scenario in one size after another: doubling while all bars hold, then halving the
/// distance between what held and what did not. Gives the report of the largest that held, or of
/// the smallest if none did.
///
/// # Errors
/// A run cannot begin.
pub fn find_limit(
    scenario: &Scenario,
    settings: &Settings,
    stop: &Receiver<()>,
    tell: Tell<'_>,
) -> Result<Report> {
    let mut search = Search::new(scenario.size());
    let mut best: Option<Report> = None;
    let mut steps = Vec::new();
    while let Some(size) = search.next().filter(|_| steps.len() < MAX_STEPS) {
        let Ok(sized) = scenario.with_size(size) else {
            break;
        };
        tell(Progress::Size(size));
        // Rooms of its own: in those of the last size there may still be somebody.
        let mut settings = settings.clone();
        settings.access.room_prefix.push_str(&format!("{size}-"));
        let report = run(&sized, &settings, stop, tell)?;
        let is_interrupted = report.aborted.as_deref() == Some("interrupted");
        steps.push(step(size, &report));
        search.tried(size, report.passed);
        let is_better = best.as_ref().is_none_or(|best| {
            report.passed && (!best.passed || best.plan.participants < report.plan.participants)
        });
        if is_better || !best.as_ref().is_some_and(|best| best.passed) {
            best = Some(report);
        }
        if is_interrupted {
            break;
        }
    }
    let Some(mut best) = best else {
        bail!("the scenario has no size to change");
    };
    best.limit_search = steps;
    Ok(best)
}

fn step(size: usize, report: &Report) -> LimitStep {
    let seconds = (report.steady_to_s - report.steady_from_s).max(1.0);
    let broken = report.bars.iter().filter(|bar| !bar.held);
    LimitStep {
        size,
        participants: report.plan.participants,
        packets_per_second: report.steady.packets_received as f64 / seconds,
        passed: report.passed,
        broken_bars: broken.map(|bar| bar.name.clone()).collect(),
        server_cpu: report
            .server_cost
            .as_ref()
            .map(|cost| (cost.cpu_user_s + cost.cpu_system_s) / seconds),
        busiest_thread: report.tester_cost.busiest_thread,
    }
}

/// Which size comes next.
#[derive(Debug)]
struct Search {
    next: usize,
    held: usize,
    broke: Option<usize>,
}

impl Search {
    fn new(size: usize) -> Self {
        Self {
            next: (size / FIRST_PART).max(2),
            held: 0,
            broke: None,
        }
    }

    fn tried(&mut self, size: usize, held: bool) {
        if held {
            self.held = self.held.max(size);
        } else {
            self.broke = Some(self.broke.map_or(size, |broke| broke.min(size)));
        }
        self.next = match self.broke {
            None => self.held * 2,
            Some(broke) => usize::midpoint(self.held, broke),
        };
    }

    fn next(&self) -> Option<usize> {
        let is_near = self.broke.is_some_and(|broke| {
            broke - self.held.min(broke) <= 1.max((self.held as f64 * RESOLUTION) as usize)
        });
        (!is_near && self.next > 0).then_some(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_limit_wherever_it_is() {
        for limit in [1_usize, 2, 7, 100, 333, 5_000] {
            let mut search = Search::new(100);
            let mut tries = 0;
            while let Some(size) = search.next() {
                search.tried(size, size <= limit);
                tries += 1;
            }

            assert!(search.held <= limit, "{limit}: {search:?}");
            let distance = (limit - search.held) as f64;
            assert!(
                distance <= 1.0_f64.max(limit as f64 * RESOLUTION),
                "{limit}: {search:?}"
            );
            assert!(tries <= MAX_STEPS, "{limit}: {tries} tries");
        }
    }
}
