//! Signalling frames and the join request of the URL.

use proto::signal::{decode_join_request, decode_request, encode_request};

/// A frame that can be read is the same when written and read again.
pub fn run(data: &[u8]) {
    if let Ok(Some(message)) = decode_request(data) {
        let again = decode_request(&encode_request(message.clone()));
        assert!(again.is_ok_and(|again| again.is_some()));
    }
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = decode_join_request(text);
    }
}
