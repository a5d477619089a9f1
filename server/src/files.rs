//! Files and folders that are their owner's alone, and how they are written so that they can be read
//! whatever happens.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Component, Path};

use mixer::mux::Finish;

/// Makes a folder and those it is in; one that is there stays as it is.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a file; never takes one that is there, or follows a link.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Writes a file of a folder anew, as a whole or not at all: if it fails, the one before stays.
pub(crate) fn replace(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let new = folder.join(format!(".{name}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    let written = file.write_all(content).and_then(|()| file.sync_data());
    if let Err(error) = written {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    fs::rename(&new, folder.join(name))?;
    File::open(folder)?.sync_all()
}

/// Adds bytes to a file that has so many, all or none of them. Returns how many it has then.
pub(crate) fn append(file: &File, end: u64, bytes: &[u8]) -> io::Result<u64> {
    if let Err(error) = file.write_all_at(bytes, end) {
        // Even a full disk can make a file shorter.
        file.set_len(end)?;
        return Err(error);
    }
    Ok(end + bytes.len() as u64)
}

/// Completes a file of media that has so many bytes. Returns how many it has then. The index must be
/// on the disk before anything points to it.
pub(crate) fn complete(file: &File, end: u64, finish: &Finish) -> io::Result<u64> {
    let end = append(file, end, &finish.append)?;
    file.sync_data()?;
    for patch in &finish.patches {
        file.write_all_at(&patch.bytes, patch.offset)?;
    }
    file.sync_data()?;
    Ok(end)
}

/// Whether a path leads nowhere but below where it begins. What names it may have been in other hands.
pub(crate) fn is_below(path: &Path) -> bool {
    let mut parts = path.components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}
