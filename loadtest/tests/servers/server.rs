//! A real `plenary`.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proto::token::{ApiKeys, Claims, Secret, VideoGrant};
use tokio::process::{Child, Command};

/// Another process may take a port before the server does.
const ATTEMPTS: usize = 5;
/// A server that is not ready by then will not be.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// The server; it ends with the last of its handles.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// API key and secret.
    pub(crate) key: (String, String),
    http: SocketAddr,
    process: Arc<Mutex<Child>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        for _ in 0..ATTEMPTS {
            if let Some(server) = Self::try_start().await {
                return server;
            }
        }
        panic!("plenary does not start: run it by hand to see why");
    }

    async fn try_start() -> Option<Self> {
        let (http, admin, udp) = (free_tcp(), free_tcp(), free_udp());
        let key = (
            "APItest".to_owned(),
            "kR7vQ2mXn4Lw9TzB6cJs3HyP8dGf5AeU".to_owned(),
        );
        let process = Command::new(binary())
            .args(["serve", "--dev", "--workers", "1"])
            .args(["--http-listen", &http.to_string()])
            .args(["--admin-listen", &admin.to_string()])
            .args(["--udp-port", &udp.to_string()])
            .env("LIVEKIT_KEYS", format!("{}: {}", key.0, key.1))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the server's program starts");
        let server = Self {
            key,
            http,
            process: Arc::new(Mutex::new(process)),
        };
        let is_ready = tokio::time::timeout(READY_WITHIN, server.wait_until_ready()).await;
        is_ready.unwrap_or(false).then_some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}", self.http)
    }

    pub(crate) fn kill(&self) {
        self.process().start_kill().expect("the server runs");
    }

    /// Waits until so many participants of a room publish.
    pub(crate) async fn wait_for_publishers(&self, room: &str, count: u64) {
        let deadline = tokio::time::Instant::now() + READY_WITHIN;
        while tokio::time::Instant::now() < deadline {
            let answer = self.request(reqwest::Method::GET, room).await;
            let text = answer.text().await.unwrap_or_default();
            let state: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
            if state["num_publishers"] == count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{room} has not {count} publishers after {READY_WITHIN:?}");
    }

    pub(crate) async fn delete_room(&self, room: &str) {
        let answer = self.request(reqwest::Method::DELETE, room).await;
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Calls the API about a room, as one who may do everything with it.
    async fn request(&self, method: reqwest::Method, room: &str) -> reqwest::Response {
        let claims = Claims {
            video: VideoGrant {
                room_create: true,
                room_list: true,
                room_admin: true,
                room: room.to_owned(),
                ..VideoGrant::default()
            },
            ..Claims::default()
        };
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a clock");
        let (key, secret) = self.key.clone();
        let token = ApiKeys::new([(key, Secret::new(secret))].into())
            .sign(&claims, None, now.as_secs(), Duration::from_secs(60))
            .expect("a token");
        reqwest::Client::new()
            .request(method, format!("http://{}/v1/rooms/{room}", self.http))
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer")
    }

    async fn wait_until_ready(&self) -> bool {
        loop {
            let answer = reqwest::get(format!("http://{}/readyz", self.http)).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return true;
            }
            if !matches!(self.process().try_wait(), Ok(None)) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Child> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `cargo test --workspace` builds it beside the tester.
fn binary() -> PathBuf {
    let tester = Path::new(env!("CARGO_BIN_EXE_plenary-load"));
    let binary = tester.with_file_name("plenary");
    assert!(binary.exists(), "run `cargo build --bin plenary` first");
    binary
}

fn free_tcp() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address")
}

fn free_udp() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    socket.local_addr().expect("an address").port()
}
