//! What a driver keeps for its reports.

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::drive::{Stage, Told};
use crate::verify::{Judge, Sources, Tally};

/// See the module.
pub(super) struct Desk {
    pub(super) stage: Stage,
    pub(super) end: Instant,
    /// Seconds that are over.
    pub(super) second: u32,
    pub(super) busy: Busy,
    tally: Tally,
    direct_tally: Tally,
    direct_sources: Sources,
}

impl Desk {
    pub(super) fn new(stage: &Stage) -> Self {
        Self {
            stage: stage.clone(),
            end: stage.epoch + stage.plan.end,
            second: 0,
            busy: Busy {
                since: Instant::now(),
                spent: Duration::ZERO,
            },
            tally: Tally::default(),
            direct_tally: Tally::default(),
            direct_sources: Sources::new(1),
        }
    }

    pub(super) fn judge(&mut self, now: Instant, is_direct: bool) -> Judge<'_> {
        let (tally, sources) = if is_direct {
            (&mut self.direct_tally, &self.direct_sources)
        } else {
            (&mut self.tally, &*self.stage.sources)
        };
        Judge {
            epoch: self.stage.epoch,
            epoch_wall: self.stage.epoch_wall,
            now,
            tally,
            sources,
            sampler: &self.stage.sampler,
        }
    }

    pub(super) fn tally(&mut self, is_direct: bool) -> &mut Tally {
        if is_direct {
            &mut self.direct_tally
        } else {
            &mut self.tally
        }
    }

    pub(super) fn lateness(&mut self, late: Duration) {
        self.tally.lateness = self.tally.lateness.max(late);
    }

    pub(super) fn is_second_over(&self, now: Instant) -> bool {
        (now - self.stage.epoch).as_secs() > u64::from(self.second)
    }

    /// Hands over the second that is over; the next begins.
    pub(super) fn flush(&mut self, now: Instant, tell: &Sender<Told>) {
        self.tally.busiest = self.busy.take(now);
        let tally = std::mem::take(&mut self.tally);
        // Whoever listens may have given up.
        let _ = tell.send(Told::Second(self.second, Box::new(tally)));
        if self.stage.direct.is_some() {
            let tally = std::mem::take(&mut self.direct_tally);
            let _ = tell.send(Told::Direct(self.second, Box::new(tally)));
        }
        self.second = (now - self.stage.epoch).as_secs() as u32;
    }
}

/// Time spent working rather than waiting.
pub(super) struct Busy {
    since: Instant,
    spent: Duration,
}

impl Busy {
    pub(super) fn pause(&mut self, now: Instant) {
        self.spent += now.saturating_duration_since(self.since);
        self.since = now;
    }

    pub(super) fn resume(&mut self, now: Instant) {
        self.since = now;
    }

    fn take(&mut self, now: Instant) -> Duration {
        self.pause(now);
        std::mem::take(&mut self.spent)
    }
}
