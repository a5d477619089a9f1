//! What a listener hears, in the words of recordings, composites and mixes, and what they ask for.

use std::time::Instant;

use mixer::compose::{LiveComposer, LiveOutput};
use mixer::frames::Packet;
use mixer::recording::{NewTrack, Person, PublishedTrack, Recorder, Source, TrackPacket};
use proto::codec::MediaKind;
use proto::signal::decode_response;
use proto::signal::messages::{
    ParticipantInfo, TrackInfo, TrackSource, TrackType, encryption, participant_info::Kind,
    participant_info::State, signal_response::Message,
};
use router::Wanted;

use crate::engine::{Heard, HeardBatch, HeardPacket, ListenerId, News};
use crate::worker::Input;

/// Somebody who wants to know what happens in a room.
pub(crate) trait Witness {
    fn handle_person(&mut self, now: Instant, person: Person);
    fn handle_departure(&mut self, now: Instant, sid: &str);
    fn handle_speaker(&mut self, now: Instant, sid: &str, level: f32, is_active: bool);
    fn handle_track(&mut self, now: Instant, new: NewTrack);
    fn handle_track_end(&mut self, now: Instant, number: u16);
    fn handle_packet(&mut self, now: Instant, packet: &TrackPacket<'_>);
}

/// Tells a witness everything of a batch. `now` is the newest instant that is known of the room, and
/// moves on with the packets: were the thread held up, those that wait for it would be given up
/// otherwise although they have come.
pub(crate) fn tell(witness: &mut impl Witness, now: &mut Instant, batch: &HeardBatch) {
    for heard in batch.heard() {
        match heard {
            Heard::Packet(packet) => {
                *now = (*now).max(packet.received);
                witness.handle_packet(*now, &track_packet(&packet));
            }
            Heard::News(News::Signal(encoded)) => tell_signal(witness, *now, encoded),
            Heard::News(News::TrackBegan(track)) => {
                let new = NewTrack {
                    number: track.number,
                    sid: track.sid.to_string(),
                    participant: track.publisher.to_string(),
                    kind: track.kind,
                };
                witness.handle_track(*now, new);
            }
            Heard::News(News::TrackEnded(number)) => witness.handle_track_end(*now, *number),
        }
    }
}

/// What a worker is to be asked because of what a composer has put out, if anything.
pub(crate) fn wish(listener: ListenerId, output: &LiveOutput) -> Option<Input> {
    match output {
        LiveOutput::Piece(_) | LiveOutput::Heard(_) => None,
        LiveOutput::KeyframeWanted(track) => Some(Input::ListenerKeyframe(listener, *track)),
        LiveOutput::SizeWanted(track, size) => {
            let wanted = Wanted {
                disabled: size.is_none(),
                size: size.map(|size| (size.width, size.height)),
                ..Wanted::default()
            };
            Some(Input::ListenerWish(listener, *track, wanted))
        }
    }
}

fn track_packet<'a>(heard: &HeardPacket<'a>) -> TrackPacket<'a> {
    TrackPacket {
        track: heard.track,
        encoding: heard.encoding,
        codec: heard.codec,
        packet: Packet {
            sequence: heard.sequence,
            timestamp: heard.timestamp,
            marker: heard.marker,
            payload: heard.payload,
            received: heard.received,
            orientation: heard.orientation,
            clock: heard.clock,
        },
    }
}

fn tell_signal(witness: &mut impl Witness, now: Instant, encoded: &[u8]) {
    match decode_response(encoded) {
        Ok(Some(Message::Update(update))) => {
            let is_person = |info: &ParticipantInfo| info.kind() != Kind::Egress;
            for info in update.participants.into_iter().filter(is_person) {
                match info.state() {
                    State::Disconnected => witness.handle_departure(now, &info.sid),
                    State::Joining | State::Joined | State::Active => {
                        witness.handle_person(now, person(info));
                    }
                }
            }
        }
        Ok(Some(Message::SpeakersChanged(changed))) => {
            for speaker in changed.speakers {
                witness.handle_speaker(now, &speaker.sid, speaker.level, speaker.active);
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

impl Witness for Recorder {
    fn handle_person(&mut self, now: Instant, person: Person) {
        self.handle_person(now, person);
    }

    fn handle_departure(&mut self, now: Instant, sid: &str) {
        self.handle_departure(now, sid);
    }

    fn handle_speaker(&mut self, now: Instant, sid: &str, level: f32, is_active: bool) {
        self.handle_speaker(now, sid, level, is_active);
    }

    fn handle_track(&mut self, now: Instant, new: NewTrack) {
        self.handle_track(now, new);
    }

    fn handle_track_end(&mut self, now: Instant, number: u16) {
        self.handle_track_end(now, number);
    }

    fn handle_packet(&mut self, now: Instant, packet: &TrackPacket<'_>) {
        self.handle_packet(now, packet);
    }
}

impl Witness for LiveComposer {
    fn handle_person(&mut self, now: Instant, person: Person) {
        self.handle_person(now, person);
    }

    fn handle_departure(&mut self, now: Instant, sid: &str) {
        self.handle_departure(now, sid);
    }

    fn handle_speaker(&mut self, now: Instant, sid: &str, level: f32, is_active: bool) {
        self.handle_speaker(now, sid, level, is_active);
    }

    fn handle_track(&mut self, _now: Instant, new: NewTrack) {
        self.handle_track(new);
    }

    fn handle_track_end(&mut self, now: Instant, number: u16) {
        self.handle_track_end(now, number);
    }

    fn handle_packet(&mut self, now: Instant, packet: &TrackPacket<'_>) {
        self.handle_packet(now, packet);
    }
}
