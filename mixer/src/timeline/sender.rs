//! The clock that all tracks of a sender share.

use std::collections::VecDeque;

use super::RoomTimeUs;

/// Delay is the shortest of so many spans: what is queued on the way is over sooner or later.
const SPANS: usize = 10;
const SPAN_US: i64 = 1_000_000;
/// An error is made good in so long, so that it cannot be heard.
const SETTLING_US: i64 = 10_000_000;
/// The most that is made good, in microseconds a second. It must be more than clocks differ, and
/// less than what a resampler can follow unheard: 0.1 %.
const MAX_SLEW_PPM: i64 = 800;
/// At the beginning little is known of the way, and nobody has heard anything yet: a shorter delay
/// is believed at once.
const BEGINNING_US: i64 = 5_000_000;
/// Beyond this the sender's clock was set anew.
const MAX_ERROR_US: i64 = 500_000;

/// Leads from a sender's wall clock to the timeline: what it showed when it sent, plus the shortest
/// delay on the way, slowly corrected as the clocks drift apart.
#[derive(Debug, Default)]
pub struct SenderClock {
    /// Shortest delay in each of the last spans, and when the span began.
    shortest: VecDeque<(RoomTimeUs, i64)>,
    offset_us: Option<f64>,
    /// When the first frame arrived.
    began: Option<RoomTimeUs>,
    corrected_at: RoomTimeUs,
}

impl SenderClock {
    /// Whether it has taken no frame yet.
    pub(super) const fn is_new(&self) -> bool {
        self.offset_us.is_none()
    }

    /// Takes a frame that was captured when the sender's wall clock showed `wall_us`, and arrived at
    /// `arrived_us`. Returns when it is to be shown.
    pub(super) fn handle(&mut self, wall_us: i64, arrived_us: RoomTimeUs) -> RoomTimeUs {
        let delay = arrived_us.saturating_sub(wall_us);
        self.note(arrived_us, delay);
        let shortest = self.shortest_us().unwrap_or(delay);
        let offset = self.offset_us.unwrap_or(shortest as f64);
        let error = shortest as f64 - offset;
        let began = *self.began.get_or_insert(arrived_us);
        let offset = if error.abs() > MAX_ERROR_US as f64 {
            self.shortest.clear();
            self.note(arrived_us, delay);
            self.began = Some(arrived_us);
            delay as f64
        } else if error < 0.0 && arrived_us.saturating_sub(began) < BEGINNING_US {
            shortest as f64
        } else {
            let span = arrived_us.saturating_sub(self.corrected_at);
            let span = span.clamp(0, SPAN_US) as f64;
            let most = span * MAX_SLEW_PPM as f64 / 1e6;
            offset + (error * span / SETTLING_US as f64).clamp(-most, most)
        };
        self.offset_us = Some(offset);
        self.corrected_at = self.corrected_at.max(arrived_us);
        wall_us.saturating_add(offset as i64)
    }

    fn note(&mut self, at: RoomTimeUs, delay: i64) {
        match self.shortest.back_mut() {
            Some((since, shortest)) if at.saturating_sub(*since) < SPAN_US => {
                *shortest = delay.min(*shortest);
            }
            _ => {
                if self.shortest.len() == SPANS {
                    self.shortest.pop_front();
                }
                self.shortest.push_back((at, delay));
            }
        }
    }

    fn shortest_us(&self) -> Option<i64> {
        self.shortest.iter().map(|(_, delay)| *delay).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_a_clock_that_runs_faster() {
        let mut clock = SenderClock::default();
        let mut worst = 0;
        for step in 0..360_000i64 {
            let at = step * 20_000;
            let jitter = fastrand::Rng::with_seed(step as u64).i64(0..30_000);
            let wall = at + at / 5_000;

            let shown = clock.handle(wall, at + 25_000 + jitter);

            if step > 3_000 {
                worst = worst.max((shown - at - 25_000).abs());
            }
        }
        assert!(worst < 6_000, "{worst}");
    }

    #[test]
    fn begins_anew_when_the_clock_is_set() {
        let mut clock = SenderClock::default();
        clock.handle(0, 10_000);

        assert_eq!(clock.handle(20_000, 30_000), 30_000);
        assert_eq!(clock.handle(3_600_000_000, 50_000), 50_000);
        assert_eq!(clock.handle(3_600_020_000, 70_000), 70_000);
    }
}
