//! What a forwarded packet and a participant cost, as far as a test can tell the same on every
//! machine. Times are in the benchmarks.

use std::time::Duration;

use proto::codec::MediaKind::Video;

use crate::media::{camera, microphone};
use crate::world::World;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_forwarded_packet_allocates_nothing() {
    let mut world = World::new("a_forwarded_packet_allocates_nothing");
    world.join("ann");
    world.publish("ann", camera());
    world.publish("ann", microphone());
    for index in 0..20 {
        world.join(&format!("p{index:02}"));
    }
    // Until every buffer has the size it needs: rings hold a second, histories a few.
    world.run_for(secs(20));
    world.expect_media("p00", "ann", Video);
    let before = (world.counters().packets_out, world.allocations);

    world.run_for(secs(5));

    let forwarded = world.counters().packets_out - before.0;
    assert!(forwarded > 20 * 5 * 60, "{forwarded} packets");
    assert_eq!(world.allocations - before.1, 0, "for {forwarded} packets");
}
