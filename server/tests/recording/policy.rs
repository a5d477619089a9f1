//! Rooms that record themselves.

use mixer::recording::State;

use crate::ended::wait_for_files;
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
    let recordings = || {
        let answer = server.call("GET", &format!("/v1/rooms/{ROOM}/recordings"));
        answer.json()["recordings"].as_array().cloned()
    };
    let _load = Load::start(&server);
    server.wait_for_publishers(2);
    let begun = server.wait_for("recording", || recordings()?.first().cloned());
    let id = begun["id"].as_str().expect("an id");
    wait_for_files(&server, id, 4);

    let people = format!("/v1/rooms/{ROOM}/participants");
    let present = server.call("GET", &people).json();
    for person in present["participants"].as_array().expect("a list") {
        let identity = person["identity"].as_str().expect("an identity");
        let removed = server.call("DELETE", &format!("{people}/{identity}"));
        assert_eq!(removed.status, 204, "{removed:?}");
    }

    server.wait_for_recording(id, "end", |own| own["state"] == "done");
    let manifest = play_all(&server, id);
    assert_eq!((manifest.state, manifest.error), (State::Done, None));
    assert_eq!(manifest.files.len(), 4, "{:?}", manifest.files);
    assert_eq!(manifest.composites.len(), 1);
    assert_eq!((manifest.lost_packets, manifest.dropped_packets), (0, 0));
    assert_eq!(recordings().map(|all| all.len()), Some(1));
}
