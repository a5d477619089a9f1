//! Why a packet or a key was refused.

/// Why a packet or a key was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// Malformed: less than its header and what SRTP adds.
    #[error("packet is too short")]
    TooShort,
    /// Damaged, forged, or sealed with other keys or under another index.
    #[error("packet is not authentic")]
    NotAuthentic,
    /// Seen before, or too old to tell.
    #[error("packet is a replay")]
    Replayed,
    /// No index is left under these keys: the session has to end.
    #[error("packet indexes are exhausted")]
    Exhausted,
    /// Our fault: the material is not of the profile.
    #[error("keying material has {actual} bytes, not {expected}")]
    KeyingMaterial {
        /// Bytes the profile takes.
        expected: usize,
        /// Bytes there are.
        actual: usize,
    },
    /// Our fault: the crypto library failed where it has no reason to.
    #[error("crypto library failed")]
    Crypto,
}
