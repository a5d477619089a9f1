//! What happened in a recorded room, in the time of its files.

use std::fs;
use std::io;
use std::path::Path;

use mixer::recording::{Event, Journal, Manifest, Pauses};

use super::JobError;

/// The events of a recording.
#[derive(Debug)]
pub(super) struct Script {
    /// In order, with the times they have in files.
    pub(super) events: Vec<(i64, Event)>,
    /// When the last file ends.
    pub(super) end_us: i64,
}

impl Script {
    pub(super) fn read(recording: &Path, manifest: &Manifest) -> Result<Self, JobError> {
        let path = recording.join("journal.jsonl");
        let content = match fs::read(&path) {
            Ok(content) => content,
            // Tracks are composed without it; only names and speakers are missing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(JobError::Read { path, error }),
        };
        Ok(Self::new(Journal::new(&content), manifest))
    }

    fn new(journal: Journal<'_>, manifest: &Manifest) -> Self {
        let mut pauses = Pauses::default();
        let mut events = Vec::new();
        for entry in journal {
            if entry.event == Event::Paused {
                pauses.begin(entry.at_us);
            } else if entry.event == Event::Resumed {
                pauses.end(entry.at_us);
            } else {
                events.push((pauses.elapsed_us(entry.at_us), entry.event));
            }
        }
        supplement(&mut events, manifest);
        events.sort_by_key(|(at_us, _)| *at_us);
        let ends = manifest.files.iter().filter_map(|file| file.last_pts_us);
        Self {
            events,
            end_us: ends.max().unwrap_or(0),
        }
    }
}

/// Lets people appear of whom there are files, but whom the journal does not know.
fn supplement(events: &mut Vec<(i64, Event)>, manifest: &Manifest) {
    let knows = |events: &[(i64, Event)], sid: &str| {
        let is_it =
            |event: &Event| matches!(event, Event::TrackPublished { track, .. } if track == sid);
        events.iter().any(|(_, event)| is_it(event))
    };
    let knows_person = |events: &[(i64, Event)], sid: &str| {
        let is_it = |event: &Event| matches!(event, Event::Joined { participant, .. } if participant == sid);
        events.iter().any(|(_, event)| is_it(event))
    };
    for file in &manifest.files {
        let Some(first_us) = file.first_pts_us else {
            continue;
        };
        if !knows_person(events, &file.participant) {
            let joined = Event::Joined {
                participant: file.participant.clone(),
                identity: file.identity.clone(),
                name: file.name.clone(),
            };
            events.push((first_us, joined));
        }
        if !knows(events, &file.track) {
            let published = Event::TrackPublished {
                participant: file.participant.clone(),
                track: file.track.clone(),
                source: file.source,
                is_video: file.codec != "opus",
            };
            events.push((first_us, published));
        }
    }
}
