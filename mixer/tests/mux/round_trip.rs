//! What is written is read back.

use mixer::mux::{CuePoint, Finish, Header, Reader, Writer};

use crate::file::{File, OwnBlock, UTC_US, combinations, read};
use crate::seeded::for_seeds;

#[test]
fn every_block_comes_back() {
    for_seeds(20, |rng| {
        for tracks in combinations() {
            let count = rng.usize(0..200);
            let file = File::random(rng, &tracks, count);

            for bytes in [&file.live, &file.finished()] {
                let (blocks, reader, error) = read(rng, bytes);

                assert_eq!(error, None);
                assert_eq!(blocks, file.blocks);
                assert_eq!(reader.position(), bytes.len() as u64);
            }
        }
    });
}

#[test]
fn a_finished_file_tells_what_is_in_it() {
    for_seeds(20, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 300);

            let (_, reader, _) = read(rng, &file.finished());

            let summary = &file.finish.summary;
            let has_cues = File::has_cues(&tracks, &file.blocks);
            assert_eq!(reader.cues(), has_cues.then_some(&summary.cues));
            assert_eq!(
                reader.header(),
                Some(&Header {
                    title: "a meeting".to_owned(),
                    utc_us: Some(UTC_US),
                    duration_us: Some(summary.end_us),
                    tracks,
                    cues_offset: has_cues.then_some(file.live.len() as u64),
                })
            );
        }
    });
}

#[test]
fn a_summary_counts_every_track() {
    for_seeds(5, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 300);
            for (own, track) in file.finish.summary.tracks.iter().zip(&tracks) {
                let blocks = || {
                    file.blocks
                        .iter()
                        .filter(|block| block.track == track.number)
                };

                assert_eq!(own.track, track.number);
                assert_eq!(own.blocks, blocks().count() as u64);
                let keyframes = blocks().filter(|block| block.is_keyframe);
                assert_eq!(own.keyframes, keyframes.count() as u64);
                let bytes: usize = blocks().map(|block| block.data.len()).sum();
                assert_eq!(own.data_bytes, bytes as u64);
                let is_near = |own: Option<i64>, block: Option<&OwnBlock>| match (own, block) {
                    (Some(own_us), Some(block)) => (own_us - block.pts_us).abs() <= 500,
                    (own_us, block) => own_us.is_none() && block.is_none(),
                };
                assert!(is_near(own.first_pts_us, blocks().next()));
                assert!(is_near(own.last_pts_us, blocks().next_back()));
            }
        }
    });
}

#[test]
fn a_player_can_begin_at_every_cue_point() {
    for_seeds(5, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 300);
            let bytes = file.finished();
            let (all, mut reader, _) = read(rng, &bytes);
            let cues = reader.cues().cloned().unwrap_or_default();

            for point in cues.points() {
                let first = first_of(&mut reader, &bytes, *point);

                let delay_us = tracks
                    .iter()
                    .find(|track| track.number == point.track)
                    .map_or(0, |track| track.codec_delay_us());
                assert_eq!(first.pts_us, point.time_us - delay_us);
                assert!(first.is_keyframe && all.contains(&first));
            }
        }
    });
}

#[test]
fn a_file_without_blocks_has_no_cues() {
    let (mut live, settings) = (
        Vec::new(),
        File::random(&mut rng(), &combinations()[6], 0).settings,
    );
    let writer = Writer::new(settings, &mut live).expect("settings");

    let Finish {
        append, summary, ..
    } = writer.finish();

    assert!(append.is_empty());
    assert_eq!(summary.end_us, 0);
}

/// The first block of a cue point's track from there on.
fn first_of(reader: &mut Reader, bytes: &[u8], point: CuePoint) -> OwnBlock {
    reader.seek(point.cluster_offset);
    assert_eq!(reader.position(), point.cluster_offset);
    reader.feed(&bytes[point.cluster_offset as usize..]);
    while let Some(block) = reader.poll().expect("blocks") {
        if block.track == point.track {
            assert_eq!(block.cluster_offset, point.cluster_offset);
            return OwnBlock {
                track: block.track,
                pts_us: block.pts_us,
                is_keyframe: block.is_keyframe,
                data: reader.data().to_vec(),
            };
        }
    }
    panic!("no block of track {} follows", point.track.get());
}

fn rng() -> fastrand::Rng {
    fastrand::Rng::with_seed(1)
}
