//! The little of libvpx that Plenary needs, in safe Rust.
//!
//! An [`Encoder`] works in real time at a constant bit rate and makes keyframes only where it is
//! told to; a [`Decoder`] gives the luma of pictures. It builds with any libvpx from 1.8 on.
#![expect(unsafe_code, reason = "this crate is the wall around a C library")]

mod decoder;
mod encoder;
mod error;

pub use decoder::{Decoder, Luma};
pub use encoder::{Buffers, Encoder, Settings};
pub use error::Error;

/// The two codecs of libvpx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// RFC 6386.
    Vp8,
    /// The VP9 bitstream specification.
    Vp9,
}
