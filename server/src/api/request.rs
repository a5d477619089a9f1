//! Reading the parts of a request.

use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use proto::api::ProblemKind;
use proto::ids::{Identity, RoomName};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::failure::Failure;

/// The room a path names.
#[derive(Debug)]
pub(super) struct RoomPath(pub(super) RoomName);

/// The participant a path names.
#[derive(Debug)]
pub(super) struct ParticipantPath(pub(super) RoomName, pub(super) Identity);

fn room_name(text: &str) -> Result<RoomName, Failure> {
    RoomName::new(text).map_err(|error| Failure::field("room", format!("the room's name {error}")))
}

fn bad_path(error: &PathRejection) -> Failure {
    Failure::new(ProblemKind::MalformedRequest, error.body_text())
}

impl<S: Send + Sync> FromRequestParts<S> for RoomPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path(room) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|error| bad_path(&error))?;
        Ok(Self(room_name(&room)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ParticipantPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Path((room, identity)) = Path::<(String, String)>::from_request_parts(parts, state)
            .await
            .map_err(|error| bad_path(&error))?;
        let identity = Identity::new(&identity)
            .map_err(|error| Failure::field("identity", format!("the identity {error}")))?;
        Ok(Self(room_name(&room)?, identity))
    }
}

/// Reads the whole body if it says it is JSON and keeps to the limit. Called after authorisation, so
/// that strangers cannot make the server read much.
pub(super) async fn json_body(request: Request, limit: usize) -> Result<Bytes, Failure> {
    let headers = request.headers();
    let too_large = || {
        Failure::new(
            ProblemKind::BodyTooLarge,
            format!("the body must be at most {limit} bytes long"),
        )
    };
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(is_json);
    let body = axum::body::to_bytes(request.into_body(), limit)
        .await
        .map_err(|error| {
            let limited = std::error::Error::source(&error)
                .is_some_and(|source| source.to_string().contains("limit"));
            if limited {
                too_large()
            } else {
                Failure::new(ProblemKind::MalformedBody, "the body ended early")
            }
        })?;
    if !is_json && !body.is_empty() {
        return Err(Failure::new(
            ProblemKind::UnsupportedMediaType,
            "send JSON, as `Content-Type: application/json`",
        ));
    }
    Ok(body)
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads a request type from a body.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    Ok(proto::api::read(body)?)
}

/// Which page of a list is wanted.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Most entries of the page: 1 to 1000, 100 if left out.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl Page {
    const DEFAULT_LIMIT: usize = 100;
    const MAX_LIMIT: usize = 1000;

    /// Cuts the page out of all entries, ordered by name, and makes the cursor for the next one.
    pub(super) fn cut<T>(
        &self,
        mut entries: Vec<T>,
        name: impl Fn(&T) -> &str,
    ) -> Result<(Vec<T>, Option<String>), Failure> {
        let limit = self.limit.unwrap_or(Self::DEFAULT_LIMIT);
        if !(1..=Self::MAX_LIMIT).contains(&limit) {
            return Err(Failure::field("limit", "limit must be from 1 to 1000"));
        }
        if let Some(cursor) = &self.cursor {
            let after = read_cursor(cursor)?;
            entries.retain(|entry| name(entry) > after.as_str());
        }
        entries.sort_by(|a, b| name(a).cmp(name(b)));
        let more = entries.len() > limit;
        entries.truncate(limit);
        let cursor = entries
            .last()
            .filter(|_| more)
            .map(|last| write_cursor(name(last)));
        Ok((entries, cursor))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Failure> {
        read_query(&parts.uri)
    }
}

fn read_query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Failure> {
    let Query(query) = Query::try_from_uri(uri).map_err(|error: QueryRejection| {
        Failure::new(ProblemKind::MalformedRequest, error.body_text())
    })?;
    Ok(query)
}

/// A cursor is the last name of a page; the encoding only says that it is not to be made by hand.
fn write_cursor(name: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(name)
}

fn read_cursor(cursor: &str) -> Result<String, Failure> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| {
            Failure::field(
                "cursor",
                "cursor must be the next_cursor of the page before",
            )
        })
}

/// A name for the present state of a resource, made from the JSON it is answered with.
pub(super) fn etag(json: &[u8]) -> String {
    format!("\"{:016x}\"", fingerprint(json))
}

/// A hash that is the same for the same bytes as long as this process lives.
pub(super) fn fingerprint(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

/// Refuses a change to a resource that is not in the state the client last saw (RFC 9110 §13.1.1).
pub(super) fn check_if_match(headers: &HeaderMap, current: &[u8]) -> Result<(), Failure> {
    let mut wanted = headers.get_all(IF_MATCH).iter().peekable();
    if wanted.peek().is_none() {
        return Ok(());
    }
    let current = etag(current);
    let matches = wanted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim() == "*" || tag.trim() == current);
    if matches {
        return Ok(());
    }
    Err(Failure::new(
        ProblemKind::PreconditionFailed,
        format!("the resource is now {current}: read it again and decide again"),
    ))
}
