//! What participants and subscriptions take of the heap, on the engine's side alone.
//!
//! Not counted: what the crypto library takes for itself, signalling connections, and what the
//! allocator adds.

use std::time::Duration;

use proto::signal::messages::{UpdateSubscription, signal_request::Message};

use crate::media::{camera, microphone};
use crate::world::World;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn an_idle_participant_takes_little() {
    let mut world = World::new("an_idle_participant_takes_little");
    let join = |world: &mut World, people: std::ops::Range<u32>| {
        for index in people {
            world.join(&format!("p{index:02}"));
        }
        world.run_for(secs(20));
        world.held_bytes
    };
    let few = join(&mut world, 0..10);

    let many = join(&mut world, 10..50);

    let each = (many - few) / 40;
    println!("{each} bytes for an idle participant");
    assert!(each < 100_000, "{each} bytes");
}

#[test]
fn a_subscription_takes_little() {
    const RECEIVERS: i64 = 4;
    let mut world = World::new("a_subscription_takes_little");
    // One who receives all, so that the publishers send all.
    world.join("all");
    for name in ["ann", "ben", "eve", "joe"] {
        world.join(name);
        for _ in 0..5 {
            world.publish(name, camera());
            world.publish(name, microphone());
        }
    }
    for index in 0..RECEIVERS {
        world.join_with(&format!("p{index}"), |(_, settings)| {
            settings.auto_subscribe = false;
        });
    }
    world.run_for(secs(20));
    let subscribe = |world: &mut World, names: &[&str]| {
        let mut tracks: Vec<String> = Vec::new();
        for name in names {
            let own = &world.people[*name].published;
            tracks.extend(own.iter().filter_map(|track| track.sid.clone()));
        }
        for index in 0..RECEIVERS {
            let update = UpdateSubscription {
                track_sids: tracks.clone(),
                subscribe: true,
                ..UpdateSubscription::default()
            };
            world
                .person(&format!("p{index}"))
                .ask(Message::Subscription(update));
        }
        world.run_for(secs(20));
        (world.held_bytes, world.counters().subscriptions as i64)
    };
    let few = subscribe(&mut world, &["ann"]);

    let many = subscribe(&mut world, &["ben", "eve", "joe"]);

    assert_eq!(many.1 - few.1, RECEIVERS * 30);
    let each = (many.0 - few.0) / (many.1 - few.1);
    println!("{each} bytes for a subscription");
    assert!(each < 4_000, "{each} bytes");
    world.expect_no_faults();
}
