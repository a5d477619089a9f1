//! What publishers really did, so that nobody else is blamed for it.

use std::sync::atomic::{AtomicU64, Ordering};

use proto::codec::MediaKind;

/// When each publisher's tracks began and went on, over all threads.
#[derive(Debug)]
pub struct Sources {
    tracks: Vec<[Track; 2]>,
}

/// Microseconds since the start; zero is never.
#[derive(Debug, Default)]
struct Track {
    began: AtomicU64,
    newest: AtomicU64,
}

impl Sources {
    /// For so many publishers.
    pub fn new(publishers: usize) -> Self {
        Self {
            tracks: (0..publishers).map(|_| <[Track; 2]>::default()).collect(),
        }
    }

    /// A publisher begins to send, for the first time or again.
    pub fn begins(&self, publisher: u16, kind: MediaKind, now_us: u64) {
        if let Some(track) = self.track(publisher, kind) {
            track.began.store(now_us, Ordering::Relaxed);
        }
    }

    /// A publisher sends.
    pub fn sends(&self, publisher: u16, kind: MediaKind, now_us: u64) {
        if let Some(track) = self.track(publisher, kind) {
            track.newest.store(now_us, Ordering::Relaxed);
        }
    }

    /// When a publisher began to send.
    pub fn began_us(&self, publisher: u16, kind: MediaKind) -> Option<u64> {
        let began = self.track(publisher, kind)?.began.load(Ordering::Relaxed);
        (began > 0).then_some(began)
    }

    /// When a publisher sent last.
    pub fn newest_us(&self, publisher: u16, kind: MediaKind) -> Option<u64> {
        let newest = self.track(publisher, kind)?.newest.load(Ordering::Relaxed);
        (newest > 0).then_some(newest)
    }

    fn track(&self, publisher: u16, kind: MediaKind) -> Option<&Track> {
        let tracks = self.tracks.get(usize::from(publisher))?;
        Some(match kind {
            MediaKind::Audio => &tracks[0],
            MediaKind::Video => &tracks[1],
        })
    }
}
