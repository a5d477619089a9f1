//! From what is heard in a room to the bytes of files.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use proto::codec::MediaKind;
use proto::media::WallClock;

use super::choice::{Choice, Gate};
use super::journal::{Entry, Event, JOURNAL_NAME};
use super::limits::{MAX_SPEAKER_ENTRIES, MAX_TRACKS};
use super::manifest::{Composite, FileState, Manifest, RecordedFile, State};
use super::pauses::Pauses;
use super::people::{People, Person};
use super::track::{Desk, Track, TrackPacket, refusal};
use crate::mux;
use crate::timeline::{RoomTimeUs, SenderClock, Timeline};

/// What a recording is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The recording's id.
    pub id: String,
    /// The room's name.
    pub room: String,
    /// The room's id.
    pub room_sid: String,
    /// The clock that sender reports were translated to.
    pub wall: WallClock,
}

/// Names a file in outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

impl FileId {
    /// The journal, which there always is.
    pub const JOURNAL: Self = Self(0);
}

/// A track that is going to be heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTrack {
    /// Its number in packets; none is used twice.
    pub number: u16,
    /// Its id.
    pub sid: String,
    /// The id of the participant who publishes it.
    pub participant: String,
    /// Sound or pictures.
    pub kind: MediaKind,
}

/// Why a recording ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Somebody wanted it to.
    Stopped,
    /// There is nobody left to record.
    RoomClosed,
    /// What was chosen to be recorded has gone.
    Gone,
    /// There is no room on the disk.
    DiskFull,
    /// Something failed, which is told.
    Failed(String),
}

/// Something to be done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Make a file, and the folders it is in.
    Create(FileId, String),
    /// Add bytes to a file; they are whole elements or lines.
    Append(FileId, Vec<u8>),
    /// Complete a file, which is not written any more. [`Recorder::handle_finished`] is to be told.
    Finish(FileId, Box<mux::Finish>),
    /// Ask for a keyframe of the track with this number.
    KeyframeWanted(u16),
}

/// Records a room.
#[derive(Debug)]
pub struct Recorder {
    timeline: Timeline,
    gate: Gate,
    manifest: Manifest,
    people: People,
    clocks: BTreeMap<String, SenderClock>,
    tracks: BTreeMap<u16, Track>,
    pauses: Pauses,
    shelf: Shelf,
    speaker_entries: u64,
}

/// Files, and what is to be done with them.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) title: String,
    /// Milliseconds since 1970 at time zero.
    pub(super) unix_ms: i64,
    pub(super) files: Vec<RecordedFile>,
    pub(super) outputs: VecDeque<Output>,
    pub(super) lost_packets: u64,
    journal: Vec<u8>,
    has_changed: bool,
}

impl Recorder {
    /// Begins a recording; its time zero is now.
    pub fn new(now: Instant, settings: Settings) -> Self {
        let timeline = Timeline::new(settings.wall, now);
        let unix_ms = timeline.unix_ms(0);
        let mut shelf = Shelf {
            title: settings.room.clone(),
            unix_ms,
            files: Vec::new(),
            outputs: VecDeque::new(),
            lost_packets: 0,
            journal: Vec::new(),
            has_changed: true,
        };
        let journal = Output::Create(FileId::JOURNAL, JOURNAL_NAME.to_owned());
        shelf.outputs.push_back(journal);
        let began = Event::Began {
            unix_ms,
            room: settings.room.clone(),
        };
        shelf.note(0, began);
        Self {
            timeline,
            gate: Gate::default(),
            manifest: Manifest::new(settings.id, settings.room, settings.room_sid, unix_ms),
            people: People::default(),
            clocks: BTreeMap::new(),
            tracks: BTreeMap::new(),
            pauses: Pauses::default(),
            shelf,
            speaker_entries: 0,
        }
    }

    /// Leaves out everything that is not chosen. To be said before anything has come.
    #[must_use]
    pub fn only(mut self, choice: Choice) -> Self {
        self.gate = Gate::new(choice);
        self
    }

    /// Whether everything that was chosen has been in the room and is not any more.
    pub fn is_over(&self) -> bool {
        self.gate.is_over(&self.people)
    }

    /// Takes how somebody in the room is now.
    pub fn handle_person(&mut self, now: Instant, mut person: Person) {
        if !self.gate.admit(&mut person, &self.people) {
            return;
        }
        let events = self.people.update(person);
        self.note_all(now, events);
    }

    /// Somebody has left the room.
    pub fn handle_departure(&mut self, now: Instant, sid: &str) {
        let events = self.people.remove(sid);
        self.note_all(now, events);
        self.forget_clock(sid);
    }

    /// Takes who has begun or ceased to speak.
    pub fn handle_speaker(&mut self, now: Instant, sid: &str, level: f32, is_active: bool) {
        if self.people.get(sid).is_none() || self.speaker_entries >= MAX_SPEAKER_ENTRIES {
            return;
        }
        self.speaker_entries += 1;
        let participant = sid.to_owned();
        let event = match is_active {
            true => Event::Speaking {
                participant,
                // As finely as anybody could see.
                level: (level * 1_000.0).round() / 1_000.0,
            },
            false => Event::Silent { participant },
        };
        self.note_all(now, vec![event]);
    }

    /// Packets of a track are going to come.
    pub fn handle_track(&mut self, now: Instant, new: NewTrack) {
        let known = self.people.track(&new.participant, &new.sid);
        if known.is_none() && !self.gate.is_open() {
            return;
        }
        let refusal = match self.tracks.len() {
            MAX_TRACKS => Some("there are too many tracks"),
            _ => refusal(&self.people, &self.shelf, &new),
        };
        if let Some(reason) = refusal {
            let event = Event::NotRecorded {
                track: new.sid,
                reason: reason.to_owned(),
            };
            return self.note_all(now, vec![event]);
        }
        self.tracks.insert(new.number, Track::new(new));
    }

    /// No more packets of a track come.
    pub fn handle_track_end(&mut self, now: Instant, number: u16) {
        if let Some((track, mut desk)) = self.track(now, number) {
            track.end(&mut desk);
        }
        if let Some(track) = self.tracks.remove(&number) {
            self.forget_clock(track.participant());
        }
    }

    /// Takes a packet.
    pub fn handle_packet(&mut self, now: Instant, packet: &TrackPacket<'_>) {
        if let Some((track, mut desk)) = self.track(now, packet.track) {
            track.handle_packet(&mut desk, packet);
        }
    }

    /// Moves time on: what was waited for is given up, and silence is filled in. To be called a few
    /// times a second.
    pub fn handle_timeout(&mut self, now: Instant) {
        for number in self.tracks.keys().copied().collect::<Vec<_>>() {
            if let Some((track, mut desk)) = self.track(now, number) {
                track.handle_timeout(&mut desk);
            }
        }
    }

    /// A file that was to be completed is complete, or could not be.
    pub fn handle_finished(&mut self, id: FileId, is_complete: bool) {
        let place = (id.0 as usize).checked_sub(1);
        let Some(file) = place.and_then(|place| self.shelf.files.get_mut(place)) else {
            return;
        };
        file.state = match is_complete && file.blocks > 0 {
            true => FileState::Complete,
            false => FileState::Incomplete,
        };
        self.shelf.has_changed = true;
    }

    /// Leaves out what happens from now on. Returns whether that is news.
    pub fn pause(&mut self, now: Instant) -> bool {
        let has_begun = self.pauses.begin(self.timeline.at(now));
        if has_begun {
            self.shelf.note(self.timeline.at(now), Event::Paused);
            self.shelf.has_changed = true;
        }
        has_begun
    }

    /// Goes on after a pause. Returns whether that is news.
    pub fn resume(&mut self, now: Instant) -> bool {
        let has_ended = self.pauses.end(self.timeline.at(now));
        if has_ended {
            self.shelf.note(self.timeline.at(now), Event::Resumed);
            self.shelf.has_changed = true;
            for track in self.tracks.values_mut() {
                track.want_keyframe(now, &mut self.shelf);
            }
        }
        has_ended
    }

    /// Says how the composed picture is to look from now on.
    pub fn set_layout(&mut self, now: Instant, layout: serde_json::Value) {
        self.note_all(now, vec![Event::Layout { layout }]);
    }

    /// Ends the recording.
    pub fn end(&mut self, now: Instant, end: End) {
        for number in self.tracks.keys().copied().collect::<Vec<_>>() {
            self.handle_track_end(now, number);
        }
        let at = self.timeline.at(now);
        let (state, reason, error) = match end {
            End::Stopped => (State::Done, "stopped".to_owned(), None),
            End::RoomClosed => (State::Done, "the room closed".to_owned(), None),
            End::Gone => {
                let reason = "what was to be recorded is gone";
                (State::Done, reason.to_owned(), None)
            }
            End::DiskFull => {
                let reason = "there was no room left on the disk".to_owned();
                (State::DiskFull, reason.clone(), Some(reason))
            }
            End::Failed(why) => (State::Failed, why.clone(), Some(why)),
        };
        self.shelf.note(at, Event::Ended { reason });
        self.pauses.end(at);
        self.manifest.duration_us = self.pauses.elapsed_us(at);
        (self.manifest.state, self.manifest.error) = (state, error);
        self.manifest.ended_at_ms = Some(self.timeline.unix_ms(at));
        self.shelf.has_changed = true;
        self.flush();
    }

    /// Gives out everything that was written so far. To be called often enough that little is lost
    /// if nothing can be called any more.
    pub fn flush(&mut self) {
        for track in self.tracks.values_mut() {
            track.flush(&mut self.shelf);
        }
        if !self.shelf.journal.is_empty() {
            let lines = std::mem::take(&mut self.shelf.journal);
            let append = Output::Append(FileId::JOURNAL, lines);
            self.shelf.outputs.push_back(append);
        }
    }

    /// The next thing to be done.
    pub fn poll(&mut self) -> Option<Output> {
        self.shelf.outputs.pop_front()
    }

    /// Whether the manifest has to be written anew since this was last asked.
    pub fn has_changed(&mut self) -> bool {
        std::mem::take(&mut self.shelf.has_changed)
    }

    /// The manifest as it is now.
    pub fn manifest(&self, now: Instant) -> Manifest {
        let at = self.timeline.at(now);
        let mut state = self.manifest.state;
        let mut duration_us = self.manifest.duration_us;
        if !state.is_final() {
            duration_us = self.pauses.elapsed_us(at);
            if self.pauses.is_paused() {
                state = State::Paused;
            }
        }
        Manifest {
            state,
            duration_us,
            pauses: self.pauses.intervals().to_vec(),
            lost_packets: self.shelf.lost_packets,
            files: self.shelf.files.clone(),
            ..self.manifest.clone()
        }
    }

    /// Says what is made of the recording.
    pub fn set_composites(&mut self, composites: Vec<Composite>) {
        self.manifest.composites = composites;
        self.shelf.has_changed = true;
    }

    /// The time of the recording, for what is to have the same.
    pub const fn timeline(&self) -> Timeline {
        self.timeline
    }

    /// Counts packets that were dropped before they came here.
    pub fn count_dropped(&mut self, packets: u64) {
        self.manifest.dropped_packets += packets;
    }

    /// The time of the recording.
    pub fn at(&self, now: Instant) -> RoomTimeUs {
        self.timeline.at(now)
    }

    /// A track, and what it needs of everything else.
    fn track(&mut self, now: Instant, number: u16) -> Option<(&mut Track, Desk<'_>)> {
        let track = self.tracks.get_mut(&number)?;
        if !self.clocks.contains_key(track.participant()) {
            let clock = SenderClock::default();
            self.clocks.insert(track.participant().to_owned(), clock);
        }
        let desk = Desk {
            now,
            timeline: &self.timeline,
            clock: self.clocks.get_mut(track.participant())?,
            pauses: &self.pauses,
            people: &self.people,
            shelf: &mut self.shelf,
        };
        Some((track, desk))
    }

    /// Forgets the clock of somebody who has left, as soon as the last of its tracks has ended.
    fn forget_clock(&mut self, sid: &str) {
        let is_own = |track: &Track| track.participant() == sid;
        if self.people.get(sid).is_none() && !self.tracks.values().any(is_own) {
            self.clocks.remove(sid);
        }
    }

    fn note_all(&mut self, now: Instant, events: Vec<Event>) {
        let at = self.timeline.at(now);
        for event in events {
            self.shelf.note(at, event);
        }
    }
}

impl Shelf {
    /// Writes a line into the journal.
    pub(super) fn note(&mut self, at_us: RoomTimeUs, event: Event) {
        Entry { at_us, event }.put(&mut self.journal);
    }

    /// Begins a file. Returns its name in outputs and its place in the manifest.
    pub(super) fn begin(&mut self, file: RecordedFile) -> (FileId, usize) {
        let place = self.files.len();
        let id = FileId(place as u32 + 1);
        self.outputs
            .push_back(Output::Create(id, file.path.clone()));
        self.files.push(file);
        self.has_changed = true;
        (id, place)
    }

    /// Ends a file.
    pub(super) fn finish(&mut self, id: FileId, place: usize, bytes: u64, finish: mux::Finish) {
        if let Some(file) = self.files.get_mut(place) {
            file.count(&finish.summary, bytes + finish.append.len() as u64);
        }
        self.outputs.push_back(Output::Finish(id, Box::new(finish)));
        self.has_changed = true;
    }
}
