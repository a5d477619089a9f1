//! LiveKit's signalling over HTTP: `/rtc/v1`, a WebSocket, and `/rtc/v1/validate`, which says in
//! plain HTTP why the WebSocket would be refused.
//!
//! What a message means is decided in the engine, by `engine::signal`; here are frames, tokens
//! and rates only.

mod rate;
mod socket;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{ConnectInfo, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parking_lot::Mutex;
use proto::ids::{Identity, RoomName};
use proto::signal::messages::JoinRequest;
use proto::signal::{MAX_FRAME_BYTES, decode_join_request};
use proto::token::{ApiKeys, Claims};
use serde::Deserialize;

use crate::clock;
use crate::config::Limits;
use crate::engine::JoinError;
use crate::node::{JoinRefused, Node};
use crate::observe::{Metrics, Reason};

use rate::JoinRates;

#[derive(Debug, Clone)]
struct Signalling {
    node: Node,
    keys: ApiKeys,
    metrics: Arc<Metrics>,
    rates: Arc<Mutex<JoinRates>>,
}

/// The routes.
pub fn routes(node: Node, keys: ApiKeys, metrics: Arc<Metrics>, limits: &Limits) -> Router {
    let state = Signalling {
        node,
        keys,
        metrics,
        rates: Arc::new(Mutex::new(JoinRates::new(limits))),
    };
    Router::new()
        .route("/rtc/v1", get(connect))
        .route("/rtc/v1/validate", get(validate))
        // Two peer connections are not served: SDKs that know only those are told by this 404.
        .route("/rtc", get(not_served))
        .route("/rtc/validate", get(not_served))
        .with_state(state)
}

async fn not_served() -> (StatusCode, &'static str) {
    (
        StatusCode::NOT_FOUND,
        "this server speaks /rtc/v1, one peer connection",
    )
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Parameters {
    access_token: String,
    join_request: String,
}

/// Why somebody is not let in, as SDKs expect to hear it: a status and plain text.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    text: String,
    reason: &'static str,
}

impl Refusal {
    fn new(status: StatusCode, reason: &'static str, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            reason,
        }
    }
}

impl From<JoinRefused> for Refusal {
    fn from(refused: JoinRefused) -> Self {
        let text = refused.to_string();
        let (status, reason) = match refused {
            JoinRefused::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
            JoinRefused::Refused(error) => match error {
                JoinError::RoomNotFound => (StatusCode::NOT_FOUND, "room_not_found"),
                JoinError::Full(_) => (StatusCode::SERVICE_UNAVAILABLE, "full"),
                JoinError::NotAllowed(_) => (StatusCode::UNAUTHORIZED, "not_allowed"),
                JoinError::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
                JoinError::ShuttingDown => (StatusCode::SERVICE_UNAVAILABLE, "shutting_down"),
                // The node knocks elsewhere before anybody hears of these.
                JoinError::Elsewhere(_) | JoinError::NoSegment => {
                    (StatusCode::SERVICE_UNAVAILABLE, "overloaded")
                }
            },
        };
        Self {
            status,
            text,
            reason,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let busy = [
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&self.status);
        let mut response = (self.status, self.text).into_response();
        if busy {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
        }
        response
    }
}

/// A checked wish to join.
struct Applicant {
    room: RoomName,
    identity: Identity,
    claims: Claims,
    request: JoinRequest,
}

impl Signalling {
    fn check(&self, parameters: &Parameters, headers: &HeaderMap) -> Result<Applicant, Refusal> {
        let token = bearer(headers).unwrap_or(&parameters.access_token);
        let unauthorized = |text: String| Refusal::new(StatusCode::UNAUTHORIZED, "token", text);
        if token.is_empty() {
            return Err(unauthorized(
                "no permissions to access the room: there is no token".to_owned(),
            ));
        }
        let claims = self
            .keys
            .verify(token, clock::unix_now())
            .map_err(|error| unauthorized(format!("invalid token: {error}")))?;
        if !claims.video.room_join {
            return Err(unauthorized(
                "permissions denied: the token does not grant roomJoin".to_owned(),
            ));
        }
        let bad = |text: String| Refusal::new(StatusCode::BAD_REQUEST, "bad_request", text);
        let room =
            RoomName::new(&claims.video.room).map_err(|error| bad(format!("room {error}")))?;
        let identity =
            Identity::new(&claims.identity).map_err(|error| bad(format!("identity {error}")))?;
        if parameters.join_request.is_empty() {
            return Err(bad("join_request is required".to_owned()));
        }
        let request = decode_join_request(&parameters.join_request)
            .map_err(|error| bad(error.to_string()))?;
        Ok(Applicant {
            room,
            identity,
            claims,
            request,
        })
    }

    fn admit_rate(&self, ip: IpAddr) -> Result<(), Refusal> {
        if self.rates.lock().allow(clock::now(), ip) {
            return Ok(());
        }
        let text = "too many joins from this address";
        Err(Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "join_rate",
            text,
        ))
    }

    fn count_refusal(&self, refusal: Refusal) -> Refusal {
        self.metrics
            .join_refusals
            .get_or_create(&Reason {
                reason: refusal.reason,
            })
            .inc();
        refusal
    }
}

async fn validate(
    State(state): State<Signalling>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<&'static str, Refusal> {
    state.check(&parameters, &headers).map(|_| "success")
}

async fn connect(
    State(state): State<Signalling>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let Ok(upgrade) = upgrade else {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "not_a_websocket", ""));
    };
    let admitted = async {
        state.admit_rate(address.ip())?;
        let applicant = state.check(&parameters, &headers)?;
        let Applicant {
            room,
            identity,
            claims,
            request,
        } = applicant;
        Ok(state.node.join(room, identity, claims, request).await?)
    };
    let connection = admitted
        .await
        .map_err(|refusal| state.count_refusal(refusal))?;
    state.metrics.joins.inc();
    let metrics = Arc::clone(&state.metrics);
    let upgrade = upgrade
        .max_message_size(MAX_FRAME_BYTES)
        .max_frame_size(MAX_FRAME_BYTES)
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES);
    Ok(upgrade.on_upgrade(move |websocket| socket::run(websocket, connection, metrics)))
}

/// Bytes of a WebSocket's buffers, which are held as long as it lives. Most messages are smaller;
/// for larger ones the buffer grows. The library's own are 128 kB each.
const BUFFER_BYTES: usize = 4 * 1024;

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(str::trim)
}
