//! Streams of every codec, cut into packets, sent over a bad network, and put together again.
//! `SIM_SEED=... cargo test -p mixer --test frames NAME` replays a test.

mod encoded;
mod hostile;
mod lossless;
mod lossy;
mod network;
mod packets;
#[path = "../seeded/mod.rs"]
mod seeded;
mod timing;
