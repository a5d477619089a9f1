//! What each fuzz target does with its input.
//!
//! The same functions replay the seeds in `mixer/tests/seeds.rs`, on a stable compiler, so a seed
//! committed to `seeds/<target>/` is tested from then on. A new target is a module here with a
//! line in [`TARGETS`], a file in `targets/`, a `[[bin]]` in `Cargo.toml`, and seeds.
//!
//! To fuzz: `cargo +nightly fuzz run <target> corpus/<target> seeds/<target>` in `mixer`, with
//! both folders named from `fuzz/`.

pub mod codec;
pub mod frames;
pub mod journal;
pub mod label;
pub mod layout;
pub mod mux;

/// A fuzz target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 6] = [
    ("codec", codec::run),
    ("frames", frames::run),
    ("journal", journal::run),
    ("label", label::run),
    ("layout", layout::run),
    ("mux", mux::run),
];
