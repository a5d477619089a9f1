//! Every bound of mixing sound, with what happens beyond it.

use std::time::Duration;

/// Most inputs at a time, those included that have been removed and are still heard. More are
/// refused. Each takes 100 KB, and 8 bytes for each sample that waits.
pub const MAX_INPUTS: usize = 256;
/// Most listeners at a time. More are refused.
pub const MAX_LISTENERS: usize = 256;
/// Most inputs that are one listener's own. Further ones are heard.
pub const MAX_OWN_INPUTS: usize = 8;
/// Largest frame in bytes. RFC 6716 §3.4 lets 48 frames of 1,275 bytes into a packet, but a
/// conference's fit into a datagram. Larger ones count as bad.
pub const MAX_FRAME_BYTES: usize = 8 * 1024;
/// How much sound of an input may wait to be mixed: recording waits a second for packets, and
/// half a second's burst may follow. Later frames are dropped, and counted as early.
pub const MAX_WAITING: Duration = Duration::from_secs(3);
/// How much of what does not come is made up, whether it was lost or has ended. What libopus makes
/// up has faded by then.
pub const MAX_CONCEALED: Duration = Duration::from_millis(120);
/// How long the noise lasts with which a sender that is silent is filled in. Senders renew it
/// every 400 ms (RFC 7587 §3.1.3); one that does not has stopped.
pub const MAX_COMFORT: Duration = Duration::from_secs(1);
