//! One method of a service, as Twirp v7 has it
//! (<https://twitchtv.github.io/twirp/docs/spec_v7.html>).
//!
//! 1. `POST /twirp/<package>.<service>/<method>` with the request as protobuf, or as its JSON;
//! 2. the answer in the same form, or a [`Fault`], which is JSON in either case.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fault::{Code, Fault};
use crate::api::Api;
use crate::api::caller::Caller;

/// Longest time a method may take. As long as LiveKit's SDKs wait.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Protobuf,
    Json,
}

/// The route of a method. Whoever calls it has a good token; what that allows is for `method` to
/// say.
pub(super) fn rpc<Q, A, F, R>(method: F) -> MethodRouter<Api>
where
    Q: Message + Default + DeserializeOwned,
    A: Message + Serialize,
    F: Fn(Api, Caller, Q) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<A, Fault>> + Send + 'static,
{
    let handle = async move |State(api): State<Api>, request: Request| -> Response {
        match tokio::time::timeout(TIMEOUT, answer(api, request, method)).await {
            Ok(Ok(response)) => response,
            Ok(Err(fault)) => fault.into_response(),
            Err(_) => {
                let msg = format!("the method took longer than {} s", TIMEOUT.as_secs());
                Fault::new(Code::DeadlineExceeded, msg).into_response()
            }
        }
    };
    post(handle).fallback(only_post)
}

async fn answer<Q, A, F, R>(api: Api, request: Request, method: F) -> Result<Response, Fault>
where
    Q: Message + Default + DeserializeOwned,
    A: Message + Serialize,
    F: Fn(Api, Caller, Q) -> R,
    R: Future<Output = Result<A, Fault>>,
{
    let (mut parts, body) = request.into_parts();
    let form = Form::of(&parts.headers)?;
    let caller = Caller::from_request_parts(&mut parts, &api).await?;
    let limit = api.config.limits.api_body_bytes;
    let body = axum::body::to_bytes(body, limit).await.map_err(|_| {
        let msg = format!("the body must be whole and at most {limit} bytes long");
        Fault::new(Code::Malformed, msg)
    })?;
    let request = form.read(&body)?;
    let answer = method(api, caller, request).await?;
    form.write(&answer)
}

async fn only_post(method: Method, uri: Uri) -> Fault {
    let msg = format!(
        "unsupported method {method} for {}: only POST is allowed",
        uri.path()
    );
    Fault::new(Code::BadRoute, msg)
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let value = headers.get(CONTENT_TYPE).and_then(|own| own.to_str().ok());
        let essence = value
            .and_then(|own| own.split(';').next())
            .unwrap_or_default();
        match essence.trim().to_ascii_lowercase().as_str() {
            "application/protobuf" => Ok(Self::Protobuf),
            "application/json" => Ok(Self::Json),
            other => Err(Fault::new(
                Code::BadRoute,
                format!(
                    "unexpected Content-Type {other:?}: send application/json or application/protobuf"
                ),
            )),
        }
    }

    fn read<Q: Message + Default + DeserializeOwned>(self, body: &Bytes) -> Result<Q, Fault> {
        let malformed = |error: String| {
            let msg = format!("the request could not be read: {error}");
            Fault::new(Code::Malformed, msg)
        };
        match self {
            Self::Protobuf => {
                Q::decode(body.as_ref()).map_err(|error| malformed(error.to_string()))
            }
            Self::Json => {
                serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
            }
        }
    }

    fn write<A: Message + Serialize>(self, answer: &A) -> Result<Response, Fault> {
        let (media_type, body) = match self {
            Self::Protobuf => ("application/protobuf", answer.encode_to_vec()),
            Self::Json => {
                let failed =
                    |error: serde_json::Error| Fault::new(Code::Internal, error.to_string());
                (
                    "application/json",
                    serde_json::to_vec(answer).map_err(failed)?,
                )
            }
        };
        Ok(([(CONTENT_TYPE, media_type)], body).into_response())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proto::signal::messages::ListEgressRequest;

    use super::*;

    #[test]
    fn both_forms_are_read_and_others_are_told() {
        let form = |value| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            Form::of(&headers)
        };
        let request = ListEgressRequest {
            room_name: "blue".to_owned(),
            ..ListEgressRequest::default()
        };
        let protobuf = Bytes::from(request.encode_to_vec());
        let json = |text: &'static str| Bytes::from_static(text.as_bytes());

        assert_eq!(form("application/protobuf"), Ok(Form::Protobuf));
        assert_eq!(form("Application/JSON; charset=utf-8"), Ok(Form::Json));
        assert!(form("text/plain").is_err() && Form::of(&HeaderMap::new()).is_err());
        assert_eq!(Form::Protobuf.read(&protobuf), Ok(request.clone()));
        // SDKs write either, and newer ones fields that are not known here.
        for text in [r#"{"roomName":"blue","new":1}"#, r#"{"room_name":"blue"}"#] {
            assert_eq!(Form::Json.read(&json(text)), Ok(request.clone()));
        }
        for text in ["", "[", r#"{"roomName":7}"#] {
            assert!(Form::Json.read::<ListEgressRequest>(&json(text)).is_err());
        }
        let broken = Bytes::from_static(b"\x0a\xff");
        assert!(Form::Protobuf.read::<ListEgressRequest>(&broken).is_err());
    }
}
