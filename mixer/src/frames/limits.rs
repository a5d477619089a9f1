//! Every bound of the way from packets to frames, with what happens beyond it.

use std::time::Duration;

/// How long a recorder waits for a missing packet: several repairs on a slow path. Longer gives a
/// more complete recording, and holds more back.
pub const RECORDER_PATIENCE: Duration = Duration::from_secs(1);

/// Most packets that wait for one before them, which is a second of 35 Mbit/s. Beyond it those
/// that are missing are given up
/// ([`Counters::hurried_gaps`](super::Counters::hurried_gaps)).
pub const MAX_WAITING_PACKETS: usize = 4_096;
/// Most bytes of payload that wait for a packet before them, a second of 32 Mbit/s. Beyond it those
/// that are missing are given up
/// ([`Counters::hurried_gaps`](super::Counters::hurried_gaps)).
pub const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;
/// How far a sequence number may be from those before it, as in RFC 3550 appendix A.1. What is
/// further away is dropped ([`Counters::stray_packets`](super::Counters::stray_packets)), unless
/// the next one follows it: then the stream has begun anew.
pub const MAX_JUMP: u64 = 3_000;

/// Largest frame, in bytes. It is half of a file's largest block; a keyframe of a 4K camera has a
/// tenth of it. Larger ones are dropped ([`Counters::oversized_frames`](super::Counters::oversized_frames)).
pub const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;
/// Most sequence parameter sets, and most picture parameter sets, that an H.264 stream is described
/// by. Encoders have one each; of more, the oldest are forgotten.
pub const MAX_PARAMETER_SETS: usize = 8;
/// Largest parameter set of H.264 or sequence header of AV1, in bytes. With all scaling lists they
/// have some hundred. The frames that larger ones come in are dropped as malformed.
pub const MAX_PARAMETER_SET_BYTES: usize = 1_024;
/// Most spatial layers of a VP9 picture: their number has three bits. A picture that has more is
/// dropped as malformed.
pub const MAX_SPATIAL_LAYERS: usize = 8;

/// How long to wait before a keyframe is asked for again, while the requests are few. A request or
/// a keyframe can be lost, and a keyframe takes a round trip and some frames to come.
pub const KEYFRAME_INTERVAL: Duration = Duration::from_secs(1);
/// How often it is asked for at that interval.
pub const QUICK_KEYFRAME_REQUESTS: u32 = 10;
/// How long to wait between requests after those: who does not answer may be paused.
pub const SLOW_KEYFRAME_INTERVAL: Duration = Duration::from_secs(5);
