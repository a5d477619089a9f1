//! The way of batches between workers, and between them and mixes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use mio::{Poll, Waker};
use proto::link::{LinkBatch, SegmentId};

use super::WAKER;

/// Batches that wait for a worker. One that has so many does not keep up: packets for it are
/// dropped.
pub const MAX_QUEUED_BATCHES: usize = 1_024;
/// Empty batches that wait to be used again.
const MAX_SPARE_BATCHES: usize = 64;

/// A worker's end: what it waits with, and its way to the others.
#[derive(Debug)]
pub struct Post {
    pub(super) own: SegmentId,
    pub(super) poll: Poll,
    batches: Receiver<(SegmentId, LinkBatch)>,
    spares: Receiver<LinkBatch>,
    boxes: Arc<[Mailbox]>,
}

/// Where others leave batches for a worker.
#[derive(Debug)]
struct Mailbox {
    batches: Sender<(SegmentId, LinkBatch)>,
    spares: Sender<LinkBatch>,
    bell: Bell,
}

/// Wakes a worker that sleeps; ringing for one who is awake costs next to nothing.
#[derive(Debug, Clone)]
pub(super) struct Bell {
    waker: Arc<Waker>,
    sleeps: Arc<AtomicBool>,
}

impl Bell {
    pub(super) fn ring(&self) {
        if self.sleeps.swap(false, Ordering::SeqCst) {
            // Fails only without descriptors; the worker then wakes at its next deadline.
            let _ = self.waker.wake();
        }
    }
}

impl Post {
    /// Makes the ends of so many workers and mixes.
    ///
    /// # Errors
    /// What the system says.
    pub fn ends(count: usize) -> io::Result<Vec<Self>> {
        let mut boxes = Vec::with_capacity(count);
        let mut ends = Vec::with_capacity(count);
        for index in 0..count {
            let poll = Poll::new()?;
            let (batches, taken) = bounded(MAX_QUEUED_BATCHES);
            let (spares, reused) = bounded(MAX_SPARE_BATCHES);
            let bell = Bell {
                waker: Arc::new(Waker::new(poll.registry(), WAKER)?),
                sleeps: Arc::new(AtomicBool::new(false)),
            };
            boxes.push(Mailbox {
                batches,
                spares,
                bell,
            });
            ends.push((SegmentId(index as u16), poll, taken, reused));
        }
        let boxes: Arc<[Mailbox]> = boxes.into();
        let posts = ends.into_iter().map(|(own, poll, batches, spares)| Self {
            own,
            poll,
            batches,
            spares,
            boxes: Arc::clone(&boxes),
        });
        Ok(posts.collect())
    }

    /// What others know it as.
    pub(crate) const fn own(&self) -> SegmentId {
        self.own
    }

    /// What wakes this worker.
    pub(super) fn bell(&self) -> Bell {
        self.boxes[self.own.index()].bell.clone()
    }

    /// Says that the worker is about to sleep. What is left for it from now on wakes it; look for
    /// what was left before.
    pub(super) fn fall_asleep(&self) {
        self.boxes[self.own.index()]
            .bell
            .sleeps
            .store(true, Ordering::SeqCst);
    }

    /// Says that the worker is awake.
    pub(super) fn wake_up(&self) {
        self.boxes[self.own.index()]
            .bell
            .sleeps
            .store(false, Ordering::SeqCst);
    }

    /// Whether something has been left for this worker.
    pub(super) fn has_mail(&self) -> bool {
        !self.batches.is_empty()
    }

    /// The next batch for this worker.
    pub(crate) fn take(&self) -> Option<(SegmentId, LinkBatch)> {
        self.batches.try_recv().ok()
    }

    /// A batch of this worker's that the other has emptied.
    pub(crate) fn take_spare(&self) -> Option<LinkBatch> {
        self.spares.try_recv().ok()
    }

    /// Leaves a batch for another worker.
    ///
    /// # Errors
    /// The batch, when the other does not keep up or has ended.
    fn leave(&self, to: SegmentId, batch: LinkBatch) -> Result<(), LinkBatch> {
        let Some(mailbox) = self.boxes.get(to.index()) else {
            return Err(batch);
        };
        match mailbox.batches.try_send((self.own, batch)) {
            Ok(()) => {
                mailbox.bell.ring();
                Ok(())
            }
            Err(TrySendError::Full((_, batch)) | TrySendError::Disconnected((_, batch))) => {
                Err(batch)
            }
        }
    }

    /// Leaves batches for others. Returns those that do not keep up, with what was for them.
    pub(crate) fn leave_all(
        &self,
        batches: impl Iterator<Item = (SegmentId, LinkBatch)>,
    ) -> Vec<(SegmentId, LinkBatch)> {
        batches
            .filter_map(|(to, batch)| Some((to, self.leave(to, batch).err()?)))
            .collect()
    }

    /// Gives an emptied batch back to whose it was.
    pub(crate) fn give_back(&self, to: SegmentId, batch: LinkBatch) {
        if let Some(mailbox) = self.boxes.get(to.index()) {
            // It has enough of them otherwise.
            let _ = mailbox.spares.try_send(batch);
        }
    }
}
