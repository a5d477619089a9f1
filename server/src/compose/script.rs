//! What happened in a recorded room, in the time of its files.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use mixer::recording::{Event, JOURNAL_NAME, Journal, Manifest, Pauses};

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
        let path = recording.join(JOURNAL_NAME);
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
    let (mut people, mut tracks) = (BTreeSet::new(), BTreeSet::new());
    for (_, event) in events.iter() {
        if let Event::Joined { participant, .. } = event {
            people.insert(participant.clone());
        } else if let Event::TrackPublished { track, .. } = event {
            tracks.insert(track.clone());
        }
    }
    for file in &manifest.files {
        let Some(first_us) = file.first_pts_us else {
            continue;
        };
        if people.insert(file.participant.clone()) {
            let joined = Event::Joined {
                participant: file.participant.clone(),
                identity: file.identity.clone(),
                name: file.name.clone(),
            };
            events.push((first_us, joined));
        }
        if tracks.insert(file.track.clone()) {
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
