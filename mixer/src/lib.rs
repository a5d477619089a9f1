//! Mixing for Plenary: decode, mix, compose, encode and mux, for recording and for the MCU.
//!
//! The crate is pure: it takes packets and time, and gives frames and bytes. So far it has the
//! files that recordings are written to and read from, and their time.
#![forbid(unsafe_code)]

pub mod mux;
pub mod timeline;
