//! Networks that lose, delay, narrow and break.

use std::time::Duration;

use proto::codec::MediaKind::{Audio, Video};
use proto::session::DataChannel;

use crate::link::Link;
use crate::media::{camera, microphone};
use crate::world::{World, server_address};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn set_links(world: &mut World, name: &str, link: Link) {
    let person = world.person(name);
    person.up.link = link;
    person.down.link = link;
}

#[test]
fn video_survives_five_percent_loss() {
    let mut world = World::new("video_survives_five_percent_loss");
    let lossy = Link {
        loss: 0.05,
        delay: Duration::from_millis(20),
        ..Link::default()
    };
    for name in ["ann", "ben"] {
        world.join(name);
        set_links(&mut world, name, lossy);
        world.publish(name, camera());
        world.publish(name, microphone());
    }

    world.run_for(secs(20));

    for (receiver, sender) in [("ann", "ben"), ("ben", "ann")] {
        let video = world.received(receiver, sender, Video);
        assert!(
            video.completeness() > 0.98,
            "{receiver}: {}",
            video.completeness()
        );
        assert!(world.received(receiver, sender, Audio).completeness() > 0.85);
    }
}

#[test]
fn messages_survive_loss_in_order() {
    let mut world = World::new("messages_survive_loss_in_order");
    for name in ["ann", "ben"] {
        world.join(name);
    }
    world.run_for(secs(2));
    for name in ["ann", "ben"] {
        set_links(
            &mut world,
            name,
            Link {
                loss: 0.1,
                ..Link::default()
            },
        );
    }

    for number in 0..50 {
        world
            .person("ann")
            .say(DataChannel::Reliable, &[], &number.to_string());
        world.run_for(Duration::from_millis(20));
    }
    world.run_until("all have arrived", secs(30), |world| {
        world.people["ben"].messages.len() >= 50
    });

    let texts: Vec<String> = world.people["ben"]
        .messages
        .iter()
        .map(|(_, text)| text.clone())
        .collect();
    assert_eq!(
        texts,
        (0..50).map(|number| number.to_string()).collect::<Vec<_>>()
    );
}

#[test]
fn a_narrow_link_gets_a_lower_encoding_and_all_of_the_sound() {
    let mut world = World::new("a_narrow_link_gets_a_lower_encoding_and_all_of_the_sound");
    world.join("ann");
    world.join("ben");
    world.publish("ann", camera());
    world.publish("ann", microphone());
    world.expect_media("ben", "ann", Video);

    world.person("ben").down.link.rate_bps = Some(250_000);
    world.run_until("the encoding is lower", secs(20), |world| {
        world
            .received("ben", "ann", Video)
            .encoding
            .is_some_and(|encoding| encoding < 2)
    });
    world.run_for(secs(5));

    assert!(
        world
            .received("ben", "ann", Video)
            .encoding
            .is_some_and(|encoding| encoding < 2)
    );
    world.expect_media("ben", "ann", Audio);
    world.person("ben").down.link.rate_bps = None;
    world.run_until("the encoding is back", secs(60), |world| {
        world.received("ben", "ann", Video).encoding == Some(2)
    });
}

#[test]
fn jitter_and_reordering_break_nothing() {
    let mut world = World::new("jitter_and_reordering_break_nothing");
    for name in ["ann", "ben"] {
        world.join(name);
        set_links(
            &mut world,
            name,
            Link {
                jitter: Duration::from_millis(30),
                ..Link::default()
            },
        );
        world.publish(name, camera());
    }

    world.run_for(secs(10));

    // What is late at a switch between encodings is not sent any more.
    assert!(world.received("ann", "ben", Video).completeness() > 0.95);
    world.expect_no_faults();
}

#[test]
fn a_client_that_moves_restarts_ice_and_stays() {
    let mut world = World::new("a_client_that_moves_restarts_ice_and_stays");
    for name in ["ann", "ben"] {
        world.join(name);
        world.publish(name, camera());
    }
    world.expect_media("ann", "ben", Video);
    world.expect_media("ben", "ann", Video);
    let sid = world.people["ben"].sid.clone();

    let address = world.fresh_address();
    world.person("ben").change_address(address);
    world.run_for(secs(3));

    world.expect_media("ann", "ben", Video);
    world.expect_media("ben", "ann", Video);
    assert_eq!(world.people["ben"].sid, sid);
    assert!(world.people["ann"].known.contains_key(&sid));
}

#[test]
fn a_client_that_vanishes_is_removed() {
    let mut world = World::new("a_client_that_vanishes_is_removed");
    world.join("ann");
    world.join("ben");
    world.run_for(secs(2));
    set_links(
        &mut world,
        "ben",
        Link {
            is_cut: true,
            ..Link::default()
        },
    );
    world.lose_signalling("ben");

    world.run_until("ben is gone", secs(45), |world| {
        world.people["ann"].known.is_empty()
            || world.people["ann"]
                .known
                .values()
                .all(|info| info.identity != "ben")
    });
}

#[test]
fn garbage_harms_nobody() {
    use rand::RngExt;
    let mut world = World::new("garbage_harms_nobody");
    for name in ["ann", "ben"] {
        world.join(name);
        world.publish(name, camera());
    }
    world.run_for(secs(3));
    let before = world.counters();
    let (stranger, server) = (world.fresh_address(), server_address(0));
    let known = world.people["ann"].address;

    for round in 0..5_000_u32 {
        let length = world.rng.random_range(0..1_500);
        let mut garbage: Vec<u8> = (0..length).map(|_| world.rng.random()).collect();
        if let Some(first) = garbage.first_mut() {
            *first = [0, 1, 22, 128, 200, *first][round as usize % 6];
        }
        let source = if round % 2 == 0 { stranger } else { known };
        for engine in &mut world.engines {
            engine.handle_datagram(world.now, source, server, &mut garbage);
        }
    }
    world.run_for(secs(1));

    let after = world.counters();
    assert!(after.dropped.iter().sum::<u64>() > before.dropped.iter().sum::<u64>() + 2_000);
    assert_eq!((after.panics, after.participants), (0, 2));
    world.expect_media("ann", "ben", Video);
    world.expect_media("ben", "ann", Video);
    world.expect_no_faults();
}
