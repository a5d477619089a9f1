//! Recordings: every track of a room as it came, a journal of what happened, and a manifest.
//!
//! ```text
//! manifest.json                       what there is, and how the recording stands
//! journal.jsonl                       what happened in the room, a line each
//! tracks/<participant>/<track>-<source>-<nnn>.mkv|.mka
//! ```
//!
//! 1. A [`Recorder`] takes what a listener hears in a room, with instants, and gives bytes to append
//!    to files. Nothing is decoded.
//! 2. Every file plays from its first block on, whatever happens to whoever writes it; the times in
//!    it are those of the recording, so files need no aligning.
//! 3. A [`Manifest`] is written anew when something changes. After a crash [`mux::Recovery`]
//!    completes the files, and [`Manifest::recover`] says so.
//!
//! [`mux::Recovery`]: crate::mux::Recovery

mod choice;
mod journal;
pub mod limits;
mod manifest;
mod pauses;
mod people;
mod recorder;
mod stored;
mod track;

pub use choice::Choice;
pub use journal::{Entry, Event, JOURNAL_NAME, Journal};
pub use manifest::{
    Composite, CompositeState, FileState, MANIFEST_NAME, Manifest, RecordedFile, State,
    UnreadableManifest,
};
pub use pauses::{Interval, Pauses};
pub(crate) use people::People;
pub use people::{Person, PublishedTrack, Source};
pub use recorder::{End, FileId, NewTrack, Output, Recorder, Settings};
pub use stored::{Stored, StoredFile, StoredState, UnfinishedUpload};
pub use track::TrackPacket;
pub(crate) use track::turned;
