//! `/v1/rooms/{room}/recordings` and `/v1/recordings`

use proto::token::VideoGrant;

use super::client::{Answer, Server};
use crate::folder::Folder;

#[tokio::test]
async fn a_recording_is_made_listed_ended_and_deleted() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let token = recorder(&server, "blue");

    let begun = record(&server, "blue").await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let id = id(&begun);
    let path = format!("/v1/recordings/{id}");
    assert_eq!(begun.header("location"), path);
    assert_eq!(begun.json()["state"], "recording");
    assert_eq!(begun.json()["files"], serde_json::json!([]));
    let list = server.get("/v1/rooms/blue/recordings", &token).await;
    assert_eq!(list.json()["recordings"][0]["id"], id);

    let pause = change(&server, &path, r#"{"paused": true}"#).await;
    assert_eq!(
        (pause.status.as_u16(), pause.json()["state"].clone()),
        (200, "paused".into())
    );
    let stop = format!("/v1/rooms/blue/recordings/{id}");
    let stopped = server.call("DELETE", &stop, &token, "", &[]).await;
    assert_eq!(stopped.status, 204);
    until_done(&server, &path, &token).await;

    for name in ["manifest.json", "journal.jsonl"] {
        let file = server.get(&format!("{path}/files/{name}"), &token).await;
        assert_eq!(file.status, 200, "{name}: {file:?}");
    }
    let deleted = server.call("DELETE", &path, &token, "", &[]).await;
    assert_eq!(deleted.status, 204);
    server
        .get(&path, &token)
        .await
        .problem(404, "recording-not-found");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let token = recorder(&server, "blue");
    let id = id(&record(&server, "blue").await);

    record(&server, "green")
        .await
        .problem(404, "room-not-found");
    for id in ["RC_unknown00000", "x", "..", "%2e%2e"] {
        let answer = server.get(&format!("/v1/recordings/{id}"), &token).await;
        assert_eq!(answer.status, 404, "{id}: {answer:?}");
    }
    // Another room's recording is not this room's.
    let green = recorder(&server, "green");
    let stop = format!("/v1/rooms/green/recordings/{id}");
    let answer = server.call("DELETE", &stop, &green, "", &[]).await;
    answer.problem(404, "recording-not-found");
}

#[tokio::test]
async fn no_name_leads_out_of_a_recording() {
    let (server, folder) = recording_server(|_| {});
    std::fs::write(folder.0.join("secret.txt"), "canary").expect("a file");
    server.make_room("blue").await;
    let token = recorder(&server, "blue");
    let id = id(&record(&server, "blue").await);

    for name in [
        "..%2f..%2fetc%2fpasswd",
        "..%2f..%2fsecret.txt",
        "%2fetc%2fpasswd",
        "..",
        "%2e%2e",
        ".lock",
        ".reserve",
        "tracks",
        "tracks%2f",
        "manifest.json%00",
        "manifest.json%2f",
        "%2e%2fmanifest.json",
    ] {
        let path = format!("/v1/recordings/{id}/files/{name}");
        let answer = server.get(&path, &token).await;
        assert_eq!(answer.status, 404, "{name}: {answer:?}");
        assert!(!answer.text().contains("canary"), "{name}");
    }
}

#[tokio::test]
async fn fields_that_are_unknown_are_named() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let token = recorder(&server, "blue");
    let path = "/v1/rooms/blue/recordings";

    let begun = server.post(path, &token, r#"{"format": "mp4"}"#).await;
    begun.problem(422, "invalid-field");
    let id = id(&record(&server, "blue").await);
    let changed = change(
        &server,
        &format!("/v1/recordings/{id}"),
        r#"{"pause": true}"#,
    )
    .await;
    changed.problem(422, "invalid-field");
}

#[tokio::test]
async fn h264_is_refused_by_a_server_that_cannot_encode_it() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let token = recorder(&server, "blue");
    let path = "/v1/rooms/blue/recordings";

    let begun = server.post(path, &token, r#"{"codec": "h264"}"#).await;

    match cfg!(feature = "h264") {
        true => assert_eq!(begun.status, 201, "{begun:?}"),
        false => {
            begun.problem(422, "invalid-field");
            assert_eq!(begun.json()["field"], "codec");
        }
    }
}

#[tokio::test]
async fn only_a_token_that_may_record_the_room_does() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let id = id(&record(&server, "blue").await);
    let stop = format!("/v1/rooms/blue/recordings/{id}");
    let recording = format!("/v1/recordings/{id}");
    let file = format!("/v1/recordings/{id}/files/manifest.json");
    let all = [
        ("POST", "/v1/rooms/blue/recordings"),
        ("GET", "/v1/rooms/blue/recordings"),
        ("DELETE", stop.as_str()),
        ("GET", recording.as_str()),
        ("DELETE", recording.as_str()),
        ("GET", file.as_str()),
    ];

    for token in [
        server.admin("blue"),
        server.owner(),
        recorder(&server, "green"),
    ] {
        for (method, path) in all {
            let answer = server.call(method, path, &token, "", &[]).await;
            assert_eq!(answer.status, 403, "{method} {path}: {answer:?}");
        }
    }
    for (method, path) in all {
        let answer = server.call(method, path, "", "", &[]).await;
        assert_eq!(answer.status, 401, "{method} {path}: {answer:?}");
    }
    let by_query = format!("{file}?access_token={}", recorder(&server, "blue"));
    assert_eq!(server.get(&by_query, "").await.status, 200);
    // One room's token does not list all.
    let token = recorder(&server, "blue");
    let list = server.get("/v1/recordings", &token).await;
    assert_eq!(list.status, 403);
}

#[tokio::test]
async fn a_recording_that_runs_is_not_deleted_and_one_that_has_ended_not_stopped() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let token = recorder(&server, "blue");
    let id = id(&record(&server, "blue").await);
    let path = format!("/v1/recordings/{id}");
    let stop = format!("/v1/rooms/blue/recordings/{id}");

    let answer = server.call("DELETE", &path, &token, "", &[]).await;
    answer.problem(409, "conflict");
    server.call("DELETE", &stop, &token, "", &[]).await;
    until_done(&server, &path, &token).await;

    let answer = server.call("DELETE", &stop, &token, "", &[]).await;
    answer.problem(409, "conflict");
    let answer = change(&server, &path, r#"{"paused": true}"#).await;
    answer.problem(409, "conflict");
}

#[tokio::test]
async fn there_are_no_more_recordings_than_there_may_be() {
    let (server, _folder) = recording_server(|config| config.recording.max_running = 1);
    server.make_room("blue").await;
    assert_eq!(record(&server, "blue").await.status, 201);

    let answer = record(&server, "blue").await;

    let detail = answer.problem(429, "limit-exceeded");
    assert!(detail.contains("recording.max_running"), "{detail}");
}

#[tokio::test]
async fn a_disk_without_room_takes_no_recording() {
    let (server, folder) =
        recording_server(|config| config.recording.min_free_bytes = i64::MAX as usize);
    server.make_room("blue").await;

    let answer = record(&server, "blue").await;

    let detail = answer.problem(507, "insufficient-storage");
    assert!(detail.contains("recording.min_free_bytes"), "{detail}");
    let left = std::fs::read_dir(&folder.0).expect("the folder");
    assert_eq!(left.count(), 0);
}

pub(super) async fn record(server: &Server, room: &str) -> Answer {
    let path = format!("/v1/rooms/{room}/recordings");
    server.post(&path, &recorder(server, room), "").await
}

async fn change(server: &Server, path: &str, body: &str) -> Answer {
    let token = recorder(server, "blue");
    server.call("PATCH", path, &token, body, &[]).await
}

/// A recording ends a moment after it was asked to.
pub(super) async fn until_done(server: &Server, path: &str, token: &str) {
    for _ in 0..1_000 {
        if server.get(path, token).await.json()["state"] == "done" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the recording does not end");
}

pub(super) fn id(begun: &Answer) -> String {
    begun.json()["id"].as_str().expect("an id").to_owned()
}

/// A token that may record a room.
fn recorder(server: &Server, room: &str) -> String {
    server.token(VideoGrant {
        room_record: true,
        room: room.to_owned(),
        ..VideoGrant::default()
    })
}

/// A server that records into a folder of its own.
pub(super) fn recording_server(
    change: impl FnOnce(&mut plenary::config::Config),
) -> (Server, Folder) {
    let folder = Folder::new();
    let server = Server::with(|config| {
        config.recording.folder.clone_from(&folder.0);
        config.recording.min_free_bytes = 0;
        config.recording.stop_free_bytes = 0;
        change(config);
    });
    (server, folder)
}
