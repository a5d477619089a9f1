//! Rooms that record themselves.

use mixer::recording::State;

use crate::folder::Folder;
use crate::load::{Load, ROOM};
use crate::played::play_all;
use crate::server::Setup;

#[test]
fn a_room_of_two_workers_records_itself_once_as_long_as_there_are_people() {
    let folder = Folder::new();
    let server = Setup::new(&folder)
        .with("PLENARY_ROOM_RECORD", "live")
        .with("PLENARY_ROOM_DEPARTURE_TIMEOUT", "1")
        .with("PLENARY_WORKERS", "2")
        .with("PLENARY_ROOM_WORKER_PARTICIPANTS", "1")
        .start();

    Load::start_with(&server, &["--duration", "5"]).finish();

    let all = server.wait_for("end", || {
        let answer = server.call("GET", &format!("/v1/rooms/{ROOM}/recordings"));
        let all = answer.json()["recordings"].as_array()?.clone();
        all.iter().all(|own| own["state"] == "done").then_some(all)
    });
    assert_eq!(all.len(), 1, "{all:?}");
    let manifest = play_all(&server, all[0]["id"].as_str().expect("an id"));
    assert_eq!((manifest.state, manifest.error), (State::Done, None));
    // Nobody had to be waited for: everything that was sent is there.
    assert_eq!(manifest.files.len(), 4, "{:?}", manifest.files);
    assert_eq!(manifest.composites.len(), 1);
    assert_eq!((manifest.lost_packets, manifest.dropped_packets), (0, 0));
}
