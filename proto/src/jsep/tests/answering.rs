use super::*;
use crate::codec::Codec;
use crate::jsep::section::{Direction, FormatCodec};
use crate::jsep::server_answer::Wanted;
use crate::media::extension::HeaderExtension;

const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96";

/// What the server says to the Chromium sample: one microphone and one camera of somebody else.
fn to_chromium() -> Vec<SectionAnswer> {
    vec![
        sends("TR_AMx"),
        SectionAnswer::Inactive,
        SectionAnswer::Inactive,
        sends("TR_VCx"),
        SectionAnswer::Inactive,
        SectionAnswer::Inactive,
        SectionAnswer::Keep,
        SectionAnswer::Takes(Wanted::default()),
        SectionAnswer::Keep,
    ]
}

#[test]
fn every_section_is_answered_at_its_index() {
    for text in [CHROMIUM, FIREFOX, LIBWEBRTC] {
        let offer = parse(text);

        let answer = parse(&answer(&offer, &[]).render());

        let names = |description: &Description| {
            let sections = description.sections.iter();
            let names = sections.map(|section| (section.mid.clone(), section.kind));
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(&offer), names(&answer));
        assert!(answer.sections.iter().all(|section| !section.stopped));
    }
}

#[test]
fn a_sent_track_is_named_once_with_its_streams() {
    let offer = parse(CHROMIUM);

    let text = answer(&offer, &to_chromium()).render();

    let video = lines_of(&text, 3);
    assert!(video.contains(&"a=sendonly"));
    assert!(video.contains(&"a=msid:PA_ann|TR_VCx TR_VCx"));
    assert!(video.contains(&"a=ssrc-group:FID 1006 1007"));
    assert!(video.contains(&"a=ssrc:1006 cname:plenary"));
    assert!(video.contains(&"a=ssrc:1007 cname:plenary"));
    let audio = lines_of(&text, 0);
    assert!(audio.contains(&"a=msid:PA_ann|TR_AMx TR_AMx"));
    // Nothing repairs sound.
    assert!(audio.contains(&"a=ssrc:1000 cname:plenary"));
    assert!(!text.contains("1001"));
}

#[test]
fn inactive_sections_name_no_stream() {
    let offer = parse(CHROMIUM);

    let text = answer(&offer, &to_chromium()).render();

    for index in [1, 2, 4, 5] {
        let lines = lines_of(&text, index);
        assert!(lines.contains(&"a=inactive"));
        let names_stream = |line: &&str| line.starts_with("a=msid") || line.starts_with("a=ssrc");
        assert!(!lines.iter().any(names_stream), "{lines:?}");
    }
}

#[test]
fn what_a_client_publishes_is_received_without_a_stream() {
    let offer = parse(CHROMIUM);

    let text = answer(&offer, &to_chromium()).render();

    for index in [7, 8] {
        let lines = lines_of(&text, index);
        assert!(lines.contains(&"a=recvonly"));
        assert!(
            !lines
                .iter()
                .any(|line| line.starts_with("a=msid") || line.starts_with("a=ssrc"))
        );
    }
}

#[test]
fn simulcast_is_mirrored_in_the_order_of_the_offer() {
    let offer = parse(LIBWEBRTC);

    let text = answer(&offer, &[]).render();

    let rids: Vec<_> = lines_of(&text, 4)
        .into_iter()
        .filter(|line| line.starts_with("a=rid") || line.starts_with("a=simulcast"))
        .collect();
    let expected = [
        "a=rid:q recv",
        "a=rid:h recv",
        "a=rid:f recv",
        "a=simulcast:recv q;h;f",
    ];
    assert_eq!(rids, expected);
}

#[test]
fn simulcast_is_not_taken_without_the_extension_that_names_it() {
    let lines = "a=rtpmap:96 VP8/90000\r\na=rid:q send\r\na=rid:h send\r\na=simulcast:send q;h\r\n";
    let offer = parse(&with_lines(VIDEO, &format!("a=sendonly\r\n{lines}")));

    let answer = answer(&offer, &[]);

    assert_eq!(answer.sections[0].rids, []);
    assert_eq!(answer.sections[0].received_rids(), Vec::<String>::new());
}

#[test]
fn payload_types_are_the_clients() {
    let offer = parse(FIREFOX);

    let answer = answer(&offer, &[]);

    let numbers = |index: usize| {
        let formats = answer.sections[index].formats.iter();
        formats
            .map(|format| format.payload_type)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(0), [109]);
    assert_eq!(numbers(3), [120, 124, 121, 125, 99, 100]);
    let agreement = agreements(&offer).remove(3).unwrap();
    let vp8 = agreement.to_send(Codec::Vp8).unwrap();
    assert_eq!(
        (vp8.payload_type, vp8.repair_payload_type),
        (120, Some(124))
    );
    let (repaired, is_repair) = agreement.received(125).unwrap();
    assert_eq!((repaired.codec, is_repair), (Codec::Vp9, true));
    assert_eq!(agreement.received(123), None);
    assert!(!agreement.takes(Codec::H264));
}

#[test]
fn all_usable_variants_are_kept_and_the_most_common_is_sent() {
    let offer = parse(CHROMIUM);
    let answer = answer(&offer, &[]);

    let media = answer.sections[3]
        .formats
        .iter()
        .filter_map(|format| match format.codec {
            FormatCodec::Media(codec) => Some((codec, format.payload_type)),
            FormatCodec::Rtx { .. } | FormatCodec::Unknown => None,
        });
    let expected = [
        (Codec::Vp8, 96),
        (Codec::H264, 102),
        (Codec::H264, 104),
        (Codec::H264, 108),
        (Codec::H264, 114),
        (Codec::H264, 116),
        (Codec::H264, 39),
        (Codec::Vp9, 98),
        (Codec::Vp9, 100),
        (Codec::Av1, 45),
    ];
    assert_eq!(media.collect::<Vec<_>>(), expected);
    let agreement = agreements(&offer).remove(3).unwrap();
    let sent = |codec| agreement.to_send(codec).unwrap().payload_type;
    assert_eq!(
        [Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1].map(sent),
        [96, 102, 98, 45]
    );
}

#[test]
fn baseline_in_fragments_is_sent_even_if_it_is_offered_last() {
    let h264 = |number: u8, mode: u8, profile: &str| {
        format!(
            "a=rtpmap:{number} H264/90000\r\na=fmtp:{number} packetization-mode={mode};profile-level-id={profile}\r\n"
        )
    };
    let lines = h264(100, 1, "64001f") + &h264(101, 0, "42e01f") + &h264(102, 1, "42E01F");
    let offer = parse(&with_lines(
        "m=video 9 UDP/TLS/RTP/SAVPF 100 101 102",
        &lines,
    ));

    let agreement = agreements(&offer).remove(0).unwrap();

    assert_eq!(agreement.formats.len(), 3);
    assert_eq!(agreement.to_send(Codec::H264).unwrap().payload_type, 102);
}

#[test]
fn red_goes_before_opus_unless_opus_is_wanted() {
    let offer = parse(CHROMIUM);
    let mut sections = to_chromium();

    let red_first = answer(&offer, &sections).render();
    sections[7] = SectionAnswer::Takes(Wanted {
        codec: Some(Codec::Opus),
        ..Wanted::default()
    });
    let opus_first = answer(&offer, &sections).render();

    assert_eq!(
        lines_of(&red_first, 7)[0],
        "audio 9 UDP/TLS/RTP/SAVPF 63 111"
    );
    assert!(lines_of(&red_first, 7).contains(&"a=fmtp:63 111/111"));
    assert_eq!(
        lines_of(&opus_first, 7)[0],
        "audio 9 UDP/TLS/RTP/SAVPF 111 63"
    );
}

#[test]
fn a_wanted_codec_goes_first_with_its_retransmissions() {
    let offer = parse(LIBWEBRTC);
    let mut sections = vec![SectionAnswer::Keep; 5];
    sections[4] = SectionAnswer::Takes(Wanted {
        codec: Some(Codec::Vp9),
        ..Wanted::default()
    });

    let text = answer(&offer, &sections).render();

    let expected = "video 9 UDP/TLS/RTP/SAVPF 98 99 100 101 96 97 45 46";
    assert_eq!(lines_of(&text, 4)[0], expected);
}

#[test]
fn sound_has_two_channels_and_gaps_as_the_track_has() {
    let offer = parse(CHROMIUM);
    let mut sections = to_chromium();
    let opus = |sections: &[SectionAnswer]| {
        let text = answer(&offer, sections).render();
        let line = |index: usize| {
            let lines = lines_of(&text, index);
            let line = lines
                .into_iter()
                .find(|line| line.starts_with("a=fmtp:111"));
            line.expect("parameters").to_owned()
        };
        [line(0), line(7)]
    };

    let plain = opus(&sections);
    sections[7] = SectionAnswer::Takes(Wanted {
        codec: None,
        dtx: false,
        stereo: true,
    });
    let music = opus(&sections);

    // A payload type stands for one thing in the whole bundle.
    assert_eq!(plain, ["a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1"; 2]);
    assert_eq!(music, ["a=fmtp:111 minptime=10;useinbandfec=1;stereo=1"; 2]);
}

#[test]
fn sound_that_says_it_has_two_channels_is_taken_so() {
    let lines =
        "a=sendonly\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;sprop-stereo=1\r\n";
    let offer = parse(&with_lines("m=audio 9 UDP/TLS/RTP/SAVPF 111", lines));

    let answer = answer(&offer, &[]);

    assert_eq!(answer.sections[0].formats[0].parameter("stereo"), Some("1"));
}

#[test]
fn feedback_is_what_both_understand() {
    let lines = "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 nack\r\na=rtcp-fb:111 goog-remb\r\n\
                 a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack pli\r\na=rtcp-fb:111 ack rpsi\r\n";
    let audio = parse(&with_lines("m=audio 9 UDP/TLS/RTP/SAVPF 111", lines));
    let video = parse(CHROMIUM);

    let lines_with_feedback = |offer: &Description, index: usize, payload_type: &str| {
        let text = answer(offer, &[]).render();
        let prefix = format!("a=rtcp-fb:{payload_type} ");
        let lines = lines_of(&text, index).into_iter();
        let kinds = lines.filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned));
        kinds.collect::<Vec<_>>()
    };

    assert_eq!(
        lines_with_feedback(&audio, 0, "111"),
        ["transport-cc", "nack"]
    );
    let all = ["transport-cc", "goog-remb", "ccm fir", "nack", "nack pli"];
    assert_eq!(lines_with_feedback(&video, 3, "96"), all);
    assert_eq!(lines_with_feedback(&video, 3, "97"), Vec::<String>::new());
}

#[test]
fn extensions_keep_their_ids_and_unknown_ones_go() {
    let offer = parse(CHROMIUM);

    let text = answer(&offer, &to_chromium()).render();

    let extensions: Vec<_> = lines_of(&text, 8)
        .into_iter()
        .filter_map(|line| line.strip_prefix("a=extmap:"))
        .map(|mapping| mapping.split_once(' ').unwrap())
        .collect();
    let expected = [
        ("2", HeaderExtension::AbsoluteSendTime),
        ("13", HeaderExtension::VideoOrientation),
        ("3", HeaderExtension::TransportSequence),
        ("4", HeaderExtension::Mid),
        ("10", HeaderExtension::Rid),
        ("11", HeaderExtension::RepairedRid),
        ("12", HeaderExtension::DependencyDescriptor),
    ];
    assert_eq!(
        extensions,
        expected.map(|(id, extension)| (id, extension.uri()))
    );
}

#[test]
fn extensions_firefox_only_sends_are_not_sent_to_it() {
    let offer = parse(FIREFOX);
    let agreements = agreements(&offer);
    let id = |index: usize, extension| {
        let agreement: &Agreement = agreements[index].as_ref().unwrap();
        agreement.extension_id(extension)
    };

    assert_eq!(id(3, HeaderExtension::DependencyDescriptor), None);
    assert_eq!(id(3, HeaderExtension::Mid), Some(3));
    assert_eq!(id(6, HeaderExtension::DependencyDescriptor), Some(8));
    assert_eq!(id(6, HeaderExtension::Rid), Some(9));
}

#[test]
fn every_section_has_the_transport_and_the_first_the_candidates() {
    let offer = parse(CHROMIUM);

    let text = answer(&offer, &to_chromium()).render();

    let count = |line: &str| text.lines().filter(|own| *own == line).count();
    assert_eq!(count("a=ice-ufrag:server"), 9);
    assert_eq!(count("a=ice-pwd:passwordpasswordpassword"), 9);
    assert_eq!(count("a=setup:passive"), 9);
    assert_eq!(
        count("a=candidate:1 1 udp 2130706431 10.0.0.1 7882 typ host"),
        1
    );
    assert_eq!(count("a=end-of-candidates"), 1);
    assert!(lines_of(&text, 0).contains(&"a=end-of-candidates"));
    assert_eq!(count("a=rtcp-mux"), 8);
    assert_eq!(count("a=rtcp-rsize"), 8);
    assert!(text.starts_with(
        "v=0\r\no=- 7 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3 4 5 6 7 8\r\n\
         a=extmap-allow-mixed\r\nm=audio 9 "
    ));
    assert!(text.contains("\r\na=fingerprint:sha-256 00:08:10:18:20:"));
}

#[test]
fn reduced_rtcp_is_used_only_where_it_is_offered() {
    let text = answer(&parse(FIREFOX), &[]).render();

    assert!(!lines_of(&text, 0).contains(&"a=rtcp-rsize"));
    assert!(lines_of(&text, 3).contains(&"a=rtcp-rsize"));
}

#[test]
fn data_channels_get_a_port_and_a_size() {
    let text = answer(&parse(CHROMIUM), &to_chromium()).render();

    let lines = lines_of(&text, 6);
    assert_eq!(lines[0], "application 9 UDP/DTLS/SCTP webrtc-datachannel");
    assert!(lines.contains(&"a=sctp-port:5000"));
    assert!(lines.contains(&"a=max-message-size:65536"));
    assert!(
        !lines
            .iter()
            .any(|line| line.starts_with("a=rtcp") || line.ends_with("only"))
    );
}

#[test]
fn a_stopped_section_is_rejected_and_leaves_the_bundle() {
    let text = CHROMIUM
        .replace(
            "a=group:BUNDLE 0 1 2 3 4 5 6 7 8",
            "a=group:BUNDLE 1 2 3 4 5 6 7 8",
        )
        .replacen("m=audio 57955", "m=audio 0", 1);
    let offer = parse(&text);

    let text = answer(&offer, &to_chromium()).render();

    let expected = [
        "audio 0 UDP/TLS/RTP/SAVPF 0",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=inactive",
    ];
    assert_eq!(lines_of(&text, 0), expected);
    assert!(text.contains("a=group:BUNDLE 1 2 3 4 5 6 7 8\r\n"));
    // The bundle's first section is another one, which has the candidates.
    assert!(lines_of(&text, 1).contains(&"a=end-of-candidates"));
}

#[test]
fn a_recycled_section_is_answered_by_its_new_name() {
    let stopped = CHROMIUM
        .replace(
            "a=group:BUNDLE 0 1 2 3 4 5 6 7 8",
            "a=group:BUNDLE 9 1 2 3 4 5 6 7 8",
        )
        .replacen("a=mid:0", "a=mid:9", 1);

    let answer = answer(&parse(&stopped), &to_chromium());

    assert_eq!(answer.sections[0].mid, "9");
    assert!(!answer.sections[0].stopped);
    assert_eq!(answer.sections[0].direction, Direction::SendOnly);
}

#[test]
fn an_ice_restart_is_seen_by_its_user_name_fragment() {
    let before = parse(CHROMIUM);

    let after = parse(&CHROMIUM.replace("a=ice-ufrag:1yv9", "a=ice-ufrag:2zw8"));

    assert_ne!(before.transport.ufrag, after.transport.ufrag);
    assert_eq!(before.sections, after.sections);
}

#[test]
fn the_server_opens_dtls_only_for_a_client_that_waits() {
    for (offered, expected) in [
        ("actpass", "a=setup:passive"),
        ("active", "a=setup:passive"),
        ("passive", "a=setup:active"),
    ] {
        let offer = parse(&LIBWEBRTC.replace("a=setup:actpass", &format!("a=setup:{offered}")));

        let text = answer(&offer, &[]).render();

        assert!(lines_of(&text, 0).contains(&expected), "{offered}");
    }
}

#[test]
fn an_offer_without_a_bundle_is_answered_without_one() {
    let text = with_lines(VIDEO, "a=sendonly\r\na=rtpmap:96 VP8/90000\r\n");
    let offer = parse(&text.replace("a=group:BUNDLE 0\r\n", ""));

    let text = answer(&offer, &[]).render();

    assert!(!text.contains("a=group"));
    assert!(lines_of(&text, 0).contains(&"a=recvonly"));
}

#[test]
fn hints_to_the_encoder_are_given_back() {
    let offer = parse(CHROMIUM);

    let text = answer(&offer, &to_chromium()).render();

    assert!(lines_of(&text, 8).contains(&"a=fmtp:96 x-google-start-bitrate=549"));
}
