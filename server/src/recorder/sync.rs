//! Brings to the disk what the kernel still holds, so that a power cut takes little.

use std::fs::File;
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use crate::clock;

/// How often. Longer spares the disk, shorter loses less.
const INTERVAL: Duration = Duration::from_secs(2);

/// Hands files to the thread that looks after them. A disk that hangs holds up that thread alone.
#[derive(Debug, Clone)]
pub(super) struct Syncer(Sender<Weak<File>>);

impl Syncer {
    /// Starts the thread, which ends with the last handle.
    pub(super) fn start() -> io::Result<Self> {
        let (files, new) = unbounded();
        std::thread::Builder::new()
            .name("recording-sync".to_owned())
            .spawn(move || run(&new))?;
        Ok(Self(files))
    }

    /// Looks after a file as long as anybody has it open.
    pub(super) fn watch(&self, file: &Arc<File>) {
        // Without the thread the kernel writes when it likes to.
        let _ = self.0.send(Arc::downgrade(file));
    }
}

fn run(new: &Receiver<Weak<File>>) {
    let mut files: Vec<Weak<File>> = Vec::new();
    let mut due = clock::now() + INTERVAL;
    loop {
        if files.is_empty() {
            // Nobody records.
            let Ok(file) = new.recv() else { return };
            files.push(file);
            due = clock::now() + INTERVAL;
        }
        match new.recv_timeout(due.saturating_duration_since(clock::now())) {
            Ok(file) => files.push(file),
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                files.retain(|file| match file.upgrade() {
                    // Whoever writes it finds out by itself.
                    Some(file) => file.sync_data().is_ok(),
                    None => false,
                });
                due = clock::now() + INTERVAL;
            }
        }
    }
}
