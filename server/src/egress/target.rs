//! What of a room an egress is of.

use mixer::layout::{CustomLayout, Layout, Region, Selector};
use mixer::recording::{Choice, Source};
use proto::api::{Participant, Track, TrackKind, TrackSource};
use proto::ids::RoomName;

use super::EgressError;
use super::order::Subject;
use super::place::Words;

/// What of a room is recorded, and what that is called.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) choice: Choice,
    /// What a composite looks like, unless somebody says so.
    pub(super) layout: Option<Layout>,
    words: Vec<(&'static str, String)>,
    default_name: &'static str,
    extension: &'static str,
}

/// Finds it among who is there.
///
/// # Errors
/// [`EgressError::Absent`] if a track is not; a participant may come later.
pub(super) fn find(subject: &Subject, present: &[Participant]) -> Result<Target, EgressError> {
    let mut target = Target {
        choice: Choice::default(),
        layout: None,
        words: Vec::new(),
        default_name: "{room_name}-{time}",
        extension: "webm",
    };
    match subject {
        Subject::Room(kind) => target.choice.kind = *kind,
        Subject::Participant {
            identity,
            shares_screen,
        } => target.be_participant(identity, *shares_screen),
        Subject::Tracks { audio, video } => {
            let audio = audio
                .as_ref()
                .map(|sid| track(present, sid, Some(TrackKind::Audio)));
            let video = video
                .as_ref()
                .map(|sid| track(present, sid, Some(TrackKind::Video)));
            target.be_tracks(audio.transpose()?, video.transpose()?);
        }
        Subject::Track(sid) => {
            let (publisher, track) = track(present, sid, None)?;
            target.be_track(publisher, track);
        }
    }
    Ok(target)
}

impl Target {
    /// What stands for what in paths.
    pub(super) fn words(&self, room: &RoomName, room_sid: &str, unix_ms: u64) -> Words {
        let mut words = Words::new(room.as_str(), room_sid, unix_ms);
        for (word, meaning) in &self.words {
            words.add(word, meaning);
        }
        words
    }

    /// What a file is called that nobody has named; LiveKit's names.
    pub(super) fn default_name(&self) -> &'static str {
        self.default_name
    }

    pub(super) fn extension(&self) -> &'static str {
        self.extension
    }

    fn be_participant(&mut self, identity: &str, shares_screen: bool) {
        self.choice = Choice {
            identity: Some(identity.to_owned()),
            sources: Some(match shares_screen {
                true => vec![Source::ScreenShare, Source::ScreenShareAudio],
                false => vec![Source::Camera, Source::Microphone, Source::Unknown],
            }),
            ..Choice::default()
        };
        self.layout = whole(match shares_screen {
            true => Selector::ScreenShare,
            false => Selector::Identity(identity.to_owned()),
        });
        self.words.push(("publisher_identity", identity.to_owned()));
        self.default_name = "{publisher_identity}-{time}";
    }

    fn be_tracks(
        &mut self,
        audio: Option<(&Participant, &Track)>,
        video: Option<(&Participant, &Track)>,
    ) {
        let both = [audio, video].into_iter().flatten();
        self.choice.tracks = Some(both.map(|(_, track)| track.sid.clone()).collect());
        self.layout = video.and_then(|(publisher, track)| match track.source {
            TrackSource::ScreenShare => whole(Selector::ScreenShare),
            TrackSource::Camera
            | TrackSource::Microphone
            | TrackSource::ScreenShareAudio
            | TrackSource::Unknown => whole(Selector::Identity(publisher.identity.to_string())),
        });
        if let Some((publisher, _)) = video.or(audio) {
            let identity = publisher.identity.to_string();
            self.words.push(("publisher_identity", identity));
        }
    }

    fn be_track(&mut self, publisher: &Participant, track: &Track) {
        self.choice.tracks = Some(vec![track.sid.clone()]);
        self.words = vec![
            ("publisher_identity", publisher.identity.to_string()),
            ("track_id", track.sid.clone()),
            ("track_type", kind_name(track.kind).to_owned()),
            ("track_source", source_name(track.source).to_owned()),
        ];
        self.default_name = "{track_id}-{time}";
        let codec = track.mime_type.rsplit('/').next().unwrap_or_default();
        self.extension = extension(&codec.to_ascii_lowercase());
    }
}

/// As LiveKit writes it into paths.
fn kind_name(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Audio => "audio",
        TrackKind::Video => "video",
    }
}

/// As LiveKit writes it into paths.
fn source_name(source: TrackSource) -> &'static str {
    match source {
        TrackSource::Unknown => "unknown",
        TrackSource::Camera => "camera",
        TrackSource::Microphone => "microphone",
        TrackSource::ScreenShare => "screen_share",
        TrackSource::ScreenShareAudio => "screen_share_audio",
    }
}

/// The extension of a track's file. Matroska with the codecs of WebM is WebM.
pub(super) fn extension(codec: &str) -> &'static str {
    match codec {
        "h264" | "h265" => "mkv",
        _ => "webm",
    }
}

fn track<'a>(
    present: &'a [Participant],
    sid: &str,
    kind: Option<TrackKind>,
) -> Result<(&'a Participant, &'a Track), EgressError> {
    let mut all = present
        .iter()
        .flat_map(|person| person.tracks.iter().map(move |track| (person, track)));
    let found = all.find(|(_, track)| track.sid == sid);
    let (publisher, track) =
        found.ok_or_else(|| EgressError::Absent(format!("there is no track {sid} in the room")))?;
    match kind {
        Some(kind) if kind != track.kind => {
            let field = match kind {
                TrackKind::Audio => "audio_track_id",
                TrackKind::Video => "video_track_id",
            };
            Err(EgressError::invalid(
                field,
                "the track is of the other kind",
            ))
        }
        _ => Ok((publisher, track)),
    }
}

/// One source and nothing else.
fn whole(source: Selector) -> Option<Layout> {
    let region = Region {
        x: 0.0,
        y: 0.0,
        w: 1.0,
        h: 1.0,
        z: 0,
        source,
        fit: None,
    };
    CustomLayout::try_from(vec![region])
        .ok()
        .map(Layout::Custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracks_are_found_with_whose_they_are() {
        let present = [
            person("ann", &[("TR_1", "audio", "microphone")]),
            person(
                "ben",
                &[
                    ("TR_2", "video", "camera"),
                    ("TR_3", "video", "screen_share"),
                ],
            ),
        ];
        let of = |audio: &str, video: &str| {
            let subject = Subject::Tracks {
                audio: Some(audio.to_owned()),
                video: Some(video.to_owned()),
            };
            find(&subject, &present)
        };

        let target = of("TR_1", "TR_2").unwrap();
        let tracks = ["TR_1", "TR_2"].map(str::to_owned).to_vec();
        assert_eq!(target.choice.tracks, Some(tracks));
        assert_eq!(target.layout, whole(Selector::Identity("ben".to_owned())));
        assert_eq!(resolve(&target, "{publisher_identity}"), "ben.webm");
        let screen = of("TR_1", "TR_3").unwrap();
        assert_eq!(screen.layout, whole(Selector::ScreenShare));
        assert!(matches!(of("TR_1", "TR_x"), Err(EgressError::Absent(_))));
        assert!(matches!(
            of("TR_2", "TR_2"),
            Err(EgressError::Invalid { .. })
        ));
    }

    #[test]
    fn a_track_has_words_of_its_own() {
        let present = [person("ann", &[("TR_3", "video", "screen_share")])];

        let target = find(&Subject::Track("TR_3".to_owned()), &present).unwrap();

        assert_eq!(target.choice.tracks, Some(vec!["TR_3".to_owned()]));
        assert_eq!(
            resolve(
                &target,
                "{publisher_identity}/{track_type}-{track_source}-{track_id}"
            ),
            "ann/video-screen_share-TR_3.mkv"
        );
        assert_eq!(resolve(&target, ""), "TR_3-1970-01-01T000000.mkv");
    }

    #[test]
    fn a_participant_may_come_later() {
        let subject = |shares_screen| Subject::Participant {
            identity: "eve".to_owned(),
            shares_screen,
        };

        let target = find(&subject(true), &[]).unwrap();

        assert_eq!(target.choice.identity.as_deref(), Some("eve"));
        let sources = vec![Source::ScreenShare, Source::ScreenShareAudio];
        assert_eq!(target.choice.sources, Some(sources));
        assert_eq!(resolve(&target, ""), "eve-1970-01-01T000000.webm");
    }

    fn resolve(target: &Target, template: &str) -> String {
        let words = target.words(&RoomName::new("blue").unwrap(), "RM_1", 0);
        let resolved = words.resolve(template, target.default_name(), target.extension());
        resolved.unwrap()
    }

    fn person(identity: &str, tracks: &[(&str, &str, &str)]) -> Participant {
        let tracks = tracks.iter().map(|(sid, kind, source)| {
            serde_json::json!({
                "sid": sid, "kind": kind, "source": source, "name": "", "muted": false, "mime_type": "video/H264",
                "width": 0, "height": 0, "simulcast": false, "layers": [],
            })
        });
        let json = serde_json::json!({
            "sid": "PA_1", "identity": identity, "name": "", "state": "active", "kind": "standard",
            "joined_at": "2026-11-21T01:15:22.000Z", "metadata": "", "attributes": {}, "is_publisher": true,
            "permission": {
                "can_subscribe": true, "can_publish": true, "can_publish_data": true, "can_publish_sources": [],
                "can_update_own_metadata": false, "hidden": false, "recorder": false, "agent": false,
            },
            "tracks": tracks.collect::<Vec<_>>(),
        });
        serde_json::from_value(json).unwrap()
    }
}
