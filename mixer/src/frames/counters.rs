//! What became of everything.

/// What has been given and dropped so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames given.
    pub frames: u64,
    /// Keyframes among them; all of them for sound.
    pub keyframes: u64,
    /// Frames dropped because packets of them were lost or malformed.
    pub incomplete_frames: u64,
    /// Frames dropped because they may refer to missing ones.
    pub undecodable_frames: u64,
    /// Frames dropped because they are larger than
    /// [`MAX_FRAME_BYTES`](super::limits::MAX_FRAME_BYTES).
    pub oversized_frames: u64,
    /// Packets that were waited for and given up.
    pub lost_packets: u64,
    /// Gaps given up early because too much was waiting behind them.
    pub hurried_gaps: u64,
    /// Packets dropped because they came when those after them had been given, again or too late.
    pub late_packets: u64,
    /// Packets dropped because the same one was waiting already.
    pub duplicate_packets: u64,
    /// Packets dropped because their numbers are far away from all others.
    pub stray_packets: u64,
    /// Packets dropped because nobody polled, so that there was no room for them.
    pub unpolled_packets: u64,
    /// Packets dropped because their payload cannot be read.
    pub malformed_packets: u64,
    /// How often the sequence numbers began anew.
    pub restarts: u64,
}
