//! The rooms of this node, as the API sees them.
//!
//! This version keeps rooms in memory and carries no media.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use proto::api::{CreateRoom, Participant, Room, Timestamp};
use proto::ids::{Identity, RoomName, RoomSid};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::config::Config;
use crate::observe::Counters;
use crate::{clock, entropy};

/// A handle on the node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Node(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    rooms: Mutex<BTreeMap<RoomName, Room>>,
}

/// Whether a room was made or was there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The room was made.
    New,
    /// A room of this name and these settings was there.
    Existing,
}

/// Why the node does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// There is no room of this name.
    #[error("there is no such room")]
    RoomNotFound,
    /// The room has no participant of this identity.
    #[error("there is no such participant in the room")]
    ParticipantNotFound,
    /// Something of this name exists with other settings.
    #[error("{0}")]
    Conflict(String),
    /// A configured limit is reached.
    #[error("{0}")]
    LimitExceeded(String),
    /// There is no capacity for this now.
    #[error("the server is busy")]
    Overloaded,
    /// The node is stopping.
    #[error("the server is shutting down")]
    ShuttingDown,
}

impl Node {
    /// Starts a node.
    pub fn start(config: &Config) -> Self {
        Self(Arc::new(Inner {
            config: config.clone(),
            rooms: Mutex::default(),
        }))
    }

    /// Makes a room, or finds the one that is like it.
    ///
    /// # Errors
    /// [`NodeError::Conflict`] if a room of this name has other settings.
    pub async fn create_room(&self, request: CreateRoom) -> Result<(Room, Created), NodeError> {
        let mut rooms = self.0.rooms.lock();
        if let Some(room) = rooms.get(&request.name) {
            return match request.differs_from(room) {
                None => Ok((room.clone(), Created::Existing)),
                Some(field) => Err(NodeError::Conflict(format!(
                    "the room exists with another {field}"
                ))),
            };
        }
        if rooms.len() >= self.0.config.limits.rooms as usize {
            return Err(NodeError::LimitExceeded(
                "limits.rooms is reached".to_owned(),
            ));
        }
        let defaults = &self.0.config.room;
        let mut rng = ChaCha20Rng::from_seed(entropy::bytes());
        let room = Room {
            sid: RoomSid::random(&mut rng).to_string(),
            name: request.name.clone(),
            created_at: Timestamp::from_unix_ms(clock::unix_now_ms()),
            empty_timeout: request.empty_timeout.unwrap_or(defaults.empty_timeout),
            departure_timeout: request
                .departure_timeout
                .unwrap_or(defaults.departure_timeout),
            max_participants: request
                .max_participants
                .unwrap_or(defaults.max_participants),
            metadata: request.metadata.unwrap_or_default(),
            num_participants: 0,
            num_publishers: 0,
        };
        rooms.insert(request.name, room.clone());
        Ok((room, Created::New))
    }

    /// Every room.
    ///
    /// # Errors
    /// [`NodeError`]
    pub async fn rooms(&self) -> Result<Vec<Room>, NodeError> {
        Ok(self.0.rooms.lock().values().cloned().collect())
    }

    /// One room.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`]
    pub async fn room(&self, room: &RoomName) -> Result<Room, NodeError> {
        self.0
            .rooms
            .lock()
            .get(room)
            .cloned()
            .ok_or(NodeError::RoomNotFound)
    }

    /// Ends a room.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`]
    pub async fn delete_room(&self, room: &RoomName) -> Result<(), NodeError> {
        self.0
            .rooms
            .lock()
            .remove(room)
            .map(drop)
            .ok_or(NodeError::RoomNotFound)
    }

    /// Everyone in a room.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`]
    pub async fn participants(&self, room: &RoomName) -> Result<Vec<Participant>, NodeError> {
        self.room(room).await.map(|_| Vec::new())
    }

    /// One participant.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`], [`NodeError::ParticipantNotFound`]
    pub async fn participant(
        &self,
        room: &RoomName,
        _identity: &Identity,
    ) -> Result<Participant, NodeError> {
        self.room(room).await?;
        Err(NodeError::ParticipantNotFound)
    }

    /// Removes a participant from a room.
    ///
    /// # Errors
    /// [`NodeError::RoomNotFound`], [`NodeError::ParticipantNotFound`]
    pub async fn remove_participant(
        &self,
        room: &RoomName,
        identity: &Identity,
    ) -> Result<(), NodeError> {
        self.participant(room, identity).await.map(drop)
    }

    /// Whether the node takes new participants.
    pub fn is_ready(&self) -> bool {
        true
    }

    /// What the workers have counted so far.
    pub fn counters(&self) -> Counters {
        Counters {
            rooms: self.0.rooms.lock().len() as u64,
            ..Counters::default()
        }
    }

    /// Tells every participant to go elsewhere and stops.
    pub async fn shutdown(&self) {}
}
