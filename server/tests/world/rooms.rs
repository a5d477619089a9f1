//! Rooms that open, fill up and close.

use std::time::Duration;

use plenary::engine::{Join, JoinError, Reply, Request, RoomDefaults, RoomError};
use proto::api::CreateRoom;
use proto::ids::Identity;
use proto::link::SegmentId;
use proto::signal::messages::DisconnectReason;

use crate::world::World;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn exists(world: &mut World) -> bool {
    let room = world.room().clone();
    match world.request(Request::Room(room)) {
        Reply::Room(outcome) => outcome.is_ok(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_room_closes_when_nobody_came_for_long() {
    let mut world = World::new("a_room_closes_when_nobody_came_for_long");
    let create = CreateRoom {
        empty_timeout: Some(10),
        ..CreateRoom::named(world.room().clone())
    };
    assert!(matches!(
        world.request(Request::CreateRoom(Box::new(create))),
        Reply::CreatedRoom(Ok((_, true)))
    ));

    world.run_for(secs(9));
    assert!(exists(&mut world));
    world.run_for(secs(3));

    assert!(!exists(&mut world));
}

#[test]
fn a_room_closes_when_the_last_has_left_for_long() {
    let mut world = World::new("a_room_closes_when_the_last_has_left_for_long");
    world.join("ann");
    world.run_for(secs(1));
    world.leave("ann");

    world.run_for(secs(18));
    assert!(exists(&mut world));
    world.run_for(secs(4));

    assert!(!exists(&mut world));
}

#[test]
fn a_full_room_takes_nobody_more() {
    let rooms = RoomDefaults {
        max_participants: 2,
        ..RoomDefaults::default()
    };
    let mut world = World::with_rooms("a_full_room_takes_nobody_more", rooms);
    world.join("ann");
    world.join("ben");
    world.run_for(Duration::from_millis(100));

    let join = Join {
        connection: plenary::engine::ConnectionId(9_999),
        room: world.room().clone(),
        home: SegmentId(0),
        identity: Identity::new("eve").unwrap(),
        claims: Default::default(),
        request: Default::default(),
    };
    let reply = world.request(Request::Join(Box::new(join)));

    assert!(
        matches!(reply, Reply::Join(Err(JoinError::Full(_)))),
        "{reply:?}"
    );
}

#[test]
fn a_deleted_room_tells_everyone_why() {
    let mut world = World::new("a_deleted_room_tells_everyone_why");
    world.join("ann");
    world.run_for(secs(1));

    let room = world.room().clone();
    assert!(matches!(
        world.request(Request::DeleteRoom(room.clone())),
        Reply::Done(Ok(()))
    ));
    world.run_for(secs(1));

    assert_eq!(
        world.people["ann"].leave.map(|(reason, _)| reason),
        Some(DisconnectReason::RoomDeleted)
    );
    assert!(matches!(
        world.request(Request::DeleteRoom(room)),
        Reply::Done(Err(RoomError::RoomNotFound))
    ));
}

#[test]
fn a_removed_participant_is_told_so() {
    let mut world = World::new("a_removed_participant_is_told_so");
    world.join("ann");
    world.join("ben");
    world.run_for(secs(1));

    let room = world.room().clone();
    let reply = world.request(Request::RemoveParticipant(
        room,
        Identity::new("ben").unwrap(),
    ));
    world.run_for(secs(1));

    assert!(matches!(reply, Reply::Done(Ok(()))));
    assert_eq!(
        world.people["ben"].leave.map(|(reason, _)| reason),
        Some(DisconnectReason::ParticipantRemoved)
    );
    assert!(
        world.people["ann"]
            .known
            .values()
            .all(|info| info.identity != "ben")
    );
}
