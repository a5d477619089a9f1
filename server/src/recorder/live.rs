//! A composite that is made while the room lives, by a thread of its own.
//!
//! It has a listener of its own as well, which asks for every picture in the size of its tile. A
//! machine that is too slow for it makes fewer pictures; the recording of the tracks notices nothing.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use mixer::audio;
use mixer::codec::Purpose;
use mixer::compose::{ComposeError, ComposerSettings, LiveComposer, LiveOutput, LiveSettings};
use mixer::frames::limits::RECORDER_PATIENCE;
use mixer::mux::Writer;
use mixer::recording::{Composite, CompositeState};
use mixer::timeline::Timeline;

use super::session::Order;
use super::sync::Syncer;
use crate::clock;
use crate::compose::{Look, Pace, put};
use crate::engine::ListenerId;
use crate::worker::{Hearing, Silence, WorkerHandle};
use crate::{files, news};

/// How long the thread sleeps at most: about a picture.
const NAP: Duration = Duration::from_millis(25);
/// How far behind the room fewer pictures are made.
const LATE: Duration = Duration::from_millis(500);
/// How long the thread listens on when its recording has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Orders that wait.
const MAX_ORDERS: usize = 64;
/// The recording's side of the thread.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) listener: ListenerId,
    orders: Sender<Order>,
    thread: JoinHandle<Composite>,
    composite: Composite,
}

/// What the thread works with.
struct Making {
    composer: LiveComposer,
    writer: Writer,
    file: Arc<File>,
    bytes: u64,
    hearing: Hearing,
    listener: ListenerId,
    worker: WorkerHandle,
    orders: Receiver<Order>,
    heard_until: Instant,
    pace: Pace,
}

/// Why a live composite cannot be begun.
#[derive(Debug, thiserror::Error)]
pub(super) enum LiveError {
    #[error("{0}")]
    Compose(#[from] ComposeError),
    #[error("{0}")]
    Settings(#[from] mixer::mux::SettingsError),
    #[error("{0}")]
    Disk(#[from] io::Error),
}

impl Live {
    /// Starts the thread. It ends when its listener does.
    pub(super) fn start(
        look: &Look,
        title: &str,
        folder: &Path,
        timeline: Timeline,
        syncer: &Syncer,
        hearing: Hearing,
        (listener, worker): (ListenerId, WorkerHandle),
    ) -> Result<Self, LiveError> {
        let mut composite = look.composite();
        composite.state = CompositeState::Making;
        let settings = LiveSettings {
            composer: ComposerSettings {
                layout: look.layout.clone(),
                shows_names: true,
                video: look.video(Purpose::Live),
                audio: Some(audio::EncoderSettings::RECORDING),
                begins_us: 0,
            },
            timeline,
            patience: RECORDER_PATIENCE,
        };
        let composer = LiveComposer::new(&settings)?;
        let mut beginning = Vec::new();
        let unix_ms = timeline.unix_ms(0);
        let writer = Writer::new(look.file(title, unix_ms)?, &mut beginning)?;
        let file = Arc::new(files::create(&folder.join(&composite.path))?);
        let bytes = files::append(&file, 0, &beginning)?;
        syncer.watch(&file);
        let (orders, taken) = bounded(MAX_ORDERS);
        let now = clock::now();
        let making = Making {
            composer,
            writer,
            file,
            bytes,
            hearing,
            listener,
            worker,
            orders: taken,
            heard_until: now,
            pace: Pace::new(now, LATE),
        };
        let made = composite.clone();
        let thread = std::thread::Builder::new()
            .name("composite".to_owned())
            .spawn(move || making.run(made))?;
        Ok(Self {
            listener,
            orders,
            thread,
            composite,
        })
    }

    /// The composite as it is being made.
    pub(super) fn composite(&self) -> Composite {
        self.composite.clone()
    }

    pub(super) fn order(&self, order: Order) {
        // A thread that takes none any more has ended, and says why when it is joined.
        let _ = self.orders.try_send(order);
    }

    /// Waits for the end, which comes with that of the listener or soon after this.
    pub(super) fn join(self) -> Composite {
        drop(self.orders);
        self.thread.join().unwrap_or_else(|_| Composite {
            state: CompositeState::Failed,
            error: Some("a fault in the composer".to_owned()),
            ..self.composite
        })
    }
}

impl Making {
    fn run(mut self, mut composite: Composite) -> Composite {
        let made = catch_unwind(AssertUnwindSafe(|| self.make()));
        let why = match made {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(_) => Some("a fault in the composer".to_owned()),
        };
        // Whatever has happened, what was written is completed.
        match self.complete() {
            Ok((duration_us, bytes)) => {
                composite.state = CompositeState::Complete;
                (composite.duration_us, composite.bytes) = (duration_us, bytes);
            }
            Err(error) => {
                composite.state = CompositeState::Failed;
                composite.error = Some(error.to_string());
            }
        }
        if why.is_some() {
            composite.state = CompositeState::Failed;
            composite.error = why;
        }
        composite
    }

    fn make(&mut self) -> Result<(), String> {
        let mut deadline = None;
        loop {
            let mut is_over = match self.hearing.wait(NAP) {
                Ok(batch) => {
                    news::tell(&mut self.composer, &mut self.heard_until, &batch);
                    self.hearing.give_back(batch);
                    false
                }
                // Nothing is on its way that would be older.
                Err(Silence::Quiet) => {
                    self.heard_until = clock::now();
                    false
                }
                Err(Silence::Over) => true,
            };
            loop {
                match self.orders.try_recv() {
                    Ok(order) => self.obey(order),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        // The last that was heard may still be on its way.
                        let until = *deadline.get_or_insert_with(|| clock::now() + LAST_WORDS);
                        is_over |= clock::now() >= until;
                        break;
                    }
                }
            }
            let advanced = match is_over {
                true => self.composer.finish(self.heard_until),
                false => self.composer.advance(self.heard_until),
            };
            advanced.map_err(|error| error.to_string())?;
            self.carry_out().map_err(|error| error.to_string())?;
            if is_over {
                return Ok(());
            }
            let late = clock::now().saturating_duration_since(self.heard_until);
            if let Some(thinning) = self.pace.look(clock::now(), late) {
                tracing::info!(
                    listener = self.listener.0,
                    thinning,
                    "pictures of a composite"
                );
                self.composer.set_thinning(thinning);
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Pause => _ = self.composer.pause(self.heard_until),
            Order::Resume => _ = self.composer.resume(self.heard_until),
            Order::Layout(layout) => self.composer.set_layout(self.heard_until, &layout),
        }
    }

    fn carry_out(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        while let Some(output) = self.composer.poll() {
            if let LiveOutput::Piece(piece) = &output {
                put(&mut self.writer, piece, &mut bytes);
            }
            if let Some(wish) = news::wish(self.listener, &output) {
                // A worker that is overloaded gets the next request.
                let _ = self.worker.give(wish);
            }
        }
        self.bytes = files::append(&self.file, self.bytes, &bytes)?;
        Ok(())
    }

    /// Completes the file. Returns how long it is, and how large.
    fn complete(self) -> io::Result<(i64, u64)> {
        let finish = self.writer.finish();
        let bytes = files::complete(&self.file, self.bytes, &finish)?;
        Ok((finish.summary.end_us, bytes))
    }
}
