//! A disk in memory, which does what a recorder wants done.

use std::collections::BTreeMap;

use mixer::mux::{Header, Reader};
use mixer::recording::{Entry, FileId, Journal, Output};

/// What has been written.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: BTreeMap<FileId, File>,
    /// Tracks of which keyframes were asked for.
    pub(crate) wanted: Vec<u16>,
}

/// A file.
#[derive(Debug, Clone, Default)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) bytes: Vec<u8>,
    /// The file before it was completed.
    pub(crate) live: Option<Vec<u8>>,
}

/// A block that has been read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) pts_us: i64,
    pub(crate) is_keyframe: bool,
    pub(crate) data: Vec<u8>,
}

impl Disk {
    /// Does it. Returns the file that is complete then.
    pub(crate) fn carry_out(&mut self, output: Output) -> Option<FileId> {
        match output {
            Output::Create(id, path) => {
                assert!(self.files.values().all(|other| other.path != path));
                let file = File {
                    path,
                    ..File::default()
                };
                assert!(self.files.insert(id, file).is_none());
            }
            Output::Append(id, bytes) => {
                let file = self.files.get_mut(&id).expect("it was created");
                assert_eq!(file.live, None, "nothing follows the end");
                file.bytes.extend(bytes);
            }
            Output::Finish(id, finish) => {
                let file = self.files.get_mut(&id).expect("it was created");
                assert_eq!(file.live.replace(file.bytes.clone()), None);
                file.bytes.extend(&finish.append);
                for patch in &finish.patches {
                    let offset = patch.offset as usize;
                    file.bytes[offset..][..patch.bytes.len()].copy_from_slice(&patch.bytes);
                }
                return Some(id);
            }
            Output::KeyframeWanted(track) => self.wanted.push(track),
        }
        None
    }

    /// A track's file.
    pub(crate) fn file(&self, path: &str) -> &File {
        let file = self.files.values().find(|own| own.path == path);
        file.unwrap_or_else(|| panic!("no {path} among {:?}", self.paths()))
    }

    /// Where the files of tracks are.
    pub(crate) fn paths(&self) -> Vec<&str> {
        let own = self.files.values().map(|own| own.path.as_str());
        own.filter(|path| path.starts_with("tracks/")).collect()
    }

    /// The journal.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        let mut journal = Journal::new(&self.files[&FileId::JOURNAL].bytes);
        let entries = journal.by_ref().collect();
        assert_eq!(journal.skipped(), 0);
        entries
    }
}

impl File {
    /// Its blocks; it has to be whole.
    pub(crate) fn blocks(&self) -> Vec<Read> {
        let (blocks, header) = read(&self.bytes);
        let header = header.expect("a header");
        assert!(header.duration_us.is_some(), "{} is complete", self.path);
        blocks
    }

    /// Its blocks' times.
    pub(crate) fn times_us(&self) -> Vec<i64> {
        self.blocks().iter().map(|block| block.pts_us).collect()
    }
}

/// All blocks of a file, which may be cut off.
pub(crate) fn read(bytes: &[u8]) -> (Vec<Read>, Option<Header>) {
    let (mut reader, mut blocks) = (Reader::new(), Vec::new());
    reader.feed(bytes);
    while let Some(block) = reader.poll().expect("no damage") {
        blocks.push(Read {
            pts_us: block.pts_us,
            is_keyframe: block.is_keyframe,
            data: reader.data().to_vec(),
        });
    }
    (blocks, reader.header().cloned())
}
