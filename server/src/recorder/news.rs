//! What participants are told, in the words of recordings.

use std::time::Instant;

use mixer::recording::{Person, PublishedTrack, Recorder, Source};
use proto::codec::MediaKind;
use proto::signal::decode_response;
use proto::signal::messages::{
    ParticipantInfo, TrackInfo, TrackSource, TrackType, encryption, participant_info::State,
    signal_response::Message,
};

/// Tells a recorder what participants were told.
pub(super) fn tell(recorder: &mut Recorder, now: Instant, encoded: &[u8]) {
    match decode_response(encoded) {
        Ok(Some(Message::Update(update))) => {
            for info in update.participants {
                match info.state() {
                    State::Disconnected => recorder.handle_departure(now, &info.sid),
                    State::Joining | State::Joined | State::Active => {
                        recorder.handle_person(now, person(info));
                    }
                }
            }
        }
        Ok(Some(Message::SpeakersChanged(changed))) => {
            for speaker in changed.speakers {
                recorder.handle_speaker(now, &speaker.sid, speaker.level, speaker.active);
            }
        }
        // The rest says nothing of the room.
        Ok(_) | Err(_) => {}
    }
}

fn person(info: ParticipantInfo) -> Person {
    Person {
        sid: info.sid,
        identity: info.identity,
        name: info.name,
        tracks: info.tracks.iter().map(track).collect(),
    }
}

fn track(info: &TrackInfo) -> PublishedTrack {
    PublishedTrack {
        sid: info.sid.clone(),
        kind: match info.r#type() {
            TrackType::Video => MediaKind::Video,
            TrackType::Audio | TrackType::Data => MediaKind::Audio,
        },
        source: match info.source() {
            TrackSource::Camera => Source::Camera,
            TrackSource::Microphone => Source::Microphone,
            TrackSource::ScreenShare => Source::ScreenShare,
            TrackSource::ScreenShareAudio => Source::ScreenShareAudio,
            TrackSource::Unknown => Source::Unknown,
        },
        is_muted: info.muted,
        is_encrypted: info.encryption() != encryption::Type::None,
    }
}
