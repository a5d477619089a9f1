//! Rooms: opened by a request or by the first who joins, closed on request or when empty for long.

use std::time::{Duration, Instant};

use proto::api;
use proto::ids::{Identity, RoomName, RoomSid};
use proto::link::SegmentId;
use proto::signal::messages::{DisconnectReason, Room, RoomUpdate, signal_response::Message};
use proto::token::RoomConfig;
use router::{ParticipantKey, RoomKey};

use super::Engine;
use super::attend::Attendance;
use super::command::{Output, RoomError};

/// What rooms are like unless their creator says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomDefaults {
    /// Whether joining makes a room.
    pub auto_create: bool,
    /// Seconds a room stays if nobody ever joins.
    pub empty_timeout_s: u32,
    /// Seconds a room stays after the last participant left.
    pub departure_timeout_s: u32,
    /// Most participants in a room.
    pub max_participants: u32,
    /// Most rooms of one worker.
    pub max_rooms: usize,
    /// Most participants of one worker.
    pub max_participants_total: usize,
    /// Bytes of a room's metadata.
    pub max_metadata_bytes: usize,
    /// Bytes of a participant's metadata.
    pub max_participant_metadata_bytes: usize,
    /// Attributes of a participant.
    pub max_attributes: usize,
    /// What rooms record by themselves, if anything.
    pub recording: Option<api::StartRecording>,
}

impl Default for RoomDefaults {
    fn default() -> Self {
        Self {
            auto_create: true,
            empty_timeout_s: 300,
            departure_timeout_s: 20,
            max_participants: 200,
            max_rooms: 10_000,
            max_participants_total: 10_000,
            max_metadata_bytes: 64 * 1024,
            max_participant_metadata_bytes: 16 * 1024,
            max_attributes: 64,
            recording: None,
        }
    }
}

/// A room as the engine holds it.
#[derive(Debug)]
pub(super) struct RoomState {
    pub(super) name: RoomName,
    /// Its sid, settings and metadata; counts are filled in when it is told.
    pub(super) info: Room,
    /// When it closes unless somebody joins.
    pub(super) closes_at: Option<Instant>,
    /// Whether participants must be told of new counts.
    pub(super) is_stale: bool,
    /// The segment that answers for it.
    pub(super) home: SegmentId,
    /// Its other segments.
    pub(super) links: Vec<SegmentId>,
    /// Who has been there; kept at its home.
    pub(super) attendance: Attendance,
}

/// Settings a room is opened with.
#[derive(Debug, Default)]
pub(super) struct RoomSettings {
    empty_timeout_s: Option<u32>,
    departure_timeout_s: Option<u32>,
    max_participants: Option<u32>,
    metadata: Option<String>,
    recording: Option<Option<api::StartRecording>>,
}

impl From<&RoomConfig> for RoomSettings {
    fn from(config: &RoomConfig) -> Self {
        let some = |value: u32| (value != 0).then_some(value);
        Self {
            empty_timeout_s: some(config.empty_timeout),
            departure_timeout_s: some(config.departure_timeout),
            max_participants: some(config.max_participants),
            metadata: Some(config.metadata.clone()),
            recording: None,
        }
    }
}

impl Engine {
    pub(super) fn create_room(
        &mut self,
        now: Instant,
        create: &api::CreateRoom,
    ) -> Result<(api::Room, bool), RoomError> {
        if let Some(&key) = self.room_names.get(&create.name) {
            let room = self.room_view_of(key);
            return match create.differs_from(&room) {
                Some(setting) => Err(RoomError::Conflict(setting)),
                None => Ok((room, false)),
            };
        }
        if self.shutting_down {
            return Err(RoomError::ShuttingDown);
        }
        if create
            .metadata
            .as_ref()
            .is_some_and(|m| m.len() > self.config.rooms.max_metadata_bytes)
        {
            return Err(RoomError::LimitExceeded("the room's metadata is too long"));
        }
        let settings = RoomSettings {
            empty_timeout_s: create.empty_timeout,
            departure_timeout_s: create.departure_timeout,
            max_participants: create.max_participants,
            metadata: create.metadata.clone(),
            recording: create.recording.clone(),
        };
        let key = self
            .open_room(now, &create.name, settings)
            .ok_or(RoomError::LimitExceeded(
                "this node has as many rooms as it may have",
            ))?;
        Ok((self.room_view_of(key), true))
    }

    /// Opens a room. `None` if there are as many as there may be.
    pub(super) fn open_room(
        &mut self,
        now: Instant,
        name: &RoomName,
        settings: RoomSettings,
    ) -> Option<RoomKey> {
        let defaults = &self.config.rooms;
        if self.rooms.len() >= defaults.max_rooms {
            return None;
        }
        let unix_ms = self.unix_ms(now) as i64;
        let defaults = &self.config.rooms;
        let empty_timeout = settings.empty_timeout_s.unwrap_or(defaults.empty_timeout_s);
        let mut metadata = settings.metadata.unwrap_or_default();
        if metadata.len() > defaults.max_metadata_bytes {
            metadata.clear();
        }
        let info = Room {
            sid: RoomSid::random(&mut self.rng).to_string(),
            name: name.to_string(),
            empty_timeout,
            departure_timeout: settings
                .departure_timeout_s
                .unwrap_or(defaults.departure_timeout_s),
            max_participants: settings
                .max_participants
                .unwrap_or(defaults.max_participants),
            creation_time: unix_ms / 1_000,
            creation_time_ms: unix_ms,
            metadata,
            ..Room::default()
        };
        let recording = settings.recording;
        let attendance = Attendance {
            room_sid: info.sid.clone(),
            recording: recording.unwrap_or_else(|| defaults.recording.clone()),
            ..Attendance::default()
        };
        let key = self.router.create_room();
        let state = RoomState {
            name: name.clone(),
            info,
            closes_at: Some(now + Duration::from_secs(empty_timeout.into())),
            is_stale: false,
            home: self.config.segment,
            links: Vec::new(),
            attendance,
        };
        self.rooms.insert(key, state);
        self.room_names.insert(name.clone(), key);
        self.outputs.push_back(Output::RoomOpened(name.clone()));
        tracing::info!(room = %name, "room opened");
        Some(key)
    }

    pub(super) fn room_key(&self, name: &RoomName) -> Result<RoomKey, RoomError> {
        self.room_names
            .get(name)
            .copied()
            .ok_or(RoomError::RoomNotFound)
    }

    pub(super) fn room_views(&self) -> Vec<api::Room> {
        self.own_rooms().map(|key| self.room_view_of(key)).collect()
    }

    /// Rooms that have their home here, by name.
    pub(super) fn own_rooms(&self) -> impl Iterator<Item = RoomKey> + '_ {
        let own = self.config.segment;
        let rooms = self.room_names.values().copied();
        rooms.filter(move |key| self.rooms.get(key).is_some_and(|room| room.home == own))
    }

    pub(super) fn room_view(&self, name: &RoomName) -> Result<api::Room, RoomError> {
        self.room_key(name).map(|key| self.room_view_of(key))
    }

    fn room_view_of(&self, key: RoomKey) -> api::Room {
        let state = &self.rooms[&key];
        let info = self.room_info(key);
        api::Room {
            sid: info.sid,
            name: state.name.clone(),
            created_at: api::Timestamp::from_unix_ms(info.creation_time_ms.unsigned_abs()),
            empty_timeout: info.empty_timeout,
            departure_timeout: info.departure_timeout,
            max_participants: info.max_participants,
            metadata: info.metadata,
            recording: state.attendance.recording.clone(),
            num_participants: info.num_participants,
            num_publishers: info.num_publishers,
        }
    }

    /// A room as participants see it.
    pub(super) fn room_info(&self, key: RoomKey) -> Room {
        let mut info = self.rooms[&key].info.clone();
        (info.num_participants, info.num_publishers) = (0, 0);
        let present = self.router.room(key).participants().iter();
        let people = present.filter(|key| !self.is_mix(**key));
        for participant in people.filter_map(|key| self.seen(*key)) {
            info.num_participants += 1;
            info.num_publishers += u32::from(participant.is_publisher);
        }
        info
    }

    pub(super) fn participant_views(
        &self,
        name: &RoomName,
    ) -> Result<Vec<api::Participant>, RoomError> {
        let key = self.room_key(name)?;
        let present = self.router.room(key).participants().iter();
        Ok(present
            .filter_map(|key| super::inform::participant_view(&self.participant_info(*key)?))
            .collect())
    }

    pub(super) fn participant_by_identity(
        &self,
        name: &RoomName,
        identity: &Identity,
    ) -> Option<ParticipantKey> {
        let key = self.room_names.get(name)?;
        let mut present = self.router.room(*key).participants().iter().copied();
        present.find(|key| self.router.participant(*key).identity == *identity)
    }

    pub(super) fn remove_participant(
        &mut self,
        now: Instant,
        name: &RoomName,
        identity: &Identity,
    ) -> Result<(), RoomError> {
        self.room_key(name)?;
        let key = self
            .participant_by_identity(name, identity)
            .ok_or(RoomError::ParticipantNotFound)?;
        self.end_stay(now, key, DisconnectReason::ParticipantRemoved);
        Ok(())
    }

    pub(super) fn delete_room(&mut self, now: Instant, name: &RoomName) -> Result<(), RoomError> {
        let key = self.room_key(name)?;
        self.end_room(now, key, DisconnectReason::RoomDeleted);
        Ok(())
    }

    /// Ends everyone's stay here, and the room.
    pub(super) fn end_room(&mut self, now: Instant, key: RoomKey, reason: DisconnectReason) {
        for participant in self.router.room(key).participants().to_vec() {
            if self.peer(participant).is_some() {
                self.end_stay(now, participant, reason);
            }
        }
        self.close_room(now, key);
    }

    /// Forgets a room everyone has left here.
    pub(super) fn close_room(&mut self, now: Instant, key: RoomKey) {
        self.end_listeners(now, key);
        self.leave_links(key);
        self.router.remove_room(key);
        let Some(state) = self.rooms.remove(&key) else {
            return;
        };
        self.room_names.remove(&state.name);
        if state.home == self.config.segment {
            tracing::info!(room = %state.name, "room closed");
            self.outputs.push_back(Output::RoomClosed(state.name));
        } else {
            tracing::debug!(room = %state.name, "segment closed");
        }
    }

    /// Closes rooms that have been empty for long, and tells the others' participants of new
    /// counts.
    pub(super) fn look_after_rooms(&mut self, now: Instant) {
        for key in self.room_names.values().copied().collect::<Vec<_>>() {
            let Some(state) = self.rooms.get_mut(&key) else {
                continue;
            };
            if state.closes_at.is_some_and(|at| at <= now) {
                self.close_room(now, key);
            } else if std::mem::take(&mut state.is_stale) {
                let room = Some(self.room_info(key));
                self.send_to_room(key, None, Message::RoomUpdate(RoomUpdate { room }));
            }
        }
    }
}
