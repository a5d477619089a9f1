//! What Janus says, and what it is told.

use proto::codec::{Codec, MediaKind};
use serde::Deserialize;
use serde_json::{Value, json};

use super::viewing::{Source, Wish};

/// The plugin all handles are of.
const PLUGIN: &str = "janus.plugin.videoroom";

/// No such room.
pub(super) const NO_SUCH_ROOM: u32 = 426;
/// The room exists.
pub(super) const ROOM_EXISTS: u32 = 427;
/// No such feed: a publisher that has just gone.
pub(super) const NO_SUCH_FEED: u32 = 428;

/// A frame.
#[derive(Debug, Deserialize)]
pub(super) struct Incoming {
    pub(super) janus: String,
    pub(super) transaction: Option<String>,
    /// The handle it is about.
    pub(super) sender: Option<u64>,
    pub(super) data: Option<Made>,
    pub(super) plugindata: Option<PluginData>,
    pub(super) jsep: Option<Jsep>,
    pub(super) error: Option<Fault>,
    pub(super) candidate: Option<Trickled>,
    pub(super) reason: Option<String>,
}

/// The id of what was made: a session or a handle.
#[derive(Debug, Deserialize)]
pub(super) struct Made {
    pub(super) id: u64,
}

/// What a plugin says.
#[derive(Debug, Deserialize)]
pub(super) struct PluginData {
    pub(super) data: Room,
}

/// What the VideoRoom says; which fields there are depends on what it is about.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Room {
    #[serde(default)]
    pub(super) videoroom: String,
    pub(super) error_code: Option<u32>,
    pub(super) error: Option<String>,
    pub(super) private_id: Option<u64>,
    #[serde(default)]
    pub(super) publishers: Vec<Publisher>,
    #[serde(default)]
    pub(super) streams: Vec<Stream>,
    /// A publisher's id, or "ok" for oneself.
    pub(super) leaving: Option<Value>,
    /// The same.
    pub(super) unpublished: Option<Value>,
    pub(super) reason: Option<String>,
}

/// Somebody who publishes.
#[derive(Debug, Deserialize)]
pub(super) struct Publisher {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) display: String,
    #[serde(default)]
    pub(super) streams: Vec<Stream>,
}

/// A track somebody publishes, or a subscription to one.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Stream {
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) mid: String,
    #[serde(default)]
    pub(super) disabled: bool,
    pub(super) feed_id: Option<u64>,
    pub(super) feed_mid: Option<String>,
}

impl Stream {
    pub(super) fn kind(&self) -> Option<MediaKind> {
        match self.kind.as_str() {
            "audio" => Some(MediaKind::Audio),
            "video" => Some(MediaKind::Video),
            _ => None,
        }
    }
}

/// A session description.
#[derive(Debug, Deserialize)]
pub(super) struct Jsep {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) sdp: String,
}

/// Why Janus itself refuses something.
#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    pub(super) code: u32,
    #[serde(default)]
    pub(super) reason: String,
}

/// An address that comes apart from its description; empty at the end of them.
#[derive(Debug, Deserialize)]
pub(super) struct Trickled {
    #[serde(default)]
    pub(super) candidate: String,
}

pub(super) fn make_session() -> Value {
    json!({"janus": "create"})
}

pub(super) fn claim() -> Value {
    json!({"janus": "claim"})
}

pub(super) fn keep_alive() -> Value {
    json!({"janus": "keepalive"})
}

pub(super) fn end_session() -> Value {
    json!({"janus": "destroy"})
}

pub(super) fn attach() -> Value {
    json!({"janus": "attach", "plugin": PLUGIN})
}

pub(super) fn detach(handle: u64) -> Value {
    json!({"janus": "detach", "handle_id": handle})
}

pub(super) fn to_room(handle: u64, body: &Value) -> Value {
    json!({"janus": "message", "handle_id": handle, "body": body})
}

/// With an offer, or an answer, that has all its candidates. The order of RIDs is ours, lowest
/// first: Janus takes the first for the highest unless it is told.
pub(super) fn with_description(handle: u64, body: &Value, kind: &str, sdp: &str) -> Value {
    json!({
        "janus": "message",
        "handle_id": handle,
        "body": body,
        "jsep": {"type": kind, "sdp": sdp, "trickle": false, "rid_order": "lmh"},
    })
}

/// A room as a load needs it: no cap on bitrates, nobody told of those who only watch, nothing
/// measured that nobody asked for.
pub(super) fn make_room(room: u64, codec: Codec) -> Value {
    json!({
        "request": "create",
        "room": room,
        "permanent": false,
        "publishers": MAX_PUBLISHERS,
        "bitrate": 0,
        "fir_freq": 0,
        "audiocodec": "opus",
        "videocodec": format!("{codec:?}").to_lowercase(),
        "audiolevel_event": false,
        "notify_joining": false,
    })
}

pub(super) fn join_to_publish(room: u64, identity: &str) -> Value {
    json!({"request": "join", "ptype": "publisher", "room": room, "display": identity})
}

pub(super) fn join_to_watch(room: u64, private_id: Option<u64>, streams: &[Wish]) -> Value {
    let mut body = json!({"request": "join", "ptype": "subscriber", "room": room});
    body["streams"] = streams.iter().map(wanted).collect();
    if let Some(private_id) = private_id {
        body["private_id"] = private_id.into();
    }
    body
}

pub(super) fn subscribe(streams: &[Wish]) -> Value {
    let streams: Value = streams.iter().map(wanted).collect();
    json!({"request": "subscribe", "streams": streams})
}

/// Of each subscription, by its `mid`, which encoding to send, if any.
pub(super) fn configure(wishes: &[(String, Option<Option<u8>>)]) -> Value {
    let setting = |(mid, wish): &(String, Option<Option<u8>>)| {
        let mut setting = json!({"mid": mid});
        choose(&mut setting, *wish);
        setting
    };
    let streams: Value = wishes.iter().map(setting).collect();
    json!({"request": "configure", "streams": streams})
}

fn wanted(wish: &Wish) -> Value {
    let Source { feed, mid } = &wish.source;
    let mut stream = json!({"feed": feed, "mid": mid});
    choose(&mut stream, wish.encoding);
    stream
}

fn choose(stream: &mut Value, encoding: Option<Option<u8>>) {
    stream["send"] = encoding.is_some().into();
    if let Some(Some(substream)) = encoding {
        stream["substream"] = substream.into();
        stream["temporal"] = HIGHEST_TEMPORAL_LAYER.into();
    }
}

/// Of a room: as many as a run can have.
const MAX_PUBLISHERS: u16 = u16::MAX;
/// All of the frames.
const HIGHEST_TEMPORAL_LAYER: u8 = 2;
