//! A recording on its way into the object store.
//!
//! 1. Each file that does not change any more is uploaded, and written down in the manifest.
//! 2. Composites that are to be made are waited for.
//! 3. The manifest comes last, so that whoever finds it there finds everything.
//! 4. If files are not to be kept here as well, they are deleted as soon as nobody reads them.
//!
//! What fails is tried again for as long as it takes. A server that ends leaves it to the next.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mixer::recording::{
    Composite, CompositeState, FileState, JOURNAL_NAME, MANIFEST_NAME, Manifest, Stored,
    StoredFile, StoredState, UnfinishedUpload,
};
use proto::ids::RecordingSid;

use super::storing::{Signs, media_type};
use super::{Recordings, is_to_be_made};
use crate::store::{Store, StoreError, Upload};
use crate::{clock, files};

/// How long after a first failure the next try is, and twice that after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause. Longer spares a store that is down, shorter finds it sooner when it is up.
const MAX_PAUSE: Duration = Duration::from_secs(300);
/// How often it is written down which files the store has. A server that is killed sends the last
/// ones again.
const WRITE_INTERVAL: Duration = Duration::from_secs(2);

/// A recording that is being stored.
pub(super) struct Transfer {
    recordings: Recordings,
    store: Arc<Store>,
    id: RecordingSid,
    folder: PathBuf,
    /// What the names of its objects begin with.
    name: String,
    signs: Arc<Signs>,
    /// The file that is being sent, which goes on where it was after a failure.
    upload: Option<(String, Upload)>,
    pause: Duration,
    next_write: Instant,
}

/// What is left to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    /// Something that others have to do first.
    ForOthers,
}

#[derive(Debug, thiserror::Error)]
enum TransferError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the manifest cannot be written: {0}")]
    Manifest(#[from] io::Error),
    #[error("{0} does not lead into the recording's folder")]
    Path(String),
    #[error("the recording is gone")]
    Gone,
}

impl Transfer {
    pub(super) fn new(
        recordings: Recordings,
        store: Arc<Store>,
        id: RecordingSid,
        folder: PathBuf,
        signs: Arc<Signs>,
    ) -> Self {
        Self {
            name: name(&folder),
            recordings,
            store,
            id,
            folder,
            signs,
            upload: None,
            pause: FIRST_PAUSE,
            next_write: clock::now(),
        }
    }

    /// Stores the recording, however long that takes.
    pub(super) async fn run(mut self) {
        loop {
            match self.attempt().await {
                Ok(Left::Nothing) | Err(TransferError::Gone) => return,
                Ok(Left::ForOthers) => self.signs.changed.notified().await,
                Err(error) => {
                    self.note_failure(&error);
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(MAX_PAUSE);
                }
            }
        }
    }

    async fn attempt(&mut self) -> Result<Left, TransferError> {
        let store = Arc::clone(&self.store);
        let manifest = self.manifest()?;
        if !is_stored(&manifest) {
            let _turn = store.turn().await?;
            self.begin()?;
            self.forget_unfinished().await?;
            if self.send_all().await? == Left::ForOthers {
                return Ok(Left::ForOthers);
            }
            self.send_manifest().await?;
        }
        self.let_go()
    }

    fn manifest(&self) -> Result<Manifest, TransferError> {
        (self.recordings.get(&self.id)).map_err(|_| TransferError::Gone)
    }

    /// Writes down something about what the store has.
    fn note(&self, note: impl Fn(&mut Stored)) -> Result<(), TransferError> {
        let changed = self.recordings.change(&self.id, |manifest| {
            if let Some(stored) = &mut manifest.stored {
                note(stored);
            }
        });
        match changed? {
            true => Ok(()),
            false => Err(TransferError::Gone),
        }
    }

    fn begin(&self) -> Result<(), TransferError> {
        let manifest = self.manifest()?;
        let sizes = paths(&manifest, &self.folder)
            .into_iter()
            .filter_map(|path| Some(fs::metadata(self.folder.join(path)).ok()?.len()));
        let total_bytes = sizes.sum();
        self.note(|stored| {
            stored.enter(StoredState::Uploading, now_ms());
            stored.total_bytes = total_bytes;
        })
    }

    /// Has the store forget what an earlier server has begun to send.
    async fn forget_unfinished(&mut self) -> Result<(), TransferError> {
        let stored = self.manifest()?.stored;
        let unfinished = stored.and_then(|stored| stored.unfinished);
        if let (None, Some(unfinished)) = (&self.upload, unfinished) {
            let key = self.key(&unfinished.path);
            self.store.abort(&key, &unfinished.id).await?;
            self.note(|stored| stored.unfinished = None)?;
        }
        Ok(())
    }

    /// Sends all files that the store does not have.
    async fn send_all(&mut self) -> Result<Left, TransferError> {
        loop {
            let manifest = self.manifest()?;
            let missing = missing(&manifest, &self.folder);
            if missing.is_empty() && manifest.composites.iter().any(is_to_be_made) {
                self.note(|stored| stored.enter(StoredState::Waiting, now_ms()))?;
                return Ok(Left::ForOthers);
            }
            if missing.is_empty() {
                return Ok(Left::Nothing);
            }
            for path in missing {
                self.send(path, media_type(&manifest, path)).await?;
            }
        }
    }

    async fn send(&mut self, path: &str, media_type: &'static str) -> Result<(), TransferError> {
        let mut upload = match self.upload.take() {
            Some((begun, upload)) if begun == path => upload,
            _ => self.upload_of(path, media_type)?,
        };
        match self.drive(path, &mut upload).await {
            Ok(sha256) => {
                let (path, bytes) = (path.to_owned(), upload.bytes());
                self.add(StoredFile {
                    path,
                    bytes,
                    sha256,
                })?;
                self.pause = FIRST_PAUSE;
                Ok(())
            }
            Err(error) => {
                if upload.can_go_on() {
                    self.upload = Some((path.to_owned(), upload));
                }
                Err(error)
            }
        }
    }

    /// The store has a file.
    fn add(&mut self, file: StoredFile) -> Result<(), TransferError> {
        let now = clock::now();
        self.signs.sent_bytes.store(0, Ordering::Relaxed);
        if now >= self.next_write {
            self.next_write = now + WRITE_INTERVAL;
            return self.note(|stored| stored.add(file.clone()));
        }
        let altered = self.recordings.alter(&self.id, |manifest| {
            if let Some(stored) = &mut manifest.stored {
                stored.add(file);
            }
        });
        altered.map(|_| ()).ok_or(TransferError::Gone)
    }

    fn upload_of(&self, path: &str, media_type: &'static str) -> Result<Upload, TransferError> {
        if !files::is_below(Path::new(path)) {
            return Err(TransferError::Path(path.to_owned()));
        }
        let (file, key) = (self.folder.join(path), self.key(path));
        Ok(Upload::new(&self.store, file, key, media_type)?)
    }

    /// Takes an upload to its end. Returns the file's SHA-256.
    async fn drive(&self, path: &str, upload: &mut Upload) -> Result<String, TransferError> {
        if upload.id().is_none() {
            upload.begin(&self.store).await?;
            if let Some(id) = upload.id() {
                let unfinished = UnfinishedUpload {
                    path: path.to_owned(),
                    id: id.to_owned(),
                };
                self.note(|stored| stored.unfinished = Some(unfinished.clone()))?;
            }
        }
        while upload.send_next(&self.store).await? {
            self.signs
                .sent_bytes
                .store(upload.sent_bytes(), Ordering::Relaxed);
        }
        Ok(upload.finish(&self.store).await?)
    }

    /// Sends the manifest as it will be when the store has it, and writes that down here.
    async fn send_manifest(&self) -> Result<(), TransferError> {
        let mut manifest = self.manifest()?;
        if let Some(stored) = &mut manifest.stored {
            stored.enter(StoredState::Stored, now_ms());
            stored.error = None;
        }
        let key = self.key(MANIFEST_NAME);
        let json = "application/json";
        self.store.put(&key, manifest.to_json(), json).await?;
        if let Some(stored) = manifest.stored {
            self.note(|own| own.clone_from(&stored))?;
            let (bytes, files) = (stored.bytes, stored.files.len());
            tracing::info!(recording = %self.id, url = stored.url, bytes, files, "a recording is stored");
        }
        Ok(())
    }

    /// Deletes the files that are not to be kept here, when nobody reads them.
    fn let_go(&self) -> Result<Left, TransferError> {
        if self.recordings.keeps_local() {
            return Ok(Left::Nothing);
        }
        if self.recordings.is_held(&self.id) {
            return Ok(Left::ForOthers);
        }
        let folder = &self.folder;
        let stored = self
            .manifest()?
            .stored
            .map_or(Vec::new(), |stored| stored.files);
        let mut deleted = 0;
        for file in stored.iter().filter(|file| file.path != JOURNAL_NAME) {
            let path = Path::new(&file.path);
            if files::is_below(path) && fs::remove_file(folder.join(path)).is_ok() {
                deleted += 1;
            }
        }
        for file in &stored {
            // A folder goes with its last file.
            let parents = Path::new(&file.path).ancestors().skip(1);
            for parent in parents.filter(|parent| !parent.as_os_str().is_empty()) {
                let _ = fs::remove_dir(folder.join(parent));
            }
        }
        if deleted > 0 {
            tracing::info!(recording = %self.id, files = deleted, "the store keeps the files of a recording");
        }
        Ok(Left::Nothing)
    }

    fn note_failure(&self, error: &TransferError) {
        self.store.count_failure();
        let retry_s = self.pause.as_secs();
        tracing::warn!(recording = %self.id, %error, retry_s, "a recording is not stored yet");
        let noted = self.note(|stored| {
            stored.error = Some(error.to_string());
            if stored.state == StoredState::Uploading {
                stored.enter(StoredState::Waiting, now_ms());
            }
        });
        if let Err(error) = noted {
            tracing::error!(recording = %self.id, %error, "a manifest cannot be written");
        }
    }

    fn key(&self, path: &str) -> object_store::path::Path {
        self.store.key(&format!("{}/{path}", self.name))
    }
}

fn is_stored(manifest: &Manifest) -> bool {
    let stored = manifest.stored.as_ref();
    stored.is_some_and(|stored| stored.state == StoredState::Stored)
}

/// What the names of a recording's objects begin with: the folder of its room, and its own.
pub(super) fn name(folder: &Path) -> String {
    let own = folder.file_name().unwrap_or_default();
    let room = folder.parent().and_then(Path::file_name);
    let room = room.unwrap_or_default();
    format!("{}/{}", room.display(), own.display())
}

/// The files of a recording that do not change any more, but for the manifest.
fn paths<'a>(manifest: &'a Manifest, folder: &Path) -> Vec<&'a str> {
    let is_there = |path: &str| folder.join(path).exists();
    // What could not be completed may never have been made.
    let tracks = manifest.files.iter();
    let tracks = tracks.filter(|file| file.state == FileState::Complete || is_there(&file.path));
    let tracks = tracks.map(|file| file.path.as_str());
    let is_made = |composite: &&Composite| match composite.state {
        CompositeState::Complete => true,
        // It plays as far as it goes, if there is anything of it.
        CompositeState::Failed => is_there(&composite.path),
        CompositeState::Waiting | CompositeState::Making => false,
    };
    let composites = manifest.composites.iter().filter(is_made);
    let composites = composites.map(|composite| composite.path.as_str());
    tracks.chain(composites).chain([JOURNAL_NAME]).collect()
}

/// Those of them that the store does not have.
pub(super) fn missing<'a>(manifest: &'a Manifest, folder: &Path) -> Vec<&'a str> {
    let stored = manifest.stored.iter().flat_map(|stored| &stored.files);
    let there: BTreeSet<_> = stored.map(|file| file.path.as_str()).collect();
    let mut missing = paths(manifest, folder);
    missing.retain(|path| !there.contains(path));
    missing
}

pub(super) fn now_ms() -> i64 {
    i64::try_from(clock::unix_now_ms()).unwrap_or(i64::MAX)
}
