//! Packets of RFC 7714 §16 and §17, and of libsrtp's test/srtp_driver.c.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Algorithm};

use super::super::gcm::Gcm;
use super::super::transform::Transform;
use super::super::{SrtpError, SrtpProfile, SrtpReceiver, SrtpSender, contexts};
use super::hex;

/// A packet before and after sealing.
struct Vector {
    plain: &'static str,
    sealed: &'static str,
}

/// RFC 7714 §16.1.1.
const RTP_128: Vector = Vector {
    plain: RTP,
    sealed: "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5
             0d294e6f 42a5f47a 51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
};

/// RFC 7714 §16.2.1.
const RTP_256: Vector = Vector {
    plain: RTP,
    sealed: "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238
             9a58e2f3 b50b2a02 76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13",
};

/// RFC 7714 §16.
const RTP: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976
                   69736120 696e2070 61727465 73207472 6573";

/// RFC 7714 §17.1.
const RTCP_128: Vector = Vector {
    plain: RTCP,
    sealed: "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d
             c676a5f1 730d6fda 4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872
             45d9eade 800005d4",
};

/// RFC 7714 §17.2.
const RTCP_256: Vector = Vector {
    plain: RTCP,
    sealed: "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50
             a2eaa5c1 110555be 8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c
             b26ac3be 800005d4",
};

/// RFC 7714 §17.3, authenticated only.
const RTCP_128_PLAIN: Vector = Vector {
    plain: RTCP,
    sealed: "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
             deadbeef deadbeef deadbeef deadbeef deadbeef 841dd968 3dd78ec9 2ae58790
             125f62b3 000005d4",
};

/// RFC 7714 §17.4, authenticated only.
const RTCP_256_PLAIN: Vector = Vector {
    plain: RTCP,
    sealed: "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
             deadbeef deadbeef deadbeef deadbeef deadbeef 91db4afb feee5a97 8fab4393
             ed2615fe 000005d4",
};

/// RFC 7714 §17: as the four subsections have it; the introduction prints another packet.
const RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61
                    deadbeef deadbeef deadbeef deadbeef deadbeef";

const RTP_SSRC: u32 = 0x5501_a0b2;
const RTP_INDEX: u64 = 0xf17b;
const RTCP_INDEX: u32 = 0x05d4;

/// RFC 7714 §16 and §17 give the session key.
fn session(algorithm: &'static Algorithm) -> Transform {
    let key: Vec<u8> = (0..32).collect();
    let key = &key[..algorithm.key_len()];
    Transform::Gcm(Gcm::new(algorithm, key, *b"Quid pro quo").unwrap())
}

fn sender(algorithm: &'static Algorithm) -> SrtpSender {
    SrtpSender::new(session(algorithm), session(algorithm)).with_rtcp_index(RTCP_INDEX)
}

fn receiver(algorithm: &'static Algorithm) -> SrtpReceiver {
    SrtpReceiver::new(session(algorithm), session(algorithm))
}

#[test]
fn seals_and_opens_the_rtp_packets_of_rfc_7714() {
    for (algorithm, vector) in [(&AES_128_GCM, RTP_128), (&AES_256_GCM, RTP_256)] {
        let (plain, mut datagram) = (hex(vector.plain), hex(vector.sealed));
        let (header, payload) = plain.split_at(12);
        let mut out = Vec::new();

        sender(algorithm)
            .seal_rtp(header, payload, RTP_SSRC, RTP_INDEX, &mut out)
            .unwrap();
        let length = receiver(algorithm)
            .open_rtp(&mut datagram, 12, RTP_SSRC, RTP_INDEX)
            .unwrap();

        assert_eq!(out, hex(vector.sealed));
        assert_eq!(datagram[..length], plain);
    }
}

#[test]
fn seals_and_opens_the_rtcp_packets_of_rfc_7714() {
    for (algorithm, vector) in [(&AES_128_GCM, RTCP_128), (&AES_256_GCM, RTCP_256)] {
        let (plain, mut datagram) = (hex(vector.plain), hex(vector.sealed));
        let mut out = Vec::new();

        sender(algorithm).seal_rtcp(&plain, &mut out).unwrap();
        let length = receiver(algorithm).open_rtcp(&mut datagram).unwrap();

        assert_eq!(out, hex(vector.sealed));
        assert_eq!(datagram[..length], plain);
    }
}

#[test]
fn opens_the_rtcp_packets_of_rfc_7714_that_are_not_encrypted() {
    for (algorithm, vector) in [
        (&AES_128_GCM, RTCP_128_PLAIN),
        (&AES_256_GCM, RTCP_256_PLAIN),
    ] {
        let mut receiver = receiver(algorithm);
        let mut datagram = hex(vector.sealed);

        let length = receiver.open_rtcp(&mut datagram).unwrap();

        assert_eq!(datagram[..length], hex(vector.plain));
        let mut again = hex(vector.sealed);
        assert_eq!(receiver.open_rtcp(&mut again), Err(SrtpError::Replayed));
    }
}

#[test]
fn refuses_a_change_to_a_packet_that_is_not_encrypted() {
    let sealed = hex(RTCP_128_PLAIN.sealed);

    for at in 0..sealed.len() {
        let mut datagram = sealed.clone();
        datagram[at] ^= 1;

        assert_eq!(
            receiver(&AES_128_GCM).open_rtcp(&mut datagram),
            Err(SrtpError::NotAuthentic),
            "byte {at}"
        );
    }
}

/// libsrtp's srtp_validate and srtp_validate_gcm: from master key to packet.
#[test]
fn seals_and_opens_the_packets_of_libsrtp() {
    let rtp = hex("800f1234 decafbad cafebabe abababab abababab abababab abababab");
    let rtcp = hex("81c8000b cafebabe abababab abababab abababab abababab");
    for (profile, key, salt, sealed_rtp, sealed_rtcp) in [
        (
            SrtpProfile::AesCm128HmacSha1_80,
            "e1f97a0d 3e018be0 d64fa32c 06de4139",
            "0ec675ad 498afeeb b6960b3a abe6",
            "800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402
             b78d6acc 99ea179b 8dbb",
            "81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001
             993e08cd 54d6c123 0798",
        ),
        (
            SrtpProfile::AeadAes128Gcm,
            "00010203 04050607 08090a0b 0c0d0e0f",
            "a0a1a2a3 a4a5a6a7 a8a9aaab",
            "800f1234 decafbad cafebabe c5002ede 04cfdd2e b91159e0 880aa06e
             d2976826 f796b201 df3131a1 27e8a392",
            "81c8000b cafebabe c98b8b5d f0392a55 852b6c21 ac8e7025 c52c6fbe
             a2b3b446 ea31123b a88ce61e 80000001",
        ),
    ] {
        let material = [hex(key), hex(key), hex(salt), hex(salt)].concat();
        let (sender, mut receiver) = contexts(profile, &material, true).unwrap();
        let mut sender = sender.with_rtcp_index(1);
        let (mut rtp_out, mut rtcp_out) = (Vec::new(), Vec::new());

        sender
            .seal_rtp(&rtp[..12], &rtp[12..], 0xcafe_babe, 0x1234, &mut rtp_out)
            .unwrap();
        sender.seal_rtcp(&rtcp, &mut rtcp_out).unwrap();

        assert_eq!(rtp_out, hex(sealed_rtp), "{profile:?}");
        assert_eq!(rtcp_out, hex(sealed_rtcp), "{profile:?}");
        let rtp_bytes = receiver.open_rtp(&mut rtp_out, 12, 0xcafe_babe, 0x1234);
        let rtcp_bytes = receiver.open_rtcp(&mut rtcp_out);
        assert_eq!((rtp_bytes, rtcp_bytes), (Ok(rtp.len()), Ok(rtcp.len())));
        assert_eq!(rtp_out[..rtp.len()], rtp, "{profile:?}");
        assert_eq!(rtcp_out[..rtcp.len()], rtcp, "{profile:?}");
    }
}
