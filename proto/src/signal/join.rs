//! The join request in the URL: base64url of protobuf, with a gzip'd protobuf inside.

use std::io::{Read, Write};

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use prost::Message;

use super::messages::{JoinRequest, WrappedJoinRequest, wrapped_join_request::Compression};

/// Largest join request after decompression, in bytes.
pub const MAX_JOIN_REQUEST_BYTES: usize = 1024 * 1024;

/// Why a join request cannot be read. The client is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JoinRequestError {
    /// Not base64url.
    #[error("join_request is not base64url")]
    Base64,
    /// Not what it says to be, or not protobuf.
    #[error("join_request is not a valid protobuf JoinRequest")]
    Malformed,
    /// Larger than [`MAX_JOIN_REQUEST_BYTES`].
    #[error("join_request is larger than {MAX_JOIN_REQUEST_BYTES} bytes")]
    TooLarge,
}

/// SDKs differ on padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads the `join_request` parameter.
///
/// # Errors
/// [`JoinRequestError`] says what is wrong with it.
pub fn decode_join_request(parameter: &str) -> Result<JoinRequest, JoinRequestError> {
    if parameter.len() > MAX_JOIN_REQUEST_BYTES {
        return Err(JoinRequestError::TooLarge);
    }
    let bytes = BASE64
        .decode(parameter)
        .map_err(|_| JoinRequestError::Base64)?;
    let wrapped = WrappedJoinRequest::decode(&*bytes).map_err(|_| JoinRequestError::Malformed)?;
    let inner = match wrapped.compression() {
        Compression::None => wrapped.join_request,
        Compression::Gzip => gunzip(&wrapped.join_request)?,
    };
    JoinRequest::decode(&*inner).map_err(|_| JoinRequestError::Malformed)
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, JoinRequestError> {
    let mut inner = Vec::new();
    let limit = MAX_JOIN_REQUEST_BYTES as u64 + 1;
    flate2::read::GzDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut inner)
        .map_err(|_| JoinRequestError::Malformed)?;
    if inner.len() > MAX_JOIN_REQUEST_BYTES {
        return Err(JoinRequestError::TooLarge);
    }
    Ok(inner)
}

/// Writes the `join_request` parameter, for clients.
///
/// # Errors
/// An IO error of the compressor; none is known to happen in memory.
pub fn encode_join_request(request: &JoinRequest) -> std::io::Result<String> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&request.encode_to_vec())?;
    let wrapped = WrappedJoinRequest {
        compression: Compression::Gzip.into(),
        join_request: gzip.finish()?,
    };
    Ok(BASE64.encode(wrapped.encode_to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_wrote_with_and_without_padding() {
        let request = JoinRequest {
            metadata: "hello".into(),
            reconnect: true,
            ..Default::default()
        };

        let text = encode_join_request(&request).expect("in memory");

        assert_eq!(decode_join_request(&text), Ok(request.clone()));
        assert_eq!(decode_join_request(text.trim_end_matches('=')), Ok(request));
    }

    #[test]
    fn refuses_a_bomb_before_it_has_unpacked_it() {
        let request = JoinRequest {
            metadata: "a".repeat(50_000_000),
            ..Default::default()
        };

        let text = encode_join_request(&request).expect("in memory");

        assert!(text.len() < MAX_JOIN_REQUEST_BYTES);
        assert_eq!(decode_join_request(&text), Err(JoinRequestError::TooLarge));
    }

    #[test]
    fn says_what_is_wrong() {
        assert_eq!(decode_join_request("!"), Err(JoinRequestError::Base64));
        assert_eq!(
            decode_join_request("_____w"),
            Err(JoinRequestError::Malformed)
        );
    }
}
