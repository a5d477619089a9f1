//! Recordings of servers that upload to an object store.

use std::fs;
use std::path::{Path, PathBuf};

use mixer::recording::{JOURNAL_NAME, MANIFEST_NAME, Manifest, StoredState};
use serde_json::Value;

use crate::bucket::recorded::{ID, NAME, PART_BYTES, TRACK, recorded};
use crate::bucket::{self, Bucket};
use crate::ended::wait_for_files;
use crate::folder::Folder;
use crate::load::{Load, ROOM};
use crate::played::play_all;
use crate::server::{Server, Setup};

#[test]
fn a_recording_with_its_composite_ends_up_in_the_store_byte_for_byte() {
    let (bucket, folder) = (Bucket::new(), Folder::new());
    let server = storing(&bucket, &folder).start();
    let load = Load::start(&server);
    server.wait_for_publishers(2);
    let id = server.record_as(r#"{"width": 160, "height": 96, "fps": 10, "codec": "vp8"}"#);
    wait_for_files(&server, &id, 4);

    server.end_recording(&id);
    drop(load);
    let stored = wait_for_store(&server, &id);

    let manifest = play_all(&server, &id);
    assert_eq!(manifest.composites.len(), 1);
    let tracks = manifest.files.iter().map(|file| file.path.as_str());
    let composites = manifest.composites.iter().map(|own| own.path.as_str());
    let mut paths: Vec<_> = tracks.chain(composites).collect();
    paths.extend([JOURNAL_NAME, MANIFEST_NAME]);
    assert_eq!(bucket.objects().len(), paths.len());
    for path in paths {
        let here = fs::read(own_folder(&folder, &stored).join(path)).expect(path);
        let there = fs::read(bucket.path(&name(&stored)).join(path)).expect(path);
        assert!(here == there, "{path} differs");
    }
}

#[test]
fn what_a_server_was_uploading_when_it_was_killed_the_next_one_uploads() {
    let (bucket, folder) = (Bucket::new(), recorded(ROOM));
    let own = folder.0.join(NAME);
    let setup = storing(&bucket, &folder);
    bucket.take_parts(1);
    let server = setup.start();
    server.wait_for("part that is held up", || {
        (bucket.parts() > 1).then_some(())
    });

    server.kill();
    let before = read(&own).stored.expect("it was begun");
    bucket.open();
    let server = setup.start();
    let stored = wait_for_store(&server, ID);

    assert_eq!(before.state, StoredState::Uploading);
    assert!(before.unfinished.is_some(), "{before:?}");
    let there = fs::read(bucket.path(&name(&stored)).join(TRACK)).expect("the track");
    assert!(
        fs::read(own.join(TRACK)).expect("the track") == there,
        "the track differs"
    );
    assert_eq!((bucket.objects().len(), bucket.left_parts()), (3, 0));
    let after = read(&own).stored.expect("it is stored");
    assert!(after.unfinished.is_none(), "{after:?}");
}

/// A server that uploads what it records.
fn storing(bucket: &Bucket, folder: &Folder) -> Setup {
    Setup::new(folder)
        .with("PLENARY_RECORDING_STORE_BUCKET", bucket::NAME)
        .with("PLENARY_RECORDING_STORE_ENDPOINT", bucket.endpoint())
        .with("PLENARY_RECORDING_STORE_ALLOW_HTTP", "on")
        .with("PLENARY_RECORDING_STORE_ACCESS_KEY_ID", bucket::KEY.0)
        .with("PLENARY_RECORDING_STORE_SECRET_ACCESS_KEY", bucket::KEY.1)
        .with("PLENARY_RECORDING_STORE_PART_BYTES", PART_BYTES.to_string())
}

fn wait_for_store(server: &Server, id: &str) -> Value {
    let is_stored = |own: &Value| own["stored"]["state"] == "stored";
    server.wait_for_recording(id, "copy in the store", is_stored)
}

/// What the names of a recording's objects begin with.
fn name(recording: &Value) -> String {
    let url = recording["stored"]["url"].as_str().expect("a URL");
    let name = url.strip_prefix(&format!("s3://{}/", bucket::NAME));
    name.expect("the bucket's").to_owned()
}

fn own_folder(folder: &Folder, recording: &Value) -> PathBuf {
    folder.0.join(name(recording))
}

fn read(folder: &Path) -> Manifest {
    let manifest = fs::read(folder.join(MANIFEST_NAME)).expect("a manifest");
    Manifest::read(&manifest).expect("a manifest")
}
