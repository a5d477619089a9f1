//! Rooms that record themselves.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use fastrand::Rng;
use plenary::config::{RoomRecord, Workers};
use plenary::node::Connection;
use proto::ids::{Identity, RoomName};
use proto::signal::messages::JoinRequest;
use proto::token::{Claims, ParticipantKind, VideoGrant};
use serde_json::{Value, json};

use super::client::{Answer, Server};
use super::recordings::recording_server;

#[tokio::test]
async fn a_room_is_recorded_from_the_first_participant_to_its_end() {
    let (server, _folder) = recording_server(|_| {});
    let settings =
        r#"{"name": "blue", "departure_timeout": 0, "recording": {"composite": "none"}}"#;
    let made = make(&server, settings).await;
    assert_eq!(made.json()["recording"], json!({ "composite": "none" }));
    assert_eq!(recordings(&server, "blue").await.len(), 0);

    let ann = join(&server, "blue", "ann").await;
    let first = until(&server, "blue", &["recording"]).await;
    let bob = join(&server, "blue", "bob").await;
    drop(ann);
    assert_all_looked_at(&server).await;
    assert_eq!(recordings(&server, "blue").await, first);
    drop(bob);

    until(&server, "blue", &["done"]).await;
    let admin = server.admin("blue");
    until_gone(&server, "/v1/rooms/blue", &admin).await;
}

#[tokio::test]
async fn those_who_join_at_once_are_recorded_once() {
    let (server, _folder) = recording_server(|config| config.room.record = RoomRecord::Tracks);
    let names: Vec<_> = (0..10).map(|number| format!("p{number}")).collect();

    let joining = names.iter().map(|name| join(&server, "blue", name));
    let all = futures_util::future::join_all(joining).await;

    until(&server, "blue", &["recording"]).await;
    assert_all_looked_at(&server).await;
    assert_eq!(states(&server, "blue").await, ["recording"]);
    drop(all);
}

#[tokio::test]
async fn a_room_on_two_workers_is_recorded_once() {
    let (server, _folder) = recording_server(|config| {
        config.workers = Workers::Count(2.try_into().expect("two"));
        config.room.worker_participants = 1;
        config.room.record = RoomRecord::Tracks;
        config.udp.port = free_ports();
    });

    let ann = join(&server, "blue", "ann").await;
    let bob = join(&server, "blue", "bob").await;
    until(&server, "blue", &["recording"]).await;
    // One of them stays, whose worker need not be the room's home.
    drop(ann);
    until_people(&server, "blue", 1).await;
    assert_all_looked_at(&server).await;
    assert_eq!(states(&server, "blue").await, ["recording"]);

    // The stop counts for this gathering, and the next has a recording of its own.
    stop(&server, "blue", 0).await;
    drop(bob);
    until_people(&server, "blue", 0).await;
    let _cid = join(&server, "blue", "cid").await;
    until(&server, "blue", &["done", "recording"]).await;
}

#[tokio::test]
async fn a_room_with_people_in_it_is_recorded_as_soon_as_it_is_to_be() {
    let (server, _folder) = recording_server(|_| {});
    let _ann = join(&server, "blue", "ann").await;

    let changed = change(&server, r#"{"recording": {"composite": "none"}}"#).await;

    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.json()["recording"], json!({ "composite": "none" }));
    until(&server, "blue", &["recording"]).await;
    // What runs goes on.
    let other = change(&server, r#"{"recording": {"composite": "live"}}"#).await;
    assert_eq!(other.json()["recording"], json!({ "composite": "live" }));
    let unchanged = change(&server, "{}").await;
    assert_eq!(unchanged.json(), other.json());
    let none = change(&server, r#"{"recording": null}"#).await;
    assert_eq!(none.json()["recording"], Value::Null);
    assert_all_looked_at(&server).await;
    assert_eq!(states(&server, "blue").await, ["recording"]);
    // Another beginning, since that is asked for anew.
    stop(&server, "blue", 0).await;
    assert_all_looked_at(&server).await;
    change(&server, r#"{"recording": {"composite": "none"}}"#).await;
    until(&server, "blue", &["done", "recording"]).await;
}

#[tokio::test]
async fn what_was_stopped_begins_again_when_everyone_has_left() {
    let (server, _folder) = recording_server(|config| config.room.record = RoomRecord::Tracks);
    let ann = join(&server, "blue", "ann").await;
    until(&server, "blue", &["recording"]).await;

    stop(&server, "blue", 0).await;
    let bob = join(&server, "blue", "bob").await;
    assert_all_looked_at(&server).await;
    until(&server, "blue", &["done"]).await;
    drop((ann, bob));
    until_people(&server, "blue", 0).await;

    let _cid = join(&server, "blue", "cid").await;
    until(&server, "blue", &["done", "recording"]).await;
}

#[tokio::test]
async fn a_room_may_differ_from_the_others() {
    let (server, _folder) = recording_server(|config| config.room.record = RoomRecord::After);
    let silent = make(&server, r#"{"name": "blue", "recording": null}"#).await;
    let others = server.make_room("red").await;

    let _people = [
        join(&server, "blue", "ann").await,
        join(&server, "red", "ann").await,
    ];

    assert_eq!(silent.json()["recording"], Value::Null);
    assert_eq!(others.json()["recording"], json!({ "composite": "after" }));
    let made = until(&server, "red", &["recording"]).await;
    assert_eq!(made[0]["composites"][0]["state"], "waiting");
    assert_eq!(recordings(&server, "blue").await.len(), 0);
    // Each agrees with what it was made with, and with nothing else.
    let again = r#"{"name": "red", "recording": {"composite": "after"}}"#;
    let again = server.post("/v1/rooms", &owner(&server), again).await;
    assert_eq!(again.status, 200);
    let other = r#"{"name": "red", "recording": null}"#;
    let other = server.post("/v1/rooms", &owner(&server), other).await;
    assert!(other.problem(409, "conflict").contains("recording"));
}

#[tokio::test]
async fn participants_made_of_code_are_nobody_to_record() {
    let (server, _folder) = recording_server(|config| config.room.record = RoomRecord::Tracks);
    let agent = Claims {
        kind: ParticipantKind::Agent,
        ..claims()
    };
    let mut hidden = claims();
    hidden.video.hidden = true;

    let _agent = join_as(&server, "blue", "agent", agent).await;
    let _hidden = join_as(&server, "blue", "hidden", hidden).await;
    assert_all_looked_at(&server).await;
    assert_eq!(recordings(&server, "blue").await.len(), 0);

    let _ann = join(&server, "blue", "ann").await;
    until(&server, "blue", &["recording"]).await;
}

#[tokio::test]
async fn a_room_that_cannot_be_recorded_is_open_and_the_failures_are_counted() {
    let (server, folder) = recording_server(|config| {
        config.room.record = RoomRecord::Tracks;
        config.recording.min_free_bytes = i64::MAX as usize;
    });

    let _ann = join(&server, "blue", "ann").await;
    until_failures(&server, &[("no_space", 1)]).await;
    let _bob = join(&server, "blue", "bob").await;

    until_failures(&server, &[("no_space", 2)]).await;
    assert_eq!(recordings(&server, "blue").await.len(), 0);
    assert_eq!(std::fs::read_dir(&folder.0).expect("a folder").count(), 0);
    until_people(&server, "blue", 2).await;
}

#[tokio::test]
async fn only_those_who_may_record_decide_what_records_itself() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;
    let recorder = server.token(VideoGrant {
        room_record: true,
        room: "blue".to_owned(),
        ..VideoGrant::default()
    });
    let path = "/v1/rooms/blue";
    let body = r#"{"recording": null}"#;

    let made = r#"{"name": "red", "recording": {}}"#;
    let refused = server.post("/v1/rooms", &server.owner(), made).await;
    let detail = refused.problem(403, "forbidden");
    assert!(detail.contains("roomRecord"), "{detail}");
    for token in [server.owner(), server.admin("blue")] {
        let answer = server.call("PATCH", path, &token, body, &[]).await;
        answer.problem(403, "forbidden");
    }
    let stale = [("if-match", "\"stale\"")];
    let answer = server.call("PATCH", path, &recorder, body, &stale).await;
    assert_eq!(answer.status, 412, "{answer:?}");
    let answer = server.call("PATCH", path, &recorder, body, &[]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let red = "/v1/rooms/red";
    let answer = server.call("PATCH", red, &recorder, body, &[]).await;
    answer.problem(403, "forbidden");
    let answer = server.call("PATCH", red, &owner(&server), body, &[]).await;
    answer.problem(404, "room-not-found");
}

#[tokio::test]
async fn what_nobody_can_make_is_refused_when_it_is_asked_for() {
    let (server, _folder) = recording_server(|_| {});
    server.make_room("blue").await;

    for (recording, field) in [
        (json!({ "width": 17 }), "recording.width"),
        (json!({ "bitrate": 1 }), "recording.bitrate"),
        (json!({ "layout": "cube" }), "recording.layout"),
        (json!({ "composit": "none" }), "recording.composit"),
        (json!("live"), "recording"),
    ] {
        let body = json!({ "recording": recording }).to_string();
        let changed = change(&server, &body).await;
        changed.problem(422, "invalid-field");
        assert_eq!(changed.json()["field"], field, "{changed:?}");
        let body = json!({ "name": "red", "recording": recording }).to_string();
        let made = server.post("/v1/rooms", &owner(&server), &body).await;
        assert_eq!(made.json()["field"], field, "{made:?}");
    }
}

async fn make(server: &Server, body: &str) -> Answer {
    let answer = server.post("/v1/rooms", &owner(server), body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer
}

async fn change(server: &Server, body: &str) -> Answer {
    let token = owner(server);
    server
        .call("PATCH", "/v1/rooms/blue", &token, body, &[])
        .await
}

async fn stop(server: &Server, room: &str, index: usize) {
    let all = recordings(server, room).await;
    let id = all[index]["id"].as_str().expect("an id");
    let path = format!("/v1/rooms/{room}/recordings/{id}");
    let answer = server.call("DELETE", &path, &owner(server), "", &[]).await;
    assert_eq!(answer.status, 204, "{answer:?}");
}

async fn join(server: &Server, room: &str, name: &str) -> Connection {
    join_as(server, room, name, claims()).await
}

/// Somebody is in the room until this is dropped.
async fn join_as(server: &Server, room: &str, name: &str, claims: Claims) -> Connection {
    let room = RoomName::new(room).expect("a name");
    let identity = Identity::new(name).expect("an identity");
    let joined = server
        .node
        .join(room, identity, claims, JoinRequest::default());
    joined.await.expect("there is room")
}

fn claims() -> Claims {
    let video = VideoGrant {
        room_join: true,
        ..VideoGrant::default()
    };
    Claims {
        video,
        ..Claims::default()
    }
}

async fn recordings(server: &Server, room: &str) -> Vec<Value> {
    let path = format!("/v1/rooms/{room}/recordings");
    let answer = server.get(&path, &owner(server)).await;
    let mut json = answer.json();
    json["recordings"]
        .as_array_mut()
        .map(std::mem::take)
        .expect("a list")
}

async fn states(server: &Server, room: &str) -> Vec<String> {
    let all = recordings(server, room).await;
    let states = all.iter().map(|own| own["state"].as_str());
    states.map(|own| own.expect("a state").to_owned()).collect()
}

/// Waits until a room's recordings stand so.
async fn until(server: &Server, room: &str, wanted: &[&str]) -> Vec<Value> {
    eventually(&format!("{wanted:?} of {room}"), async || {
        let all = recordings(server, room).await;

        let states = all
            .iter()
            .map(|own| own["state"].as_str().unwrap_or_default());
        states.eq(wanted.iter().copied()).then_some(all)
    })
    .await
}

async fn until_people(server: &Server, room: &str, count: u64) {
    let path = format!("/v1/rooms/{room}");
    eventually(&format!("{count} in {room}"), async || {
        let room = server.get(&path, &owner(server)).await;
        (room.json()["num_participants"] == count).then_some(())
    })
    .await;
}

async fn until_gone(server: &Server, path: &str, token: &str) {
    eventually("the end of the room", async || {
        (server.get(path, token).await.status == 404).then_some(())
    })
    .await;
}

async fn until_failures(server: &Server, wanted: &[(&'static str, u64)]) {
    let wanted = BTreeMap::from_iter(wanted.iter().copied());
    eventually(&format!("{wanted:?}"), async || {
        (server.node.counters().recordings_not_begun == wanted).then_some(())
    })
    .await;
}

/// Waits until what was told of rooms before this was acted on: all are looked at in the order of their
/// names.
async fn assert_all_looked_at(server: &Server) {
    let name = format!("zoo-{}", fastrand::u64(..));
    let body = json!({ "name": name, "recording": { "composite": "none" } }).to_string();
    make(server, &body).await;
    let _visitor = join(server, &name, "visitor").await;
    until(server, &name, &["recording"]).await;
}

/// Waits until something is so.
async fn eventually<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    for _ in 0..1_500 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no {what}");
}

/// A port that is free, and the next as well: away from those that the system gives to others.
fn free_ports() -> u16 {
    let mut rng = Rng::new();
    let is_free = |port: u16| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let mut some = std::iter::repeat_with(|| rng.u16(20_000..30_000));
    some.find(|port| is_free(*port) && is_free(port + 1))
        .expect("they do not end")
}

/// A token that may make rooms and record them.
fn owner(server: &Server) -> String {
    server.token(VideoGrant {
        room_create: true,
        room_record: true,
        ..VideoGrant::default()
    })
}
