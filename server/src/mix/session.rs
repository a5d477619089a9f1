//! One mix: a thread that listens in its room, composes, and publishes what comes of that.
//!
//! It answers within a conversation, so it waits for what is missing a tenth of a second and not
//! longer. A machine that is too slow for it makes fewer pictures; sound goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use mixer::compose::{LiveComposer, LiveOutput, Piece};
use mixer::layout::Layout;
use mixer::timeline::Timeline;
use parking_lot::Mutex;
use proto::ids::Identity;
use tokio::sync::{oneshot, watch};

use super::segment::{Event, Part, PictureForm, Segment};
use super::{MixTracks, Slot};
use crate::clock;
use crate::compose::Pace;
use crate::engine::ListenerId;
use crate::news;
use crate::worker::{Hearing, Post, Silence, WorkerHandle};

/// How long missing packets are waited for. Longer hears more of a bad network, shorter answers
/// sooner: what a listener hears is late by this, by 60 ms for mixing, and by the way of the packets.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);
/// How long the thread sleeps at most.
const NAP: Duration = Duration::from_millis(10);

/// A mix is to be like this from now on.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) layout: Box<Layout>,
    pub(super) listeners: Vec<Identity>,
    pub(super) done: oneshot::Sender<()>,
}

/// The thread's state.
pub(super) struct Session {
    pub(super) composer: LiveComposer,
    pub(super) segment: Segment,
    pub(super) picture: Option<PictureForm>,
    pub(super) post: Post,
    pub(super) timeline: Timeline,
    pub(super) hearing: Hearing,
    pub(super) listener: ListenerId,
    /// Where the listener is.
    pub(super) worker: WorkerHandle,
    pub(super) orders: Receiver<Order>,
    pub(super) tracks: Arc<Mutex<MixTracks>>,
    /// Tells who waits for the end.
    pub(super) ended: watch::Sender<bool>,
    pub(super) heard_until: Instant,
    pub(super) pace: Pace,
    pub(super) is_over: bool,
}

impl Session {
    /// Mixes until the room or the mix ends, and gives the slot back with `done`.
    pub(super) fn run(mut self, done: impl FnOnce(Slot)) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.mix()));
        match outcome {
            Ok(Ok(())) => tracing::info!(listener = self.listener.0, "mix ends"),
            Ok(Err(error)) => tracing::error!(listener = self.listener.0, %error, "mix fails"),
            Err(_) => tracing::error!(listener = self.listener.0, "a fault in the mixer"),
        }
        self.take_batches();
        self.segment.leave();
        self.post_batches();
        let slot = Slot {
            next_track: self.segment.next_track(),
            post: self.post,
        };
        // Its listener goes when nobody hears it.
        drop(self.hearing);
        done(slot);
        self.ended.send_replace(true);
    }

    fn mix(&mut self) -> Result<(), mixer::compose::ComposeError> {
        self.composer.set_seen(false);
        self.composer.set_heard(false);
        while !self.is_over {
            match self.hearing.wait(NAP) {
                Ok(batch) => {
                    news::tell(&mut self.composer, &mut self.heard_until, &batch);
                    self.hearing.give_back(batch);
                }
                // Nothing is on its way that would be older.
                Err(Silence::Quiet) => self.heard_until = clock::now(),
                Err(Silence::Over) => return Ok(()),
            }
            while let Ok(order) = self.orders.try_recv() {
                self.obey(order)?;
            }
            self.take_batches();
            self.composer.advance(self.heard_until)?;
            self.publish();
            self.post_batches();
            self.keep_pace();
        }
        Ok(())
    }

    fn obey(&mut self, order: Order) -> Result<(), mixer::compose::ComposeError> {
        self.composer.set_layout(self.heard_until, &order.layout);
        let listeners: Vec<_> = order.listeners.iter().map(Identity::to_string).collect();
        self.composer.set_listeners(&listeners)?;
        self.segment.publish(self.picture, &order.listeners);
        *self.tracks.lock() = MixTracks::of(&self.segment);
        // Who asked may have stopped waiting.
        let _ = order.done.send(());
        Ok(())
    }

    fn take_batches(&mut self) {
        while let Some((from, mut batch)) = self.post.take() {
            self.segment.handle_link(from, &mut batch);
            self.post.give_back(from, batch);
        }
        while let Some(spare) = self.post.take_spare() {
            self.segment.recycle(spare);
        }
        while let Some(event) = self.segment.poll_event() {
            match event {
                Event::Wanted(Part::Picture, is_wanted) => self.composer.set_seen(is_wanted),
                Event::Wanted(Part::Sound, is_wanted) => self.composer.set_heard(is_wanted),
                Event::Wanted(Part::SoundFor(listener), is_wanted) => {
                    self.composer.set_heard_by(listener.as_str(), is_wanted);
                }
                Event::KeyframeWanted => self.composer.request_keyframe(),
                Event::Over => self.is_over = true,
            }
        }
    }

    /// Sends what has been made.
    fn publish(&mut self) {
        while let Some(output) = self.composer.poll() {
            match output {
                LiveOutput::Piece(Piece::Picture {
                    pts_us,
                    is_keyframe,
                    data,
                }) => {
                    let part = &Part::Picture;
                    let ntp = self.timeline.ntp(pts_us);
                    self.segment.send(part, &data, is_keyframe, pts_us, ntp);
                }
                LiveOutput::Piece(Piece::Sound { pts_us, data }) => {
                    let ntp = self.timeline.ntp(pts_us);
                    self.segment.send(&Part::Sound, &data, true, pts_us, ntp);
                }
                LiveOutput::Heard(sound) => {
                    let Ok(listener) = Identity::new(&sound.listener) else {
                        continue;
                    };
                    let (part, pts_us) = (Part::SoundFor(listener), sound.pts_us);
                    let ntp = self.timeline.ntp(pts_us);
                    self.segment.send(&part, &sound.data, true, pts_us, ntp);
                }
                LiveOutput::KeyframeWanted(_) | LiveOutput::SizeWanted(..) => {
                    // A worker that is overloaded gets the next request.
                    let wish = news::wish(self.listener, &output);
                    let _ = wish.map(|wish| self.worker.give(wish));
                }
            }
        }
    }

    fn post_batches(&mut self) {
        let batches = std::iter::from_fn(|| self.segment.poll_link());
        for (to, batch) in self.post.leave_all(batches) {
            self.segment.return_link(to, batch);
        }
    }

    /// Makes fewer pictures while the machine does not keep up.
    fn keep_pace(&mut self) {
        let now = clock::now();
        let late = now.saturating_duration_since(self.heard_until);
        if let Some(thinning) = self.pace.look(now, late) {
            tracing::warn!(
                listener = self.listener.0,
                one_of = thinning,
                "pictures of a mix"
            );
            self.composer.set_thinning(thinning);
        }
    }
}
