//! A client's offer, as the rest of the server looks at it.

use std::sync::Arc;

use super::description::{Description, DescriptionError};
use super::section::{Direction, Section, SectionKind};

/// One media section of an offer, in the order of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedSection {
    /// `a=mid`.
    pub mid: String,
    /// What it is for.
    pub kind: SectionKind,
    /// Who sends.
    pub direction: Direction,
    /// Whether the client has stopped it: port 0 outside a bundle.
    pub stopped: bool,
    /// The track id, the second word of `a=msid`.
    pub track_id: Option<String>,
    /// RIDs the client sends, in the order of `a=simulcast` or, without it, of `a=rid`.
    pub rids: Vec<String>,
}

impl From<&Section> for OfferedSection {
    fn from(section: &Section) -> Self {
        Self {
            mid: section.mid.clone(),
            kind: section.kind,
            direction: section.direction,
            stopped: section.stopped,
            track_id: section.track_id().map(str::to_owned),
            rids: section.sent_rids(),
        }
    }
}

/// A client's offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// All that it says. The server does not act on the candidates: it learns a client's addresses
    /// from its checks alone, so that nobody can aim the server's checks at an address of their
    /// choice.
    pub description: Arc<Description>,
    /// Its media sections.
    pub sections: Vec<OfferedSection>,
}

impl Offer {
    /// Reads an offer.
    ///
    /// # Errors
    /// [`DescriptionError`] when it is over a limit or cannot be used.
    pub fn parse(text: &str) -> Result<Self, DescriptionError> {
        let description = Description::parse(text)?;
        Ok(Self {
            sections: description
                .sections
                .iter()
                .map(OfferedSection::from)
                .collect(),
            description: Arc::new(description),
        })
    }
}
