//! What a server that ended too early has left behind is completed by the next.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use mixer::mux::Recovery;
use mixer::recording::{FileState, Manifest, RecordedFile};

use super::disk::write_manifest;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Completes a recording whose server is gone, and writes that down.
///
/// # Errors
/// What the system says of the manifest. A file that cannot be completed stays as it is.
pub(super) fn recover(folder: &Path, manifest: &mut Manifest) -> io::Result<()> {
    for entry in &mut manifest.files {
        if entry.state != FileState::Open {
            continue;
        }
        if let Err(error) = recover_file(folder, entry) {
            tracing::warn!(path = entry.path, %error, "a file of a recording cannot be completed");
            entry.state = FileState::Incomplete;
        }
    }
    manifest.recover();
    write_manifest(folder, manifest)
}

fn recover_file(folder: &Path, entry: &mut RecordedFile) -> io::Result<()> {
    if !super::is_below(&entry.path) {
        let error = "its path does not lead into the recording's folder";
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    let path = folder.join(&entry.path);
    let file = OpenOptions::new().read(true).write(true).open(&path)?;
    let recovered = match read(&file)?.finish() {
        Ok(recovered) => recovered,
        Err(error) => {
            entry.state = FileState::Incomplete;
            tracing::debug!(path = entry.path, %error, "nothing to complete");
            return Ok(());
        }
    };
    let mut bytes = recovered.truncate_to;
    file.set_len(bytes)?;
    file.write_all_at(&recovered.finish.append, bytes)?;
    bytes += recovered.finish.append.len() as u64;
    file.sync_data()?;
    for patch in &recovered.finish.patches {
        file.write_all_at(&patch.bytes, patch.offset)?;
    }
    file.sync_data()?;
    entry.complete(&recovered.finish.summary, bytes);
    Ok(())
}

fn read(mut file: &File) -> io::Result<Recovery> {
    let mut recovery = Recovery::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(recovery);
        }
        recovery.feed(chunk.get(..count).unwrap_or_default());
    }
}

/// Reads a recording's manifest.
pub(super) fn read_manifest(folder: &Path) -> Option<Manifest> {
    let content = fs::read(folder.join(super::disk::MANIFEST)).ok()?;
    Manifest::read(&content)
        .inspect_err(|error| tracing::warn!(folder = %folder.display(), %error, "unreadable"))
        .ok()
}
