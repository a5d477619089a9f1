//! Reading a description: lines become values, and what cannot be read is left out.

use std::collections::HashSet;

use sdp_types::{Attribute, Media, Session};

use super::description::{
    Description, DescriptionError, Fingerprint, MAX_CANDIDATES, MAX_FINGERPRINTS, MAX_OFFER_BYTES,
    MAX_OFFER_LINES, MAX_SECTIONS, Origin, Setup, Transport,
};
use super::read_section::SectionReader;
use super::section::{Direction, Section};

/// Most bytes of a mid, and of every other name a header extension carries in its one-byte form
/// (RFC 8285 §4.2).
pub(super) const MAX_NAME_BYTES: usize = 16;
/// Longest candidate; further ones are left out.
const MAX_CANDIDATE_BYTES: usize = 512;
/// Longest hash of a certificate: SHA-512.
const MAX_HASH_BYTES: usize = 64;

/// Reads a description.
pub(super) fn read(text: &str) -> Result<Description, DescriptionError> {
    if text.len() > MAX_OFFER_BYTES || text.lines().count() > MAX_OFFER_LINES {
        return Err(DescriptionError::TooLarge);
    }
    let session = Session::parse(text.as_bytes())
        .map_err(|error| DescriptionError::Grammar(error.to_string()))?;
    if session.medias.is_empty() {
        return Err(DescriptionError::Empty);
    }
    if session.medias.len() > MAX_SECTIONS {
        return Err(DescriptionError::TooManySections);
    }

    let shared = SessionLines::read(&session.attributes);
    let mut own = TransportLines::default();
    let mut sections: Vec<Section> = Vec::with_capacity(session.medias.len());
    let mut mids = HashSet::with_capacity(session.medias.len());
    let mut extmap_allow_mixed = shared.extmap_allow_mixed;
    let mut has_first = false;
    for (index, media) in session.medias.iter().enumerate() {
        let mut reader = SectionReader::new(media, shared.direction);
        for attribute in &media.attributes {
            let (name, value) = name_and_value(attribute);
            extmap_allow_mixed |= name == "extmap-allow-mixed";
            reader.read(name, value);
        }
        let mut section = reader.finish();
        if !is_mid(&section.mid) {
            return Err(DescriptionError::Mid(index));
        }
        if !mids.insert(section.mid.clone()) {
            return Err(DescriptionError::DuplicateMid(index));
        }
        // RFC 9143 §6: in a bundle, port 0 means "shares the transport", not "stopped".
        let has_port = media.port != 0;
        section.bundled = match &shared.bundle {
            Some(bundle) => bundle.contains(section.mid.as_str()),
            None => has_port && !has_first,
        };
        section.stopped = !has_port && !section.bundled;
        has_first |= has_port;
        if section.bundled {
            own.read_first(media);
        }
        sections.push(section);
    }
    Ok(Description {
        origin: Origin {
            id: session.origin.sess_id.parse().unwrap_or_default(),
            version: session.origin.sess_version,
        },
        transport: own.merge(shared.transport)?,
        has_bundle: shared.bundle.is_some(),
        extmap_allow_mixed,
        sections,
    })
}

/// Splits an attribute. Blanks at the end of a line are no part of it.
pub(super) fn name_and_value(attribute: &Attribute) -> (&str, &str) {
    let value = attribute.value.as_deref().unwrap_or_default();
    (attribute.attribute.trim_end(), value.trim_end())
}

/// The direction an attribute names.
pub(super) fn direction(name: &str) -> Option<Direction> {
    match name {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    }
}

fn is_mid(mid: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&mid.len()) && mid.bytes().all(is_token_byte)
}

/// RFC 8866 §9 token characters.
const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x27 | 0x2A..=0x2B | 0x2D..=0x2E | 0x30..=0x39 | 0x41..=0x5A | 0x5E..=0x7E)
}

/// What stands before the first section.
#[derive(Default)]
struct SessionLines<'a> {
    bundle: Option<HashSet<&'a str>>,
    direction: Direction,
    extmap_allow_mixed: bool,
    transport: TransportLines<'a>,
}

impl<'a> SessionLines<'a> {
    fn read(attributes: &'a [Attribute]) -> Self {
        let mut lines = Self::default();
        for attribute in attributes {
            let (name, value) = name_and_value(attribute);
            if let Some(direction) = direction(name) {
                lines.direction = direction;
            }
            match name {
                "group" => lines.read_group(value),
                "extmap-allow-mixed" => lines.extmap_allow_mixed = true,
                _ => lines.transport.read(name, value),
            }
        }
        lines
    }

    /// A section is in one group at most (RFC 9143 §7), and there is but one transport.
    fn read_group(&mut self, value: &'a str) {
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        if words.next() == Some("BUNDLE") && self.bundle.is_none() {
            self.bundle = Some(words.take(MAX_SECTIONS).collect());
        }
    }
}

/// ICE and DTLS as the session, or its first section, names them.
#[derive(Default)]
struct TransportLines<'a> {
    ufrag: Option<&'a str>,
    password: Option<&'a str>,
    fingerprints: Vec<Fingerprint>,
    setup: Option<Setup>,
    ice_lite: bool,
    ice_options: Option<&'a str>,
    candidates: Vec<&'a str>,
    end_of_candidates: bool,
}

impl<'a> TransportLines<'a> {
    /// Reads a section, unless one before it has told the credentials of all.
    fn read_first(&mut self, media: &'a Media) {
        if self.ufrag.is_some() {
            return;
        }
        let mut lines = Self::default();
        for attribute in &media.attributes {
            let (name, value) = name_and_value(attribute);
            lines.read(name, value);
        }
        if lines.ufrag.is_some() || self.is_empty() {
            *self = lines;
        }
    }

    fn is_empty(&self) -> bool {
        self.fingerprints.is_empty() && self.setup.is_none() && self.candidates.is_empty()
    }

    fn read(&mut self, name: &str, value: &'a str) {
        match name {
            "ice-ufrag" => self.ufrag = Some(value),
            "ice-pwd" => self.password = Some(value),
            "ice-options" => self.ice_options = Some(value),
            "ice-lite" => self.ice_lite = true,
            "end-of-candidates" => self.end_of_candidates = true,
            "fingerprint" if self.fingerprints.len() < MAX_FINGERPRINTS => {
                self.fingerprints.extend(fingerprint(value));
            }
            "setup" => {
                self.setup = match value {
                    "active" => Some(Setup::Active),
                    "passive" => Some(Setup::Passive),
                    _ => Some(Setup::ActPass),
                };
            }
            "candidate"
                if self.candidates.len() < MAX_CANDIDATES && value.len() <= MAX_CANDIDATE_BYTES =>
            {
                self.candidates.push(value);
            }
            _ => {}
        }
    }

    /// What a section says goes before what the session says (RFC 8839 §5.4, RFC 8122 §5).
    fn merge(self, session: Self) -> Result<Transport, DescriptionError> {
        let (ufrag, password) = match self.ufrag {
            Some(_) => (self.ufrag, self.password),
            None => (session.ufrag, session.password),
        };
        let within = |range: std::ops::RangeInclusive<usize>| {
            move |text: &&str| {
                range.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
            }
        };
        // RFC 8839 §5.4.
        let ufrag = ufrag.filter(within(4..=256));
        let password = password.filter(within(22..=256));
        let (Some(ufrag), Some(password)) = (ufrag, password) else {
            return Err(DescriptionError::Credentials);
        };
        let fingerprints = first_of(self.fingerprints, session.fingerprints);
        if fingerprints.is_empty() {
            return Err(DescriptionError::Fingerprint);
        }
        let candidates = first_of(self.candidates, session.candidates);
        Ok(Transport {
            ufrag: ufrag.to_owned(),
            password: password.to_owned(),
            fingerprints,
            setup: self.setup.or(session.setup).unwrap_or_default(),
            ice_lite: self.ice_lite || session.ice_lite,
            ice_options: self
                .ice_options
                .or(session.ice_options)
                .map_or_else(String::new, str::to_owned),
            candidates: candidates
                .into_iter()
                .map(|candidate| format!("candidate:{candidate}"))
                .collect(),
            end_of_candidates: self.end_of_candidates || session.end_of_candidates,
        })
    }
}

fn first_of<T>(own: Vec<T>, other: Vec<T>) -> Vec<T> {
    if own.is_empty() { other } else { own }
}

/// `sha-256 12:AB:..` (RFC 8122 §5).
fn fingerprint(value: &str) -> Option<Fingerprint> {
    let (hash, digits) = value.split_once(' ')?;
    let bytes: Option<Vec<u8>> = digits
        .trim()
        .split(':')
        .take(MAX_HASH_BYTES + 1)
        .map(|pair| {
            let is_byte = pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_byte.then(|| u8::from_str_radix(pair, 16).ok()).flatten()
        })
        .collect();
    let bytes = bytes.filter(|bytes| bytes.len() <= MAX_HASH_BYTES)?;
    Some(Fingerprint {
        hash: hash.to_ascii_lowercase(),
        bytes,
    })
}
