//! Mixing for Plenary: decode, mix, compose, encode and mux, for recording and for the MCU.
//!
//! The crate is pure: it takes packets and time, and gives frames and bytes.
//!
//! - [`frames`] makes whole frames of packets, and [`timeline`] gives them their times;
//! - [`recording`] writes them down as they are, into the files of [`mux`];
//! - [`codec`] decodes and encodes pictures, [`layout`] decides who is shown where, and [`compose`]
//!   draws that with what [`picture`] can do;
//! - [`audio`] mixes sound.
#![forbid(unsafe_code)]

pub mod audio;
pub mod codec;
pub mod compose;
pub mod frames;
pub mod layout;
pub mod mux;
pub mod picture;
pub mod recording;
pub mod timeline;
