//! AES in counter mode with HMAC-SHA1 (RFC 3711).
//!
//! ```text
//! SRTP:   | header | encrypted payload | tag |
//! SRTCP:  | header, 8 bytes | encrypted rest | E, index | tag |
//! ```
//!
//! All before the tag is authenticated, and in SRTP the roll-over counter with it.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use aws_lc_rs::iv::FixedLength;

use super::SrtpError;
use super::rtcp::{RTCP_HEADER_BYTES, RtcpWord, split_word};

/// Bytes of the tag, the first 80 bits of the HMAC.
pub(super) const TAG_BYTES: usize = 10;

/// Bytes of the salt.
pub(super) const SALT_BYTES: usize = 14;

/// Prepared session keys and their salt.
pub(super) struct CmHmac {
    cipher: EncryptingKey,
    mac: hmac::Key,
    /// In the high 112 bits; AES-CM counts blocks in the others.
    salt: u128,
}

impl CmHmac {
    pub(super) fn new(
        key: [u8; 16],
        authentication_key: [u8; 20],
        salt: [u8; SALT_BYTES],
    ) -> Result<Self, SrtpError> {
        let cipher = UnboundCipherKey::new(&AES_128, &key)
            .and_then(EncryptingKey::ctr)
            .map_err(|_| SrtpError::Crypto)?;
        let salt = salt
            .iter()
            .fold(0, |salt, byte| salt << 8 | u128::from(*byte));
        Ok(Self {
            cipher,
            mac: hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &authentication_key),
            salt: salt << 16,
        })
    }

    /// Seals a packet that ends with room for the tag.
    pub(super) fn seal_rtp(
        &self,
        packet: &mut [u8],
        header_bytes: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), SrtpError> {
        let (packet, tag) = split_tag(packet)?;
        let body = packet.get_mut(header_bytes..).ok_or(SrtpError::TooShort)?;
        self.apply_key_stream(ssrc, index, body)?;
        *tag = self.tag(packet, &rollover_counter(index))?;
        Ok(())
    }

    /// Opens a packet; returns the length without the tag.
    pub(super) fn open_rtp(
        &self,
        datagram: &mut [u8],
        header_bytes: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let (packet, tag) = split_tag(datagram)?;
        if packet.len() < header_bytes {
            return Err(SrtpError::TooShort);
        }
        verify(&self.tag(packet, &rollover_counter(index))?, tag)?;
        self.apply_key_stream(ssrc, index, &mut packet[header_bytes..])?;
        Ok(packet.len())
    }

    /// Seals a compound packet that ends with room for the word and the tag.
    pub(super) fn seal_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<(), SrtpError> {
        let (authenticated, tag) = split_tag(packet)?;
        let (packet, last) = split_word(authenticated)?;
        let body = packet
            .get_mut(RTCP_HEADER_BYTES..)
            .ok_or(SrtpError::TooShort)?;
        *last = word.to_bytes();
        self.apply_key_stream(ssrc, word.index().into(), body)?;
        *tag = self.tag(authenticated, &[])?;
        Ok(())
    }

    /// Opens a compound packet; returns the length without the word and the tag.
    pub(super) fn open_rtcp(
        &self,
        datagram: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<usize, SrtpError> {
        let (authenticated, tag) = split_tag(datagram)?;
        verify(&self.tag(authenticated, &[])?, tag)?;
        let (packet, _) = split_word(authenticated)?;
        let body = packet
            .get_mut(RTCP_HEADER_BYTES..)
            .ok_or(SrtpError::TooShort)?;
        if word.is_encrypted() {
            self.apply_key_stream(ssrc, word.index().into(), body)?;
        }
        Ok(packet.len())
    }

    /// RFC 3711 §4.1.1. An SRTCP index is where the low bits of an SRTP index are (§3.4).
    fn apply_key_stream(&self, ssrc: u32, index: u64, body: &mut [u8]) -> Result<(), SrtpError> {
        // The block counter has 16 bits: a datagram is far from its end.
        debug_assert!(body.len() <= 16 << 16);
        let start = self.salt ^ (u128::from(ssrc) << 64) ^ (u128::from(index) << 16);
        self.cipher
            .less_safe_encrypt(
                body,
                EncryptionContext::Iv128(FixedLength::from(start.to_be_bytes())),
            )
            .map(|_| ())
            .map_err(|_| SrtpError::Crypto)
    }

    fn tag(&self, authenticated: &[u8], behind: &[u8]) -> Result<[u8; TAG_BYTES], SrtpError> {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(authenticated);
        context.update(behind);
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().ok_or(SrtpError::Crypto)
    }
}

/// RFC 3711 §4.2: what the tag covers beyond the packet.
fn rollover_counter(index: u64) -> [u8; 4] {
    let [_, _, counter @ .., _, _] = index.to_be_bytes();
    counter
}

fn verify(expected: &[u8; TAG_BYTES], tag: &[u8; TAG_BYTES]) -> Result<(), SrtpError> {
    verify_slices_are_equal(expected, tag).map_err(|_| SrtpError::NotAuthentic)
}

fn split_tag(packet: &mut [u8]) -> Result<(&mut [u8], &mut [u8; TAG_BYTES]), SrtpError> {
    packet.split_last_chunk_mut().ok_or(SrtpError::TooShort)
}

#[cfg(test)]
mod tests {
    use super::super::tests::hex;
    use super::*;

    /// RFC 3711 appendix B.2.
    #[test]
    fn has_the_key_stream_of_rfc_3711() {
        let key = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let salt = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd");
        let cm = CmHmac::new(key.try_into().unwrap(), [0; 20], salt.try_into().unwrap()).unwrap();
        let mut stream = vec![0; 1_044_512];

        cm.apply_key_stream(0, 0, &mut stream).unwrap();

        assert_eq!(
            stream[..48],
            hex("e03ead0935c95e80e166b16dd92b4eb4
                 d23513162b02d0f72a43a2fe4a5f97ab
                 41e95b3bb0a2e8dd477901e4fca894c0")
        );
        assert_eq!(
            stream[stream.len() - 48..],
            hex("ec8cdf7398607cb0f2d21675ea9ea1e4
                 362b7c3c6773516318a077d7fc5073ae
                 6a2cc3787889374fbeb4c81b17ba6c44")
        );
    }

    #[test]
    fn takes_the_rollover_counter_from_above_the_sequence_number() {
        assert_eq!(rollover_counter(0x1234_5678_9abc), [0x12, 0x34, 0x56, 0x78]);
    }
}
