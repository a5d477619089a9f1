//! The WebSocket of one participant.

use futures_util::{SinkExt, StreamExt};
use prost::Message as _;
use proto::signal::messages::{SessionDescription, SignalResponse, signal_response};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use super::Fault;
use super::media::{self, Payloads};

/// Carries frames both ways until one side ends.
#[expect(
    clippy::result_large_err,
    reason = "the type of the callback is the library's"
)]
pub(super) async fn relay(
    stream: TcpStream,
    server: String,
    fault_of: impl FnOnce(&str) -> Fault + Send,
) {
    let mut uri = String::new();
    let note_uri = |request: &Request, response: Response| {
        uri = request.uri().to_string();
        Ok(response)
    };
    let Ok(client) = tokio_tungstenite::accept_hdr_async(stream, note_uri).await else {
        return;
    };
    let fault = fault_of(&uri);
    let Ok((server, _)) = tokio_tungstenite::connect_async(format!("{server}{uri}")).await else {
        return;
    };
    let (mut to_client, mut from_client) = client.split();
    let (mut to_server, mut from_server) = server.split();
    let (payloads, learnt) = watch::channel(Payloads::default());
    let port = media::start(fault, learnt).await;
    loop {
        let is_done = tokio::select! {
            frame = from_client.next() => match frame {
                Some(Ok(frame)) => to_server.send(frame).await.is_err(),
                _ => true,
            },
            frame = from_server.next() => match frame {
                Some(Ok(frame)) => {
                    let frame = rewrite(frame, fault, port, &payloads);
                    to_client.send(frame).await.is_err()
                }
                _ => true,
            },
        };
        if is_done {
            return;
        }
    }
}

fn rewrite(frame: Message, fault: Fault, port: u16, payloads: &watch::Sender<Payloads>) -> Message {
    let Message::Binary(bytes) = &frame else {
        return frame;
    };
    let Ok(mut response) = SignalResponse::decode(&bytes[..]) else {
        return frame;
    };
    let Some(signal_response::Message::Answer(answer)) = &mut response.message else {
        return frame;
    };
    payloads.send_modify(|payloads| payloads.learn(&answer.sdp));
    answer.sdp = through_relay(&answer.sdp, port);
    if fault == Fault::SwapPublishers {
        swap_cameras(answer);
    }
    Message::binary(response.encode_to_vec())
}

/// Leaves one candidate, which is the relay's.
fn through_relay(sdp: &str, port: u16) -> String {
    let mut out = String::new();
    for line in sdp.lines() {
        if !line.starts_with("a=candidate:") {
            out.push_str(line);
        } else if line.contains(" 127.0.0.1 ") {
            out.push_str(&format!(
                "a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host"
            ));
        } else {
            continue;
        }
        out.push_str("\r\n");
    }
    out
}

/// Lets the first two sections that carry a camera say that they carry the other's. A lone camera
/// carries nobody's yet, so that none is right first and swapped under way.
fn swap_cameras(answer: &mut SessionDescription) {
    let tracks = &mut answer.mid_to_track_id;
    let mut cameras = answer
        .sdp
        .split("\r\nm=")
        .skip(1)
        .filter(|section| section.starts_with("video"))
        .filter_map(|section| section.split_once("a=mid:")?.1.lines().next())
        .filter_map(|mid| Some((mid.to_owned(), tracks.remove(mid)?)))
        .collect::<Vec<_>>();
    if let [(_, one), (_, other), ..] = &mut cameras[..] {
        std::mem::swap(one, other);
        tracks.extend(cameras);
    }
}
