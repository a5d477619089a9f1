//! What can be wrong with a token.

/// Why a token is refused. The text is for whoever made the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token is longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES).
    #[error("the token is longer than 8192 bytes")]
    TooLong,
    /// The token is not three base64url parts of which the first is a JSON header.
    #[error("this is not a JSON Web Token: {0}")]
    NotAToken(&'static str),
    /// The header names another algorithm than HS256.
    #[error("the token's algorithm is {0:?}, only \"HS256\" is accepted")]
    Algorithm(String),
    /// The header holds a parameter that would change how the token is to be checked.
    #[error("the token's header must not hold {0:?}")]
    HeaderParameter(&'static str),
    /// A claim is missing, doubled, or of the wrong type.
    #[error("the token's claims cannot be read: {0}")]
    Claims(String),
    /// The `iss` claim names no API key of this server.
    #[error("the token is issued by API key {0:?}, which this server does not know")]
    UnknownKey(String),
    /// The signature is not made with the secret of the API key in `iss`.
    #[error("the token's signature does not match the secret of its API key")]
    Signature,
    /// The `exp` claim is missing.
    #[error("the token has no expiry: set \"exp\"")]
    NoExpiry,
    /// The `exp` claim is in the past by more than the leeway.
    #[error("the token expired {seconds_ago} s ago")]
    Expired {
        /// Seconds between `exp` and now.
        seconds_ago: u64,
    },
    /// The `nbf` claim is in the future by more than the leeway.
    #[error("the token is not valid for another {seconds} s: see \"nbf\", and compare the clocks")]
    NotYetValid {
        /// Seconds between now and `nbf`.
        seconds: u64,
    },
}

/// Why a token cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// There is no API key to sign with, or none of that name.
    #[error("there is no API key {0:?} to sign with")]
    UnknownKey(String),
    /// The token would be longer than [`MAX_TOKEN_BYTES`](super::MAX_TOKEN_BYTES).
    #[error("the token would be longer than 8192 bytes: shorten its metadata or attributes")]
    TooLong,
    /// The crypto library refused.
    #[error("signing failed: {0}")]
    Crypto(String),
}
