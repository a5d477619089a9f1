//! What publishers send and how receivers know it again.
//!
//! Pictures and sound are encoded once, into short loops: a [`clip::Clip`] for each encoding of a
//! publisher and a [`tone::Tone`] for its sound. Sending takes bytes from the loops and costs no
//! encoding. Every frame ends in a [`stamp::Stamp`], which decoders ignore and receivers read
//! without decoding. Where a stream *is* decoded, by [`decode`], the picture shows a
//! [`card::Card`] and the sound has its publisher's frequency, so that pixels and tones are
//! checked too.

pub mod card;
pub mod clip;
pub mod decode;
pub mod stamp;
pub mod tone;

mod backdrop;
mod codec;
mod layering;
mod spectrum;
mod split;
mod unsupported;

pub use unsupported::{Part, Unsupported};
