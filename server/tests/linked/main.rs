//! The conferences of `world`, each in a room that three engines share: everything anybody sees,
//! hears or says also crosses a link. `SIM_SEED=... cargo test -p server --test linked NAME` replays
//! one.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    missing_docs,
    unreachable_pub,
    reason = "tests"
)]

/// On how many engines a room is.
pub const SEGMENTS: usize = 3;

#[path = "../world/conference.rs"]
mod conference;
#[path = "../world/costs.rs"]
mod costs;
#[path = "../world/dump.rs"]
mod dump;
#[path = "../world/film.rs"]
mod film;
#[path = "../folder/mod.rs"]
mod folder;
#[path = "../world/link.rs"]
mod link;
#[path = "../world/listening.rs"]
mod listening;
#[path = "../world/media.rs"]
mod media;
#[path = "../world/mixing.rs"]
mod mixing;
#[path = "../world/network.rs"]
mod network;
#[path = "../world/person.rs"]
mod person;
#[path = "../world/recorded.rs"]
mod recorded;
#[path = "../world/rooms.rs"]
mod rooms;
mod segments;
#[path = "../world/sessions.rs"]
mod sessions;
#[path = "../world/walk.rs"]
mod walk;
#[path = "../world/world.rs"]
mod world;
