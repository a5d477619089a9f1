//! `/v1/rooms/{room}/mix`

use super::client::{Answer, Server};

const PATH: &str = "/v1/rooms/blue/mix";

async fn put(server: &Server, token: &str, body: &str) -> Answer {
    server.call("PUT", PATH, token, body, &[]).await
}

#[tokio::test]
async fn a_room_is_mixed_changed_and_mixed_no_more() {
    let server = Server::new();
    server.make_room("blue").await;
    let token = server.admin("blue");
    server.get(PATH, &token).await.problem(404, "mix-not-found");

    let mixed = put(&server, &token, r#"{"listeners": ["weak", "weak"]}"#).await;
    assert_eq!(mixed.status, 201, "{mixed:?}");
    let mix = mixed.json();
    assert_eq!(mix["layout"], "grid");
    assert_eq!((&mix["width"], &mix["fps"]), (&1280.into(), &25.into()));
    assert_eq!(mix["listeners"].as_array().map(Vec::len), Some(1));
    assert_eq!(mix["listeners"][0]["identity"], "weak");
    assert_eq!(server.get(PATH, &token).await.json(), mix);

    // Without other pictures, the tracks stay.
    let changed = put(&server, &token, r#"{"layout": "speaker"}"#).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["video_track"], mix["video_track"]);
    assert_eq!(changed.json()["listeners"], serde_json::json!([]));
    let larger = put(&server, &token, r#"{"width": 1920, "height": 1080}"#).await;
    assert_eq!(larger.status, 200, "{larger:?}");
    assert_ne!(larger.json()["video_track"], mix["video_track"]);

    let tag = mixed.header("etag");
    let stale = [("if-match", tag)];
    let ended = server.call("DELETE", PATH, &token, "", &stale).await;
    ended.problem(412, "precondition-failed");
    let ended = server.call("DELETE", PATH, &token, "", &[]).await;
    assert_eq!(ended.status, 204, "{ended:?}");
    let again = server.call("DELETE", PATH, &token, "", &[]).await;
    again.problem(404, "mix-not-found");
}

#[tokio::test]
async fn what_cannot_be_mixed_is_refused_and_named() {
    let server = Server::new();
    server.make_room("blue").await;
    let token = server.admin("blue");
    let many: Vec<String> = (0..33).map(|index| format!("p{index}")).collect();
    let many = serde_json::json!({ "listeners": many }).to_string();

    for (body, field) in [
        (r#"{"width": 15}"#, "width"),
        (r#"{"height": 721}"#, "height"),
        (r#"{"fps": 0}"#, "fps"),
        (r#"{"bitrate": 1}"#, "bitrate"),
        (r#"{"layout": "pile"}"#, "layout"),
        (r#"{"codec": "mp3"}"#, "codec"),
        (r#"{"codec": "h264"}"#, "codec"),
        (r#"{"listeners": [""]}"#, "listeners"),
        (r#"{"listeners": ["mix"]}"#, "listeners"),
        (many.as_str(), "listeners"),
        (r#"{"listener": ["ann"]}"#, "listener"),
    ] {
        let answer = put(&server, &token, body).await;
        answer.problem(422, "invalid-field");
        assert_eq!(answer.json()["field"], field, "{body}");
    }
    put(&server, &token, "{")
        .await
        .problem(400, "malformed-body");
    server.get(PATH, &token).await.problem(404, "mix-not-found");
}

#[tokio::test]
async fn only_whoever_manages_the_room_mixes_it() {
    let server = Server::new();
    server.make_room("blue").await;
    let other = server.admin("green");

    put(&server, &other, "{}").await.problem(403, "forbidden");
    server.get(PATH, &other).await.problem(403, "forbidden");
    let ended = server.call("DELETE", PATH, &other, "", &[]).await;
    ended.problem(403, "forbidden");
    let green = "/v1/rooms/green/mix";
    let unknown = server.call("PUT", green, &other, "{}", &[]).await;
    unknown.problem(404, "room-not-found");
}

#[tokio::test]
async fn no_more_rooms_are_mixed_than_may_be_and_a_place_is_free_again() {
    let server = Server::with(|config| config.limits.mixes = 1);
    for room in ["blue", "green"] {
        server.make_room(room).await;
    }
    let (blue, green) = (server.admin("blue"), server.admin("green"));
    assert_eq!(put(&server, &blue, "{}").await.status, 201);

    let path = "/v1/rooms/green/mix";
    let refused = server.call("PUT", path, &green, "{}", &[]).await;
    refused.problem(429, "limit-exceeded");
    assert!(refused.text().contains("limits.mixes"), "{refused:?}");

    // A room takes its mix with it.
    let room = "/v1/rooms/blue";
    let ended = server.call("DELETE", room, &server.owner(), "", &[]).await;
    assert_eq!(ended.status, 204, "{ended:?}");
    for _ in 0..1_000 {
        let answer = server.call("PUT", path, &green, "{}", &[]).await;
        if answer.status == 201 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the place of a mix that has ended is not free");
}
