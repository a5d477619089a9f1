//! One message in one WebSocket frame.

use prost::Message;

use super::messages::{SignalRequest, SignalResponse, signal_request, signal_response};

/// Largest frame taken from a client, in bytes: an offer with a hundred sections fits.
pub const MAX_FRAME_BYTES: usize = 1024 * 1024;

/// Why a frame cannot be read. The client is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME_BYTES`].
    #[error("the message is longer than {MAX_FRAME_BYTES} bytes")]
    TooLarge,
    /// Not a protobuf message of the expected type.
    #[error("the message is not a valid protobuf SignalRequest")]
    Malformed,
}

/// Reads a client's message. `None` is a message of a kind the server does not know.
///
/// # Errors
/// [`FrameError`] when it is no message at all.
pub fn decode_request(frame: &[u8]) -> Result<Option<signal_request::Message>, FrameError> {
    if frame.len() > MAX_FRAME_BYTES {
        return Err(FrameError::TooLarge);
    }
    let request = SignalRequest::decode(frame).map_err(|_| FrameError::Malformed)?;
    Ok(request.message)
}

/// Reads a server's message, for clients.
///
/// # Errors
/// [`FrameError`] when it is no message at all.
pub fn decode_response(frame: &[u8]) -> Result<Option<signal_response::Message>, FrameError> {
    let response = SignalResponse::decode(frame).map_err(|_| FrameError::Malformed)?;
    Ok(response.message)
}

/// Writes a server's message.
pub fn encode_response(message: signal_response::Message) -> Vec<u8> {
    SignalResponse {
        message: Some(message),
    }
    .encode_to_vec()
}

/// Writes a client's message.
pub fn encode_request(message: signal_request::Message) -> Vec<u8> {
    SignalRequest {
        message: Some(message),
    }
    .encode_to_vec()
}
