//! What is read of a datagram before anything is known of its sender.

use proto::demux::{DatagramClass, StunRequest};
use proto::layer::red;

/// Readers stay inside their input.
pub fn run(data: &[u8]) {
    let _ = DatagramClass::of(data);
    if let Some(request) = StunRequest::read(data) {
        assert!(request.server_ufrag.len() < data.len());
    }
    if let Some(primary) = red::primary(data) {
        assert!(primary.len() < data.len());
    }
}
