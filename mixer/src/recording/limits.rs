//! Every bound of a recording, with what happens beyond it.

use std::time::Duration;

/// Largest file of a track, in bytes. The next begins with a keyframe.
pub const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024 * 1024;
/// Longest file of a track, in microseconds. The next begins with a keyframe.
pub const MAX_FILE_US: i64 = 60 * 60 * 1_000_000;
/// Most tracks recorded at the same time. Further ones are not, and the journal says so.
pub const MAX_TRACKS: usize = 2_000;
/// Most files of one recording. Tracks that begin later are not recorded, and the journal says so.
pub const MAX_FILES: usize = 20_000;
/// Most people whose names and tracks are kept at the same time. Of further ones only media is.
pub const MAX_PEOPLE: usize = 10_000;
/// Most lines of a journal. When speakers have taken so many, they are no longer written down.
pub const MAX_SPEAKER_ENTRIES: u64 = 500_000;
/// Most changes of a picture's size that are written down of a file.
pub const MAX_SIZES: usize = 256;
/// Most pauses of a recording. It can not be paused again then.
pub const MAX_PAUSES: usize = 1_000;
/// Sound that stops for longer than this, in microseconds, is filled with packets of silence, so
/// that players keep time.
pub const MAX_SILENT_GAP_US: i64 = 60_000;
/// Silence is filled in up to so long ago, because sound may still come.
pub const SILENCE_LAG: Duration = Duration::from_secs(3);
