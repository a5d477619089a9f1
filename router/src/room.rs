//! A room: who is in it, and who speaks.

use crate::keys::{ParticipantKey, PublicationKey};
use crate::router::Router;
use crate::speaker::Speakers;

/// What the router knows of a room.
#[derive(Debug)]
pub struct Room {
    pub(crate) participants: Vec<ParticipantKey>,
    pub(crate) publications: Vec<PublicationKey>,
    pub(crate) speakers: Speakers<ParticipantKey>,
}

impl Room {
    pub(crate) fn new() -> Self {
        Self {
            participants: Vec::new(),
            publications: Vec::new(),
            speakers: Speakers::default(),
        }
    }

    /// Everyone in the room, in order of joining.
    pub fn participants(&self) -> &[ParticipantKey] {
        &self.participants
    }

    /// Everything published in the room, in order of publishing.
    pub fn publications(&self) -> &[PublicationKey] {
        &self.publications
    }
}

impl Router {
    /// The rooms' publications a participant can see: all but its own.
    pub fn visible_publications(&self, participant: ParticipantKey) -> Vec<PublicationKey> {
        let room = self.participant(participant).room;
        let visible = |key: &PublicationKey| self.publication(*key).publisher != participant;
        self.room(room)
            .publications
            .iter()
            .copied()
            .filter(visible)
            .collect()
    }
}
