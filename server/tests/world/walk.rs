//! A long random walk, checked after each step against a model that is too simple to be wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::codec::MediaKind::Video;
use rand::RngExt;

use crate::media::camera;
use crate::world::World;

/// Who is there, and whether they publish.
type Model = BTreeMap<String, bool>;

#[test]
fn after_each_step_everyone_sees_whom_they_should() {
    let mut world = World::new("after_each_step_everyone_sees_whom_they_should");
    let mut model = Model::new();
    let mut joined = 0;

    for step in 0..40 {
        let pick = world.rng.random_range(0..100);
        let someone = (!model.is_empty()).then(|| {
            let index = world.rng.random_range(0..model.len());
            model.keys().nth(index).cloned().expect("in range")
        });
        match (pick, someone) {
            (0..35, _) | (_, None) if model.len() < 7 => {
                joined += 1;
                let name = format!("p{joined}");
                world.join(&name);
                model.insert(name, false);
            }
            (_, Some(name)) if pick < 50 => {
                world.leave(&name);
                model.remove(&name);
            }
            (_, Some(name)) if model[&name] => {
                world.person(&name).unpublish_all();
                model.insert(name, false);
            }
            (_, Some(name)) => {
                world.publish(&name, camera());
                model.insert(name, true);
            }
            (_, None) => {}
        }
        check(&mut world, &model, step);
    }
    world.expect_no_faults();
}

fn check(world: &mut World, model: &Model, step: usize) {
    world.run_for(Duration::from_millis(500));
    for receiver in model.keys() {
        let known: Vec<String> = world.people[receiver]
            .known
            .values()
            .map(|info| info.identity.clone())
            .filter(|own| own != receiver)
            .collect();
        let expected: Vec<&String> = model.keys().filter(|other| *other != receiver).collect();
        assert_eq!(
            known.len(),
            expected.len(),
            "step {step}: {receiver} knows {known:?} and not {expected:?}"
        );
        for (sender, publishes) in model.iter().filter(|(sender, _)| *sender != receiver) {
            if *publishes {
                world.expect_media(receiver, sender, Video);
            } else {
                let shown = world.people[receiver]
                    .known
                    .values()
                    .find(|info| info.identity == *sender);
                assert!(
                    shown.is_some_and(|info| info.tracks.is_empty()),
                    "step {step}: {receiver} sees a track of {sender}"
                );
            }
        }
    }
}
