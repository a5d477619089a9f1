//! Mixes: what rooms look and sound like, sent back into them for those who can take no more than
//! one picture and one sound (RFC 7667 §3.6.1).
//!
//! 1. A mix is a listener in its room, see `engine::listen`, and a thread that composes what it hears,
//!    see `session`.
//! 2. What comes of that is published by a participant who is a segment of the room, see [`Segment`].
//! 3. Participants that are listed get the picture, and the sound of all but themselves, and nothing
//!    else: to them the others have no tracks. All others get nothing of a mix unless they ask for it.
//!
//! There are as many slots as mixes may run; each is a place that workers know as a segment.

mod segment;
mod session;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Sender, bounded};
use mixer::audio;
use mixer::codec::Purpose;
use mixer::compose::{ComposeError, ComposerSettings, LiveComposer, LiveSettings};
use mixer::timeline::Timeline;
use parking_lot::Mutex;
use proto::ids::{Identity, RoomName};
use proto::link::SegmentId;
use proto::media::WallClock;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use tokio::sync::{oneshot, watch};

use crate::compose::{Look, Pace};
use crate::engine::ListenerId;
use crate::worker::{Ear, Post, WorkerHandle, hearing};
use crate::{clock, entropy};

pub use segment::{Event, IDENTITY, Part, PictureForm, Segment};

use session::{Order, PATIENCE, Session};

/// Most participants of one mix who get a sound of their own: each takes a mixer's channel and an
/// encoder.
pub const MAX_LISTENERS: usize = 32;
/// How long a change or the end of a mix is waited for.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Listeners of mixes are numbered from here: recordings have the numbers before.
const FIRST_LISTENER: u64 = 1 << 32;
/// How late a mix may be before it has fewer pictures.
const LATE: Duration = Duration::from_millis(120);
/// Changes that wait for a mix.
const MAX_ORDERS: usize = 16;

/// All mixes of a node; cheap to clone.
#[derive(Debug, Clone)]
pub struct Mixes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    wall: WallClock,
    max_running: u32,
    free: Mutex<Vec<Slot>>,
    next_listener: AtomicU64,
    running: Mutex<BTreeMap<RoomName, Running>>,
}

/// A place for a mix.
#[derive(Debug)]
struct Slot {
    post: Post,
    /// A number that no track from here has had.
    next_track: u64,
}

#[derive(Debug)]
struct Running {
    listener: ListenerId,
    settings: MixSettings,
    started_at_ms: u64,
    tracks: Arc<Mutex<MixTracks>>,
    orders: Sender<Order>,
    ended: watch::Receiver<bool>,
}

/// What a mix is to be like.
#[derive(Debug, Clone, PartialEq)]
pub struct MixSettings {
    /// What it looks like, and how pictures are encoded. Without pictures the layout is
    /// [`mixer::layout::Layout::AudioOnly`].
    pub look: Look,
    /// Who gets it instead of the others' tracks.
    pub listeners: Vec<Identity>,
}

/// A mix that runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Mix {
    /// What it is like.
    pub settings: MixSettings,
    /// Milliseconds since 1970 when it began.
    pub started_at_ms: u64,
    /// Who publishes what.
    pub tracks: MixTracks,
}

/// What a mix publishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MixTracks {
    /// The participant's id.
    pub participant_sid: String,
    /// Track ids, by what is in them.
    pub tracks: Vec<(Part, String)>,
}

impl MixTracks {
    fn of(segment: &Segment) -> Self {
        let tracks = segment.tracks();
        Self {
            participant_sid: segment.participant_sid().to_owned(),
            tracks: tracks
                .map(|(part, sid)| (part.clone(), sid.to_string()))
                .collect(),
        }
    }
}

/// A mix that is ready to hear something.
#[derive(Debug)]
pub struct Begun {
    /// Its listener.
    pub listener: ListenerId,
    /// What that hears with.
    pub ear: Ear,
    /// The segment that the room is to get.
    pub segment: SegmentId,
}

/// Why there is no mix.
#[derive(Debug, thiserror::Error)]
pub enum MixError {
    /// There are as many as there may be.
    #[error("{0} mixes run on this server, which is as many as limits.mixes allows")]
    TooMany(u32),
    /// The room has one.
    #[error("the room is being mixed by another request")]
    Exists,
    /// It cannot be made so.
    #[error("it cannot be composed: {0}")]
    Compose(#[from] ComposeError),
    /// The system refuses.
    #[error("it cannot be started: {0}")]
    System(#[from] io::Error),
}

impl Mixes {
    /// No mixes yet, with a slot for each that may run.
    pub fn new(wall: WallClock, max_running: u32, posts: Vec<Post>) -> Self {
        let slot = |post| Slot {
            post,
            next_track: 0,
        };
        Self(Arc::new(Inner {
            wall,
            max_running,
            free: Mutex::new(posts.into_iter().map(slot).collect()),
            next_listener: AtomicU64::new(FIRST_LISTENER),
            running: Mutex::new(BTreeMap::new()),
        }))
    }

    /// How many run.
    pub fn count(&self) -> usize {
        self.0.running.lock().len()
    }

    /// The mix of a room.
    pub fn get(&self, room: &RoomName) -> Option<Mix> {
        let running = self.0.running.lock();
        running.get(room).map(|own| Mix {
            settings: own.settings.clone(),
            started_at_ms: own.started_at_ms,
            tracks: own.tracks.lock().clone(),
        })
    }

    /// The listener of a room's mix.
    pub fn listener(&self, room: &RoomName) -> Option<ListenerId> {
        self.0.running.lock().get(room).map(|own| own.listener)
    }

    /// Begins a mix. The listener is to be let in then, or the ear dropped, which ends the mix.
    ///
    /// # Errors
    /// [`MixError`]
    pub fn begin(
        &self,
        room: &RoomName,
        settings: MixSettings,
        worker: &WorkerHandle,
    ) -> Result<Begun, MixError> {
        let mut running = self.0.running.lock();
        if running.contains_key(room) {
            return Err(MixError::Exists);
        }
        let (zero, wall) = (clock::now(), self.0.wall);
        let timeline = Timeline::new(wall, zero);
        let mut composer = LiveComposer::new(&LiveSettings {
            composer: ComposerSettings {
                layout: settings.look.layout.clone(),
                shows_names: true,
                video: settings.look.video(Purpose::Live),
                audio: Some(audio::EncoderSettings::RECORDING),
                begins_us: 0,
            },
            timeline,
            patience: PATIENCE,
        })?;
        let identities: Vec<_> = settings.listeners.iter().map(Identity::to_string).collect();
        composer.set_listeners(&identities)?;
        let Some(slot) = self.0.free.lock().pop() else {
            return Err(MixError::TooMany(self.0.max_running));
        };
        let own = slot.post.own();
        let picture = picture_form(&settings.look);
        let started_at_ms = clock::unix_now_ms();
        let rng = ChaCha20Rng::from_seed(entropy::bytes());
        let mut segment = Segment::new(own, room.clone(), slot.next_track, started_at_ms, rng);
        segment.publish(picture, &settings.listeners);
        let tracks = Arc::new(Mutex::new(MixTracks::of(&segment)));
        let listener = ListenerId(self.0.next_listener.fetch_add(1, Ordering::Relaxed));
        let (ear, hears) = hearing();
        let (orders, taken) = bounded(MAX_ORDERS);
        let (ending, ended) = watch::channel(false);
        let session = Session {
            composer,
            segment,
            picture,
            post: slot.post,
            timeline,
            hearing: hears,
            listener,
            worker: worker.clone(),
            orders: taken,
            tracks: Arc::clone(&tracks),
            ended: ending,
            heard_until: zero,
            pace: Pace::new(zero, LATE),
            is_over: false,
        };
        let (mixes, name) = (self.clone(), room.clone());
        std::thread::Builder::new()
            .name("mix".to_owned())
            .spawn(move || session.run(|slot| mixes.note_end(&name, listener, slot)))?;
        let new = Running {
            listener,
            settings,
            started_at_ms,
            tracks,
            orders,
            ended,
        };
        running.insert(room.clone(), new);
        tracing::info!(%room, listener = listener.0, "mix begins");
        Ok(Begun {
            listener,
            ear,
            segment: own,
        })
    }

    /// Changes a mix, if the room has one and pictures stay as they are encoded. Tells whether that
    /// is so.
    pub async fn change(&self, room: &RoomName, settings: &MixSettings) -> bool {
        let (done, waits) = oneshot::channel();
        {
            let mut running = self.0.running.lock();
            let Some(own) = running.get_mut(room) else {
                return false;
            };
            let encoded = |look: &Look| look.video(Purpose::Live);
            if encoded(&own.settings.look) != encoded(&settings.look) {
                return false;
            }
            let order = Order {
                layout: Box::new(settings.look.layout.clone()),
                listeners: settings.listeners.clone(),
                done,
            };
            if own.orders.try_send(order).is_err() {
                return false;
            }
            own.settings = settings.clone();
        }
        matches!(tokio::time::timeout(TIMEOUT, waits).await, Ok(Ok(())))
    }

    /// Waits until the mix of a room has ended that is about to.
    pub async fn wait_for_end(&self, room: &RoomName, listener: ListenerId) {
        let ended = {
            let running = self.0.running.lock();
            let own = running.get(room).filter(|own| own.listener == listener);
            own.map(|own| own.ended.clone())
        };
        if let Some(mut ended) = ended {
            // One that is gone has ended, too.
            let _ = tokio::time::timeout(TIMEOUT, ended.wait_for(|ended| *ended)).await;
        }
    }

    fn note_end(&self, room: &RoomName, listener: ListenerId, slot: Slot) {
        let mut running = self.0.running.lock();
        if running
            .get(room)
            .is_some_and(|own| own.listener == listener)
        {
            running.remove(room);
        }
        self.0.free.lock().push(slot);
    }
}

/// How pictures of such a look are sent; none for sound alone.
fn picture_form(look: &Look) -> Option<PictureForm> {
    let video = look.video(Purpose::Live)?;
    Some(PictureForm {
        size: video.size,
        codec: video.codec,
        bitrate_bps: u64::from(video.kilobits) * 1_000,
    })
}
