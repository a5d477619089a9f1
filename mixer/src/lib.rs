//! Mixing for Plenary: decode, mix, compose, encode and mux, for recording and for the MCU.
//!
//! The crate is pure: it takes packets and time, and gives frames and bytes. Nothing is here yet;
//! the router and the server do not depend on it.
#![forbid(unsafe_code)]
