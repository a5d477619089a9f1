//! Offers and answers of the single peer connection (RFC 8829, RFC 9429).
//!
//! The client always offers and the server always answers:
//! 1. [`Description::parse`] bounds the text and reads it into a value; [`Offer`] lists what the
//!    server looks at;
//! 2. [`negotiate_all`] finds the codecs and header extensions both sides understand;
//! 3. [`ServerAnswer`] says what each section carries, which is how SDKs recognise what they
//!    receive. [`ClientOffer`] is the client's side of it, for tests and the load tester.

mod client_offer;
mod description;
mod negotiate;
mod offer;
mod read;
mod read_section;
mod section;
mod server_answer;
#[cfg(test)]
mod tests;
mod write;

pub use client_offer::{AnswerError, AnsweredSection, ClientOffer, SentTrack};
pub use description::{
    Description, DescriptionError, Fingerprint, MAX_CANDIDATES, MAX_FINGERPRINTS, MAX_OFFER_BYTES,
    MAX_OFFER_LINES, MAX_SECTIONS, Origin, Setup, Transport,
};
pub use negotiate::{AgreedFormat, Agreement, Capabilities, MAX_EXTENSION_ID, negotiate_all};
pub use offer::{Offer, OfferedSection};
pub use section::{
    Direction, Extension, Feedback, Format, FormatCodec, MAX_RIDS, MAX_SSRCS, Msid, Rid,
    RidDirection, Section, SectionKind, Simulcast, Ssrc,
};
pub use server_answer::{
    MAX_MESSAGE_BYTES, SCTP_PORT, SectionAnswer, SentStream, ServerAnswer, Wanted,
};
