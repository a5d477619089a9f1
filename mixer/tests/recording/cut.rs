//! Files of recordings that were cut off anywhere, as by a crash or a full disk.

use std::rc::Rc;

use mixer::mux::Recovery;
use proto::codec::Codec;

use crate::clips::{self, SIZE};
use crate::disk::read;
use crate::room::Room;
use crate::seeded::for_seeds;
use crate::sender::Sender;

#[test]
fn a_file_that_was_cut_off_plays_to_its_last_whole_block_and_can_be_completed() {
    for_seeds(2, |rng| {
        let mut room = Room::with_ann();
        let video = Rc::new(clips::moving(Codec::Vp8, SIZE));
        room.send(rng, &Sender::new(0, &video, 0..12_000_000));
        let mut audio = Sender::new(1, &Rc::new(clips::tone()), 0..12_000_000);
        audio.quiet_us = 3_000_000..5_000_000;
        room.send(rng, &audio);
        room.run_until(12_000_000);
        let manifest = room.end();

        for file in &manifest.files {
            let file = room.disk.file(&file.path);
            let live = file.live.as_ref().expect("it was finished");
            let ends = ends(live);
            assert_eq!(read(live).0, file.blocks());
            for _ in 0..200 {
                let length = rng.usize(0..=live.len());
                let cut = &live[..length];

                let (blocks, header) = read(cut);

                let whole = ends.iter().filter(|end| **end <= length).count();
                assert_eq!(blocks, file.blocks()[..whole]);
                let Some(complete) = recovered(cut) else {
                    assert_eq!((whole, header), (0, None));
                    continue;
                };
                let (again, header) = read(&complete);
                assert_eq!(again, blocks);
                let header = header.expect("a header");
                assert!(header.duration_us.is_some());
                assert_eq!(header.cues_offset.is_some(), whole > 0);
            }
        }
    });
}

/// Where in a file its blocks end: no length before lets another block be read.
fn ends(live: &[u8]) -> Vec<usize> {
    let mut reader = mixer::mux::Reader::new();
    reader.feed(live);
    let blocks = std::iter::from_fn(|| reader.poll().expect("no damage"));
    blocks.map(|block| block.data_range.end as usize).collect()
}

fn recovered(cut: &[u8]) -> Option<Vec<u8>> {
    let mut recovery = Recovery::new();
    recovery.feed(cut);
    let recovered = recovery.finish().ok()?;
    let mut file = cut[..recovered.truncate_to as usize].to_vec();
    file.extend(&recovered.finish.append);
    for patch in &recovered.finish.patches {
        let offset = patch.offset as usize;
        file[offset..][..patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    Some(file)
}
