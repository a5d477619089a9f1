//! What is read of a datagram before anything is known of its sender.

use proto::demux::{DatagramClass, stun_server_ufrag};
use proto::layer::red;

/// Readers stay inside their input.
pub fn run(data: &[u8]) {
    let _ = DatagramClass::of(data);
    if let Some(ufrag) = stun_server_ufrag(data) {
        assert!(ufrag.len() < data.len());
    }
    if let Some(primary) = red::primary(data) {
        assert!(primary.len() < data.len());
    }
}
