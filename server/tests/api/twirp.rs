//! LiveKit's server API under `/twirp`.

use proto::token::VideoGrant;
use serde_json::{Value, json};

use super::client::{Answer, Server};
use super::recordings::recording_server;

const PATH: &str = "/twirp/livekit.Egress";

#[tokio::test]
async fn an_egress_is_begun_listed_changed_and_stopped() {
    let (server, folder) = recording_server(|_| {});
    let room_sid = server.make_room("blue").await.json()["sid"].clone();

    let request = json!({
        "roomName": "blue",
        "layout": "speaker",
        "fileOutputs": [{ "filepath": "{room_name}/talk.mp4" }],
        "file": { "filepath": "{room_name}/talk.mp4" },
    });
    let begun = call(&server, "StartRoomCompositeEgress", &request)
        .await
        .json();
    let id = begun["egressId"].as_str().expect("an id");
    assert!(id.starts_with("EG_"), "{id}");
    assert_eq!(
        (&begun["roomName"], &begun["roomId"]),
        (&json!("blue"), &room_sid)
    );
    // Numbers of 64 bits are texts in the JSON of protobuf; zero values are left out.
    assert!(begun["startedAt"].as_str().expect("a text").len() == 19 && begun["status"].is_null());
    assert_eq!(begun["roomComposite"]["layout"], "speaker");
    assert_eq!(begun["fileResults"][0]["filename"], "blue/talk.webm");

    let listed = call(&server, "ListEgress", &json!({ "active": true }))
        .await
        .json();
    assert_eq!(listed, json!({ "items": [begun] }));
    let recording = id.replacen("EG_", "RC_", 1);
    let record = server.token(recorder());
    let same = server
        .get(&format!("/v1/recordings/{recording}"), &record)
        .await;
    assert_eq!(same.json()["room"], "blue");

    let layout = json!({ "egressId": id, "layout": "grid" });
    assert_eq!(call(&server, "UpdateLayout", &layout).await.status, 200);
    let unknown = json!({ "egressId": id, "layout": "gird" });
    let msg = call(&server, "UpdateLayout", &unknown)
        .await
        .fault(400, "invalid_argument");
    assert!(msg.contains("use grid, speaker"), "{msg}");

    let stop = json!({ "egressId": id });
    let stopped = call(&server, "StopEgress", &stop).await.json();
    assert!(
        ["EGRESS_ENDING", "EGRESS_ABORTED"].contains(&stopped["status"].as_str().expect("one"))
    );
    let ended = until_ended(&server, id).await;
    // Nobody was in the room.
    assert_eq!(ended["status"], "EGRESS_ABORTED");
    assert!(ended["error"].as_str().expect("why").contains("no media"));
    assert!(ended["endedAt"].is_string());
    let again = call(&server, "StopEgress", &stop)
        .await
        .fault(412, "failed_precondition");
    assert_eq!(again, "egress with status EGRESS_ABORTED cannot be stopped");
    let active = call(&server, "ListEgress", &json!({ "active": true })).await;
    assert_eq!(active.json(), json!({}));
    let kept = call(&server, "ListEgress", &json!({ "egressId": id }))
        .await
        .json();
    assert_eq!(kept["items"][0], ended);
    assert!(!folder.0.join("egress").exists());
}

#[tokio::test]
async fn recordings_that_began_otherwise_are_listed_and_stopped_too() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let record = server.token(recorder());
    let recording = server
        .post("/v1/rooms/blue/recordings", &record, "")
        .await
        .json();
    let id = recording["id"]
        .as_str()
        .expect("an id")
        .replacen("RC_", "EG_", 1);

    let listed = call(&server, "ListEgress", &json!({ "roomName": "blue" }))
        .await
        .json();
    assert_eq!(listed["items"][0]["egressId"], json!(id));
    let stopped = call(&server, "StopEgress", &json!({ "egressId": id })).await;

    assert_eq!(stopped.status, 200, "{stopped:?}");
    assert_eq!(until_ended(&server, &id).await["status"], "EGRESS_COMPLETE");
}

#[tokio::test]
async fn protobuf_is_answered_with_protobuf() {
    let (server, folder) = recording_server(|config| config.recording.folder.push("made"));
    server.make_room("blue").await;
    let record = server.token(recorder());
    // Field 1, a text: the room's name.
    let headers = [("content-type", "application/protobuf")];
    let list = server
        .call(
            "POST",
            &format!("{PATH}/ListEgress"),
            &record,
            "\n\x04blue",
            &headers,
        )
        .await;
    let stop = server
        .call(
            "POST",
            &format!("{PATH}/StopEgress"),
            &record,
            "\n\x04EG_1",
            &headers,
        )
        .await;

    assert_eq!((list.status.as_u16(), list.body.len()), (200, 0));
    assert_eq!(list.header("content-type"), "application/protobuf");
    // Faults are JSON for everyone.
    assert_eq!(stop.fault(404, "not_found"), "egress does not exist");
    assert!(!folder.0.join("made").exists(), "nothing was recorded");
}

#[tokio::test]
async fn what_cannot_be_done_is_told_by_its_fault() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let file = |path: &str| json!([{ "filepath": path }]);
    let composite =
        |room: &str, outputs: Value| json!({ "roomName": room, "fileOutputs": outputs });

    for (method, request, status, code) in [
        (
            "StartRoomCompositeEgress",
            composite("red", file("a")),
            404,
            "not_found",
        ),
        (
            "StartRoomCompositeEgress",
            composite("", file("a")),
            400,
            "invalid_argument",
        ),
        (
            "StartRoomCompositeEgress",
            composite("blue", file("../a")),
            400,
            "invalid_argument",
        ),
        (
            "StartRoomCompositeEgress",
            composite("blue", file("/etc/a")),
            400,
            "invalid_argument",
        ),
        (
            "StartRoomCompositeEgress",
            composite("blue", file("{track_id}")),
            400,
            "invalid_argument",
        ),
        (
            "StartRoomCompositeEgress",
            composite("blue", json!([])),
            400,
            "invalid_argument",
        ),
        (
            "StartRoomCompositeEgress",
            composite("blue", json!([{ "filepath": "a.mp4", "fileType": "MP4" }])),
            400,
            "invalid_argument",
        ),
        (
            "StartRoomCompositeEgress",
            composite(
                "blue",
                json!([{ "filepath": "a", "s3": { "bucket": "b" } }]),
            ),
            501,
            "unimplemented",
        ),
        (
            "StartTrackEgress",
            json!({ "roomName": "blue", "trackId": "TR_1", "file": { "filepath": "a" } }),
            404,
            "not_found",
        ),
        (
            "StartTrackCompositeEgress",
            json!({ "roomName": "blue", "audioTrackId": "TR_1", "fileOutputs": file("a") }),
            404,
            "not_found",
        ),
        (
            "StartWebEgress",
            json!({ "url": "https://example.com" }),
            501,
            "unimplemented",
        ),
        (
            "StartEgress",
            json!({ "roomName": "blue" }),
            501,
            "unimplemented",
        ),
        (
            "UpdateStream",
            json!({ "egressId": "EG_1" }),
            404,
            "not_found",
        ),
        (
            "StopEgress",
            json!({ "egressId": "../../x" }),
            404,
            "not_found",
        ),
        ("StopEgress", json!({ "egressId": 7 }), 400, "malformed"),
        ("StartNothing", json!({}), 404, "bad_route"),
    ] {
        let msg = call(&server, method, &request).await.fault(status, code);
        assert!(!msg.is_empty(), "{method} {request}");
    }
    let record = server.token(recorder());
    let path = format!("{PATH}/ListEgress");
    server.get(&path, &record).await.fault(404, "bad_route");
    let text = [("content-type", "text/plain")];
    server
        .call("POST", &path, &record, "{}", &text)
        .await
        .fault(404, "bad_route");
    let long = " ".repeat(2 * 1024 * 1024);
    server
        .post(&path, &record, &long)
        .await
        .fault(400, "malformed");
    let listed = call(&server, "ListEgress", &json!({})).await.json();
    assert_eq!(listed, json!({}), "nothing has begun");
}

#[tokio::test]
async fn a_name_that_an_egress_is_going_to_have_is_taken() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let request = json!({ "roomName": "blue", "fileOutputs": [{ "filepath": "a.mp4" }] });

    let begun = call(&server, "StartRoomCompositeEgress", &request).await;

    assert_eq!(begun.status, 200, "{begun:?}");
    let again = call(&server, "StartRoomCompositeEgress", &request).await;
    assert!(again.fault(409, "already_exists").contains("a.webm"));
    let stop = json!({ "egressId": begun.json()["egressId"] });
    call(&server, "StopEgress", &stop).await;
    until_ended(&server, stop["egressId"].as_str().expect("an id")).await;
}

#[tokio::test]
async fn a_token_needs_the_grant_and_is_told_of_its_room_alone() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    server.make_room("red").await;
    let request = json!({ "roomName": "blue", "fileOutputs": [{ "filepath": "a" }] });
    let begun = call(&server, "StartRoomCompositeEgress", &request)
        .await
        .json();
    let stop = json!({ "egressId": begun["egressId"] });
    let of_red = server.token(VideoGrant {
        room: "red".to_owned(),
        ..recorder()
    });

    for method in ["StartRoomCompositeEgress", "StopEgress", "ListEgress"] {
        let path = format!("{PATH}/{method}");
        server
            .post(&path, "", "{}")
            .await
            .fault(401, "unauthenticated");
        server
            .post(&path, "nonsense", "{}")
            .await
            .fault(401, "unauthenticated");
        let msg = server
            .post(&path, &server.owner(), "{}")
            .await
            .fault(403, "permission_denied");
        assert!(msg.contains("roomRecord"), "{msg}");
    }
    let stopped = server
        .post(&format!("{PATH}/StopEgress"), &of_red, &stop.to_string())
        .await;
    stopped.fault(403, "permission_denied");
    let listed = server
        .post(&format!("{PATH}/ListEgress"), &of_red, "{}")
        .await;
    assert_eq!(listed.json(), json!({}));
    call(&server, "StopEgress", &stop).await;
    until_ended(&server, stop["egressId"].as_str().expect("an id")).await;
}

fn recorder() -> VideoGrant {
    VideoGrant {
        room_record: true,
        ..VideoGrant::default()
    }
}

async fn call(server: &Server, method: &str, request: &Value) -> Answer {
    let token = server.token(recorder());
    let path = format!("{PATH}/{method}");
    server.post(&path, &token, &request.to_string()).await
}

async fn until_ended(server: &Server, id: &str) -> Value {
    loop {
        let listed = call(server, "ListEgress", &json!({ "egressId": id }))
            .await
            .json();
        if listed["items"][0]["endedAt"].is_string() {
            return listed["items"][0].clone();
        }
        tokio::task::yield_now().await;
    }
}

impl Answer {
    /// Checks that this is an error of Twirp, and answers what it says.
    fn fault(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/json");
        let fault = self.json();
        assert_eq!(fault["code"], code, "{fault}");
        fault["msg"].as_str().unwrap_or_default().to_owned()
    }
}
