//! `/v1/rooms` and the participants in them.

use std::time::Duration;

use plenary::clock;
use proto::token::{Claims, VideoGrant};
use serde_json::json;

use super::client::Server;

#[tokio::test]
async fn a_room_is_made_read_listed_and_ended() {
    let server = Server::new();
    let owner = server.owner();

    let made = server
        .post(
            "/v1/rooms",
            &owner,
            r#"{"name": "blue", "metadata": "m", "max_participants": 5}"#,
        )
        .await;
    assert_eq!(made.status, 201);
    assert_eq!(made.header("location"), "/v1/rooms/blue");
    let room = made.json();
    assert!(room["sid"].as_str().unwrap().starts_with("RM_"));
    assert!(room["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(
        (&room["empty_timeout"], &room["departure_timeout"]),
        (&json!(300), &json!(20))
    );
    assert_eq!(
        (&room["max_participants"], &room["metadata"]),
        (&json!(5), &json!("m"))
    );

    let read = server.get("/v1/rooms/blue", &server.admin("blue")).await;
    assert_eq!((read.status.as_u16(), read.json()), (200, room.clone()));
    assert_eq!(read.header("etag"), made.header("etag"));
    assert_eq!(
        server.get("/v1/rooms", &owner).await.json(),
        json!({ "rooms": [room] })
    );
    assert_eq!(
        server
            .get("/v1/rooms/blue/participants", &owner)
            .await
            .json(),
        json!({ "participants": [] })
    );

    assert_eq!(
        server
            .call("DELETE", "/v1/rooms/blue", &owner, "", &[])
            .await
            .status,
        204
    );
    server
        .get("/v1/rooms/blue", &owner)
        .await
        .problem(404, "room-not-found");
    server
        .call("DELETE", "/v1/rooms/blue", &owner, "", &[])
        .await
        .problem(404, "room-not-found");
    assert_eq!(
        server.get("/v1/rooms", &owner).await.json(),
        json!({ "rooms": [] })
    );
}

#[tokio::test]
async fn a_room_made_twice_is_the_same_room_unless_it_should_differ() {
    let server = Server::new();
    let first = server.make_room("blue").await;

    let again = server
        .post(
            "/v1/rooms",
            &server.owner(),
            r#"{"name": "blue", "empty_timeout": 300}"#,
        )
        .await;
    assert_eq!((again.status.as_u16(), again.json()), (200, first.json()));

    let other = server
        .post(
            "/v1/rooms",
            &server.owner(),
            r#"{"name": "blue", "empty_timeout": 10}"#,
        )
        .await;
    assert!(other.problem(409, "conflict").contains("empty_timeout"));
}

#[tokio::test]
async fn a_token_must_be_good_and_hold_the_grant() {
    let server = Server::new();
    server.make_room("blue").await;
    let owner = server.owner();

    let none = server.get("/v1/rooms", "").await;
    assert!(
        none.problem(401, "unauthorized")
            .contains("Authorization: Bearer")
    );
    assert_eq!(none.header("www-authenticate"), "Bearer");
    server
        .call(
            "GET",
            "/v1/rooms",
            "",
            "",
            &[("authorization", "Basic eDp5")],
        )
        .await
        .problem(401, "unauthorized");
    assert!(
        server
            .get("/v1/rooms", "nonsense")
            .await
            .problem(401, "unauthorized")
            .contains("not a JSON Web Token")
    );
    let old = server
        .keys
        .sign(
            &Claims::default(),
            None,
            clock::unix_now() - 1000,
            Duration::from_secs(10),
        )
        .unwrap();
    assert!(
        server
            .get("/v1/rooms", &old)
            .await
            .problem(401, "unauthorized")
            .contains("expired")
    );

    let lister = server.token(VideoGrant {
        room_list: true,
        ..VideoGrant::default()
    });
    let detail = server
        .post("/v1/rooms", &lister, r#"{"name": "x"}"#)
        .await
        .problem(403, "forbidden");
    assert_eq!(
        detail,
        "this needs the grant roomCreate; the token has roomList"
    );
    let admin_of_another = server.admin("red");
    for path in [
        "/v1/rooms/blue",
        "/v1/rooms/blue/participants",
        "/v1/rooms/blue/participants/ann",
    ] {
        let detail = server
            .get(path, &admin_of_another)
            .await
            .problem(403, "forbidden");
        assert!(
            detail.contains("roomAdmin with room \"blue\"") && detail.contains("with room \"red\""),
            "{detail}"
        );
    }
    server
        .call("DELETE", "/v1/rooms/blue", &server.admin("blue"), "", &[])
        .await
        .problem(403, "forbidden");
    server
        .call("DELETE", "/v1/rooms/blue/participants/ann", &owner, "", &[])
        .await
        .problem(403, "forbidden");
    let joiner = server.token(VideoGrant {
        room_join: true,
        room: "blue".to_owned(),
        ..VideoGrant::default()
    });
    server
        .get("/v1/rooms/blue", &joiner)
        .await
        .problem(403, "forbidden");
}

#[tokio::test]
async fn who_may_not_know_of_a_room_does_not_learn_of_it() {
    let server = Server::new();
    server.make_room("blue").await;
    let stranger = server.admin("red");

    let there = server
        .get("/v1/rooms/blue", &stranger)
        .await
        .problem(403, "forbidden");
    let absent = server
        .get("/v1/rooms/blau", &stranger)
        .await
        .problem(403, "forbidden");

    assert_eq!(there.replace("blue", "blau"), absent);
}

#[tokio::test]
async fn a_body_that_cannot_be_used_is_told_by_its_fault() {
    let server = Server::new();
    let owner = server.owner();
    let post = async |body: &str| server.post("/v1/rooms", &owner, body).await;

    post("{").await.problem(400, "malformed-body");
    post("not json").await.problem(400, "malformed-body");
    let unknown = post(r#"{"name": "a", "max_particpants": 3}"#).await;
    assert!(
        unknown
            .problem(422, "invalid-field")
            .contains("did you mean \"max_participants\"?")
    );
    assert_eq!(unknown.json()["field"], "max_particpants");
    for (body, field) in [
        ("{}", "name"),
        (r#"{"name": ""}"#, "name"),
        (r#"{"name": "a\nb"}"#, "name"),
        (r#"{"name": 5}"#, "name"),
        (
            r#"{"name": "a", "max_participants": 0}"#,
            "max_participants",
        ),
        (
            r#"{"name": "a", "max_participants": -1}"#,
            "max_participants",
        ),
        (
            r#"{"name": "a", "max_participants": 1e99}"#,
            "max_participants",
        ),
        (r#"{"name": "a", "empty_timeout": 604801}"#, "empty_timeout"),
    ] {
        let answer = post(body).await;
        answer.problem(422, "invalid-field");
        assert_eq!(answer.json()["field"], field, "{body}");
    }
    let long = json!({ "name": "n".repeat(257) }).to_string();
    assert_eq!(post(&long).await.json()["field"], "name");
    let metadata = json!({ "name": "a", "metadata": "m".repeat(65_537) }).to_string();
    assert_eq!(post(&metadata).await.json()["field"], "metadata");

    let plain = server
        .call(
            "POST",
            "/v1/rooms",
            &owner,
            r#"{"name": "a"}"#,
            &[("content-type", "text/plain")],
        )
        .await;
    plain.problem(415, "unsupported-media-type");
    let charset = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(
        server
            .call("POST", "/v1/rooms", &owner, r#"{"name": "a"}"#, &charset)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_one_at_it_is_read() {
    let server = Server::new();
    let owner = server.owner();
    let body = |length: usize| format!("{}{}", r#"{"name": "a"}"#, " ".repeat(length - 13));

    assert_eq!(
        server
            .post("/v1/rooms", &owner, &body(1_048_576))
            .await
            .status,
        201
    );
    server
        .post("/v1/rooms", &owner, &body(1_048_577))
        .await
        .problem(413, "body-too-large");
    let length = [("content-length", "99999999999")];
    server
        .call("POST", "/v1/rooms", &owner, "{}", &length)
        .await
        .problem(413, "body-too-large");
}

#[tokio::test]
async fn lists_come_in_pages_of_a_stable_order() {
    let server = Server::new();
    let owner = server.owner();
    for name in ["e", "b", "d", "a", "c"] {
        server.make_room(name).await;
    }

    let mut names = Vec::new();
    let mut path = "/v1/rooms?limit=2".to_owned();
    for expected in [2, 2, 1] {
        let page = server.get(&path, &owner).await.json();
        let rooms = page["rooms"].as_array().unwrap();
        assert_eq!(rooms.len(), expected);
        names.extend(
            rooms
                .iter()
                .map(|room| room["name"].as_str().unwrap().to_owned()),
        );
        path = format!(
            "/v1/rooms?limit=2&cursor={}",
            page["next_cursor"].as_str().unwrap_or("none")
        );
    }

    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert!(path.ends_with("none"), "the last page has no cursor");
    for bad in ["limit=0", "limit=1001", "cursor=%25", "cursor=_w"] {
        server
            .get(&format!("/v1/rooms?{bad}"), &owner)
            .await
            .problem(422, "invalid-field");
    }
    for bad in ["limit=x", "limit=-1", "lmit=3"] {
        server
            .get(&format!("/v1/rooms?{bad}"), &owner)
            .await
            .problem(400, "malformed-request");
    }
}

#[tokio::test]
async fn a_stale_etag_keeps_a_room_from_being_ended() {
    let server = Server::new();
    let owner = server.owner();
    let tag = server.make_room("blue").await.header("etag").to_owned();

    let stale = [("if-match", "\"0000000000000000\"")];
    let refused = server
        .call("DELETE", "/v1/rooms/blue", &owner, "", &stale)
        .await;
    assert!(refused.problem(412, "precondition-failed").contains(&tag));

    let both = format!("\"0000000000000000\", {tag}");
    assert_eq!(
        server
            .call(
                "DELETE",
                "/v1/rooms/blue",
                &owner,
                "",
                &[("if-match", &both)]
            )
            .await
            .status,
        204
    );
    server.make_room("blue").await;
    assert_eq!(
        server
            .call("DELETE", "/v1/rooms/blue", &owner, "", &[("if-match", "*")])
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn a_request_sent_twice_is_done_once() {
    let server = Server::new();
    let owner = server.owner();
    let key = [("idempotency-key", "7c0d")];
    let make = async |body: &str| server.call("POST", "/v1/rooms", &owner, body, &key).await;

    let first = make(r#"{"name": "blue"}"#).await;
    let second = make(r#"{"name": "blue"}"#).await;

    assert_eq!((second.status.as_u16(), &second.body), (201, &first.body));
    assert_eq!(second.header("location"), "/v1/rooms/blue");
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            second.header("idempotency-replayed")
        ),
        ("", "true")
    );
    make(r#"{"name": "red"}"#)
        .await
        .problem(422, "idempotency-key-reused");
    let long = "k".repeat(257);
    let bad = server
        .call(
            "POST",
            "/v1/rooms",
            &owner,
            "{}",
            &[("idempotency-key", &long)],
        )
        .await;
    bad.problem(400, "malformed-request");
}

#[tokio::test]
async fn one_callers_idempotency_key_is_nothing_to_another() {
    let server = Server::new();
    let key = [("idempotency-key", "same")];
    let other = Claims {
        identity: "other".to_owned(),
        video: VideoGrant {
            room_create: true,
            ..VideoGrant::default()
        },
        ..Claims::default()
    };
    let other = server
        .keys
        .sign(&other, None, clock::unix_now(), Duration::from_secs(60))
        .unwrap();

    server
        .call(
            "POST",
            "/v1/rooms",
            &server.owner(),
            r#"{"name": "blue"}"#,
            &key,
        )
        .await;
    let answer = server
        .call("POST", "/v1/rooms", &other, r#"{"name": "blue"}"#, &key)
        .await;

    assert_eq!(
        (
            answer.status.as_u16(),
            answer.header("idempotency-replayed")
        ),
        (200, "")
    );
}

#[tokio::test]
async fn names_of_any_letters_survive_the_path() {
    let server = Server::new();
    let made = server.make_room("a/b ü#?").await;
    assert_eq!(made.header("location"), "/v1/rooms/a%2Fb%20%C3%BC%23%3F");

    let read = server.get(made.header("location"), &server.owner()).await;

    assert_eq!(read.json()["name"], "a/b ü#?");
    server
        .get("/v1/rooms/%ff", &server.owner())
        .await
        .problem(400, "malformed-request");
    server
        .get("/v1/rooms/a%0Ab", &server.owner())
        .await
        .problem(422, "invalid-field");
}

#[tokio::test]
async fn absent_participants_are_told_from_absent_rooms() {
    let server = Server::new();
    server.make_room("blue").await;

    for method in ["GET", "DELETE"] {
        let blue = server
            .call(
                method,
                "/v1/rooms/blue/participants/ann",
                &server.admin("blue"),
                "",
                &[],
            )
            .await;
        blue.problem(404, "participant-not-found");
        let red = server
            .call(
                method,
                "/v1/rooms/red/participants/ann",
                &server.admin("red"),
                "",
                &[],
            )
            .await;
        red.problem(404, "room-not-found");
    }
}

#[tokio::test]
async fn the_limit_on_rooms_is_kept() {
    let server = Server::with(|config| config.limits.rooms = 1);
    server.make_room("blue").await;

    let refused = server
        .post("/v1/rooms", &server.owner(), r#"{"name": "red"}"#)
        .await;

    refused.problem(429, "limit-exceeded");
    assert!(!refused.header("retry-after").is_empty());
}
