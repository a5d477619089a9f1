//! What a server that ended too early has left behind is completed by the next.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use mixer::mux::{Recovery, Summary};
use mixer::recording::{
    Composite, CompositeState, FileState, MANIFEST_NAME, Manifest, RecordedFile,
};

use super::disk::{give_up_reserve, write_manifest};
use crate::files;

/// Bytes read at a time.
const CHUNK_BYTES: usize = 256 * 1024;

/// Completes a recording whose server is gone, and writes that down.
///
/// # Errors
/// What the system says of the manifest. A file that cannot be completed stays as it is.
pub(super) fn recover(folder: &Path, manifest: &mut Manifest) -> io::Result<()> {
    give_up_reserve(folder);
    complete(folder, manifest, FileState::Open);
    for composite in &mut manifest.composites {
        if composite.state == CompositeState::Making
            && let Err(error) = recover_composite(folder, composite)
        {
            tracing::warn!(path = composite.path, %error, "a composite cannot be completed");
            composite.state = CompositeState::Failed;
            composite.error = Some(error.to_string());
        }
    }
    manifest.recover();
    write_manifest(folder, manifest)
}

/// What was made while the room lived cannot be made again as it was.
fn recover_composite(folder: &Path, composite: &mut Composite) -> io::Result<()> {
    match complete_file(folder, &composite.path)? {
        Ok((bytes, summary)) => {
            (composite.bytes, composite.duration_us) = (bytes, summary.end_us);
            composite.state = CompositeState::Complete;
        }
        Err(_) => {
            composite.state = CompositeState::Failed;
            composite.error = Some("nothing of it had been written".to_owned());
        }
    }
    Ok(())
}

/// Completes the files that stand in some way, and takes what is in them. Those that were never made
/// are taken out of the manifest.
pub(super) fn complete(folder: &Path, manifest: &mut Manifest, state: FileState) {
    manifest.files.retain_mut(|entry| {
        if entry.state != state {
            return true;
        }
        match recover_file(folder, entry) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => {
                let path = &entry.path;
                tracing::warn!(path, %error, "a file of a recording cannot be completed");
                entry.state = FileState::Incomplete;
                true
            }
        }
    });
}

fn recover_file(folder: &Path, entry: &mut RecordedFile) -> io::Result<()> {
    match complete_file(folder, &entry.path)? {
        Ok((bytes, summary)) => entry.complete(&summary, bytes),
        Err(bytes) => {
            entry.state = FileState::Incomplete;
            (entry.bytes, entry.blocks, entry.keyframes) = (bytes, 0, 0);
            (entry.first_pts_us, entry.last_pts_us) = (None, None);
        }
    }
    Ok(())
}

/// Completes a file. Returns how large it is and what is in it, or how large it is if there is
/// nothing in it.
fn complete_file(folder: &Path, path: &str) -> io::Result<Result<(u64, Summary), u64>> {
    if !files::is_below(Path::new(path)) {
        let error = "its path does not lead into the recording's folder";
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    let path = folder.join(path);
    let file = OpenOptions::new().read(true).write(true).open(&path)?;
    let Ok(recovered) = read(&file)?.finish() else {
        return Ok(Err(file.metadata()?.len()));
    };
    file.set_len(recovered.truncate_to)?;
    let bytes = files::complete(&file, recovered.truncate_to, &recovered.finish)?;
    Ok(Ok((bytes, recovered.finish.summary)))
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
    let content = fs::read(folder.join(MANIFEST_NAME)).ok()?;
    Manifest::read(&content)
        .inspect_err(|error| tracing::warn!(folder = %folder.display(), %error, "unreadable"))
        .ok()
}
