//! One client's WebSocket: frames in, frames out, until either side has enough.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use futures_util::StreamExt;
use proto::signal::decode_request;

use super::rate::Bucket;
use crate::clock;
use crate::node::Connection;
use crate::observe::Metrics;
use crate::worker::Frame;

/// Messages a second from one client, in the long run.
const MESSAGES_PER_SECOND: f64 = 50.0;
/// Messages at once: a client that subscribes to many tracks sends one for each.
const MESSAGE_BURST: f64 = 500.0;
/// A client that says nothing for so long is gone; SDKs ping every five seconds.
const SILENCE: Duration = Duration::from_secs(30);
/// How long a client may take to accept a frame.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to close, after it was told to.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a socket ends.
enum End {
    /// The client has gone.
    Gone,
    /// The server has said what there was to say.
    Done,
    /// The client breaks a rule.
    Violation(u16, &'static str),
}

/// Carries frames between a WebSocket and the engine until one of them ends.
pub(super) async fn run(
    mut websocket: WebSocket,
    mut connection: Connection,
    metrics: Arc<Metrics>,
) {
    let end = exchange(&mut websocket, &mut connection, &metrics).await;
    let close = match end {
        End::Gone => return,
        End::Done => CloseFrame {
            code: close_code::NORMAL,
            reason: "".into(),
        },
        End::Violation(code, reason) => CloseFrame {
            code,
            reason: reason.into(),
        },
    };
    // The client may be gone already.
    let _ = tokio::time::timeout(SEND_TIMEOUT, websocket.send(Message::Close(Some(close)))).await;
    // RFC 6455 §7.1.1: the client closes first; cut off, Firefox leaves its page in the dark.
    let closed = async { while let Some(Ok(_)) = websocket.next().await {} };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
}

async fn exchange(
    websocket: &mut WebSocket,
    connection: &mut Connection,
    metrics: &Metrics,
) -> End {
    let mut messages = Bucket::new(clock::now(), MESSAGES_PER_SECOND, MESSAGE_BURST);
    loop {
        tokio::select! {
            frame = connection.frames.recv() => {
                let Some(Frame::Message(bytes)) = frame else { return End::Done };
                metrics.signal_messages_out.inc();
                let sent = tokio::time::timeout(SEND_TIMEOUT, websocket.send(Message::Binary(bytes))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return End::Gone;
                }
            }
            received = tokio::time::timeout(SILENCE, websocket.next()) => {
                let message = match received {
                    Ok(Some(Ok(message))) => message,
                    Ok(Some(Err(_))) => return End::Violation(close_code::SIZE, "the message is too large or malformed"),
                    Ok(None) | Err(_) => return End::Gone,
                };
                if !messages.take(clock::now()) {
                    return End::Violation(close_code::POLICY, "too many messages");
                }
                if let Err(end) = take(connection, metrics, message) {
                    return end;
                }
            }
        }
    }
}

fn take(connection: &Connection, metrics: &Metrics, message: Message) -> Result<(), End> {
    match message {
        Message::Binary(frame) => take_frame(connection, metrics, &frame),
        Message::Text(_) => Err(End::Violation(
            close_code::UNSUPPORTED,
            "only binary protobuf frames are understood",
        )),
        Message::Close(_) => Err(End::Gone),
        Message::Ping(_) | Message::Pong(_) => Ok(()),
    }
}

fn take_frame(connection: &Connection, metrics: &Metrics, frame: &Bytes) -> Result<(), End> {
    metrics.signal_messages_in.inc();
    match decode_request(frame) {
        Ok(Some(message)) => match connection.give(message) {
            true => Ok(()),
            false => Err(End::Violation(close_code::AGAIN, "the server is busy")),
        },
        // A message of a kind we do not know: a newer client.
        Ok(None) => Ok(()),
        Err(_) => Err(End::Violation(
            close_code::INVALID,
            "not a valid SignalRequest",
        )),
    }
}
