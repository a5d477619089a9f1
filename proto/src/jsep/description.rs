//! An offer or answer as a value (RFC 8866, RFC 9429 §5).
//!
//! [`Description::parse`] bounds a peer's text and reads it once; unknown lines are left out.
//! [`Description::render`] writes one of our own.

use std::fmt;

use super::section::{Section, SectionKind};
use super::{read, write};

/// Longest description in bytes; Chromium's offers have 7 kB for each video section and 1 kB for
/// each audio section.
pub const MAX_OFFER_BYTES: usize = 1024 * 1024;
/// Most lines in a description.
pub const MAX_OFFER_LINES: usize = 32_000;
/// Most media sections in a description.
pub const MAX_SECTIONS: usize = 256;
/// Most candidates; further ones are left out.
pub const MAX_CANDIDATES: usize = 64;
/// Most fingerprints; further ones are left out.
pub const MAX_FINGERPRINTS: usize = 8;

/// Why a description was refused. The peer is at fault in every case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DescriptionError {
    /// The text is longer than the server reads.
    #[error(
        "the session description is larger than {MAX_OFFER_BYTES} bytes or {MAX_OFFER_LINES} lines: offer fewer sections or codecs"
    )]
    TooLarge,
    /// There are more media sections than a session may have.
    #[error(
        "the session description has more than {MAX_SECTIONS} media sections: use inactive ones again"
    )]
    TooManySections,
    /// There is no media section at all.
    #[error("the session description has no media section")]
    Empty,
    /// The text is no SDP.
    #[error("the session description is not as RFC 8866 says: {0}")]
    Grammar(String),
    /// A section lacks `a=mid`, or has one that is no token of 1 to 16 characters.
    #[error("media section {0} has no usable a=mid: name it by 1 to 16 token characters")]
    Mid(usize),
    /// Two sections have the same `a=mid`.
    #[error("media section {0} has the a=mid of another one: name each section differently")]
    DuplicateMid(usize),
    /// ICE credentials are missing, too short or too long (RFC 8839 §5.4).
    #[error(
        "the session description has no usable a=ice-ufrag and a=ice-pwd: give 4 and 22 characters at least"
    )]
    Credentials,
    /// There is no certificate fingerprint that can be read.
    #[error("the session description has no usable a=fingerprint: DTLS is required")]
    Fingerprint,
}

/// Who wrote a description, and which of theirs it is: `o=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Origin {
    /// The same in all descriptions of a session; below 2^63.
    pub id: u64,
    /// One more in each.
    pub version: u64,
}

/// An offer or answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    /// Who wrote it.
    pub origin: Origin,
    /// The one transport of all sections.
    pub transport: Transport,
    /// Whether it has a BUNDLE group (RFC 9143).
    pub has_bundle: bool,
    /// Whether one-byte and two-byte header extensions may be mixed (RFC 8285 §4.1.2).
    pub extmap_allow_mixed: bool,
    /// Its media sections.
    pub sections: Vec<Section>,
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    /// [`DescriptionError`] when it is over a limit or cannot be used at all. Lines that cannot
    /// be read are left out.
    pub fn parse(text: &str) -> Result<Self, DescriptionError> {
        read::read(text)
    }

    /// Writes it as text.
    pub fn render(&self) -> String {
        write::write(self)
    }

    /// Whether a section takes data channels.
    pub fn has_application(&self) -> bool {
        self.sections
            .iter()
            .any(|section| section.kind == SectionKind::Application && section.is_usable())
    }
}

/// ICE and DTLS, which all sections share.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Transport {
    /// `a=ice-ufrag`: a new one asks for an ICE restart.
    pub ufrag: String,
    /// `a=ice-pwd`.
    pub password: String,
    /// What the DTLS certificate must match: one of them.
    pub fingerprints: Vec<Fingerprint>,
    /// Who opens DTLS.
    pub setup: Setup,
    /// Whether this side only answers checks (RFC 8445 §2.5).
    pub ice_lite: bool,
    /// `a=ice-options`, such as `trickle`; empty without.
    pub ice_options: String,
    /// Candidates as they stand after `a=`. A server must not act on a client's, or anybody could
    /// aim its checks at an address of their choice.
    pub candidates: Vec<String>,
    /// Whether no more candidates come.
    pub end_of_candidates: bool,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("ufrag", &self.ufrag)
            .field("setup", &self.setup)
            .field("ice_lite", &self.ice_lite)
            .field("candidates", &self.candidates.len())
            .finish_non_exhaustive()
    }
}

/// Hash of a certificate (RFC 8122 §5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Name of the hash function in lower case, such as `sha-256`.
    pub hash: String,
    /// The hash, of 64 bytes at most.
    pub bytes: Vec<u8>,
}

/// Who opens DTLS: `a=setup` (RFC 8842 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Setup {
    /// Either; also when nothing is said.
    #[default]
    ActPass,
    /// The side that says so.
    Active,
    /// The other side.
    Passive,
}

impl Setup {
    /// The role to take towards a peer that has said this: the server's, unless it is taken.
    pub const fn answering(self) -> Self {
        match self {
            Self::Passive => Self::Active,
            Self::ActPass | Self::Active => Self::Passive,
        }
    }

    /// Whether the side that offered opens DTLS, when it got this for an answer.
    pub const fn lets_offerer_open(self) -> bool {
        // RFC 4145 §4: an answer that does not say is passive.
        !matches!(self, Self::Active)
    }
}
