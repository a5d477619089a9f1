//! What holds for every path of the public server.

use axum::body::Body;
use axum::http::Request;
use serde_json::Value;

use super::client::Server;

#[tokio::test]
async fn the_root_answers_everyone() {
    for server in [
        Server::new(),
        Server::with(|config| config.web.enabled = false),
    ] {
        assert_eq!(server.get("/", "").await.status, 200);
        let head = server.call("HEAD", "/", "", "", &[]).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    }
}

#[tokio::test]
async fn health_is_told_without_a_token() {
    let server = Server::new();

    assert_eq!(server.get("/healthz", "").await.text(), "ok\n");
    assert_eq!(server.get("/readyz", "").await.status, 200);
}

#[tokio::test]
async fn the_web_app_can_be_switched_off() {
    let on = Server::with(|config| config.web.guest_tokens = true);
    let config = on.get("/web/config.json", "").await.json();
    assert_eq!(config["guest_tokens"], true);
    assert_eq!(config["version"], env!("CARGO_PKG_VERSION"));
    for page in ["/room/blue", "/recordings/blue"] {
        let answer = on.get(page, "").await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/html"));
    }

    let off = Server::with(|config| config.web.enabled = false);
    off.get("/web/config.json", "")
        .await
        .problem(404, "not-found");
    off.get("/room/blue", "").await.problem(404, "not-found");
    assert_eq!(off.get("/", "").await.text(), "OK");
}

#[tokio::test]
async fn operators_paths_are_not_on_the_public_server() {
    let server = Server::new();

    for path in [
        "/metrics",
        "/debug/pprof/",
        "/debug/pprof/profile",
        "/debug/pprof/flamegraph",
        "/debug/rooms",
        "/v2/rooms",
        "/v1",
        "/rtc",
    ] {
        server.get(path, "").await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn people_get_a_page_where_programs_get_a_problem() {
    let server = Server::new();
    let accept = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];

    let page = server.call("GET", "/nowhere", "", "", &accept).await;

    assert_eq!(page.status, 404);
    assert!(page.header("content-type").starts_with("text/html"));
}

#[tokio::test]
async fn a_method_a_path_does_not_have_is_405_and_says_which_it_has() {
    let server = Server::new();

    for (method, path, has) in [
        ("PUT", "/v1/rooms", "POST"),
        ("PUT", "/v1/rooms/blue", "DELETE"),
        ("GET", "/v1/rooms/blue/tokens", "POST"),
        ("POST", "/healthz", "GET"),
        ("DELETE", "/", "GET"),
        ("TRACE", "/v1/rooms", "POST"),
        ("TRACE", "/", "GET"),
    ] {
        let answer = server.call(method, path, "", "", &[]).await;
        answer.problem(405, "method-not-allowed");
        assert!(
            answer.header("allow").contains(has),
            "{method} {path}: {answer:?}"
        );
    }
}

#[tokio::test]
async fn pages_of_any_origin_can_read_every_answer() {
    let server = Server::new();
    let origin = [("origin", "https://other.example")];

    for (method, path, status) in [
        ("GET", "/v1/rooms", 401),
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/rooms", 405),
        ("TRACE", "/", 405),
        ("HEAD", "/", 200),
    ] {
        let answer = server.call(method, path, "", "", &origin).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.header("access-control-allow-origin")
            ),
            (status, "*"),
            "{path}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }

    let preflight = [
        ("origin", "https://other.example"),
        ("access-control-request-method", "DELETE"),
        ("access-control-request-headers", "authorization,x-anything"),
    ];
    let answer = server
        .call("OPTIONS", "/v1/rooms/blue", "", "", &preflight)
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("access-control-allow-headers"),
        "authorization,x-anything"
    );
    assert_eq!(answer.header("access-control-max-age"), "86400");
    for method in ["OPTIONS", "HEAD", "GET", "POST", "PATCH", "DELETE"] {
        assert!(
            answer
                .header("access-control-allow-methods")
                .contains(method)
        );
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let server = Server::new();

    for path in ["/", "/nowhere", "/v1/rooms", "/docs"] {
        let answer = server.get(path, "").await;
        assert!(
            answer
                .header("content-security-policy")
                .starts_with("default-src 'self'; "),
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert!(
            answer
                .header("permissions-policy")
                .contains("microphone=(self)")
        );
        assert_eq!(answer.header("server"), "");
    }
}

#[tokio::test]
async fn a_path_with_doubled_slashes_is_the_path_without() {
    let server = Server::new();

    assert_eq!(server.get("//healthz", "").await.status, 200);
    assert_eq!(
        server
            .get("///v1//rooms?limit=1", &server.owner())
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_request_line_as_long_as_a_join_is_read() {
    let server = Server::new();
    let path = format!("/healthz?join_request={}", "A".repeat(32 * 1024));

    assert_eq!(server.get(&path, "").await.status, 200);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_name() {
    let server = Server::new();
    server.make_room("canary-4b1f").await;
    server.get("/v1/rooms/canary-4b1f", &server.owner()).await;
    server.get("/canary-4b1f", "").await;

    let text = server.metrics.text();

    assert!(!text.contains("canary"), "{text}");
    for line in [
        r#"plenary_http_requests_total{route="/v1/rooms/{room}",method="GET",status="200"} 1"#,
        r#"plenary_http_requests_total{route="unknown",method="GET",status="404"} 1"#,
    ] {
        assert!(text.contains(line), "{text}");
    }
}

/// Asks for every path and method of the document, and for methods it does not have.
#[tokio::test]
async fn the_document_and_the_routes_are_the_same() {
    let server = Server::with(|config| config.web.guest_tokens = true);
    let document = server.get("/openapi.json", "").await.json();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 8);

    for (path, item) in paths {
        let path = path.replace("{room}", "blue").replace("{identity}", "ann");
        let has: Vec<String> = item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let answer = server.call(method, &path, "", "", &[]).await;
            let served = answer.status != 405;
            assert_eq!(
                served,
                has.iter().any(|one| one == method),
                "{method} {path}: {answer:?}"
            );
            let unknown_path = answer.status == 404 && answer.text().contains("/docs#not-found");
            assert!(!unknown_path, "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn every_type_the_document_names_is_in_it() {
    let text = Server::new().get("/openapi.json", "").await.text();
    let document: Value = serde_json::from_str(&text).unwrap();

    assert_eq!(document["openapi"], "3.1.0");
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_documentation_page_keeps_to_the_content_security_policy() {
    let server = Server::new();
    let page = server.get("/docs", "").await.text();

    assert!(!page.contains("<script>") && !page.contains("style=") && !page.contains("http://"));
    let linked = page.split(['"']).filter(|part| part.starts_with("/docs/"));
    let mut count = 0;
    for path in linked {
        assert_eq!(server.get(path, "").await.status, 200, "{path}");
        count += 1;
    }
    assert_eq!(count, 2);
    assert!(
        server
            .get("/docs/docs.js", "")
            .await
            .header("content-type")
            .starts_with("text/javascript")
    );
}

#[tokio::test]
async fn an_unreadable_header_is_not_a_crash() {
    let server = Server::new();
    let request = Request::get("/v1/rooms").header("authorization", &b"Bearer \xff\xfe"[..]);

    let answer = server.send(request.body(Body::empty()).unwrap()).await;

    answer.problem(401, "unauthorized");
}
