//! Links between the segments of a room: what one part of it tells another.
//!
//! A room that outgrows a worker has a [segment](SegmentId) on each worker it needs, and every
//! pair of its segments a link:
//! 1. the room's home says [`Frame::Welcome`] to a new segment, which says [`Frame::Hello`] to the
//!    others;
//! 2. each tells the other of its participants and their tracks, [`Frame::Participant`] and
//!    [`Frame::Left`], so that everyone sees the same room;
//! 3. a segment asks for the encodings that somebody there receives, [`Frame::Crossing`]; packets
//!    of those, and only of those, come in [`LinkBatch`]es, once for each encoding;
//! 4. a segment that has nobody left says [`Frame::Bye`].
//!
//! Frames of a link stay in order and are not lost; packets may be.

mod batch;

use bytes::Bytes;

use crate::codec::MediaKind;
use crate::ids::{Identity, ParticipantSid, RoomName, TrackSid};
use crate::session::DataChannel;
use crate::signal::messages::{DisconnectReason, ParticipantInfo, Room, SubscriptionPermission};

pub use batch::{LinkBatch, LinkPacket, NewLinkPacket};

/// Most encodings of a linked track; further ones are not forwarded.
pub const MAX_ENCODINGS: usize = 4;

/// A worker's part of rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u16);

impl SegmentId {
    /// The segment as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A track on the links of the segment it is published in, where no number is used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkTrackId(pub u64);

/// What is known of an encoding before its packets come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LinkEncoding {
    /// Width in pixels, 0 if unknown.
    pub width: u32,
    /// Height in pixels, 0 if unknown.
    pub height: u32,
    /// Intended rate in bits per second, 0 if unknown.
    pub bitrate_bps: u64,
}

/// Who gets a track without asking for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Audience {
    /// Everyone who wants everything.
    #[default]
    Room,
    /// Nobody; whoever wants it asks.
    Asking,
    /// Those who have a track of their own, see [`Audience::One`].
    Chosen,
    /// One participant, and nobody else may have it. Whoever has such a track is spared those that
    /// are for the whole room.
    One(Identity),
}

/// A track of a participant, as the other segments have to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkTrack {
    /// Its name on the link.
    pub id: LinkTrackId,
    /// Its name in the room.
    pub sid: TrackSid,
    /// Sound or pictures.
    pub kind: MediaKind,
    /// Whether it shows a screen.
    pub screen_share: bool,
    /// Who gets it.
    pub audience: Audience,
    /// Encodings, lowest first; one without simulcast.
    pub encodings: Vec<LinkEncoding>,
}

/// A participant of one segment, as the others have to know it.
#[derive(Debug, Clone)]
pub struct LinkParticipant {
    /// What others see of it, with its tracks.
    pub info: ParticipantInfo,
    /// Whether others do not see it.
    pub hidden: bool,
    /// Whether it is a mix of the others, which keeps no room open.
    pub is_mix: bool,
    /// Whom it lets subscribe; everyone, if it has not said.
    pub permission: Option<SubscriptionPermission>,
    /// Its tracks, as they are linked.
    pub tracks: Vec<LinkTrack>,
}

/// What one segment tells another.
#[derive(Debug, Clone)]
pub enum Frame {
    /// The home of a room has given it a segment there.
    Welcome {
        /// The room as participants see it.
        room: Box<Room>,
        /// Its other segments.
        segments: Vec<SegmentId>,
    },
    /// The room has a segment here; its participants are wanted.
    Hello(RoomName),
    /// The room has no segment here any more.
    Bye(RoomName),
    /// The room is closed: whoever is left in the segment has to go.
    Close(RoomName),
    /// A participant has joined or changed.
    Participant(RoomName, Box<LinkParticipant>),
    /// A participant has left; this is the last others see of it.
    Left(RoomName, Box<ParticipantInfo>),
    /// A participant of that segment has to go.
    End {
        /// Its room.
        room: RoomName,
        /// Who.
        participant: ParticipantSid,
        /// Why.
        reason: DisconnectReason,
    },
    /// A signalling message for everyone in the room, an encoded `SignalResponse`.
    Signal(RoomName, Bytes),
    /// A data packet.
    Data {
        /// Its room.
        room: RoomName,
        /// The channel it came in and goes out in.
        channel: DataChannel,
        /// Identities of those it is for; none means everyone.
        destinations: Vec<String>,
        /// An encoded `DataPacket`.
        packet: Bytes,
    },
    /// Whether the room is recorded.
    Recording(RoomName, bool),
    /// Somebody there is the first to subscribe to a track.
    Subscribed(LinkTrackId),
    /// The highest encoding that anybody there has use for.
    Wanted(LinkTrackId, Option<usize>),
    /// The encodings that are to cross the link.
    Crossing(LinkTrackId, EncodingSet),
    /// Somebody there needs a keyframe of an encoding.
    KeyframeWanted(LinkTrackId, usize),
    /// What the encodings of a track take, in bits per second; `None` for those not being sent.
    Rates(LinkTrackId, [Option<u64>; MAX_ENCODINGS]),
}

/// Some of a track's encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EncodingSet(u8);

impl EncodingSet {
    /// Adds an encoding, counted from the lowest.
    pub fn insert(&mut self, encoding: usize) {
        if encoding < MAX_ENCODINGS {
            self.0 |= 1 << encoding;
        }
    }

    /// Whether an encoding is among them.
    pub const fn contains(self, encoding: usize) -> bool {
        encoding < MAX_ENCODINGS && self.0 & (1 << encoding) != 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_is_put_in() {
        let mut set = EncodingSet::default();
        assert!(set.is_empty());

        set.insert(0);
        set.insert(2);
        set.insert(MAX_ENCODINGS);

        let held = [0, 1, 2, 3, MAX_ENCODINGS, 200].map(|encoding| set.contains(encoding));
        assert_eq!(held, [true, false, true, false, false, false]);
    }
}
