//! Offers of clients, and the answers to them.

use proto::ids::{ParticipantSid, TrackSid};
use proto::jsep::{
    Capabilities, Description, DescriptionError, Fingerprint, MAX_CANDIDATES, MAX_FINGERPRINTS,
    MAX_RIDS, MAX_SECTIONS, MAX_SSRCS, Origin, SectionAnswer, SectionKind, SentStream,
    ServerAnswer, Setup, Transport, Wanted, negotiate_all,
};

/// An offer that is taken keeps its bounds, and its answer is read back as it was meant.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let Ok(offer) = Description::parse(text) else {
        return;
    };
    check_bounds(&offer);

    let agreements = negotiate_all(&offer, &Capabilities::ALL);
    let count = offer.sections.len();
    let sections: Vec<_> = (0..count)
        .map(|index| carried(index + text.len()))
        .collect();
    let streams: Vec<_> = (0..count).map(stream).collect();
    let answer = ServerAnswer {
        offer: &offer,
        agreements: &agreements,
        origin: Origin { id: 1, version: 1 },
        transport: &transport(offer.transport.setup.answering()),
        sections: &sections,
        streams: &streams,
    };
    let answer = answer.describe();

    let again = match Description::parse(&answer.render()) {
        Ok(again) => again,
        // Feedback of all formats is written out for each of them.
        Err(DescriptionError::TooLarge) => return,
        Err(error) => {
            assert!(
                answer.sections.iter().all(|section| section.stopped),
                "{error}"
            );
            return;
        }
    };
    assert_eq!(again.transport, answer.transport);
    assert_eq!(again.sections.len(), count);
    for (theirs, ours) in offer.sections.iter().zip(&again.sections) {
        assert_eq!((&theirs.mid, theirs.kind), (&ours.mid, ours.kind));
        if theirs.kind == SectionKind::Application {
            continue;
        }
        let flows = (ours.direction.sends(), ours.direction.receives());
        assert!(!flows.0 || theirs.direction.receives());
        assert!(!flows.1 || theirs.direction.sends());
        assert!(flows.0 || ours.msid.is_none() && ours.ssrcs.is_empty());
    }
    assert_eq!(negotiate_all(&again, &Capabilities::ALL), agreements);
}

fn check_bounds(offer: &Description) {
    assert!((1..=MAX_SECTIONS).contains(&offer.sections.len()));
    assert!(offer.transport.candidates.len() <= MAX_CANDIDATES);
    assert!((1..=MAX_FINGERPRINTS).contains(&offer.transport.fingerprints.len()));
    for section in &offer.sections {
        assert!((1..=16).contains(&section.mid.len()));
        assert!(section.rids.len() <= 2 * MAX_RIDS);
        assert!(section.sent_rids().len() <= MAX_RIDS);
        assert!(section.formats.len() <= 96);
        assert!(section.ssrcs.len() <= MAX_SSRCS && section.repairs.len() <= MAX_SSRCS);
        assert!(section.streams().len() <= section.ssrcs.len());
    }
}

fn carried(number: usize) -> SectionAnswer {
    let publisher = ParticipantSid::parse("PA_fuzz");
    let track = TrackSid::parse("TR_fuzz");
    match (number % 4, publisher, track) {
        (0, ..) => SectionAnswer::Keep,
        (1, ..) => SectionAnswer::Inactive,
        (2, Some(publisher), Some(track)) => SectionAnswer::Sends { publisher, track },
        _ => SectionAnswer::Takes(Wanted::default()),
    }
}

fn stream(index: usize) -> Option<SentStream> {
    let ssrc = 2 * u32::try_from(index).ok()?;
    Some(SentStream {
        ssrc,
        repair_ssrc: Some(ssrc + 1),
        cname: "fuzz".to_owned(),
    })
}

fn transport(setup: Setup) -> Transport {
    Transport {
        ufrag: "fuzz".to_owned(),
        password: "fuzzfuzzfuzzfuzzfuzzfuzz".to_owned(),
        fingerprints: vec![Fingerprint {
            hash: "sha-256".to_owned(),
            bytes: vec![1; 32],
        }],
        setup,
        ..Transport::default()
    }
}
