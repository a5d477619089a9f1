//! Whole files: written, read, cut off, damaged, and recovered. `SIM_SEED=... cargo test -p mixer
//! --test mux NAME` replays a test.

mod cut;
mod damaged;
mod file;
mod oracle;
mod round_trip;
#[path = "../seeded/mod.rs"]
mod seeded;
