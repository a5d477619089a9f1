//! SRTP protection profiles and their sizes.

use super::rtcp::RTCP_WORD_BYTES;
use super::{cm, gcm};

/// An SRTP protection profile (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    /// `SRTP_AEAD_AES_256_GCM`.
    AeadAes256Gcm,
    /// `SRTP_AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`, which everyone has to support (RFC 8827 §6.5).
    AesCm128HmacSha1_80,
}

impl SrtpProfile {
    /// Bytes of keying material to export from DTLS: a key and a salt for either direction.
    pub const fn keying_material_bytes(self) -> usize {
        2 * (self.key_bytes() + self.salt_bytes())
    }

    /// Bytes that sealing adds to an RTP packet.
    pub const fn rtp_overhead_bytes(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => gcm::TAG_BYTES,
            Self::AesCm128HmacSha1_80 => cm::TAG_BYTES,
        }
    }

    /// Bytes that sealing adds to a compound RTCP packet.
    pub const fn rtcp_overhead_bytes(self) -> usize {
        self.rtp_overhead_bytes() + RTCP_WORD_BYTES
    }

    pub(super) const fn key_bytes(self) -> usize {
        match self {
            Self::AeadAes256Gcm => 32,
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 => 16,
        }
    }

    pub(super) const fn salt_bytes(self) -> usize {
        match self {
            Self::AeadAes256Gcm | Self::AeadAes128Gcm => gcm::SALT_BYTES,
            Self::AesCm128HmacSha1_80 => cm::SALT_BYTES,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_sizes_of_the_rfcs() {
        let sizes = |profile: SrtpProfile| {
            (
                profile.keying_material_bytes(),
                profile.rtp_overhead_bytes(),
                profile.rtcp_overhead_bytes(),
            )
        };

        assert_eq!(sizes(SrtpProfile::AeadAes256Gcm), (88, 16, 20));
        assert_eq!(sizes(SrtpProfile::AeadAes128Gcm), (56, 16, 20));
        assert_eq!(sizes(SrtpProfile::AesCm128HmacSha1_80), (60, 10, 14));
    }
}
