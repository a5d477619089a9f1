//! What goes into an engine, and what comes out besides datagrams.

use proto::api;
use proto::ids::{Identity, RoomName};
use proto::link::SegmentId;
use proto::signal::messages::{JoinRequest, signal_request};
use proto::token::Claims;
use router::Wanted;

use super::attend::Attendance;
use super::listen::{ListenerId, Purpose};

/// One signalling connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// Joins a request with its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyId(pub u64);

/// An input.
#[derive(Debug)]
pub enum Command {
    /// Something that is answered with [`Output::Reply`].
    Request(ReplyId, Request),
    /// A client's message.
    Signal(ConnectionId, Box<signal_request::Message>),
    /// A client's connection has closed, by itself or by a fault.
    Closed(ConnectionId),
    /// A listener needs a keyframe of the track with this number.
    ListenerKeyframe(ListenerId, u16),
    /// Nobody hears a listener any more.
    ListenerGone(ListenerId),
    /// A listener has use for a track in this quality.
    ListenerWish(ListenerId, u16, Wanted),
    /// Tell everyone to reconnect elsewhere and end all sessions.
    Shutdown,
}

/// What can be requested.
#[derive(Debug)]
pub enum Request {
    /// Let somebody in, or back in.
    Join(Box<Join>),
    /// Open a room, unless it is open.
    CreateRoom(Box<api::CreateRoom>),
    /// Give a room a segment on another worker, for somebody to join there.
    ExtendRoom(RoomName, SegmentId),
    /// List rooms that have their home here.
    Rooms,
    /// Show a room.
    Room(RoomName),
    /// Change a room's settings.
    ChangeRoom(RoomName, Box<api::ChangeRoom>),
    /// Close a room.
    DeleteRoom(RoomName),
    /// List a room's participants.
    Participants(RoomName),
    /// Remove a participant.
    RemoveParticipant(RoomName, Identity),
    /// Let a listener in, at the home of a room.
    Listen(RoomName, ListenerId, Purpose),
    /// Let a listener go.
    StopListening(ListenerId),
}

/// Somebody at the door, token already checked.
#[derive(Debug)]
pub struct Join {
    /// Its signalling connection; messages may go there as soon as this is accepted.
    pub connection: ConnectionId,
    /// Which room.
    pub room: RoomName,
    /// Where the room has its home.
    pub home: SegmentId,
    /// Who.
    pub identity: Identity,
    /// The rest of the token.
    pub claims: Claims,
    /// What the client says.
    pub request: JoinRequest,
}

/// Why somebody is not let in; all before the WebSocket opens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// The room does not exist and rooms are not made by joining.
    #[error("requested room does not exist")]
    RoomNotFound,
    /// The room or the node has as many participants as it may have.
    #[error("{0}")]
    Full(&'static str),
    /// The join request asks for what the token does not grant.
    #[error("{0}")]
    NotAllowed(&'static str),
    /// The join request cannot be used.
    #[error("{0}")]
    BadRequest(String),
    /// Somebody of this identity stays in another segment of the room: knock there.
    #[error("the participant stays with another worker")]
    Elsewhere(SegmentId),
    /// The room has its home elsewhere and no segment here: extend it and knock again.
    #[error("the room has no segment here")]
    NoSegment,
    /// The node is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// Why a request about a room failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    /// No such room.
    #[error("the room does not exist")]
    RoomNotFound,
    /// No such participant in the room.
    #[error("the participant does not exist")]
    ParticipantNotFound,
    /// The room exists with another value of the named setting.
    #[error("the room exists with another {0}")]
    Conflict(&'static str),
    /// A limit of the node is reached.
    #[error("{0}")]
    LimitExceeded(&'static str),
    /// The node is shutting down.
    #[error("the server is shutting down")]
    ShuttingDown,
}

/// The answer to a [`Request`].
#[derive(Debug)]
pub enum Reply {
    /// To [`Request::Join`].
    Join(Result<(), JoinError>),
    /// To [`Request::CreateRoom`]; whether it is new.
    CreatedRoom(Result<(api::Room, bool), RoomError>),
    /// To [`Request::Rooms`].
    Rooms(Vec<api::Room>),
    /// To [`Request::Room`] and [`Request::ChangeRoom`].
    Room(Result<api::Room, RoomError>),
    /// To [`Request::Participants`].
    Participants(Result<Vec<api::Participant>, RoomError>),
    /// To what has no more to say than whether it worked.
    Done(Result<(), RoomError>),
}

/// An output besides datagrams.
#[derive(Debug)]
pub enum Output {
    /// The answer to a request.
    Reply(ReplyId, Reply),
    /// A message for a client: an encoded `SignalResponse`.
    Signal(ConnectionId, bytes::Bytes),
    /// Close a client's connection, after what was sent to it.
    Close(ConnectionId),
    /// A room has opened, with its home here.
    RoomOpened(RoomName),
    /// A room that had its home here has closed.
    RoomClosed(RoomName),
    /// So many participants of a room are here.
    Present(RoomName, usize),
    /// Somebody has come into a room that records itself, or left it, or it is to do so or no longer.
    Attended(RoomName, Box<Attendance>),
}
