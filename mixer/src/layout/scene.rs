//! Who is in the room, as far as a picture of it goes.

use std::fmt;
use std::sync::Arc;

use crate::picture::Size;

/// What a participant is called by machines: the same after a reconnect.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity(Arc<str>);

impl Identity {
    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Identity {
    fn from(identity: &str) -> Self {
        Self(identity.into())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A room at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scene {
    /// Who is there, in the order of joining; nobody twice.
    pub participants: Vec<Participant>,
}

impl Scene {
    pub(super) fn participant(&self, identity: &Identity) -> Option<&Participant> {
        let mut participants = self.participants.iter();
        participants.find(|participant| participant.identity == *identity)
    }
}

/// Somebody in the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// The identity.
    pub identity: Identity,
    /// What people call the participant.
    pub name: Arc<str>,
    /// Size of the camera's pictures if the camera is on; empty if it is not known yet.
    pub camera: Option<Size>,
    /// Whether a screen is shared.
    pub shares_screen: bool,
    /// How loud the participant speaks; 0 if not at all.
    pub speaking_level: u8,
    /// When the participant spoke last, while speaking the present, in microseconds.
    pub last_spoke_us: Option<i64>,
    /// Whether the microphone is off.
    pub is_muted: bool,
    /// Whether anything comes from the participant.
    pub connection: Connection,
}

impl Participant {
    /// Somebody who has just joined: without picture, silent, connected.
    pub fn new(identity: &str, name: &str) -> Self {
        Self {
            identity: identity.into(),
            name: name.into(),
            camera: None,
            shares_screen: false,
            speaking_level: 0,
            last_spoke_us: None,
            is_muted: false,
            connection: Connection::Connected,
        }
    }
}

/// How somebody's transport is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Connection {
    /// In use.
    #[default]
    Connected,
    /// Lost, and about to be made again.
    Reconnecting,
}
