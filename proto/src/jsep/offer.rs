//! Reading a client's offer.

use crate::codec::MediaKind;

/// Longest offer in bytes; a browser with 100 sections makes about 200 kB.
pub const MAX_OFFER_BYTES: usize = 256 * 1024;
/// Most lines in an offer.
pub const MAX_OFFER_LINES: usize = 8_000;
/// Most media sections in an offer.
pub const MAX_SECTIONS: usize = 256;
/// Most simulcast encodings of a section.
pub const MAX_RIDS: usize = 4;

/// Why an offer was refused. The client is at fault in every case.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// The text is longer than the server reads.
    #[error("the offer is larger than {MAX_OFFER_BYTES} bytes or {MAX_OFFER_LINES} lines")]
    TooLarge,
    /// There are more media sections than a session may have.
    #[error("the offer has more than {MAX_SECTIONS} media sections")]
    TooManySections,
    /// There is no media section at all.
    #[error("the offer has no media section")]
    Empty,
    /// A section lacks `a=mid`, or has one that is no token of 1 to 16 characters.
    #[error("media section {0} has no usable a=mid")]
    Mid(usize),
    /// Not an offer but something else.
    #[error("the session description is of type {0:?}, not an offer")]
    NotAnOffer(String),
}

/// What a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SectionKind {
    /// Audio or video.
    Media(MediaKind),
    /// Data channels.
    Application,
    /// Something the server does not know.
    Other,
}

/// Direction of a section, seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Both ways; the default of RFC 8866.
    SendRecv,
    /// From the client.
    SendOnly,
    /// To the client.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether the client sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the client receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

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

/// A client's offer: the text to apply, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The text without candidates. The server learns a client's addresses from its checks alone,
    /// so that nobody can aim the server's checks at an address of their choice.
    pub text: String,
    /// Its media sections.
    pub sections: Vec<OfferedSection>,
    /// `a=ice-ufrag` of the first section or the session: a new one asks for an ICE restart.
    pub ice_ufrag: Option<String>,
}

impl Offer {
    /// Reads an offer.
    ///
    /// # Errors
    /// [`OfferError`] when it is over a limit or has no usable section.
    pub fn parse(text: &str) -> Result<Self, OfferError> {
        if text.len() > MAX_OFFER_BYTES || text.lines().count() > MAX_OFFER_LINES {
            return Err(OfferError::TooLarge);
        }
        let mut reader = Reader::default();
        for line in text.lines() {
            reader.read(line.trim_end())?;
        }
        reader.finish()
    }

    /// Whether a section takes data channels.
    pub fn has_application(&self) -> bool {
        self.sections
            .iter()
            .any(|section| section.kind == SectionKind::Application)
    }
}

#[derive(Default)]
struct Reader {
    text: String,
    sections: Vec<OfferedSection>,
    bundled: Vec<String>,
    session_direction: Option<Direction>,
    ice_ufrag: Option<String>,
}

impl Reader {
    fn read(&mut self, line: &str) -> Result<(), OfferError> {
        if line.starts_with("a=candidate:") || line == "a=end-of-candidates" {
            return Ok(());
        }
        self.text.push_str(line);
        self.text.push_str("\r\n");

        if let Some(media) = line.strip_prefix("m=") {
            return self.open_section(media);
        }
        let Some(attribute) = line.strip_prefix("a=") else {
            return Ok(());
        };
        let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
        if name == "ice-ufrag" && self.ice_ufrag.is_none() {
            self.ice_ufrag = Some(value.to_owned());
        }
        match self.sections.last_mut() {
            Some(section) => section.read_attribute(name, value),
            None => self.read_session_attribute(name, value),
        }
        Ok(())
    }

    fn open_section(&mut self, media: &str) -> Result<(), OfferError> {
        if self.sections.len() == MAX_SECTIONS {
            return Err(OfferError::TooManySections);
        }
        let mut words = media.split(' ');
        let kind = match words.next() {
            Some("audio") => SectionKind::Media(MediaKind::Audio),
            Some("video") => SectionKind::Media(MediaKind::Video),
            Some("application") => SectionKind::Application,
            _ => SectionKind::Other,
        };
        self.sections.push(OfferedSection {
            mid: String::new(),
            kind,
            direction: self.session_direction.unwrap_or(Direction::SendRecv),
            stopped: words.next() == Some("0"),
            track_id: None,
            rids: Vec::new(),
        });
        Ok(())
    }

    fn read_session_attribute(&mut self, name: &str, value: &str) {
        if let Some(direction) = direction(name) {
            self.session_direction = Some(direction);
        } else if name == "group"
            && let Some(mids) = value.strip_prefix("BUNDLE ")
        {
            self.bundled = mids
                .split(' ')
                .take(MAX_SECTIONS)
                .map(str::to_owned)
                .collect();
        }
    }

    fn finish(mut self) -> Result<Offer, OfferError> {
        if self.sections.is_empty() {
            return Err(OfferError::Empty);
        }
        for (index, section) in self.sections.iter_mut().enumerate() {
            let usable =
                (1..=16).contains(&section.mid.len()) && section.mid.bytes().all(is_token_byte);
            if !usable {
                return Err(OfferError::Mid(index));
            }
            // RFC 8843 §6: in a bundle, port 0 means "shares the transport", not "stopped".
            section.stopped &= !self.bundled.contains(&section.mid);
        }
        Ok(Offer {
            text: self.text,
            sections: self.sections,
            ice_ufrag: self.ice_ufrag,
        })
    }
}

impl OfferedSection {
    fn read_attribute(&mut self, name: &str, value: &str) {
        if let Some(direction) = direction(name) {
            self.direction = direction;
            return;
        }
        match name {
            "mid" => self.mid = value.to_owned(),
            "msid" => self.track_id = value.split(' ').nth(1).map(str::to_owned),
            "rid" => self.read_rid(value),
            "simulcast" => self.read_simulcast(value),
            _ => {}
        }
    }

    fn read_rid(&mut self, value: &str) {
        let mut words = value.split(' ');
        if let (Some(rid), Some("send")) = (words.next(), words.next())
            && self.rids.len() < MAX_RIDS
            && !self.rids.iter().any(|known| known == rid)
        {
            self.rids.push(rid.to_owned());
        }
    }

    /// `send q;h;f`, where `~` marks a paused encoding and `,` separates alternatives
    /// (RFC 8853 §5.1).
    fn read_simulcast(&mut self, value: &str) {
        let mut words = value.split(' ');
        while let (Some(direction), Some(streams)) = (words.next(), words.next()) {
            if direction == "send" {
                let ordered = streams
                    .split(';')
                    .filter_map(|stream| stream.split(',').next());
                self.rids = ordered
                    .map(|rid| rid.trim_start_matches('~').to_owned())
                    .take(MAX_RIDS)
                    .collect();
            }
        }
    }
}

fn direction(name: &str) -> Option<Direction> {
    match name {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    }
}

/// RFC 8866 §9 token characters.
const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x27 | 0x2A..=0x2B | 0x2D..=0x2E | 0x30..=0x39 | 0x41..=0x5A | 0x5E..=0x7E)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\na=ice-ufrag:abcd\r\n\
        a=candidate:1 1 udp 1 169.254.169.254 80 typ host\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=recvonly\r\n\
        m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=sendonly\r\na=msid:- camera-1\r\n\
        a=rid:f send\r\na=rid:q send\r\na=simulcast:send q;~f\r\n";

    #[test]
    fn lists_sections_with_track_and_simulcast_order() {
        let offer = Offer::parse(OFFER).expect("a good offer");

        assert_eq!(offer.ice_ufrag.as_deref(), Some("abcd"));
        assert!(offer.has_application());
        assert_eq!(offer.sections[1].direction, Direction::RecvOnly);
        assert_eq!(
            offer.sections[2],
            OfferedSection {
                mid: "2".into(),
                kind: SectionKind::Media(MediaKind::Video),
                direction: Direction::SendOnly,
                stopped: false,
                track_id: Some("camera-1".into()),
                rids: vec!["q".into(), "f".into()],
            }
        );
    }

    #[test]
    fn forgets_addresses_the_client_names() {
        let offer = Offer::parse(OFFER).expect("a good offer");

        assert!(!offer.text.contains("169.254.169.254"));
    }

    #[test]
    fn refuses_what_is_too_large_or_nameless() {
        let many = format!(
            "v=0\r\n{}",
            "m=audio 9 x 0\r\na=mid:0\r\n".repeat(MAX_SECTIONS + 1)
        );

        assert_eq!(
            Offer::parse(&"a".repeat(MAX_OFFER_BYTES + 1)),
            Err(OfferError::TooLarge)
        );
        assert_eq!(Offer::parse(&many), Err(OfferError::TooManySections));
        assert_eq!(Offer::parse("v=0\r\n"), Err(OfferError::Empty));
        assert_eq!(
            Offer::parse("v=0\r\nm=audio 9 x 0\r\n"),
            Err(OfferError::Mid(0))
        );
    }
}
