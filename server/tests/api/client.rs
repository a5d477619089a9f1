//! A server without sockets, and a client that speaks to it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use plenary::config::{Config, Workers};
use plenary::node::Node;
use plenary::observe::{self, Metrics};
use plenary::recorder::StoreCounters;
use plenary::{clock, http};
use proto::token::{ApiKeys, Claims, Secret, VideoGrant};
use serde_json::Value;
use tower::ServiceExt;

/// A server with one API key.
pub(crate) struct Server {
    router: Router,
    pub(crate) node: Node,
    operators: Router,
    pub(crate) keys: ApiKeys,
    pub(crate) metrics: Arc<Metrics>,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Server {
    /// A server with the defaults, changed by `change`.
    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let secret = Secret::new("kTb8QX2mVd0fLr5nJw7cYzHs3GpAe9uS");
        let mut config = Config {
            keys: [("APItest".to_owned(), secret)].into(),
            ..Config::default()
        };
        // One worker on a port the system chooses: these tests send no media.
        config.workers = Workers::Count(NonZeroUsize::MIN);
        config.udp.bind = Ipv4Addr::LOCALHOST.into();
        config.udp.port = 0;
        change(&mut config);
        let keys = ApiKeys::new(config.keys.clone());
        let metrics = Metrics::new();
        let node = Node::start(&config).expect("a node starts");
        let router = http::router(
            node.clone(),
            keys.clone(),
            Arc::new(config),
            metrics.clone(),
            Router::new(),
        );
        Self {
            router,
            node,
            operators: observe::routes(metrics.clone()),
            keys,
            metrics,
        }
    }

    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A token that says these claims, for ten minutes.
    pub(crate) fn token(&self, video: VideoGrant) -> String {
        let claims = Claims {
            identity: "backend".to_owned(),
            video,
            ..Claims::default()
        };
        self.keys
            .sign(&claims, None, clock::unix_now(), Duration::from_secs(600))
            .expect("the test's claims are short")
    }

    /// A token that may make and list rooms.
    pub(crate) fn owner(&self) -> String {
        self.token(VideoGrant {
            room_create: true,
            room_list: true,
            ..VideoGrant::default()
        })
    }

    /// A token that may manage this room.
    pub(crate) fn admin(&self, room: &str) -> String {
        self.token(VideoGrant {
            room_admin: true,
            room: room.to_owned(),
            ..VideoGrant::default()
        })
    }

    /// What the object store makes of recordings.
    pub(crate) fn store_counters(&self) -> Option<StoreCounters> {
        self.node.recordings().store_counters()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        answer(self.router.clone(), request).await
    }

    /// A request to the operators' server.
    pub(crate) async fn get_as_operator(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty());
        answer(
            self.operators.clone(),
            request.expect("the test's request is one"),
        )
        .await
    }

    /// A request with a token (unless that is empty), a JSON body (unless that is) and further headers.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method: Method = method.parse().expect("the test's method is one");
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "conference.example:7880");
        if !token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if !body.is_empty()
            && !headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(
            request
                .body(Body::from(body.to_owned()))
                .expect("the test's request is one"),
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call("GET", path, token, "", &[]).await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &str) -> Answer {
        self.call("POST", path, token, body, &[]).await
    }

    /// Makes a room with the defaults.
    pub(crate) async fn make_room(&self, name: &str) -> Answer {
        let body = serde_json::json!({ "name": name }).to_string();
        let answer = self.post("/v1/rooms", &self.owner(), &body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Checks that this is a problem of RFC 9457, and answers its detail.
    pub(crate) fn problem(&self, status: u16, slug: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem: BTreeMap<String, Value> =
            serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(problem["type"], format!("/docs#{slug}"));
        assert_eq!(problem["status"], status);
        problem["detail"].as_str().unwrap_or_default().to_owned()
    }
}

async fn answer(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.expect("a router never fails");
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .expect("bodies are in memory");
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}
