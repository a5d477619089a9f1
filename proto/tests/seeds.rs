//! Replays the seeds of every fuzz target of this crate.

mod replay;
#[path = "../fuzz/src/lib.rs"]
pub mod targets;
