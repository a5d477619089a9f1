//! The smoke scenario against a real `plenary`: the quickest answer to whether anything works.

#[expect(dead_code, reason = "what only breaks servers is not used here")]
#[path = "servers/server.rs"]
mod server;

use std::process::Stdio;

use server::Server;
use tokio::process::Command;

#[tokio::test]
async fn holds_every_bar() {
    let server = Server::start().await;

    let output = Command::new(env!("CARGO_BIN_EXE_plenary-load"))
        .args(["run", "smoke", "--server", &server.url(), "--seed", "1"])
        .args(["--api-key", &server.key.0, "--api-secret", &server.key.1])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("the program runs");

    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with("PASSED"), "{said}");
}
