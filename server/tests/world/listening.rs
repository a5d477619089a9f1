//! Listeners: participants made of code.

use std::collections::BTreeMap;
use std::time::Duration;

use plenary::engine::{Heard, HeardPacket, HeardTrack, ListenerId, News, Purpose, Reply, Request};
use proto::codec::{Codec, MediaKind};
use proto::signal::decode_response;
use proto::signal::messages::signal_response::Message;

use crate::link::Link;
use crate::media::{camera, microphone};
use crate::world::World;

const LISTENER: ListenerId = ListenerId(7);

#[test]
fn a_listener_gets_every_packet_of_everyone_once_and_in_one_numbering() {
    let mut world =
        World::new("a_listener_gets_every_packet_of_everyone_once_and_in_one_numbering");
    world.join("ann");
    world.publish("ann", camera());
    world.publish("ann", microphone());
    world.join("ben");
    world.expect_media("ben", "ann", MediaKind::Video);
    listen(&mut world, Purpose::Recording);
    world.run_for(Duration::from_secs(1));
    world.publish("ben", microphone());
    world.expect_media("ann", "ben", MediaKind::Audio);
    world.run_for(Duration::from_secs(6));

    let heard = Diary::of(&world);

    assert_eq!(heard.tracks.len(), 3, "{:?}", heard.tracks);
    for (number, track) in &heard.tracks {
        let packets = &heard.packets[number];
        let mut sequences: Vec<_> = packets.iter().map(|own| own.sequence).collect();
        sequences.sort_unstable();
        let gaps = sequences.windows(2).filter(|pair| pair[1] != pair[0] + 1);
        assert_eq!(gaps.count(), 0, "{track:?}");
        let least = if track.kind == MediaKind::Audio {
            250
        } else {
            150
        };
        assert!(packets.len() > least, "{track:?}: {}", packets.len());
        // There is no path that could be too narrow: the best encoding is heard.
        if track.kind == MediaKind::Video {
            assert_eq!(packets.last().unwrap().encoding, 2);
            assert_eq!(packets.last().unwrap().codec, Codec::Vp8);
        }
    }
    world.expect_no_faults();
}

#[test]
fn everyone_is_told_while_a_room_is_recorded() {
    let mut world = World::new("everyone_is_told_while_a_room_is_recorded");
    for name in ["ann", "ben", "eve"] {
        world.join(name);
    }
    world.run_for(Duration::from_secs(2));
    assert!(!is_recording_shown(&mut world));

    listen(&mut world, Purpose::Recording);
    world.run_for(Duration::from_secs(2));
    assert!(is_recording_shown(&mut world));

    let reply = world.request(Request::StopListening(LISTENER));
    assert!(matches!(reply, Reply::Done(Ok(()))), "{reply:?}");
    world.run_for(Duration::from_secs(2));
    assert!(!is_recording_shown(&mut world));
    assert_eq!(world.over, [LISTENER]);
    world.expect_no_faults();
}

#[test]
fn a_recording_that_ends_by_itself_is_not_shown_any_more() {
    let mut world = World::new("a_recording_that_ends_by_itself_is_not_shown_any_more");
    for name in ["ann", "ben", "eve"] {
        world.join(name);
    }
    listen(&mut world, Purpose::Recording);
    world.run_for(Duration::from_secs(2));
    assert!(is_recording_shown(&mut world));

    world.deafen(LISTENER);
    world.run_for(Duration::from_secs(2));

    assert!(!is_recording_shown(&mut world));
    assert_eq!(world.over, [LISTENER]);
    // It has been let go, and that is all.
    world.deafen(LISTENER);
    world.expect_no_faults();
}

#[test]
fn lost_packets_are_heard_once_they_are_repaired() {
    let mut world = World::new("lost_packets_are_heard_once_they_are_repaired");
    world.join("ann");
    world.publish("ann", camera());
    listen(&mut world, Purpose::Recording);
    world.run_for(Duration::from_secs(2));
    world.person("ann").up.link = Link {
        loss: 0.05,
        delay: Duration::from_millis(20),
        ..Link::default()
    };
    world.run_for(Duration::from_secs(8));
    world.person("ann").up.link.loss = 0.0;
    world.run_for(Duration::from_secs(2));

    let heard = Diary::of(&world);

    let packets = heard.packets.values().next().expect("a track is heard");
    let mut sequences: Vec<_> = packets.iter().map(|own| own.sequence).collect();
    let is_late = sequences.windows(2).any(|pair| pair[1] < pair[0]);
    sequences.sort_unstable();
    sequences.dedup();
    let missing = sequences.last().unwrap() - sequences[0] + 1 - sequences.len() as u64;
    assert!(is_late, "something was repaired");
    assert!(
        missing <= packets.len() as u64 / 200,
        "{missing} of {}",
        packets.len()
    );
}

#[test]
fn a_listener_that_takes_nothing_loses_packets_and_no_news() {
    let mut world = World::new("a_listener_that_takes_nothing_loses_packets_and_no_news");
    world.join("ann");
    world.publish("ann", camera());
    listen(&mut world, Purpose::Recording);
    world.run_for(Duration::from_secs(2));
    world.full.push(LISTENER);
    world.join("ben");
    world.publish("ben", microphone());
    world.expect_media("ben", "ann", MediaKind::Video);
    world.expect_media("ann", "ben", MediaKind::Audio);
    let before: usize = Diary::of(&world).packets.values().map(Vec::len).sum();
    world.run_for(Duration::from_secs(3));
    world.full.clear();
    world.run_for(Duration::from_millis(200));

    let heard = Diary::of(&world);

    let since = heard.packets.values().map(Vec::len).sum::<usize>() - before;
    assert!(
        since < 60,
        "{since} packets were kept for somebody who takes none"
    );
    assert_eq!(heard.tracks.len(), 2, "{:?}", heard.tracks);
    assert!(heard.names.contains("ben"));
    world.expect_no_faults();
}

#[test]
fn a_room_closes_although_it_is_listened_to() {
    let mut world = World::new("a_room_closes_although_it_is_listened_to");
    world.join("ann");
    world.publish("ann", microphone());
    listen(&mut world, Purpose::Recording);
    world.run_for(Duration::from_secs(2));
    world.leave("ann");

    world.run_for(Duration::from_secs(30));

    assert_eq!(world.over, [LISTENER]);
    let heard = Diary::of(&world);
    assert_eq!(
        heard.ended,
        heard.tracks.keys().copied().collect::<Vec<_>>()
    );
}

#[test]
fn nobody_listens_in_a_room_that_is_not_there() {
    let mut world = World::new("nobody_listens_in_a_room_that_is_not_there");
    let room = world.room().clone();

    let reply = world.request(Request::Listen(room, LISTENER, Purpose::Recording));

    assert!(matches!(reply, Reply::Done(Err(_))), "{reply:?}");
    assert_eq!(world.over, [LISTENER]);
}

fn listen(world: &mut World, purpose: Purpose) {
    let room = world.room().clone();
    let reply = world.request(Request::Listen(room, LISTENER, purpose));
    assert!(matches!(reply, Reply::Done(Ok(()))), "{reply:?}");
}

/// Whether all people know that the room is recorded; they agree.
fn is_recording_shown(world: &mut World) -> bool {
    let people = world.people.values();
    let shown = people.map(|person| {
        let mut rooms = person
            .responses
            .iter()
            .filter_map(|response| match response {
                Message::RoomUpdate(update) => update.room.as_ref(),
                _ => None,
            });
        rooms.next_back().is_some_and(|room| room.active_recording)
    });
    let shown: Vec<bool> = shown.collect();
    assert!(shown.iter().all(|own| *own == shown[0]), "{shown:?}");
    shown[0]
}

/// All that was heard.
#[derive(Default)]
struct Diary<'a> {
    tracks: BTreeMap<u16, &'a HeardTrack>,
    packets: BTreeMap<u16, Vec<HeardPacket<'a>>>,
    ended: Vec<u16>,
    names: std::collections::BTreeSet<String>,
}

impl<'a> Diary<'a> {
    fn of(world: &'a World) -> Self {
        let mut diary = Self::default();
        for heard in world.heard[&LISTENER]
            .iter()
            .flat_map(|batch| batch.heard())
        {
            match heard {
                Heard::News(News::TrackBegan(track)) => {
                    diary.tracks.insert(track.number, track);
                }
                Heard::News(News::TrackEnded(number)) => diary.ended.push(*number),
                Heard::News(News::Signal(encoded)) => {
                    if let Ok(Some(Message::Update(update))) = decode_response(encoded) {
                        let names = update.participants.into_iter().map(|own| own.identity);
                        diary.names.extend(names);
                    }
                }
                Heard::Packet(packet) => {
                    assert!(diary.tracks.contains_key(&packet.track), "announced first");
                    diary.packets.entry(packet.track).or_default().push(packet);
                }
            }
        }
        diary
    }
}
