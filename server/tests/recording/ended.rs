//! Servers that end while they record.

use std::time::Duration;

use fastrand::Rng;
use mixer::recording::{FileState, Source, State};

use crate::folder::Folder;
use crate::load::Load;
use crate::played::play_all;
use crate::server::{Server, Setup};

/// How often a server is killed. Several at once make use of the time in which they wait.
const KILLS: u32 = 52;
const LANES: u32 = 4;
/// Longest recording before its server is killed.
const LONGEST_MS: u64 = 3_000;
/// What may be missing at the end of a file, in milliseconds.
const MAX_LOST_MS: i64 = 2_000;
/// What is missing mostly.
const USUALLY_LOST_MS: i64 = 500;

#[test]
fn what_was_recorded_before_a_server_was_killed_is_completed_by_the_next() {
    let lanes = (0..LANES).map(|lane| std::thread::spawn(move || kill_again_and_again(lane)));
    let lanes: Vec<_> = lanes.collect();
    let lost = lanes
        .into_iter()
        .flat_map(|lane| lane.join().expect("all is well"));
    let mut lost_ms: Vec<_> = lost.collect();

    lost_ms.sort_unstable();
    let told = format!("{lost_ms:?}");
    assert!(lost_ms.len() > KILLS as usize, "{told}");
    assert!(lost_ms[lost_ms.len() / 2] <= USUALLY_LOST_MS, "{told}");
    assert!(lost_ms[lost_ms.len() - 1] <= MAX_LOST_MS, "{told}");
}

/// Returns how much was missing at the end of each file.
fn kill_again_and_again(lane: u32) -> Vec<i64> {
    let seed = std::env::var("SIM_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    println!("SIM_SEED={seed}");
    let mut rng = Rng::with_seed(seed + u64::from(lane) * 1_000);
    let folder = Folder::new();
    let setup = Setup::new(&folder);
    let mut lost_ms = Vec::new();
    let mut server = setup.start();
    for _ in 0..KILLS / LANES {
        let load = Load::start(&server);
        server.wait_for_publishers(2);
        let id = server.record();
        // Any moment will do.
        std::thread::sleep(Duration::from_millis(rng.u64(0..LONGEST_MS)));
        let killed_ms = server.kill();
        drop(load);

        server = setup.start();

        assert_eq!(server.recording(&id)["state"], "recovered");
        let manifest = play_all(&server, &id);
        assert_eq!(manifest.state, State::Recovered);
        for file in &manifest.files {
            let Some(last_us) = file.last_pts_us else {
                continue;
            };
            let end_ms = manifest.started_at_ms + last_us / 1_000;
            lost_ms.push(killed_ms - end_ms);
            assert_range(&server, &id, file.path.rsplit('/').next().expect("a name"));
        }
        let left = std::fs::read_dir(folder.0.join(&manifest.room_sid));
        for folder in left.expect("a folder").flatten() {
            assert!(!folder.path().join(".reserve").exists());
        }
    }
    lost_ms
}

#[test]
fn a_server_that_is_stopped_completes_what_it_records() {
    let folder = Folder::new();
    let setup = Setup::new(&folder);
    let server = setup.start();
    let load = Load::start(&server);
    server.wait_for_publishers(2);
    let id = server.record();
    wait_for_files(&server, &id, 4);

    assert_eq!(server.stop(), Some(0));
    drop(load);

    let next = setup.start();
    let manifest = play_all(&next, &id);
    assert_eq!(
        (manifest.state, manifest.error.as_deref()),
        (State::Done, None)
    );
    assert_eq!(manifest.files.len(), 4);
    for file in &manifest.files {
        assert_eq!(file.state, FileState::Complete);
        assert!(matches!(file.source, Source::Camera | Source::Microphone));
        assert!(!file.identity.is_empty());
    }
    assert_eq!((manifest.lost_packets, manifest.dropped_packets), (0, 0));
}

#[test]
fn a_second_server_leaves_what_the_first_records_alone() {
    let folder = Folder::new();
    let setup = Setup::new(&folder);
    let first = setup.start();
    let _load = Load::start(&first);
    first.wait_for_publishers(2);
    let id = first.record();
    wait_for_files(&first, &id, 4);

    let second = setup.start();

    let path = format!("/v1/recordings/{id}");
    assert_eq!(second.call("GET", &path).status, 404);
    assert_eq!(first.manifest(&id).state, State::Recording);
    first.end_recording(&id);
    first.wait_for_recording(&id, "end", |own| own["state"] == "done");
    assert_eq!(play_all(&first, &id).state, State::Done);
}

/// Waits until so many files have frames.
pub(crate) fn wait_for_files(server: &Server, id: &str, count: usize) {
    server.wait_for_recording(id, "files", |own| {
        let files = own["files"].as_array().map_or(&[][..], Vec::as_slice);
        let filled = files
            .iter()
            .filter(|file| file["frames"].as_u64() > Some(20));
        filled.count() >= count
    });
}

/// A part of a file can be had.
fn assert_range(server: &Server, id: &str, name: &str) {
    let whole = server.file(id, name);
    let path = format!("/v1/recordings/{id}/files/{name}");
    let range = ["Range: bytes=100-299"];
    let answer = server.call_with("GET", &path, &range);
    assert_eq!(answer.status, 206);
    assert_eq!(answer.body, whole[100..300]);
}
