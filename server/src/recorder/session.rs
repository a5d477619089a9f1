//! One recording: a thread that takes what a listener hears and gives it to files.
//!
//! Nothing that happens here reaches the call: the worker hands over batches and never waits, and a
//! disk that is slow, full or hung, or a fault in here, ends or thins this recording alone.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use mixer::layout::Layout;
use mixer::recording::{End, FileState, Manifest, Output, Recorder, State};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::disk::Disk;
use super::live::Live;
use super::recover;
use super::space::Space;
use crate::clock;
use crate::engine::{HeardBatch, ListenerId, Request};
use crate::worker::{Hearing, Input, Silence, WorkerHandle};

/// How long the thread sleeps at most, so that it does what it is told without delay.
const NAP: Duration = Duration::from_millis(50);
/// How often what was waited for is given up and silence is filled in.
const TICK: Duration = Duration::from_millis(200);
/// How often the manifest is written although nothing but lengths has changed.
const MANIFEST_INTERVAL: Duration = Duration::from_secs(5);
/// How often the disk is asked for its free bytes.
const SPACE_INTERVAL: Duration = Duration::from_secs(1);
/// Orders that wait.
const MAX_ORDERS: usize = 64;

/// What a recording is told to do.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Order {
    /// Leave out what comes from now on.
    Pause,
    /// Go on.
    Resume,
    /// Look so from now on.
    Layout(Box<Layout>),
}

/// Everyone else's side of a recording.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) listener: ListenerId,
    /// That of its live composite.
    pub(super) live_listener: Option<ListenerId>,
    orders: Sender<Order>,
    shared: Arc<Shared>,
}

/// What the thread shows of itself.
#[derive(Debug)]
struct Shared {
    manifest: Mutex<Manifest>,
    /// Whether somebody wanted it to end.
    is_stopped: Mutex<bool>,
}

/// The thread's state.
pub(super) struct Session {
    recorder: Recorder,
    disk: Disk,
    space: Space,
    hearing: Hearing,
    listener: ListenerId,
    /// Where the listener is.
    worker: WorkerHandle,
    orders: Receiver<Order>,
    live: Option<Live>,
    shared: Arc<Shared>,
    /// The newest instant that is known of the room.
    heard_until: Instant,
    next_tick: Instant,
    next_manifest: Instant,
    next_space: Instant,
    /// Whether the worker was told that nothing more is wanted.
    has_left: bool,
}

impl Running {
    /// The recording as it is now.
    pub(super) fn manifest(&self) -> Manifest {
        self.shared.manifest.lock().clone()
    }

    /// Tells the recording to do something. Returns whether it takes it.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// Whether somebody wants it to end.
    pub(super) fn is_stopped(&self) -> bool {
        *self.shared.is_stopped.lock()
    }

    /// Says that the recording ends because somebody wants it to.
    pub(super) fn note_stop(&self) {
        *self.shared.is_stopped.lock() = true;
    }
}

impl Session {
    /// A recording that is about to begin, and everyone else's side of it.
    pub(super) fn new(
        now: Instant,
        recorder: Recorder,
        disk: Disk,
        space: Space,
        hearing: Hearing,
        (listener, worker): (ListenerId, WorkerHandle),
        live: Option<Live>,
    ) -> (Self, Running) {
        let (orders, taken) = bounded(MAX_ORDERS);
        let live_listener = live.as_ref().map(|live| live.listener);
        let shared = Arc::new(Shared {
            manifest: Mutex::new(recorder.manifest(now)),
            is_stopped: Mutex::new(false),
        });
        let session = Self {
            recorder,
            disk,
            space,
            hearing,
            listener,
            worker,
            orders: taken,
            live,
            shared: Arc::clone(&shared),
            heard_until: now,
            next_tick: now + TICK,
            next_manifest: now,
            next_space: now + SPACE_INTERVAL,
            has_left: false,
        };
        let running = Running {
            listener,
            live_listener,
            orders,
            shared,
        };
        (session, running)
    }

    /// Writes the beginning, so that what follows is known to work.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn begin(&mut self, now: Instant) -> io::Result<()> {
        self.recorder.flush();
        self.carry_out()?;
        self.disk.write_manifest(&self.recorder.manifest(now))
    }

    /// Records until there is nothing more to hear, and calls `done` with how it stands then.
    pub(super) fn run(mut self, done: impl FnOnce(&Manifest)) {
        let end = match catch_unwind(AssertUnwindSafe(|| self.record())) {
            Ok(Ok(())) if *self.shared.is_stopped.lock() => End::Stopped,
            Ok(Ok(())) if self.recorder.is_over() => End::Gone,
            Ok(Ok(())) => End::RoomClosed,
            Ok(Err(error)) if is_full(&error) => End::DiskFull,
            Ok(Err(error)) => End::Failed(format!("the disk failed: {error}")),
            Err(_) => End::Failed("a fault in the recorder".to_owned()),
        };
        tracing::info!(listener = self.listener.0, ?end, "recording ends");
        let finished = catch_unwind(AssertUnwindSafe(|| self.finish(end)));
        if finished.is_err() {
            self.salvage();
        }
        // Not under the lock: whoever lists recordings takes both, the other way round.
        let manifest = self.shared.manifest.lock().clone();
        done(&manifest);
    }

    fn record(&mut self) -> io::Result<()> {
        loop {
            match self.hearing.wait(NAP) {
                Ok(batch) => {
                    self.take(&batch);
                    self.hearing.give_back(batch);
                }
                // Nothing is on its way that would be older.
                Err(Silence::Quiet) => self.heard_until = clock::now(),
                Err(Silence::Over) => return Ok(()),
            }
            while let Ok(order) = self.orders.try_recv() {
                self.obey(order);
            }
            if self.heard_until >= self.next_tick {
                self.next_tick = self.heard_until + TICK;
                self.recorder.handle_timeout(self.heard_until);
            }
            self.recorder.flush();
            // A file is named in the manifest before it is made: else nobody would complete it if
            // the server ended between.
            self.look_after(clock::now())?;
            self.carry_out()?;
            if self.recorder.is_over() && !self.has_left {
                self.has_left = self.leave();
            }
        }
    }

    fn obey(&mut self, order: Order) {
        if let Some(live) = &self.live {
            live.order(order.clone());
        }
        match order {
            Order::Pause => _ = self.recorder.pause(self.heard_until),
            Order::Resume => _ = self.recorder.resume(self.heard_until),
            Order::Layout(layout) => {
                if let Ok(layout) = serde_json::to_value(&*layout) {
                    self.recorder.set_layout(self.heard_until, layout);
                }
            }
        }
    }

    /// Has the worker hand over what is left to hear. Returns whether it takes that.
    fn leave(&self) -> bool {
        let live = self.live.iter().map(|live| live.listener);
        live.chain([self.listener]).all(|listener| {
            let (reply, _) = oneshot::channel();
            let stop = Request::StopListening(listener);
            self.worker.give(Input::Request(stop, reply)).is_ok()
        })
    }

    /// What is to be done now and then.
    fn look_after(&mut self, now: Instant) -> io::Result<()> {
        if now >= self.next_space {
            self.next_space = now + SPACE_INTERVAL;
            self.space.check()?;
        }
        if self.recorder.has_changed() || now >= self.next_manifest {
            self.next_manifest = now + MANIFEST_INTERVAL;
            let manifest = self.recorder.manifest(self.heard_until);
            self.disk.write_manifest(&manifest)?;
            *self.shared.manifest.lock() = manifest;
        }
        Ok(())
    }

    fn take(&mut self, batch: &HeardBatch) {
        super::tell(&mut self.recorder, &mut self.heard_until, batch);
    }

    fn carry_out(&mut self) -> io::Result<()> {
        let mut outcome = Ok(());
        while let Some(output) = self.recorder.poll() {
            if let Output::KeyframeWanted(track) = output {
                let wanted = Input::ListenerKeyframe(self.listener, track);
                // A worker that is overloaded gets the next request.
                let _ = self.worker.give(wanted);
                continue;
            }
            let finishes = match &output {
                Output::Finish(id, _) => Some(*id),
                Output::Create(..) | Output::Append(..) | Output::KeyframeWanted(_) => None,
            };
            let carried_out = self.disk.carry_out(output);
            if let Some(id) = finishes {
                self.recorder.handle_finished(id, carried_out.is_ok());
            }
            // The others are to be carried out all the same.
            outcome = outcome.and(carried_out);
        }
        outcome
    }

    /// Waits for the live composite, which ends when the recording does.
    fn end_composites(&mut self) {
        if self.live.is_some() {
            // Unless that is known already.
            self.leave();
        }
        if let Some(live) = self.live.take() {
            self.recorder.set_composites(vec![live.join()]);
        }
    }

    fn finish(&mut self, end: End) {
        if matches!(end, End::DiskFull | End::Failed(_)) {
            self.disk.prepare_end();
        }
        let now = self.heard_until.max(clock::now());
        self.end_composites();
        self.recorder.end(now, end);
        let outcome = self.carry_out();
        self.disk.give_up_reserve();
        let mut manifest = self.recorder.manifest(now);
        if let Err(error) = outcome {
            tracing::warn!(%error, "not all of a recording could be written");
            // Only the files know what is in them.
            recover::complete(self.disk.folder(), &mut manifest, FileState::Incomplete);
        }
        self.write_end(manifest);
    }

    /// Completes what there is without the recorder, which cannot be trusted any more.
    fn salvage(&mut self) {
        tracing::error!("a recording could not be ended as usual");
        self.disk.give_up_reserve();
        let mut manifest = self.shared.manifest.lock().clone();
        recover::complete(self.disk.folder(), &mut manifest, FileState::Open);
        manifest.recover();
        manifest.state = State::Failed;
        manifest.error = Some("a fault in the recorder".to_owned());
        self.write_end(manifest);
    }

    fn write_end(&self, manifest: Manifest) {
        if let Err(error) = self.disk.write_manifest(&manifest) {
            tracing::error!(%error, "the end of a recording could not be written down");
        }
        *self.shared.manifest.lock() = manifest;
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
