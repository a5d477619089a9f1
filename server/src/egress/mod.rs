//! Egresses: LiveKit's word for recordings that end up in files of a name somebody chose.
//!
//! 1. A request is read into an [`Order`], see `order`, and its file gets a place.
//! 2. A recording of what was chosen begins; the egress has the recording's id with another prefix,
//!    and is kept in the recording's folder, see `kept`.
//! 3. When the recording has ended, the files are made of it, see `make`: a composite, or the files
//!    of a track as they are.
//!
//! Recordings that began otherwise are egresses too, whose files are those of their tracks.

mod encoding;
mod error;
mod kept;
mod make;
mod order;
mod place;
mod target;
mod view;

use std::collections::BTreeMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mixer::layout::Layout;
use mixer::recording::{Manifest, State};
use parking_lot::Mutex;
use proto::ids::RecordingSid;
use proto::signal::messages::{EgressInfo, EgressSourceType, EgressStatus, FileInfo, egress_info};

use crate::clock;
use crate::config;
use crate::node::Node;
use crate::recorder::{Hold, Recordings};

pub use error::EgressError;
pub use order::Order;

use kept::{Kept, Make, Plan};
use make::Made;
use view::NS_PER_MS;

/// The folder files are made in, in that of recordings: apart from them, so that no path leads into
/// one.
const FOLDER: &str = "egress";
/// Egresses whose files are not made yet. Further ones are refused.
const MAX_UNFINISHED: usize = 256;

/// All egresses of a node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Egresses(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: Node,
    /// Where files are made, from the root, so that those who are told of them find them.
    folder: PathBuf,
    /// Those that began as egresses, by their recordings.
    shelf: Mutex<BTreeMap<RecordingSid, Kept>>,
    /// Held while a composite is made: one is as much as the machine can spare.
    composing: Mutex<()>,
}

/// Which egresses are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of a room.
    pub room: Option<String>,
    /// The one with this id.
    pub id: Option<String>,
    /// Those that have not ended.
    pub is_active: bool,
}

impl Egresses {
    /// Takes over those of a node's recordings, and makes the files that an earlier server has not.
    pub fn start(node: Node, config: &config::Recording) -> Self {
        let recordings = node.recordings();
        let known = recordings.all().into_iter().filter_map(|manifest| {
            let id = RecordingSid::parse(&manifest.id)?;
            let kept = Kept::read(&recordings.folder(&id).ok()?)?;
            Some((id, kept))
        });
        let shelf: BTreeMap<_, _> = known.collect();
        let unfinished = shelf.iter().filter(|(_, own)| !own.is_final());
        let unfinished: Vec<_> = unfinished.map(|(id, _)| id.clone()).collect();
        let folder = config.folder.join(FOLDER);
        let egresses = Self(Arc::new(Inner {
            folder: std::path::absolute(&folder).unwrap_or(folder),
            node,
            shelf: Mutex::new(shelf),
            composing: Mutex::new(()),
        }));
        if !unfinished.is_empty() {
            let own = egresses.clone();
            let recordings = egresses.recordings();
            let holds = unfinished.into_iter().map(|id| (recordings.hold(&id), id));
            let holds: Vec<_> = holds.collect();
            let begun = follow(move || {
                for (hold, id) in holds {
                    own.finish(&id, hold);
                }
            });
            if let Err(error) = begun {
                tracing::error!(%error, "egresses of an earlier server are not completed");
            }
        }
        egresses
    }

    /// Begins one.
    ///
    /// # Errors
    /// [`EgressError`]
    pub async fn begin(&self, order: Order) -> Result<EgressInfo, EgressError> {
        let inner = &self.0;
        let participants = inner.node.participants(&order.room).await?;
        let room_sid = inner.node.room(&order.room).await?.sid;
        let now_ms = clock::unix_now_ms();
        let target = target::find(&order.subject, &participants)?;
        let words = target.words(&order.room, &room_sid, now_ms);
        let extension = order.extension().unwrap_or(target.extension());
        let path = words.resolve(&order.filepath, target.default_name(), extension)?;
        self.check_place(&path)?;

        let id = inner
            .node
            .record(&order.room, target.choice.clone(), None)
            .await?;
        let hold = self.recordings().hold(&id);
        if let Some(layout) = &order.layout {
            let recordings = inner.node.recordings();
            // One that cannot be written down is what composites look like anyway.
            let _ = recordings.set_layout(&id, layout.clone());
        }
        let manifest = self.recordings().get(&id)?;
        let kept = Kept {
            plan: Plan {
                path,
                make: order.make(&target),
            },
            info: EgressInfo {
                egress_id: egress_id(&id),
                room_id: room_sid,
                room_name: order.room.to_string(),
                source_type: EgressSourceType::Sdk.into(),
                status: EgressStatus::EgressStarting.into(),
                started_at: manifest.started_at_ms * NS_PER_MS,
                updated_at: now_ns(),
                details: order.details.clone(),
                request: Some(order.request),
                ..EgressInfo::default()
            },
        };
        if let Err(error) = self.keep(&id, &kept, hold).await {
            // What nobody is told of is not to run.
            let _ = inner.node.stop_recording(&order.room, &id).await;
            return Err(error);
        }
        Ok(view::of_kept(&kept, &manifest))
    }

    /// Writes one down, and has it finished when its recording has ended.
    async fn keep(&self, id: &RecordingSid, kept: &Kept, hold: Hold) -> Result<(), EgressError> {
        let (folder, written) = (self.recordings().folder(id)?, kept.clone());
        let writing = tokio::task::spawn_blocking(move || written.write(&folder));
        writing.await.map_err(io::Error::from)??;
        self.0.shelf.lock().insert(id.clone(), kept.clone());
        let (own, name) = (self.clone(), id.clone());
        Ok(follow(move || own.finish(&name, hold))?)
    }

    /// Those that are wanted, oldest first.
    pub fn list(&self, filter: &Filter) -> Vec<EgressInfo> {
        let manifests = self.recordings().all();
        let mut shelf = self.0.shelf.lock();
        // Their recordings were deleted.
        shelf.retain(|id, _| manifests.iter().any(|own| own.id == id.as_str()));
        let mut infos: Vec<_> = manifests
            .iter()
            .filter(|manifest| (filter.room.as_ref()).is_none_or(|room| *room == manifest.room))
            .filter_map(|manifest| view(&shelf, manifest))
            .filter(|info| filter.id.as_ref().is_none_or(|id| *id == info.egress_id))
            .filter(|info| !filter.is_active || !view::is_final(info.status()))
            .collect();
        infos.sort_by_key(|info| info.started_at);
        infos
    }

    /// One of them.
    ///
    /// # Errors
    /// [`EgressError::NotFound`]
    pub fn get(&self, id: &str) -> Result<EgressInfo, EgressError> {
        let manifest = self.recordings().get(&recording_id(id)?)?;
        view(&self.0.shelf.lock(), &manifest).ok_or(EgressError::NotFound)
    }

    /// Ends one, whose files are made then.
    ///
    /// # Errors
    /// [`EgressError`]
    pub async fn stop(&self, id: &str) -> Result<EgressInfo, EgressError> {
        let info = self.running(id, "stopped")?;
        let recording = recording_id(id)?;
        let room = order::room_name(&info.room_name)?;
        self.0.node.stop_recording(&room, &recording).await?;
        self.note_ending(&recording);
        let info = self.get(id)?;
        Ok(match view::is_final(info.status()) {
            true => info,
            // A recording of no egress says so a moment later.
            false => EgressInfo {
                status: EgressStatus::EgressEnding.into(),
                ..info
            },
        })
    }

    /// Says what a composite looks like from now on.
    ///
    /// # Errors
    /// [`EgressError`]
    pub fn set_layout(&self, id: &str, layout: &str) -> Result<EgressInfo, EgressError> {
        let layout = order::layout(layout)?.unwrap_or(Layout::Grid);
        let info = self.running(id, "changed")?;
        match info.request {
            None | Some(egress_info::Request::RoomComposite(_)) => {}
            Some(_) => {
                return Err(EgressError::Precondition(
                    "only room composites have layouts".to_owned(),
                ));
            }
        }
        self.recordings().set_layout(&recording_id(id)?, layout)?;
        self.get(id)
    }

    fn recordings(&self) -> &Recordings {
        self.0.node.recordings()
    }

    /// One that has not ended.
    fn running(&self, id: &str, what: &str) -> Result<EgressInfo, EgressError> {
        let info = self.get(id)?;
        let status = info.status();
        if matches!(
            status,
            EgressStatus::EgressStarting | EgressStatus::EgressActive
        ) {
            return Ok(info);
        }
        Err(EgressError::Precondition(format!(
            "egress with status {} cannot be {what}",
            status.as_str_name()
        )))
    }

    /// Refuses a place that is taken, or will be.
    fn check_place(&self, path: &str) -> Result<(), EgressError> {
        let shelf = self.0.shelf.lock();
        let mut unfinished = shelf.values().filter(|own| !own.is_final());
        if unfinished.clone().count() >= MAX_UNFINISHED {
            return Err(EgressError::TooMany(MAX_UNFINISHED));
        }
        let is_taken = unfinished.any(|own| own.plan.path == path)
            || self.0.folder.join(path).symlink_metadata().is_ok();
        match is_taken {
            true => Err(EgressError::Exists(path.to_owned())),
            false => Ok(()),
        }
    }

    fn note_ending(&self, id: &RecordingSid) {
        if let Some(kept) = self.0.shelf.lock().get_mut(id)
            && !kept.is_final()
        {
            kept.info.status = EgressStatus::EgressEnding.into();
            kept.info.updated_at = now_ns();
        }
    }

    /// Waits until a recording has ended, and makes the files of its egress. It blocks.
    fn finish(&self, id: &RecordingSid, _files_stay: Hold) {
        // What is deleted needs no files.
        let Ok(manifest) = self.recordings().wait_for_end(id) else {
            return;
        };
        let Ok(folder) = self.recordings().folder(id) else {
            return;
        };
        self.note_ending(id);
        let Some(mut kept) = self.0.shelf.lock().get(id).cloned() else {
            return;
        };
        let made = catch_unwind(AssertUnwindSafe(|| {
            self.make(&kept.plan, &manifest, &folder)
        }));
        let made = made.unwrap_or_else(|_| Err("a fault while the file was made".to_owned()));
        match &made {
            Ok(_) => tracing::info!(recording = %id, "the files of an egress are made"),
            Err(error) => tracing::warn!(recording = %id, %error, "an egress has no files"),
        }
        conclude(&mut kept.info, &manifest, made);
        if let Err(error) = kept.write(&folder) {
            tracing::error!(recording = %id, %error, "the end of an egress could not be written down");
        }
        self.0.shelf.lock().insert(id.clone(), kept);
    }

    fn make(&self, plan: &Plan, manifest: &Manifest, folder: &Path) -> Result<Made, String> {
        let is_composite = matches!(plan.make, Make::Composite { .. });
        let _one_at_a_time = is_composite.then(|| self.0.composing.lock());
        make::make(plan, manifest, folder, &self.0.folder)
    }
}

/// Writes down how an egress has ended.
fn conclude(info: &mut EgressInfo, manifest: &Manifest, made: Result<Made, String>) {
    let (status, error, files): (_, _, Vec<FileInfo>) = match made {
        Ok(Made::Nothing) => {
            let error = "nothing was recorded: there was no media";
            (EgressStatus::EgressAborted, error.to_owned(), Vec::new())
        }
        // What there is, is there; but it is not all.
        Ok(Made::Files(files)) if view::has_failed(manifest) => {
            let error = manifest.error.clone().unwrap_or_default();
            (EgressStatus::EgressFailed, error, files)
        }
        Ok(Made::Files(files)) => (EgressStatus::EgressComplete, String::new(), files),
        Err(error) => (EgressStatus::EgressFailed, error, Vec::new()),
    };
    if manifest.state == State::Recovered {
        let recovered = manifest.error.as_deref().unwrap_or_default();
        info.details = format!("{recovered}; {}", info.details);
    }
    info.status = status.into();
    info.error = error;
    info.updated_at = now_ns();
    info.ended_at = info.updated_at;
    view::set_files(info, files);
}

/// An egress, or a recording as if it were one.
fn view(shelf: &BTreeMap<RecordingSid, Kept>, manifest: &Manifest) -> Option<EgressInfo> {
    let id = RecordingSid::parse(&manifest.id)?;
    Some(match shelf.get(&id) {
        Some(kept) => view::of_kept(kept, manifest),
        None => view::of_recording(egress_id(&id), manifest),
    })
}

/// A thread that does what takes long and can wait.
fn follow(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("egress".to_owned());
    thread.spawn(work).map(|_| ())
}

/// LiveKit's prefix of egresses.
const PREFIX: &str = "EG_";

fn egress_id(id: &RecordingSid) -> String {
    id.as_str().replacen(RecordingSid::PREFIX, PREFIX, 1)
}

fn recording_id(id: &str) -> Result<RecordingSid, EgressError> {
    id.strip_prefix(PREFIX)
        .and_then(|random| RecordingSid::parse(&format!("{}{random}", RecordingSid::PREFIX)))
        .ok_or(EgressError::NotFound)
}

fn now_ns() -> i64 {
    i64::try_from(clock::unix_now_ms())
        .unwrap_or(i64::MAX)
        .saturating_mul(NS_PER_MS)
}
