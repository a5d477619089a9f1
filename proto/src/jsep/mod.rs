//! Offers and answers of the single peer connection (RFC 8829, RFC 9429).
//!
//! The client always offers and the server always answers:
//! 1. [`Offer::parse`] bounds the text, drops what the server must not act on and lists the media
//!    sections;
//! 2. the session applies it and makes a first answer;
//! 3. [`Answer::render`] gives each section the track it carries, which is how SDKs recognise
//!    what they receive.

mod answer;
mod offer;

pub use answer::{Answer, SectionAnswer};
pub use offer::{
    Direction, MAX_OFFER_BYTES, MAX_OFFER_LINES, MAX_RIDS, MAX_SECTIONS, Offer, OfferError,
    OfferedSection, SectionKind,
};
