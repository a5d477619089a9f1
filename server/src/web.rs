//! The web app, built into this binary.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use rust_embed::{EmbeddedFile, RustEmbed};
use tower_http::compression::CompressionLayer;

use crate::api::{Api, Failure};
use crate::config::Web;

/// What `npm run build` made; empty in a build without Node.
#[derive(RustEmbed)]
#[folder = "web/dist"]
struct Dist;

const INDEX: &str = "index.html";

/// What stands at `/` if the app was not built in.
const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Plenary</title>\
    <h1>Plenary is running</h1><p>This binary was built without the web app. <code>deploy/run</code> builds it in; \
    by hand: <code>npm ci &amp;&amp; npm run build</code> in <code>server/web</code>, then build the server again.</p>\
    <p>SDKs can connect here, and the <a href=/docs>API</a> works.</p></html>";

/// What people see at a path that does not exist.
pub(crate) const NOT_FOUND: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Not found</title>\
    <h1>There is nothing here</h1><p><a href=/>To the start page</a></p></html>";

/// The app's pages and files. Switched off, `/` only says that the server runs, as LiveKit's does.
pub(crate) fn routes(config: &Web) -> Router {
    if !config.enabled {
        return Router::new().route("/", get(async || "OK"));
    }
    Dist::iter()
        .filter(|path| path != INDEX)
        .fold(Router::new(), |router, path| {
            let route = format!("/{path}");
            router.route(
                &route,
                get(async move |headers: HeaderMap| file(&path, &headers)),
            )
        })
        .route("/", get(index))
        .route("/room/{name}", get(index))
        .route("/recordings/{room}", get(index))
        .layer(CompressionLayer::new())
}

async fn index(headers: HeaderMap) -> Response {
    if Dist::get(INDEX).is_none() {
        Html(NOT_BUILT).into_response()
    } else {
        file(INDEX, &headers)
    }
}

fn file(path: &str, headers: &HeaderMap) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Dist::get(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let hash: String = metadata
        .sha256_hash()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("W/\"{hash}\"");
    // Vite names the files in this folder by their content.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let caching = [(ETAG, tag.as_str()), (CACHE_CONTROL, cache)];
    if headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(CONTENT_TYPE, content_type(path))], data).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "mp3" => "audio/mpeg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What the web app needs to know before anyone joins.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct WebConfig {
    /// The server's version.
    version: &'static str,
    /// Whether a guest can get a token for any room.
    guest_tokens: bool,
}

/// What the web app needs to know.
#[utoipa::path(
    get, path = "/web/config.json", tag = "server", operation_id = "web_config",
    responses(
        (status = 200, description = "The web app's settings", body = WebConfig),
        (status = 404, description = "The web app is switched off"),
    )
)]
pub(crate) async fn config(State(api): State<Api>) -> Result<Json<WebConfig>, Failure> {
    let web = api.web();
    if !web.enabled {
        return Err(Failure::new(
            proto::api::ProblemKind::NotFound,
            "the web app is switched off (web.enabled)",
        ));
    }
    Ok(Json(WebConfig {
        version: env!("CARGO_PKG_VERSION"),
        guest_tokens: web.guest_tokens,
    }))
}

/// Writes a name as one segment of a path (RFC 3986 §2.1).
pub(crate) fn percent_encode(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_one_path_segment() {
        assert_eq!(percent_encode("a-b_c.~9"), "a-b_c.~9");
        assert_eq!(percent_encode("a/b c?é#"), "a%2Fb%20c%3F%C3%A9%23");
    }
}
