//! The files of one recording.
//!
//! What is appended are whole elements or lines: should the disk take only a part, the file is cut
//! to what it was before, so that it plays.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mixer::mux::Finish;
use mixer::recording::{FileId, MANIFEST_NAME, Manifest, Output};

use super::sync::Syncer;
use crate::files;

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
        files::make_folder(&folder)?;
        let lock = files::create(&folder.join(LOCK))?;
        lock.lock()?;
        let mut reserve = files::create(&folder.join(RESERVE))?;
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
            files::make_folder(folder)?;
        }
        let file = Arc::new(files::create(&path)?);
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
        self.check()?;
        let appended = files::append(&self.file, self.bytes, bytes);
        match &appended {
            Ok(bytes) => self.bytes = *bytes,
            Err(_) => self.is_broken = true,
        }
        appended.map(|_| ())
    }

    /// Completes the file.
    fn finish(self, finish: &Finish) -> io::Result<()> {
        self.check()?;
        files::complete(&self.file, self.bytes, finish).map(|_| ())
    }

    fn check(&self) -> io::Result<()> {
        match self.is_broken {
            true => Err(io::Error::other(
                "what was to come before could not be written",
            )),
            false => Ok(()),
        }
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
    files::replace(folder, MANIFEST_NAME, &manifest.to_json())
}
