//! `/openapi.json` and the page that makes it readable.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use proto::api::ProblemKind;
use serde_json::{Value, json};

use super::Api;

/// The document and its page. The page's script is a file of its own, for the sake of the
/// content security policy.
pub(super) fn routes(document: &utoipa::openapi::OpenApi) -> Router<Api> {
    let document = axum::body::Bytes::from(full(document).to_string());
    Router::new()
        .route(
            "/openapi.json",
            get(async move || typed("application/json", document)),
        )
        .route(
            "/docs",
            get(async || typed("text/html; charset=utf-8", include_str!("docs.html"))),
        )
        .route(
            "/docs/docs.js",
            get(async || typed("text/javascript; charset=utf-8", include_str!("docs.js"))),
        )
        .route(
            "/docs/docs.css",
            get(async || typed("text/css; charset=utf-8", include_str!("docs.css"))),
        )
}

fn typed(content_type: &'static str, body: impl IntoResponse) -> impl IntoResponse {
    ([(CONTENT_TYPE, content_type)], body)
}

/// The document with the list of problems, which OpenAPI has no place for.
fn full(document: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(document).unwrap_or_default();
    let problems: Vec<Value> = ProblemKind::ALL
        .iter()
        .map(|kind| {
            json!({
                "slug": kind.slug(), "status": kind.status(), "title": kind.title(), "meaning": kind.meaning(),
            })
        })
        .collect();
    document["x-problems"] = problems.into();
    document
}
