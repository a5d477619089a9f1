//! Disks that are full, and disks that hang.

use std::process::Command;
use std::time::Duration;

use mixer::recording::State;
use plenary::clock;
use serde_json::Value;

use crate::ended::wait_for_files;
use crate::folder::Folder;
use crate::load::Load;
use crate::played::play_all;
use crate::server::{Server, Setup};

/// As loud and as bright as fills a small disk soon.
const BUSY: [&str; 4] = ["--set", "video.encodings.0.kbps=6000", "--duration", "20"];

#[test]
fn a_recording_ends_where_the_disk_does_and_the_call_goes_on() {
    let folder = Folder::new();
    let mut setup = Setup::new(&folder);
    let disk = folder.0.display();
    setup.script = Some(format!(
        "mount -t tmpfs -o size=20m none '{disk}' && exec \"$@\""
    ));
    if !can_mount(&folder) {
        println!("SKIPPED: this machine lets nobody but root mount a small disk");
        return;
    }
    let server = setup.start();
    let load = Load::start_with(&server, &BUSY);
    server.wait_for_publishers(2);
    let id = server.record();

    let ended = server.wait_for_recording(&id, "end", |own| own["ended_at"].is_string());

    assert_eq!(ended["state"], "disk_full", "{ended}");
    assert!(
        ended["error"]
            .as_str()
            .is_some_and(|why| why.contains("disk"))
    );
    let manifest = play_all(&server, &id);
    assert_eq!(manifest.state, State::DiskFull);
    assert!(manifest.files.iter().filter(|own| own.blocks > 0).count() >= 4);
    assert_no_loss(&load.finish());
}

/// `CHAOS_SECONDS` is how long it hangs, if that is to be tried.
#[test]
fn a_disk_that_hangs_holds_up_nobody_and_the_recording_goes_on() {
    let hang_s = std::env::var("CHAOS_SECONDS").map_or(30, |own| own.parse().expect("seconds"));
    let folder = Folder::new();
    let cause = Folder::new().0.with_extension("hangs");
    let setup = Setup::new(&folder)
        .with("CHAOS_DISK_HANGS", cause.display().to_string())
        .with("CHAOS_QUEUED_BYTES", "400000");
    let server = setup.start();
    let duration = (hang_s + 10).to_string();
    let mut busy = BUSY;
    busy[3] = &duration;
    let load = Load::start_with(&server, &busy);
    server.wait_for_publishers(2);
    let id = server.record();
    wait_for_files(&server, &id, 4);
    let before_kb = resident_kb(&server);

    std::fs::write(&cause, "").expect("a file");
    let hanging = cause.with_extension("hanging");
    server.wait_for("hanging disk", || hanging.exists().then_some(()));
    let until = clock::now() + Duration::from_secs(hang_s);
    let mut most_kb = 0;
    while clock::now() < until {
        assert_eq!(server.recording(&id)["state"], "recording");
        most_kb = resident_kb(&server).max(most_kb);
        std::thread::sleep(Duration::from_millis(100));
    }
    std::fs::remove_file(&cause).expect("the file is ours");
    let count = |own: &Value| own["dropped_packets"].as_u64().unwrap_or(0);
    let told = server.wait_for_recording(&id, "dropped packets", |own| count(own) > 0);
    let end_of = |own: &Value| {
        let files = own["files"].as_array().expect("files").iter();
        files
            .filter_map(|file| file["end"].as_f64())
            .fold(f64::MAX, f64::min)
    };
    let end_s = end_of(&told);
    server.wait_for_recording(&id, "more in all files", |own| end_of(own) > end_s + 1.0);
    server.end_recording(&id);
    server.wait_for_recording(&id, "end", |own| own["state"] == "done");

    let manifest = play_all(&server, &id);
    assert_eq!(manifest.files.len(), 4);
    assert!(manifest.dropped_packets > 0);
    assert!(most_kb < before_kb + 32 * 1024, "{before_kb} {most_kb}");
    assert_no_loss(&load.finish());
    let _ = std::fs::remove_file(hanging);
}

/// Nobody who talked has lost a packet.
fn assert_no_loss(report: &Value) {
    assert_eq!(report["findings_by_kind"]["loss"], Value::Null, "{report}");
    assert_eq!(report["totals"]["joined"], 2, "{report}");
    let bars = report["bars"].as_array().expect("bars");
    let loss = bars.iter().find(|bar| bar["name"] == "loss_percent");
    assert_eq!(loss.expect("a bar for losses")["held"], true, "{report}");
}

fn can_mount(folder: &Folder) -> bool {
    let mount = format!("mount -t tmpfs -o size=20m none '{}'", folder.0.display());
    let outcome = Command::new("unshare")
        .args(["-rm", "sh", "-c", &mount])
        .output();
    outcome.is_ok_and(|output| output.status.success())
}

/// Memory that the server really has.
fn resident_kb(server: &Server) -> u64 {
    let path = format!("/proc/{}/status", server.pid());
    let status = std::fs::read_to_string(path).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let words = line.and_then(|line| line.split_whitespace().nth(1));
    words.and_then(|word| word.parse().ok()).expect("a number")
}
