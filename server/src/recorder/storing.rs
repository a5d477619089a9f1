//! Recordings and the object store: which are uploaded, who still reads their files here, and what
//! becomes of their objects.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mixer::recording::{Manifest, Stored, StoredState};
use proto::ids::RecordingSid;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::transfer::{Transfer, missing, name, now_ms};
use super::{RecordingError, Recordings, Shelved, disk};
use crate::store::{Store, StoreError};

/// A recording that is being stored.
#[derive(Debug)]
pub(super) struct Storing {
    task: JoinHandle<()>,
    signs: Arc<Signs>,
}

/// What a recording and those who store it tell each other.
#[derive(Debug, Default)]
pub(super) struct Signs {
    /// Bytes of the present file that the store has.
    pub(super) sent_bytes: AtomicU64,
    /// Rings when there may be something to do that had to wait.
    pub(super) changed: Notify,
}

/// Keeps the files of a recording where they are, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hold {
    recordings: Recordings,
    id: RecordingSid,
}

/// Where a file of a recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On this machine.
    Here(PathBuf),
    /// In the object store only, under this name.
    Stored(String),
}

/// What the object store makes of recordings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreCounters {
    /// Bytes that were sent.
    pub sent_bytes: u64,
    /// Tries that have failed.
    pub failures: u64,
    /// Files of recordings that have ended and that it does not have.
    pub missing_files: u64,
}

impl Recordings {
    /// Goes on with storing what an earlier server has not, now that everybody who needs files holds
    /// them.
    pub(crate) fn resume_storing(&self) {
        let shelf = self.0.shelf.lock();
        let ended = shelf.iter().filter(|(_, own)| own.running.is_none());
        let ended: Vec<_> = ended.map(|(id, _)| id.clone()).collect();
        drop(shelf);
        ended.iter().for_each(|id| self.begin_storing(id));
    }

    /// Has a recording stored that has ended, unless that is done or being done.
    pub(super) fn begin_storing(&self, id: &RecordingSid) {
        let Some(store) = &self.0.store else { return };
        let mut shelf = self.0.shelf.lock();
        let Some(shelved) = shelf.get_mut(id).filter(|own| own.storing.is_none()) else {
            return;
        };
        let url = store.url(&name(&shelved.folder));
        match &shelved.manifest.stored {
            Some(stored) if stored.url == url => {
                if stored.state == StoredState::Stored && self.keeps_local() {
                    return;
                }
            }
            Some(stored) if stored.state == StoredState::Stored => return,
            Some(_) | None => shelved.manifest.stored = Some(Stored::new(url, now_ms())),
        }
        let signs = Arc::new(Signs::default());
        let (own, folder) = (self.clone(), shelved.folder.clone());
        let transfer = Transfer::new(own, Arc::clone(store), id.clone(), folder, signs.clone());
        let task = store.spawn(transfer.run());
        shelved.storing = Some(Storing { task, signs });
    }

    /// Tells whoever stores a recording that something may have changed that they wait for.
    pub(super) fn wake_storing(&self, id: &RecordingSid) {
        if let Some(storing) = self
            .0
            .shelf
            .lock()
            .get(id)
            .and_then(|own| own.storing.as_ref())
        {
            storing.signs.changed.notify_one();
        }
    }

    /// Whether files that the store has are kept here as well.
    pub(super) fn keeps_local(&self) -> bool {
        self.0.config.store.keep_local
    }

    /// Keeps the files of a recording where they are.
    pub(crate) fn hold(&self, id: &RecordingSid) -> Hold {
        if let Some(shelved) = self.0.shelf.lock().get_mut(id) {
            shelved.holds += 1;
        }
        Hold {
            recordings: self.clone(),
            id: id.clone(),
        }
    }

    /// Whether anybody reads the files of a recording.
    pub(super) fn is_held(&self, id: &RecordingSid) -> bool {
        self.0.shelf.lock().get(id).is_some_and(|own| own.holds > 0)
    }

    /// Changes what is kept of a recording that has ended: first on the disk, so that what is told
    /// holds. Returns whether there is such a recording. It blocks.
    ///
    /// # Errors
    /// What the system says; the change holds as long as the server runs.
    pub(super) fn change(
        &self,
        id: &RecordingSid,
        change: impl Fn(&mut Manifest),
    ) -> io::Result<bool> {
        let _in_this_order = self.0.writing.lock();
        let now = self.alter(id, |manifest| manifest.clone());
        let (Some(mut manifest), Ok(folder)) = (now, self.folder(id)) else {
            return Ok(false);
        };
        change(&mut manifest);
        let written = disk::write_manifest(&folder, &manifest);
        // Others may have altered something else meanwhile.
        self.alter(id, change);
        written.map(|()| true)
    }

    /// Changes what is known of a recording that has ended, to be written down later. Returns what
    /// comes of it; `None` if there is no such recording.
    pub(super) fn alter<T>(
        &self,
        id: &RecordingSid,
        change: impl FnOnce(&mut Manifest) -> T,
    ) -> Option<T> {
        let mut shelf = self.0.shelf.lock();
        shelf.get_mut(id).map(|own| change(&mut own.manifest))
    }

    /// Ends the storing of a recording that is off the shelf, and deletes what the store has of it.
    /// It blocks.
    ///
    /// # Errors
    /// [`RecordingError::Store`], [`RecordingError::Elsewhere`]
    pub(super) fn delete_stored(&self, shelved: &mut Shelved) -> Result<(), RecordingError> {
        if let (Some(storing), Some(store)) = (shelved.storing.take(), &self.0.store) {
            storing.task.abort();
            let ended = store.wait_for(async {
                // It was aborted, or has ended before.
                let _ = storing.task.await;
                Ok(())
            });
            ended.map_err(unavailable)?;
        }
        let stored = shelved.manifest.stored.clone();
        let Some(stored) = stored.filter(|stored| !stored.is_untouched()) else {
            return Ok(());
        };
        let name = name(&shelved.folder);
        let store = self.store_of(&stored, &name)?;
        let own = Arc::clone(store);
        let deleted = store.wait_for(async move { delete(&own, &name, &stored).await });
        deleted.map_err(unavailable)
    }

    /// Where a file is: here, unless only the store has it.
    pub(super) fn place(&self, shelved: &Shelved, path: &str) -> Result<Place, RecordingError> {
        let here = shelved.folder.join(path);
        let stored = shelved.manifest.stored.as_ref();
        match stored.filter(|stored| stored.has(path) && !here.exists()) {
            Some(stored) => {
                let name = name(&shelved.folder);
                self.store_of(stored, &name)?;
                Ok(Place::Stored(format!("{name}/{path}")))
            }
            None => Ok(Place::Here(here)),
        }
    }

    /// A link to a file that the store has, which works for an hour without a token.
    ///
    /// # Errors
    /// [`RecordingError::Store`]
    pub(crate) async fn link(
        &self,
        object: &str,
        save_as: Option<&str>,
    ) -> Result<String, RecordingError> {
        let store = self.0.store.as_ref().ok_or(RecordingError::NotFound)?;
        let link = store.link(&store.key(object), save_as).await;
        link.map_err(unavailable)
    }

    /// The store that has a recording, if it is the one that is configured.
    pub(super) fn store_of(
        &self,
        stored: &Stored,
        name: &str,
    ) -> Result<&Arc<Store>, RecordingError> {
        let store = self.0.store.as_ref();
        let store = store.filter(|store| store.url(name) == stored.url);
        store.ok_or_else(|| RecordingError::Elsewhere(stored.url.clone()))
    }

    /// What the store makes of recordings; `None` if there is no store.
    pub fn store_counters(&self) -> Option<StoreCounters> {
        let store = self.0.store.as_ref()?;
        let shelf = self.0.shelf.lock();
        let is_stored = |own: &Shelved| {
            let stored = own.manifest.stored.as_ref();
            stored.is_none_or(|stored| stored.state == StoredState::Stored)
        };
        let others = shelf.values().filter(|own| !is_stored(own));
        let missing = others.map(|own| missing(&own.manifest, &own.folder).len() as u64);
        Some(StoreCounters {
            sent_bytes: store.sent_bytes(),
            failures: store.failures(),
            missing_files: missing.sum(),
        })
    }
}

impl Storing {
    /// Adds to what the store has of a recording what it has of the present file.
    pub(super) fn add_progress(&self, manifest: &mut Manifest) {
        if let Some(stored) = &mut manifest.stored {
            let sent_bytes = self.signs.sent_bytes.load(Ordering::Relaxed);
            stored.bytes = stored.bytes.saturating_add(sent_bytes);
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(shelved) = self.recordings.0.shelf.lock().get_mut(&self.id) {
            shelved.holds = shelved.holds.saturating_sub(1);
        }
        self.recordings.wake_storing(&self.id);
    }
}

/// The manifest first: whoever finds it is to find everything.
async fn delete(store: &Store, name: &str, stored: &Stored) -> Result<(), StoreError> {
    if let Some(unfinished) = &stored.unfinished {
        let key = store.key(&format!("{name}/{}", unfinished.path));
        store.abort(&key, &unfinished.id).await?;
    }
    let manifest = mixer::recording::MANIFEST_NAME;
    store
        .delete(&store.key(&format!("{name}/{manifest}")))
        .await?;
    store.delete_below(&store.key(name)).await
}

fn unavailable(error: StoreError) -> RecordingError {
    RecordingError::Store(error.to_string())
}

/// What is in a file, by its name or path. Matroska with the codecs of WebM is WebM, which browsers
/// play under that name only.
pub(crate) fn media_type(recording: &Manifest, file: &str) -> &'static str {
    let file = file.rsplit('/').next().unwrap_or_default();
    let mut entries = recording.files.iter();
    let entry = entries.find(|entry| entry.path.rsplit('/').next() == Some(file));
    match entry.map(|entry| entry.codec.as_str()) {
        Some("opus") => "audio/webm",
        Some("h264") => "video/x-matroska",
        Some(_) => "video/webm",
        None if file.ends_with(".webm") => "video/webm",
        None if file.ends_with(".mkv") => "video/x-matroska",
        None if file.ends_with(".json") => "application/json",
        None => "application/x-ndjson",
    }
}
