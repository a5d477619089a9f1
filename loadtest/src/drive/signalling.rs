//! The signalling connections of all participants, on one thread.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use crossbeam_channel::Sender;
use futures_util::{SinkExt, StreamExt};
use reqwest::header;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::adapter::{Frame, Heard, Wire};

/// A connection or an answer that takes longer has failed.
const DEADLINE: std::time::Duration = std::time::Duration::from_secs(10);
/// Largest body of an answer that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Of a refusal's text, told in the report.
const MAX_REASON_CHARS: usize = 200;

/// An operation and the participant it is of.
pub(super) type Wires = UnboundedSender<(usize, Wire)>;

/// Where a driver thread takes what signalling brought.
#[derive(Debug, Clone)]
pub(super) struct Postbox {
    pub(super) letters: Sender<(usize, Heard)>,
    pub(super) waker: Arc<mio::Waker>,
}

impl Postbox {
    fn post(&self, participant: usize, heard: Heard) {
        if self.letters.send((participant, heard)).is_ok() {
            // A waker fails only with its poll, which is gone with the receiver.
            let _ = self.waker.wake();
        }
    }
}

/// Starts the thread. Participants belong to the postboxes in turn.
pub(super) fn start(boxes: Vec<Postbox>) -> Result<Wires> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the signalling")?;
    let (wires, operations) = mpsc::unbounded_channel();
    let http = reqwest::Client::builder()
        .timeout(DEADLINE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("cannot start the HTTP client")?;
    thread::Builder::new()
        .name("signalling".to_owned())
        .spawn(move || runtime.block_on(carry_out(operations, &boxes, &http)))
        .context("cannot start a thread")?;
    Ok(wires)
}

#[derive(Debug)]
struct Connection {
    frames: UnboundedSender<Frame>,
    task: JoinHandle<()>,
}

async fn carry_out(
    mut operations: UnboundedReceiver<(usize, Wire)>,
    boxes: &[Postbox],
    http: &reqwest::Client,
) {
    let mut connections: HashMap<usize, Connection> = HashMap::new();
    while let Some((participant, wire)) = operations.recv().await {
        let postbox = boxes[participant % boxes.len()].clone();
        match wire {
            Wire::Open {
                after,
                url,
                subprotocol,
            } => {
                let (frames, outgoing) = mpsc::unbounded_channel();
                let task = tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    let end = converse(&url, subprotocol, outgoing, participant, &postbox).await;
                    postbox.post(participant, end);
                });
                let old = connections.insert(participant, Connection { frames, task });
                if let Some(old) = old {
                    old.task.abort();
                }
            }
            Wire::Send(frame) => {
                if let Some(connection) = connections.get(&participant) {
                    // A closed connection has told so itself.
                    let _ = connection.frames.send(frame);
                }
            }
            Wire::Close => {
                // Dropping the sender lets the task send what is queued and close.
                connections.remove(&participant);
            }
            Wire::Request {
                id,
                method,
                url,
                content_type,
                bearer,
                body,
            } => {
                let http = http.clone();
                tokio::spawn(async move {
                    let answer = request(&http, id, method, &url, content_type, bearer, body);
                    postbox.post(participant, answer.await);
                });
            }
        }
    }
}

/// Opens a WebSocket and carries frames both ways. Gives how it ended.
async fn converse(
    url: &str,
    subprotocol: Option<&'static str>,
    mut outgoing: UnboundedReceiver<Frame>,
    participant: usize,
    postbox: &Postbox,
) -> Heard {
    let mut request = match url.into_client_request() {
        Ok(request) => request,
        Err(error) => return Heard::Refused(refusal(&error)),
    };
    if let Some(name) = subprotocol {
        let name = HeaderValue::from_static(name);
        request.headers_mut().insert("sec-websocket-protocol", name);
    }
    let connecting = tokio_tungstenite::connect_async(request);
    let mut socket = match timeout(DEADLINE, connecting).await {
        Err(_) => return Heard::Refused("no connection after 10 s".to_owned()),
        Ok(Err(error)) => return Heard::Refused(refusal(&error)),
        Ok(Ok((socket, _))) => socket,
    };
    postbox.post(participant, Heard::Opened);
    loop {
        tokio::select! {
            frame = outgoing.recv() => {
                let sent = match frame {
                    Some(Frame::Binary(bytes)) => socket.send(Message::Binary(bytes.into())).await,
                    Some(Frame::Text(text)) => socket.send(Message::Text(text.into())).await,
                    None => {
                        let _ = socket.close(None).await;
                        return Heard::Closed("left".to_owned());
                    }
                };
                if let Err(error) = sent {
                    return Heard::Closed(refusal(&error));
                }
            }
            message = socket.next() => match message {
                Some(Ok(Message::Binary(bytes))) => {
                    postbox.post(participant, Heard::Frame(Frame::Binary(bytes.into())));
                }
                Some(Ok(Message::Text(text))) => {
                    postbox.post(participant, Heard::Frame(Frame::Text(text.to_string())));
                }
                Some(Ok(Message::Close(frame))) => {
                    let why = frame.map_or_else(String::new, |frame| frame.to_string());
                    return Heard::Closed(format!("closed by the server {why}"));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Heard::Closed(refusal(&error)),
                None => return Heard::Closed("the connection ended".to_owned()),
            }
        }
    }
}

/// Why a connection was not made or did not last, with what the server said.
fn refusal(error: &Error) -> String {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows")]
    match error {
        Error::Http(response) => {
            let body = response.body().as_deref().unwrap_or_default();
            let body = String::from_utf8_lossy(body);
            let body: String = body.trim().chars().take(MAX_REASON_CHARS).collect();
            format!("HTTP {} {body}", response.status())
        }
        other => other.to_string(),
    }
}

async fn request(
    http: &reqwest::Client,
    id: u32,
    method: &'static str,
    url: &str,
    content_type: Option<&'static str>,
    bearer: Option<String>,
    body: String,
) -> Heard {
    let failed = |why: String| Heard::Answer {
        id,
        status: 0,
        location: None,
        body: why,
    };
    let Ok(method) = reqwest::Method::from_bytes(method.as_bytes()) else {
        return failed(format!("{method} is no method"));
    };
    let mut request = http.request(method, url).body(body);
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => return failed(format!("{:#}", anyhow::Error::new(error))),
    };
    let status = response.status().as_u16();
    let location = response
        .headers()
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| absolute(response.url(), location));
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_BODY_BYTES {
            return failed("the answer is longer than 1 MB".to_owned());
        }
    }
    Heard::Answer {
        id,
        status,
        location,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

fn absolute(base: &reqwest::Url, location: &str) -> Option<String> {
    let joined = base.join(location).ok()?;
    joined.as_str().parse::<Uri>().ok()?;
    Some(joined.into())
}
