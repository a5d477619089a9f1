//! Rooms that are recorded in simulated time, onto a disk in memory. `SIM_SEED=... cargo test -p
//! mixer --test recording NAME` replays a test.

mod clips;
mod cut;
mod diary;
mod disk;
mod lossy;
mod pauses;
mod room;
#[path = "../seeded/mod.rs"]
mod seeded;
mod sender;
mod sync;
mod tracks;
