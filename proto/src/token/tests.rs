use serde_json::json;

use super::*;

const NOW: u64 = 1_800_000_000;
const KEY: &str = "APIalpha";

#[test]
fn a_signed_token_reads_back_as_it_was_meant() {
    let claims = Claims {
        identity: "ann".to_owned(),
        name: "Ann".to_owned(),
        kind: ParticipantKind::Agent,
        metadata: "{}".to_owned(),
        attributes: BTreeMap::from([("seat".to_owned(), "3".to_owned())]),
        video: VideoGrant {
            room_join: true,
            room: "blue".to_owned(),
            can_publish_sources: vec![GrantedSource::ScreenShareAudio],
            ..VideoGrant::default()
        },
        room_config: Some(RoomConfig {
            max_participants: 4,
            ..RoomConfig::default()
        }),
        ..Claims::default()
    };

    let token = keys()
        .sign(&claims, None, NOW, Duration::from_secs(600))
        .unwrap();
    let read = keys().verify(&token, NOW).unwrap();

    assert_eq!(
        read,
        Claims {
            key: KEY.to_owned(),
            expires_at: NOW + 600,
            ..claims
        }
    );
}

#[test]
fn reads_a_token_as_livekit_libraries_write_it() {
    let payload = json!({
        "exp": NOW + 60, "iss": KEY, "nbf": NOW, "sub": "bob", "name": "Bob", "kind": "standard",
        "video": {"roomJoin": true, "room": "blue", "canPublish": false, "canSubscribeMetrics": true},
        "sip": {"call": true}, "roomPreset": "x", "roomConfig": {"emptyTimeout": 10, "agents": []},
    });

    let claims = keys().verify(&hs256(&payload.to_string()), NOW).unwrap();

    assert_eq!(claims.identity, "bob");
    assert_eq!(claims.video.can_publish, Some(false));
    assert_eq!(
        claims.room_config.map(|config| config.empty_timeout),
        Some(10)
    );
}

#[test]
fn identity_of_old_libraries_is_read_from_jti() {
    let claims = keys()
        .verify(&hs256(&payload(r#""exp": 1800000060, "jti": "old""#)), NOW)
        .unwrap();

    assert_eq!(claims.identity, "old");
}

#[test]
fn clocks_may_differ_by_a_minute_and_no_more() {
    let token = |exp: u64, nbf: u64| hs256(&payload(&format!(r#""exp": {exp}, "nbf": {nbf}"#)));

    assert!(keys().verify(&token(NOW - 59, 0), NOW).is_ok());
    assert_eq!(
        keys().verify(&token(NOW - 60, 0), NOW),
        Err(TokenError::Expired { seconds_ago: 60 })
    );
    assert!(keys().verify(&token(NOW + 600, NOW + 60), NOW).is_ok());
    assert_eq!(
        keys().verify(&token(NOW + 600, NOW + 61), NOW),
        Err(TokenError::NotYetValid { seconds: 61 })
    );
}

#[test]
fn a_date_may_have_a_fraction() {
    assert!(
        keys()
            .verify(&hs256(&payload(r#""exp": 1800000060.5"#)), NOW)
            .is_ok()
    );
}

#[test]
fn refuses_every_other_algorithm() {
    let body = payload(r#""exp": 1800000060"#);

    for alg in [
        "none", "None", "nOnE", "", "HS384", "HS512", "RS256", "ES256", "EdDSA", "hs256", "HS256 ",
    ] {
        let header = json!({"typ": "JWT", "alg": alg}).to_string();
        let unsigned = format!("{}.{}.", encode(&header), encode(&body));

        assert_eq!(
            keys().verify(&unsigned, NOW),
            Err(TokenError::Algorithm(alg.to_owned()))
        );
        // The confusion attack: declared as another algorithm, signed with HMAC and the key.
        let confused = signed(&header, &body, secret());
        assert_eq!(
            keys().verify(&confused, NOW),
            Err(TokenError::Algorithm(alg.to_owned()))
        );
    }
}

#[test]
fn refuses_headers_that_bring_their_own_key_or_rules() {
    for name in ["crit", "jku", "jwk", "x5u", "x5c", "zip", "enc"] {
        let header = format!(r#"{{"alg": "HS256", "{name}": ["x"]}}"#);
        let token = signed(&header, &payload(r#""exp": 1800000060"#), secret());

        assert_eq!(
            keys().verify(&token, NOW),
            Err(TokenError::HeaderParameter(name))
        );
    }
}

#[test]
fn refuses_headers_without_exactly_one_algorithm() {
    for header in [
        r#"{}"#,
        r#"[]"#,
        r#"{"alg": null}"#,
        r#"{"alg": "none", "alg": "HS256"}"#,
        "",
        "\u{0}",
    ] {
        let token = signed(header, &payload(r#""exp": 1800000060"#), secret());

        assert!(
            matches!(keys().verify(&token, NOW), Err(TokenError::NotAToken(_))),
            "{header}"
        );
    }
}

#[test]
fn refuses_dates_that_are_not_plain_numbers() {
    for date in [
        r#""1800000060""#,
        r#""9e9""#,
        "1e400",
        "1e300",
        "null",
        "true",
        "[1800000060]",
        "{}",
        "NaN",
    ] {
        for claim in ["exp", "nbf", "iat"] {
            let exp = if claim == "exp" {
                ""
            } else {
                r#", "exp": 1800000060"#
            };
            let token = hs256(&payload(&format!(r#""{claim}": {date}{exp}"#)));

            assert!(
                matches!(keys().verify(&token, NOW), Err(TokenError::Claims(_))),
                "{claim} {date}"
            );
        }
    }
}

#[test]
fn refuses_tokens_without_a_future_end() {
    assert_eq!(
        keys().verify(&hs256(&payload(r#""sub": "ann""#)), NOW),
        Err(TokenError::NoExpiry)
    );
    for exp in ["-1", "0", "-9223372036854775808"] {
        let token = hs256(&payload(&format!(r#""exp": {exp}"#)));

        assert_eq!(
            keys().verify(&token, NOW),
            Err(TokenError::Expired { seconds_ago: NOW })
        );
    }
}

#[test]
fn refuses_claims_that_stand_twice() {
    for claims in [
        r#""exp": 1, "exp": 1800000060"#,
        r#""exp": 1800000060, "sub": "a", "sub": "b""#,
    ] {
        assert!(matches!(
            keys().verify(&hs256(&payload(claims)), NOW),
            Err(TokenError::Claims(_))
        ));
    }
    let two_issuers = format!(r#"{{"iss": "APIother", "iss": "{KEY}", "exp": 1800000060}}"#);
    assert!(matches!(
        keys().verify(&hs256(&two_issuers), NOW),
        Err(TokenError::Claims(_))
    ));
    let two_grants =
        payload(r#""exp": 1800000060, "video": {"roomAdmin": false, "roomAdmin": true}"#);
    assert!(matches!(
        keys().verify(&hs256(&two_grants), NOW),
        Err(TokenError::Claims(_))
    ));
}

#[test]
fn refuses_claims_of_the_wrong_type() {
    for claims in [
        r#""sub": 7"#,
        r#""sub": null"#,
        r#""video": null"#,
        r#""video": {"roomJoin": "yes"}"#,
        r#""video": {"room": ["a", "b"]}"#,
        r#""attributes": {"a": 1}"#,
    ] {
        let token = hs256(&payload(&format!(r#""exp": 1800000060, {claims}"#)));

        assert!(
            matches!(keys().verify(&token, NOW), Err(TokenError::Claims(_))),
            "{claims}"
        );
    }
}

#[test]
fn refuses_what_its_key_did_not_sign() {
    let body = payload(r#""exp": 1800000060"#);
    let header = r#"{"alg": "HS256"}"#;

    for wrong in ["", "secret", "another secret, long enough for anything"] {
        assert_eq!(
            keys().verify(&signed(header, &body, wrong), NOW),
            Err(TokenError::Signature)
        );
    }
    let unsigned = format!("{}.{}.", encode(header), encode(&body));
    assert_eq!(keys().verify(&unsigned, NOW), Err(TokenError::Signature));
    let other_body = encode(&payload(r#""exp": 1800000061"#));
    let token = signed(header, &body, secret());
    let mut parts: Vec<&str> = token.split('.').collect();
    parts[1] = &other_body;
    assert_eq!(
        keys().verify(&parts.join("."), NOW),
        Err(TokenError::Signature)
    );
}

#[test]
fn refuses_keys_it_does_not_know() {
    for key in ["APIother", "", "apialpha", "../APIalpha"] {
        let body = json!({"iss": key, "exp": NOW + 60}).to_string();

        assert_eq!(
            keys().verify(&hs256(&body), NOW),
            Err(TokenError::UnknownKey(key.to_owned()))
        );
    }
    let nobody = hs256(r#"{"exp": 1800000060}"#);
    assert!(matches!(
        keys().verify(&nobody, NOW),
        Err(TokenError::Claims(_))
    ));
    let long = json!({"iss": "A".repeat(4000), "exp": NOW + 60}).to_string();
    assert_eq!(
        keys().verify(&hs256(&long), NOW),
        Err(TokenError::UnknownKey("A".repeat(64)))
    );
}

#[test]
fn refuses_what_is_not_a_token() {
    for text in [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "Bearer x.y.z",
        "\u{1F600}.a.b",
        "e30.e30.e30",
    ] {
        assert!(
            matches!(keys().verify(text, NOW), Err(TokenError::NotAToken(_))),
            "{text}"
        );
    }
    for body in [
        "",
        "null",
        "[]",
        "7",
        "{",
        "{\"iss\": \"APIalpha\"",
        "\u{0}",
    ] {
        assert!(
            matches!(keys().verify(&hs256(body), NOW), Err(TokenError::Claims(_))),
            "{body}"
        );
    }
}

#[test]
fn refuses_tokens_longer_than_8_kib() {
    let long = payload(&format!(
        r#""exp": 1800000060, "metadata": "{}""#,
        "m".repeat(MAX_TOKEN_BYTES)
    ));
    assert_eq!(keys().verify(&hs256(&long), NOW), Err(TokenError::TooLong));

    let claims = Claims {
        metadata: "m".repeat(MAX_TOKEN_BYTES),
        ..Claims::default()
    };
    assert_eq!(
        keys().sign(&claims, None, NOW, Duration::from_secs(1)),
        Err(SignError::TooLong)
    );
}

#[test]
fn signs_with_the_key_that_is_asked_for() {
    let keys = ApiKeys::new(BTreeMap::from([
        (KEY.to_owned(), Secret::new(secret())),
        (
            "APIbeta".to_owned(),
            Secret::new("the secret of another key, also long enough"),
        ),
    ]));

    let token = keys
        .sign(
            &Claims::default(),
            Some("APIbeta"),
            NOW,
            Duration::from_secs(60),
        )
        .unwrap();

    assert_eq!(keys.verify(&token, NOW).unwrap().key, "APIbeta");
    let missing = keys.sign(
        &Claims::default(),
        Some("APIgamma"),
        NOW,
        Duration::from_secs(60),
    );
    assert_eq!(missing, Err(SignError::UnknownKey("APIgamma".to_owned())));
}

fn secret() -> &'static str {
    "a secret of the tests, long enough for anything"
}

fn keys() -> ApiKeys {
    ApiKeys::new(BTreeMap::from([(KEY.to_owned(), Secret::new(secret()))]))
}

/// A payload issued by [`KEY`] with these further claims, as raw JSON so that it may be wrong.
fn payload(claims: &str) -> String {
    format!(r#"{{"iss": "{KEY}", {claims}}}"#)
}

fn encode(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

fn hs256(payload: &str) -> String {
    signed(
        &json!({"typ": "JWT", "alg": "HS256"}).to_string(),
        payload,
        secret(),
    )
}

/// Signs any header and payload with HMAC-SHA256.
fn signed(header: &str, payload: &str, secret: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    let key = EncodingKey::from_secret(secret.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    format!("{message}.{signature}")
}
