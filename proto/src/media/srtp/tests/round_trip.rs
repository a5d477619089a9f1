//! Packets from a sender to the receiver at the other end.

use std::sync::{Arc, Mutex};

use super::super::rtcp::RTCP_INDEX_MAX;
use super::super::{SrtpError, SrtpProfile, SrtpReceiver, SrtpSender, contexts};
use crate::media::tap::{ClearPacket, Protocol, Tap, Way};

const PROFILES: [SrtpProfile; 3] = [
    SrtpProfile::AeadAes256Gcm,
    SrtpProfile::AeadAes128Gcm,
    SrtpProfile::AesCm128HmacSha1_80,
];

const SSRC: u32 = 0x0102_0304;
const INDEX: u64 = 0x12_3456_789a;

/// Two CSRCs and an extension of a word.
const HEADER: [u8; 28] = [
    0x92, 0x60, 0x78, 0x9a, 0, 0, 0, 9, 1, 2, 3, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 1, 0x10,
    0x33, 0, 0,
];

const PAYLOAD: [u8; 45] = [0x5a; 45];

/// An empty receiver report and a picture loss indication.
const RTCP: [u8; 20] = [
    0x80, 201, 0, 1, 1, 2, 3, 4, 0x81, 206, 0, 2, 1, 2, 3, 4, 9, 9, 9, 9,
];

#[test]
fn rtp_goes_both_ways() {
    for profile in PROFILES {
        let (client, server) = pair(profile);
        for (from, to) in [(&client, &server), (&server, &client)] {
            let mut datagram = sealed_rtp(&from.0);

            let length = to.1.open_rtp(&mut datagram, HEADER.len(), SSRC, INDEX);

            assert_eq!(
                datagram.len(),
                HEADER.len() + PAYLOAD.len() + profile.rtp_overhead_bytes()
            );
            assert_eq!(length, Ok(HEADER.len() + PAYLOAD.len()), "{profile:?}");
            assert_eq!(
                datagram[..HEADER.len() + PAYLOAD.len()],
                [&HEADER[..], &PAYLOAD].concat()
            );
        }
    }
}

#[test]
fn rtcp_goes_both_ways() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        for (from, to) in [
            (&mut client.0, &mut server.1),
            (&mut server.0, &mut client.1),
        ] {
            for _ in 0..3 {
                let mut datagram = sealed_rtcp(from);

                let length = to.open_rtcp(&mut datagram);

                assert_eq!(datagram.len(), RTCP.len() + profile.rtcp_overhead_bytes());
                assert_eq!(length, Ok(RTCP.len()), "{profile:?}");
                assert_eq!(datagram[..RTCP.len()], RTCP);
            }
        }
    }
}

#[test]
fn taps_at_both_ends_see_the_same_packets() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let (sent, received) = (Arc::<Notes>::default(), Arc::<Notes>::default());
        client.0.set_tap(sent.clone());
        server.1.set_tap(received.clone());
        let mut in_place = [&HEADER[..], &PAYLOAD].concat();
        let seal = client
            .0
            .seal_rtp_in_place(&mut in_place, 0, HEADER.len(), SSRC, INDEX + 1);
        seal.unwrap();
        let mut appended = sealed_rtp(&client.0);
        let mut rtcp = sealed_rtcp(&mut client.0);

        server
            .1
            .open_rtp(&mut in_place, HEADER.len(), SSRC, INDEX + 1)
            .unwrap();
        server
            .1
            .open_rtp(&mut appended, HEADER.len(), SSRC, INDEX)
            .unwrap();
        server.1.open_rtcp(&mut rtcp).unwrap();

        let rtp = [&HEADER[..], &PAYLOAD].concat();
        let expected = |way| {
            [
                (way, Protocol::Rtp, rtp.clone()),
                (way, Protocol::Rtp, rtp.clone()),
                (way, Protocol::Rtcp, RTCP.to_vec()),
            ]
        };
        assert_eq!(*sent.0.lock().unwrap(), expected(Way::Sent), "{profile:?}");
        let received = received.0.lock().unwrap();
        assert_eq!(*received, expected(Way::Received), "{profile:?}");
    }
}

#[test]
fn a_tap_sees_nothing_of_what_is_refused() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let (sent, received) = (Arc::<Notes>::default(), Arc::<Notes>::default());
        client.0.set_tap(sent.clone());
        server.1.set_tap(received.clone());
        let mut rtcp = sealed_rtcp(&mut client.0);
        let mut again = rtcp.clone();
        let mut forged = sealed_rtp(&client.0);
        forged[20] ^= 1;
        sent.0.lock().unwrap().clear();

        server.1.open_rtcp(&mut rtcp).unwrap();
        server.1.open_rtcp(&mut again).unwrap_err();
        let open = server.1.open_rtp(&mut forged, HEADER.len(), SSRC, INDEX);
        open.unwrap_err();
        let seal = client
            .0
            .seal_rtp(&HEADER, &PAYLOAD, SSRC, 1 << 48, &mut Vec::new());
        seal.unwrap_err();

        assert_eq!(received.0.lock().unwrap().len(), 1);
        assert!(sent.0.lock().unwrap().is_empty());
    }
}

#[test]
fn a_packet_does_not_come_back_to_its_sender() {
    for profile in PROFILES {
        let (mut client, _) = pair(profile);
        let mut rtp = sealed_rtp(&client.0);
        let mut rtcp = sealed_rtcp(&mut client.0);

        let rtp = client.1.open_rtp(&mut rtp, HEADER.len(), SSRC, INDEX);
        let rtcp = client.1.open_rtcp(&mut rtcp);

        assert_eq!(rtp, Err(SrtpError::NotAuthentic), "{profile:?}");
        assert_eq!(rtcp, Err(SrtpError::NotAuthentic), "{profile:?}");
    }
}

#[test]
fn hides_the_payload_and_only_the_payload() {
    for profile in PROFILES {
        let (mut client, _) = pair(profile);

        let rtp = sealed_rtp(&client.0);
        let rtcp = sealed_rtcp(&mut client.0);

        assert_eq!(rtp[..HEADER.len()], HEADER);
        assert_ne!(rtp[HEADER.len()..HEADER.len() + 16], PAYLOAD[..16]);
        assert_eq!(rtcp[..8], RTCP[..8]);
        assert_ne!(rtcp[8..20], RTCP[8..]);
    }
}

#[test]
fn sealing_in_place_gives_the_same_packet() {
    for profile in PROFILES {
        let (client, _) = pair(profile);
        let mut out = vec![7; 3];
        out.extend(HEADER);
        out.extend(PAYLOAD);

        client
            .0
            .seal_rtp_in_place(&mut out, 3, HEADER.len(), SSRC, INDEX)
            .unwrap();

        assert_eq!(out[..3], [7; 3]);
        assert_eq!(out[3..], sealed_rtp(&client.0), "{profile:?}");
    }
}

#[test]
fn appends_behind_what_is_there() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let mut out = vec![7; 3];

        client
            .0
            .seal_rtp(&HEADER, &PAYLOAD, SSRC, INDEX, &mut out)
            .unwrap();
        let rtcp_start = out.len();
        client.0.seal_rtcp(&RTCP, &mut out).unwrap();

        assert_eq!(out[..3], [7; 3]);
        assert_eq!(out[3..rtcp_start], sealed_rtp(&client.0), "{profile:?}");
        assert_eq!(server.1.open_rtcp(&mut out[rtcp_start..]), Ok(RTCP.len()));
    }
}

#[test]
fn an_empty_payload_is_a_packet() {
    for profile in PROFILES {
        let (client, server) = pair(profile);
        let mut datagram = Vec::new();
        client
            .0
            .seal_rtp(&HEADER, &[], SSRC, INDEX, &mut datagram)
            .unwrap();

        let length = server.1.open_rtp(&mut datagram, HEADER.len(), SSRC, INDEX);

        assert_eq!(length, Ok(HEADER.len()), "{profile:?}");
    }
}

#[test]
fn refuses_rtp_with_any_byte_changed() {
    for profile in PROFILES {
        let (client, server) = pair(profile);
        let sealed = sealed_rtp(&client.0);
        for at in 0..sealed.len() {
            let mut datagram = sealed.clone();
            datagram[at] ^= 0x80;

            let result = server.1.open_rtp(&mut datagram, HEADER.len(), SSRC, INDEX);

            assert_eq!(result, Err(SrtpError::NotAuthentic), "{profile:?} {at}");
        }
    }
}

#[test]
fn refuses_rtcp_with_any_byte_changed() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let sealed = sealed_rtcp(&mut client.0);
        for at in 0..sealed.len() {
            let mut datagram = sealed.clone();
            datagram[at] ^= 0x80;

            let result = server.1.open_rtcp(&mut datagram);

            assert_eq!(result, Err(SrtpError::NotAuthentic), "{profile:?} {at}");
        }
        let mut untouched = sealed;
        assert_eq!(server.1.open_rtcp(&mut untouched), Ok(RTCP.len()));
    }
}

#[test]
fn refuses_rtp_under_another_rollover_counter() {
    for profile in PROFILES {
        let (client, server) = pair(profile);
        for index in [INDEX + 0x1_0000, INDEX - 0x1_0000, INDEX & 0xffff] {
            let mut datagram = sealed_rtp(&client.0);

            let result = server.1.open_rtp(&mut datagram, HEADER.len(), SSRC, index);

            assert_eq!(result, Err(SrtpError::NotAuthentic), "{profile:?}");
        }
    }
}

#[test]
fn refuses_every_truncation() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let (rtp, rtcp) = (sealed_rtp(&client.0), sealed_rtcp(&mut client.0));

        for length in 0..rtp.len() {
            let mut cut = rtp[..length].to_vec();
            assert!(
                server
                    .1
                    .open_rtp(&mut cut, HEADER.len(), SSRC, INDEX)
                    .is_err()
            );
        }
        for length in 0..rtcp.len() {
            let mut cut = rtcp[..length].to_vec();
            assert!(server.1.open_rtcp(&mut cut).is_err());
        }
    }
}

#[test]
fn less_than_header_and_overhead_is_too_short() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let mut out = vec![1; 10];
        let mut rtp = vec![0; HEADER.len() + profile.rtp_overhead_bytes() - 1];
        let mut rtcp = vec![0; 8 + profile.rtcp_overhead_bytes() - 1];

        let opened_rtp = server.1.open_rtp(&mut rtp, HEADER.len(), SSRC, INDEX);
        let opened_rtcp = server.1.open_rtcp(&mut rtcp);
        let sealed = client.0.seal_rtcp(&RTCP[..7], &mut out);

        assert_eq!(opened_rtp, Err(SrtpError::TooShort), "{profile:?}");
        assert_eq!(opened_rtcp, Err(SrtpError::TooShort), "{profile:?}");
        assert_eq!(sealed, Err(SrtpError::TooShort), "{profile:?}");
        assert_eq!(out, [1; 10]);
    }
}

#[test]
fn sealing_in_place_less_than_a_header_leaves_nothing() {
    for profile in PROFILES {
        let (client, _) = pair(profile);
        let mut out = vec![1; 10];

        let result = client.0.seal_rtp_in_place(&mut out, 4, 12, SSRC, INDEX);

        assert_eq!(result, Err(SrtpError::TooShort));
        assert_eq!(out, [1; 4]);
    }
}

#[test]
fn refuses_replayed_rtcp() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let first = sealed_rtcp(&mut client.0);
        let second = sealed_rtcp(&mut client.0);

        let results = [&second, &first, &first, &second]
            .map(|sealed| server.1.open_rtcp(&mut sealed.clone()));

        let replayed = Err(SrtpError::Replayed);
        assert_eq!(
            results,
            [Ok(RTCP.len()), Ok(RTCP.len()), replayed, replayed],
            "{profile:?}"
        );
    }
}

#[test]
fn refuses_rtcp_older_than_the_window() {
    let (mut client, mut server) = pair(SrtpProfile::AeadAes256Gcm);
    let sealed: Vec<Vec<u8>> = (0..130).map(|_| sealed_rtcp(&mut client.0)).collect();
    let mut open = |at: usize| server.1.open_rtcp(&mut sealed[at].clone());

    assert_eq!(open(129), Ok(RTCP.len()));
    assert_eq!(open(2), Ok(RTCP.len()));
    assert_eq!(open(1), Err(SrtpError::Replayed));
}

#[test]
fn a_forged_rtcp_index_does_not_move_the_window() {
    for profile in PROFILES {
        let (mut client, mut server) = pair(profile);
        let sealed = sealed_rtcp(&mut client.0);
        let mut forged = sealed.clone();
        let word = match profile {
            SrtpProfile::AeadAes256Gcm | SrtpProfile::AeadAes128Gcm => sealed.len() - 4,
            SrtpProfile::AesCm128HmacSha1_80 => sealed.len() - 14,
        };
        forged[word..word + 4].fill(0xff);

        assert_eq!(
            server.1.open_rtcp(&mut forged),
            Err(SrtpError::NotAuthentic)
        );
        assert_eq!(server.1.open_rtcp(&mut sealed.clone()), Ok(RTCP.len()));
    }
}

#[test]
fn the_first_rtcp_index_is_zero() {
    let (mut client, _) = pair(SrtpProfile::AeadAes128Gcm);

    let first = sealed_rtcp(&mut client.0);
    let second = sealed_rtcp(&mut client.0);

    assert_eq!(first[first.len() - 4..], [0x80, 0, 0, 0]);
    assert_eq!(second[second.len() - 4..], [0x80, 0, 0, 1]);
}

#[test]
fn rtcp_indexes_run_out() {
    for profile in PROFILES {
        let (client, mut server) = pair(profile);
        let mut sender = client.0.with_rtcp_index(RTCP_INDEX_MAX);
        let mut out = sealed_rtcp(&mut sender);
        assert_eq!(server.1.open_rtcp(&mut out), Ok(RTCP.len()));
        out.clear();

        for _ in 0..2 {
            let result = sender.seal_rtcp(&RTCP, &mut out);

            assert_eq!(result, Err(SrtpError::Exhausted), "{profile:?}");
            assert!(out.is_empty());
        }
    }
}

#[test]
fn rtp_indexes_run_out() {
    for profile in PROFILES {
        let (client, server) = pair(profile);
        let last = (1 << 48) - 1;
        let mut out = Vec::new();
        client
            .0
            .seal_rtp(&HEADER, &PAYLOAD, SSRC, last, &mut out)
            .unwrap();
        let opened = server.1.open_rtp(&mut out, HEADER.len(), SSRC, last);
        assert_eq!(opened, Ok(HEADER.len() + PAYLOAD.len()));
        let sealed = out.clone();

        let result = client
            .0
            .seal_rtp(&HEADER, &PAYLOAD, SSRC, last + 1, &mut out);

        assert_eq!(result, Err(SrtpError::Exhausted), "{profile:?}");
        assert_eq!(out, sealed);
        let opened = server.1.open_rtp(&mut out, HEADER.len(), SSRC, last + 1);
        assert_eq!(opened, Err(SrtpError::Exhausted));
    }
}

#[test]
fn sealing_into_a_roomy_buffer_does_not_allocate() {
    for profile in PROFILES {
        let (client, _) = pair(profile);
        let mut out = Vec::with_capacity(1_500);
        let place = out.as_ptr();

        client
            .0
            .seal_rtp(&HEADER, &PAYLOAD, SSRC, INDEX, &mut out)
            .unwrap();

        assert_eq!((out.as_ptr(), out.capacity()), (place, 1_500));
    }
}

#[test]
fn refuses_keying_material_of_another_length() {
    for profile in PROFILES {
        let expected = profile.keying_material_bytes();
        for actual in [0, expected - 1, expected + 1] {
            let result = contexts(profile, &vec![0; actual], true).map(|_| ());

            assert_eq!(result, Err(SrtpError::KeyingMaterial { expected, actual }));
        }
    }
}

#[test]
fn debug_output_has_no_keys() {
    let (client, _) = pair(SrtpProfile::AeadAes256Gcm);

    assert_eq!(
        format!("{client:?}"),
        "(SrtpSender { next_rtcp_index: 0, .. }, SrtpReceiver { rtcp_senders: SenderWindows([]), .. })"
    );
}

type Contexts = (SrtpSender, SrtpReceiver);

/// The DTLS client's contexts and the server's.
fn pair(profile: SrtpProfile) -> (Contexts, Contexts) {
    let material: Vec<u8> = (1..).take(profile.keying_material_bytes()).collect();
    (
        contexts(profile, &material, true).unwrap(),
        contexts(profile, &material, false).unwrap(),
    )
}

fn sealed_rtp(sender: &SrtpSender) -> Vec<u8> {
    let mut out = Vec::new();
    sender
        .seal_rtp(&HEADER, &PAYLOAD, SSRC, INDEX, &mut out)
        .unwrap();
    out
}

fn sealed_rtcp(sender: &mut SrtpSender) -> Vec<u8> {
    let mut out = Vec::new();
    sender.seal_rtcp(&RTCP, &mut out).unwrap();
    out
}

/// Keeps what it sees.
#[derive(Debug, Default)]
struct Notes(Mutex<Vec<(Way, Protocol, Vec<u8>)>>);

impl Tap for Notes {
    fn handle_packet(&self, packet: &ClearPacket<'_>) {
        let seen = (packet.way, packet.protocol, packet.bytes().collect());
        self.0.lock().unwrap().push(seen);
    }
}
