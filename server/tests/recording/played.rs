//! Whether files play.

use std::path::Path;
use std::process::Command;

use mixer::mux::Reader;
use mixer::recording::{FileState, Manifest};

use crate::server::Server;

/// Plays everything of a recording that has ended. Returns its manifest.
pub(crate) fn play_all(server: &Server, id: &str) -> Manifest {
    let manifest = server.manifest(id);
    for file in &manifest.files {
        let name = file.path.rsplit('/').next().expect("a name");
        let bytes = server.file(id, name);
        assert_eq!(bytes.len() as u64, file.bytes, "{file:?}");
        let (blocks, is_complete) = play(&bytes);
        assert_eq!(blocks, file.blocks, "{file:?}");
        let state = match blocks {
            0 => FileState::Incomplete,
            _ => FileState::Complete,
        };
        assert_eq!(file.state, state, "{file:?}");
        assert_eq!(is_complete, blocks > 0, "{file:?}");
        if blocks > 0 {
            probe(&bytes, name);
        }
    }
    manifest
}

/// Reads a file. Returns how many blocks it has, and whether it is complete.
fn play(bytes: &[u8]) -> (u64, bool) {
    let (mut reader, mut blocks) = (Reader::new(), 0);
    reader.feed(bytes);
    while let Some(block) = reader.poll().expect("no damage") {
        assert!(blocks > 0 || block.is_keyframe);
        blocks += 1;
    }
    assert_eq!(reader.position(), bytes.len() as u64);
    let header = reader.header();
    (blocks, header.is_some_and(|own| own.duration_us.is_some()))
}

/// What another player says, if it is there.
fn probe(bytes: &[u8], name: &str) {
    let path = format!("{}-{name}", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(path);
    std::fs::write(&path, bytes).expect("a file");
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-show_streams"])
        .arg(&path)
        .output();
    std::fs::remove_file(&path).expect("the file is ours");
    let Ok(output) = output else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{name}: {said}");
}
