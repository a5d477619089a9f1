//! Whole files: written and read. `SIM_SEED=... cargo test -p mixer
//! --test mux NAME` replays a test.

mod file;
mod oracle;
mod round_trip;
