//! What is particular to rooms that several engines share.

use std::time::Duration;

use plenary::engine::{ConnectionId, Join, Reply, Request, RoomDefaults};
use proto::codec::MediaKind::{Audio, Video};
use proto::ids::Identity;
use proto::link::SegmentId;
use proto::signal::messages::signal_request::Message as SignalRequest;
use proto::signal::messages::{UpdateTrackSettings, VideoQuality};

use crate::media::{camera, microphone};
use crate::world::World;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Ann is with the first engine, ben with the second, cat with the third and so on.
fn conference(name: &str, people: &[&str]) -> World {
    let mut world = World::new(name);
    for name in people {
        world.join(name);
    }
    world
}

#[test]
fn an_encoding_crosses_a_link_once_however_many_receive_it() {
    let people = ["ann", "b1", "c1", "a2", "b2", "c2", "a3", "b3", "c3"];
    let mut world = conference("an_encoding_crosses_a_link_once", &people);
    world.publish("ann", microphone());
    for receiver in &people[1..] {
        world.expect_media(receiver, "ann", Audio);
    }
    let before = world.counters();

    world.run_for(secs(10));

    let after = world.counters();
    // 50 packets a second, to two segments, and to eight people.
    let linked = after.packets_linked - before.packets_linked;
    assert!((990..=1_010).contains(&linked), "{linked} packets linked");
    let forwarded = after.packets_out - before.packets_out;
    assert!(
        (3_960..=4_040).contains(&forwarded),
        "{forwarded} forwarded"
    );
    world.expect_no_faults();
}

#[test]
fn nothing_crosses_to_where_nobody_wants_it() {
    let mut world = conference("nothing_crosses_to_where_nobody_wants_it", &["ann"]);
    for name in ["ben", "cat"] {
        world.join_with(name, |(_, settings)| settings.auto_subscribe = false);
    }
    world.publish("ann", camera());
    world.run_for(secs(10));

    let linked = world.counters().packets_linked;
    assert_eq!(linked, 0);
    assert!(
        world.people["ben"]
            .known
            .values()
            .any(|info| !info.tracks.is_empty())
    );
}

#[test]
fn only_encodings_that_somebody_there_gets_cross() {
    let mut world = conference("only_encodings_that_somebody_there_gets_cross", &["ann"]);
    world.join("ben");
    world.publish("ann", camera());
    world.expect_media("ben", "ann", Video);
    let sid = world.person("ann").published[0].sid.clone().unwrap();
    let low = UpdateTrackSettings {
        track_sids: vec![sid],
        quality: VideoQuality::Low.into(),
        ..UpdateTrackSettings::default()
    };
    world.person("ben").ask(SignalRequest::TrackSetting(low));
    // Dynacast keeps the others going for a while.
    world.run_for(secs(2));
    let before = world.counters().packets_linked;
    let received = world.received("ben", "ann", Video).packets;

    world.run_for(secs(1));

    let linked = world.counters().packets_linked - before;
    let received = world.received("ben", "ann", Video).packets - received;
    assert!(
        linked.abs_diff(received as u64) <= 3,
        "{linked} for {received}"
    );
    assert!(received > 0);
}

#[test]
fn a_segment_goes_when_it_is_empty_and_comes_again() {
    let mut world = conference("a_segment_goes_when_it_is_empty", &["ann", "ben"]);
    world.publish("ann", microphone());
    world.run_for(secs(2));
    assert_eq!(world.counters().segments, 2);

    world.leave("ben");
    world.run_for(secs(12));
    assert_eq!(world.counters().segments, 1);
    // Cat is with the third engine, ann's neighbour with the first, then it is ben's again.
    for name in ["cat", "amy", "ben"] {
        world.join(name);
    }

    world.expect_media("ben", "ann", Audio);
    assert_eq!(world.counters().segments, 3);
}

#[test]
fn a_room_closes_everywhere_when_everyone_has_left() {
    let rooms = RoomDefaults {
        departure_timeout_s: 3,
        ..RoomDefaults::default()
    };
    let mut world = World::with_rooms("a_room_closes_everywhere", rooms);
    for name in ["ann", "ben", "cat"] {
        world.join(name);
        world.publish(name, microphone());
    }
    world.expect_media("ann", "cat", Audio);

    for name in ["ann", "ben", "cat"] {
        world.leave(name);
    }
    world.run_for(secs(15));

    let counters = world.counters();
    assert_eq!(
        (counters.rooms, counters.segments, counters.publications),
        (0, 0, 0)
    );
}

#[test]
fn of_two_who_join_under_one_name_at_once_the_later_stays() {
    let mut world = conference(
        "of_two_who_join_at_once_the_later_stays",
        &["ann", "ben", "cat"],
    );
    world.run_for(secs(1));

    for (connection, engine) in [(9_001, 1), (9_002, 2)] {
        world.now += Duration::from_millis(1);
        let join = Join {
            connection: ConnectionId(connection),
            room: world.room().clone(),
            home: SegmentId(0),
            identity: Identity::new("dan").unwrap(),
            claims: Default::default(),
            request: Default::default(),
        };
        let reply = world.request_at(engine, Request::Join(Box::new(join)));
        assert!(matches!(reply, Reply::Join(Ok(()))), "{reply:?}");
    }
    world.run_for(Duration::from_millis(100));

    let room = world.room().clone();
    let Reply::Participants(Ok(present)) = world.request(Request::Participants(room)) else {
        panic!("the room is open");
    };
    let names: Vec<_> = present.iter().map(|own| own.identity.as_str()).collect();
    assert_eq!(names.iter().filter(|name| **name == "dan").count(), 1);
    assert_eq!(world.engines[2].counters().participants, 2);
}

#[test]
fn frames_wait_for_a_worker_that_does_not_keep_up_and_packets_do_not() {
    let mut world = conference("frames_wait_for_a_worker", &["ann", "ben"]);
    world.publish("ann", microphone());
    world.expect_media("ben", "ann", Audio);
    let room = world.room().clone();

    // A worker that takes nothing for a while.
    world.stall_links = true;
    world.run_for(secs(1));
    let remove = Request::RemoveParticipant(room, Identity::new("ben").unwrap());
    assert!(matches!(world.request(remove), Reply::Done(Ok(()))));
    let dropped = world.counters().dropped.iter().sum::<u64>();
    assert!((45..=55).contains(&dropped), "{dropped} packets dropped");
    world.stall_links = false;
    world.run_for(secs(1));

    assert!(world.people["ben"].leave.is_some());
}
