//! Whether there are people in a room, for those who record it while there are.

use proto::api::{ChangeRoom, Room, StartRecording};
use proto::ids::RoomName;
use proto::signal::messages::{ParticipantInfo, participant_info::Kind};
use router::{ParticipantKey, RoomKey};

use super::Engine;
use super::command::{Output, RoomError};

/// Who has been in a room, all segments taken together. Participants made of code do not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attendance {
    /// The id of this life of the room.
    pub room_sid: String,
    /// What is recorded by itself, if anything.
    pub recording: Option<StartRecording>,
    /// Whether somebody is there.
    pub is_attended: bool,
    /// How often somebody has come into the empty room.
    pub gatherings: u64,
    /// How often somebody has come.
    pub arrivals: u64,
}

impl Engine {
    /// Changes a room's settings.
    pub(super) fn change_room(
        &mut self,
        name: &RoomName,
        change: &ChangeRoom,
    ) -> Result<Room, RoomError> {
        let key = self.room_key(name)?;
        if let Some(state) = self.rooms.get_mut(&key)
            && let Some(recording) = &change.recording
        {
            state.attendance.recording.clone_from(recording);
            let told = Box::new(state.attendance.clone());
            self.outputs.push_back(Output::Attended(name.clone(), told));
        }
        self.room_view(name)
    }

    /// Somebody has come into a room.
    pub(super) fn note_arrival(&mut self, room: RoomKey, key: ParticipantKey) {
        if self.is_person(key)
            && let Some(state) = self.rooms.get_mut(&room)
        {
            state.attendance.arrivals += 1;
            self.note_attendance(room);
        }
    }

    /// Somebody has come into a room, or left it.
    pub(super) fn note_attendance(&mut self, room: RoomKey) {
        let mut present = self.router.room(room).participants().iter();
        let is_attended = present.any(|key| self.is_person(*key));
        let own = self.config.segment;
        let Some(state) = self
            .rooms
            .get_mut(&room)
            .filter(|own_room| own_room.home == own)
        else {
            return;
        };
        let attendance = &mut state.attendance;
        attendance.gatherings += u64::from(is_attended && !attendance.is_attended);
        attendance.is_attended = is_attended;
        if attendance.recording.is_some() {
            let (name, told) = (state.name.clone(), Box::new(attendance.clone()));
            self.outputs.push_back(Output::Attended(name, told));
        }
    }

    /// Whether a participant is somebody to record a room for.
    fn is_person(&self, key: ParticipantKey) -> bool {
        let is_made_of_code =
            |info: &ParticipantInfo| matches!(info.kind(), Kind::Agent | Kind::Egress);
        match (self.peer(key), self.remotes.get(&key)) {
            (Some(peer), _) => peer.is_visible() && !is_made_of_code(&peer.info),
            (None, Some(remote)) => !remote.hidden && !is_made_of_code(&remote.info),
            (None, None) => false,
        }
    }
}
