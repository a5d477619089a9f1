use super::*;

fn offered(mid: usize, direction: Direction) -> OfferedSection {
    OfferedSection {
        mid: mid.to_string(),
        kind: SectionKind::Media(MediaKind::Video),
        direction,
        stopped: false,
        track_id: direction.sends().then(|| format!("track-{mid}")),
        rids: vec![],
    }
}

fn receiving(count: usize) -> Vec<OfferedSection> {
    (0..count)
        .map(|mid| offered(mid, Direction::RecvOnly))
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "an instant can only be made by the clock"
)]
fn start() -> Instant {
    Instant::now()
}

/// Subscription keys as a router gives them.
fn keys(count: usize) -> Vec<SubscriptionKey> {
    use proto::ids::{Identity, ParticipantSid, TrackSid};
    use rand::SeedableRng;
    let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
    let mut router = router::Router::new(start());
    let room = router.create_room();
    let mut join = |router: &mut router::Router, name: &str| {
        router.join(
            room,
            router::NewParticipant {
                identity: Identity::new(name).expect("a name"),
                sid: ParticipantSid::random(&mut rng),
                may_subscribe: true,
                auto_subscribe: true,
            },
        )
    };
    let ann = join(&mut router, "ann");
    let new = router::NewPublication {
        sid: TrackSid::random(&mut rand_chacha::ChaCha20Rng::seed_from_u64(2)),
        kind: MediaKind::Video,
        screen_share: false,
        encodings: vec![router::EncodingInfo::default()],
        audience: proto::link::Audience::Room,
        is_remote: false,
    };
    let publication = router.publish(ann, new).expect("room for one");
    (0..count)
        .map(|index| {
            let other = join(&mut router, &format!("p{index}"));
            match router.reconcile(other, publication) {
                router::SubscriptionChange::Began(key) => key,
                router::SubscriptionChange::None | router::SubscriptionChange::Ended(_) => {
                    panic!("everyone may subscribe")
                }
            }
        })
        .collect()
}

#[test]
fn asks_only_for_what_is_missing_and_only_once() {
    let now = start();
    let mut sections = Sections::default();
    sections.apply(receiving(1));
    for key in keys(3) {
        sections.wait(key, MediaKind::Video);
    }

    assert_eq!(sections.ask(now), Some([0, 2]));
    assert_eq!(sections.ask(now), None);
    sections.apply(receiving(3));

    assert_eq!(sections.assign(|| 0).len(), 3);
    assert_eq!(sections.ask(now), None);
}

#[test]
fn an_offer_that_crossed_the_request_does_not_make_the_session_grow() {
    let now = start();
    let mut sections = Sections::default();
    sections.apply(receiving(1));
    for key in keys(2) {
        sections.wait(key, MediaKind::Video);
    }
    assert_eq!(sections.ask(now), Some([0, 1]));

    sections.apply(receiving(1));
    sections.assign(|| 0);

    assert_eq!(sections.ask(now), Some([0, 0]));
}

#[test]
fn a_section_is_used_again() {
    let now = start();
    let mut sections = Sections::default();
    sections.apply(receiving(1));
    let [first, second] = keys(2).try_into().expect("two");
    sections.wait(first, MediaKind::Video);
    assert_eq!(sections.assign(|| 7).len(), 1);

    assert_eq!(sections.release(first), Some(0));
    assert_eq!(sections.ask(now), Some([0, 0]));
    sections.wait(second, MediaKind::Video);
    sections.apply(receiving(1));
    let (key, output) = sections.assign(|| 7).pop().expect("one");

    assert_eq!((key, output.section), (second, 0));
}

#[test]
fn lists_tracks_nobody_announced_with_encodings_in_order() {
    let mut sections = Sections::default();
    let mut camera = offered(0, Direction::SendOnly);
    camera.rids = ["f", "q", "h"].map(str::to_owned).to_vec();

    sections.apply(vec![camera]);

    let unmatched = sections.unmatched().pop().expect("one");
    assert_eq!(
        (unmatched.track_id.as_str(), unmatched.rids),
        ("track-0", vec!["q".into(), "h".into(), "f".into()])
    );
}
