use super::*;
use crate::codec::{Codec, MediaKind};
use crate::jsep::section::{Direction, Feedback, FormatCodec, Msid, RidDirection, SectionKind};
use crate::media::extension::HeaderExtension;

#[test]
fn chromium_offers_tracks_channels_and_sections_to_receive_in() {
    let offer = parse(CHROMIUM);

    let kinds: Vec<_> = offer
        .sections
        .iter()
        .map(|section| (section.kind, section.direction))
        .collect();
    let audio = SectionKind::Media(MediaKind::Audio);
    let video = SectionKind::Media(MediaKind::Video);
    let mut expected = vec![(audio, Direction::RecvOnly); 3];
    expected.extend([(video, Direction::RecvOnly); 3]);
    expected.extend([
        (SectionKind::Application, Direction::SendRecv),
        (audio, Direction::SendOnly),
        (video, Direction::SendOnly),
    ]);
    assert_eq!(kinds, expected);
    assert!(offer.has_application() && offer.has_bundle && offer.extmap_allow_mixed);
    assert!(offer.sections.iter().all(Section::is_usable));
}

#[test]
fn the_transport_is_that_of_the_first_section() {
    let transport = parse(CHROMIUM).transport;

    assert_eq!(transport.ufrag, "1yv9");
    assert_eq!(transport.password, "fciQq7SBBoVvLw12OtYVRG9B");
    assert_eq!(transport.setup, Setup::ActPass);
    assert_eq!(transport.ice_options, "trickle");
    assert_eq!(transport.fingerprints.len(), 1);
    assert_eq!(transport.fingerprints[0].hash, "sha-256");
    assert_eq!(transport.fingerprints[0].bytes.len(), 32);
    assert_eq!(transport.fingerprints[0].bytes[..3], [0xF2, 0xBC, 0x55]);
    assert_eq!(transport.candidates.len(), 8);
    assert!(transport.candidates[0].starts_with("candidate:3775248116 1 udp "));
    assert!(!transport.ice_lite && !transport.end_of_candidates);
}

#[test]
fn what_firefox_says_of_the_session_holds_for_its_sections() {
    let offer = parse(FIREFOX);

    assert_eq!(offer.transport.fingerprints[0].bytes[0], 0x57);
    assert_eq!(offer.transport.ufrag, "9cda8015");
    assert_eq!(offer.transport.ice_options, "trickle");
    assert!(offer.transport.end_of_candidates && offer.extmap_allow_mixed);
    // It bundles by port 0.
    assert!(offer.sections.iter().all(Section::is_usable));
}

#[test]
fn formats_keep_codec_parameters_and_feedback() {
    let offer = parse(CHROMIUM);

    let opus = offer.sections[0].format(111).unwrap();
    assert_eq!(opus.codec, FormatCodec::Media(Codec::Opus));
    assert_eq!((opus.clock_rate_hz, opus.channels), (48_000, 2));
    assert_eq!(opus.parameter("stereo"), Some("1"));
    assert_eq!(opus.parameter("sprop-stereo"), None);
    assert!(opus.feedback.transport_cc && !opus.feedback.nack);
    let vp8 = offer.sections[3].format(96).unwrap();
    assert_eq!(vp8.feedback, Feedback::ALL);
    let rtx = offer.sections[3].format(97).unwrap();
    assert_eq!(rtx.codec, FormatCodec::Rtx { apt: 96 });
    // RED of pictures carries forward error correction.
    let red = offer.sections[3].format(118).unwrap();
    assert_eq!(red.codec, FormatCodec::Unknown);
    assert_eq!(offer.sections[0].formats.len(), 8);
}

#[test]
fn a_published_camera_names_its_track_and_encodings() {
    let offer = parse(CHROMIUM);
    let camera = &offer.sections[8];

    assert_eq!(
        camera.track_id(),
        Some("128280bb-8b8a-48ae-9ceb-374791b8abe3")
    );
    assert_eq!(camera.sent_rids(), ["q", "h"]);
    assert_eq!(camera.streams(), []);
    let microphone = &offer.sections[7];
    assert_eq!(microphone.streams(), [(3_578_612_120, None)]);
    assert_eq!(microphone.ssrcs[0].cname, "755Dpem/zVq//OIc");
}

#[test]
fn firefox_names_streams_and_encodings() {
    let offer = parse(FIREFOX);
    let camera = &offer.sections[6];

    assert_eq!(camera.sent_rids(), ["q", "h"]);
    assert_eq!(
        camera.streams(),
        [
            (98_821_695, Some(2_882_486_668)),
            (1_157_889_301, Some(1_548_900_646))
        ]
    );
    let descriptor = camera
        .extensions
        .iter()
        .find(|own| own.extension == HeaderExtension::DependencyDescriptor)
        .unwrap();
    assert_eq!(
        (descriptor.id, descriptor.direction),
        (8, Direction::SendOnly)
    );
}

#[test]
fn unknown_extensions_are_left_out() {
    let offer = parse(CHROMIUM);

    let ids: Vec<u8> = offer.sections[8]
        .extensions
        .iter()
        .map(|own| own.id)
        .collect();

    assert_eq!(ids, [2, 13, 3, 4, 10, 11, 12]);
}

#[test]
fn simulcast_has_its_own_order_alternatives_and_pauses() {
    let lines = "a=rid:f send\r\na=rid:h send pt=96;max-width=640\r\na=rid:q send\r\na=rid:l recv\r\n\
                 a=simulcast:send ~q;x,h;f;y recv l\r\n";

    let section = section_with("m=video 9 UDP/TLS/RTP/SAVPF 96", lines);

    assert_eq!(section.simulcast.send, ["q", "h", "f"]);
    assert_eq!(section.simulcast.receive, ["l"]);
    assert_eq!(section.rids.len(), 4);
    assert_eq!(section.rids[3].direction, RidDirection::Receive);
}

#[test]
fn rids_without_simulcast_keep_their_order() {
    let section = section_with(
        "m=video 9 UDP/TLS/RTP/SAVPF 96",
        "a=rid:h send\r\na=rid:q send\r\na=rid:l recv\r\n",
    );

    assert_eq!(section.sent_rids(), ["h", "q"]);
    assert_eq!(section.received_rids(), ["l"]);
}

#[test]
fn feedback_of_all_formats_is_that_of_each() {
    let section = section_with(
        "m=video 9 UDP/TLS/RTP/SAVPF 96 98",
        "a=rtcp-fb:* nack pli\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:98 vp9/90000\r\na=rtcp-fb:98 nack\r\n",
    );

    let feedback = |payload_type| section.format(payload_type).unwrap().feedback;
    assert!(feedback(96).nack_pli && !feedback(96).nack);
    assert!(feedback(98).nack_pli && feedback(98).nack);
}

#[test]
fn lines_of_a_format_may_stand_in_any_order() {
    let section = section_with(
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97",
        "a=fmtp:97 apt=96\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 RTX/90000\r\na=rtpmap:96 vp8/90000\r\n",
    );

    let codecs: Vec<_> = section.formats.iter().map(|format| format.codec).collect();
    assert_eq!(
        codecs,
        [FormatCodec::Media(Codec::Vp8), FormatCodec::Rtx { apt: 96 }]
    );
}

#[test]
fn port_0_stops_a_section_only_outside_the_bundle() {
    let text = with_lines(
        "m=audio 0 UDP/TLS/RTP/SAVPF 111",
        "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n",
    );

    let sections = parse(&text).sections;

    assert!(!sections[0].stopped && sections[0].is_usable());
    assert!(sections[1].stopped && !sections[1].is_usable());
}

#[test]
fn without_a_bundle_only_the_first_section_has_the_transport() {
    let text = with_lines(
        "m=audio 9 UDP/TLS/RTP/SAVPF 111",
        "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n",
    )
    .replace("a=group:BUNDLE 0\r\n", "");

    let offer = parse(&text);

    assert!(!offer.has_bundle);
    assert!(offer.sections[0].is_usable() && !offer.sections[1].is_usable());
}

#[test]
fn a_stopped_first_section_names_no_transport() {
    let text = "v=0\r\ns=-\r\na=group:BUNDLE 1\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n\
                a=ice-ufrag:gone\r\na=ice-pwd:0123456789012345678901\r\n\
                m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:1\r\na=ice-ufrag:here\r\n\
                a=ice-pwd:0123456789012345678901\r\na=fingerprint:sha-256 AB:CD\r\n";

    assert_eq!(parse(text).transport.ufrag, "here");
}

#[test]
fn a_stream_may_have_no_name_and_no_track() {
    let section = section_with("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=msid:-\r\n");

    let expected = Msid {
        stream: "-".to_owned(),
        track: None,
    };
    assert_eq!(section.msid, Some(expected));
    assert_eq!(section.track_id(), None);
}

#[test]
fn ends_of_lines_do_not_matter() {
    let unix = parse(FIREFOX);

    let network = parse(&FIREFOX.replace('\n', "\r\n"));
    let spacious = parse(
        &FIREFOX
            .replace('\n', " \r\n\r\n")
            .replacen("v=0 ", "v=0", 1),
    );

    assert_eq!(unix, network);
    assert_eq!(unix.transport, spacious.transport);
    assert_eq!(unix.sections[6].rids, spacious.sections[6].rids);
    assert_eq!(unix.sections[6].formats, spacious.sections[6].formats);
}

#[test]
fn known_values_survive_writing() {
    for text in [CHROMIUM, FIREFOX, LIBWEBRTC] {
        let mut once = parse(text);
        for section in &mut once.sections {
            section
                .formats
                .retain(|format| format.codec != FormatCodec::Unknown);
        }

        let again = parse(&once.render());

        for (before, after) in once.sections.iter().zip(&again.sections) {
            let formats = |section: &Section| {
                let known = section
                    .formats
                    .iter()
                    .map(|format| (format.payload_type, format.codec, format.parameters.clone()));
                known.collect::<Vec<_>>()
            };
            assert_eq!(before.extensions, after.extensions);
            assert_eq!(before.rids, after.rids);
            assert_eq!(before.simulcast, after.simulcast);
            assert_eq!(before.msid, after.msid);
            assert_eq!(before.ssrcs, after.ssrcs);
            assert_eq!(before.repairs, after.repairs);
            assert_eq!(before.direction, after.direction);
            let kept = formats(after);
            assert!(formats(before).iter().all(|format| {
                kept.contains(format) || matches!(format.1, FormatCodec::Rtx { .. })
            }));
        }
        assert_eq!(once.transport, again.transport);
    }
}
