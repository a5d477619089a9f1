//! Media in the clear, written to files for people who search for a fault with Wireshark.
//!
//! 1. The packet path copies a packet of a session into the queue, see `session`.
//! 2. A thread of its own writes it to the session's file, see `writer`, as a line such as
//!    Chromium and Firefox log, see [`mod@line`].
//!
//! Nothing here can hold up media or a participant: what the disk does not keep up with is left
//! out, a file that cannot be written ends, and a session beyond a limit is not dumped. All of that
//! is counted.

pub mod line;
mod session;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use proto::ids::{Identity, ParticipantSid, RoomName};
use proto::media::tap::Tap;

use crate::config::Debugging;
use crate::engine::Taps;
use crate::{entropy, files};

use session::{DumpFile, Entry, SessionDump};
use writer::Writer;

/// Packets that wait to be written. More bridges a longer pause of the disk, and takes memory.
const MAX_QUEUED: usize = 8_192;
/// Bytes of all packets that wait to be written.
const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;
/// Sessions that are dumped at a time; each has an open file and its buffer.
const MAX_SESSIONS: usize = 256;
/// Bytes of one file: a quarter of an hour of a participant of a small conference.
const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;
/// Files since the start.
const MAX_FILES: usize = 10_000;
/// Bytes of all files since the start.
const MAX_TOTAL_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// Whose media is written, and to where.
#[derive(Debug)]
pub struct Dumps {
    rooms: Vec<String>,
    identities: Vec<String>,
    queue: Sender<Entry>,
    shared: Arc<Shared>,
}

/// Why something is not in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Omission {
    /// A packet: the disk does not keep up.
    QueueFull,
    /// A packet: its file cannot be written any more, or is as large as it may be.
    FileEnded,
    /// A session: a limit is reached.
    SessionRefused,
}

/// What the sessions, the writer and those who look at counts have in common.
#[derive(Debug, Default)]
struct Shared {
    /// Sessions that are dumped now.
    sessions: AtomicUsize,
    /// Files there have been.
    files: AtomicUsize,
    /// Bytes of the packets in the queue.
    queued_bytes: AtomicUsize,
    /// Bytes of all files there have been.
    written_bytes: AtomicU64,
    omissions: [AtomicU64; Omission::ALL.len()],
}

impl Dumps {
    /// Begins to dump, if the configuration says so.
    ///
    /// # Errors
    /// What the system says of the folder, which is made if it is not there.
    pub fn start(config: &Debugging) -> io::Result<Option<Arc<Self>>> {
        let Some(folder) = &config.rtp_dump else {
            return Ok(None);
        };
        let (dumps, _) = Self::start_in(folder, config)?;
        Ok(Some(Arc::new(dumps)))
    }

    fn start_in(folder: &Path, config: &Debugging) -> io::Result<(Self, JoinHandle<()>)> {
        make_folder(folder)?;
        let shared = Arc::<Shared>::default();
        let (queue, entries) = bounded(MAX_QUEUED);
        let writer = Writer::new(folder.to_owned(), Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name("rtp-dump".to_owned())
            .spawn(move || writer.run(&entries))?;
        let dumps = Self {
            rooms: config.rtp_dump_rooms.clone(),
            identities: config.rtp_dump_identities.clone(),
            queue,
            shared,
        };
        Ok((dumps, thread))
    }

    /// How often something was not written, by reason.
    pub fn omissions(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.shared.omissions.iter();
        Omission::ALL
            .into_iter()
            .zip(counts)
            .map(|(reason, count)| (reason.label(), count.load(Ordering::Relaxed)))
    }

    fn is_chosen(&self, room: &RoomName, identity: &Identity) -> bool {
        let is_among =
            |names: &[String], own: &str| names.is_empty() || names.iter().any(|name| name == own);
        is_among(&self.rooms, room.as_str()) && is_among(&self.identities, identity.as_str())
    }
}

impl Taps for Dumps {
    fn tap(
        &self,
        room: &RoomName,
        identity: &Identity,
        sid: &ParticipantSid,
    ) -> Option<Arc<dyn Tap>> {
        if !self.is_chosen(room, identity) {
            return None;
        }
        if let Err(limit) = self.shared.begin_session() {
            tracing::warn!(participant = %sid, limit, "no RTP dump of this participant");
            self.shared.omit(Omission::SessionRefused);
            return None;
        }
        tracing::info!(participant = %sid, "RTP is dumped in the clear");
        let title = line::title(room.as_str(), identity.as_str(), sid.as_str());
        let file = DumpFile::new(sid, title, Arc::clone(&self.shared));
        Some(Arc::new(SessionDump::new(file, self.queue.clone())))
    }
}

impl Shared {
    /// Counts a session, if there may be another.
    fn begin_session(&self) -> Result<(), &'static str> {
        if self.written_bytes.load(Ordering::Relaxed) >= MAX_TOTAL_BYTES {
            return Err("bytes of all files");
        }
        let below = |most: usize| move |count: usize| (count < most).then_some(count + 1);
        self.sessions
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, below(MAX_SESSIONS))
            .map_err(|_| "sessions at a time")?;
        self.files
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, below(MAX_FILES))
            .inspect_err(|_| self.end_session())
            .map_err(|_| "files")?;
        Ok(())
    }

    fn end_session(&self) {
        self.sessions.fetch_sub(1, Ordering::Relaxed);
    }

    fn omit(&self, reason: Omission) {
        self.omissions[reason as usize].fetch_add(1, Ordering::Relaxed);
    }
}

impl Omission {
    /// Every reason, in the order of their numbers.
    const ALL: [Self; 3] = [Self::QueueFull, Self::FileEnded, Self::SessionRefused];

    /// The reason as a label.
    const fn label(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::FileEnded => "file_ended",
            Self::SessionRefused => "session_refused",
        }
    }
}

/// Makes the folder, for its owner alone; one that is there stays as it is.
fn make_folder(folder: &Path) -> io::Result<()> {
    files::make_folder(folder)?;
    // Tells now whether files can be made there, and not when somebody joins.
    let name = u64::from_ne_bytes(entropy::bytes());
    let probe = folder.join(format!(".plenary-{name:016x}"));
    files::create(&probe)?;
    std::fs::remove_file(&probe)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use proto::media::tap::{ClearPacket, Protocol, Way};

    use super::*;
    use writer::tests::Folder;

    #[test]
    fn is_off_by_default() {
        let dumps = Dumps::start(&Debugging::default()).expect("nothing to do");

        assert!(dumps.is_none());
    }

    #[test]
    fn only_the_chosen_are_dumped() {
        let folder = Folder::new();
        let dumps = start(Debugging {
            rtp_dump: Some(folder.0.clone()),
            rtp_dump_rooms: vec!["blue".into(), "red".into()],
            rtp_dump_identities: vec!["ann".into()],
        });

        assert!(tap(&dumps, "red", "ann").is_some());
        assert!(tap(&dumps, "red", "ben").is_none());
        assert!(tap(&dumps, "green", "ann").is_none());
    }

    #[test]
    fn so_many_are_dumped_at_a_time_and_no_more() {
        let folder = Folder::new();
        let dumps = start(everyone(&folder));
        let mut taps: Vec<_> = (0..MAX_SESSIONS)
            .map_while(|number| tap(&dumps, "blue", &format!("p{number}")))
            .collect();
        assert_eq!(taps.len(), MAX_SESSIONS);
        assert!(tap(&dumps, "blue", "another").is_none());

        taps.pop();

        assert!(tap(&dumps, "blue", "another").is_some());
        let refused = dumps.omissions().last();
        assert_eq!(refused, Some(("session_refused", 1)));
    }

    #[test]
    fn nobody_is_dumped_once_there_have_been_enough_files() {
        let folder = Folder::new();
        let dumps = start(everyone(&folder));
        dumps.shared.files.store(MAX_FILES - 1, Ordering::Relaxed);

        assert!(tap(&dumps, "blue", "ann").is_some());
        assert!(tap(&dumps, "blue", "ben").is_none());
        assert_eq!(dumps.shared.sessions.load(Ordering::Relaxed), 0);

        dumps.shared.files.store(0, Ordering::Relaxed);
        let written = &dumps.shared.written_bytes;
        written.store(MAX_TOTAL_BYTES, Ordering::Relaxed);
        assert!(tap(&dumps, "blue", "ann").is_none());
    }

    #[test]
    fn what_a_session_shows_is_in_a_file_that_its_owner_alone_can_read() {
        let folder = Folder::new();
        let inner = folder.0.join("made").join("here");
        let (dumps, thread) = Dumps::start_in(&inner, &Debugging::default()).expect("a folder");
        let tap = tap(&dumps, "blue", "../../ann/").expect("everyone is dumped");

        for (way, byte) in [(Way::Received, 1), (Way::Sent, 2)] {
            let parts: [&[u8]; 2] = [&[0x80, byte], &[3]];
            tap.handle_packet(&ClearPacket {
                way,
                protocol: Protocol::Rtp,
                parts,
            });
        }
        drop((tap, dumps));
        thread.join().expect("the writer ends with its queue");

        let [path] = &entries(&inner)[..] else {
            panic!("one file, and nothing else: {:?}", entries(&inner));
        };
        let name = path.file_name().and_then(|name| name.to_str());
        assert!(name.is_some_and(|name| name.starts_with("PA_") && name.ends_with(".txt")));
        let text = fs::read_to_string(path).expect("text");
        let packets: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(packets[0].starts_with("I ") && packets[0].ends_with(" 80 01 03 # RTP_PACKET"));
        assert!(packets[1].starts_with("O ") && packets[1].ends_with(" 80 02 03 # RTP_PACKET"));
        assert_eq!(packets.len(), 2);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(path), mode(&inner)), (0o600, 0o700));
    }

    #[test]
    fn a_folder_that_cannot_be_had_is_told_at_the_start() {
        let folder = Folder::new();
        let file = folder.0.join("a file");
        fs::write(&file, []).expect("a file");

        let started = Dumps::start(&Debugging {
            rtp_dump: Some(file.join("below")),
            ..Debugging::default()
        });

        assert!(started.is_err());
    }

    fn everyone(folder: &Folder) -> Debugging {
        Debugging {
            rtp_dump: Some(folder.0.clone()),
            ..Debugging::default()
        }
    }

    fn start(config: Debugging) -> Arc<Dumps> {
        Dumps::start(&config)
            .expect("a folder can be made")
            .expect("it is on")
    }

    fn tap(dumps: &Dumps, room: &str, identity: &str) -> Option<Arc<dyn Tap>> {
        let room = RoomName::new(room).expect("a name");
        let identity = Identity::new(identity).expect("a name");
        let sid = ParticipantSid::random(&mut rand::rng());
        dumps.tap(&room, &identity, &sid)
    }

    fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    }
}
