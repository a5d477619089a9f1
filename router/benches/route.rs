//! What it costs to decide who gets a packet, in instructions. `deploy/bench` compares.
#![allow(missing_docs, unused_qualifications, reason = "made by the macros")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use gungraun::{
    Callgrind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use proto::codec::MediaKind;
use proto::ids::{Identity, ParticipantSid, TrackSid};
use proto::layer::vp8::{PictureId, PictureIds};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use router::rewrite::{Numbers, Rewriter};
use router::{
    EncodingInfo, Forward, NewParticipant, NewPublication, Packet, PublicationKey, Router,
    SectionOutput, SubscriptionChange,
};

/// Packets of a run.
const PACKETS: usize = 100;
const SUBSCRIPTIONS: usize = 50;
/// The encoding that all receive: the highest.
const ENCODING: usize = 2;

library_benchmark_group!(name = route, benchmarks = [forward]);

main!(
    config = LibraryBenchmarkConfig::default().tool(Callgrind::with_args(["--cache-sim=no"])),
    library_benchmark_groups = route
);

#[library_benchmark]
#[bench::to_50_subscriptions(setup = watched, teardown = tell)]
fn forward(mut watched: Watched) -> Watched {
    for _ in 0..PACKETS {
        watched.route(ENCODING, false);
    }
    watched
}

/// Says how many packets the run was about.
fn tell(watched: Watched) {
    assert_eq!(watched.forwards.len(), SUBSCRIPTIONS, "all get the last");
    println!("packets: {PACKETS}");
}

/// A camera and those who watch it.
struct Watched {
    now: Instant,
    router: Router,
    publication: PublicationKey,
    sequence: u64,
    forwards: Vec<Forward>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock; its value does not matter"
)]
fn watched() -> Watched {
    let now = Instant::now();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut router = Router::new(now);
    let room = router.create_room();
    let mut join = |router: &mut Router, index: usize| {
        let participant = NewParticipant {
            identity: Identity::new(&format!("p{index}")).expect("a name"),
            sid: ParticipantSid::random(&mut rng),
            may_subscribe: true,
            auto_subscribe: true,
        };
        router.join(room, participant)
    };
    let publisher = join(&mut router, 0);
    let subscribers: Vec<_> = (1..=SUBSCRIPTIONS)
        .map(|index| join(&mut router, index))
        .collect();
    let encoding = |width, height| EncodingInfo {
        width,
        height,
        bitrate_bps: 0,
    };
    let camera = NewPublication {
        sid: TrackSid::random(&mut rng),
        kind: MediaKind::Video,
        screen_share: false,
        audience: proto::link::Audience::Room,
        is_remote: false,
        encodings: vec![encoding(320, 180), encoding(640, 360), encoding(1_280, 720)],
    };
    let publication = router.publish(publisher, camera).expect("room for one");
    for subscriber in subscribers {
        let SubscriptionChange::Began(subscription) = router.reconcile(subscriber, publication)
        else {
            panic!("everyone subscribes");
        };
        let output = SectionOutput {
            section: 0,
            rewriter: Rewriter::new(1),
        };
        router.attach(now, subscription, output);
    }
    let mut watched = Watched {
        now,
        router,
        publication,
        sequence: 0,
        forwards: Vec::new(),
    };
    // All see the lowest encoding first, and go up at a keyframe.
    for encoding in [0, 1, 2, 2] {
        watched.route(encoding, true);
    }
    watched
}

impl Watched {
    fn route(&mut self, encoding: usize, keyframe: bool) {
        self.now += Duration::from_millis(1);
        self.sequence += 1;
        let numbers = Numbers {
            sequence: self.sequence,
            timestamp: self.sequence as u32 * 90,
            vp8: Some(PictureIds {
                picture_id: Some(PictureId {
                    value: self.sequence as u16,
                    long: true,
                }),
                tl0_pic_idx: Some(self.sequence as u8),
                key_idx: None,
            }),
        };
        let packet = Packet {
            publication: self.publication,
            encoding,
            numbers,
            clock_rate_hz: 90_000,
            keyframe,
            bytes: 1_150,
            audio_level: None,
        };
        self.forwards.clear();
        self.router
            .handle_packet(self.now, black_box(&packet), &mut self.forwards);
    }
}
