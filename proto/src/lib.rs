//! The protocol with one peer, and every wire format Plenary speaks.
//!
//! Everything here is sans-IO: time, datagrams and seeds come in as arguments, and datagrams,
//! events and deadlines go out. Sockets, clocks and threads live in the server crate.
#![forbid(unsafe_code)]

pub mod api;
pub mod codec;
pub mod demux;
pub mod ids;
pub mod jsep;
pub mod layer;
pub mod link;
pub mod media;
pub mod session;
pub mod signal;
pub mod token;
