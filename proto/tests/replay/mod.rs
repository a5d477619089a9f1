//! The seeds of a crate's fuzz targets, replayed on a stable compiler. It is part of the tests of
//! each crate that has such targets, next to a module `targets`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::targets::TARGETS;

#[test]
fn every_seed_passes_its_target() {
    for (name, run) in TARGETS {
        let seeds = files(&fuzz().join("seeds").join(name));

        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in seeds {
            // Captured unless a seed fails, and then the last line names it.
            println!("{}", seed.display());
            run(&fs::read(&seed).expect("a readable seed"));
        }
    }
}

#[test]
fn every_prefix_of_every_seed_passes_its_target() {
    for (name, run) in TARGETS {
        for seed in files(&fuzz().join("seeds").join(name)) {
            let bytes = fs::read(&seed).expect("a readable seed");
            // Long seeds are cut at fewer places: this is a sweep, not a search.
            for len in (0..bytes.len()).step_by(1 + bytes.len() / 1024) {
                println!("{} cut to {len} bytes", seed.display());
                run(&bytes[..len]);
            }
        }
    }
}

#[test]
fn every_target_has_a_file_and_every_seed_folder_a_target() {
    let names: BTreeSet<_> = TARGETS
        .iter()
        .map(|(name, _)| PathBuf::from(name))
        .collect();
    let entries = |folder: &str| files(&fuzz().join(folder)).into_iter();

    let sources = entries("targets").map(|path| PathBuf::from(path.file_stem().expect("a name")));
    let seeds = entries("seeds").map(|path| PathBuf::from(path.file_name().expect("a name")));

    assert_eq!(sources.collect::<BTreeSet<_>>(), names);
    assert_eq!(seeds.collect::<BTreeSet<_>>(), names);
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// What is in a folder, in the same order on every machine.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    files.sort();
    files
}
