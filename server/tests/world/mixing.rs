//! Mixes: what the room sees of them, and who gets them. What is in them is made up here.

use std::time::Duration;

use mixer::codec::Codec;
use mixer::picture::Size;
use plenary::engine::{
    ConnectionId, Join, JoinError, ListenerId, Purpose, Reply, Request, RoomDefaults,
};
use plenary::mix::{Event, IDENTITY, Part, PictureForm, Segment};
use proto::codec::MediaKind::{Audio, Video};
use proto::ids::{Identity, TrackSid};
use proto::link::SegmentId;
use proto::signal::messages::UpdateSubscription;
use proto::signal::messages::signal_request::Message as SignalRequest;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::media::{camera, microphone};
use crate::world::World;

const PICTURE: PictureForm = PictureForm {
    size: Size::new(640, 360),
    codec: Codec::Vp8,
    bitrate_bps: 500_000,
};
const TICK: Duration = Duration::from_millis(20);

/// A room that is mixed.
struct Mixed {
    world: World,
    /// What is wanted of the mix.
    wanted: Vec<Part>,
    keyframes: usize,
    is_over: bool,
    ticks: i64,
}

impl Mixed {
    fn new(mut world: World, listeners: &[&str]) -> Self {
        let own = SegmentId(world.engines.len() as u16);
        let rng = ChaCha20Rng::seed_from_u64(9);
        let mut segment = Segment::new(own, world.room().clone(), 0, 1_800_000_000_000, rng);
        segment.publish(Some(PICTURE), &identities(listeners));
        world.mixes.push(segment);
        let extend = Request::ExtendRoom(world.room().clone(), own);
        assert!(matches!(world.request(extend), Reply::Done(Ok(()))));
        Self {
            world,
            wanted: Vec::new(),
            keyframes: 0,
            is_over: false,
            ticks: 0,
        }
    }

    fn set_listeners(&mut self, listeners: &[&str]) {
        self.world.mixes[0].publish(Some(PICTURE), &identities(listeners));
    }

    /// Lets time pass, and makes what is wanted meanwhile.
    fn run_for(&mut self, span: Duration) {
        let end = self.world.now + span;
        while self.world.now < end {
            self.world.run_for(TICK);
            while let Some(event) = self.world.mixes[0].poll_event() {
                match event {
                    Event::Wanted(part, true) => self.wanted.push(part),
                    Event::Wanted(part, false) => self.wanted.retain(|own| *own != part),
                    Event::KeyframeWanted => self.keyframes += 1,
                    Event::Over => self.is_over = true,
                }
            }
            self.make();
        }
    }

    fn make(&mut self) {
        self.ticks += 1;
        let pts_us = self.ticks * 20_000;
        let ntp = ((1_800_000_000 + pts_us as u64 / 1_000_000) << 32) + 1;
        for part in &self.wanted {
            let is_picture = *part == Part::Picture;
            let is_keyframe = is_picture && std::mem::take(&mut self.keyframes) > 0;
            // What receivers look for: a frame header's first byte, and who has sent it.
            let frame = match is_picture {
                true => vec![u8::from(!is_keyframe), 0, 0, 0, 0, 1, 2],
                false => vec![0, 0, 1, 2],
            };
            self.world.mixes[0].send(part, &frame, is_keyframe, pts_us, ntp);
        }
    }

    /// How many packets somebody has got of another.
    fn count(&self, receiver: &str, sender: &str, kind: proto::codec::MediaKind) -> usize {
        let received = self.world.people[receiver].received_from(sender, kind);
        received.map_or(0, |received| received.packets)
    }

    /// How many tracks somebody sees of another.
    fn tracks(&self, viewer: &str, shown: &str) -> Vec<String> {
        let known = &self.world.people[viewer].known;
        let mut infos = known.values().filter(|info| info.identity == shown);
        let info = infos.next();
        info.map_or(Vec::new(), |info| {
            let mut names: Vec<_> = info.tracks.iter().map(|own| own.name.clone()).collect();
            names.sort_unstable();
            names
        })
    }
}

fn identities(names: &[&str]) -> Vec<Identity> {
    let names = names.iter().map(|name| Identity::new(name));
    names.collect::<Result<_, _>>().unwrap()
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Three people, of whom ann and ben publish.
fn conference(name: &str) -> World {
    let mut world = World::new(name);
    for person in ["ann", "ben", "eve"] {
        world.join(person);
    }
    for person in ["ann", "ben"] {
        world.publish(person, camera());
        world.publish(person, microphone());
    }
    world.expect_media("eve", "ann", Video);
    world.expect_media("eve", "ben", Video);
    world
}

#[test]
fn nothing_is_wanted_of_a_mix_that_nobody_asked_for() {
    let world = conference("nothing_is_wanted_of_a_mix_that_nobody_asked_for");
    let mut mixed = Mixed::new(world, &[]);

    mixed.run_for(secs(3));

    assert_eq!(mixed.wanted, []);
    assert_eq!(mixed.tracks("eve", IDENTITY), ["mix", "mix"]);
    assert_eq!(mixed.count("eve", IDENTITY, Video), 0);
    assert_eq!(mixed.world.counters().subscriptions, 8);
}

#[test]
fn a_listener_gets_the_mix_and_nothing_else_until_it_is_none_any_more() {
    let world = conference("a_listener_gets_the_mix_and_nothing_else");
    let mut mixed = Mixed::new(world, &["eve"]);
    mixed.run_for(secs(3));

    let alone = Part::SoundFor(Identity::new("eve").unwrap());
    assert!(mixed.wanted.contains(&Part::Picture), "{:?}", mixed.wanted);
    assert!(mixed.wanted.contains(&alone), "{:?}", mixed.wanted);
    assert_eq!(mixed.wanted.len(), 2);
    assert!(mixed.tracks("eve", "ann").is_empty());
    assert_eq!(mixed.tracks("eve", IDENTITY), ["mix", "mix for eve"]);
    // The others see and hear what they did.
    assert_eq!(mixed.tracks("ann", "ben").len(), 2);
    assert_eq!(mixed.tracks("ann", IDENTITY), ["mix", "mix"]);
    let before = ["eve", "ann"].map(|who| mixed.count(who, "ben", Audio));
    let pictures = mixed.count("eve", IDENTITY, Video);
    mixed.run_for(secs(2));
    assert_eq!(mixed.count("eve", "ben", Audio), 0, "ben has no tracks");
    assert!(mixed.count("ann", "ben", Audio) >= before[1] + 98);
    assert!(mixed.count("eve", IDENTITY, Video) >= pictures + 98);
    let info = mixed.world.received("eve", IDENTITY, Video);
    assert!(info.began_with_keyframe);

    mixed.set_listeners(&[]);
    mixed.run_for(secs(3));

    assert_eq!(mixed.wanted, []);
    assert_eq!(mixed.tracks("eve", "ann").len(), 2);
    let heard = mixed.count("eve", "ann", Audio);
    mixed.run_for(secs(1));
    assert!(mixed.count("eve", "ann", Audio) >= heard + 48);
    mixed.world.expect_no_faults();
}

#[test]
fn whoever_comes_later_gets_the_mix_if_it_is_listed() {
    let world = conference("whoever_comes_later_gets_the_mix");
    let mut mixed = Mixed::new(world, &["weak"]);

    mixed.world.join("weak");
    mixed.run_for(secs(3));

    assert_eq!(mixed.wanted.len(), 2, "{:?}", mixed.wanted);
    assert!(mixed.count("weak", IDENTITY, Video) > 50);
    assert!(mixed.count("weak", IDENTITY, Audio) > 50);
    assert!(mixed.tracks("weak", "ann").is_empty());
    mixed.world.expect_no_faults();
}

#[test]
fn whoever_asks_gets_the_sound_of_all_and_nobody_that_of_another() {
    let world = conference("whoever_asks_gets_the_sound_of_all");
    let mut mixed = Mixed::new(world, &["ben"]);
    mixed.run_for(secs(1));
    let tracks: Vec<_> = mixed.world.mixes[0]
        .tracks()
        .map(|(_, sid)| sid.clone())
        .collect();
    let ask = |sids: &[TrackSid]| {
        SignalRequest::Subscription(UpdateSubscription {
            track_sids: sids.iter().map(TrackSid::to_string).collect(),
            subscribe: true,
            ..UpdateSubscription::default()
        })
    };

    mixed.world.person("eve").ask(ask(&tracks));
    mixed.run_for(secs(2));

    assert!(mixed.wanted.contains(&Part::Sound), "{:?}", mixed.wanted);
    assert!(mixed.count("eve", IDENTITY, Audio) > 50);
    let received = mixed.world.people["eve"].received.keys();
    let own = received.filter(|sid| tracks.iter().any(|track| track.as_str() == *sid));
    assert_eq!(own.count(), 2, "the picture and the sound of all");
}

#[test]
fn a_mix_keeps_no_room_open() {
    let rooms = RoomDefaults {
        departure_timeout_s: 3,
        ..RoomDefaults::default()
    };
    let mut world = World::with_rooms("a_mix_keeps_no_room_open", rooms);
    world.join("ann");
    let mut mixed = Mixed::new(world, &["ann"]);
    mixed.run_for(secs(2));
    let room = mixed.world.room().clone();
    let Reply::Room(Ok(view)) = mixed.world.request(Request::Room(room)) else {
        panic!("the room is open");
    };
    assert_eq!((view.num_participants, view.num_publishers), (1, 0));

    mixed.world.leave("ann");
    mixed.run_for(secs(10));

    assert!(mixed.is_over);
    assert_eq!(mixed.world.counters().segments, 0);
}

#[test]
fn a_mix_is_removed_like_anybody() {
    let world = conference("a_mix_is_removed_like_anybody");
    let mut mixed = Mixed::new(world, &["eve"]);
    mixed.run_for(secs(1));
    let room = mixed.world.room().clone();

    let identity = Identity::new(IDENTITY).unwrap();
    let removed = mixed
        .world
        .request(Request::RemoveParticipant(room, identity));
    assert!(matches!(removed, Reply::Done(Ok(()))), "{removed:?}");
    mixed.run_for(secs(1));
    assert!(mixed.is_over);

    mixed.world.mixes[0].leave();
    mixed.wanted.clear();
    mixed.run_for(secs(2));

    let known = &mixed.world.people["eve"].known;
    assert!(known.values().all(|info| info.identity != IDENTITY));
    assert_eq!(mixed.tracks("eve", "ann").len(), 2);
    assert_eq!(mixed.world.counters().subscriptions, 8);
}

#[test]
fn nobody_joins_in_the_place_of_a_mix() {
    let mut world = World::new("nobody_joins_in_the_place_of_a_mix");
    world.join("ann");
    let mut mixed = Mixed::new(world, &[]);
    mixed.run_for(secs(1));
    let join = Join {
        connection: ConnectionId(9_001),
        room: mixed.world.room().clone(),
        home: SegmentId(0),
        identity: Identity::new(IDENTITY).unwrap(),
        claims: Default::default(),
        request: Default::default(),
    };

    let reply = mixed.world.request(Request::Join(Box::new(join)));

    let Reply::Join(Err(JoinError::BadRequest(why))) = reply else {
        panic!("{reply:?}");
    };
    assert!(why.contains("choose another"), "{why}");
}

#[test]
fn a_recording_hears_nothing_of_a_mix() {
    let world = conference("a_recording_hears_nothing_of_a_mix");
    let mut mixed = Mixed::new(world, &["eve"]);
    let room = mixed.world.room().clone();
    let listen = Request::Listen(room, ListenerId(7), Purpose::Recording);

    assert!(matches!(mixed.world.request(listen), Reply::Done(Ok(()))));
    mixed.run_for(secs(2));

    // The mix's two, and those of ann and ben for the listener; the rest as it was.
    let heard = mixed.world.heard[&ListenerId(7)].iter();
    let began = heard
        .flat_map(|batch| batch.heard())
        .filter(|heard| {
            use plenary::engine::{Heard, News};
            matches!(heard, Heard::News(News::TrackBegan(_)))
        })
        .count();
    assert_eq!(began, 4);
}
