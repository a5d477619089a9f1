//! Errors as RFC 9457 writes them.

use serde::{Deserialize, Serialize};

/// What the API answers when it cannot do what it was asked (`application/problem+json`, RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Problem {
    /// Which problem this is: a link into this server's documentation that stays the same.
    #[serde(rename = "type")]
    #[schema(example = "/docs#room-not-found")]
    pub kind: String,
    /// The problem in a few words, always the same for one type.
    #[schema(example = "Room not found")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    pub status: u16,
    /// What happened this time and what to change.
    pub detail: String,
    /// The request field at fault, as a dotted path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

macro_rules! problems {
    ($($(#[doc = $doc:literal])+ $variant:ident = $status:literal $slug:literal $title:literal,)+) => {
        /// Every problem the API can report.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ProblemKind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl ProblemKind {
            /// All of them, for the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The HTTP status it is answered with.
            pub fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)+
                }
            }

            /// The last part of its type URL.
            pub fn slug(self) -> &'static str {
                match self {
                    $(Self::$variant => $slug,)+
                }
            }

            /// Its title.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }

            /// What it means, for the documentation.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+
                }
            }
        }
    };
}

problems! {
    /// The body is not JSON.
    MalformedBody = 400 "malformed-body" "Malformed body",
    /// A query parameter or header cannot be read.
    MalformedRequest = 400 "malformed-request" "Malformed request",
    /// The token is missing, expired or not genuine; the detail says which.
    Unauthorized = 401 "unauthorized" "Not authorized",
    /// The token is good but lacks the grant that this operation needs; the detail names it.
    Forbidden = 403 "forbidden" "Grant missing",
    /// There is nothing at this path.
    NotFound = 404 "not-found" "No such path",
    /// There is no such room, or it has ended.
    RoomNotFound = 404 "room-not-found" "Room not found",
    /// The room has no participant of this identity.
    ParticipantNotFound = 404 "participant-not-found" "Participant not found",
    /// There is no such recording, or it has no such file.
    RecordingNotFound = 404 "recording-not-found" "Recording not found",
    /// The room is not mixed.
    MixNotFound = 404 "mix-not-found" "Mix not found",
    /// The path exists, but not with this method; `Allow` lists those it has.
    MethodNotAllowed = 405 "method-not-allowed" "Method not allowed",
    /// The resource exists with other settings, or the request was already being answered.
    Conflict = 409 "conflict" "Conflict",
    /// `If-Match` names another state than the present one; read the resource again.
    PreconditionFailed = 412 "precondition-failed" "Resource has changed",
    /// The body is longer than the limit.
    BodyTooLarge = 413 "body-too-large" "Body too large",
    /// The body is not declared as `application/json`.
    UnsupportedMediaType = 415 "unsupported-media-type" "Unsupported media type",
    /// A field is unknown, missing or out of range; `field` names it.
    InvalidField = 422 "invalid-field" "Invalid field",
    /// An `Idempotency-Key` was used before with another request.
    IdempotencyKeyReused = 422 "idempotency-key-reused" "Idempotency-Key reused",
    /// A limit of the server's configuration is reached; the detail names it.
    LimitExceeded = 429 "limit-exceeded" "Limit exceeded",
    /// The server failed; its log says why.
    Internal = 500 "internal" "Internal error",
    /// The object store of recordings cannot be reached or refuses; the detail has what it says.
    StoreUnavailable = 502 "store-unavailable" "Object store unavailable",
    /// The server has no capacity for this; try again after `Retry-After` seconds.
    Overloaded = 503 "overloaded" "Overloaded",
    /// The server is stopping; try again after `Retry-After` seconds.
    ShuttingDown = 503 "shutting-down" "Shutting down",
    /// There is too little room on the disk of recordings; the detail says how much there is.
    InsufficientStorage = 507 "insufficient-storage" "Insufficient storage",
    /// The request took too long.
    TimedOut = 503 "timed-out" "Timed out",
}

impl Problem {
    /// A problem of this kind, with what to change.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/docs#{}", kind.slug()),
            title: kind.title().to_owned(),
            status: kind.status(),
            detail: detail.into(),
            field: None,
        }
    }

    /// The same problem with the field at fault.
    #[must_use]
    pub fn with_field(self, field: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_members_of_rfc_9457() {
        let problem = Problem::new(ProblemKind::InvalidField, "too long").with_field("name");

        assert_eq!(
            serde_json::to_value(problem).unwrap(),
            serde_json::json!({
                "type": "/docs#invalid-field", "title": "Invalid field", "status": 422,
                "detail": "too long", "field": "name",
            })
        );
    }
}
