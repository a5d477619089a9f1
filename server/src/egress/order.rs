//! LiveKit's requests for egresses, as far as they can be met.

use mixer::layout::Layout;
use proto::codec::MediaKind;
use proto::ids::RoomName;
use proto::signal::messages::{
    AudioMixing, DirectFileOutput, EncodedFileOutput, EncodedFileType, ParticipantEgressRequest,
    RoomCompositeEgressRequest, TrackCompositeEgressRequest, TrackEgressRequest, WebhookConfig,
    egress_info, participant_egress_request as participant, room_composite_egress_request as room,
    track_composite_egress_request as track_composite, track_egress_request as track,
};

use super::EgressError;
use super::encoding::{Pictures, Wanted};
use super::kept::Make;
use super::target::Target;

/// An egress that can be begun.
#[derive(Debug, Clone)]
pub struct Order {
    pub(super) request: egress_info::Request,
    pub(super) room: RoomName,
    pub(super) subject: Subject,
    /// LiveKit's template of a path.
    pub(super) filepath: String,
    /// How a room's composite begins.
    pub(super) layout: Option<Layout>,
    pub(super) details: String,
    form: Form,
}

/// What of a room is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// Everyone, or everyone's tracks of a kind.
    Room(Option<MediaKind>),
    Participant {
        identity: String,
        /// Their screen is meant, and not they.
        shares_screen: bool,
    },
    /// One of both, or each.
    Tracks {
        audio: Option<String>,
        video: Option<String>,
    },
    Track(String),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Track,
    Composite {
        pictures: Option<Pictures>,
        has_sound: bool,
    },
}

impl Order {
    /// One file of everyone in a room.
    ///
    /// # Errors
    /// [`EgressError`], if it cannot be met as it is.
    pub fn room_composite(request: RoomCompositeEgressRequest) -> Result<Self, EgressError> {
        if !request.custom_base_url.is_empty() {
            return Err(unsupported(
                "there are no pages as templates: leave out custom_base_url and choose a layout",
            ));
        }
        if request.audio_mixing() != AudioMixing::DefaultMixing {
            return Err(unsupported(
                "sound is mixed into one channel for all: leave out audio_mixing",
            ));
        }
        if request.audio_only && request.video_only {
            let detail = "audio_only and video_only leave nothing";
            return Err(EgressError::invalid("video_only", detail));
        }
        let layout = layout(&request.layout)?;
        let is_audio_only = request.audio_only || layout == Some(Layout::AudioOnly);
        let pictures = Pictures::new(match request.options {
            Some(room::Options::Preset(preset)) => Wanted::Preset(preset),
            Some(room::Options::Advanced(options)) => Wanted::Advanced(options),
            None => Wanted::Usual,
        })?;
        let has_others = !request.stream_outputs.is_empty()
            || !request.segment_outputs.is_empty()
            || !request.image_outputs.is_empty();
        #[expect(deprecated, reason = "SDKs send it, some of them nothing else")]
        let (older, is_other) = match &request.output {
            Some(room::Output::File(file)) => (Some(file), false),
            Some(room::Output::Stream(_) | room::Output::Segments(_)) => (None, true),
            None => (None, false),
        };
        let filepath = Outputs {
            files: &request.file_outputs,
            older,
            has_others: has_others || is_other,
            webhooks: &request.webhooks,
        }
        .filepath()?;
        Ok(Self {
            room: room_name(&request.room_name)?,
            subject: Subject::Room(match (is_audio_only, request.video_only) {
                (true, _) => Some(MediaKind::Audio),
                (_, true) => Some(MediaKind::Video),
                _ => None,
            }),
            filepath,
            layout,
            details: COMPOSITE.to_owned(),
            form: Form::Composite {
                pictures: (!is_audio_only).then_some(pictures),
                has_sound: !request.video_only,
            },
            request: egress_info::Request::RoomComposite(request),
        })
    }

    /// One file of a participant, or of the screen they share.
    ///
    /// # Errors
    /// [`EgressError`], if it cannot be met as it is.
    pub fn participant(request: ParticipantEgressRequest) -> Result<Self, EgressError> {
        if request.identity.is_empty() {
            return Err(EgressError::invalid("identity", "must not be empty"));
        }
        let pictures = Pictures::new(match request.options {
            Some(participant::Options::Preset(preset)) => Wanted::Preset(preset),
            Some(participant::Options::Advanced(options)) => Wanted::Advanced(options),
            None => Wanted::Usual,
        })?;
        let filepath = Outputs {
            files: &request.file_outputs,
            older: None,
            has_others: !request.stream_outputs.is_empty()
                || !request.segment_outputs.is_empty()
                || !request.image_outputs.is_empty(),
            webhooks: &request.webhooks,
        }
        .filepath()?;
        Ok(Self {
            room: room_name(&request.room_name)?,
            subject: Subject::Participant {
                identity: request.identity.clone(),
                shares_screen: request.screen_share,
            },
            filepath,
            layout: None,
            details: COMPOSITE.to_owned(),
            form: Form::Composite {
                pictures: Some(pictures),
                has_sound: true,
            },
            request: egress_info::Request::Participant(request),
        })
    }

    /// One file of a track of pictures, a track of sound, or one of each.
    ///
    /// # Errors
    /// [`EgressError`], if it cannot be met as it is.
    pub fn track_composite(request: TrackCompositeEgressRequest) -> Result<Self, EgressError> {
        let named = |sid: &String| (!sid.is_empty()).then(|| sid.clone());
        let audio = named(&request.audio_track_id);
        let video = named(&request.video_track_id);
        if audio.is_none() && video.is_none() {
            let detail = "give audio_track_id, video_track_id, or both";
            return Err(EgressError::invalid("video_track_id", detail));
        }
        let pictures = Pictures::new(match request.options {
            Some(track_composite::Options::Preset(preset)) => Wanted::Preset(preset),
            Some(track_composite::Options::Advanced(options)) => Wanted::Advanced(options),
            None => Wanted::Usual,
        })?;
        let has_others = !request.stream_outputs.is_empty()
            || !request.segment_outputs.is_empty()
            || !request.image_outputs.is_empty();
        #[expect(deprecated, reason = "SDKs send it, some of them nothing else")]
        let (older, is_other) = match &request.output {
            Some(track_composite::Output::File(file)) => (Some(file), false),
            Some(track_composite::Output::Stream(_) | track_composite::Output::Segments(_)) => {
                (None, true)
            }
            None => (None, false),
        };
        let filepath = Outputs {
            files: &request.file_outputs,
            older,
            has_others: has_others || is_other,
            webhooks: &request.webhooks,
        }
        .filepath()?;
        Ok(Self {
            room: room_name(&request.room_name)?,
            filepath,
            layout: None,
            details: COMPOSITE.to_owned(),
            form: Form::Composite {
                pictures: video.is_some().then_some(pictures),
                has_sound: audio.is_some(),
            },
            subject: Subject::Tracks { audio, video },
            request: egress_info::Request::TrackComposite(request),
        })
    }

    /// A track as it is sent.
    ///
    /// # Errors
    /// [`EgressError`], if it cannot be met as it is.
    pub fn track(request: TrackEgressRequest) -> Result<Self, EgressError> {
        if request.track_id.is_empty() {
            return Err(EgressError::invalid("track_id", "must not be empty"));
        }
        refuse_webhooks(&request.webhooks)?;
        let filepath = match &request.output {
            Some(track::Output::File(DirectFileOutput {
                output: Some(_), ..
            })) => {
                return Err(unsupported(UPLOADS));
            }
            Some(track::Output::File(file)) => file.filepath.clone(),
            Some(track::Output::WebsocketUrl(_)) => return Err(unsupported(FILES)),
            None => return Err(EgressError::invalid("file", FILES)),
        };
        Ok(Self {
            room: room_name(&request.room_name)?,
            subject: Subject::Track(request.track_id.clone()),
            filepath,
            layout: None,
            details: "the track is kept as it is sent, in WebM or Matroska".to_owned(),
            form: Form::Track,
            request: egress_info::Request::Track(request),
        })
    }

    /// The extension of its file, if that is a composite with pictures.
    pub(super) fn extension(&self) -> Option<&'static str> {
        match self.form {
            Form::Composite {
                pictures: Some(pictures),
                ..
            } => Some(pictures.extension()),
            Form::Composite { pictures: None, .. } | Form::Track => None,
        }
    }

    /// What is to be made when it has ended.
    pub(super) fn make(&self, target: &Target) -> Make {
        match self.form {
            Form::Track => Make::Track,
            Form::Composite {
                pictures,
                has_sound,
            } => Make::Composite {
                pictures,
                has_sound,
                layout: target.layout.clone(),
            },
        }
    }
}

const COMPOSITE: &str = "files are WebM with VP9 and Opus, whatever a preset is called, and Matroska if H.264 was asked for in advanced options; they are made after the egress has ended";
const FILES: &str = "egresses end up in files here: give one file output, and no stream, segment, image or WebSocket outputs";
const UPLOADS: &str =
    "files stay on the server, in recording.folder: leave out the storage of the file output";

/// Where an egress is to go.
struct Outputs<'a> {
    files: &'a [EncodedFileOutput],
    /// The same in older requests. SDKs send both.
    older: Option<&'a EncodedFileOutput>,
    /// Whether there are outputs that are no files.
    has_others: bool,
    webhooks: &'a [WebhookConfig],
}

impl Outputs<'_> {
    /// The one that can be made.
    fn filepath(&self) -> Result<String, EgressError> {
        if self.has_others {
            return Err(unsupported(FILES));
        }
        refuse_webhooks(self.webhooks)?;
        let file = match (self.files, self.older) {
            ([file], _) | ([], Some(file)) => file,
            ([], None) => return Err(EgressError::invalid("file_outputs", FILES)),
            _ => return Err(EgressError::invalid("file_outputs", "give one of them")),
        };
        if file.output.is_some() {
            return Err(unsupported(UPLOADS));
        }
        if file.file_type() != EncodedFileType::DefaultFiletype {
            let detail = format!(
                "{} is not made here: leave it out, and the file is WebM",
                file.file_type().as_str_name()
            );
            return Err(EgressError::invalid("file_type", detail));
        }
        Ok(file.filepath.clone())
    }
}

/// Reads the name of a layout. None if it is left to the server.
///
/// # Errors
/// [`EgressError::Invalid`] with the names there are.
pub(super) fn layout(name: &str) -> Result<Option<Layout>, EgressError> {
    if name.is_empty() {
        return Ok(None);
    }
    let known = Layout::from_name(name);
    known
        .map(Some)
        .map_err(|error| EgressError::invalid("layout", error.to_string()))
}

/// Reads the name of a room.
///
/// # Errors
/// [`EgressError::Invalid`]
pub(super) fn room_name(name: &str) -> Result<RoomName, EgressError> {
    RoomName::new(name).map_err(|error| EgressError::invalid("room_name", error.to_string()))
}

fn refuse_webhooks(webhooks: &[WebhookConfig]) -> Result<(), EgressError> {
    match webhooks {
        [] => Ok(()),
        _ => Err(unsupported(
            "egresses have no webhooks of their own: ask ListEgress",
        )),
    }
}

fn unsupported(detail: &str) -> EgressError {
    EgressError::Unsupported(detail.to_owned())
}

#[cfg(test)]
mod tests {
    use proto::signal::messages::{
        S3Upload, SegmentedFileOutput, StreamOutput, encoded_file_output,
    };

    use super::*;

    #[test]
    fn a_room_composite_is_read_from_either_field() {
        for request in [
            RoomCompositeEgressRequest {
                file_outputs: vec![file()],
                ..of_room()
            },
            RoomCompositeEgressRequest {
                output: older(),
                ..of_room()
            },
            RoomCompositeEgressRequest {
                file_outputs: vec![file()],
                output: older(),
                ..of_room()
            },
        ] {
            let order = Order::room_composite(request).unwrap();

            assert_eq!(
                (order.filepath.as_str(), order.subject),
                ("a.mp4", Subject::Room(None))
            );
            assert_eq!(order.layout, None);
        }
    }

    #[test]
    fn sound_or_pictures_alone_are_recorded_alone() {
        let of = |change: fn(&mut RoomCompositeEgressRequest)| {
            let mut request = of_room();
            request.file_outputs.push(file());
            change(&mut request);
            Order::room_composite(request).unwrap()
        };

        let sound = of(|request| request.audio_only = true);
        let pictures = of(|request| request.video_only = true);

        assert_eq!(sound.subject, Subject::Room(Some(MediaKind::Audio)));
        let heard = Form::Composite {
            pictures: None,
            has_sound: true,
        };
        assert_eq!(sound.form, heard);
        assert_eq!(pictures.subject, Subject::Room(Some(MediaKind::Video)));
        let seen = Form::Composite {
            pictures: Some(Pictures::new(Wanted::Usual).unwrap()),
            has_sound: false,
        };
        assert_eq!(pictures.form, seen);
    }

    #[test]
    fn what_a_room_composite_cannot_be_is_told() {
        let wrong = |change: fn(&mut RoomCompositeEgressRequest)| {
            let mut request = of_room();
            request.file_outputs.push(file());
            change(&mut request);
            Order::room_composite(request).unwrap_err()
        };
        let unsupported: [fn(&mut RoomCompositeEgressRequest); 6] = [
            |own| own.stream_outputs.push(StreamOutput::default()),
            |own| own.segment_outputs.push(SegmentedFileOutput::default()),
            |own| own.custom_base_url = "https://example.com".to_owned(),
            |own| own.audio_mixing = AudioMixing::DualChannelAgent.into(),
            |own| own.webhooks.push(WebhookConfig::default()),
            |own| {
                let s3 = encoded_file_output::Output::S3(S3Upload::default());
                own.file_outputs[0].output = Some(s3);
            },
        ];
        let invalid: [(fn(&mut RoomCompositeEgressRequest), _); 6] = [
            (
                |own| own.file_outputs[0].file_type = EncodedFileType::Mp4.into(),
                "file_type",
            ),
            (|own| own.file_outputs.clear(), "file_outputs"),
            (
                |own| own.file_outputs.push(EncodedFileOutput::default()),
                "file_outputs",
            ),
            (|own| own.room_name.clear(), "room_name"),
            (|own| own.layout = "gird".to_owned(), "layout"),
            (
                |own| (own.audio_only, own.video_only) = (true, true),
                "video_only",
            ),
        ];

        for change in unsupported {
            assert!(matches!(wrong(change), EgressError::Unsupported(_)));
        }
        for (change, expected) in invalid {
            let error = wrong(change);
            assert!(
                matches!(error, EgressError::Invalid { field, .. } if field == expected),
                "{expected}: {error}"
            );
        }
    }

    #[test]
    fn a_track_composite_is_of_what_it_names() {
        let of = |audio: &str, video: &str| {
            Order::track_composite(TrackCompositeEgressRequest {
                room_name: "blue".to_owned(),
                audio_track_id: audio.to_owned(),
                video_track_id: video.to_owned(),
                file_outputs: vec![file()],
                ..TrackCompositeEgressRequest::default()
            })
        };

        let heard = of("TR_1", "").unwrap();
        assert!(matches!(
            heard.form,
            Form::Composite {
                pictures: None,
                has_sound: true
            }
        ));
        let seen = of("", "TR_2").unwrap();
        assert!(matches!(
            seen.form,
            Form::Composite {
                pictures: Some(_),
                has_sound: false
            }
        ));
        assert!(of("", "").is_err());
    }

    #[test]
    fn a_track_goes_into_a_file_and_nowhere_else() {
        let of = |output| {
            Order::track(TrackEgressRequest {
                room_name: "blue".to_owned(),
                track_id: "TR_1".to_owned(),
                output,
                ..TrackEgressRequest::default()
            })
        };
        let file = DirectFileOutput {
            filepath: "{track_id}".to_owned(),
            ..DirectFileOutput::default()
        };

        let order = of(Some(track::Output::File(file))).unwrap();
        assert_eq!(order.filepath, "{track_id}");
        let socket = track::Output::WebsocketUrl("wss://example.com".to_owned());
        assert!(matches!(of(Some(socket)), Err(EgressError::Unsupported(_))));
        assert!(of(None).is_err());
    }

    fn of_room() -> RoomCompositeEgressRequest {
        RoomCompositeEgressRequest {
            room_name: "blue".to_owned(),
            ..RoomCompositeEgressRequest::default()
        }
    }

    fn file() -> EncodedFileOutput {
        EncodedFileOutput {
            filepath: "a.mp4".to_owned(),
            ..EncodedFileOutput::default()
        }
    }

    #[expect(deprecated, reason = "SDKs send it, some of them nothing else")]
    fn older() -> Option<room::Output> {
        Some(room::Output::File(file()))
    }
}
