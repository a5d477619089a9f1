//! Whole offers and answers, of browsers and of our own.

mod answering;
mod hostile;
mod offering;
mod reading;

use super::client_offer::ClientOffer;
use super::description::{Description, Fingerprint, Origin, Setup, Transport};
use super::negotiate::{Agreement, Capabilities, negotiate_all};
use super::section::Section;
use super::server_answer::{SectionAnswer, SentStream, ServerAnswer};
use crate::ids::{ParticipantSid, TrackSid};

/// Chromium 156 with the JS SDK: three sections of each kind to receive in, data channels, a
/// microphone, and a camera with two encodings.
const CHROMIUM: &str = include_str!("../samples/chromium.sdp");
/// Firefox 153 likewise.
const FIREFOX: &str = include_str!("../samples/firefox.sdp");
/// libwebrtc as the Node SDK has it: no H.264, three encodings.
const LIBWEBRTC: &str = include_str!("../samples/libwebrtc.sdp");

fn parse(text: &str) -> Description {
    Description::parse(text).expect("a good description")
}

/// A description with these lines in its only section.
fn with_lines(media: &str, lines: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n{media}\r\na=mid:0\r\n\
         a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AB:CD\r\n\
         a=setup:actpass\r\n{lines}"
    )
}

fn section_with(media: &str, lines: &str) -> Section {
    parse(&with_lines(media, lines)).sections.remove(0)
}

fn transport(ufrag: &str, setup: Setup) -> Transport {
    Transport {
        ufrag: ufrag.to_owned(),
        password: "passwordpasswordpassword".to_owned(),
        fingerprints: vec![Fingerprint {
            hash: "sha-256".to_owned(),
            bytes: (0..32).map(|byte| byte * 8).collect(),
        }],
        setup,
        ice_options: "trickle".to_owned(),
        candidates: vec!["candidate:1 1 udp 2130706431 10.0.0.1 7882 typ host".to_owned()],
        end_of_candidates: true,
        ..Transport::default()
    }
}

fn stream(index: usize) -> SentStream {
    let ssrc = 1000 + 2 * u32::try_from(index).unwrap();
    SentStream {
        ssrc,
        repair_ssrc: Some(ssrc + 1),
        cname: "plenary".to_owned(),
    }
}

fn sends(track: &str) -> SectionAnswer {
    SectionAnswer::Sends {
        publisher: ParticipantSid::parse("PA_ann").unwrap(),
        track: TrackSid::parse(track).unwrap(),
    }
}

/// The server's answer, with a stream for each section.
fn answer(offer: &Description, sections: &[SectionAnswer]) -> Description {
    let streams: Vec<_> = (0..offer.sections.len())
        .map(|index| Some(stream(index)))
        .collect();
    ServerAnswer {
        offer,
        agreements: &agreements(offer),
        origin: Origin { id: 7, version: 1 },
        transport: &transport("server", offer.transport.setup.answering()),
        sections,
        streams: &streams,
    }
    .describe()
}

fn agreements(offer: &Description) -> Vec<Option<Agreement>> {
    negotiate_all(offer, &Capabilities::ALL)
}

/// The lines of a section in a text, with its media line.
fn lines_of(text: &str, index: usize) -> Vec<&str> {
    let section = text.split("\r\nm=").nth(index + 1).expect("a section");
    section.lines().collect()
}

fn offer_of(client: &mut ClientOffer) -> Description {
    parse(
        &client
            .describe(&transport("client", Setup::ActPass))
            .render(),
    )
}
