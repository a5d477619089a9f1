//! LiveKit's signalling: protobuf messages over a WebSocket, and what they mean to us.
//!
//! The exchange on `/rtc/v1`, one peer connection, where the client always offers:
//! 1. the client opens the WebSocket with a token and a [`JoinRequest`](messages::JoinRequest),
//!    which may hold its first offer ([`decode_join_request`]);
//! 2. the server's first frame is `join`, or `reconnect` when a session is resumed, or `leave`;
//! 3. each `offer` is answered with the same id, candidates and all;
//! 4. the server asks for further offers with `media_sections_requirement`;
//! 5. `leave` ends it from either side.

mod frame;
mod grant;
mod join;

/// The messages, as generated from LiveKit's protocol definitions.
pub use livekit_protocol as messages;

pub use frame::{
    FrameError, MAX_FRAME_BYTES, decode_request, decode_response, encode_request, encode_response,
};
pub use grant::{granted_source, kind_of, permission_of, source_of};
pub use join::{
    JoinRequestError, MAX_JOIN_REQUEST_BYTES, decode_join_request, encode_join_request,
};

/// The signalling protocol's version: everything up to, but not with, data channels of fixed ids.
pub const PROTOCOL_VERSION: i32 = 17;
/// The LiveKit server version whose behaviour SDKs may expect; several look at it.
pub const COMPATIBLE_VERSION: &str = "1.13.5";
