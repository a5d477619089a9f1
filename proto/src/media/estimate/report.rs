//! The estimate for peers without transport feedback: what their receiver reports say
//! (draft-ietf-rmcat-gcc-02 §6).

use super::rate::Rate;

/// Time whose reports are taken together, in µs: there is one for each RTP stream, about once a
/// second. Longer is surer, shorter reacts sooner.
const INTERVAL_US: u64 = 1_000_000;

/// Loss up to which the estimate grows, and beyond which it falls (§6).
const LIGHT_LOSS: f64 = 0.02;
const HEAVY_LOSS: f64 = 0.10;

/// How much of the loss the estimate falls by (§6).
const REDUCTION: f64 = 0.5;

/// Collects receiver reports.
#[derive(Debug, Default)]
pub(super) struct LossReports {
    sum: f64,
    count: u32,
    since_us: u64,
}

impl LossReports {
    /// Takes a report, and changes the rate if it is time. It grows no higher than `aim_bps`.
    pub(super) fn handle(&mut self, now_us: u64, fraction: f32, rate: &mut Rate, aim_bps: u64) {
        if fraction.is_nan() {
            return;
        }
        self.sum += f64::from(fraction.clamp(0.0, 1.0));
        self.count += 1;
        if now_us.saturating_sub(self.since_us) < INTERVAL_US {
            return;
        }
        let loss = self.sum / f64::from(self.count);
        *self = Self {
            since_us: now_us,
            ..Self::default()
        };
        if loss <= LIGHT_LOSS {
            rate.grow_to(now_us, aim_bps);
        } else if loss > HEAVY_LOSS {
            rate.reduce(now_us, loss * REDUCTION);
        } else {
            rate.hold(now_us);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rate after 20 seconds of reports.
    fn after(fraction: f32) -> u64 {
        let mut rate = Rate::new(1_000_000);
        let mut reports = LossReports::default();
        for tick in 1..=40 {
            reports.handle(tick * 500_000, fraction, &mut rate, 1_500_000);
        }
        rate.bps()
    }

    #[test]
    fn grows_without_loss_as_far_as_is_of_use() {
        assert_eq!(after(0.0), 1_500_000);
    }

    #[test]
    fn remains_with_some_loss() {
        assert_eq!(after(0.05), 1_000_000);
        assert_eq!(after(f32::NAN), 1_000_000);
    }

    #[test]
    fn falls_with_heavy_loss() {
        assert!(after(0.2) < 200_000);
    }
}
