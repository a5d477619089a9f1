//! Sessions that are replaced, resumed, refused and broken.

use std::time::Duration;

use proto::codec::MediaKind::{Audio, Video};
use proto::signal::messages::{
    DisconnectReason, SessionDescription, SubscriptionPermission, TrackPermission,
    UpdateParticipantMetadata, leave_request::Action, request_response::Reason,
    signal_request::Message as Request, signal_response::Message as Response,
};

use crate::media::{camera, microphone};
use crate::world::World;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_second_join_with_the_same_identity_replaces_the_first() {
    let mut world = World::new("a_second_join_with_the_same_identity_replaces_the_first");
    world.join("ann");
    world.join("ben");
    world.run_for(secs(2));
    let first = world.people.remove("ben").unwrap();
    let connection = first.connection;

    world.join("ben");
    let mut first = first;
    first.connection = connection;
    world.people.insert("ben, before".into(), first);
    world.run_for(secs(2));

    let told = world.people["ben, before"].leave;
    assert_eq!(
        told,
        Some((DisconnectReason::DuplicateIdentity, Action::Disconnect))
    );
    let seen: Vec<_> = world.people["ann"]
        .known
        .values()
        .filter(|info| info.identity == "ben")
        .collect();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].sid, world.people["ben"].sid);
}

#[test]
fn a_lost_websocket_is_resumed_while_media_flows() {
    let mut world = World::new("a_lost_websocket_is_resumed_while_media_flows");
    for name in ["ann", "ben"] {
        world.join(name);
        world.publish(name, camera());
    }
    world.expect_media("ann", "ben", Video);
    world.expect_media("ben", "ann", Video);
    let sid = world.people["ben"].sid.clone();

    world.lose_signalling("ben");
    world.run_for(secs(3));
    world.join("eve");
    world.publish("eve", microphone());
    world.run_for(secs(2));
    world.resume("ben", &sid);
    world.run_for(secs(2));

    assert!(
        world.people["ben"]
            .responses
            .iter()
            .any(|response| matches!(response, Response::Reconnect(_)))
    );
    assert!(world.people["ben"].leave.is_none());
    world.expect_media("ben", "eve", Audio);
    assert!(world.received("ben", "ann", Video).longest_gap < Duration::from_millis(300));
    world.expect_no_faults();
}

#[test]
fn who_has_nothing_to_resume_is_told_to_join_anew() {
    let mut world = World::new("who_has_nothing_to_resume_is_told_to_join_anew");
    world.join("ann");
    world.run_for(secs(1));
    world.lose_signalling("ann");

    world.resume("ann", "PA_somebodyelse");
    world.run_for(secs(1));

    assert_eq!(
        world.people["ann"].leave,
        Some((DisconnectReason::StateMismatch, Action::Reconnect))
    );
}

#[test]
fn a_session_that_panics_ends_alone() {
    let mut world = World::new("a_session_that_panics_ends_alone");
    for name in ["ann", "ben", "eve"] {
        world.join(name);
        world.publish(name, microphone());
    }
    world.run_for(secs(4));

    world.poison("eve");
    world.run_for(secs(2));

    assert_eq!(world.counters().panics, 1);
    assert!(
        world.people["ann"]
            .known
            .values()
            .all(|info| info.identity != "eve")
    );
    assert!(world.people["eve"].leave.is_some());
    world.expect_media("ann", "ben", Audio);
    world.expect_media("ben", "ann", Audio);
    assert!(world.received("ann", "ben", Audio).longest_gap < Duration::from_millis(100));
}

#[test]
fn a_publisher_decides_who_may_subscribe() {
    let mut world = World::new("a_publisher_decides_who_may_subscribe");
    for name in ["ann", "ben", "eve"] {
        world.join(name);
    }
    world.publish("ann", camera());
    world.expect_media("ben", "ann", Video);
    world.expect_media("eve", "ann", Video);

    let only_eve = TrackPermission {
        participant_identity: "eve".into(),
        all_tracks: true,
        ..Default::default()
    };
    world
        .person("ann")
        .ask(Request::SubscriptionPermission(SubscriptionPermission {
            all_participants: false,
            track_permissions: vec![only_eve],
        }));
    world.run_for(secs(1));
    let last = world.received("ben", "ann", Video).last_at;
    world.run_for(secs(1));

    assert_eq!(world.received("ben", "ann", Video).last_at, last);
    world.expect_media("eve", "ann", Video);
    let told = |response: &Response| matches!(response, Response::SubscriptionPermissionUpdate(update) if !update.allowed);
    assert!(world.people["ben"].responses.iter().any(told));
    world
        .person("ann")
        .ask(Request::SubscriptionPermission(SubscriptionPermission {
            all_participants: true,
            ..Default::default()
        }));
    world.expect_media("ben", "ann", Video);
}

#[test]
fn sections_are_used_again_as_people_come_and_go() {
    let mut world = World::new("sections_are_used_again_as_people_come_and_go");
    world.join("ann");
    world.run_for(secs(1));

    for round in 0..30 {
        let name = format!("guest{round}");
        world.join(&name);
        world.publish(&name, camera());
        world.expect_media("ann", &name, Video);
        world.leave(&name);
        world.run_for(Duration::from_millis(300));
    }

    assert!(
        world.people["ann"].section_count() <= 8,
        "{} sections",
        world.people["ann"].section_count()
    );
    world.expect_no_faults();
}

#[test]
fn what_cannot_be_answered_is_refused_and_the_session_goes_on() {
    let mut world = World::new("what_cannot_be_answered_is_refused_and_the_session_goes_on");
    world.join("ann");
    world.join("ben");
    world.publish("ben", camera());
    world.expect_media("ann", "ben", Video);

    for (kind, sdp) in [
        ("answer", "v=0\r\nm=audio 9 x 0\r\na=mid:0\r\n"),
        ("offer", "nonsense"),
        ("offer", ""),
    ] {
        let description = SessionDescription {
            r#type: kind.into(),
            sdp: sdp.into(),
            id: 999,
            ..Default::default()
        };
        world.person("ann").ask(Request::Offer(description));
    }
    let wrong = proto::signal::messages::AddTrackRequest {
        cid: "x".into(),
        r#type: 1,
        simulcast_codecs: vec![proto::signal::messages::SimulcastCodec {
            codec: "h266".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    world.person("ann").ask(Request::AddTrack(wrong));
    world.run_for(secs(1));

    let refused = |reason: Reason| {
        world.people["ann"]
            .responses
            .iter()
            .filter(
                |response| matches!(response, Response::RequestResponse(r) if r.reason() == reason),
            )
            .count()
    };
    assert_eq!(
        (
            refused(Reason::InvalidRequest),
            refused(Reason::UnsupportedType)
        ),
        (3, 1)
    );
    world.expect_media("ann", "ben", Video);
}

#[test]
fn everyone_is_told_to_reconnect_when_the_server_stops() {
    let mut world = World::new("everyone_is_told_to_reconnect_when_the_server_stops");
    for name in ["ann", "ben"] {
        world.join(name);
    }
    world.run_for(secs(2));

    world.shut_down();
    world.run_for(secs(1));

    for name in ["ann", "ben"] {
        assert_eq!(
            world.people[name].leave,
            Some((DisconnectReason::ServerShutdown, Action::Reconnect))
        );
    }
    assert_eq!(world.counters().participants, 0);
}

#[test]
fn metadata_beyond_the_limit_is_refused_and_stays_as_it_was() {
    let mut world = World::new("metadata_beyond_the_limit_is_refused_and_stays_as_it_was");
    world.join("ann");
    world.join("ben");
    world.run_for(secs(1));

    for metadata in ["short".to_owned(), "x".repeat(20_000)] {
        let update = UpdateParticipantMetadata {
            metadata,
            request_id: 7,
            ..Default::default()
        };
        world.person("ann").ask(Request::UpdateMetadata(update));
        world.run_for(secs(1));
    }

    let reasons: Vec<Reason> = world.people["ann"]
        .responses
        .iter()
        .filter_map(|response| match response {
            Response::RequestResponse(answer) if answer.request_id == 7 => Some(answer.reason()),
            _ => None,
        })
        .collect();
    assert_eq!(reasons, [Reason::Ok, Reason::LimitExceeded]);
    let seen = world.people["ben"]
        .known
        .values()
        .find(|info| info.identity == "ann");
    assert_eq!(seen.map(|info| info.metadata.as_str()), Some("short"));
}

#[test]
fn a_track_offered_under_another_id_is_published_however_many_offers_follow() {
    let mut world = World::new("a_track_offered_under_another_id_is_published");
    for name in ["ann", "ben"] {
        world.join(name);
    }
    world.run_for(Duration::from_millis(1_150));
    world.person("ann").track_id_suffix = "-of-the-browser";
    world.publish("ann", camera());

    for _ in 0..6 {
        world.run_for(Duration::from_millis(330));
        world.publish("ben", microphone());
    }

    world.expect_media("ben", "ann", Video);
}
