//! Recordings of this node: begun, paused, ended, listed, and kept in a folder.
//!
//! ```text
//! <folder>/<room id>/<time>-<recording id>/    see mixer::recording
//! ```
//!
//! 1. A recording is a listener in a room, see `engine::listen`, whose batches go to a thread of its
//!    own, see `session`.
//! 2. That gives them to a [`mixer::recording::Recorder`], and what comes out to files, see `disk`.
//! 3. A composite is made meanwhile by a listener and a thread of its own, see `live`, or afterwards of
//!    the files, see [`crate::compose`].
//! 4. What has ended is uploaded to the object store, if there is one, see `transfer`.
//! 5. At the start what an earlier server has left unfinished is completed, see `recover`.

pub mod ask;
mod disk;
#[cfg(feature = "chaos")]
mod fault;
mod live;
mod recover;
mod session;
mod space;
mod storing;
mod sync;
mod transfer;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use mixer::codec::Purpose as EncodingPurpose;
use mixer::layout::Layout;
use mixer::recording::{
    Choice, Composite, CompositeState, JOURNAL_NAME, MANIFEST_NAME, Manifest, Recorder, Settings,
    State,
};
use parking_lot::{Condvar, Mutex};
use proto::api::Timestamp;
use proto::ids::{RecordingSid, RoomName};
use proto::media::WallClock;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::compose::{self, Job, JobError, Look, Progress};
use crate::config;
use crate::engine::{HeardBatch, ListenerId, Purpose};
use crate::store::Store;
use crate::worker::{Ear, WorkerHandle, hearing};
use crate::{clock, entropy, files, news};

pub(crate) use storing::{Hold, media_type};
pub use storing::{Place, StoreCounters};

use disk::Disk;
use live::{Live, LiveError};
use session::{Order, Running, Session};
use space::Space;
use storing::Storing;
use sync::Syncer;

/// Tells a recorder what a listener has heard, as the thread of a recording does. `now` is the newest
/// instant that is known of the room, and moves on with the packets.
pub fn tell(recorder: &mut Recorder, now: &mut Instant, batch: &HeardBatch) {
    recorder.count_dropped(batch.dropped());
    news::tell(recorder, now, batch);
}

/// How long a node that stops waits for its recordings to be completed.
const STOP_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(8);

/// All recordings of a node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Recordings(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: config::Recording,
    /// Where they are uploaded, if anywhere.
    store: Option<Arc<Store>>,
    syncer: Syncer,
    next_listener: AtomicU64,
    /// Those there are, by id, oldest first.
    shelf: Mutex<BTreeMap<RecordingSid, Shelved>>,
    /// Rings when a recording has ended.
    ended: Condvar,
    /// Whoever holds it writes manifests of what has ended: the latest last.
    writing: Mutex<()>,
    /// Whoever holds it composes: one recording at a time.
    composing: Mutex<()>,
    is_stopping: AtomicBool,
}

#[derive(Debug)]
struct Shelved {
    folder: PathBuf,
    /// As it was when it was last looked at; of one that runs, who tells.
    manifest: Manifest,
    running: Option<Running>,
    /// How far its composite is, while one is made of its files.
    composing: Option<Arc<Progress>>,
    /// How far it is on its way into the object store, since it was begun to be stored.
    storing: Option<Storing>,
    /// How many want its files to stay where they are.
    holds: u32,
}

/// When a composite is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// While the room lives.
    Live,
    /// When the recording has ended.
    After,
}

/// A recording that is ready to hear something.
#[derive(Debug)]
pub struct Begun {
    /// Its id.
    pub id: RecordingSid,
    /// Its listeners, and what they hear with.
    pub listeners: Vec<(ListenerId, Purpose, Ear)>,
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
    /// A composite cannot be begun.
    #[error("a live composite cannot be made: {0}")]
    Live(String),
    /// The object store does not do what it should.
    #[error("the object store cannot be used: {0}")]
    Store(String),
    /// It is in a store that is not the one that is configured.
    #[error("its files are at {0}, where recording.store does not lead; set that as it was")]
    Elsewhere(String),
    /// The disk does not work.
    #[error("the folder of recordings cannot be used: {0}")]
    Disk(#[from] io::Error),
}

impl From<LiveError> for RecordingError {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Disk(error) => Self::Disk(error),
            LiveError::Compose(_) | LiveError::Settings(_) => Self::Live(error.to_string()),
        }
    }
}

impl Recordings {
    /// Takes over what is in the folder, if there is one, and completes what was left unfinished.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(config: &config::Recording) -> io::Result<Self> {
        let shelf = shelve(&config.folder);
        let recordings = Self(Arc::new(Inner {
            config: config.clone(),
            store: Store::open(&config.store)?.map(Arc::new),
            syncer: Syncer::start()?,
            next_listener: AtomicU64::new(0),
            shelf: Mutex::new(shelf),
            ended: Condvar::new(),
            writing: Mutex::new(()),
            composing: Mutex::new(()),
            is_stopping: AtomicBool::new(false),
        }));
        recordings.resume_composing()?;
        Ok(recordings)
    }

    /// Begins a recording: files are there when this returns. The listener is to be let in then, or
    /// the ear dropped.
    ///
    /// # Errors
    /// [`RecordingError`]
    pub fn begin(
        &self,
        (room, room_sid): (&RoomName, &str),
        choice: Choice,
        wall: WallClock,
        worker: &WorkerHandle,
        composite: Option<(When, Look)>,
    ) -> Result<Begun, RecordingError> {
        let inner = &self.0;
        let running = inner.shelf.lock();
        let count = running.values().filter(|own| own.running.is_some()).count();
        if count >= inner.config.max_running as usize {
            return Err(RecordingError::TooMany(inner.config.max_running));
        }
        drop(running);
        files::make_folder(&inner.config.folder)?;
        self.check_space()?;

        let now = clock::now();
        let id = RecordingSid::random(&mut ChaCha20Rng::from_seed(entropy::bytes()));
        let began = Timestamp::from_unix_ms(clock::unix_now_ms());
        // Colons are not allowed in paths everywhere.
        let name = format!("{}-{id}", began.to_string().replace([':', '.'], "-"));
        let folder = inner.config.folder.join(room_sid).join(name);
        let mut recorder = Recorder::new(
            now,
            Settings {
                id: id.to_string(),
                room: room.to_string(),
                room_sid: room_sid.to_owned(),
                wall,
            },
        )
        .only(choice);
        let disk = Disk::create(folder.clone(), inner.syncer.clone())?;
        let space = Space::new(&folder, inner.config.stop_free_bytes as u64);
        let next_listener = || ListenerId(inner.next_listener.fetch_add(1, Ordering::Relaxed));
        let (listener, (ear, hears)) = (next_listener(), hearing());
        let mut listeners = vec![(listener, Purpose::Recording, ear)];
        let (mut live, mut composites) = (None, Vec::new());
        match composite {
            Some((When::Live, look)) => {
                let (listener, (ear, hears)) = (next_listener(), hearing());
                listeners.push((listener, Purpose::Composing, ear));
                let timeline = recorder.timeline();
                let (title, with) = (room.as_str(), (listener, worker.clone()));
                let syncer = &inner.syncer;
                let begun = Live::start(&look, title, &folder, timeline, syncer, hears, with)?;
                composites.push(begun.composite());
                live = Some(begun);
            }
            Some((When::After, look)) => composites.push(look.composite()),
            None => {}
        }
        recorder.set_composites(composites);
        let with = (listener, worker.clone());
        let (mut session, running) = Session::new(now, recorder, disk, space, hears, with, live);
        session.begin(now)?;
        let shelved = Shelved {
            folder,
            manifest: running.manifest(),
            running: Some(running),
            composing: None,
            storing: None,
            holds: 0,
        };
        inner.shelf.lock().insert(id.clone(), shelved);
        let (own, name) = (self.clone(), id.clone());
        std::thread::Builder::new()
            .name("recording".to_owned())
            .spawn(move || {
                session.run(|manifest| own.note_end(&name, manifest));
                own.begin_storing(&name);
                own.compose(&name);
            })?;
        tracing::info!(recording = %id, %room, "recording begins");
        Ok(Begun { id, listeners })
    }

    /// Every recording, oldest first.
    pub fn all(&self) -> Vec<Manifest> {
        let shelf = self.0.shelf.lock();
        shelf.values().map(Shelved::manifest).collect()
    }

    /// How many there are, by how they stand.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let mut counts = BTreeMap::new();
        for shelved in self.0.shelf.lock().values() {
            let state = match shelved.running.is_some() {
                true => "recording",
                false => match shelved.manifest.state {
                    State::DiskFull => "disk_full",
                    State::Failed => "failed",
                    State::Recovered => "recovered",
                    State::Done | State::Recording | State::Paused | State::Finalizing => "done",
                },
            };
            *counts.entry(state).or_default() += 1;
        }
        counts
    }

    /// Free bytes of the disk that recordings are on, once there are some.
    pub fn free_bytes(&self) -> Option<u64> {
        space::free_bytes(&self.0.config.folder).ok()
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
        let order = match is_paused {
            true => Order::Pause,
            false => Order::Resume,
        };
        self.order(id, order)
    }

    /// Says what composites of a recording look like from now on.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`], [`RecordingError::Conflict`]
    pub fn set_layout(&self, id: &RecordingSid, layout: Layout) -> Result<(), RecordingError> {
        self.order(id, Order::Layout(Box::new(layout)))
    }

    fn order(&self, id: &RecordingSid, order: Order) -> Result<(), RecordingError> {
        let shelf = self.0.shelf.lock();
        match running(&shelf, id)?.order(order) {
            true => Ok(()),
            false => Err(RecordingError::Conflict("the recording does not keep up")),
        }
    }

    /// Whether a recording runs that somebody wants to end.
    pub fn is_stopping(&self, id: &RecordingSid) -> bool {
        running(&self.0.shelf.lock(), id).is_ok_and(Running::is_stopped)
    }

    /// How a recording has ended, if it has. One that is not there any more has ended well.
    pub fn ended(&self, id: &RecordingSid) -> Option<State> {
        match self.0.shelf.lock().get(id) {
            Some(shelved) if shelved.running.is_some() => None,
            Some(shelved) => Some(shelved.manifest.state),
            None => Some(State::Done),
        }
    }

    /// The folder of a recording.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`]
    pub fn folder(&self, id: &RecordingSid) -> Result<PathBuf, RecordingError> {
        let shelf = self.0.shelf.lock();
        let shelved = shelf.get(id).ok_or(RecordingError::NotFound)?;
        Ok(shelved.folder.clone())
    }

    /// Waits until a recording is complete, and tells how it stands then. It blocks.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`]
    pub fn wait_for_end(&self, id: &RecordingSid) -> Result<Manifest, RecordingError> {
        let mut shelf = self.0.shelf.lock();
        loop {
            let shelved = shelf.get(id).ok_or(RecordingError::NotFound)?;
            if shelved.running.is_none() {
                return Ok(shelved.manifest.clone());
            }
            self.0.ended.wait(&mut shelf);
        }
    }

    /// The listeners of a recording that is to end.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`], [`RecordingError::Conflict`]
    pub fn stop(&self, id: &RecordingSid) -> Result<Vec<ListenerId>, RecordingError> {
        let shelf = self.0.shelf.lock();
        let running = running(&shelf, id)?;
        running.note_stop();
        // The composite first: it is waited for when the recording has ended.
        let both = running.live_listener.into_iter().chain([running.listener]);
        Ok(both.collect())
    }

    /// Deletes a recording that has ended, with its files and what the object store has of it. A
    /// composite that is being made of it is given up. It blocks.
    ///
    /// # Errors
    /// [`RecordingError`]
    pub fn delete(&self, id: &RecordingSid) -> Result<(), RecordingError> {
        let mut shelved = self.take_from_shelf(id)?;
        let deleted = self.delete_stored(&mut shelved);
        let deleted = deleted.and_then(|()| Ok(fs::remove_dir_all(&shelved.folder)?));
        if let Err(error) = deleted {
            self.0.shelf.lock().insert(id.clone(), shelved);
            self.begin_storing(id);
            return Err(error);
        }
        // The room's folder goes with its last recording.
        let _ = shelved.folder.parent().map(fs::remove_dir);
        Ok(())
    }

    fn take_from_shelf(&self, id: &RecordingSid) -> Result<Shelved, RecordingError> {
        let mut shelf = self.0.shelf.lock();
        loop {
            let shelved = shelf.get(id).ok_or(RecordingError::NotFound)?;
            if shelved.running.is_some() {
                let why = "the recording runs; stop it first";
                return Err(RecordingError::Conflict(why));
            }
            match &shelved.composing {
                Some(progress) => progress.is_cancelled.store(true, Ordering::Relaxed),
                None => return shelf.remove(id).ok_or(RecordingError::NotFound),
            }
            self.0.ended.wait(&mut shelf);
        }
    }

    /// Where the file of a recording with this name is. Only what its manifest names can be had.
    ///
    /// # Errors
    /// [`RecordingError::NotFound`], [`RecordingError::Elsewhere`]
    pub fn file(&self, id: &RecordingSid, name: &str) -> Result<Place, RecordingError> {
        let shelf = self.0.shelf.lock();
        let shelved = shelf.get(id).ok_or(RecordingError::NotFound)?;
        let manifest = shelved.manifest();
        let own = [JOURNAL_NAME, MANIFEST_NAME].into_iter();
        let tracks = manifest.files.iter().map(|file| file.path.as_str());
        let composites = manifest.composites.iter().map(|own| own.path.as_str());
        let mut named = own.chain(tracks).chain(composites);
        let path = named.find(|path| path.rsplit('/').next() == Some(name));
        let path = path.filter(|path| files::is_below(Path::new(path)));
        self.place(shelved, path.ok_or(RecordingError::NotFound)?)
    }

    /// Waits until all recordings are complete, once nothing is heard any more. It blocks.
    pub fn wait_for_all(&self) {
        let until = clock::now() + STOP_TIMEOUT;
        self.0.is_stopping.store(true, Ordering::Relaxed);
        if let Some(store) = &self.0.store {
            // The next start goes on with it.
            store.stop();
        }
        let mut shelf = self.0.shelf.lock();
        // Composites of files are made by the next start.
        for progress in shelf.values().filter_map(|own| own.composing.as_ref()) {
            progress.is_cancelled.store(true, Ordering::Relaxed);
        }
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

/// Making composites of files.
impl Recordings {
    /// Goes on with the composites that an earlier server has not made.
    fn resume_composing(&self) -> io::Result<()> {
        let shelf = self.0.shelf.lock();
        let is_due = |shelved: &Shelved| shelved.manifest.composites.iter().any(is_to_be_made);
        let due = shelf.iter().filter(|(_, shelved)| is_due(shelved));
        let due: Vec<_> = due.map(|(id, _)| id.clone()).collect();
        drop(shelf);
        if due.is_empty() {
            return Ok(());
        }
        let own = self.clone();
        std::thread::Builder::new()
            .name("composites".to_owned())
            .spawn(move || due.iter().for_each(|id| own.compose(id)))?;
        Ok(())
    }

    /// Makes the composites of a recording that has ended. It takes its time, and waits for those
    /// of others.
    fn compose(&self, id: &RecordingSid) {
        let is_due = |own: &Shelved| own.manifest.composites.iter().any(is_to_be_made);
        if !self.0.shelf.lock().get(id).is_some_and(is_due) {
            return;
        }
        let _turn = self.0.composing.lock();
        // Conferences come first.
        let _ = rustix::process::nice(COMPOSER_NICENESS);
        let progress = Arc::new(Progress::default());
        let Some((folder, composites)) = self.begin_composing(id, &progress) else {
            return;
        };
        for (index, mut composite) in composites.into_iter().enumerate() {
            if !is_to_be_made(&composite) {
                continue;
            }
            composite.state = CompositeState::Making;
            self.keep(id, index, &composite);
            let Some(made) = make(&folder, composite, &progress) else {
                // The server stops; the next one makes it.
                break;
            };
            self.keep(id, index, &made);
            self.wake_storing(id);
        }
        if let Some(shelved) = self.0.shelf.lock().get_mut(id) {
            shelved.composing = None;
        }
        self.0.ended.notify_all();
    }

    fn begin_composing(
        &self,
        id: &RecordingSid,
        progress: &Arc<Progress>,
    ) -> Option<(PathBuf, Vec<Composite>)> {
        let mut shelf = self.0.shelf.lock();
        if self.0.is_stopping.load(Ordering::Relaxed) {
            return None;
        }
        let shelved = shelf.get_mut(id)?;
        shelved.composing = Some(Arc::clone(progress));
        let composites = shelved.manifest.composites.clone();
        Some((shelved.folder.clone(), composites))
    }

    /// Writes down how a composite stands.
    fn keep(&self, id: &RecordingSid, index: usize, composite: &Composite) {
        let changed = self.change(id, |manifest| {
            if let Some(kept) = manifest.composites.get_mut(index) {
                kept.clone_from(composite);
            }
        });
        if let Err(error) = changed {
            tracing::error!(recording = %id, %error, "a manifest cannot be written");
        }
    }
}

/// How much a composite stands back; 19 is most.
const COMPOSER_NICENESS: i32 = 10;

fn is_to_be_made(composite: &Composite) -> bool {
    matches!(
        composite.state,
        CompositeState::Waiting | CompositeState::Making
    )
}

/// Makes a composite; `None` if that was given up.
fn make(folder: &Path, mut composite: Composite, progress: &Progress) -> Option<Composite> {
    let out = folder.join(&composite.path);
    // What an earlier server has made of it is not whole.
    let _ = fs::remove_file(&out);
    let Some(look) = Look::of(&composite) else {
        composite.state = CompositeState::Failed;
        composite.error = Some("the manifest asks for what cannot be made".to_owned());
        return Some(composite);
    };
    let job = Job {
        recording: folder.to_owned(),
        out: out.clone(),
        // As quick as a live one: the machine has conferences to hold.
        video: look.video(EncodingPurpose::Live),
        layout: None,
        first_layout: look.layout,
        has_sound: true,
        shows_names: true,
        threads: compose::spare_threads(),
    };
    let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| compose::run(&job, progress))) else {
        composite.state = CompositeState::Failed;
        composite.error = Some("a fault in the composer".to_owned());
        return Some(composite);
    };
    match outcome {
        Ok(composed) => {
            composite.state = CompositeState::Complete;
            composite.error = None;
            composite.duration_us = composed.duration_us;
            composite.bytes = composed.bytes;
        }
        Err(JobError::Cancelled) => {
            let _ = fs::remove_file(&out);
            return None;
        }
        Err(error) => {
            tracing::warn!(out = %out.display(), %error, "no composite");
            composite.state = CompositeState::Failed;
            composite.error = Some(error.to_string());
        }
    }
    Some(composite)
}

impl Shelved {
    fn manifest(&self) -> Manifest {
        match &self.running {
            Some(running) => running.manifest(),
            None => {
                let mut manifest = self.manifest.clone();
                if let Some(storing) = &self.storing {
                    storing.add_progress(&mut manifest);
                }
                manifest
            }
        }
    }
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
        let Some(_lock) = disk::lock(&folder) else {
            tracing::warn!(recording = %id, "another server records; this one leaves that alone");
            continue;
        };
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
            composing: None,
            storing: None,
            holds: 0,
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
