//! A recording that has ended, as if a server had made it.

use std::fs;

use serde_json::json;

use crate::folder::Folder;

/// The recording's id.
pub(crate) const ID: &str = "RC_aQ3kXbW7cT9z";
/// Its folder, here and there.
pub(crate) const NAME: &str = "RM_2KqWvRz8mJtX/2026-11-21T10-00-00-000Z-RC_aQ3kXbW7cT9z";
/// Its only track.
pub(crate) const TRACK: &str = "tracks/PA_2KqWvRz8mJtX/TR_VCs9bTqYkRw3Np-cam-000.mkv";
pub(crate) const TRACK_NAME: &str = "TR_VCs9bTqYkRw3Np-cam-000.mkv";
/// More than two parts.
pub(crate) const TRACK_BYTES: usize = 11_000_000;
/// The least that S3 takes.
pub(crate) const PART_BYTES: usize = 5 * 1024 * 1024;

/// A folder with a recording of a room that has ended.
pub(crate) fn recorded(room: &str) -> Folder {
    let folder = Folder::new();
    let own = folder.0.join(NAME);
    let track = own.join(TRACK);
    fs::create_dir_all(track.parent().expect("a folder")).expect("a folder");
    let mut content = vec![0; TRACK_BYTES];
    fastrand::Rng::with_seed(7).fill(&mut content);
    fs::write(track, content).expect("a file");
    fs::write(own.join("journal.jsonl"), "{\"at_us\": 0}\n").expect("a file");
    let manifest = json!({
        "version": 1, "id": ID, "room": room, "room_sid": "RM_2KqWvRz8mJtX", "state": "done",
        "started_at_ms": 1_795_255_200_000_i64, "ended_at_ms": 1_795_255_260_000_i64, "duration_us": 60_000_000,
        "pauses": [], "lost_packets": 0, "dropped_packets": 0,
        "files": [{
            "path": TRACK, "state": "complete", "codec": "vp8", "source": "camera", "participant": "PA_2KqWvRz8mJtX",
            "identity": "ann", "name": "Ann", "track": "TR_VCs9bTqYkRw3Np", "bytes": TRACK_BYTES, "blocks": 9,
            "keyframes": 1,
        }],
    });
    fs::write(own.join("manifest.json"), manifest.to_string()).expect("a file");
    folder
}
