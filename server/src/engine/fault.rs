//! Faults made on purpose, for tests of what a fault of ours does to others.

#[cfg(feature = "chaos")]
use proto::ids::{Identity, RoomName};

#[cfg(feature = "chaos")]
impl super::Engine {
    /// Makes the next drive of a participant's session panic.
    pub fn poison(&mut self, room: &RoomName, identity: &Identity) {
        if let Some(key) = self.participant_by_identity(room, identity)
            && let Some(peer) = self.peer_mut(key)
        {
            peer.poisoned = true;
        }
    }
}
