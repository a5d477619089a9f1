//! What the estimator does on simulated paths. Each runs with a few seeds; `SIM_SEED=7` runs one,
//! `SIM_SEEDS=50` runs many.

mod forwarder;
mod hostile;
mod network;
mod world;

use forwarder::{SIMULCAST, SMALL};
use network::Path;
use world::{Stretch, World};

const KBPS: u64 = 1_000;
const MBPS: u64 = 1_000_000;

/// Calls `check` with each seed, and prints them.
fn each_seed(check: impl Fn(u64)) {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seeds: Vec<u64> = match number("SIM_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SIM_SEEDS").unwrap_or(3)).collect(),
    };
    for seed in seeds {
        // Captured unless the check fails, and then the last line is the seed.
        println!("SIM_SEED={seed}");
        check(seed);
    }
}

fn bottleneck(rate_bps: u64) -> Path {
    Path {
        rate_bps: Some(rate_bps),
        ..Path::default()
    }
}

/// A meeting whose pictures take up to 17 Mbit/s.
const MEETING: &[&[u64]] = &[SIMULCAST; 10];

/// Checks that the estimate is in place after a start, and prints figures.
#[track_caller]
fn assert_settled(stretch: &Stretch, capacity_bps: u64) {
    let percent = |bps: u64| bps * 100 / capacity_bps;
    println!(
        "estimate {} to {} %, mean {} %, sent {} %, queue {:.0} ms, {} probes",
        percent(stretch.lowest()),
        percent(stretch.highest()),
        percent(stretch.mean()),
        percent(stretch.sent_bps()),
        stretch.queue_ms(),
        stretch.probes,
    );
    assert!((70..=105).contains(&percent(stretch.mean())));
    assert!(percent(stretch.lowest()) >= 60);
    assert!(percent(stretch.highest()) <= 150);
    assert!(stretch.queue_ms() < 150.0);
}

#[test]
fn holds_while_many_small_streams_are_all_there_is() {
    each_seed(|seed| {
        for initial_bps in [1_500 * KBPS, 4 * MBPS, 8 * MBPS] {
            let mut world = World::new(seed, initial_bps, Path::default(), &[SMALL; 19]);

            let start = world.run(5);
            let then = world.run(55);

            assert!(start.lowest() >= initial_bps);
            assert!(then.lowest() >= initial_bps.max(world.forwarder.wanted_bps() * 115 / 100));
            assert!(then.sent_bps() >= 2_850 * KBPS);
            assert_eq!(then.probes, 0);
        }
    });
}

#[test]
fn survives_a_receiver_that_halts() {
    for (every_ms, halt_ms) in [
        (1_000, 50..=50),
        (50, 20..=50),
        (500, 100..=300),
        (2_000, 500..=1_500),
    ] {
        each_seed(|seed| {
            let path = Path {
                halt_every_ms: every_ms,
                halt_ms: halt_ms.clone(),
                ..Path::default()
            };
            let mut world = World::new(seed, 4 * MBPS, path, &[SMALL; 19]);

            let stretch = world.run(60);

            assert!(stretch.lowest() >= 3_600 * KBPS, "{}", stretch.lowest());
        });
    }
}

#[test]
fn survives_halts_while_pictures_grow() {
    each_seed(|seed| {
        let path = Path {
            halt_every_ms: 1_000,
            halt_ms: 50..=50,
            ..Path::default()
        };
        let mut world = World::new(seed, 1_500 * KBPS, path, &[SIMULCAST; 4]);

        world.run(10);
        let stretch = world.run(50);

        assert!(
            stretch.lowest() >= world.forwarder.wanted_bps(),
            "{}",
            stretch.lowest()
        );
    });
}

#[test]
fn finds_a_bottleneck_from_above() {
    for (capacity_bps, initial_bps) in [
        (MBPS, 8 * MBPS),
        (3 * MBPS, 8 * MBPS),
        (10 * MBPS, 30 * MBPS),
    ] {
        each_seed(|seed| {
            let mut world = World::new(seed, initial_bps, bottleneck(capacity_bps), MEETING);

            let start = world.run(5);
            let then = world.run(55);

            let time = start.until(|bps| bps <= capacity_bps);
            println!("found {capacity_bps} after {time:.1} s");
            assert!(time < 2.0);
            assert_settled(&then, capacity_bps);
        });
    }
}

#[test]
fn finds_a_bottleneck_from_below() {
    for capacity_bps in [MBPS, 3 * MBPS, 10 * MBPS] {
        each_seed(|seed| {
            let mut world = World::new(seed, 300 * KBPS, bottleneck(capacity_bps), MEETING);

            let start = world.run(10);
            let then = world.run(50);

            let time = start.until(|bps| bps >= capacity_bps * 80 / 100);
            println!("found {capacity_bps} after {time:.1} s");
            assert!(time < 5.0);
            assert_settled(&then, capacity_bps);
        });
    }
}

#[test]
fn finds_a_bottleneck_with_any_buffer() {
    for buffer_ms in [20, 50, 100, 500] {
        each_seed(|seed| {
            let path = Path {
                buffer_ms,
                ..bottleneck(3 * MBPS)
            };
            let mut world = World::new(seed, 8 * MBPS, path, MEETING);

            let start = world.run(10);
            let then = world.run(50);

            let time = start.until(|bps| bps <= 3 * MBPS);
            println!("{buffer_ms} ms: found after {time:.1} s");
            assert!(time < 2.0);
            assert_settled(&then, 3 * MBPS);
        });
    }
}

#[test]
fn follows_a_capacity_that_drops_and_comes_back() {
    each_seed(|seed| {
        let mut world = World::new(seed, 3 * MBPS, bottleneck(3 * MBPS), MEETING);
        world.run(30);

        world.network.path.rate_bps = Some(MBPS);
        let dropped = world.run(3);
        let low = world.run(27);
        world.network.path.rate_bps = Some(3 * MBPS);
        let recovering = world.run(20);
        let recovered = world.run(20);

        let drop_time = dropped.until(|bps| bps <= MBPS);
        let recovery_time = recovering.until(|bps| bps >= 3 * MBPS * 85 / 100);
        println!("dropped after {drop_time:.1} s, recovered after {recovery_time:.1} s");
        assert!(drop_time < 2.0);
        assert_settled(&low, MBPS);
        assert!(recovery_time < 10.0);
        assert_settled(&recovered, 3 * MBPS);
    });
}

#[test]
fn keeps_sound_through_a_narrow_path() {
    each_seed(|seed| {
        let mut world = World::new(seed, 8 * MBPS, bottleneck(300 * KBPS), MEETING);

        world.run(10);
        let then = world.run(50);

        assert_settled(&then, 300 * KBPS);
    });
}

#[test]
fn light_random_loss_does_not_reduce() {
    each_seed(|seed| {
        let path = Path {
            loss: 0.02,
            ..Path::default()
        };
        let mut world = World::new(seed, 4 * MBPS, path, &[SMALL; 19]);

        let stretch = world.run(120);

        assert!(stretch.lowest() >= 3_600 * KBPS, "{}", stretch.lowest());
    });
}

#[test]
fn heavy_random_loss_reduces_but_does_not_collapse() {
    each_seed(|seed| {
        let mut world = World::new(seed, 4 * MBPS, Path::default(), &[SMALL; 19]);
        let before = world.run(10).last();

        world.network.path.loss = 0.2;
        let reducing = world.run(5);
        let reduced = world.run(55);
        world.network.path.loss = 0.0;
        let recovered = world.run(10);

        println!(
            "{before} to {}, mean {}, then {}",
            reducing.last(),
            reduced.mean(),
            recovered.last()
        );
        assert!(reducing.lowest() * 10 <= before * 9);
        assert!(reduced.lowest() >= 500 * KBPS && reduced.mean() >= MBPS);
        assert!(recovered.last() >= 3_400 * KBPS);
    });
}

#[test]
fn outages_do_not_reduce() {
    each_seed(|seed| {
        let mut world = World::new(seed, 4 * MBPS, Path::default(), &[SMALL; 19]);

        for _ in 0..5 {
            world.run(5);
            world.network.path.loss = 1.0;
            world.run(1);
            world.network.path.loss = 0.0;
        }

        assert!(world.run(5).lowest() >= 4 * MBPS);
    });
}

#[test]
fn finds_a_bottleneck_in_jitter() {
    for reorders in [false, true] {
        each_seed(|seed| {
            let path = Path {
                jitter_ms: 50,
                reorders,
                ..bottleneck(MBPS)
            };
            let mut world = World::new(seed, 2 * MBPS, path, MEETING);

            world.run(10);
            let then = world.run(50);

            assert_settled(&then, MBPS);
        });
    }
}

#[test]
fn holds_in_jitter() {
    for reorders in [false, true] {
        each_seed(|seed| {
            let path = Path {
                jitter_ms: 50,
                reorders,
                ..Path::default()
            };
            let mut world = World::new(seed, 4 * MBPS, path, &[SMALL; 19]);

            let stretch = world.run(60);

            assert!(stretch.lowest() >= 3_600 * KBPS, "{}", stretch.lowest());
        });
    }
}

#[test]
fn bears_lost_feedback() {
    each_seed(|seed| {
        let path = Path {
            feedback_loss: 0.2,
            ..bottleneck(3 * MBPS)
        };
        let mut world = World::new(seed, 8 * MBPS, path, MEETING);

        world.run(10);
        let then = world.run(50);

        assert_settled(&then, 3 * MBPS);
    });
}

#[test]
fn holds_while_feedback_fails() {
    each_seed(|seed| {
        let mut world = World::new(seed, 4 * MBPS, Path::default(), &[SMALL; 19]);
        let before = world.run(10).last();

        world.network.path.feedback_loss = 1.0;
        world.run(1);
        world.network.path.feedback_loss = 0.0;
        let after = world.run(10);

        assert!(after.lowest() >= before);
    });
}

#[test]
fn holds_over_a_silence() {
    each_seed(|seed| {
        let mut world = World::new(seed, 3 * MBPS, bottleneck(3 * MBPS), MEETING);
        world.run(20);

        world.forwarder.is_silent = true;
        world.want(0);
        let before = world.run(1);
        let silence = world.run(30);
        world.forwarder.is_silent = false;
        world.want(world.forwarder.wanted_bps());
        let after = world.run(20);

        assert_eq!(silence.last(), before.last());
        assert_settled(&after, 3 * MBPS);
    });
}

#[test]
fn finds_a_bottleneck_with_a_long_round_trip() {
    each_seed(|seed| {
        let path = Path {
            round_trip_ms: 300,
            ..bottleneck(3 * MBPS)
        };
        let mut world = World::new(seed, MBPS, path, MEETING);

        world.run(10);
        let then = world.run(50);

        assert_settled(&then, 3 * MBPS);
    });
}

#[test]
fn bears_clocks_that_drift() {
    for skew_ppm in [200.0, -200.0] {
        each_seed(|seed| {
            let path = Path {
                skew_ppm,
                ..Path::default()
            };
            let mut world = World::new(seed, 4 * MBPS, path, &[SMALL; 5]);

            let stretch = world.run(600);

            assert_eq!(stretch.lowest(), 4 * MBPS);
        });
    }
}

#[test]
fn follows_a_change_of_the_route() {
    each_seed(|seed| {
        let mut world = World::new(seed, 6 * MBPS, Path::default(), &[SIMULCAST; 2]);
        world.run(10);

        world.network.path.round_trip_ms = 250;
        let change = world.run(10);
        let then = world.run(30);

        assert!(change.lowest() >= MBPS, "{}", change.lowest());
        assert!(
            then.lowest() >= world.forwarder.wanted_bps(),
            "{}",
            then.lowest()
        );
    });
}

#[test]
fn grows_again_when_nothing_could_be_sent() {
    each_seed(|seed| {
        let mut world = World::new(seed, 30 * KBPS, Path::default(), &[SIMULCAST; 2]);
        world.forwarder.is_silent = true;

        let stretch = world.run(10);

        assert!(stretch.last() >= world.forwarder.wanted_bps() * 115 / 100);
    });
}
