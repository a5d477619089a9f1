//! Files that were cut off anywhere, as by a crash or a full disk.

use mixer::mux::Recovery;

use crate::file::{File, combinations, finished, read, recovered};
use crate::seeded::for_seeds;

#[test]
fn a_cut_file_has_every_block_that_is_whole_and_can_be_completed() {
    for_seeds(1, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 150);
            for _ in 0..200 {
                let len = rng.usize(file.lengths[0]..=file.live.len());
                let (cut, whole) = (&file.live[..len], file.blocks_within(len));

                let (blocks, _, error) = read(rng, cut);
                assert_eq!(error, None);
                assert_eq!(blocks, whole);

                let complete = recovered(rng, cut).expect("it has tracks");
                let (blocks, reader, error) = read(rng, &complete);
                assert_eq!(error, None);
                assert_eq!(blocks, whole);
                assert_eq!(reader.position(), complete.len() as u64);
                let header = reader.header().expect("a header");
                assert_eq!(header.tracks, tracks);
                let has_cues = File::has_cues(&tracks, whole);
                assert_eq!(reader.cues().is_some(), has_cues);
                assert_eq!(header.cues_offset.is_some(), has_cues);
            }
        }
    });
}

#[test]
fn recovering_ends_a_file_as_finishing_does() {
    for_seeds(20, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 200);
            let complete = file.finished();

            assert_eq!(recovered(rng, &file.live).as_ref(), Some(&complete));
            assert_eq!(recovered(rng, &complete).as_ref(), Some(&complete));
        }
    });
}

#[test]
fn a_file_left_while_it_was_finished_can_be_completed() {
    for_seeds(20, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 200);
            let complete = file.finished();
            let (appended, patched) = (
                rng.usize(0..=file.finish.append.len()),
                rng.usize(0..=file.finish.patches.len()),
            );

            let mut torn = file.live.clone();
            torn.extend_from_slice(&file.finish.append[..appended]);
            assert_eq!(recovered(rng, &torn).as_ref(), Some(&complete));

            let mut half = file.finish.clone();
            half.patches.truncate(patched);
            let half = finished(&file.live, file.live.len(), &half);
            assert_eq!(recovered(rng, &half).as_ref(), Some(&complete));
        }
    });
}

#[test]
fn a_finished_file_that_was_cut_can_be_completed_again() {
    for_seeds(20, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 200);
            let len = rng.usize(file.lengths[0]..=file.live.len());
            let cut = &file.finished()[..len];

            let complete = recovered(rng, cut).expect("it has tracks");

            assert_eq!(Some(&complete), recovered(rng, &file.live[..len]).as_ref());
        }
    });
}

/// After a loss of power there may be zeros where there should be blocks.
#[test]
fn zeros_at_the_end_are_cut_off() {
    for_seeds(20, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 100);
            let cut = rng.usize(file.lengths[0]..=file.live.len());
            let mut bytes = file.live[..cut].to_vec();
            let last_whole = file.lengths.iter().rfind(|&&end| end <= cut);
            bytes.resize(cut + 4_096, 0);
            let mut recovery = Recovery::new();

            recovery.feed(&bytes);

            let recovered = recovery.finish().expect("it has tracks");
            // A cut inside of a block may leave room for the zeros to be its data.
            let next_whole = file.lengths.iter().find(|&&end| end > cut);
            let ends = [last_whole, next_whole].map(|end| end.map(|&end| end as u64));
            assert!(ends.contains(&Some(recovered.truncate_to)));
            assert!(recovered.damage.is_some());
        }
    });
}

#[test]
fn a_file_without_tracks_cannot_be_recovered() {
    for_seeds(1, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 1);
            for len in 0..file.lengths[0] {
                assert_eq!(recovered(rng, &file.live[..len]), None);
            }
        }
    });
}
