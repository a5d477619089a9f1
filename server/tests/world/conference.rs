//! What people come for: to see, hear and write to one another.

use std::time::Duration;

use proto::codec::MediaKind::{Audio, Video};
use proto::session::DataChannel;
use proto::signal::messages::{
    UpdateSubscription, UpdateTrackSettings, VideoQuality, signal_request::Message as Request,
};

use crate::media::{camera, microphone};
use crate::world::World;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn others_see_who_joins_and_who_leaves() {
    let mut world = World::new("others_see_who_joins_and_who_leaves");
    world.join("ann");
    world.join("ben");
    world.run_for(secs(1));
    let sees = |world: &World, name: &str, other: &str| {
        world.people[name]
            .known
            .values()
            .any(|info| info.identity == other)
    };
    assert!(sees(&world, "ann", "ben") && sees(&world, "ben", "ann"));

    world.leave("ben");
    world.run_for(secs(1));

    assert!(!sees(&world, "ann", "ben"));
}

#[test]
fn three_people_see_and_hear_each_other() {
    let mut world = World::new("three_people_see_and_hear_each_other");
    let people = ["ann", "ben", "eve"];
    for name in people {
        world.join(name);
        world.publish(name, camera());
        world.publish(name, microphone());
    }

    world.run_for(secs(5));

    for receiver in people {
        for sender in people.into_iter().filter(|sender| *sender != receiver) {
            world.expect_media(receiver, sender, Video);
            world.expect_media(receiver, sender, Audio);
            assert_eq!(world.received(receiver, sender, Video).encoding, Some(2));
            assert!(world.received(receiver, sender, Audio).completeness() > 0.999);
        }
    }
    world.expect_no_faults();
}

fn settings(sid: &str, quality: VideoQuality, disabled: bool) -> Request {
    Request::TrackSetting(UpdateTrackSettings {
        track_sids: vec![sid.to_owned()],
        quality: quality.into(),
        disabled,
        ..Default::default()
    })
}

fn track_of(world: &World, name: &str) -> String {
    world.people[name].published[0]
        .sid
        .clone()
        .expect("published")
}

#[test]
fn a_receiver_gets_the_encoding_it_asks_for_without_a_break() {
    let mut world = World::new("a_receiver_gets_the_encoding_it_asks_for_without_a_break");
    world.join("ann");
    world.join("ben");
    world.publish("ann", camera());
    world.expect_media("ben", "ann", Video);
    let track = track_of(&world, "ann");

    for (quality, encoding) in [
        (VideoQuality::Low, 0),
        (VideoQuality::High, 2),
        (VideoQuality::Medium, 1),
    ] {
        world.person("ben").ask(settings(&track, quality, false));
        world.run_until("the encoding changes", secs(8), |world| {
            world.received("ben", "ann", Video).encoding == Some(encoding)
        });
        world.run_for(secs(1));
    }

    world.expect_no_faults();
    assert!(world.received("ben", "ann", Video).longest_gap < Duration::from_millis(300));
}

#[test]
fn a_small_tile_of_everyone_stops_the_large_encodings() {
    let mut world = World::new("a_small_tile_of_everyone_stops_the_large_encodings");
    world.join("ann");
    world.join("ben");
    world.publish("ann", camera());
    world.expect_media("ben", "ann", Video);
    let track = track_of(&world, "ann");

    let small = UpdateTrackSettings {
        track_sids: vec![track.clone()],
        width: 200,
        height: 100,
        ..Default::default()
    };
    world.person("ben").ask(Request::TrackSetting(small));
    world.run_for(secs(8));

    let enabled = |world: &World| {
        world.people["ann"].published[0]
            .streams
            .iter()
            .map(|stream| stream.enabled)
            .collect::<Vec<_>>()
    };
    assert_eq!(enabled(&world), [true, false, false]);
    world
        .person("ben")
        .ask(settings(&track, VideoQuality::High, false));
    world.run_until("the large one is back", secs(8), |world| {
        world.received("ben", "ann", Video).encoding == Some(2)
    });
    world.expect_no_faults();
}

#[test]
fn a_late_joiner_gets_a_keyframe_at_once() {
    let mut world = World::new("a_late_joiner_gets_a_keyframe_at_once");
    world.join("ann");
    world.publish("ann", camera());
    world.run_for(secs(3));

    world.join("ben");
    world.run_until("ben is connected", secs(3), |world| {
        world.people["ben"].session.is_connected()
    });
    let connected = world.now;
    world.expect_media("ben", "ann", Video);

    assert!(world.received("ben", "ann", Video).began_with_keyframe);
    let first = world.received("ben", "ann", Video).first_at.unwrap();
    assert!(first.saturating_duration_since(connected) < Duration::from_millis(500));
    world.expect_no_faults();
}

#[test]
fn others_see_who_mutes() {
    let mut world = World::new("others_see_who_mutes");
    world.join("ann");
    world.join("ben");
    world.publish("ann", microphone());
    world.expect_media("ben", "ann", Audio);

    for muted in [true, false] {
        world.person("ann").mute(muted);
        world.run_for(secs(1));
        let info = world.people["ben"]
            .known
            .values()
            .find(|info| info.identity == "ann")
            .unwrap();
        assert_eq!(info.tracks[0].muted, muted);
    }
    world.expect_media("ben", "ann", Audio);
}

#[test]
fn messages_reach_those_they_are_for_and_nobody_else() {
    let mut world = World::new("messages_reach_those_they_are_for_and_nobody_else");
    for name in ["ann", "ben", "eve"] {
        world.join(name);
    }
    world.run_for(secs(2));

    world
        .person("ann")
        .say(DataChannel::Reliable, &[], "to all");
    world
        .person("ann")
        .say(DataChannel::Lossy, &["eve"], "to eve");
    world.run_for(secs(1));

    let from_ann = |text: &str| ("ann".to_owned(), text.to_owned());
    assert_eq!(world.people["ben"].messages, [from_ann("to all")]);
    let mut eve = world.people["eve"].messages.clone();
    eve.sort();
    assert_eq!(eve, [from_ann("to all"), from_ann("to eve")]);
    assert!(world.people["ann"].messages.is_empty());
}

#[test]
fn who_may_not_send_data_is_not_heard() {
    let mut world = World::new("who_may_not_send_data_is_not_heard");
    world.join_with("ann", |(grant, _)| grant.can_publish_data = Some(false));
    world.join("ben");
    world.run_for(secs(2));

    world.person("ann").say(DataChannel::Reliable, &[], "psst");
    world.run_for(secs(1));

    assert!(world.people["ben"].messages.is_empty());
}

#[test]
fn a_track_can_be_unsubscribed_and_subscribed_again() {
    let mut world = World::new("a_track_can_be_unsubscribed_and_subscribed_again");
    world.join("ann");
    world.join_with("ben", |(_, settings)| settings.auto_subscribe = false);
    world.publish("ann", camera());
    world.run_for(secs(3));
    assert!(world.people["ben"].received_from("ann", Video).is_none());
    let track = track_of(&world, "ann");
    let subscribe = |on| {
        Request::Subscription(UpdateSubscription {
            track_sids: vec![track.clone()],
            subscribe: on,
            ..Default::default()
        })
    };

    for _ in 0..3 {
        world.person("ben").ask(subscribe(true));
        world.expect_media("ben", "ann", Video);
        world.person("ben").ask(subscribe(false));
        world.run_for(secs(1));
        let last = world.received("ben", "ann", Video).last_at;
        world.run_for(secs(1));
        assert_eq!(world.received("ben", "ann", Video).last_at, last);
    }
}

#[test]
fn two_hundred_people_receive_one_speaker() {
    let mut world = World::new("two_hundred_people_receive_one_speaker");
    world.join("speaker");
    world.publish("speaker", microphone());
    for index in 0..199 {
        world.join(&format!("p{index:03}"));
        world.run_for(Duration::from_millis(5));
    }

    world.run_for(secs(4));

    let silent = (0..199).filter(|index| {
        let received = world.people[&format!("p{index:03}")].received_from("speaker", Audio);
        received.is_none_or(|received| received.packets < 50)
    });
    assert_eq!(silent.count(), 0);
    world.expect_no_faults();
}
