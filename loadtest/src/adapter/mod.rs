//! How a participant negotiates with a server: sans-IO, one adapter for each signalling.
//!
//! An adapter hears frames and answers and puts [`Wire`] operations into its [`Site`]; the tasks
//! of `drive::signalling` carry those out. The site is what a participant has besides: sessions,
//! tracks to send and subscriptions.

mod direct;
mod livekit;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::participant::Site;
use crate::scenario::Tile;
use crate::scenario::plan::{Part, Plan};

pub use direct::Direct;
pub use livekit::LiveKit;

/// Which signalling a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// LiveKit's, version 1: one WebSocket and one peer connection for each participant.
    Livekit,
}

impl Protocol {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Livekit => "livekit",
        }
    }
}

/// Where the server is and how to get in.
#[derive(Debug, Clone)]
pub struct Access {
    /// Address of the signalling, such as `ws://127.0.0.1:7880`.
    pub server: String,
    /// API key and secret for tokens, where the signalling takes tokens.
    pub key: Option<(String, String)>,
    /// Rooms are called this, followed by their number.
    pub room_prefix: String,
}

impl Access {
    /// The name of a room.
    pub fn room(&self, number: usize) -> String {
        format!("{}{number}", self.room_prefix)
    }
}

/// An operation on the signalling connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wire {
    /// Opens a WebSocket; an open one is forgotten.
    Open {
        /// To wait before.
        after: Duration,
        /// `ws:` or `wss:`.
        url: String,
        /// The subprotocol to ask for, if any.
        subprotocol: Option<&'static str>,
    },
    /// Sends a frame.
    Send(Frame),
    /// Makes an HTTP request.
    Request {
        /// To tell answers apart.
        id: u32,
        /// `POST`, `PATCH` or `DELETE`.
        method: &'static str,
        /// Where to.
        url: String,
        /// Media type of the body.
        content_type: Option<&'static str>,
        /// Bearer token.
        bearer: Option<String>,
        /// The body.
        body: String,
    },
    /// Closes the WebSocket.
    Close,
}

/// A WebSocket message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Bytes.
    Binary(Vec<u8>),
    /// Text.
    Text(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The WebSocket is open.
    Opened,
    /// It could not be opened: why.
    Refused(String),
    /// A frame arrived.
    Frame(Frame),
    /// It is closed, by the other side or by a failure: why.
    Closed(String),
    /// An answer to a request.
    Answer {
        /// Of the request.
        id: u32,
        /// HTTP status; 0 if there was no answer at all.
        status: u16,
        /// The `Location` header, made absolute.
        location: Option<String>,
        /// The body, or why there was no answer.
        body: String,
    },
}

/// A participant's signalling.
pub trait Adapter: Send + std::fmt::Debug {
    /// Begins to join.
    fn join(&mut self, now: Instant, site: &mut Site);

    /// Takes what the connection brought.
    fn hear(&mut self, now: Instant, heard: Heard, site: &mut Site);

    /// A session has come up.
    fn connected(&mut self, _now: Instant, _peer: usize, _site: &mut Site) {}

    /// The window has changed: whom to show, and how large; nobody else is shown.
    fn show(&mut self, now: Instant, window: &[(u16, Option<Tile>)], site: &mut Site);

    /// Sends a message to everybody in the room. Says whether it was taken.
    fn say(&mut self, _message: &[u8], _reliable: bool, _site: &mut Site) -> bool {
        false
    }

    /// Breaks its signalling connection and comes back without leaving, if it can.
    fn reconnect(&mut self, now: Instant, site: &mut Site);

    /// Leaves.
    fn leave(&mut self, now: Instant, site: &mut Site);
}

/// Sessions a participant needs.
pub fn peers(protocol: Protocol, _plan: &Plan, _part: &Part) -> usize {
    match protocol {
        Protocol::Livekit => 1,
    }
}

/// Makes a participant's adapter.
pub fn adapter(
    protocol: Protocol,
    access: &Access,
    _plan: &Arc<Plan>,
    part: &Part,
) -> Box<dyn Adapter> {
    match protocol {
        Protocol::Livekit => Box::new(LiveKit::new(access, part)),
    }
}
