//! What SRTCP adds to a compound RTCP packet besides the tag, and what it leaves readable.

use super::SrtpError;

/// Bytes of a compound RTCP packet that are not encrypted: up to the SSRC of its sender.
pub(super) const RTCP_HEADER_BYTES: usize = 8;

/// Bytes of the word that SRTCP adds.
pub(super) const RTCP_WORD_BYTES: usize = 4;

/// Highest index of an SRTCP packet, which has 31 bits (RFC 3711 §3.4).
pub(super) const RTCP_INDEX_MAX: u32 = (1 << 31) - 1;

/// The E flag.
const ENCRYPTED: u32 = 1 << 31;

/// The word that SRTCP adds: whether the packet is encrypted, and its index (RFC 3711 §3.4).
#[derive(Debug, Clone, Copy)]
pub(super) struct RtcpWord(u32);

impl RtcpWord {
    /// The word of an encrypted packet.
    pub(super) const fn encrypted(index: u32) -> Self {
        debug_assert!(index <= RTCP_INDEX_MAX);
        Self(ENCRYPTED | index)
    }

    /// Reads the word behind the header of a datagram that has `behind_bytes` more behind it.
    pub(super) fn read(datagram: &[u8], behind_bytes: usize) -> Option<Self> {
        let end = datagram.len().checked_sub(behind_bytes)?;
        let word = datagram.get(RTCP_HEADER_BYTES..end)?.last_chunk()?;
        Some(Self(u32::from_be_bytes(*word)))
    }

    pub(super) const fn is_encrypted(self) -> bool {
        self.0 & ENCRYPTED != 0
    }

    pub(super) const fn index(self) -> u32 {
        self.0 & RTCP_INDEX_MAX
    }

    pub(super) const fn to_bytes(self) -> [u8; RTCP_WORD_BYTES] {
        self.0.to_be_bytes()
    }
}

/// The sender of a compound packet: the SSRC of the first packet in it.
pub(super) fn sender_ssrc(packet: &[u8]) -> Option<u32> {
    let header: &[u8; RTCP_HEADER_BYTES] = packet.first_chunk()?;
    header.last_chunk().copied().map(u32::from_be_bytes)
}

/// Splits off the word at the end.
pub(super) fn split_word(
    packet: &mut [u8],
) -> Result<(&mut [u8], &mut [u8; RTCP_WORD_BYTES]), SrtpError> {
    packet.split_last_chunk_mut().ok_or(SrtpError::TooShort)
}
