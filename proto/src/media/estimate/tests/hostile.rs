//! Peers that send nonsense, and peers that send little.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::super::{Estimator, MAX_ESTIMATE_BPS, MIN_ESTIMATE_BPS, SendSideEstimator};
use super::{KBPS, MBPS, each_seed};

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock"
)]
fn estimator(initial_bps: u64) -> (Instant, SendSideEstimator) {
    let now = Instant::now();
    (now, SendSideEstimator::new(now, initial_bps))
}

fn any_arrival(rng: &mut ChaCha8Rng, sent_us: i64) -> Option<i64> {
    match rng.random_range(0..6) {
        0 => None,
        1 => Some(rng.random()),
        2 => Some(i64::MIN),
        3 => Some(i64::MAX),
        4 => Some(sent_us + rng.random_range(-100_000..100_000)),
        _ => Some(-sent_us),
    }
}

#[test]
fn bears_any_feedback() {
    each_seed(|seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let (mut now, mut estimator) = estimator(MBPS);
        let mut next = 0_u64;

        for _ in 0..5_000 {
            now += Duration::from_micros(rng.random_range(0..20_000));
            let probe = estimator.poll_probe(now);
            for _ in 0..rng.random_range(0..40) {
                estimator.handle_sent(now, next, rng.random_range(0..100_000), probe.map(|p| p.id));
                next = match rng.random_range(0..2_000) {
                    0 => rng.random(),
                    _ => next.wrapping_add(1),
                };
            }
            for _ in 0..rng.random_range(0..60) {
                let sequence = match rng.random_range(0..50) {
                    0 => rng.random(),
                    _ => next.wrapping_sub(rng.random_range(0..200)),
                };
                let arrival_us = any_arrival(&mut rng, next as i64);
                estimator.handle_arrival(now, sequence, arrival_us);
            }
            estimator.finish_feedback(now);
            match rng.random_range(0..40) {
                0 => estimator.handle_remb(now, rng.random()),
                1 => estimator.handle_loss_report(now, f32::from_bits(rng.random())),
                2 => estimator.handle_round_trip(now, Duration::from_micros(rng.random())),
                3 => estimator.set_wanted(now, rng.random()),
                4 => now += Duration::from_secs(rng.random_range(0..10_000)),
                _ => {}
            }

            let estimate_bps = estimator.estimate_bps();
            assert!((MIN_ESTIMATE_BPS..=MAX_ESTIMATE_BPS).contains(&estimate_bps));
            estimator.poll_timeout();
        }
    });
}

#[test]
fn a_receivers_own_estimate_is_a_bound_while_it_is_renewed() {
    let (now, mut estimator) = estimator(2 * MBPS);

    estimator.handle_remb(now, 500 * KBPS);
    let bounded = estimator.poll_estimate();
    estimator.handle_remb(now, 9 * MBPS);
    let freed = estimator.poll_estimate();
    estimator.handle_remb(now, 0);
    let least = estimator.poll_estimate();
    estimator.finish_feedback(now + Duration::from_secs(10));

    assert_eq!((bounded, freed), (Some(500 * KBPS), Some(2 * MBPS)));
    assert_eq!(least, Some(MIN_ESTIMATE_BPS));
    assert_eq!(estimator.poll_estimate(), Some(2 * MBPS));
    assert_eq!(estimator.poll_estimate(), None);
}

#[test]
fn receiver_reports_serve_where_there_is_no_feedback() {
    let (start, mut estimator) = estimator(MBPS);
    estimator.set_wanted(start, 2 * MBPS);
    let mut report = |seconds: std::ops::Range<u64>, fraction_lost| {
        for second in seconds {
            estimator.handle_loss_report(start + Duration::from_secs(second), fraction_lost);
        }
        estimator.estimate_bps()
    };

    let grown = report(1..60, 0.0);
    let fallen = report(60..70, 0.3);

    assert_eq!(grown, 2_600 * KBPS);
    assert!(fallen < MBPS);
}

#[test]
fn receiver_reports_are_ignored_where_there_is_feedback() {
    let (start, mut estimator) = estimator(MBPS);

    for second in 0..10 {
        let now = start + Duration::from_secs(second);
        estimator.finish_feedback(now);
        estimator.handle_loss_report(now, 0.5);
    }

    assert_eq!(estimator.estimate_bps(), MBPS);
}

#[test]
fn takes_little_memory() {
    assert!(size_of::<SendSideEstimator>() < 1_400);
}
