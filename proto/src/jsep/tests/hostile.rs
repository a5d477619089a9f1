use super::*;
use crate::codec::MediaKind;
use crate::jsep::description::{
    DescriptionError, MAX_CANDIDATES, MAX_FINGERPRINTS, MAX_OFFER_BYTES, MAX_OFFER_LINES,
    MAX_SECTIONS,
};
use crate::jsep::section::{MAX_RIDS, MAX_SSRCS, SectionKind};

const AUDIO: &str = "m=audio 9 UDP/TLS/RTP/SAVPF 111";
const VIDEO: &str = "m=video 9 UDP/TLS/RTP/SAVPF 96";

fn refusal(text: &str) -> DescriptionError {
    Description::parse(text).expect_err("a bad description")
}

#[test]
fn refuses_what_is_too_large() {
    let sections = |count: usize| {
        let all: String = (0..count)
            .map(|mid| format!("m=audio 9 x 0\r\na=mid:{mid}\r\n"))
            .collect();
        format!("v=0\r\n{all}")
    };

    let bytes = "a".repeat(MAX_OFFER_BYTES + 1);
    assert_eq!(refusal(&bytes), DescriptionError::TooLarge);
    let lines = "\n".repeat(MAX_OFFER_LINES + 1);
    assert_eq!(refusal(&lines), DescriptionError::TooLarge);
    let many = sections(MAX_SECTIONS + 1);
    assert_eq!(refusal(&many), DescriptionError::TooManySections);
    assert_eq!(
        refusal(&sections(MAX_SECTIONS)),
        DescriptionError::Credentials
    );
}

#[test]
fn refuses_what_is_no_description() {
    assert_eq!(refusal("v=0\r\n"), DescriptionError::Empty);
    for text in [
        "",
        "\r\n\r\n",
        "nonsense",
        "v=1\r\n",
        "v=0\rm=audio",
        "v=0\r\nm=audio\r\n",
    ] {
        assert!(
            matches!(refusal(text), DescriptionError::Grammar(_)),
            "{text:?}"
        );
    }
    let port = with_lines("m=audio 99999 UDP/TLS/RTP/SAVPF 111", "");
    assert!(matches!(refusal(&port), DescriptionError::Grammar(_)));
}

#[test]
fn refuses_sections_without_names_of_their_own() {
    let named = |mid: &str| with_lines(AUDIO, "").replace("a=mid:0", &format!("a=mid:{mid}"));

    assert_eq!(
        refusal(&with_lines(AUDIO, "").replace("a=mid:0\r\n", "")),
        DescriptionError::Mid(0)
    );
    for mid in ["", "a b", "12345678901234567", "é", "a/b"] {
        assert_eq!(refusal(&named(mid)), DescriptionError::Mid(0), "{mid}");
    }
    let twice = with_lines(AUDIO, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\n");
    assert_eq!(refusal(&twice), DescriptionError::DuplicateMid(1));
}

#[test]
fn refuses_a_transport_that_cannot_be_used() {
    let good = with_lines(AUDIO, "");

    for (from, to) in [
        ("a=ice-ufrag:abcd\r\n", ""),
        ("abcd", "abc"),
        ("0123456789012345678901", "short"),
    ] {
        assert_eq!(
            refusal(&good.replace(from, to)),
            DescriptionError::Credentials
        );
    }
    for fingerprint in ["AB:C", "AB:CDE", "AB:XY", "+1:+2", "", &"AB:".repeat(65)] {
        let text = good.replace("AB:CD", fingerprint);
        assert_eq!(
            refusal(&text),
            DescriptionError::Fingerprint,
            "{fingerprint}"
        );
    }
}

#[test]
fn drops_payload_types_rtp_has_no_room_for() {
    let section = section_with(
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 128 255 256 72 -1 99999999999999999999 x  111 0",
        "a=rtpmap:128 opus/48000/2\r\na=rtpmap:72 opus/48000/2\r\na=rtpmap:77 opus/48000/2\r\n\
         a=rtpmap:111\r\na=rtpmap: opus/48000\r\na=fmtp:\r\na=fmtp:111\r\na=rtcp-fb:\r\n",
    );

    let numbers: Vec<u8> = section
        .formats
        .iter()
        .map(|format| format.payload_type)
        .collect();
    assert_eq!(numbers, [111, 0]);
}

#[test]
fn drops_extension_ids_that_are_reserved_or_taken() {
    let mid = "urn:ietf:params:rtp-hdrext:sdes:mid";
    let level = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    let lines = format!(
        "a=extmap:0 {mid}\r\na=extmap:15 {mid}\r\na=extmap:256 {mid}\r\na=extmap:-1 {mid}\r\n\
         a=extmap:4/sideways {mid}\r\na=extmap:\r\na=extmap:4\r\na=extmap:20 {mid}\r\n\
         a=extmap:20 {level}\r\na=extmap:21 {mid}\r\na=rtpmap:111 opus/48000/2\r\n"
    );
    let offer = parse(&with_lines(AUDIO, &lines));

    assert_eq!(offer.sections[0].extensions.len(), 1);
    assert_eq!(offer.sections[0].extensions[0].id, 20);
    // The one-byte form has no room for it.
    let agreement = agreements(&offer).remove(0).unwrap();
    assert_eq!(agreement.extensions, []);
}

#[test]
fn drops_what_is_over_a_limit() {
    let candidates = "a=candidate:1 1 udp 1 10.0.0.1 1 typ host\r\n".repeat(MAX_CANDIDATES + 1);
    let fingerprints = "a=fingerprint:sha-256 AB\r\n".repeat(MAX_FINGERPRINTS + 1);
    let rids: String = (0..=MAX_RIDS)
        .map(|number| format!("a=rid:{number} send\r\na=rid:{number} recv\r\n"))
        .collect();
    let ssrcs: String = (0..=MAX_SSRCS)
        .map(|ssrc| format!("a=ssrc:{ssrc} cname:x\r\na=ssrc-group:FID {ssrc} 9{ssrc}\r\n"))
        .collect();

    let offer = parse(&with_lines(
        VIDEO,
        &format!("{candidates}{fingerprints}{rids}{ssrcs}"),
    ));

    let section = &offer.sections[0];
    assert_eq!(offer.transport.candidates.len(), MAX_CANDIDATES);
    assert_eq!(offer.transport.fingerprints.len(), MAX_FINGERPRINTS);
    assert_eq!(section.rids.len(), 2 * MAX_RIDS);
    assert_eq!(
        (section.ssrcs.len(), section.repairs.len()),
        (MAX_SSRCS, MAX_SSRCS)
    );
}

#[test]
fn drops_lines_that_cannot_be_read() {
    let section = section_with(
        VIDEO,
        "a=\r\na=:\r\na=rid\r\na=rid:q\r\na=rid:q sideways\r\na=rid:é send\r\n\
         a=rid:12345678901234567 send\r\na=simulcast\r\na=simulcast:send\r\na=simulcast:send ;;,~\r\n\
         a=ssrc:x cname:y\r\na=ssrc:4294967296 cname:y\r\na=ssrc-group:FID 1\r\n\
         a=ssrc-group:FID 1 1\r\na=ssrc-group:SIM 1 2\r\na=msid:\r\na=sctp-port:65536\r\n\
         a=max-message-size:99999999999999999999999\r\na=setup:sideways\r\na=rtcp-fb:96\r\nx=y\r\n",
    );

    let mut expected = Section::new("0", SectionKind::Media(MediaKind::Video));
    expected.formats.clone_from(&section.formats);
    assert_eq!(section, expected);
}

#[test]
fn a_media_section_without_known_formats_is_refused_in_the_answer() {
    for (media, lines) in [
        (
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "a=rtpmap:111 opus/8000/2\r\n",
        ),
        (
            "m=audio 9 UDP/TLS/RTP/SAVPF 63",
            "a=rtpmap:63 red/48000/2\r\na=fmtp:63 63/63\r\n",
        ),
        (
            "m=audio 9 UDP/TLS/RTP/SAVPF 96",
            "a=rtpmap:96 VP8/90000\r\n",
        ),
        (
            "m=video 9 UDP/TLS/RTP/SAVPF 97",
            "a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=97\r\n",
        ),
        (
            "m=video 9 UDP/TLS/RTP/SAVPF 98",
            "a=rtpmap:98 VP9/90000\r\na=fmtp:98 profile-id=3\r\n",
        ),
        (
            "m=video 9 UDP/TLS/RTP/SAVPF 99",
            "a=rtpmap:99 H264/90000\r\na=fmtp:99 profile-level-id=f\r\n",
        ),
        ("m=video 9 RTP/AVP 96", "a=rtpmap:96 VP8/90000\r\n"),
        ("m=text 9 UDP/TLS/RTP/SAVPF 98", "a=rtpmap:98 t140/1000\r\n"),
        (
            "m=application 9 DTLS/SCTP 5000",
            "a=sctpmap:5000 webrtc-datachannel 256\r\n",
        ),
    ] {
        let offer = parse(&with_lines(media, lines));

        let answer = answer(&offer, &[]);

        assert!(answer.sections[0].stopped, "{media}");
        let text = answer.render();
        let mut words = media.split(' ');
        let expected = format!("\r\n{} 0 ", words.next().unwrap());
        assert!(text.contains(&expected), "{text}");
        assert!(text.contains("a=group:BUNDLE\r\n"));
    }
}
