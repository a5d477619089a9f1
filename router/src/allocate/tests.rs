use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

const LOW: u64 = 150_000;
const MID: u64 = 500_000;
const HIGH: u64 = 1_700_000;

/// A camera with three encodings, all wanted, new to the receiver.
fn camera() -> Demand {
    Demand {
        wanted: Some(2),
        bitrates: [Some(LOW), Some(MID), Some(HIGH), None],
        current: None,
        priority: 0,
        screen_share: false,
    }
}

fn divide(demands: &[Demand], estimate: u64) -> (Vec<Option<usize>>, Outcome) {
    let mut targets = Vec::new();
    let outcome = allocate(demands, estimate, true, &mut targets);
    (targets, outcome)
}

fn targets(demands: &[Demand], estimate: u64) -> Vec<Option<usize>> {
    divide(demands, estimate).0
}

/// The same demands when the targets are on the wire.
fn settled(demands: &[Demand], targets: &[Option<usize>]) -> Vec<Demand> {
    demands
        .iter()
        .zip(targets)
        .map(|(demand, &current)| Demand { current, ..*demand })
        .collect()
}

#[test]
fn enough_for_all_gives_all_they_want() {
    let low = Demand {
        wanted: Some(0),
        ..camera()
    };
    let none = Demand {
        wanted: None,
        ..camera()
    };

    let (targets, outcome) = divide(&[camera(), low, none], 10_000_000);

    assert_eq!(targets, [Some(2), Some(0), None]);
    let all = HIGH + LOW;
    assert_eq!(
        outcome,
        Outcome {
            allocated: all,
            needed: all,
            desired: all
        }
    );
}

#[test]
fn no_demands_need_nothing() {
    assert_eq!(
        divide(&[], 0),
        (
            vec![],
            Outcome {
                allocated: 0,
                needed: 0,
                desired: 0
            }
        )
    );
}

#[test]
fn everybody_gets_the_lowest_encoding_before_anybody_gets_more() {
    assert_eq!(
        targets(&[camera(); 4], 1_100_000),
        [Some(1), Some(0), Some(0), Some(0)]
    );
}

#[test]
fn cameras_are_raised_evenly() {
    assert_eq!(
        targets(&[camera(); 3], 1_800_000),
        [Some(1), Some(1), Some(1)]
    );
}

#[test]
fn a_screen_share_is_raised_before_cameras() {
    let screen = Demand {
        screen_share: true,
        ..camera()
    };

    assert_eq!(
        targets(&[camera(), screen, camera()], 2_400_000),
        [Some(0), Some(2), Some(0)]
    );
}

#[test]
fn the_last_in_order_is_paused_first() {
    assert_eq!(targets(&[camera(); 3], 350_000), [Some(0), Some(0), None]);
}

#[test]
fn priority_goes_before_order_and_not_set_goes_last() {
    let demands = [0, 2, 1].map(|priority| Demand {
        priority,
        ..camera()
    });

    assert_eq!(targets(&demands, 350_000), [None, Some(0), Some(0)]);
    assert_eq!(targets(&demands, 200_000), [None, None, Some(0)]);
    assert_eq!(targets(&demands, 1_000_000), [Some(0), Some(0), Some(1)]);
}

#[test]
fn a_smaller_stream_can_have_what_is_too_little_for_one_before_it() {
    let small = Demand {
        bitrates: [Some(50_000), None, None, None],
        ..camera()
    };

    assert_eq!(targets(&[camera(), small], 100_000), [None, Some(0)]);
}

#[test]
fn raises_only_with_a_margin_and_lowers_without() {
    let at_low = Demand {
        current: Some(0),
        ..camera()
    };
    let at_mid = Demand {
        current: Some(1),
        ..camera()
    };

    assert_eq!(targets(&[at_low], MID), [Some(0)]);
    assert_eq!(targets(&[at_low], MID * 115 / 100 - 1), [Some(0)]);
    assert_eq!(targets(&[at_low], MID * 115 / 100), [Some(1)]);
    assert_eq!(targets(&[at_mid], MID), [Some(1)]);
    assert_eq!(targets(&[at_mid], MID - 1), [Some(0)]);
}

#[test]
fn starts_only_with_a_margin_and_pauses_without() {
    let running = Demand {
        current: Some(0),
        ..camera()
    };

    assert_eq!(targets(&[camera()], LOW), [None]);
    assert_eq!(targets(&[running], LOW), [Some(0)]);
    assert_eq!(targets(&[running], LOW - 1), [None]);
}

#[test]
fn an_encoding_that_is_not_sent_is_passed_over() {
    let without_mid = Demand {
        bitrates: [Some(LOW), None, Some(HIGH), None],
        ..camera()
    };
    let without_high = Demand {
        bitrates: [Some(LOW), Some(MID), None, None],
        ..camera()
    };
    let wants_mid = Demand {
        wanted: Some(1),
        ..without_mid
    };

    assert_eq!(targets(&[without_mid], 1_000_000), [Some(0)]);
    assert_eq!(targets(&[without_mid], 2_000_000), [Some(2)]);
    assert_eq!(targets(&[without_high], 2_000_000), [Some(1)]);
    assert_eq!(targets(&[wants_mid], 2_000_000), [Some(0)]);
}

#[test]
fn an_encoding_above_the_wanted_one_is_given_if_no_other_is_sent() {
    let only_high = Demand {
        wanted: Some(0),
        bitrates: [None, None, Some(HIGH), None],
        ..camera()
    };

    assert_eq!(targets(&[only_high], 2_000_000), [Some(2)]);
    assert_eq!(divide(&[only_high], 2_000_000).1.desired, HIGH);
    assert_eq!(targets(&[only_high], 1_000_000), [None]);
}

#[test]
fn a_track_that_sends_nothing_is_not_paused() {
    let silent = Demand {
        bitrates: [None; MAX_ENCODINGS],
        ..camera()
    };
    let switched = Demand {
        current: Some(1),
        ..silent
    };
    let shrunk = Demand {
        wanted: Some(0),
        ..switched
    };

    assert_eq!(
        targets(&[silent, switched, shrunk], 0),
        [Some(0), Some(1), Some(0)]
    );
}

#[test]
fn an_encoding_that_takes_less_than_the_one_below_is_given() {
    let odd = Demand {
        bitrates: [Some(LOW), Some(LOW - 1), None, None],
        current: Some(0),
        ..camera()
    };

    assert_eq!(targets(&[odd], LOW), [Some(1)]);
}

#[test]
fn numbers_from_outside_do_not_overflow() {
    let huge = Demand {
        wanted: Some(usize::MAX - 1),
        bitrates: [Some(u64::MAX); 4],
        current: Some(9),
        ..camera()
    };

    for estimate in [0, u64::MAX] {
        let (_, outcome) = divide(&[huge, huge], estimate);

        assert_eq!(outcome.desired, u64::MAX);
    }
}

#[test]
fn targets_of_another_division_are_forgotten() {
    let mut targets = vec![Some(2); 5];

    let outcome = allocate(&[camera()], 0, true, &mut targets);

    assert_eq!(targets, [None]);
    assert_eq!(
        outcome,
        Outcome {
            allocated: 0,
            needed: LOW * 115 / 100,
            desired: HIGH
        }
    );
}

#[test]
fn without_leave_to_pause_everybody_gets_the_lowest() {
    let mut targets = Vec::new();

    let outcome = allocate(&[camera(), camera()], LOW, false, &mut targets);

    assert_eq!(targets, [Some(0), Some(0)]);
    assert_eq!(outcome.allocated, 2 * LOW);
}

fn random_demand(rng: &mut ChaCha8Rng) -> Demand {
    let mut bitrate = 0;
    Demand {
        wanted: (rng.random_range(0..8) > 0).then(|| rng.random_range(0..MAX_ENCODINGS)),
        bitrates: std::array::from_fn(|_| {
            bitrate += rng.random_range(20_000..800_000);
            (rng.random_range(0..4) > 0).then_some(bitrate)
        }),
        current: (rng.random_range(0..4) > 0).then(|| rng.random_range(0..MAX_ENCODINGS)),
        priority: rng.random_range(0..4),
        screen_share: rng.random_range(0..6) == 0,
    }
}

/// Calls `check` with many random situations: demands, estimate, seed.
fn each_random_situation(mut check: impl FnMut(&[Demand], u64)) {
    for seed in 0..2000 {
        // Captured unless the check fails, and then the last line is the seed.
        println!("SIM_SEED={seed}");
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let count = rng.random_range(0..30);
        let demands: Vec<_> = (0..count).map(|_| random_demand(&mut rng)).collect();
        check(&demands, rng.random_range(0..20_000_000));
    }
}

#[test]
fn no_division_exceeds_the_estimate_or_a_want() {
    each_random_situation(|demands, estimate| {
        let (targets, outcome) = divide(demands, estimate);

        let mut sum = 0;
        for (demand, &target) in demands.iter().zip(&targets) {
            sum += demand.bitrate(target);
            let none_sent = demand.bitrates.iter().all(Option::is_none);
            match (demand.wanted, target) {
                (None, target) => assert_eq!(target, None),
                (Some(_), None) => assert!(!none_sent),
                (Some(wanted), Some(target)) => {
                    assert!(none_sent || demand.bitrates[target].is_some());
                    assert!(
                        target <= wanted || demand.bitrates[..=wanted].iter().all(Option::is_none)
                    );
                }
            }
        }
        assert_eq!(sum, outcome.allocated);
        assert!(sum <= estimate && sum <= outcome.desired);
        let all_best = demands
            .iter()
            .zip(&targets)
            .all(|(demand, &target)| target == demand.best());
        assert_eq!(outcome.needed == sum, all_best);
    });
}

#[test]
fn a_division_stays_while_the_estimate_does() {
    each_random_situation(|demands, estimate| {
        let first = targets(demands, estimate);

        let second = targets(&settled(demands, &first), estimate);

        assert_eq!(second, first);
    });
}

#[test]
fn the_needed_estimate_changes_something_for_the_better() {
    each_random_situation(|demands, estimate| {
        let (before, outcome) = divide(demands, estimate);
        if outcome.needed == outcome.allocated {
            return;
        }

        let after = targets(&settled(demands, &before), outcome.needed);

        assert!(outcome.needed > estimate);
        assert!(
            before
                .iter()
                .zip(&after)
                .any(|(before, after)| after > before)
        );
    });
}

#[test]
fn equal_cameras_differ_by_a_step_at_most() {
    for count in 1..30 {
        for estimate in (0..20_000_000).step_by(100_000) {
            let steps: Vec<_> = targets(&vec![camera(); count], estimate)
                .into_iter()
                .map(|target| target.map_or(0, |encoding| encoding + 1))
                .collect();

            assert!(steps.is_sorted_by(|a, b| a >= b), "{steps:?}");
            assert!(steps[0] - steps[count - 1] <= 1, "{steps:?}");
        }
    }
}
