//! What a forwarded packet costs the engine in rooms of several shapes, in instructions.
//! `deploy/bench` compares.
//!
//! The conferences are those of `tests/world`. Counted is all that the engine does in a second of
//! their time: it opens what comes, feedback too, routes, seals, and keeps its timers. Joining
//! comes before, and what the participants do is left out.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    reason = "the world is made for tests, and the macros document nothing"
)]

use std::time::Duration;

use gungraun::{
    Callgrind, EntryPoint, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use plenary::engine::RoomDefaults;
use proto::codec::Codec;

#[path = "../tests/world/film.rs"]
mod film;
#[path = "../tests/world/link.rs"]
mod link;
#[path = "../tests/world/media.rs"]
mod media;
#[path = "../tests/world/person.rs"]
mod person;
#[path = "../tests/world/world.rs"]
mod world;

use media::{Source, microphone};
use world::World;

/// On how many engines a room is.
pub const SEGMENTS: usize = 1;
/// What is counted: whatever is done regularly is done in it.
const SPAN: Duration = Duration::from_secs(1);
/// Longest time until all receive all.
const MAX_WAIT: Duration = Duration::from_secs(10);

library_benchmark_group!(name = rooms, benchmarks = [forward]);

main!(
    config = LibraryBenchmarkConfig::default().env("SIM_SEED", "1").tool(
        Callgrind::with_args(["--cache-sim=no"])
            .entry_point(EntryPoint::Custom("*world::counted*".into()))
    ),
    library_benchmark_groups = rooms
);

#[library_benchmark]
#[bench::video_1_to_50(setup = begin, args = (Room::new(1, 50, camera(25))), teardown = tell)]
#[bench::video_1_to_500(setup = begin, args = (Room::new(1, 500, camera(25))), teardown = tell)]
#[bench::video_20_to_each_other(setup = begin, args = (Room::new(20, 0, camera(10))), teardown = tell)]
#[bench::video_50_to_each_other(setup = begin, args = (Room::new(50, 0, camera(2))), teardown = tell)]
#[bench::audio_10_to_500(setup = begin, args = (Room::new(10, 500, microphone())), teardown = tell)]
fn forward(mut conference: Conference) -> (Conference, u64) {
    let forwarded = conference.run_for(SPAN);
    (conference, forwarded)
}

/// Who is in a room.
struct Room {
    publishers: usize,
    /// Those who only receive.
    receivers: usize,
    source: Source,
}

impl Room {
    fn new(publishers: usize, receivers: usize, source: Source) -> Self {
        Self {
            publishers,
            receivers,
            source,
        }
    }
}

/// A camera with one encoding. Its frames have as many packets in every room, because the more of
/// them go to a receiver at a time, the less each costs; where there are many cameras, there are
/// fewer frames.
fn camera(frames_per_second: u64) -> Source {
    Source {
        codec: Codec::Vp8,
        rids: vec![],
        shape: vec![(8, 1_150)],
        interval: Duration::from_millis(1_000 / frames_per_second),
    }
}

/// A room in which everyone receives everything.
struct Conference {
    world: World,
    /// Time from frame to frame.
    interval: Duration,
    /// Packets to be forwarded in that time.
    packets: u64,
}

fn begin(room: Room) -> Conference {
    let rooms = RoomDefaults {
        max_participants: 1_000,
        ..RoomDefaults::default()
    };
    let mut world = World::with_rooms("rooms", rooms);
    let people = room.publishers + room.receivers;
    let name = |index| format!("p{index:03}");
    for index in 0..people {
        // Telling everyone of everyone takes long and is not what is counted.
        let hidden = index >= room.publishers;
        world.join_with(&name(index), |(grant, _)| grant.hidden = hidden);
        world.run_for(Duration::from_millis(1));
    }
    for index in 0..room.publishers {
        world.publish(&name(index), room.source.clone());
        world.run_for(Duration::from_millis(1));
    }
    let mut conference = Conference {
        world,
        interval: room.source.interval,
        packets: (room.publishers * (people - 1) * room.source.shape[0].0) as u64,
    };
    let latest = conference.world.now + MAX_WAIT;
    while conference.run_for(conference.interval) < conference.packets {
        assert!(conference.world.now < latest, "all receive all");
    }
    // Until buffers have the size they need: rings hold a second.
    conference.run_for(SPAN);
    conference.world.is_counted = true;
    conference
}

impl Conference {
    /// Lets time pass. Returns how many packets were forwarded.
    fn run_for(&mut self, span: Duration) -> u64 {
        let before = self.world.counters().packets_out;
        self.world.run_for(span);
        self.world.counters().packets_out - before
    }
}

/// Says how many packets were forwarded: all there were, but for what waited for the pace.
fn tell((conference, forwarded): (Conference, u64)) {
    let frames = SPAN.as_millis() / conference.interval.as_millis();
    let expected = conference.packets * frames as u64;
    assert!(
        forwarded.abs_diff(expected) <= expected / 50,
        "{forwarded} packets, not {expected}"
    );
    println!("packets: {forwarded}");
}
