//! AES-GCM protection of packets (RFC 7714).
//!
//! ```text
//! SRTP:   | header | encrypted payload | tag |
//! SRTCP:  | header, 8 bytes | encrypted rest | tag | E, index |
//! ```
//!
//! The header is authenticated, and in SRTCP the last word with it.

use aws_lc_rs::aead::{Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};

use super::SrtpError;
use super::rtcp::{RTCP_HEADER_BYTES, RTCP_WORD_BYTES, RtcpWord, split_word};

/// Bytes of the tag, which is never cut (RFC 7714 §13.2).
pub(super) const TAG_BYTES: usize = 16;

/// Bytes of the salt (RFC 7714 §12).
pub(super) const SALT_BYTES: usize = 12;

/// A prepared session key and its salt.
pub(super) struct Gcm {
    key: LessSafeKey,
    /// In the low 96 bits.
    salt: u128,
}

impl Gcm {
    pub(super) fn new(
        algorithm: &'static Algorithm,
        key: &[u8],
        salt: [u8; SALT_BYTES],
    ) -> Result<Self, SrtpError> {
        let key = UnboundKey::new(algorithm, key).map_err(|_| SrtpError::Crypto)?;
        let salt = salt
            .iter()
            .fold(0, |salt, byte| salt << 8 | u128::from(*byte));
        Ok(Self {
            key: LessSafeKey::new(key),
            salt,
        })
    }

    /// Seals `payload` into `sealed`, which is longer by the tag.
    pub(super) fn seal_rtp_from(
        &self,
        header: &[u8],
        payload: &[u8],
        ssrc: u32,
        index: u64,
        sealed: &mut [u8],
    ) -> Result<(), SrtpError> {
        let (body, tag) = split_tag(sealed)?;
        self.key
            .seal_out_of_place_scatter(
                self.nonce(ssrc, index),
                Aad::from(header),
                payload,
                body,
                &[],
                tag,
            )
            .map_err(|_| SrtpError::Crypto)
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
        let (header, body) = packet
            .split_at_mut_checked(header_bytes)
            .ok_or(SrtpError::TooShort)?;
        self.seal(self.nonce(ssrc, index), header, body, tag)
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
        let (header, body) = packet
            .split_at_mut_checked(header_bytes)
            .ok_or(SrtpError::TooShort)?;
        self.open(self.nonce(ssrc, index), header, body, tag)?;
        Ok(packet.len())
    }

    /// Seals a compound packet that ends with room for the tag and the word.
    pub(super) fn seal_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<(), SrtpError> {
        let (packet, last) = split_word(packet)?;
        let (packet, tag) = split_tag(packet)?;
        let (header, body) = split_rtcp_header(packet)?;
        *last = word.to_bytes();
        let nonce = self.nonce(ssrc, word.index().into());
        self.seal(nonce, &rtcp_associated_data(header, last), body, tag)
    }

    /// Opens a compound packet; returns the length without the tag and the word.
    pub(super) fn open_rtcp(
        &self,
        datagram: &mut [u8],
        ssrc: u32,
        word: RtcpWord,
    ) -> Result<usize, SrtpError> {
        let nonce = self.nonce(ssrc, word.index().into());
        let (sealed, last) = split_word(datagram)?;
        let (packet, tag) = split_tag(sealed)?;
        let length = packet.len();
        let (header, body) = split_rtcp_header(packet)?;
        if word.is_encrypted() {
            self.open(nonce, &rtcp_associated_data(header, last), body, tag)?;
        } else {
            // RFC 7714 §9.3: all of the packet and the word behind it are associated data. The
            // word goes to where the tag was, for them to be in one piece.
            let (tag, last) = (*tag, *last);
            let end = length + RTCP_WORD_BYTES;
            datagram[length..end].copy_from_slice(&last);
            self.open(nonce, &datagram[..end], &mut [], &tag)?;
        }
        Ok(length)
    }

    /// RFC 7714 §8.1 and §9.1: SSRC and index in the low bits, mixed with the salt. An SRTCP index
    /// is where the low bits of an SRTP index are.
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let nonce = self.salt ^ (u128::from(ssrc) << 48) ^ u128::from(index);
        let [_, _, _, _, nonce @ ..] = nonce.to_be_bytes();
        Nonce::assume_unique_for_key(nonce)
    }

    fn seal(
        &self,
        nonce: Nonce,
        associated: &[u8],
        body: &mut [u8],
        tag: &mut [u8; TAG_BYTES],
    ) -> Result<(), SrtpError> {
        self.key
            .seal_in_place_scatter(nonce, Aad::from(associated), body, &[], tag)
            .map_err(|_| SrtpError::Crypto)
    }

    fn open(
        &self,
        nonce: Nonce,
        associated: &[u8],
        body: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), SrtpError> {
        self.key
            .open_in_place_separate_tag(nonce, Aad::from(associated), tag, body)
            .map(|_| ())
            .map_err(|_| SrtpError::NotAuthentic)
    }
}

fn split_tag(packet: &mut [u8]) -> Result<(&mut [u8], &mut [u8; TAG_BYTES]), SrtpError> {
    packet.split_last_chunk_mut().ok_or(SrtpError::TooShort)
}

fn split_rtcp_header(
    packet: &mut [u8],
) -> Result<(&mut [u8; RTCP_HEADER_BYTES], &mut [u8]), SrtpError> {
    packet.split_first_chunk_mut().ok_or(SrtpError::TooShort)
}

/// RFC 7714 §9.2.
fn rtcp_associated_data(
    header: &[u8; RTCP_HEADER_BYTES],
    word: &[u8; RTCP_WORD_BYTES],
) -> [u8; RTCP_HEADER_BYTES + RTCP_WORD_BYTES] {
    let mut data = [0; RTCP_HEADER_BYTES + RTCP_WORD_BYTES];
    let (first, last) = data.split_at_mut(RTCP_HEADER_BYTES);
    first.copy_from_slice(header);
    last.copy_from_slice(word);
    data
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::aead::AES_128_GCM;

    use super::super::tests::hex;
    use super::*;

    /// RFC 7714 §16 and §17.
    #[test]
    fn forms_the_nonces_of_rfc_7714() {
        let gcm = Gcm::new(&AES_128_GCM, &[0; 16], *b"Quid pro quo").unwrap();

        let rtp = gcm.nonce(0x5501_a0b2, 0xf17b);
        let rtcp = gcm.nonce(0x4d61_7273, 0x05d4);

        assert_eq!(rtp.as_ref()[..], hex("51753c6580c2726f20718414"));
        assert_eq!(rtcp.as_ref()[..], hex("517524055203726f207170bb"));
    }
}
