//! The control API under `/v1`, its documentation, and LiveKit's server API under `/twirp`.
//!
//! Handlers are thin: authorise, read the request, one call to the [`Node`], answer. They are
//! registered together with their description, so the OpenAPI document cannot leave one out.

mod caller;
mod docs;
mod failure;
mod idempotency;
mod mixes;
mod participants;
mod recordings;
mod request;
mod rooms;
mod tokens;
pub(crate) mod twirp;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::http::header::{ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use proto::api::{Problem, ProblemKind};
use proto::token::ApiKeys;
use utoipa::OpenApi;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, RefOr, ResponseBuilder, ResponsesBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::Config;
use crate::egress::Egresses;
use crate::node::Node;

pub(crate) use failure::Failure;

use idempotency::Idempotency;

/// What handlers work with; cheap to clone.
#[derive(Debug, Clone)]
pub struct Api {
    node: Node,
    egresses: Egresses,
    keys: ApiKeys,
    config: Arc<Config>,
    idempotency: Idempotency,
}

impl Api {
    /// An API for the rooms of this node.
    pub fn new(node: Node, keys: ApiKeys, config: Arc<Config>) -> Self {
        let idempotency = Idempotency::new(config.limits.idempotency_keys);
        let egresses = Egresses::start(node.clone(), &config.recording);
        node.recordings().resume_storing();
        Self {
            egresses,
            node,
            keys,
            config,
            idempotency,
        }
    }

    /// Whether the node takes new participants.
    pub(crate) fn is_ready(&self) -> bool {
        self.node.is_ready()
    }

    /// The settings of the web app.
    pub(crate) fn web(&self) -> &crate::config::Web {
        &self.config.web
    }
}

impl FromRef<Api> for ApiKeys {
    fn from_ref(api: &Api) -> Self {
        api.keys.clone()
    }
}

/// Every route with its description.
fn described() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(rooms::list, rooms::create))
        .routes(routes!(rooms::get, rooms::change, rooms::delete))
        .routes(routes!(tokens::create))
        .routes(routes!(participants::list))
        .routes(routes!(participants::get, participants::remove))
        .routes(routes!(mixes::get, mixes::set, mixes::delete))
        .routes(routes!(recordings::list_of_room, recordings::start))
        .routes(routes!(recordings::stop))
        .routes(routes!(recordings::list))
        .routes(routes!(
            recordings::get,
            recordings::change,
            recordings::delete
        ))
        .routes(routes!(recordings::file))
        .routes(routes!(crate::http::healthz))
        .routes(routes!(crate::http::readyz))
        .routes(routes!(crate::web::config))
}

/// The routes of the API, of its documentation and of the other descriptions in it.
pub fn routes(api: Api) -> Router {
    let (router, document) = described().split_for_parts();
    router.merge(docs::routes(&document)).with_state(api)
}

/// The OpenAPI document.
pub fn document() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plenary",
        description = "Rooms, participants, recordings and tokens. Every operation names the grant it needs; a token with grants \
            is made by any LiveKit server SDK or by `plenary token`. Durations are in seconds, times are RFC 3339, \
            errors are RFC 9457. `POST` honours `Idempotency-Key` for 24 hours, `DELETE` and `PATCH` of a room honour `If-Match`. \
            Requests with fields or query parameters that are not described here are refused.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem)),
    modifiers(&Bearer),
    tags(
        (name = "rooms", description = "Rooms come into being by this API or when somebody joins."),
        (name = "participants", description = "Who is in a room."),
        (name = "mixes", description = "What a room looks and sounds like, as tracks for those who can take no more."),
        (name = "recordings", description = "What was said and shown in a room, as files."),
        (name = "tokens", description = "What a participant joins with."),
        (name = "server", description = "The server itself; no token is needed."),
    )
)]
struct Description;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.bearer_format = Some("JWT".to_owned());
        scheme.description = Some(
            "A LiveKit access token: HS256 with the secret of the API key in `iss`, and an expiry. The roles named \
             with an operation are fields of its `video` claim."
                .to_owned(),
        );
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// The problems any operation can answer with, for the document.
struct Problems;

impl utoipa::IntoResponses for Problems {
    fn responses() -> std::collections::BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let content = || {
            let schema = utoipa::openapi::Ref::from_schema_name("Problem");
            ContentBuilder::new().schema(Some(schema)).build()
        };
        let mut meanings = std::collections::BTreeMap::<u16, Vec<&str>>::new();
        for kind in ProblemKind::ALL {
            meanings
                .entry(kind.status())
                .or_default()
                .push(kind.title());
        }
        let responses =
            meanings
                .into_iter()
                .fold(ResponsesBuilder::new(), |responses, (status, titles)| {
                    let response = ResponseBuilder::new()
                        .description(titles.join(", "))
                        .content("application/problem+json", content());
                    responses.response(status.to_string(), response)
                });
        responses.build().responses
    }
}

/// Answers a resource with its entity tag.
fn answer<T: serde::Serialize>(status: StatusCode, resource: &T) -> Result<Response, Failure> {
    let json = to_json(resource)?;
    let tag = HeaderValue::try_from(request::etag(&json)).ok();
    let mut response = (
        status,
        [(axum::http::header::CONTENT_TYPE, "application/json")],
        json,
    )
        .into_response();
    if let Some(tag) = tag {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

fn to_json<T: serde::Serialize>(resource: &T) -> Result<Vec<u8>, Failure> {
    serde_json::to_vec(resource)
        .map_err(|error| Failure::new(ProblemKind::Internal, error.to_string()))
}

/// Adds where a new resource is found.
fn at(mut response: Response, path: &str) -> Response {
    if let Ok(path) = HeaderValue::try_from(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_of_v1_states_its_grant() {
        let document = serde_json::to_value(document()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");

        let mut operations = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path}");
                let grant = operation["security"]
                    .as_array()
                    .and_then(|all| all.iter().find(|one| one.get("token").is_some()));
                let has_grant = grant.is_some_and(|grant| grant["token"][0].is_string());
                assert_eq!(has_grant, path.starts_with("/v1/"), "{method} {path}");
                operations += 1;
            }
        }
        assert_eq!(operations, 23);
    }
}
