//! Twirp's errors.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::api::Failure;
use crate::egress::EgressError;
use crate::node::NodeError;

/// Why a method does not do what it was asked. Written as JSON whatever the request was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Fault {
    code: Code,
    msg: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    meta: BTreeMap<&'static str, String>,
}

/// Twirp's names of what can be wrong, as far as they are needed
/// (<https://twitchtv.github.io/twirp/docs/spec_v7.html#error-codes>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Code {
    /// The body is not what it says it is.
    Malformed,
    /// A field cannot be used.
    InvalidArgument,
    /// There is no good token.
    Unauthenticated,
    /// The token lacks a grant.
    PermissionDenied,
    /// There is no such method.
    BadRoute,
    /// What a field names is not there.
    NotFound,
    /// It took too long.
    DeadlineExceeded,
    /// There is one like it.
    AlreadyExists,
    /// Not in this state.
    FailedPrecondition,
    /// There is as much of it as there may be.
    ResourceExhausted,
    /// Something that should work does not.
    Internal,
    /// Nobody has built that.
    Unimplemented,
    /// The server is busy, or stops.
    Unavailable,
}

impl Code {
    const fn status(self) -> StatusCode {
        match self {
            Self::Malformed | Self::InvalidArgument => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::BadRoute | Self::NotFound => StatusCode::NOT_FOUND,
            Self::DeadlineExceeded => StatusCode::REQUEST_TIMEOUT,
            Self::AlreadyExists => StatusCode::CONFLICT,
            Self::FailedPrecondition => StatusCode::PRECONDITION_FAILED,
            Self::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unimplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Fault {
    /// A fault with what to change.
    pub(super) fn new(code: Code, msg: impl Into<String>) -> Self {
        Self {
            code,
            msg: msg.into(),
            meta: BTreeMap::new(),
        }
    }

    /// Something nobody has built, with what there is.
    pub(super) fn unimplemented(msg: &str) -> Self {
        Self::new(Code::Unimplemented, msg)
    }

    /// Names the field at fault, as Twirp's own libraries do.
    fn with_argument(mut self, field: &str) -> Self {
        self.meta.insert("argument", field.to_owned());
        self
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        // A text and a few words cannot fail to be written.
        let json = serde_json::to_vec(&self).unwrap_or_default();
        let headers = [(CONTENT_TYPE, "application/json")];
        (self.code.status(), headers, json).into_response()
    }
}

/// Only what callers are refused for has to be told apart.
impl From<Failure> for Fault {
    fn from(failure: Failure) -> Self {
        let code = match failure.status() {
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            _ => Code::Internal,
        };
        Self::new(code, failure.detail())
    }
}

impl From<NodeError> for Fault {
    fn from(error: NodeError) -> Self {
        let code = match error {
            // In the words SDKs know.
            NodeError::RoomNotFound => {
                return Self::new(Code::NotFound, "requested room does not exist");
            }
            NodeError::ParticipantNotFound => {
                return Self::new(Code::NotFound, "participant does not exist");
            }
            NodeError::RecordingNotFound(_) | NodeError::MixNotFound => Code::NotFound,
            NodeError::Conflict(_) => Code::FailedPrecondition,
            NodeError::LimitExceeded(_) | NodeError::InsufficientStorage(_) => {
                Code::ResourceExhausted
            }
            NodeError::Overloaded | NodeError::ShuttingDown | NodeError::StoreUnavailable(_) => {
                Code::Unavailable
            }
            NodeError::Internal(_) => Code::Internal,
        };
        Self::new(code, error.to_string())
    }
}

impl From<EgressError> for Fault {
    fn from(error: EgressError) -> Self {
        let msg = error.to_string();
        match error {
            EgressError::NotFound | EgressError::Absent(_) => Self::new(Code::NotFound, msg),
            EgressError::Invalid { field, .. } => {
                Self::new(Code::InvalidArgument, msg).with_argument(field)
            }
            EgressError::Unsupported(_) => Self::new(Code::Unimplemented, msg),
            EgressError::Precondition(_) => Self::new(Code::FailedPrecondition, msg),
            EgressError::Exists(_) => Self::new(Code::AlreadyExists, msg),
            EgressError::TooMany(_) => Self::new(Code::ResourceExhausted, msg),
            EgressError::Disk(_) => Self::new(Code::Internal, msg),
            EgressError::Node(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_written_as_twirp_wants_it() {
        let fault = Fault::from(EgressError::Invalid {
            field: "layout",
            detail: "there is none".to_owned(),
        });

        assert_eq!(
            serde_json::to_value(&fault).unwrap(),
            serde_json::json!({
                "code": "invalid_argument",
                "msg": "layout: there is none",
                "meta": { "argument": "layout" },
            })
        );
        assert_eq!(fault.into_response().status(), 400);
        let plain = Fault::new(Code::BadRoute, "m");
        assert_eq!(
            serde_json::to_string(&plain).unwrap(),
            r#"{"code":"bad_route","msg":"m"}"#
        );
    }

    #[test]
    fn statuses_are_those_of_the_specification() {
        for (code, status) in [
            (Code::Malformed, 400),
            (Code::Unauthenticated, 401),
            (Code::PermissionDenied, 403),
            (Code::BadRoute, 404),
            (Code::DeadlineExceeded, 408),
            (Code::AlreadyExists, 409),
            (Code::FailedPrecondition, 412),
            (Code::ResourceExhausted, 429),
            (Code::Internal, 500),
            (Code::Unimplemented, 501),
            (Code::Unavailable, 503),
        ] {
            assert_eq!(code.status().as_u16(), status, "{code:?}");
        }
    }
}
