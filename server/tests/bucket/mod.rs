//! A bucket: a real implementation of S3 on this machine, behind a door that can be shut.
#![allow(dead_code, reason = "not every program of tests needs all of it")]

pub(crate) mod recorded;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::error_handling::HandleError;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::folder::Folder;

/// The bucket's name.
pub(crate) const NAME: &str = "talks";
/// Who may use it.
pub(crate) const KEY: (&str, &str) = ("plenary", "aQ3kXbW7cT9zLr5nJw2V");

/// A bucket of a store on a port of its own.
#[derive(Debug)]
pub(crate) struct Bucket {
    folder: Folder,
    address: SocketAddr,
    door: Arc<watch::Sender<Door>>,
    runtime: Option<Runtime>,
}

/// Who gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Door {
    /// Whether everybody is sent away.
    is_shut: bool,
    /// Parts of uploads that are let in; further ones have to wait.
    max_parts: usize,
    /// Parts that have come.
    parts: usize,
}

/// What the store answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Bucket {
    /// An empty bucket.
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        std::fs::create_dir(folder.0.join(NAME)).expect("a folder");
        let mut service = S3ServiceBuilder::new(FileSystem::new(&folder.0).expect("a folder"));
        service.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
        let store = HandleError::new(service.build(), |error: s3s::HttpError| async move {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}"))
        });
        let door = Arc::new(watch::Sender::new(Door {
            is_shut: false,
            max_parts: usize::MAX,
            parts: 0,
        }));
        let pass = middleware::from_fn_with_state(door.clone(), pass);
        let router = Router::new().fallback_service(store).layer(pass);
        let runtime = Runtime::new().expect("threads");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        });
        Self {
            folder,
            address,
            door,
            runtime: Some(runtime),
        }
    }

    /// Where the store is.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends everybody away from now on.
    pub(crate) fn shut(&self) {
        self.door.send_modify(|door| door.is_shut = true);
    }

    /// Lets everybody in from now on, and those who wait.
    pub(crate) fn open(&self) {
        self.door.send_modify(|door| {
            (door.is_shut, door.max_parts) = (false, usize::MAX);
        });
    }

    /// Lets so many parts of uploads in, and has further ones wait.
    pub(crate) fn take_parts(&self, count: usize) {
        self.door.send_modify(|door| door.max_parts = count);
    }

    /// How many parts of uploads have come.
    pub(crate) fn parts(&self) -> usize {
        self.door.borrow().parts
    }

    /// Where an object is kept, by its name.
    pub(crate) fn path(&self, object: &str) -> PathBuf {
        self.folder.0.join(NAME).join(object)
    }

    /// The names of all objects, in order.
    pub(crate) fn objects(&self) -> Vec<String> {
        let root = self.folder.0.join(NAME);
        let (mut folders, mut objects) = (vec![root.clone()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.path() {
                    path if path.is_dir() => folders.push(path),
                    path => {
                        let name = path.strip_prefix(&root).expect("it is in there");
                        objects.push(name.display().to_string());
                    }
                }
            }
        }
        objects.sort();
        objects
    }

    /// Parts of uploads that were neither completed nor aborted.
    pub(crate) fn left_parts(&self) -> usize {
        let files = std::fs::read_dir(&self.folder.0)
            .expect("a folder")
            .flatten();
        let names = files.map(|file| file.file_name().to_string_lossy().into_owned());
        names.filter(|name| name.contains(".part-")).count()
    }

    /// Follows a link into the store, as anybody could.
    pub(crate) fn get(&self, link: &str, headers: &[&str]) -> Answer {
        let path = link.strip_prefix(&self.endpoint()).expect("a link to here");
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for header in ["Connection: close"].iter().chain(headers) {
            request += header;
            request += "\r\n";
        }
        let mut stream = TcpStream::connect(self.address).expect("the store listens");
        stream
            .write_all(format!("{request}\r\n").as_bytes())
            .expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let body = answer.split_off(end.expect("a head") + 4);
        let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|own| own.parse().ok());
        Answer {
            status: status.unwrap_or(0),
            head,
            body,
        }
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn pass(
    State(door): State<Arc<watch::Sender<Door>>>,
    request: Request,
    next: Next,
) -> Response {
    let is_part = request
        .uri()
        .query()
        .is_some_and(|query| query.contains("partNumber="));
    let mut own_part = 0;
    door.send_modify(|door| {
        door.parts += usize::from(is_part);
        own_part = door.parts;
    });
    let mut seen = door.subscribe();
    let may_pass = |door: &Door| door.is_shut || !is_part || own_part <= door.max_parts;
    match seen.wait_for(may_pass).await {
        Ok(door) if !door.is_shut => {}
        _ => return StatusCode::BAD_GATEWAY.into_response(),
    }
    next.run(request).await
}
