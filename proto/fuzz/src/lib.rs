//! What each fuzz target does with its input.
//!
//! The same functions replay the seeds in `proto/tests/seeds.rs`, on a stable compiler, so a seed
//! committed to `seeds/<target>/` is tested from then on. A new target is a module here with a
//! line in [`TARGETS`], a file in `targets/`, a `[[bin]]` in `Cargo.toml`, and seeds.
//!
//! To fuzz: `cargo +nightly fuzz run <target> corpus/<target> seeds/<target>` in `proto`, with
//! both folders named from `fuzz/`.

pub mod layer;
pub mod offer;
pub mod rtcp;
pub mod rtp;
pub mod signal;
pub mod stun;

/// A fuzz target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 6] = [
    ("layer", layer::run),
    ("offer", offer::run),
    ("rtcp", rtcp::run),
    ("rtp", rtp::run),
    ("signal", signal::run),
    ("stun", stun::run),
];
