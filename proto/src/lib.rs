//! The protocol with one peer, and every wire format Plenary speaks.
#![forbid(unsafe_code)]

pub mod layer;
