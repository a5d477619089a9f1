//! The journal tells what happened, in order.

use std::rc::Rc;

use fastrand::Rng;
use mixer::recording::{Event, Source};

use crate::clips;
use crate::room::{Room, microphone, person};
use crate::sender::Sender;

#[test]
fn tells_what_happened_in_order() {
    let mut rng = Rng::with_seed(1);
    let mut room = Room::new();
    let track = microphone("TR_mic");
    room.recorder.handle_person(room.now(), person("ann", &[]));
    room.run_until(1_000_000);
    room.recorder
        .handle_person(room.now(), person("ann", std::slice::from_ref(&track)));
    room.hear(1, "ann", &track);
    let clip = Rc::new(clips::tone());
    room.send(&mut rng, &Sender::new(1, &clip, 1_100_000..1_900_000));
    room.run_until(2_000_000);
    room.recorder
        .handle_speaker(room.now(), "PA_ann", 0.123_456, true);
    room.run_until(3_000_000);
    room.recorder
        .handle_speaker(room.now(), "PA_ann", 0.0, false);
    room.recorder
        .handle_speaker(room.now(), "PA_nobody", 0.5, true);
    let mut muted = track.clone();
    muted.is_muted = true;
    let mut ann = person("ann", &[muted]);
    ann.name = "Ann of Leeds".into();
    room.recorder.handle_person(room.now(), ann);
    room.run_until(4_000_000);
    room.recorder.pause(room.now());
    room.run_until(5_000_000);
    room.recorder.resume(room.now());
    room.recorder.handle_track_end(room.now(), 1);
    room.recorder.handle_departure(room.now(), "PA_ann");
    room.run_until(6_000_000);
    room.end();

    let (participant, track) = ("PA_ann".to_owned(), "TR_mic".to_owned());
    let expected = [
        (
            0,
            Event::Began {
                unix_ms: 1_750_000_000_000,
                room: "standup".into(),
            },
        ),
        (
            0,
            Event::Joined {
                participant: participant.clone(),
                identity: "ann".into(),
                name: "ANN".into(),
            },
        ),
        (
            1_000_000,
            Event::TrackPublished {
                participant: participant.clone(),
                track: track.clone(),
                source: Source::Microphone,
                is_video: false,
            },
        ),
        (
            1_100_000,
            Event::File {
                track: track.clone(),
                path: "tracks/PA_ann/TR_mic-mic-000.mka".into(),
            },
        ),
        (
            2_000_000,
            Event::Speaking {
                participant: participant.clone(),
                level: 0.123,
            },
        ),
        (
            3_000_000,
            Event::Silent {
                participant: participant.clone(),
            },
        ),
        (
            3_000_000,
            Event::Renamed {
                participant: participant.clone(),
                name: "Ann of Leeds".into(),
            },
        ),
        (
            3_000_000,
            Event::Muted {
                track: track.clone(),
            },
        ),
        (4_000_000, Event::Paused),
        (5_000_000, Event::Resumed),
        (5_000_000, Event::TrackUnpublished { track }),
        (5_000_000, Event::Left { participant }),
        (
            6_000_000,
            Event::Ended {
                reason: "stopped".into(),
            },
        ),
    ];
    let told = room.disk.journal().into_iter();
    let told: Vec<_> = told.map(|entry| (entry.at_us, entry.event)).collect();
    assert_eq!(told, expected);
}

#[test]
fn tells_how_many_packets_were_lost() {
    let mut room = Room::with_ann();
    let mut sender = Sender::new(1, &Rc::new(clips::tone()), 0..10_000_000);
    sender.way.lost_percent = 5.0;
    let came = sender.packets(&mut Rng::with_seed(2)).len() as u64;
    room.send(&mut Rng::with_seed(2), &sender);
    room.run_until(12_000_000);

    let manifest = room.end();

    let mut told = 0;
    for entry in room.disk.journal() {
        if let Event::Lost { track, packets } = entry.event {
            assert_eq!(track, "TR_mic");
            told += packets;
        }
    }
    assert_eq!(told, manifest.lost_packets);
    // Nobody can know of what is lost at the end.
    assert!((500 - came - told) <= 2 && told > 5, "{told} of {came}");
}
