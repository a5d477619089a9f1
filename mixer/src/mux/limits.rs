//! Every bound of the files, with what happens beyond it.

use std::time::Duration;

/// Largest block, in bytes with its header. A keyframe of a 4K camera has a tenth of it. Larger
/// ones are refused when writing, and are an error when reading, so that a damaged size costs no
/// memory.
pub const MAX_BLOCK_BYTES: usize = 16 * 1024 * 1024;
/// Largest of the elements that are read in one piece and are no blocks: the EBML header, SeekHead,
/// Info, Tracks and Cues. Cues and SeekHead that are larger are read past, the others are errors.
pub const MAX_HEADER_BYTES: usize = 1024 * 1024;
/// Most tracks of a file. More are refused when writing; further ones are read past.
pub const MAX_TRACKS: usize = 16;
/// Longest title and track name, in bytes. Longer ones are refused when writing.
pub const MAX_TEXT_BYTES: usize = 1024;
/// Largest configuration of a codec, in bytes. Parameter sets take a few hundred. Larger ones are
/// refused when writing, and tracks that have such are read past.
pub const MAX_CODEC_CONFIG_BYTES: usize = 32 * 1024;

/// How long a cluster lasts at most; a keyframe begins a new one earlier. It bounds what a player
/// reads past after it has jumped, and blocks' times, which have 16 bits of milliseconds. RFC 9559
/// recommends 5 s.
pub const MAX_CLUSTER_DURATION: Duration = Duration::from_secs(5);
/// How large a cluster gets before the next begins, in bytes. RFC 9559
/// recommends 5 MB.
pub const MAX_CLUSTER_BYTES: u64 = 4 * 1024 * 1024;
/// Most cue points of a file. Beyond it every second one is forgotten, and of the later ones only
/// every second is kept: an hour of keyframes each second still has one for every two.
pub const MAX_CUE_POINTS: usize = 4_096;
