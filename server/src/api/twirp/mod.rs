//! LiveKit's server API under `/twirp`, which its server SDKs and `lk` speak.
//!
//! It is LiveKit's, so it is not in our OpenAPI document. A service is a module with one handler for
//! each method, see [`rpc`].

mod egress;
mod fault;
mod rpc;

use axum::Router;
use axum::http::{Method, Uri};
use axum::routing::any;

use super::Api;
use fault::{Code, Fault};

/// The routes of all services.
pub(crate) fn routes(api: Api) -> Router {
    Router::new()
        .merge(egress::routes())
        .route("/twirp/{*path}", any(no_such_method))
        .with_state(api)
}

async fn no_such_method(method: Method, uri: Uri) -> Fault {
    Fault::new(
        Code::BadRoute,
        format!("no handler for {method} {}", uri.path()),
    )
}
