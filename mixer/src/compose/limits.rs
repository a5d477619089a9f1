//! Every bound of composing, with what happens beyond it.

/// Frames of a track that wait for their time: several seconds. Beyond it the oldest are decoded
/// before their time.
pub const MAX_WAITING_FRAMES: usize = 600;
/// Bytes of a track's frames that wait. Beyond it the oldest are decoded before their time.
pub const MAX_WAITING_BYTES: usize = 32 * 1024 * 1024;
/// Tracks of pictures at a time. Further ones are not shown.
pub const MAX_PICTURE_TRACKS: usize = 512;
/// Tracks of a room that is composed as it lives. Further ones are neither seen nor heard.
pub const MAX_LIVE_TRACKS: usize = 512;
/// Events that wait for their time. Further ones take effect at once.
pub const MAX_WAITING_EVENTS: usize = 100_000;
