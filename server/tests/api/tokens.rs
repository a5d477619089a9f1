//! `/v1/rooms/{room}/tokens`

use plenary::clock;
use proto::token::{ApiKeys, Claims, GrantedSource, VideoGrant};
use serde_json::{Value, json};

use super::client::{Answer, Server};

const PATH: &str = "/v1/rooms/blue/tokens";

fn guests() -> Server {
    Server::with(|config| config.web.guest_tokens = true)
}

/// What the token in an answer says.
fn claims(keys: &ApiKeys, answer: &Answer) -> Claims {
    assert_eq!(answer.status, 201, "{answer:?}");
    let json = answer.json();
    keys.verify(
        json["token"].as_str().unwrap_or_default(),
        clock::unix_now(),
    )
    .expect("the server makes tokens it accepts")
}

#[tokio::test]
async fn a_token_says_what_was_asked_for() {
    let server = Server::new();
    let body = json!({
        "identity": "ann", "name": "Ann", "ttl": 120, "metadata": "m", "attributes": { "seat": "3" },
        "grants": { "can_publish_sources": ["microphone"], "can_subscribe": false, "room_admin": true },
    });

    let answer = server
        .post(PATH, &server.admin("blue"), &body.to_string())
        .await;

    let said = claims(&server.keys, &answer);
    assert_eq!(
        (&*said.identity, &*said.name, &*said.metadata),
        ("ann", "Ann", "m")
    );
    assert_eq!(said.attributes["seat"], "3");
    let expected = VideoGrant {
        room_join: true,
        room_admin: true,
        room: "blue".to_owned(),
        can_publish: Some(true),
        can_subscribe: Some(false),
        can_publish_sources: vec![GrantedSource::Microphone],
        can_update_own_metadata: Some(true),
        ..VideoGrant::default()
    };
    assert_eq!(said.video, expected);
    assert!(said.expires_at.abs_diff(clock::unix_now() + 120) <= 2);
    let json = answer.json();
    assert_eq!(
        (&json["identity"], &json["url"]),
        (&json!("ann"), &json!("ws://conference.example:7880"))
    );
    let link = format!(
        "http://conference.example:7880/room/blue#token={}",
        json["token"].as_str().unwrap()
    );
    assert_eq!(json["join_link"], link);
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[tokio::test]
async fn an_empty_request_makes_a_plain_token() {
    let server = Server::new();

    for body in ["", "{}"] {
        let answer = server.post(PATH, &server.admin("blue"), body).await;

        let said = claims(&server.keys, &answer);
        assert!(
            said.identity.starts_with("guest-") && said.identity.len() == 18,
            "{}",
            said.identity
        );
        assert!(said.video.room_join && said.video.may_publish() && said.video.may_publish_data());
        assert!(!said.video.room_admin && !said.video.room_create && !said.video.room_list);
        assert!(said.expires_at.abs_diff(clock::unix_now() + 6 * 3600) <= 2);
    }
}

#[tokio::test]
async fn links_are_made_with_the_public_address_if_there_is_one() {
    let links = async |server: Server, headers: &[(&str, &str)]| {
        let answer = server
            .call("POST", PATH, &server.admin("blue"), "", headers)
            .await
            .json();
        (
            answer["url"].clone(),
            answer["join_link"]
                .as_str()
                .unwrap()
                .split('#')
                .next()
                .unwrap()
                .to_owned(),
        )
    };

    let public = Server::with(|config| config.public_url = Some("https://a.example".to_owned()));
    assert_eq!(
        links(public, &[]).await,
        (
            json!("wss://a.example"),
            "https://a.example/room/blue".to_owned()
        )
    );
    let proxied = links(Server::new(), &[("x-forwarded-proto", "https")]).await;
    assert_eq!(proxied.0, "wss://conference.example:7880");

    for host in ["a b", "user@evil.example", "evil.example/x", ""] {
        let server = Server::new();
        let request = axum::http::Request::post(PATH)
            .header("host", host)
            .header("authorization", format!("Bearer {}", server.admin("blue")));
        let answer = server
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        answer.problem(400, "malformed-request");
    }
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let server = Server::new();
    let admin = server.admin("blue");

    for grant in ["room_record", "hidden", "recorder", "agent"] {
        let body = json!({ "grants": { grant: true } }).to_string();
        let detail = server
            .post(PATH, &admin, &body)
            .await
            .problem(403, "forbidden");
        assert!(detail.contains(grant), "{detail}");
    }
    for grant in ["room_create", "room_list", "room_join", "room"] {
        let body = json!({ "grants": { grant: true } }).to_string();
        server
            .post(PATH, &admin, &body)
            .await
            .problem(422, "invalid-field");
    }
    let owner_of_none = server.token(VideoGrant {
        room_create: true,
        room_join: true,
        ..VideoGrant::default()
    });
    server
        .post(PATH, &owner_of_none, "")
        .await
        .problem(403, "forbidden");
    server
        .post(PATH, &server.admin("red"), "")
        .await
        .problem(403, "forbidden");

    let hidden = VideoGrant {
        room_admin: true,
        room: "blue".to_owned(),
        hidden: true,
        ..VideoGrant::default()
    };
    let answer = server
        .post(
            PATH,
            &server.token(hidden),
            r#"{"grants": {"hidden": true}}"#,
        )
        .await;
    assert!(claims(&server.keys, &answer).video.hidden);
}

#[tokio::test]
async fn who_records_a_room_lets_others_record_it() {
    let server = Server::new();
    let recorder = |room: &str| {
        server.token(VideoGrant {
            room_admin: true,
            room_record: true,
            room: room.to_owned(),
            ..VideoGrant::default()
        })
    };
    let body = r#"{"grants": {"room_record": true}}"#;

    let asked = claims(
        &server.keys,
        &server.post(PATH, &recorder("blue"), body).await,
    );
    let unasked = claims(
        &server.keys,
        &server.post(PATH, &recorder("blue"), "").await,
    );

    assert!(asked.video.room_record && asked.video.room == "blue");
    assert!(!unasked.video.room_record);
}

#[tokio::test]
async fn an_administrators_token_ends_with_the_one_it_is_made_with() {
    let server = Server::new();

    let body = r#"{"ttl": 86400, "grants": {"room_admin": true}}"#;
    let said = claims(
        &server.keys,
        &server.post(PATH, &server.admin("blue"), body).await,
    );

    assert!(said.expires_at <= clock::unix_now() + 600);
}

#[tokio::test]
async fn values_out_of_range_are_refused() {
    let server = Server::new();
    let many: Value = (0..65)
        .map(|n| (n.to_string(), Value::from("v")))
        .collect::<serde_json::Map<_, _>>()
        .into();

    for (body, field) in [
        (json!({ "ttl": 0 }), "ttl"),
        (json!({ "ttl": 86_401 }), "ttl"),
        (json!({ "identity": "" }), "identity"),
        (json!({ "name": "n".repeat(257) }), "name"),
        (json!({ "metadata": "m".repeat(16_385) }), "metadata"),
        (json!({ "metadata": "m".repeat(9000) }), "metadata"),
        (json!({ "attributes": many }), "attributes"),
        (
            json!({ "grants": { "can_pubish": true } }),
            "grants.can_pubish",
        ),
    ] {
        let answer = server
            .post(PATH, &server.admin("blue"), &body.to_string())
            .await;
        answer.problem(422, "invalid-field");
        assert_eq!(answer.json()["field"], field);
    }
}

#[tokio::test]
async fn guests_get_tokens_only_where_that_is_switched_on() {
    let closed = Server::new()
        .post(PATH, "", "")
        .await
        .problem(401, "unauthorized");
    assert!(closed.contains("web.guest_tokens"));

    let server = guests();
    let said = claims(
        &server.keys,
        &server.post(PATH, "", r#"{"name": "Ann"}"#).await,
    );

    assert!(said.identity.starts_with("guest-"));
    assert_eq!(said.name, "Ann");
    let expected = VideoGrant {
        room_join: true,
        room: "blue".to_owned(),
        can_publish: Some(true),
        can_subscribe: Some(true),
        can_update_own_metadata: Some(true),
        ..VideoGrant::default()
    };
    assert_eq!(said.video, expected);
}

#[tokio::test]
async fn guests_get_nothing_but_a_guests_grants() {
    let server = guests();

    for grant in ["room_admin", "room_record", "hidden", "recorder", "agent"] {
        let body = json!({ "grants": { grant: true } }).to_string();
        server.post(PATH, "", &body).await.problem(403, "forbidden");
    }
    server
        .post(PATH, "", r#"{"ttl": 21601}"#)
        .await
        .problem(422, "invalid-field");
    server
        .post(PATH, "nonsense", "")
        .await
        .problem(401, "unauthorized");
    server
        .get("/v1/rooms", "")
        .await
        .problem(401, "unauthorized");
}

#[tokio::test]
async fn guests_record_where_somebody_develops_and_nowhere_else() {
    let may_record = async |server: &Server, headers: &[(&str, &str)]| {
        let answer = server.call("POST", PATH, "", "", headers).await;
        claims(&server.keys, &answer).video.room_record
    };
    let dev = Server::with(|config| {
        config.dev = true;
        config.web.guest_tokens = true;
    });

    assert!(!may_record(&guests(), &[]).await);
    assert!(may_record(&dev, &[]).await);
    assert!(may_record(&dev, &[("sec-fetch-site", "same-origin")]).await);
    assert!(!may_record(&dev, &[("sec-fetch-site", "cross-site")]).await);
}

#[tokio::test]
async fn guests_cannot_pass_for_somebody_known() {
    let server = guests();

    server
        .post(PATH, "", r#"{"identity": "ann"}"#)
        .await
        .problem(403, "forbidden");
    let said = claims(
        &server.keys,
        &server.post(PATH, "", r#"{"identity": "guest-ann"}"#).await,
    );

    assert_eq!(said.identity, "guest-ann");
}

#[tokio::test]
async fn guests_share_no_idempotency_keys() {
    let server = guests();
    let key = [("idempotency-key", "k")];

    let first = server.call("POST", PATH, "", "", &key).await.json();
    let second = server.call("POST", PATH, "", "", &key).await.json();

    assert_ne!(first["identity"], second["identity"]);
}

#[tokio::test]
async fn a_token_asked_for_twice_is_the_same_token() {
    let server = Server::new();
    let key = [("idempotency-key", "k")];
    let admin = server.admin("blue");

    let first = server.call("POST", PATH, &admin, "", &key).await;
    let second = server.call("POST", PATH, &admin, "", &key).await;

    assert_eq!(first.body, second.body);
    assert_eq!(second.header("cache-control"), "no-store");
}
