//! The files of one recording.
//!
//! What is appended are whole elements or lines: should the disk take only a part, the file is cut
//! to what it was before, so that it plays.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mixer::mux::Finish;
use mixer::recording::{FileId, Manifest, Output};

use super::sync::Syncer;

/// The manifest's name.
pub(super) const MANIFEST: &str = "manifest.json";
/// A file that is there to be deleted when the disk is full, so that the end can be written down.
const RESERVE: &str = ".reserve";
const RESERVE_BYTES: usize = 256 * 1024;
/// A file that is locked while somebody records into the folder: the lock ends with the process.
const LOCK: &str = ".lock";

/// A recording's folder.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    files: BTreeMap<FileId, OpenFile>,
    syncer: Syncer,
    _lock: File,
}

#[derive(Debug)]
struct OpenFile {
    file: Arc<File>,
    bytes: u64,
    /// Something is missing at its end, so nothing can follow.
    is_broken: bool,
}

impl Disk {
    /// Makes a recording's folder.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn create(folder: PathBuf, syncer: Syncer) -> io::Result<Self> {
        make_folder(&folder)?;
        let lock = create_file(&folder.join(LOCK))?;
        lock.lock()?;
        let mut reserve = create_file(&folder.join(RESERVE))?;
        reserve.write_all(&[0; RESERVE_BYTES])?;
        Ok(Self {
            folder,
            files: BTreeMap::new(),
            syncer,
            _lock: lock,
        })
    }

    /// Does what a recorder wants done.
    ///
    /// # Errors
    /// What the system says; the files play all the same.
    pub(super) fn carry_out(&mut self, output: Output) -> io::Result<()> {
        #[cfg(feature = "chaos")]
        super::fault::hang();
        match output {
            Output::Create(id, path) => self.begin(id, &path),
            Output::Append(id, bytes) => {
                let Some(file) = self.files.get_mut(&id) else {
                    return Ok(());
                };
                let outcome = file.append(&bytes);
                // Each line of the journal can be read without those before it.
                file.is_broken &= id != FileId::JOURNAL;
                outcome
            }
            Output::Finish(id, finish) => match self.files.remove(&id) {
                Some(file) => file.finish(&finish),
                None => Ok(()),
            },
            // Not a matter of files.
            Output::KeyframeWanted(_) => Ok(()),
        }
    }

    /// Writes the manifest, as a whole or not at all.
    ///
    /// # Errors
    /// What the system says; the one before stays.
    pub(super) fn write_manifest(&self, manifest: &Manifest) -> io::Result<()> {
        write_manifest(&self.folder, manifest)
    }

    /// Gives the disk back what was kept for the end, and keeps it for that: nothing more is added to
    /// files of tracks.
    pub(super) fn prepare_end(&mut self) {
        for (id, file) in &mut self.files {
            file.is_broken = *id != FileId::JOURNAL;
        }
        self.give_up_reserve();
    }

    /// Gives the disk back what was kept for the end.
    pub(super) fn give_up_reserve(&self) {
        give_up_reserve(&self.folder);
    }

    /// Where the files are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn begin(&mut self, id: FileId, path: &str) -> io::Result<()> {
        let path = self.folder.join(path);
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let file = Arc::new(create_file(&path)?);
        self.syncer.watch(&file);
        self.files.insert(
            id,
            OpenFile {
                file,
                bytes: 0,
                is_broken: false,
            },
        );
        Ok(())
    }
}

impl OpenFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.is_broken {
            let error = "what was to come before could not be written";
            return Err(io::Error::other(error));
        }
        let outcome = self.file.write_all_at(bytes, self.bytes);
        match outcome {
            Ok(()) => self.bytes += bytes.len() as u64,
            // Even a full disk can make a file shorter.
            Err(_) => {
                self.is_broken = true;
                self.file.set_len(self.bytes)?;
            }
        }
        outcome
    }

    /// Completes the file. The index must be on the disk before anything points to it.
    fn finish(mut self, finish: &Finish) -> io::Result<()> {
        self.append(&finish.append)?;
        self.file.sync_data()?;
        for patch in &finish.patches {
            self.file.write_all_at(&patch.bytes, patch.offset)?;
        }
        self.file.sync_data()
    }
}

/// Locks a folder that nobody records into; `None` if somebody does. The lock ends with what is
/// returned.
pub(super) fn lock(folder: &Path) -> Option<Option<File>> {
    let Ok(lock) = File::open(folder.join(LOCK)) else {
        return Some(None);
    };
    match lock.try_lock() {
        Err(TryLockError::WouldBlock) => None,
        Ok(()) | Err(TryLockError::Error(_)) => Some(Some(lock)),
    }
}

/// Gives the disk back what a recording keeps for its end.
pub(super) fn give_up_reserve(folder: &Path) {
    // Without it there is nothing to give up.
    let _ = fs::remove_file(folder.join(RESERVE));
}

/// Writes a manifest into a recording's folder.
pub(super) fn write_manifest(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let new = folder.join(".manifest.json.new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    let written = file
        .write_all(&manifest.to_json())
        .and_then(|()| file.sync_data());
    if let Err(error) = written {
        // The one before is still there and right.
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    fs::rename(&new, folder.join(MANIFEST))?;
    File::open(folder)?.sync_all()
}

/// Makes a folder and those it is in, for their owner alone.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a file for its owner alone; never takes one that is there, or follows a link.
fn create_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}
