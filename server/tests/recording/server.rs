//! A real `plenary`, and what its API says.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use mixer::recording::Manifest;
use plenary::clock;
use proto::token::{ApiKeys, Claims, Secret, VideoGrant};
use serde_json::Value;

use crate::folder::Folder;
use crate::load::ROOM;

/// What is not there by then will not be.
const WITHIN: Duration = Duration::from_secs(30);
/// Another process may take a port before the server does.
const ATTEMPTS: usize = 5;

/// A server; it is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    http: SocketAddr,
}

/// How a server is to be.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Of its recordings.
    pub(crate) folder: PathBuf,
    /// A shell script that gets the server as `"$@"`, if it is not just to run.
    pub(crate) script: Option<String>,
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Setup {
    /// A server that records into a folder.
    pub(crate) fn new(folder: &Folder) -> Self {
        Self {
            folder: folder.0.clone(),
            script: None,
            variables: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    pub(crate) fn start(&self) -> Server {
        (0..ATTEMPTS)
            .find_map(|_| self.try_start())
            .expect("plenary starts: run it by hand to see why not")
    }

    fn try_start(&self) -> Option<Server> {
        let (http, admin, udp) = (free_tcp(), free_tcp(), free_udp());
        let mut command = match &self.script {
            Some(script) => {
                let mut command = Command::new("unshare");
                command.args(["-rm", "sh", "-c", script, "sh"]);
                command.arg(env!("CARGO_BIN_EXE_plenary"));
                command
            }
            None => Command::new(env!("CARGO_BIN_EXE_plenary")),
        };
        let (key, secret) = Server::KEY;
        let child = command
            .args(["serve", "--dev"])
            .args(["--http-listen", &http.to_string()])
            .args(["--admin-listen", &admin.to_string()])
            .args(["--udp-port", &udp.to_string()])
            .arg("--recording-folder")
            .arg(&self.folder)
            .args(["--recording-min-free-bytes", "0"])
            .args(["--recording-stop-free-bytes", "0"])
            .env("LIVEKIT_KEYS", format!("{key}: {secret}"))
            .env("PLENARY_WORKERS", "1")
            .envs(self.variables.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("the server's program starts");
        let mut server = Server { child, http };
        let deadline = clock::now() + WITHIN;
        while clock::now() < deadline && matches!(server.child.try_wait(), Ok(None)) {
            if server
                .try_call("GET", "/readyz", &[])
                .is_ok_and(|own| own.status == 200)
            {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Server {
    /// API key and secret.
    pub(crate) const KEY: (&'static str, &'static str) =
        ("APItest", "kR7vQ2mXn4Lw9TzB6cJs3HyP8dGf5AeU");

    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.http)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a crash would. Returns when that was, in milliseconds since 1970.
    pub(crate) fn kill(mut self) -> i64 {
        let now_ms = clock::unix_now_ms();
        self.child.kill().expect("the server runs");
        self.child.wait().expect("the server ends");
        now_ms as i64
    }

    /// Asks it to end, and waits until it has. Returns its exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.pid().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.expect("kill runs").success());
        self.child.wait().expect("the server ends").code()
    }

    /// Waits until so many people publish.
    pub(crate) fn wait_for_publishers(&self, count: u64) {
        self.wait_for("publishers", || {
            let room = self.try_call("GET", &format!("/v1/rooms/{ROOM}"), &[]);
            (room.ok()?.json()["num_publishers"] == count).then_some(())
        });
    }

    /// Begins to record. Returns the recording's id.
    pub(crate) fn record(&self) -> String {
        self.record_as("")
    }

    /// Begins to record as a body says.
    pub(crate) fn record_as(&self, body: &str) -> String {
        let path = format!("/v1/rooms/{ROOM}/recordings");
        let json = ["Content-Type: application/json"];
        let answer = self.try_send("POST", &path, &json, body);
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().expect("an id").to_owned()
    }

    pub(crate) fn end_recording(&self, id: &str) {
        let path = format!("/v1/rooms/{ROOM}/recordings/{id}");
        assert_eq!(self.call("DELETE", &path).status, 204);
    }

    /// A recording as the API tells of it.
    pub(crate) fn recording(&self, id: &str) -> Value {
        let answer = self.call("GET", &format!("/v1/recordings/{id}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Waits until a recording is as it should be.
    pub(crate) fn wait_for_recording(
        &self,
        id: &str,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
    ) -> Value {
        self.wait_for(what, || Some(self.recording(id)).filter(|own| is_so(own)))
    }

    /// Its manifest.
    pub(crate) fn manifest(&self, id: &str) -> Manifest {
        Manifest::read(&self.file(id, "manifest.json")).expect("a manifest")
    }

    /// A file of a recording.
    pub(crate) fn file(&self, id: &str, name: &str) -> Vec<u8> {
        let answer = self.call("GET", &format!("/v1/recordings/{id}/files/{name}"));
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        answer.body
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Answer {
        self.call_with(method, path, &[])
    }

    pub(crate) fn call_with(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        self.try_call(method, path, headers).expect("an answer")
    }

    /// Waits until something is there.
    pub(crate) fn wait_for<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> T {
        let deadline = clock::now() + WITHIN;
        while clock::now() < deadline {
            if let Some(found) = look() {
                return found;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no {what} after {WITHIN:?}");
    }

    fn try_call(&self, method: &str, path: &str, headers: &[&str]) -> std::io::Result<Answer> {
        self.try_send(method, path, headers, "")
    }

    /// One request on a connection of its own, as one who may do everything.
    fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &str,
    ) -> std::io::Result<Answer> {
        let mut stream = TcpStream::connect(self.http)?;
        stream.set_read_timeout(Some(WITHIN))?;
        let host = self.http;
        let token = token();
        let mut request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Length: {}\r\n",
            body.len()
        );
        for header in headers {
            request += header;
            request += "\r\n";
        }
        request += "\r\n";
        request += body;
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let Some(end) = end else {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        };
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|own| own.parse().ok());
        Ok(Answer {
            status: status.unwrap_or(0),
            body: answer.split_off(end + 4),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

fn token() -> String {
    let claims = Claims {
        video: VideoGrant {
            room_create: true,
            room_list: true,
            room_admin: true,
            room_record: true,
            room: ROOM.to_owned(),
            ..VideoGrant::default()
        },
        ..Claims::default()
    };
    let (key, secret) = Server::KEY;
    ApiKeys::new([(key.to_owned(), Secret::new(secret))].into())
        .sign(&claims, None, clock::unix_now(), Duration::from_secs(600))
        .expect("a token")
}

fn free_tcp() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address")
}

fn free_udp() -> u16 {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
    socket.local_addr().expect("an address").port()
}
