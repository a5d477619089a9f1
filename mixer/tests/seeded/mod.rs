//! Tests with random inputs that can be replayed.

use fastrand::Rng;

/// Runs a test with several seeds, or with the one that is to be replayed.
pub(crate) fn for_seeds(count: u64, mut test: impl FnMut(&mut Rng)) {
    let seeds = match std::env::var("SIM_SEED") {
        Ok(seed) => vec![seed.parse().expect("SIM_SEED is a number")],
        Err(_) => (1..=count).collect::<Vec<u64>>(),
    };
    for seed in seeds {
        // Captured unless the test fails, and then the last line names the seed.
        println!("SIM_SEED={seed}");
        test(&mut Rng::with_seed(seed));
    }
}
