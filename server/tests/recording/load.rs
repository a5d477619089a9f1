//! `plenary-load` as a room full of people.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::server::Server;

/// The room that is talked in.
pub(crate) const ROOM: &str = "load-7-0";
/// So that the room has this name.
const SEED: &str = "7";

/// People who talk until they are dropped, or as long as they are to.
#[derive(Debug)]
pub(crate) struct Load {
    child: Child,
    report: PathBuf,
}

impl Load {
    /// People talk for a minute.
    pub(crate) fn start(server: &Server) -> Self {
        Self::start_with(server, &[])
    }

    /// People talk as they are told to.
    pub(crate) fn start_with(server: &Server, more: &[&str]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("talk-{}-{number}.json", std::process::id());
        let report = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recording/talk.toml");
        let (key, secret) = Server::KEY;
        let child = Command::new(binary())
            .args(["run", scenario, "--server", &server.url("ws", "")])
            .args(["--api-key", key, "--api-secret", secret])
            .args(["--seed", SEED, "--threads", "1", "--json"])
            .arg(&report)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        Self { child, report }
    }

    /// Waits until they have said what they had to say. Returns what they made of it.
    pub(crate) fn finish(mut self) -> Value {
        self.child.wait().expect("it was started");
        let text = std::fs::read(&self.report).expect("a report");
        serde_json::from_slice(&text).expect("JSON")
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.report);
    }
}

/// `cargo test --workspace` builds it beside the server.
fn binary() -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_plenary")).with_file_name("plenary-load");
    assert!(
        binary.exists(),
        "run `cargo build --bin plenary-load` first"
    );
    binary
}
