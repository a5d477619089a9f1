//! What happened in a room, one JSON object a line.

use serde::{Deserialize, Serialize};

use super::people::Source;
use crate::timeline::RoomTimeUs;

/// The file of a recording's folder that has it.
pub const JOURNAL_NAME: &str = "journal.jsonl";

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When it happened, in microseconds since the recording began. Pauses count.
    pub at_us: RoomTimeUs,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The recording began.
    Began {
        /// Milliseconds since 1970 at time zero.
        unix_ms: i64,
        /// The room's name.
        room: String,
    },
    /// Somebody is in the room.
    Joined {
        /// The participant's id.
        participant: String,
        /// Its identity.
        identity: String,
        /// Its name, for people; may be empty.
        name: String,
    },
    /// Somebody has another name.
    Renamed {
        /// The participant's id.
        participant: String,
        /// The name.
        name: String,
    },
    /// Somebody has left the room.
    Left {
        /// The participant's id.
        participant: String,
    },
    /// There is a track.
    TrackPublished {
        /// Whose.
        participant: String,
        /// The track's id.
        track: String,
        /// What it shows or lets hear.
        source: Source,
        /// Whether it has pictures.
        is_video: bool,
    },
    /// There is the track no more.
    TrackUnpublished {
        /// The track's id.
        track: String,
    },
    /// A publisher has muted a track.
    Muted {
        /// The track's id.
        track: String,
    },
    /// A track is not muted any more.
    Unmuted {
        /// The track's id.
        track: String,
    },
    /// The pictures of a track are to be turned from here on.
    Turned {
        /// The track's id.
        track: String,
        /// By how many quarters clockwise, 0 to 3.
        quarter_turns: u8,
    },
    /// Somebody speaks, or louder or less loud than before.
    Speaking {
        /// The participant's id.
        participant: String,
        /// How loud, 0 to 1.
        level: f32,
    },
    /// Somebody does not speak any more.
    Silent {
        /// The participant's id.
        participant: String,
    },
    /// A track goes on in this file.
    File {
        /// The track's id.
        track: String,
        /// The file, from the recording's folder.
        path: String,
    },
    /// A track is not recorded.
    NotRecorded {
        /// The track's id.
        track: String,
        /// Why.
        reason: String,
    },
    /// Packets of a track never came, or came too late.
    Lost {
        /// The track's id.
        track: String,
        /// How many since the last such line.
        packets: u64,
    },
    /// The composed picture is to look so from here on.
    Layout {
        /// The layout, as the API takes it.
        layout: serde_json::Value,
    },
    /// The recording was paused.
    Paused,
    /// It goes on.
    Resumed,
    /// It has ended.
    Ended {
        /// Why.
        reason: String,
    },
}

impl Entry {
    /// Appends the line.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        if serde_json::to_writer(&mut *out, self).is_ok() {
            out.push(b'\n');
        }
    }
}

/// Reads a journal.
#[derive(Debug)]
pub struct Journal<'a> {
    rest: &'a [u8],
    skipped: usize,
}

impl<'a> Journal<'a> {
    /// The lines of a file's content.
    pub const fn new(content: &'a [u8]) -> Self {
        Self {
            rest: content,
            skipped: 0,
        }
    }

    /// Lines so far that could not be read.
    pub const fn skipped(&self) -> usize {
        self.skipped
    }
}

impl Iterator for Journal<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            // A last line without its end was torn off by a crash.
            let end = self.rest.iter().position(|byte| *byte == b'\n')?;
            let (line, rest) = self.rest.split_at(end);
            self.rest = rest.get(1..).unwrap_or_default();
            match serde_json::from_slice(line) {
                Ok(entry) => return Some(entry),
                Err(_) => self.skipped += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written_up_to_a_torn_line() {
        let entries = [
            Entry {
                at_us: 0,
                event: Event::Began {
                    unix_ms: 5,
                    room: "standup".into(),
                },
            },
            Entry {
                at_us: 7,
                event: Event::Paused,
            },
        ];
        let mut content = Vec::new();
        entries.iter().for_each(|entry| entry.put(&mut content));
        assert_eq!(
            String::from_utf8_lossy(&content).lines().last(),
            Some(r#"{"at_us":7,"event":"paused"}"#)
        );
        content.extend(b"not a line\n{\"at_us\":9,\"eve");

        let mut journal = Journal::new(&content);
        let read: Vec<_> = journal.by_ref().collect();

        assert_eq!(read, entries);
        assert_eq!(journal.skipped(), 1);
    }
}
