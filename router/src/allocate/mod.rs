//! Divides a receiver's bandwidth estimate among its video subscriptions.
//!
//! First every subscription gets its lowest encoding, in the order of [`Demand::priority`]; one
//! that does not fit is paused if that is allowed. Then what is left raises them: screen shares as
//! far as they can go, because they have to be readable, and then all others evenly, one step each
//! per round.
//!
//! A subscription keeps what it has as long as that fits, and gets more only where the estimate
//! exceeds the need by a margin. The same demands with the targets as current encodings therefore
//! give the same targets again: nothing swings while the estimate is steady.

use std::ops::Range;

use crate::limits::MAX_ENCODINGS;

/// By how much the estimate must exceed the need before a subscription is raised, in percent.
/// Higher switches less, lower uses more of the bandwidth.
const MARGIN_PERCENT: u64 = 15;

/// One subscription's claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The highest encoding that the receiver wants; `None` if it wants none.
    pub wanted: Option<usize>,
    /// What each encoding takes as measured, in bits/s, from lowest to highest; `None` if it is
    /// not being sent.
    pub bitrates: [Option<u64>; MAX_ENCODINGS],
    /// The encoding on the wire.
    pub current: Option<usize>,
    /// LiveKit's: 1 goes first, higher numbers later, and 0 for "not set" last.
    pub priority: u32,
    /// Whether the track is a shared screen.
    pub screen_share: bool,
}

impl Demand {
    /// The lowest encoding to give: the lowest being sent, even if it is above the wanted one,
    /// because too large a picture is better than none.
    ///
    /// While nothing is being sent, it is what is likely to come.
    fn lowest(&self) -> Option<usize> {
        let wanted = self.wanted?;
        let sent = self.bitrates.iter().position(Option::is_some);
        Some(sent.unwrap_or_else(|| self.current.unwrap_or(0).min(wanted)))
    }

    /// The next better encoding, up to the wanted one.
    fn above(&self, encoding: usize) -> Option<usize> {
        (encoding + 1..=self.wanted?.min(MAX_ENCODINGS - 1))
            .find(|&next| self.bitrates[next].is_some())
    }

    /// The best encoding to give.
    fn best(&self) -> Option<usize> {
        let lowest = self.lowest()?;
        let highest = self.wanted?.min(MAX_ENCODINGS - 1);
        (lowest..=highest)
            .rev()
            .find(|&encoding| self.bitrates[encoding].is_some())
            .or(Some(lowest))
    }

    fn bitrate(&self, encoding: Option<usize>) -> u64 {
        encoding
            .and_then(|encoding| *self.bitrates.get(encoding)?)
            .unwrap_or(0)
    }

    /// The next better state: from paused to the lowest encoding, or one encoding up.
    fn step(&self, from: Option<usize>) -> Option<usize> {
        match from {
            None => self.lowest(),
            Some(encoding) => self.above(encoding),
        }
    }
}

/// What a division comes to, in bits/s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// What the targets take together.
    pub allocated: u64,
    /// An estimate at which somebody would get something better; without anything better to get,
    /// what the targets take.
    pub needed: u64,
    /// What it would take to give everybody the best they want.
    pub desired: u64,
}

/// Divides `estimate`, in bits/s without what sound takes.
///
/// Fills `targets` with the target encoding of each demand, in their order; `None` if it is
/// paused. Without `may_pause` everybody gets at least the lowest, whatever the estimate.
pub fn allocate(
    demands: &[Demand],
    estimate: u64,
    may_pause: bool,
    targets: &mut Vec<Option<usize>>,
) -> Outcome {
    targets.clear();
    targets.resize(demands.len(), None);
    let mut division = Division {
        demands,
        may_pause,
        targets,
        order: (0..demands.len()).collect(),
        estimate,
        allocated: 0,
    };
    // A priority of 0, for "not set", wraps to the last place.
    let priority = |index: usize| (demands[index].priority.wrapping_sub(1), index);
    let screen_share = |index: usize| demands[index].screen_share;

    division
        .order
        .sort_unstable_by_key(|&index| priority(index));
    division.start_all();
    division
        .order
        .sort_unstable_by_key(|&index| (!screen_share(index), priority(index)));
    let screen_shares = division.order.partition_point(|&index| screen_share(index));
    division.raise(0..screen_shares);
    division.raise(screen_shares..demands.len());
    division.outcome()
}

/// A division under way.
struct Division<'a> {
    demands: &'a [Demand],
    may_pause: bool,
    targets: &'a mut [Option<usize>],
    /// Indexes of the demands, the most important first.
    order: Vec<usize>,
    estimate: u64,
    allocated: u64,
}

impl Division<'_> {
    fn start_all(&mut self) {
        for position in 0..self.order.len() {
            self.try_step(position);
        }
    }

    /// Raises the demands at these places of the order, a step each per round, until all have
    /// what they want or it does not fit.
    fn raise(&mut self, places: Range<usize>) {
        // Those that cannot go on are moved behind `end`, in their order.
        let mut end = places.end;
        while end > places.start {
            let mut kept = places.start;
            for position in places.start..end {
                let paused = self.targets[self.order[position]].is_none();
                if !paused && self.try_step(position) {
                    self.order.swap(kept, position);
                    kept += 1;
                }
            }
            end = kept;
        }
    }

    /// Gives the demand at this place of the order its next better state, if there is one that fits.
    fn try_step(&mut self, position: usize) -> bool {
        let index = self.order[position];
        let (demand, from) = (&self.demands[index], self.targets[index]);
        let Some(to) = demand.step(from) else {
            return false;
        };

        let need = self.need(demand, from, to);
        let keeps = demand.current.is_some_and(|current| to <= current);
        let required = if keeps { need } else { with_margin(need) };
        let may_refuse = from.is_some() || self.may_pause;
        if may_refuse && need > self.allocated && required > self.estimate {
            return false;
        }
        self.allocated = need;
        self.targets[index] = Some(to);
        true
    }

    /// What all takes when one demand's state changes.
    fn need(&self, demand: &Demand, from: Option<usize>, to: usize) -> u64 {
        debug_assert!(self.allocated >= demand.bitrate(from));
        self.allocated
            .saturating_sub(demand.bitrate(from))
            .saturating_add(demand.bitrate(Some(to)))
    }

    fn outcome(&self) -> Outcome {
        let desired = self
            .demands
            .iter()
            .map(|demand| demand.bitrate(demand.best()));
        let steps = self
            .demands
            .iter()
            .zip(&*self.targets)
            .filter_map(|(demand, &from)| {
                let to = demand.step(from)?;
                Some(with_margin(self.need(demand, from, to)))
            });
        Outcome {
            allocated: self.allocated,
            needed: steps.min().unwrap_or(self.allocated),
            desired: desired.fold(0, u64::saturating_add),
        }
    }
}

fn with_margin(need: u64) -> u64 {
    need.saturating_add(need.saturating_mul(MARGIN_PERCENT) / 100)
}

#[cfg(test)]
mod tests;
