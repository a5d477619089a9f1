//! Recordings in an object store.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use plenary::config;
use proto::token::{Secret, VideoGrant};
use serde_json::{Value, json};

use super::client::Server;
use super::recordings::{id, record, recording_server, until_done};
use crate::bucket::recorded::{ID, NAME, PART_BYTES, TRACK, TRACK_BYTES, TRACK_NAME, recorded};
use crate::bucket::{self, Bucket};
use crate::folder::Folder;

#[tokio::test]
async fn what_has_ended_is_uploaded_byte_for_byte_and_the_manifest_says_so() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    let content = track(&folder);

    let server = storing_server(&bucket, &folder, |store| store.prefix = "a/b".to_owned());
    let stored = until_stored(&server).await;

    assert_eq!(stored["url"], format!("s3://talks/a/b/{NAME}"));
    let object = |path: &str| fs::read(bucket.path(&format!("a/b/{NAME}/{path}"))).expect(path);
    assert!(object(TRACK) == content, "the track differs");
    let here = fs::read(folder.0.join(NAME).join("manifest.json")).expect("a manifest");
    assert!(object("manifest.json") == here, "the manifests differ");
    let journal = fs::read(folder.0.join(NAME).join("journal.jsonl")).expect("a journal");
    assert_eq!(object("journal.jsonl"), journal);
    let manifest: Value = serde_json::from_slice(&here).expect("JSON");
    let files = &manifest["stored"]["files"];
    assert_eq!(files[0]["path"], TRACK);
    assert_eq!(files[0]["sha256"], sha256(&content));
    let total = TRACK_BYTES + journal.len();
    assert_eq!(stored["bytes"], total);
    assert_eq!(stored["total_bytes"], total);
    assert_eq!((bucket.parts(), bucket.left_parts()), (3, 0));
    assert!(folder.0.join(NAME).join(TRACK).exists());
}

#[tokio::test]
async fn a_recording_that_ends_is_uploaded() {
    let (bucket, folder) = (Bucket::new(), Folder::new());
    let server = storing_server(&bucket, &folder, |_| {});
    server.make_room("blue").await;
    let begun = record(&server, "blue").await;
    let (id, sid) = (id(&begun), begun.json()["room_sid"].clone());
    assert!(begun.json()["stored"].is_null(), "{begun:?}");

    let stop = format!("/v1/rooms/blue/recordings/{id}");
    let token = recorder(&server);
    server.call("DELETE", &stop, &token, "", &[]).await;
    let path = format!("/v1/recordings/{id}");
    until_done(&server, &path, &token).await;
    until(&server, &id, |stored| stored["state"] == "stored").await;

    let objects = bucket.objects();
    let sid = sid.as_str().expect("an id");
    assert_eq!(objects.len(), 2, "{objects:?}");
    assert!(
        objects
            .iter()
            .all(|name| name.starts_with(sid) && name.contains(&id))
    );
}

#[tokio::test]
async fn a_store_that_is_down_is_tried_until_it_is_up() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    bucket.shut();

    let server = storing_server(&bucket, &folder, |_| {});
    let failed = until(&server, ID, |stored| stored["error"].is_string()).await;
    assert!(
        failed["error"]
            .as_str()
            .is_some_and(|error| error.contains("502")),
        "{failed}"
    );
    assert_eq!(failed["bytes"], 0);
    bucket.open();
    let stored = until_stored(&server).await;

    assert!(stored["error"].is_null(), "{stored}");
    assert_eq!(
        fs::read(bucket.path(&format!("{NAME}/{TRACK}"))).expect("it"),
        track(&folder)
    );
}

#[tokio::test]
async fn an_upload_goes_on_where_it_was_when_the_store_was_down_meanwhile() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    bucket.take_parts(1);
    let server = storing_server(&bucket, &folder, |_| {});
    until(&server, ID, |stored| stored["bytes"] == PART_BYTES).await;

    bucket.shut();
    until(&server, ID, |stored| stored["error"].is_string()).await;
    let uploads = uploads(&folder);
    bucket.open();
    until_stored(&server).await;

    assert!(uploads.is_string(), "{uploads}");
    assert_eq!(
        fs::read(bucket.path(&format!("{NAME}/{TRACK}"))).expect("it"),
        track(&folder)
    );
    assert_eq!(bucket.left_parts(), 0);
    assert!(self::uploads(&folder).is_null());
}

#[tokio::test]
async fn wrong_credentials_are_told_and_files_stay() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));

    let server = storing_server(&bucket, &folder, |store| {
        store.keep_local = false;
        store.secret_access_key = Some(Secret::new("canary-7d1e"));
    });
    let failed = until(&server, ID, |stored| stored["error"].is_string()).await;

    assert_eq!(failed["state"], "waiting", "{failed}");
    let error = failed["error"].as_str().expect("an error");
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
    assert!(!error.contains("canary"), "{error}");
    assert_eq!(bucket.objects(), Vec::<String>::new());
    assert!(folder.0.join(NAME).join(TRACK).exists());
    let answer = delete(&server).await;
    answer.problem(502, "store-unavailable");
    assert!(folder.0.join(NAME).join(TRACK).exists());
}

#[tokio::test]
async fn what_only_the_store_has_is_redirected_to() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    let content = track(&folder);
    bucket.shut();
    let server = storing_server(&bucket, &folder, |store| store.keep_local = false);
    until(&server, ID, |stored| stored["error"].is_string()).await;
    assert!(folder.0.join(NAME).join(TRACK).exists());

    bucket.open();
    until_gone(folder.0.join(NAME).join("tracks")).await;

    let path = format!("/v1/recordings/{ID}/files");
    let token = recorder(&server);
    let answer = server.get(&format!("{path}/{TRACK_NAME}"), &token).await;
    assert_eq!(answer.status, 307, "{answer:?}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let policy = answer.header("content-security-policy");
    let media = format!("media-src 'self' blob: {};", bucket.endpoint());
    assert!(policy.contains(&media), "{policy}");
    let link = answer.header("location").to_owned();
    let whole = bucket.get(&link, &[]);
    assert_eq!(whole.status, 200, "{}", whole.head);
    assert!(whole.body == content, "the track differs");
    assert!(
        whole.head.contains("content-type: video/webm"),
        "{}",
        whole.head
    );
    let some = bucket.get(&link, &["Range: bytes=10-19"]);
    assert_eq!((some.status, some.body.as_slice()), (206, &content[10..20]));
    let saved = format!("{path}/{TRACK_NAME}?download=true");
    let saved = server.get(&saved, &token).await;
    let saved = bucket.get(saved.header("location"), &["Range: bytes=0-0"]);
    let disposition = format!("attachment; filename=\"{TRACK_NAME}\"").to_ascii_lowercase();
    assert!(saved.head.contains(&disposition), "{}", saved.head);
    // Others need a token, and links are to one object.
    assert_eq!(
        server.get(&format!("{path}/{TRACK_NAME}"), "").await.status,
        401
    );
    assert_eq!(
        bucket.get(&link.replace("cam-000", "cam-001"), &[]).status,
        403
    );
    for name in ["manifest.json", "journal.jsonl"] {
        let own = server.get(&format!("{path}/{name}"), &token).await;
        assert_eq!(own.status, 200, "{name}");
    }
}

#[tokio::test]
async fn an_egress_has_its_files_before_those_of_its_recording_are_deleted() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    let content = track(&folder);
    let egress = json!({
        "plan": { "path": "talk.webm", "make": "track" },
        "info": { "egressId": ID.replacen("RC_", "EG_", 1), "roomName": "blue", "status": "EGRESS_ENDING" },
    });
    let kept = folder.0.join(NAME).join("egress.json");
    fs::write(kept, egress.to_string()).expect("a file");

    let _server = storing_server(&bucket, &folder, |store| store.keep_local = false);
    until_gone(folder.0.join(NAME).join("tracks")).await;

    let made = fs::read(folder.0.join("egress/talk.webm")).expect("the egress's file");
    assert!(made == content, "the file differs");
}

#[tokio::test]
async fn a_recording_is_deleted_there_as_well_or_nowhere() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    fs::create_dir_all(bucket.path(&format!("{NAME}x"))).expect("a folder");
    fs::write(bucket.path(&format!("{NAME}x/other")), "other").expect("a file");
    let server = storing_server(&bucket, &folder, |_| {});
    until_stored(&server).await;

    bucket.shut();
    let answer = delete(&server).await;
    let detail = answer.problem(502, "store-unavailable");
    assert!(detail.contains("502"), "{detail}");
    assert_eq!(bucket.objects().len(), 4);
    assert!(folder.0.join(NAME).join(TRACK).exists());
    until_stored(&server).await;
    bucket.open();
    let answer = delete(&server).await;

    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(bucket.objects(), [format!("{NAME}x/other")]);
    assert!(!folder.0.join(NAME).exists());
    let read = server
        .get(&format!("/v1/recordings/{ID}"), &recorder(&server))
        .await;
    read.problem(404, "recording-not-found");
}

#[tokio::test]
async fn what_is_being_uploaded_can_be_deleted() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    bucket.take_parts(1);
    let server = storing_server(&bucket, &folder, |_| {});
    until(&server, ID, |stored| stored["bytes"] == PART_BYTES).await;

    let answer = delete(&server).await;

    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!((bucket.objects().len(), bucket.left_parts()), (0, 0));
    assert!(!folder.0.join(NAME).exists());
}

#[tokio::test]
async fn what_is_in_another_store_is_left_alone() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    let server = storing_server(&bucket, &folder, |store| store.prefix = "old".to_owned());
    until_stored(&server).await;

    let server = storing_server(&bucket, &folder, |store| store.prefix = "new".to_owned());
    let detail = delete(&server).await.problem(409, "conflict");

    assert!(
        detail.contains(&format!("s3://talks/old/{NAME}")),
        "{detail}"
    );
    assert_eq!(bucket.objects().len(), 3);
}

#[tokio::test]
async fn operators_see_what_is_missing() {
    let (bucket, folder) = (Bucket::new(), recorded("blue"));
    bucket.shut();
    let server = storing_server(&bucket, &folder, |_| {});
    until(&server, ID, |stored| stored["error"].is_string()).await;
    let before = server.store_counters().expect("a store");
    bucket.open();
    until_stored(&server).await;
    let after = server.store_counters().expect("a store");

    assert_eq!((before.missing_files, before.sent_bytes), (2, 0));
    assert!(before.failures > 0, "{before:?}");
    assert_eq!(after.missing_files, 0);
    assert!(after.sent_bytes > TRACK_BYTES as u64, "{after:?}");
}

fn track(folder: &Folder) -> Vec<u8> {
    fs::read(folder.0.join(NAME).join(TRACK)).expect("the track")
}

/// The upload that the manifest has.
fn uploads(folder: &Folder) -> Value {
    let manifest = fs::read(folder.0.join(NAME).join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    manifest["stored"]["unfinished"]["id"].clone()
}

fn sha256(content: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, content);
    let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// A server that stores what is recorded into a folder.
fn storing_server(
    bucket: &Bucket,
    folder: &Folder,
    change: impl FnOnce(&mut config::Store),
) -> Server {
    let (server, _) = recording_server(|config| {
        config.recording.folder.clone_from(&folder.0);
        config.recording.store = config::Store {
            bucket: Some(bucket::NAME.to_owned()),
            endpoint: Some(bucket.endpoint()),
            access_key_id: Some(bucket::KEY.0.to_owned()),
            secret_access_key: Some(Secret::new(bucket::KEY.1)),
            allow_http: true,
            part_bytes: PART_BYTES,
            ..config::Store::default()
        };
        change(&mut config.recording.store);
    });
    server
}

async fn delete(server: &Server) -> super::client::Answer {
    let path = format!("/v1/recordings/{ID}");
    server
        .call("DELETE", &path, &recorder(server), "", &[])
        .await
}

async fn until_stored(server: &Server) -> Value {
    until(server, ID, |stored| stored["state"] == "stored").await
}

/// Waits until the store has of a recording what it should.
async fn until(server: &Server, id: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let (path, token) = (format!("/v1/recordings/{id}"), recorder(server));
    let mut stored = Value::Null;
    for _ in 0..3_000 {
        stored = server.get(&path, &token).await.json()["stored"].clone();
        if is_so(&stored) {
            return stored;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it stays like this: {stored}");
}

async fn until_gone(path: PathBuf) {
    for _ in 0..3_000 {
        if !path.exists() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} stays", path.display());
}

fn recorder(server: &Server) -> String {
    server.token(VideoGrant {
        room_record: true,
        room: "blue".to_owned(),
        ..VideoGrant::default()
    })
}
