//! Bytes that nobody has written.

use fastrand::Rng;
use mixer::mux::Recovery;

use crate::file::{File, combinations, read, recovered};
use crate::seeded::for_seeds;

#[test]
fn every_prefix_can_be_read() {
    for_seeds(3, |rng| {
        for tracks in combinations() {
            let bytes = File::random(rng, &tracks, 12).finished();
            for len in 0..=bytes.len() {
                assert_eq!(read(rng, &bytes[..len]).2, None, "{len} bytes");
            }
        }
    });
}

#[test]
fn what_is_recovered_of_a_damaged_file_can_be_read_to_its_end() {
    for_seeds(40, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 40);
            for mut bytes in [file.live.clone(), file.finished()] {
                damage(rng, &mut bytes);

                let before = read(rng, &bytes).0;
                let Some(complete) = recovered(rng, &bytes) else {
                    continue;
                };
                let (after, _, error) = read(rng, &complete);

                assert_eq!(error, None);
                assert_eq!(after, before);
                assert_eq!(recovered(rng, &complete), Some(complete));
            }
        }
    });
}

#[test]
fn noise_is_no_file() {
    for_seeds(200, |rng| {
        let bytes: Vec<u8> = (0..2_000).map(|_| rng.u8(..)).collect();

        let (blocks, reader, _) = read(rng, &bytes);

        assert!(blocks.is_empty() && reader.header().is_none());
        let mut recovery = Recovery::new();
        recovery.feed(&bytes);
        assert!(recovery.finish().is_err());
    });
}

fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..rng.usize(1..6) {
        let at = rng.usize(0..bytes.len());
        match rng.u8(0..4) {
            0 => bytes[at] = rng.u8(..),
            1 => bytes[at] ^= 1 << rng.u8(0..8),
            2 => drop(bytes.drain(at..(at + rng.usize(0..9)).min(bytes.len()))),
            _ => bytes.insert(at, rng.u8(..)),
        }
    }
}
