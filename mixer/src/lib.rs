//! Mixing for Plenary: decode, mix, compose, encode and mux, for recording and for the MCU.
//!
//! The crate is pure: it takes packets and time, and gives frames and bytes. So far it has the
//! files that recordings are written to and read from, their time, and what makes packets into
//! frames for them.
#![forbid(unsafe_code)]

pub mod frames;
pub mod mux;
pub mod recording;
pub mod timeline;
