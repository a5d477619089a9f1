//! Whole conferences in simulated time: an engine, people without browsers, and links between
//! them that lose, delay and limit. A test prints its seed; `SIM_SEED=... cargo test -p server
//! --test world NAME` replays it.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

/// On how many engines a room is; the same conferences are held on several in `linked`.
pub const SEGMENTS: usize = 1;

mod conference;
mod costs;
mod dump;
mod film;
#[path = "../folder/mod.rs"]
mod folder;
mod link;
mod listening;
mod media;
mod memory;
mod mixing;
mod network;
mod person;
mod recorded;
mod rooms;
mod sessions;
mod walk;
mod world;
