//! What one session gives to its dump.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use crossbeam_channel::Sender;
use proto::ids::ParticipantSid;
use proto::media::tap::{ClearPacket, Protocol, Tap, Way};

use crate::clock;

use super::{MAX_QUEUED_BYTES, Omission, Shared};

/// Copies the packets of one session into the queue.
#[derive(Debug)]
pub(super) struct SessionDump {
    file: Arc<DumpFile>,
    queue: Sender<Entry>,
    /// Packets there was no room for since the last one there was room for.
    missed: AtomicU32,
}

/// A file to be, as the session and the writer know it.
#[derive(Debug)]
pub(super) struct DumpFile {
    /// Made of the participant's sid, which is the server's own choice: no name that anybody else
    /// chose comes near the file system.
    pub(super) name: String,
    /// What it begins with.
    pub(super) title: String,
    /// Whether it has ended before its session.
    pub(super) is_over: AtomicBool,
    shared: Arc<Shared>,
}

/// A packet on its way to a file. As long as there is one, its bytes are counted as waiting.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) file: Arc<DumpFile>,
    /// Since 1970.
    pub(super) time: Duration,
    way: Way,
    protocol: Protocol,
    bytes: Vec<u8>,
    /// Packets missed before this one.
    pub(super) missed: u32,
}

impl SessionDump {
    pub(super) fn new(file: DumpFile, queue: Sender<Entry>) -> Self {
        Self {
            file: Arc::new(file),
            queue,
            missed: AtomicU32::new(0),
        }
    }

    /// Whether there was room.
    fn enqueue(&self, packet: &ClearPacket<'_>) -> bool {
        let queued_bytes = self.file.shared.queued_bytes.load(Ordering::Relaxed);
        if queued_bytes + packet.byte_count() > MAX_QUEUED_BYTES || self.queue.is_full() {
            return false;
        }
        let missed = self.missed.load(Ordering::Relaxed);
        let entry = Entry::new(&self.file, clock::since_epoch(), packet, missed);
        self.queue.try_send(entry).is_ok()
    }
}

impl Tap for SessionDump {
    fn handle_packet(&self, packet: &ClearPacket<'_>) {
        let shared = &self.file.shared;
        if self.file.is_over.load(Ordering::Relaxed) {
            shared.omit(Omission::FileEnded);
        } else if self.enqueue(packet) {
            self.missed.store(0, Ordering::Relaxed);
        } else {
            self.missed.fetch_add(1, Ordering::Relaxed);
            shared.omit(Omission::QueueFull);
        }
    }
}

impl DumpFile {
    /// A file of a session that has been counted, until it is dropped.
    pub(super) fn new(sid: &ParticipantSid, title: String, shared: Arc<Shared>) -> Self {
        Self {
            name: format!("{sid}.txt"),
            title,
            is_over: AtomicBool::new(false),
            shared,
        }
    }
}

impl Drop for DumpFile {
    fn drop(&mut self) {
        self.shared.end_session();
    }
}

impl Entry {
    pub(super) fn new(
        file: &Arc<DumpFile>,
        time: Duration,
        packet: &ClearPacket<'_>,
        missed: u32,
    ) -> Self {
        let queued_bytes = &file.shared.queued_bytes;
        queued_bytes.fetch_add(packet.byte_count(), Ordering::Relaxed);
        Self {
            file: Arc::clone(file),
            time,
            way: packet.way,
            protocol: packet.protocol,
            bytes: packet.parts.concat(),
            missed,
        }
    }

    pub(super) fn packet(&self) -> ClearPacket<'_> {
        ClearPacket {
            way: self.way,
            protocol: self.protocol,
            parts: [&self.bytes, &[]],
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let queued_bytes = &self.file.shared.queued_bytes;
        queued_bytes.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, bounded};

    use super::*;

    #[test]
    fn what_there_is_no_room_for_is_left_out_and_counted() {
        let (dump, entries) = dump(2);

        for byte in 1..=5 {
            show(&dump, &[byte]);
        }
        let taken: Vec<u8> = entries.try_iter().map(|entry| entry.bytes[0]).collect();
        show(&dump, &[6]);

        assert_eq!(taken, [1, 2]);
        let next = entries.try_recv().expect("there is room again");
        assert_eq!((next.bytes[0], next.missed), (6, 3));
        assert_eq!(omitted(&dump, Omission::QueueFull), 3);
    }

    #[test]
    fn bytes_that_wait_are_bounded_however_large_packets_are() {
        let (dump, entries) = dump(100);
        let half = vec![0; MAX_QUEUED_BYTES / 2];

        for _ in 0..3 {
            show(&dump, &half);
        }

        assert_eq!(entries.len(), 2);
        assert_eq!(omitted(&dump, Omission::QueueFull), 1);
        drop(entries.try_recv());
        show(&dump, &half);
        assert_eq!(entries.len(), 2);
        drop(entries.try_iter().collect::<Vec<_>>());
        assert_eq!(dump.file.shared.queued_bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn nothing_is_copied_for_a_file_that_has_ended() {
        let (dump, entries) = dump(2);
        dump.file.is_over.store(true, Ordering::Relaxed);

        show(&dump, &[1]);

        assert!(entries.is_empty());
        assert_eq!(omitted(&dump, Omission::FileEnded), 1);
    }

    fn dump(most: usize) -> (SessionDump, Receiver<Entry>) {
        let shared = Arc::<Shared>::default();
        shared.begin_session().expect("the first");
        let sid = ParticipantSid::random(&mut rand::rng());
        let file = DumpFile::new(&sid, String::new(), shared);
        let (queue, entries) = bounded(most);
        (SessionDump::new(file, queue), entries)
    }

    fn show(dump: &SessionDump, bytes: &[u8]) {
        dump.handle_packet(&ClearPacket {
            way: Way::Sent,
            protocol: Protocol::Rtp,
            parts: [bytes, &[]],
        });
    }

    fn omitted(dump: &SessionDump, reason: Omission) -> u64 {
        dump.file.shared.omissions[reason as usize].load(Ordering::Relaxed)
    }
}
