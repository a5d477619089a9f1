//! Composites of what was recorded.

use std::process::Command;

use mixer::codec::{Codec, VideoDecoder};
use mixer::mux::Reader;
use mixer::picture::Picture;

use crate::ended::wait_for_files;
use crate::folder::Folder;
use crate::load::Load;
use crate::server::{Server, Setup};

#[test]
fn people_who_send_h264_are_seen() {
    let folder = Folder::new();
    let server = Setup::new(&folder).start();
    let load = Load::start_with(&server, &["--set", "video.codec=h264"]);
    server.wait_for_publishers(2);
    let id = server.record();
    wait_for_files(&server, &id, 4);
    server.end_recording(&id);
    server.wait_for_recording(&id, "end", |own| own["state"] == "done");
    drop(load);

    let composite = compose(&folder, &server, &id);

    let shades = shades(&last_picture(&composite));
    assert!(shades > MIN_SHADES, "{shades} shades");
}

/// Shades in a line of a picture that shows a camera; names on plain colours have fewer.
const MIN_SHADES: usize = 60;

/// A composite of a recording in VP8, made after it.
fn compose(folder: &Folder, server: &Server, id: &str) -> Vec<u8> {
    let manifest = server.manifest(id);
    let recordings = std::fs::read_dir(folder.0.join(&manifest.room_sid)).expect("a folder");
    let mut recordings = recordings.map(|entry| entry.expect("a recording").path());
    let recording = recordings
        .find(|path| path.to_string_lossy().ends_with(id))
        .expect("its folder");
    let out = folder.0.join("composite.webm");
    let status = Command::new(env!("CARGO_BIN_EXE_plenary"))
        .args([
            "compose", "--codec", "vp8", "--size", "320x180", "--fps", "5",
        ])
        .args(["--no-names", "--quiet", "--out"])
        .arg(&out)
        .arg(&recording)
        .status();
    assert!(status.expect("the program starts").success());
    std::fs::read(&out).expect("a file")
}

fn last_picture(file: &[u8]) -> Picture {
    let mut reader = Reader::new();
    let mut decoder = VideoDecoder::new(Codec::Vp8).expect("every build has it");
    let mut picture = Picture::default();
    reader.feed(file);
    while let Some(block) = reader.poll().expect("no damage") {
        // The pictures come first among its tracks.
        if block.track.get() == 1 {
            let is_shown = decoder.decode(reader.data(), &mut picture);
            assert_eq!(is_shown, Ok(true));
        }
    }
    picture
}

/// How many shades there are along the middle.
fn shades(picture: &Picture) -> usize {
    let [luma, ..] = picture.planes();
    let mut shades = luma.row(luma.height() / 2).to_vec();
    shades.sort_unstable();
    shades.dedup();
    shades.len()
}
