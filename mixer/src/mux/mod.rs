//! Matroska and WebM files (RFC 9559), written and read without doing input or output.
//!
//! 1. A [`Writer`] turns blocks into bytes to append. The file plays from then on, whatever
//!    happens to who writes it.
//! 2. [`Writer::finish`] adds what makes it complete: an index at the end, the length at the
//!    beginning.
//! 3. A [`Recovery`] goes over a file that was cut off, and tells how to do the same.
//! 4. A [`Reader`] gives the blocks of a file.
//!
//! What can be written is what a conference has: VP8, VP9, AV1, H.264 and Opus. Times are
//! milliseconds in the file, as WebM's players expect, and microseconds outside of it.

mod block;
mod cues;
mod ebml;
mod finish;
mod header;
mod id;
pub mod limits;
mod reader;
mod recovery;
mod summary;
mod time;
mod track;
mod writer;

pub use block::Block;
pub use cues::{CuePoint, Cues};
pub use finish::{Finish, Patch};
pub use header::{Header, Settings};
pub use reader::{ReadBlock, ReadError, ReadErrorKind, Reader};
pub use recovery::{Recovered, Recovery, Unrecoverable};
pub use summary::{Summary, TrackSummary};
pub use track::{Media, Opus, Track, TrackNumber, VideoCodec, VideoSize};
pub use writer::{SettingsError, WriteError, Writer};
