//! Who is in the room and what each of them sends, told event by event.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::layout::{Participant, Scene, Source, SourceKind};
use crate::picture::{Rotation, Size};
use crate::recording::{Event, Source as TrackSource};

/// Everyone in the room, in the order of joining.
#[derive(Debug, Default)]
pub(super) struct Cast {
    people: Vec<Person>,
}

#[derive(Debug)]
struct Person {
    sid: String,
    shown: Participant,
    tracks: BTreeMap<Arc<str>, Track>,
    is_speaking: bool,
}

#[derive(Debug)]
struct Track {
    source: TrackSource,
    is_muted: bool,
    rotation: Rotation,
}

impl Cast {
    /// Takes an event. Returns whether it changes the scene.
    pub(super) fn handle(&mut self, at_us: i64, event: &Event) -> bool {
        match event {
            Event::Joined {
                participant,
                identity,
                name,
            } => {
                self.remove(participant);
                // Whoever comes back has left, although nobody may have noticed.
                self.people
                    .retain(|own| own.shown.identity.as_str() != identity);
                let shown = match name.as_str() {
                    "" => Participant::new(identity, identity),
                    name => Participant::new(identity, name),
                };
                self.people.push(Person {
                    sid: participant.clone(),
                    shown,
                    tracks: BTreeMap::new(),
                    is_speaking: false,
                });
            }
            Event::Renamed { participant, name } => {
                if let Some(person) = self.person(participant) {
                    person.shown.name = name.as_str().into();
                }
            }
            Event::Left { participant } => self.remove(participant),
            Event::TrackPublished {
                participant,
                track,
                source,
                ..
            } => {
                if let Some(person) = self.person(participant) {
                    let new = Track {
                        source: *source,
                        is_muted: false,
                        rotation: Rotation::None,
                    };
                    person.tracks.insert(track.as_str().into(), new);
                }
            }
            Event::TrackUnpublished { track } => {
                for person in &mut self.people {
                    person.tracks.remove(track.as_str());
                }
            }
            Event::Muted { track } => self.change(track, |own| own.is_muted = true),
            Event::Unmuted { track } => self.change(track, |own| own.is_muted = false),
            Event::Turned {
                track,
                quarter_turns,
            } => self.change(track, |own| own.rotation = rotation(*quarter_turns)),
            Event::Speaking { participant, level } => {
                if let Some(person) = self.person(participant) {
                    person.is_speaking = true;
                    person.shown.speaking_level = (level.clamp(0.0, 1.0) * 254.0) as u8 + 1;
                }
            }
            Event::Silent { participant } => {
                if let Some(person) = self.person(participant) {
                    person.is_speaking = false;
                    person.shown.speaking_level = 0;
                    person.shown.last_spoke_us = Some(at_us);
                }
            }
            Event::Began { .. }
            | Event::File { .. }
            | Event::NotRecorded { .. }
            | Event::Lost { .. }
            | Event::Layout { .. }
            | Event::Paused
            | Event::Resumed
            | Event::Ended { .. } => return false,
        }
        true
    }

    /// The scene at a time. `size_of` tells how large the pictures of a track are, once there are
    /// some.
    pub(super) fn scene(&self, at_us: i64, size_of: impl Fn(&str) -> Option<Size>) -> Scene {
        let participants = self.people.iter().map(|person| {
            let mut shown = person.shown.clone();
            let camera = person.track_of(TrackSource::Camera);
            shown.camera = camera.map(|track| size_of(track).unwrap_or(Size::new(0, 0)));
            shown.shares_screen = person.track_of(TrackSource::ScreenShare).is_some();
            shown.is_muted = person.track_of(TrackSource::Microphone).is_none();
            if person.is_speaking {
                shown.last_spoke_us = Some(at_us);
            }
            shown
        });
        Scene {
            participants: participants.collect(),
        }
    }

    /// The track that a tile shows.
    pub(super) fn track_of(&self, source: &Source) -> Option<&str> {
        let mut people = self.people.iter();
        let person = people.find(|own| own.shown.identity == source.identity)?;
        person.track_of(match source.kind {
            SourceKind::Camera => TrackSource::Camera,
            SourceKind::Share => TrackSource::ScreenShare,
        })
    }

    /// How far the pictures of a track are to be turned.
    pub(super) fn rotation_of(&self, track: &str) -> Rotation {
        let mut tracks = self.people.iter().filter_map(|own| own.tracks.get(track));
        tracks.next().map_or(Rotation::None, |own| own.rotation)
    }

    fn person(&mut self, sid: &str) -> Option<&mut Person> {
        self.people.iter_mut().find(|own| own.sid == sid)
    }

    fn remove(&mut self, sid: &str) {
        self.people.retain(|own| own.sid != sid);
    }

    fn change(&mut self, track: &str, change: impl FnOnce(&mut Track)) {
        let mut people = self.people.iter_mut();
        if let Some(track) = people.find_map(|own| own.tracks.get_mut(track)) {
            change(track);
        }
    }
}

fn rotation(quarter_turns: u8) -> Rotation {
    match quarter_turns % 4 {
        0 => Rotation::None,
        1 => Rotation::Quarter,
        2 => Rotation::Half,
        _ => Rotation::ThreeQuarters,
    }
}

impl Person {
    /// The track of a source that is not muted.
    fn track_of(&self, source: TrackSource) -> Option<&str> {
        let mut tracks = self.tracks.iter();
        tracks
            .find(|(_, own)| own.source == source && !own.is_muted)
            .map(|(sid, _)| &**sid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::Identity;

    fn joined(sid: &str, identity: &str) -> Event {
        Event::Joined {
            participant: sid.into(),
            identity: identity.into(),
            name: String::new(),
        }
    }

    fn published(participant: &str, track: &str, source: TrackSource) -> Event {
        Event::TrackPublished {
            participant: participant.into(),
            track: track.into(),
            source,
            is_video: source != TrackSource::Microphone,
        }
    }

    #[test]
    fn a_scene_is_what_was_told() {
        let mut cast = Cast::default();
        let told = [
            joined("PA_1", "ann"),
            joined("PA_2", "ben"),
            published("PA_1", "TR_cam", TrackSource::Camera),
            published("PA_1", "TR_mic", TrackSource::Microphone),
            published("PA_2", "TR_screen", TrackSource::ScreenShare),
            Event::Speaking {
                participant: "PA_1".into(),
                level: 0.5,
            },
        ];
        for event in &told {
            assert!(cast.handle(0, event));
        }

        let scene = cast.scene(70, |_| Some(Size::new(640, 360)));

        let [ann, ben] = &scene.participants[..] else {
            panic!("{scene:?}");
        };
        assert_eq!((&*ann.name, ann.camera), ("ann", Some(Size::new(640, 360))));
        assert_eq!((ann.is_muted, ann.last_spoke_us), (false, Some(70)));
        assert!(!ann.shares_screen && ben.shares_screen && ben.is_muted);
        let source = Source::camera(Identity::from("ann"));
        assert_eq!(cast.track_of(&source), Some("TR_cam"));

        cast.handle(
            80,
            &Event::Muted {
                track: "TR_cam".into(),
            },
        );
        assert_eq!(cast.track_of(&source), None);
        assert_eq!(cast.scene(80, |_| None).participants[0].camera, None);
        cast.handle(90, &joined("PA_3", "ann"));
        assert_eq!(
            cast.scene(90, |_| None).participants[1].identity,
            Identity::from("ann")
        );
    }
}
