//! How much room there is on a disk.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;

/// Looks after the free bytes of the disk that a folder is on.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    least_bytes: u64,
}

impl Space {
    /// There are to be so many bytes free as long as something is written into the folder.
    pub(super) fn new(folder: &Path, least_bytes: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            least_bytes,
        }
    }

    /// Whether there is room.
    ///
    /// # Errors
    /// [`io::ErrorKind::StorageFull`] if there is not.
    pub(super) fn check(&self) -> io::Result<()> {
        match free_bytes(&self.folder) {
            Ok(free) if free < self.least_bytes => Err(io::ErrorKind::StorageFull.into()),
            // A disk that does not tell is found full by writing.
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Free bytes of the disk that a folder is on.
pub(super) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let told = statvfs(folder)?;
    Ok(told.f_bavail.saturating_mul(told.f_frsize))
}
