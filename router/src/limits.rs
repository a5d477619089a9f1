//! Every bound of the router, with what happens beyond it.

use std::time::Duration;

/// Most publications of a participant for the whole room. Further ones are refused.
pub const MAX_PUBLICATIONS: usize = 16;
/// Most subscriptions of a participant. Further ones are not made; the client may unsubscribe
/// others and ask again.
pub const MAX_SUBSCRIPTIONS: usize = 200;
/// Most encodings of a publication. Further ones are not forwarded.
pub const MAX_ENCODINGS: usize = proto::link::MAX_ENCODINGS;
/// Most tracks a participant may name in advance, to (un)subscribe when they appear. The oldest
/// is forgotten.
pub const MAX_SUBSCRIPTION_CHOICES: usize = 400;
/// Most entries of a publisher's list of who may subscribe. Further ones are ignored.
pub const MAX_SUBSCRIPTION_PERMISSIONS: usize = 400;

/// Shortest time between two keyframe requests for one encoding. Shorter repairs a picture
/// sooner, longer spares the publisher's encoder (LiveKit and mediasoup use 0.5 to 1 s).
pub const KEYFRAME_REQUEST_INTERVAL: Duration = Duration::from_millis(500);
/// How often rates are measured and bandwidth is divided anew when nothing else causes it.
pub const TICK_INTERVAL: Duration = Duration::from_millis(500);
/// How long nobody must want an encoding before its publisher may stop sending it. Longer
/// avoids keyframes when windows are resized, shorter saves the publisher's uplink.
pub const UNWANTED_ENCODING_DELAY: Duration = Duration::from_secs(5);
