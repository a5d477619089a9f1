//! Every bound of the engine, with what happens beyond it. Further ones are in [`super::RoomDefaults`], [`router::limits`],
//! [`proto::demux`], [`proto::jsep`] and [`proto::session`].

use std::time::Duration;

/// Rounds in which a flush lets sending cause more sending. The rest waits for the next wake-up.
pub const MAX_FLUSH_ROUNDS: usize = 8;
/// Shortest time between two requests to one client to offer again. A room that fills up would
/// otherwise make its clients offer once for each track; longer shows new tracks later.
pub const ASK_INTERVAL: Duration = Duration::from_millis(200);
/// Packets of pictures that wait for their turn in the pace of a receiver's path. Further ones are
/// dropped; the receiver asks for them again or for a keyframe.
pub const MAX_HELD_PACKETS: usize = 1_024;
/// Tracks announced and not yet offered, per participant. Further ones are refused with
/// `LIMIT_EXCEEDED`.
pub const MAX_PENDING_TRACKS: usize = 20;
/// Offers per participant in [`OFFER_WINDOW`]. Further ones end the session: no client makes as
/// many.
pub const MAX_OFFERS: u32 = 60;
/// See [`MAX_OFFERS`].
pub const OFFER_WINDOW: Duration = Duration::from_secs(10);
/// Bytes of reliable messages that wait for a receiver who reads slowly or whose channel is not
/// open yet. A receiver beyond it is disconnected and may reconnect.
pub const MAX_DATA_BACKLOG_BYTES: usize = 1024 * 1024;
/// Receivers a data message may name. The rest are ignored.
pub const MAX_DATA_DESTINATIONS: usize = 200;
/// Frames that wait for another segment. Beyond it data packets for it are dropped; what keeps the
/// segments' rooms alike is not.
pub const MAX_QUEUED_LINK_FRAMES: usize = 10_000;
/// Recordings and mixes of one room. Further ones are refused with 503.
pub const MAX_LISTENERS: usize = 16;
/// Bytes of packets that wait to be handed to a recording or a mix, in the engine. Further packets
/// for it are dropped, and its pictures go on with a keyframe.
pub const MAX_HEARD_BYTES: usize = 4 * 1024 * 1024;
/// News of a room that wait for a recording or a mix. One that takes none for so long is ended.
pub const MAX_HEARD_NEWS: usize = 10_000;
/// Segments remembered that have heard of a room sooner than this one. The oldest is forgotten.
pub const MAX_EARLY_HELLOS: usize = 64;
/// Bytes of all keys and values of a participant's attributes. More are refused with
/// `LIMIT_EXCEEDED`.
pub const MAX_ATTRIBUTE_BYTES: usize = 16 * 1024;
/// Bytes of a name. Longer is refused with `LIMIT_EXCEEDED`.
pub const MAX_NAME_BYTES: usize = 256;
/// Bytes of a track's texts (name, cid, stream). Longer is refused with `LIMIT_EXCEEDED`.
pub const MAX_TRACK_TEXT_BYTES: usize = 256;

/// How long a room's segment stays when nobody is left in it. Longer spares the work of building it
/// again, shorter that of keeping it.
pub const SEGMENT_LINGER: Duration = Duration::from_secs(10);
/// How long a joined client may take to bring its transport up. LiveKit's value.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(60);
/// How long a participant may have no working path before it is removed; an ICE restart takes
/// clients up to 15 s.
pub const PATH_GRACE: Duration = Duration::from_secs(20);
/// How long a participant may have no signalling connection before it is removed. SDKs give up
/// resuming after about half a minute.
pub const SIGNAL_GRACE: Duration = Duration::from_secs(40);
/// As [`SIGNAL_GRACE`], for a participant without a working path.
pub const DEAD_GRACE: Duration = Duration::from_secs(10);
/// A fresh token is sent this often; LiveKit's value.
pub const TOKEN_REFRESH: Duration = Duration::from_secs(300);
/// Life of a fresh token.
pub const TOKEN_TTL: Duration = Duration::from_secs(900);
