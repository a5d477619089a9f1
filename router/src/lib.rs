//! Rooms and forwarding decisions on clear packets.
#![forbid(unsafe_code)]
