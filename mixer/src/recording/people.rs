//! Who is in the room, as far as a recording writes it down.

use std::collections::BTreeMap;

use proto::codec::MediaKind;
use serde::{Deserialize, Serialize};

use super::journal::Event;
use super::limits::MAX_PEOPLE;

/// What a track shows or lets hear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Nobody has said.
    #[default]
    Unknown,
    /// A person.
    Camera,
    /// A voice.
    Microphone,
    /// A shared screen.
    ScreenShare,
    /// The sound of a shared screen.
    ScreenShareAudio,
}

impl Source {
    /// A short name for paths.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Unknown => "media",
            Self::Camera => "cam",
            Self::Microphone => "mic",
            Self::ScreenShare => "screen",
            Self::ScreenShareAudio => "screenaudio",
        }
    }
}

/// Somebody in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The participant's id.
    pub sid: String,
    /// Its identity.
    pub identity: String,
    /// Its name, for people; may be empty.
    pub name: String,
    /// What it publishes.
    pub tracks: Vec<PublishedTrack>,
}

/// A track that somebody publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedTrack {
    /// Its id.
    pub sid: String,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// What it shows or lets hear.
    pub source: Source,
    /// Whether its publisher has muted it.
    pub is_muted: bool,
    /// Whether only participants can decode it, so that it cannot be recorded.
    pub is_encrypted: bool,
}

/// Everyone who is in the room, by the participant's id.
#[derive(Debug, Default)]
pub(crate) struct People(BTreeMap<String, Person>);

impl People {
    /// Takes how somebody is now. Tells what has changed.
    pub(crate) fn update(&mut self, person: Person) -> Vec<Event> {
        let before = match self.0.get(&person.sid) {
            Some(before) => before.clone(),
            None if self.0.len() == MAX_PEOPLE => return Vec::new(),
            None => Person {
                tracks: Vec::new(),
                ..person.clone()
            },
        };
        let mut events = Vec::new();
        if !self.0.contains_key(&person.sid) {
            events.push(Event::Joined {
                participant: person.sid.clone(),
                identity: person.identity.clone(),
                name: person.name.clone(),
            });
        }
        if before.name != person.name {
            events.push(Event::Renamed {
                participant: person.sid.clone(),
                name: person.name.clone(),
            });
        }
        events.extend(changes(&person.sid, &before.tracks, &person.tracks));
        self.0.insert(person.sid.clone(), person);
        events
    }

    /// Somebody has left. Tells what ended with that.
    pub(crate) fn remove(&mut self, sid: &str) -> Vec<Event> {
        let Some(person) = self.0.remove(sid) else {
            return Vec::new();
        };
        let mut events = changes(sid, &person.tracks, &[]);
        events.push(Event::Left {
            participant: person.sid,
        });
        events
    }

    /// Somebody.
    pub(crate) fn get(&self, sid: &str) -> Option<&Person> {
        self.0.get(sid)
    }

    /// Whether nobody is in the room.
    pub(super) fn are_gone(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether nobody in the room publishes anything.
    pub(super) fn have_no_tracks(&self) -> bool {
        self.0.values().all(|own| own.tracks.is_empty())
    }

    /// A track of somebody.
    pub(crate) fn track(&self, participant: &str, track: &str) -> Option<&PublishedTrack> {
        let person = self.get(participant)?;
        person.tracks.iter().find(|own| own.sid == track)
    }
}

fn changes(participant: &str, before: &[PublishedTrack], now: &[PublishedTrack]) -> Vec<Event> {
    let mut events = Vec::new();
    for track in now {
        let earlier = before.iter().find(|other| other.sid == track.sid);
        if earlier.is_none() {
            events.push(Event::TrackPublished {
                participant: participant.to_owned(),
                track: track.sid.clone(),
                source: track.source,
                is_video: track.kind == MediaKind::Video,
            });
        }
        if earlier.is_some_and(|own| own.is_muted) != track.is_muted {
            let track = track.sid.clone();
            events.push(match earlier.is_some_and(|own| own.is_muted) {
                true => Event::Unmuted { track },
                false => Event::Muted { track },
            });
        }
    }
    let gone = before
        .iter()
        .filter(|own| now.iter().all(|other| other.sid != own.sid));
    events.extend(gone.map(|track| Event::TrackUnpublished {
        track: track.sid.clone(),
    }));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann(name: &str, tracks: &[(&str, bool)]) -> Person {
        Person {
            sid: "PA_1".into(),
            identity: "ann".into(),
            name: name.into(),
            tracks: tracks
                .iter()
                .map(|(sid, is_muted)| PublishedTrack {
                    sid: (*sid).into(),
                    kind: MediaKind::Audio,
                    source: Source::Microphone,
                    is_muted: *is_muted,
                    is_encrypted: false,
                })
                .collect(),
        }
    }

    #[test]
    fn tells_what_has_changed() {
        let mut people = People::default();
        let (participant, track) = ("PA_1".to_owned(), "TR_1".to_owned());
        let joined = Event::Joined {
            participant: participant.clone(),
            identity: "ann".into(),
            name: "Ann".into(),
        };
        let published = Event::TrackPublished {
            participant: participant.clone(),
            track: track.clone(),
            source: Source::Microphone,
            is_video: false,
        };

        assert_eq!(people.update(ann("Ann", &[])), [joined]);
        assert_eq!(people.update(ann("Ann", &[])), []);
        let muted = Event::Muted {
            track: track.clone(),
        };
        assert_eq!(
            people.update(ann("Ann", &[("TR_1", true)])),
            [published, muted]
        );
        let unmuted = Event::Unmuted {
            track: track.clone(),
        };
        assert_eq!(people.update(ann("Ann", &[("TR_1", false)])), [unmuted]);
        let renamed = Event::Renamed {
            participant: participant.clone(),
            name: "Anna".into(),
        };
        assert_eq!(people.update(ann("Anna", &[("TR_1", false)])), [renamed]);
        let unpublished = Event::TrackUnpublished { track };
        assert_eq!(
            people.remove("PA_1"),
            [unpublished, Event::Left { participant }]
        );
        assert_eq!(people.remove("PA_1"), []);
    }
}
