//! Replays the seeds of every fuzz target of this crate.

#[path = "../../proto/tests/replay/mod.rs"]
mod replay;
#[path = "../fuzz/src/lib.rs"]
pub mod targets;
