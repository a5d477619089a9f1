//! Composites of what was recorded.

use std::process::Command;

use crate::ended::wait_for_files;
use crate::folder::Folder;
use crate::load::Load;
use crate::server::{Server, Setup};

#[test]
fn every_picture_of_people_who_send_h264_is_shown() {
    let folder = Folder::new();
    let server = Setup::new(&folder).start();
    let load = Load::start_with(&server, &["--set", "video.codec=h264"]);
    server.wait_for_publishers(2);
    let id = server.record();
    wait_for_files(&server, &id, 4);
    server.end_recording(&id);
    server.wait_for_recording(&id, "end", |own| own["state"] == "done");
    drop(load);

    let said = compose(&folder, &server, &id);

    assert!(
        said.contains("MB") && !said.contains("not be shown"),
        "{said}"
    );
}

/// Makes a composite of a recording after it. Returns what the program says of it.
fn compose(folder: &Folder, server: &Server, id: &str) -> String {
    let manifest = server.manifest(id);
    let recordings = std::fs::read_dir(folder.0.join(&manifest.room_sid)).expect("a folder");
    let mut recordings = recordings.map(|entry| entry.expect("a recording").path());
    let recording = recordings
        .find(|path| path.to_string_lossy().ends_with(id))
        .expect("its folder");
    let output = Command::new(env!("CARGO_BIN_EXE_plenary"))
        .args([
            "compose", "--codec", "vp8", "--size", "320x180", "--fps", "5",
        ])
        .arg("--out")
        .arg(folder.0.join("composite.webm"))
        .arg(&recording)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}
