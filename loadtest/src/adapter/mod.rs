//! How a participant negotiates with a server: sans-IO, one adapter for each signalling.
//!
//! An adapter hears frames and answers and puts [`Wire`] operations into its [`Site`]; the tasks
//! of `drive::signalling` carry those out. The site is what a participant has besides: sessions,
//! tracks to send and subscriptions.

mod direct;
mod janus;
mod livekit;
mod whip;

use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use proto::jsep::Offer;
use proto::session::{IceCredentials, TrackOffer};
use serde::{Deserialize, Serialize};

use crate::participant::{Sending, Site};
use crate::scenario::Tile;
use crate::scenario::plan::{Part, Plan, Publisher};

pub use direct::Direct;
pub use janus::Janus;
pub use livekit::LiveKit;
pub use whip::Whip;

/// Which signalling a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// LiveKit's, version 1: one WebSocket and one peer connection for each participant.
    Livekit,
    /// Janus' VideoRoom by its WebSocket API: one WebSocket for each participant, one peer
    /// connection to publish and one to watch.
    Janus,
    /// WHIP to publish and WHEP to watch: HTTP, a peer connection for each publisher watched. The
    /// server is a base, followed by /ROOM/IDENTITY/whip or whep, or holds {room}, {identity} and
    /// {kind}; an API secret is the bearer token.
    Whip,
}

impl Protocol {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Livekit => "livekit",
            Self::Janus => "janus",
            Self::Whip => "whip",
        }
    }
}

/// Where the server is and how to get in.
#[derive(Debug, Clone)]
pub struct Access {
    /// Address of the signalling, such as `ws://127.0.0.1:7880`. For WHIP see
    /// [`Protocol::Whip`].
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

    /// The server has closed a session. Says whether the participant gets over it.
    fn closed(&mut self, _now: Instant, _peer: usize, _site: &mut Site) -> bool {
        false
    }

    /// Whom to show, and how large; nobody else is shown. Told several times a second, so it is
    /// the adapter's clock as well.
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
pub fn peers(protocol: Protocol, plan: &Plan, part: &Part) -> usize {
    let publishes = usize::from(part.publisher.is_some());
    let watched = watched(plan, part).count();
    match protocol {
        Protocol::Livekit => 1,
        Protocol::Janus => publishes + watched.min(1),
        Protocol::Whip => publishes + watched,
    }
}

/// Makes a participant's adapter.
pub fn adapter(
    protocol: Protocol,
    access: &Access,
    plan: &Arc<Plan>,
    part: &Part,
) -> Box<dyn Adapter> {
    match protocol {
        Protocol::Livekit => Box::new(LiveKit::new(access, part)),
        Protocol::Janus => Box::new(Janus::new(access, plan, part)),
        Protocol::Whip => Box::new(Whip::new(access, plan, part)),
    }
}

/// The others of its room who publish.
fn watched<'a>(plan: &'a Plan, part: &Part) -> impl Iterator<Item = &'a Publisher> + use<'a> {
    let own = part.publisher;
    let all = plan.publishers_of(part.room).iter();
    all.filter(move |other| Some(other.number) != own)
}

/// The address of a WebSocket server, however it was given.
fn websocket_url(server: &str) -> String {
    let server = server.trim_end_matches('/');
    match server.split_once("://") {
        Some(("http", rest)) => format!("ws://{rest}"),
        Some(("https", rest)) => format!("wss://{rest}"),
        Some(_) => server.to_owned(),
        None => format!("ws://{server}"),
    }
}

/// A track to offer, with all its encodings.
fn track_offer(track: &Sending) -> TrackOffer {
    let rids = track.streams.iter();
    TrackOffer {
        kind: track.kind,
        track_id: track.cid.clone(),
        rids: rids
            .filter_map(|stream| Some(stream.rid?.as_str().to_owned()))
            .collect(),
    }
}

/// Takes a server's offer and gives the answer to it.
fn accept_offer(sdp: &str, peer: usize, site: &mut Site) -> Result<String, String> {
    let offer = Offer::parse(sdp).map_err(|error| error.to_string())?;
    let fresh = IceCredentials::random(site.rng());
    let own = site.peers.get_mut(peer).ok_or("no session is left")?;
    let accepted = own.session.accept_offer(&offer, fresh);
    let accepted = accepted.map_err(|error| error.to_string())?;
    // Reading an offer leaves its addresses out; a server that is ICE-lite has to be called.
    for line in sdp.lines().filter(|line| line.starts_with("a=candidate:")) {
        // One that cannot be used, such as TCP, is no fault.
        let _ = own.session.add_candidate(line.trim_end());
    }
    Ok(own.session.answer(&accepted, &[]))
}
