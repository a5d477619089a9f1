//! The operators' HTTP server, on an address of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use super::{Metrics, profile};

/// `/metrics`, `/healthz` and `/debug/pprof`.
pub fn routes(metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/metrics", get(read_metrics))
        .route("/healthz", get(async || "ok\n"))
        .with_state(metrics)
        .merge(profile::routes())
}

async fn read_metrics(State(metrics): State<Arc<Metrics>>) -> impl IntoResponse {
    (
        [(
            CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        metrics.text(),
    )
}
