//! Which tracks of a room a recording is of.

use proto::codec::MediaKind;

use super::people::{People, Person, PublishedTrack, Source};

/// Which tracks are recorded: those of which all of this holds. Of everyone else neither media nor
/// names are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// They have one of these ids.
    pub tracks: Option<Vec<String>>,
    /// The participant of this identity publishes them.
    pub identity: Option<String>,
    /// They show or let hear this.
    pub sources: Option<Vec<Source>>,
    /// They are sound, or pictures.
    pub kind: Option<MediaKind>,
}

/// Keeps a recording to its choice.
#[derive(Debug, Default)]
pub(super) struct Gate {
    choice: Choice,
    /// Whether anything that was chosen has been in the room.
    has_come: bool,
}

impl Choice {
    fn takes(&self, identity: &str, track: &PublishedTrack) -> bool {
        let is_one = |own: &Vec<String>| own.contains(&track.sid);
        self.tracks.as_ref().is_none_or(is_one)
            && self.takes_person(identity)
            && (self.sources.as_ref()).is_none_or(|own| own.contains(&track.source))
            && self.kind.is_none_or(|own| own == track.kind)
    }

    fn takes_person(&self, identity: &str) -> bool {
        self.identity.as_ref().is_none_or(|own| own == identity)
    }

    /// Whether it is over when somebody or something has gone.
    fn is_of_some(&self) -> bool {
        self.tracks.is_some() || self.identity.is_some()
    }
}

impl Gate {
    pub(super) fn new(choice: Choice) -> Self {
        Self {
            choice,
            has_come: false,
        }
    }

    /// Whether tracks are recorded of which nothing is known.
    pub(super) fn is_open(&self) -> bool {
        self.choice == Choice::default()
    }

    /// Takes away what is not recorded of somebody. Returns whether anything is.
    pub(super) fn admit(&mut self, person: &mut Person, people: &People) -> bool {
        let Person {
            identity, tracks, ..
        } = person;
        tracks.retain(|track| self.choice.takes(identity, track));
        let has_chosen = self.choice.tracks.is_none() || !tracks.is_empty();
        let is_chosen = self.choice.takes_person(identity) && has_chosen;
        self.has_come |= is_chosen;
        is_chosen || people.get(&person.sid).is_some()
    }

    /// Whether all that was chosen has been in the room and is not any more.
    pub(super) fn is_over(&self, people: &People) -> bool {
        let is_gone = match self.choice.tracks {
            Some(_) => people.have_no_tracks(),
            None => people.are_gone(),
        };
        self.choice.is_of_some() && self.has_come && is_gone
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proto::codec::Codec;
    use proto::media::WallClock;

    use super::super::{End, NewTrack, Output, Recorder, Settings, TrackPacket};
    use super::*;
    use crate::frames::Packet;

    #[test]
    fn keeps_everyone_unless_something_is_chosen() {
        let mut gate = Gate::default();
        let people = People::default();
        let mut ann = person("ann", &[("TR_1", Source::Camera)]);

        assert!(gate.is_open() && gate.admit(&mut ann, &people));
        assert_eq!(ann.tracks.len(), 1);
        assert!(!gate.is_over(&people));
    }

    #[test]
    fn keeps_chosen_tracks_and_is_over_when_they_are_gone() {
        let mut gate = Gate::new(Choice {
            tracks: Some(vec!["TR_1".to_owned()]),
            ..Choice::default()
        });
        let mut people = People::default();
        let mut ann = person("ann", &[("TR_1", Source::Camera), ("TR_2", Source::Camera)]);
        let mut eve = person("eve", &[("TR_3", Source::Camera)]);

        assert!(!gate.admit(&mut eve, &people));
        assert!(!gate.is_over(&people), "they have not come yet");
        assert!(gate.admit(&mut ann, &people));
        assert_eq!(ann, person("ann", &[("TR_1", Source::Camera)]));
        people.update(ann);
        assert!(!gate.is_over(&people));

        let mut ann = person("ann", &[("TR_2", Source::Camera)]);
        assert!(gate.admit(&mut ann, &people), "the others are to be told");
        people.update(ann);
        assert!(gate.is_over(&people));
    }

    #[test]
    fn keeps_one_person_and_is_over_when_they_leave() {
        let mut gate = Gate::new(Choice {
            identity: Some("ann".to_owned()),
            sources: Some(vec![Source::Camera, Source::Microphone]),
            ..Choice::default()
        });
        let mut people = People::default();
        let mut eve = person("eve", &[("TR_3", Source::Camera)]);
        let all = [("TR_1", Source::Camera), ("TR_2", Source::ScreenShare)];
        let (mut ann, mut early) = (person("ann", &all), person("ann", &[]));

        assert!(!gate.admit(&mut eve, &people));
        assert!(gate.admit(&mut early, &people), "tracks may come later");
        assert!(gate.admit(&mut ann, &people));
        assert_eq!(ann, person("ann", &all[..1]));
        people.update(ann);
        assert!(!gate.is_over(&people));
        people.remove("PA_ann");
        assert!(gate.is_over(&people));
    }

    #[test]
    fn keeps_sound_alone_and_everyone_who_makes_it() {
        let mut gate = Gate::new(Choice {
            kind: Some(MediaKind::Audio),
            ..Choice::default()
        });
        let people = People::default();
        let mut ann = person(
            "ann",
            &[("TR_1", Source::Camera), ("TR_2", Source::Microphone)],
        );

        assert!(gate.admit(&mut ann, &people));
        assert_eq!(ann, person("ann", &[("TR_2", Source::Microphone)]));
        assert!(!gate.is_over(&people), "others may come");
    }

    #[test]
    fn writes_no_packet_of_other_tracks() {
        let now = start();
        let choice = Choice {
            tracks: Some(vec!["TR_2".to_owned()]),
            ..Choice::default()
        };
        let mut recorder = Recorder::new(now, settings(now)).only(choice);
        let all = [("TR_1", Source::Microphone), ("TR_2", Source::Microphone)];
        recorder.handle_person(now, person("ann", &all));
        for (number, sid) in [(1, "TR_1"), (2, "TR_2"), (3, "TR_unknown")] {
            let new = NewTrack {
                number,
                sid: sid.to_owned(),
                participant: "PA_ann".to_owned(),
                kind: MediaKind::Audio,
            };
            recorder.handle_track(now, new);
            for sequence in 0..3 {
                recorder.handle_packet(now, &packet(now, number, sequence));
            }
        }

        recorder.end(now + Duration::from_secs(1), End::Stopped);

        let created: Vec<_> = std::iter::from_fn(|| recorder.poll())
            .filter_map(|output| match output {
                Output::Create(_, path) => Some(path),
                Output::Append(..) | Output::Finish(..) | Output::KeyframeWanted(_) => None,
            })
            .collect();
        assert_eq!(created, ["journal.jsonl", "tracks/PA_ann/TR_2-mic-000.mka"]);
        let manifest = recorder.manifest(now + Duration::from_secs(1));
        assert_eq!(manifest.files.len(), 1);
    }

    fn packet(now: Instant, track: u16, sequence: u64) -> TrackPacket<'static> {
        TrackPacket {
            track,
            encoding: 0,
            codec: Codec::Opus,
            packet: Packet {
                sequence,
                timestamp: sequence as u32 * 960,
                marker: false,
                payload: &[0xF8, 0xFF, 0xFE],
                received: now,
                orientation: None,
                clock: None,
            },
        }
    }

    fn settings(now: Instant) -> Settings {
        Settings {
            id: "RC_1".to_owned(),
            room: "blue".to_owned(),
            room_sid: "RM_1".to_owned(),
            wall: WallClock::new(now, Duration::from_secs(1_800_000_000)),
        }
    }

    fn person(identity: &str, tracks: &[(&str, Source)]) -> Person {
        Person {
            sid: format!("PA_{identity}"),
            identity: identity.to_owned(),
            name: String::new(),
            tracks: tracks.iter().map(|own| track(own.0, own.1)).collect(),
        }
    }

    fn track(sid: &str, source: Source) -> PublishedTrack {
        PublishedTrack {
            sid: sid.to_owned(),
            kind: match source {
                Source::Microphone | Source::ScreenShareAudio => MediaKind::Audio,
                Source::Camera | Source::ScreenShare | Source::Unknown => MediaKind::Video,
            },
            source,
            is_muted: false,
            is_encrypted: false,
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn start() -> Instant {
        Instant::now()
    }
}
