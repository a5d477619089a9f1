//! The little of libvpx that Plenary needs, in safe Rust.
//!
//! An [`Encoder`] makes frames for a conference or for a composite, and keyframes only where it is
//! told to; a [`Decoder`] gives pictures, of a bounded size whatever the frames ask for. It builds
//! with any libvpx from 1.8 on.
#![expect(unsafe_code, reason = "this crate is the wall around a C library")]

mod decoder;
mod encoder;
mod error;
mod picture;
mod size;

pub use decoder::Decoder;
pub use encoder::{Buffers, Encoded, Encoder, Purpose, Settings};
pub use error::{Code, Error};
pub use picture::{Picture, Plane};
pub use size::is_keyframe;

/// The two codecs of libvpx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// RFC 6386.
    Vp8,
    /// The VP9 bitstream specification.
    Vp9,
}

/// Widest and highest picture that is decoded, in pixels: more than any camera or screen sends, and
/// 25 MB for each of the pictures that a decoder keeps.
pub const MAX_DECODED_SIDE: u32 = 4096;
