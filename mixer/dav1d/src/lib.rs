//! The little of libdav1d that Plenary needs, in safe Rust.
//!
//! A [`Decoder`] gives pictures, of a bounded size whatever the frames ask for. It builds with any
//! libdav1d from 1.0 on.
#![expect(unsafe_code, reason = "this crate is the wall around a C library")]

mod decoder;
mod error;

pub use decoder::{Decoder, Picture, Plane};
pub use error::{Code, Error};

/// Widest and highest picture that is decoded, in pixels: more than any camera or screen sends, and
/// 25 MB for each of the pictures that a decoder keeps.
pub const MAX_DECODED_SIDE: u32 = 4096;
