//! Recordings of this node: begun, paused, ended, listed, and kept in a folder.
//!
//! ```text
//! <folder>/<room id>/<time>-<recording id>/    see mixer::recording
//! ```
//!
//! 1. A recording is a listener in a room, see `engine::listen`, whose batches go to a thread of its
//!    own, see `session`.
//! 2. That gives them to a [`mixer::recording::Recorder`], and what comes out to files, see `disk`.
//! 3. At the start what an earlier server has left unfinished is completed, see `recover`.

mod disk;
mod news;
mod recover;
mod session;
mod space;
mod sync;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mixer::recording::{Manifest, Recorder, Settings};
use parking_lot::{Condvar, Mutex};
use proto::api::Timestamp;
use proto::ids::{RecordingSid, RoomName};
use proto::media::WallClock;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::config;
use crate::engine::ListenerId;
use crate::worker::{Ear, WorkerHandle, hearing};
use crate::{clock, entropy};

use disk::Disk;
use session::{Order, Running, Session};
use space::Space;
use sync::Syncer;

/// The journal's name.
const JOURNAL: &str = "journal.jsonl";
/// How long a node that stops waits for its recordings to be completed.
const STOP_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(8);

/// All recordings of a node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Recordings(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: config::Recording,
    syncer: Syncer,
    next_listener: AtomicU64,
    /// Those there are, by id, oldest first.
    shelf: Mutex<BTreeMap<RecordingSid, Shelved>>,
    /// Rings when a recording has ended.
    ended: Condvar,
}

#[derive(Debug)]
struct Shelved {
    folder: PathBuf,
    /// As it was when it was last looked at; of one that runs, who tells.
    manifest: Manifest,
    running: Option<Running>,
}

/// A recording that is ready to hear something.
#[derive(Debug)]
pub struct Begun {
    /// Its id.
    pub id: RecordingSid,
    /// Its listener.
    pub listener: ListenerId,
    /// What the listener hears with.
    pub ear: Ear,
}

/// Why a recording does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is no such recording.
    #[error("there is no such recording")]
    NotFound,
    /// It runs, or it does not.
    #[error("{0}")]
    Conflict(&'static str),
    /// There are as many as there may be.
    #[error("{0} recordings run on this server, which is as many as recording.max_running allows")]
    TooMany(u32),
    /// There is too little room on the disk.
    #[error(
        "the disk of recording.folder has {free_bytes} bytes free, and recording.min_free_bytes wants {least_bytes}"
    )]
    NoSpace {
        /// Bytes that are free.
        free_bytes: u64,
        /// Bytes that are to be.
        least_bytes: u64,
    },
    /// The disk does not work.
    #[error("the folder of recordings cannot be used: {0}")]
    Disk(#[from] io::Error),
}

impl Recordings {
    /// Takes over what is in the folder, if there is one, and completes what was left unfinished.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(config: &config::Recording) -> io::Result<Self> {
        let shelf = shelve(&config.folder);
        Ok(Self(Arc::new(Inner {
            config: config.clone(),
            syncer: Syncer::start()?,
            next_listener: AtomicU64::new(0),
            shelf: Mutex::new(shelf),
            ended: Condvar::new(),
        })))
    }

    /// Begins a recording: files are there when this returns. The listener is to be let in then, or
    /// the ear dropped.
    ///
    /// # Errors
    /// [`RecordingError`]
    pub fn begin(
        &self,
        room: &RoomName,
        room_sid: &str,
        wall: WallClock,
        worker: WorkerHandle,
    ) -> Result<Begun, RecordingError> {
        let inner = &self.0;
        let running = inner.shelf.lock();
        let count = running.values().filter(|own| own.running.is_some()).count();
        if count >= inner.config.max_running as usize {
            return Err(RecordingError::TooMany(inner.config.max_running));
        }
        drop(running);
        disk::make_folder(&inner.config.folder)?;
        self.check_space()?;

        let now = clock::now();
        let id = RecordingSid::random(&mut ChaCha20Rng::from_seed(entropy::bytes()));
        let began = Timestamp::from_unix_ms(clock::unix_now_ms());
        // Colons are not allowed in paths everywhere.
        let name = format!("{}-{id}", began.to_string().replace([':', '.'], "-"));
        let folder = inner.config.folder.join(room_sid).join(name);
        let recorder = Recorder::new(
            now,
            Settings {
                id: id.to_string(),
                room: room.to_string(),
                room_sid: room_sid.to_owned(),
                wall,
            },
        );
        let disk = Disk::create(folder.clone(), inner.syncer.clone())?;
        let space = Space::new(&folder, inner.config.stop_free_bytes as u64);
        let listener = ListenerId(inner.next_listener.fetch_add(1, Ordering::Relaxed));
        let (ear, hearing) = hearing();
        let (mut session, running) =
            Session::new(now, recorder, disk, space, hearing, (listener, worker));
        session.begin(now)?;
        let shelved = Shelved {
            folder,
            manifest: running.manifest(),
            running: Some(running),
        };
        inner.shelf.lock().insert(id.clone(), shelved);
        let (own, name) = (self.clone(), id.clone());
        std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || session.run(|manifest| own.note_end(&name, manifest)))?;
        tracing::info!(recording = %id, %room, "recording begins");
        Ok(Begun { id, listener, ear })
    }

    /// Every recording, oldest first.
    pub fn all(&self) -> Vec<Manifest> {
        let shelf = self.0.shelf.lock();
        shelf.values().map(Shelved::manifest).collect()
    }

    /// A recording.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`]
    pub fn get(&self, id: &RecordingSid) -> Result<Manifest, RecordingError> {
        let shelf = self.0.shelf.lock();
        let shelved = shelf.get(id).ok_or(RecordingError::NotFound)?;
        Ok(shelved.manifest())
    }

    /// Pauses a recording, or lets it go on.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`], [`RecordingError::Conflict`]
    pub fn set_paused(&self, id: &RecordingSid, is_paused: bool) -> Result<(), RecordingError> {
        let shelf = self.0.shelf.lock();
        let order = match is_paused {
            true => Order::Pause,
            false => Order::Resume,
        };
        match running(&shelf, id)?.order(order) {
            true => Ok(()),
            false => Err(RecordingError::Conflict("the recording does not keep up")),
        }
    }

    /// The listener of a recording that is to end.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`], [`RecordingError::Conflict`]
    pub fn stop(&self, id: &RecordingSid) -> Result<ListenerId, RecordingError> {
        let shelf = self.0.shelf.lock();
        let running = running(&shelf, id)?;
        running.note_stop();
        Ok(running.listener)
    }

    /// Deletes a recording that has ended, with its files.
    ///
    /// # Errors
    /// [`RecordingError`]
    pub fn delete(&self, id: &RecordingSid) -> Result<(), RecordingError> {
        let folder = {
            let shelf = self.0.shelf.lock();
            let shelved = shelf.get(id).ok_or(RecordingError::NotFound)?;
            if shelved.running.is_some() {
                let why = "the recording runs; stop it first";
                return Err(RecordingError::Conflict(why));
            }
            shelved.folder.clone()
        };
        fs::remove_dir_all(&folder)?;
        // The room's folder goes with its last recording.
        let _ = folder.parent().map(fs::remove_dir);
        self.0.shelf.lock().remove(id);
        Ok(())
    }

    /// Where the file of a recording with this name is. Only what its manifest names can be had.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`]
    pub fn file(&self, id: &RecordingSid, name: &str) -> Result<PathBuf, RecordingError> {
        let shelf = self.0.shelf.lock();
        let shelved = shelf.get(id).ok_or(RecordingError::NotFound)?;
        let manifest = shelved.manifest();
        let own = [JOURNAL, disk::MANIFEST].into_iter();
        let mut named = own.chain(manifest.files.iter().map(|file| file.path.as_str()));
        let path = named.find(|path| path.rsplit('/').next() == Some(name));
        path.filter(|path| is_below(path))
            .map(|path| shelved.folder.join(path))
            .ok_or(RecordingError::NotFound)
    }

    /// Waits until all recordings are complete, once nothing is heard any more. It blocks.
    pub fn wait_for_all(&self) {
        let until = clock::now() + STOP_TIMEOUT;
        let mut shelf = self.0.shelf.lock();
        while shelf.values().any(|own| own.running.is_some()) {
            if self.0.ended.wait_until(&mut shelf, until).timed_out() {
                tracing::warn!("not all recordings were completed; the next start does that");
                return;
            }
        }
    }

    fn check_space(&self) -> Result<(), RecordingError> {
        let least_bytes = self.0.config.min_free_bytes as u64;
        let free_bytes = space::free_bytes(&self.0.config.folder)?;
        match free_bytes < least_bytes {
            true => Err(RecordingError::NoSpace {
                free_bytes,
                least_bytes,
            }),
            false => Ok(()),
        }
    }

    fn note_end(&self, id: &RecordingSid, manifest: &Manifest) {
        if let Some(shelved) = self.0.shelf.lock().get_mut(id) {
            shelved.manifest = manifest.clone();
            shelved.running = None;
        }
        self.0.ended.notify_all();
    }
}

impl Shelved {
    fn manifest(&self) -> Manifest {
        match &self.running {
            Some(running) => running.manifest(),
            None => self.manifest.clone(),
        }
    }
}

/// Whether a path leads nowhere but below where it begins; a manifest may have been in other hands.
fn is_below(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}

fn running<'a>(
    shelf: &'a BTreeMap<RecordingSid, Shelved>,
    id: &RecordingSid,
) -> Result<&'a Running, RecordingError> {
    let shelved = shelf.get(id).ok_or(RecordingError::NotFound)?;
    let why = "the recording has ended";
    shelved
        .running
        .as_ref()
        .ok_or(RecordingError::Conflict(why))
}

/// The recordings in a folder, completed.
fn shelve(folder: &Path) -> BTreeMap<RecordingSid, Shelved> {
    let mut shelf = BTreeMap::new();
    for folder in folders_in(folder).iter().flat_map(|room| folders_in(room)) {
        let Some(mut manifest) = recover::read_manifest(&folder) else {
            continue;
        };
        let Some(id) = RecordingSid::parse(&manifest.id) else {
            continue;
        };
        if disk::is_locked(&folder) {
            tracing::warn!(recording = %id, "another server records; this one leaves that alone");
            continue;
        }
        if !manifest.state.is_final() {
            match recover::recover(&folder, &mut manifest) {
                Ok(()) => tracing::warn!(recording = %id, "an unfinished recording was completed"),
                Err(error) => tracing::error!(recording = %id, %error, "cannot be completed"),
            }
        }
        let shelved = Shelved {
            folder,
            manifest,
            running: None,
        };
        shelf.insert(id, shelved);
    }
    shelf
}

/// The folders in a folder, in order; none if it cannot be read.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
    let mut folders: Vec<_> = entries
        .filter(is_folder)
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
}
