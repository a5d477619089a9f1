//! The way of what a room's recordings and mixes hear, from the worker to their threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded, unbounded};

use crate::engine::HeardBatch;

/// Bytes of packets that wait for a recording or a mix: 10 s of 50 Mbit/s. When there are so many,
/// further ones are dropped (`plenary_dropped_total{reason="listener_full"}`), and pictures go on
/// with a keyframe.
pub const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;
/// Batches that wait for it, however small.
const MAX_QUEUED_BATCHES: usize = 4_096;

/// The worker's end. It never waits; dropping it says that nothing more is heard.
#[derive(Debug)]
pub struct Ear {
    batches: Sender<HeardBatch>,
    spares: Receiver<HeardBatch>,
    queued_bytes: Arc<AtomicUsize>,
}

/// The other end.
#[derive(Debug)]
pub struct Hearing {
    batches: Receiver<HeardBatch>,
    spares: Sender<HeardBatch>,
    queued_bytes: Arc<AtomicUsize>,
}

/// Why there is no batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// None has come in time.
    Quiet,
    /// None will come.
    Over,
}

/// Both ends of a way.
pub fn hearing() -> (Ear, Hearing) {
    let (batches, received) = bounded(MAX_QUEUED_BATCHES);
    let (spares, reused) = unbounded();
    let queued_bytes = Arc::new(AtomicUsize::new(0));
    let ear = Ear {
        batches,
        spares: reused,
        queued_bytes: Arc::clone(&queued_bytes),
    };
    let hearing = Hearing {
        batches: received,
        spares,
        queued_bytes,
    };
    (ear, hearing)
}

impl Ear {
    /// Hands a batch on.
    ///
    /// # Errors
    /// The batch, if there is no room for it.
    pub(super) fn give(&self, batch: HeardBatch) -> Result<(), HeardBatch> {
        let bytes = batch.byte_count();
        if self.queued_bytes.load(Ordering::Relaxed) + bytes > most_bytes() {
            return Err(batch);
        }
        self.queued_bytes.fetch_add(bytes, Ordering::Relaxed);
        match self.batches.try_send(batch) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(batch)) => {
                self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                Err(batch)
            }
            // Whoever listened has ended, see `is_deaf`.
            Err(TrySendError::Disconnected(_)) => Ok(()),
        }
    }

    /// Whether the other end is gone.
    pub(super) fn is_deaf(&self) -> bool {
        Arc::strong_count(&self.queued_bytes) == 1
    }

    /// An empty batch to use again.
    pub(super) fn take_spare(&self) -> Option<HeardBatch> {
        self.spares.try_recv().ok()
    }
}

impl Hearing {
    /// Waits for the next batch.
    ///
    /// # Errors
    /// [`Silence`]
    pub fn wait(&self, timeout: Duration) -> Result<HeardBatch, Silence> {
        match self.batches.recv_timeout(timeout) {
            Ok(batch) => {
                let bytes = batch.byte_count();
                self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
                Ok(batch)
            }
            Err(RecvTimeoutError::Timeout) => Err(Silence::Quiet),
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Over),
        }
    }

    /// Gives a batch back, for its buffers.
    pub fn give_back(&self, mut batch: HeardBatch) {
        batch.clear();
        // Without a worker nobody needs it.
        let _ = self.spares.send(batch);
    }

    /// Bytes that wait.
    pub fn queued_bytes(&self) -> usize {
        self.queued_bytes.load(Ordering::Relaxed)
    }
}

#[cfg(not(feature = "chaos"))]
const fn most_bytes() -> usize {
    MAX_QUEUED_BYTES
}

/// Tests cannot wait until so much has been sent.
#[cfg(feature = "chaos")]
fn most_bytes() -> usize {
    static MOST: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    *MOST.get_or_init(|| {
        let told = std::env::var("CHAOS_QUEUED_BYTES").ok();
        told.and_then(|told| told.parse().ok())
            .unwrap_or(MAX_QUEUED_BYTES)
    })
}
