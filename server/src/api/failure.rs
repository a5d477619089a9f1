//! Answers when a request cannot be done.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use proto::api::{BodyError, Problem, ProblemKind};

use crate::node::NodeError;
use crate::recorder::ask::BadField;

/// A [`Problem`] on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure(Problem);

impl Failure {
    /// A problem of this kind, with what to change.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self(Problem::new(kind, detail))
    }

    /// A field that cannot be used, and why.
    pub(crate) fn field(field: &str, detail: impl Into<String>) -> Self {
        Self(Problem::new(ProblemKind::InvalidField, detail).with_field(field))
    }

    /// The HTTP status it is answered with.
    pub(super) fn status(&self) -> u16 {
        self.0.status
    }

    /// What happened and what to change.
    pub(super) fn detail(&self) -> &str {
        &self.0.detail
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        let kind = match error {
            NodeError::RoomNotFound => ProblemKind::RoomNotFound,
            NodeError::ParticipantNotFound => ProblemKind::ParticipantNotFound,
            NodeError::Conflict(_) => ProblemKind::Conflict,
            NodeError::LimitExceeded(_) => ProblemKind::LimitExceeded,
            NodeError::Overloaded => ProblemKind::Overloaded,
            NodeError::ShuttingDown => ProblemKind::ShuttingDown,
            NodeError::RecordingNotFound(_) => ProblemKind::RecordingNotFound,
            NodeError::MixNotFound => ProblemKind::MixNotFound,
            NodeError::InsufficientStorage(_) => ProblemKind::InsufficientStorage,
            NodeError::StoreUnavailable(_) => ProblemKind::StoreUnavailable,
            NodeError::Internal(_) => ProblemKind::Internal,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<BadField> for Failure {
    fn from(bad: BadField) -> Self {
        Self::field(bad.field, bad.detail)
    }
}

impl From<BodyError> for Failure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::NotJson(_) => Self::new(ProblemKind::MalformedBody, error.to_string()),
            BodyError::Field { field, detail } if field.is_empty() => {
                Self::new(ProblemKind::InvalidField, detail)
            }
            BodyError::Field { field, detail } => Self::field(&field, detail),
        }
    }
}

/// Seconds after which a busy server is worth another try.
const RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_SECONDS);
        }
        response
    }
}
