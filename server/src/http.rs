//! The public HTTP server: what answers at which path, and what every answer carries.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    ACCEPT, ALLOW, CONTENT_SECURITY_POLICY, ETAG, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_request, map_response_with_state};
use axum::response::{IntoResponse, Response};
use proto::api::ProblemKind;
use proto::token::ApiKeys;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use crate::api::{self, Api, Failure};
use crate::config::Config;
use crate::node::Node;
use crate::observe::Metrics;
use crate::web;

/// Longest time an API request may take. Signalling has its own rules.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How long browsers may remember what other sites may ask. LiveKit's value.
const CORS_MAX_AGE: Duration = Duration::from_secs(86_400);

/// Puts the public server together. `signalling` has the paths of LiveKit's signalling.
pub fn router(
    node: Node,
    keys: ApiKeys,
    config: Arc<Config>,
    metrics: Arc<Metrics>,
    signalling: Router,
) -> Router {
    let policy = content_policy(config.recording.store.origin());
    let api = Api::new(node, keys, config.clone());
    let paths = Router::new()
        .merge(api::routes(api.clone()).layer(from_fn(limit_time)))
        .merge(api::twirp::routes(api))
        .merge(web::routes(&config.web))
        .merge(signalling)
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // On routes, because only there the pattern is known that the path matched.
        .layer(from_fn_with_state(metrics, count));
    // What stands above is found by path, so what changes the path must stand around it.
    Router::new()
        .fallback_service(paths)
        .layer(map_request(collapse_slashes))
        .layer(from_fn(refuse_trace))
        .layer(map_response_with_state(policy, secure))
        .layer(cors())
}

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, description = "The server runs")))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the server takes new participants.
#[utoipa::path(get, path = "/readyz", tag = "server", responses(
    (status = 200, description = "The server takes new participants"),
    (status = 503, description = "The server is starting or stopping"),
))]
pub(crate) async fn readyz(State(api): State<Api>) -> (StatusCode, &'static str) {
    if api.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}

async fn not_found(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let wants_page = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|a| a.contains("text/html"));
    if wants_page && method == Method::GET {
        return (StatusCode::NOT_FOUND, axum::response::Html(web::NOT_FOUND)).into_response();
    }
    Failure::new(
        ProblemKind::NotFound,
        format!("there is nothing at {}; see /docs", uri.path()),
    )
    .into_response()
}

async fn method_not_allowed(method: Method, uri: Uri) -> Failure {
    Failure::new(
        ProblemKind::MethodNotAllowed,
        format!("{} has no {method}; see Allow", uri.path()),
    )
}

async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Failure::new(
            ProblemKind::TimedOut,
            "the request took longer than 10 seconds",
        )
        .into_response(),
    }
}

async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let method = match *request.method() {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE => request.method().as_str(),
        _ => "other",
    }
    .to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let status = response.status().as_u16();
    metrics
        .api_requests
        .get_or_create(&crate::observe::RequestLabels {
            route,
            method,
            status,
        })
        .inc();
    response
}

/// Reads `//rtc` as `/rtc`: people configure addresses with a slash at the end, and SDKs add one.
async fn collapse_slashes(mut request: Request) -> Request {
    let uri = request.uri();
    if !uri.path().contains("//") {
        return request;
    }
    let mut path = String::with_capacity(uri.path().len());
    for c in uri.path().chars() {
        if c != '/' || !path.ends_with('/') {
            path.push(c);
        }
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    if let Ok(uri) = path.parse() {
        *request.uri_mut() = uri;
    }
    request
}

/// TRACE would show a page's script the headers of its own requests.
async fn refuse_trace(request: Request, next: Next) -> Response {
    if request.method() == Method::TRACE {
        let failure = Failure::new(ProblemKind::MethodNotAllowed, "TRACE is not served");
        return (
            [(ALLOW, "OPTIONS, HEAD, GET, POST, PATCH, DELETE")],
            failure,
        )
            .into_response();
    }
    next.run(request).await
}

/// What every answer tells browsers not to do.
async fn secure(State(policy): State<HeaderValue>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(policy);
    for (name, value) in SECURITY_HEADERS {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// What pages may load, and from where. Players of recordings are redirected to the object store.
fn content_policy(store: Option<String>) -> HeaderValue {
    let media = format!("'self' blob: {}", store.unwrap_or_default());
    let policy = format!(
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data: blob:; media-src {}; \
         style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'",
        media.trim_end()
    );
    // The address of a store has nothing that headers cannot hold.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'self'"))
}

const SECURITY_HEADERS: [(HeaderName, &str); 3] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // Links hold tokens in their fragment, which is never sent; room names need not be either.
    (REFERRER_POLICY, "no-referrer"),
    (
        PERMISSIONS_POLICY,
        "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), geolocation=()",
    ),
];

/// Lets pages of any origin call: tokens are sent by hand, never by the browser on its own.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([
            Method::OPTIONS,
            Method::HEAD,
            Method::GET,
            Method::POST,
            Method::PATCH,
            Method::DELETE,
        ])
        // A `*` here would leave out `Authorization` (Fetch standard, CORS-preflight fetch).
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([
            ETAG,
            LOCATION,
            RETRY_AFTER,
            HeaderName::from_static("idempotency-replayed"),
        ])
        .max_age(CORS_MAX_AGE)
}
