//! Whose media is shown in the clear, to people who search for a fault.

use std::fmt;
use std::sync::Arc;

use proto::ids::{Identity, ParticipantSid, RoomName};
use proto::media::tap::Tap;

/// Says who sees the media of whom.
pub trait Taps: fmt::Debug + Send + Sync {
    /// What is to see the packets of a participant who joins, if anything.
    fn tap(
        &self,
        room: &RoomName,
        identity: &Identity,
        sid: &ParticipantSid,
    ) -> Option<Arc<dyn Tap>>;
}
