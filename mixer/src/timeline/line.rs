//! A straight line through sender reports.

use std::collections::VecDeque;

/// Reports a line goes through. libwebrtc sends one in 1 s for pictures and in 5 s for sound, so
/// these are of the last 20 to 100 s.
const MAX_POINTS: usize = 20;
/// From so many on, the line has a slope of its own.
const MIN_POINTS_FOR_SLOPE: usize = 4;
/// Nor before they span so much: the time of a report is known to about a millisecond, which over
/// a short span would be a steep slope.
const MIN_SPAN_FOR_SLOPE_US: i64 = 3_000_000;
/// Steepest slope; crystals are within 100 ppm, cheap sound devices within 1,000.
const MAX_SLOPE: f64 = 1e-3;
/// A report so far off the line is doubted.
const DOUBTED_FROM_US: i64 = 20_000;
/// After so many doubted reports in a row the line is wrong, not they.
const MAX_DOUBTED: usize = 3;

/// The line that leads from a track's own time to its sender's wall clock.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Own time, and wall time less own time.
    points: VecDeque<(i64, i64)>,
    doubted: usize,
    fitted: Option<Fitted>,
}

#[derive(Debug, Clone, Copy)]
struct Fitted {
    /// Where the line is anchored: near its points, so that the slope's error does not add up.
    origin: i64,
    offset: f64,
    slope: f64,
}

impl Line {
    /// Takes a report: that the wall clock showed `wall_us` at `own_us`.
    pub(super) fn add(&mut self, own_us: i64, wall_us: i64) {
        let offset = wall_us.saturating_sub(own_us);
        if let Some(fitted) = self.fitted {
            let error = offset.saturating_sub(fitted.offset_at(own_us) as i64);
            if error.saturating_abs() > DOUBTED_FROM_US && self.doubted < MAX_DOUBTED {
                self.doubted += 1;
                return;
            }
            if self.doubted >= MAX_DOUBTED {
                self.points.clear();
            }
        }
        self.doubted = 0;
        if self.points.len() == MAX_POINTS {
            self.points.pop_front();
        }
        self.points.push_back((own_us, offset));
        self.fit();
    }

    /// The wall time at an own time, once there was a report.
    pub(super) fn wall_us(&self, own_us: i64) -> Option<i64> {
        let fitted = self.fitted?;
        Some(own_us.saturating_add(fitted.offset_at(own_us) as i64))
    }

    fn fit(&mut self) {
        let (Some(&(first, base)), Some(&(last, newest))) =
            (self.points.front(), self.points.back())
        else {
            return;
        };
        let mut fitted = Fitted {
            origin: last,
            offset: newest as f64,
            slope: 0.0,
        };
        if self.points.len() >= MIN_POINTS_FOR_SLOPE
            && last.saturating_sub(first) >= MIN_SPAN_FOR_SLOPE_US
        {
            let count = self.points.len() as f64;
            let relative = || {
                let points = self.points.iter();
                points.map(|(own, offset)| {
                    (
                        own.saturating_sub(last) as f64,
                        offset.saturating_sub(base) as f64,
                    )
                })
            };
            let mean_x = relative().map(|(x, _)| x).sum::<f64>() / count;
            let mean_y = relative().map(|(_, y)| y).sum::<f64>() / count;
            let spread: f64 = relative().map(|(x, _)| (x - mean_x).powi(2)).sum();
            let common: f64 = relative().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
            let slope = (common / spread).clamp(-MAX_SLOPE, MAX_SLOPE);
            fitted.slope = slope;
            fitted.offset = base as f64 + mean_y - slope * mean_x;
        }
        self.fitted = Some(fitted);
    }
}

impl Fitted {
    fn offset_at(&self, own_us: i64) -> f64 {
        self.offset + self.slope * own_us.saturating_sub(self.origin) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_report_is_enough() {
        let mut line = Line::default();
        assert_eq!(line.wall_us(5), None);

        line.add(1_000, 501_000);

        assert_eq!(line.wall_us(3_000), Some(503_000));
    }

    #[test]
    fn learns_the_speed_of_the_other_clock() {
        let mut line = Line::default();
        for step in 0..10 {
            let own = step * 1_000_000;
            let trembling = if step % 2 == 0 { 500 } else { -500 };
            line.add(own, 7_000_000 + own + own / 5_000 + trembling);
        }

        // 200 ppm, a minute later.
        let wall = line.wall_us(69_000_000).expect("there were reports");
        let expected = 7_000_000 + 69_000_000 + 69_000_000 / 5_000;
        assert!((wall - expected).abs() < 5_000, "{wall} {expected}");
    }

    #[test]
    fn doubts_a_report_that_does_not_fit_but_not_the_fourth() {
        let mut line = Line::default();
        for step in 0..5 {
            line.add(step * 1_000_000, step * 1_000_000);
        }
        for step in 5..8 {
            line.add(step * 1_000_000, step * 1_000_000 + 400_000);
            assert_eq!(line.wall_us(step * 1_000_000), Some(step * 1_000_000));
        }

        line.add(8_000_000, 8_400_000);

        assert_eq!(line.wall_us(9_000_000), Some(9_400_000));
    }

    #[test]
    fn no_report_makes_it_overflow() {
        let mut line = Line::default();
        for (own, wall) in [
            (0, i64::MAX),
            (i64::MAX, i64::MIN),
            (i64::MIN, 0),
            (0, 0),
            (1, 1),
        ] {
            line.add(own, wall);
            let _ = line.wall_us(i64::MIN);
            let _ = line.wall_us(i64::MAX);
        }
    }
}
