//! Mixing for Plenary: decode, mix, compose, encode and mux, for recording and for the MCU.
//!
//! The crate is pure: it takes packets and time, and gives frames and bytes.
//!
//! - [`frames`] makes whole frames of packets, and [`timeline`] gives them their times;
//! - [`recording`] writes them down as they are, into the files of [`mux`];
//! - [`audio`] mixes sound.
#![forbid(unsafe_code)]

pub mod audio;
pub mod frames;
pub mod mux;
pub mod recording;
pub mod timeline;
