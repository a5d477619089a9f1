use super::*;
use crate::codec::{Codec, MediaKind};
use crate::jsep::client_offer::{AnswerError, SentTrack};
use crate::jsep::section::Direction;
use crate::media::extension::HeaderExtension;

fn track(kind: MediaKind, rids: &[&str]) -> SentTrack {
    SentTrack {
        kind,
        track_id: format!("{kind:?}"),
        rids: rids.iter().map(|rid| (*rid).to_owned()).collect(),
        stream: Some(stream(50)),
    }
}

/// Data channels, a section of each kind to receive in, a microphone, and a camera with two
/// encodings.
fn client() -> ClientOffer {
    let mut client = ClientOffer::new(1);
    client.add_channels("0");
    client.add_receiver("1", MediaKind::Audio);
    client.add_receiver("2", MediaKind::Video);
    client.add_track("3", &track(MediaKind::Audio, &[]));
    client.add_track("4", &track(MediaKind::Video, &["q", "h"]));
    client
}

fn said(offer: &Description) -> Vec<SectionAnswer> {
    let sections = offer.sections.iter().map(|section| {
        if section.direction == Direction::RecvOnly {
            sends("TR_x")
        } else {
            SectionAnswer::Keep
        }
    });
    sections.collect()
}

#[test]
fn offers_look_like_a_browsers() {
    let text = client()
        .describe(&transport("client", Setup::ActPass))
        .render();

    assert!(text.contains("a=group:BUNDLE 0 1 2 3 4\r\n"));
    assert!(lines_of(&text, 0).contains(&"a=setup:actpass"));
    let receiving = lines_of(&text, 1);
    assert_eq!(receiving[0], "audio 9 UDP/TLS/RTP/SAVPF 111 63");
    assert!(receiving.contains(&"a=recvonly"));
    for index in [1, 2] {
        let lines = lines_of(&text, index);
        assert!(
            !lines
                .iter()
                .any(|line| line.starts_with("a=msid") || line.starts_with("a=ssrc"))
        );
    }
    let microphone = lines_of(&text, 3);
    assert!(microphone.contains(&"a=sendonly"));
    assert!(microphone.contains(&"a=msid:- Audio"));
    assert!(microphone.contains(&"a=ssrc:1100 cname:plenary"));
    assert!(microphone.contains(&"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid"));
    let camera = lines_of(&text, 4);
    assert!(camera.contains(&"a=simulcast:send q;h"));
    assert!(!camera.iter().any(|line| line.starts_with("a=ssrc")));
    assert!(camera.contains(&"a=rtpmap:97 rtx/90000"));
    assert!(camera.contains(&"a=fmtp:97 apt=96"));
}

#[test]
fn both_sides_agree_on_the_same() {
    let mut client = client();
    let offer = offer_of(&mut client);

    let answer = parse(&answer(&offer, &said(&offer)).render());
    let agreed = client.read_answer(&answer).unwrap();

    for (theirs, ours) in agreements(&offer).into_iter().zip(&agreed) {
        assert_eq!(theirs.as_ref(), ours.agreement.as_ref());
    }
    assert!(agreed.iter().all(|section| section.is_accepted));
    let microphone = agreed[3].agreement.as_ref().unwrap();
    assert_eq!(microphone.to_send(Codec::Red).unwrap().payload_type, 63);
    assert_eq!(
        microphone.extension_id(HeaderExtension::AudioLevel),
        Some(1)
    );
    assert_eq!(agreed[3].direction, Direction::SendOnly);
    assert_eq!(agreed[4].rids, ["q", "h"]);
    assert_eq!(agreed[2].direction, Direction::RecvOnly);
    assert_eq!(agreed[2].streams, [(1004, Some(1005))]);
    assert_eq!(agreed[2].msid.as_ref().unwrap().stream, "PA_ann|TR_x");
}

#[test]
fn the_client_opens_dtls_and_knows_where_the_server_is() {
    let offer = offer_of(&mut client());

    let answer = parse(&answer(&offer, &[]).render());

    assert!(answer.transport.setup.lets_offerer_open());
    assert_eq!(answer.transport.ufrag, "server");
    assert_eq!(
        answer.transport.candidates,
        ["candidate:1 1 udp 2130706431 10.0.0.1 7882 typ host"]
    );
    assert!(answer.transport.end_of_candidates);
}

#[test]
fn sections_stay_in_place_as_tracks_come_and_go() {
    let mut client = client();
    offer_of(&mut client);

    assert!(client.set_direction("4", Direction::Inactive));
    assert!(!client.set_direction("x", Direction::Inactive));
    client.add_receiver("5", MediaKind::Video);
    let again = offer_of(&mut client);

    let mids: Vec<&str> = again.sections.iter().map(|section| &*section.mid).collect();
    assert_eq!(mids, ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(again.origin.version, 2);
    let stopped = &again.sections[4];
    assert_eq!(stopped.direction, Direction::Inactive);
    assert_eq!(stopped.msid, None);
    assert_eq!(stopped.sent_rids(), Vec::<String>::new());
    assert!(!stopped.stopped);

    client.set_direction("4", Direction::RecvOnly);
    assert_eq!(
        offer_of(&mut client).sections[4].direction,
        Direction::RecvOnly
    );
}

#[test]
fn new_credentials_restart_ice_and_change_nothing_else() {
    let mut client = client();
    let before = offer_of(&mut client);

    let after = parse(
        &client
            .describe(&transport("other", Setup::ActPass))
            .render(),
    );

    assert_eq!(
        (&*before.transport.ufrag, &*after.transport.ufrag),
        ("client", "other")
    );
    assert_eq!(before.sections, after.sections);
}

#[test]
fn what_the_server_refuses_carries_nothing() {
    let mut client = client();
    let offer = offer_of(&mut client);
    let streams = vec![None; 5];
    let answer = ServerAnswer {
        offer: &offer,
        agreements: &[],
        origin: Origin::default(),
        transport: &transport("server", Setup::Passive),
        sections: &[],
        streams: &streams,
    };

    let answer = parse(&answer.describe().render());
    let agreed = client.read_answer(&answer).unwrap();

    assert!(agreed[0].is_accepted);
    for section in &agreed[1..] {
        assert!(!section.is_accepted && section.agreement.is_none());
        assert_eq!(section.direction, Direction::Inactive);
    }
}

#[test]
fn an_answer_to_another_offer_is_refused() {
    let mut client = client();
    let offer = offer_of(&mut client);
    let good = answer(&offer, &[]);

    let mut fewer = good.clone();
    fewer.sections.pop();
    let mut renamed = good.clone();
    renamed.sections[2].mid = "x".to_owned();

    let expected = AnswerError::Count {
        offered: 5,
        answered: 4,
    };
    assert_eq!(client.read_answer(&fewer), Err(expected));
    assert_eq!(client.read_answer(&renamed), Err(AnswerError::Section(2)));
}

#[test]
fn two_hundred_sections_are_agreed_on() {
    let mut client = ClientOffer::new(1);
    client.add_channels("0");
    for index in 1..200 {
        let kind = if index % 5 == 0 {
            MediaKind::Video
        } else {
            MediaKind::Audio
        };
        client.add_receiver(&index.to_string(), kind);
    }
    let offer = offer_of(&mut client);

    let answer = parse(&answer(&offer, &said(&offer)).render());
    let agreed = client.read_answer(&answer).unwrap();

    assert_eq!(agreed.len(), 200);
    assert!(agreed.iter().all(|section| section.is_accepted));
    assert_eq!(agreed[199].streams, [(1398, None)]);
}
