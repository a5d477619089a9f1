//! `/v1/rooms/{room}/tokens`

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proto::api::{CreateToken, Grants, ProblemKind, Timestamp, Token};
use proto::ids::{Identity, MAX_NAME_BYTES, RoomName};
use proto::token::{Claims, SignError, VideoGrant};

use super::caller::{Caller, MaybeCaller};
use super::request::{RoomPath, json_body, parse};
use super::rooms::scope;
use super::{Api, Failure, Problems, answer};
use crate::web::percent_encode;
use crate::{clock, entropy};

/// Seconds a token lives if the request does not say. The default of LiveKit's SDKs.
const DEFAULT_TTL: u32 = 6 * 3600;

/// Most seconds a guest's token lives.
const MAX_GUEST_TTL: u32 = 6 * 3600;

/// Most seconds any token from here lives. Whoever holds the secret can sign longer ones.
const MAX_TTL: u32 = 24 * 3600;

/// What the identity of every guest begins with, so that none can pass for somebody known.
const GUEST_PREFIX: &str = "guest-";

/// Make a token to join with.
///
/// Needs no token of one's own if the server gives guests tokens (`web.guest_tokens`); a guest's identity
/// begins with `guest-`, and a guest can join, publish, subscribe, send data and update their own metadata,
/// nothing else; with `dev` also record. The room need not exist yet.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/tokens", tag = "tokens", operation_id = "create_token",
    request_body(content = Option<CreateToken>),
    params(
        ("room" = String, Path, description = "The room's name"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key within 24 hours gets the same answer; not for guests"),
    ),
    security(("token" = ["roomAdmin"]), ()),
    responses((status = 201, description = "The token and where to use it", body = Token), Problems)
)]
pub(super) async fn create(
    State(api): State<Api>,
    MaybeCaller(caller): MaybeCaller,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    match &caller {
        Some(caller) => caller.require_admin(&room)?,
        None if api.config.web.guest_tokens => {}
        None => {
            return Err(Failure::new(
                ProblemKind::Unauthorized,
                "there is no token, and this server gives none to guests (web.guest_tokens): \
                 send one with roomAdmin as `Authorization: Bearer <token>`",
            ));
        }
    }
    let body = json_body(request, api.config.limits.api_body_bytes).await?;
    let work = async {
        let ask: CreateToken = if body.is_empty() {
            CreateToken::default()
        } else {
            parse(&body)?
        };
        make(&api, caller.as_ref(), &room, ask, &headers)
    };
    match &caller {
        Some(caller) => {
            let scope = scope(caller, &format!("tokens\n{room}"));
            api.idempotency.once(&headers, &scope, &body, work).await
        }
        // Without a caller there is nothing to tell one guest's answers from another's.
        None => work.await,
    }
}

fn make(
    api: &Api,
    caller: Option<&Caller>,
    room: &RoomName,
    ask: CreateToken,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    check(api, &ask)?;
    let mut grants = ask.grants.unwrap_or_default();
    match caller {
        Some(caller) => check_grants(caller, room, &grants)?,
        None => {
            let records = api.config.dev && !is_cross_site(headers);
            check_guest(&grants, records, ask.identity.as_ref())?;
            grants.room_record = records;
        }
    }
    let identity = ask.identity.map_or_else(made_up_identity, Ok)?;
    let now = clock::unix_now();
    let ttl = lifetime(caller, &grants, ask.ttl, now)?;
    let claims = Claims {
        identity: identity.to_string(),
        name: ask.name.unwrap_or_default(),
        metadata: ask.metadata.unwrap_or_default(),
        attributes: ask.attributes,
        video: video_grant(room, grants),
        ..Claims::default()
    };
    let key = caller.map(|caller| caller.0.key.as_str());
    let token = api
        .keys
        .sign(&claims, key, now, Duration::from_secs(ttl))
        .map_err(|error| match error {
            SignError::TooLong => Failure::field("metadata", error.to_string()),
            SignError::UnknownKey(_) | SignError::Crypto(_) => {
                Failure::new(ProblemKind::Internal, error.to_string())
            }
        })?;

    let origin = origin(api, headers)?;
    let answer_token = Token {
        url: origin.replacen("http", "ws", 1),
        join_link: format!(
            "{origin}/room/{}#token={token}",
            percent_encode(room.as_str())
        ),
        token,
        identity,
        expires_at: Timestamp::from_unix_ms((now + ttl) * 1000),
    };
    let mut response = answer(StatusCode::CREATED, &answer_token)?;
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn check(api: &Api, ask: &CreateToken) -> Result<(), Failure> {
    let limits = &api.config.limits;
    if ask
        .name
        .as_ref()
        .is_some_and(|name| name.len() > MAX_NAME_BYTES)
    {
        return Err(Failure::field(
            "name",
            format!("name must be at most {MAX_NAME_BYTES} bytes long"),
        ));
    }
    let max = limits.participant_metadata_bytes;
    if ask
        .metadata
        .as_ref()
        .is_some_and(|metadata| metadata.len() > max)
    {
        return Err(Failure::field(
            "metadata",
            format!("metadata must be at most {max} bytes long"),
        ));
    }
    if ask.attributes.len() > limits.attributes {
        return Err(Failure::field(
            "attributes",
            format!("there must be at most {} attributes", limits.attributes),
        ));
    }
    Ok(())
}

/// A caller gives what they may do themselves, or what belongs to managing the room; never more.
fn check_grants(caller: &Caller, room: &RoomName, grants: &Grants) -> Result<(), Failure> {
    let own = &caller.0.video;
    let records = caller.may_record(room.as_str());
    let beyond = [
        ("room_record", "roomRecord", grants.room_record && !records),
        ("hidden", "hidden", grants.hidden && !own.hidden),
        ("recorder", "recorder", grants.recorder && !own.recorder),
        ("agent", "agent", grants.agent && !own.agent),
    ];
    match beyond.into_iter().find(|(.., beyond)| *beyond) {
        None => Ok(()),
        Some((grant, claim, _)) => Err(Failure::new(
            ProblemKind::Forbidden,
            format!("grants.{grant} can only be given with a token that has {claim:?} itself"),
        )),
    }
}

fn check_guest(grants: &Grants, records: bool, identity: Option<&Identity>) -> Result<(), Failure> {
    let beyond = [
        grants.room_admin,
        grants.room_record && !records,
        grants.hidden,
        grants.recorder,
        grants.agent,
    ];
    if beyond.contains(&true) {
        return Err(Failure::new(
            ProblemKind::Forbidden,
            "guests get none of the grants room_admin, room_record, hidden, recorder and agent: \
             send a token with roomAdmin",
        ));
    }
    if identity.is_some_and(|identity| !identity.as_str().starts_with(GUEST_PREFIX)) {
        return Err(Failure::new(
            ProblemKind::Forbidden,
            format!(
                "the identity of a guest begins with {GUEST_PREFIX:?}; leave it out to get one"
            ),
        ));
    }
    Ok(())
}

/// Whether a page of another site asks (<https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header>). With `dev`, pages
/// of any site that a developer visits reach this server, and are not to read what was recorded.
fn is_cross_site(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site")
}

/// An identity nobody can guess.
fn made_up_identity() -> Result<Identity, Failure> {
    let random = URL_SAFE_NO_PAD.encode(entropy::bytes::<9>());
    Identity::new(&format!("{GUEST_PREFIX}{random}"))
        .map_err(|error| Failure::new(ProblemKind::Internal, error.to_string()))
}

/// How many seconds the token lives.
fn lifetime(
    caller: Option<&Caller>,
    grants: &Grants,
    asked: Option<u32>,
    now: u64,
) -> Result<u64, Failure> {
    let max = if caller.is_some() {
        MAX_TTL
    } else {
        MAX_GUEST_TTL
    };
    let ttl = asked.unwrap_or(DEFAULT_TTL);
    if !(1..=max).contains(&ttl) {
        return Err(Failure::field(
            "ttl",
            format!("ttl must be from 1 to {max} seconds"),
        ));
    }
    let ttl = u64::from(ttl);
    Ok(match caller {
        // Otherwise an administrator could stay one for ever by renewing.
        Some(caller) if grants.room_admin => {
            ttl.min(caller.0.expires_at.saturating_sub(now)).max(1)
        }
        _ => ttl,
    })
}

fn video_grant(room: &RoomName, grants: Grants) -> VideoGrant {
    VideoGrant {
        room_join: true,
        room: room.to_string(),
        room_admin: grants.room_admin,
        room_record: grants.room_record,
        can_publish: Some(grants.can_publish),
        can_subscribe: Some(grants.can_subscribe),
        can_publish_data: grants.can_publish_data,
        can_publish_sources: grants.can_publish_sources,
        can_update_own_metadata: Some(grants.can_update_own_metadata),
        hidden: grants.hidden,
        recorder: grants.recorder,
        agent: grants.agent,
        ..VideoGrant::default()
    }
}

/// Where clients reach this server: as configured, or else as this client reached it.
fn origin(api: &Api, headers: &HeaderMap) -> Result<String, Failure> {
    if let Some(url) = &api.config.public_url {
        return Ok(url.clone());
    }
    let host = headers
        .get(HOST)
        .and_then(|host| host.to_str().ok()?.parse::<Authority>().ok())
        .filter(|host| !host.as_str().contains('@'))
        .ok_or_else(|| {
            Failure::new(
                ProblemKind::MalformedRequest,
                "the request has no usable Host header",
            )
        })?;
    // Set by TLS proxies; a client that sets it itself misleads only itself.
    let https = headers
        .get("x-forwarded-proto")
        .is_some_and(|scheme| scheme == "https");
    Ok(format!("{}://{host}", if https { "https" } else { "http" }))
}
