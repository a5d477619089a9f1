//! The thread that writes dumps.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::session::{DumpFile, Entry};
use super::{MAX_FILE_BYTES, MAX_TOTAL_BYTES, Shared, line};
use crate::files;

/// Bytes of text collected for a file before they are written, while more packets wait. Each file
/// has as much memory.
const BUFFER_BYTES: usize = 64 * 1024;
/// How often files of sessions that have ended are closed, while nothing is written.
const IDLE: Duration = Duration::from_secs(1);

/// Writes what comes out of the queue.
#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    shared: Arc<Shared>,
    max_file_bytes: u64,
    /// Open files, by name.
    files: BTreeMap<String, Output>,
    /// The lines of one packet.
    lines: Vec<u8>,
}

#[derive(Debug)]
struct Output {
    of: Arc<DumpFile>,
    file: BufWriter<File>,
    bytes: u64,
}

impl Writer {
    pub(super) fn new(folder: PathBuf, shared: Arc<Shared>) -> Self {
        Self {
            folder,
            shared,
            max_file_bytes: MAX_FILE_BYTES,
            files: BTreeMap::new(),
            lines: Vec::new(),
        }
    }

    /// Works until nobody can put anything into the queue any more.
    pub(super) fn run(mut self, entries: &Receiver<Entry>) {
        loop {
            match entries.recv_timeout(IDLE) {
                Ok(entry) => self.take(&entry),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return self.flush(),
            }
            // What waits, once; what comes meanwhile is for the next turn.
            for entry in entries.try_iter().take(entries.len()) {
                self.take(&entry);
            }
            self.flush();
        }
    }

    fn take(&mut self, entry: &Entry) {
        if entry.file.is_over.load(Ordering::Relaxed) {
            return;
        }
        match self.append(entry) {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    file = entry.file.name,
                    "an RTP dump is as large as it may be"
                );
                self.close(&entry.file);
            }
            Err(error) => self.give_up(&entry.file, &error),
        }
    }

    /// Adds a packet to its file, which is made for the first. Says whether more may follow.
    fn append(&mut self, entry: &Entry) -> io::Result<bool> {
        let output = match self.files.get_mut(&entry.file.name) {
            Some(output) => output,
            None => {
                let output = Output::create(&self.folder, &entry.file)?;
                let name = entry.file.name.clone();
                self.files.entry(name).or_insert(output)
            }
        };
        self.lines.clear();
        if output.bytes == 0 {
            self.lines.extend_from_slice(entry.file.title.as_bytes());
        }
        if entry.missed > 0 {
            line::write_missed(&mut self.lines, entry.missed);
        }
        line::write(&mut self.lines, entry.time, &entry.packet());
        let added = self.lines.len() as u64;
        let total = self.shared.written_bytes.load(Ordering::Relaxed);
        let has_room =
            output.bytes + added <= self.max_file_bytes && total + added <= MAX_TOTAL_BYTES;
        if !has_room {
            output.file.write_all(line::LAST)?;
            output.file.flush()?;
            return Ok(false);
        }
        output.file.write_all(&self.lines)?;
        output.bytes += added;
        self.shared
            .written_bytes
            .fetch_add(added, Ordering::Relaxed);
        Ok(true)
    }

    /// Writes what is collected, and closes the files of sessions that have ended.
    fn flush(&mut self) {
        let mut broken = Vec::new();
        for output in self.files.values_mut() {
            if let Err(error) = output.file.flush() {
                broken.push((Arc::clone(&output.of), error));
            }
        }
        for (file, error) in broken {
            self.give_up(&file, &error);
        }
        // The other hold on it is the session's.
        self.files
            .retain(|_, output| Arc::strong_count(&output.of) > 1);
    }

    fn give_up(&mut self, file: &DumpFile, error: &io::Error) {
        tracing::warn!(file = file.name, %error, "an RTP dump cannot be written and ends here");
        self.close(file);
    }

    fn close(&mut self, file: &DumpFile) {
        file.is_over.store(true, Ordering::Relaxed);
        if let Some(output) = self.files.remove(&file.name) {
            // What could not be written is not tried again.
            let _ = output.file.into_parts();
        }
    }
}

impl Output {
    fn create(folder: &Path, of: &Arc<DumpFile>) -> io::Result<Self> {
        let file = files::create(&folder.join(&of.name))?;
        Ok(Self {
            of: Arc::clone(of),
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            bytes: 0,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use proto::ids::ParticipantSid;
    use proto::media::tap::{ClearPacket, Protocol, Way};

    use super::*;

    #[test]
    fn a_file_has_a_title_and_the_packets_in_order() {
        let (folder, mut writer, file) = parts();

        for byte in 1..=3 {
            writer.take(&entry(&file, byte, 0));
        }
        writer.flush();

        let lines = read(&folder, &file);
        assert_eq!(lines[0], "# title");
        for (line, byte) in lines[1..].iter().zip(["01", "02", "03"]) {
            assert!(line.ends_with(&format!(" {byte} # RTP_PACKET")), "{line}");
        }
        assert_eq!(lines.len(), 4);
        let bytes = fs::read(folder.0.join(&file.name)).expect("a file").len();
        assert_eq!(
            writer.shared.written_bytes.load(Ordering::Relaxed),
            bytes as u64
        );
    }

    #[test]
    fn a_file_tells_how_many_packets_it_lacks_and_where() {
        let (folder, mut writer, file) = parts();

        writer.take(&entry(&file, 1, 17));
        writer.flush();

        assert_eq!(read(&folder, &file)[1], "# Here 17 packets are missing.");
    }

    #[test]
    fn a_file_that_is_full_says_so_and_ends() {
        let (folder, mut writer, file) = parts();
        writer.max_file_bytes = 100;

        for byte in 0..100 {
            writer.take(&entry(&file, byte, 0));
        }
        writer.flush();

        let text = fs::read(folder.0.join(&file.name)).expect("a file");
        assert!(text.ends_with(line::LAST));
        assert!(text.len() <= 100 + line::LAST.len());
        assert!(file.is_over.load(Ordering::Relaxed) && writer.files.is_empty());
    }

    #[test]
    fn all_files_together_are_bounded() {
        let (folder, mut writer, file) = parts();
        let written = &writer.shared.written_bytes;
        written.store(MAX_TOTAL_BYTES - 100, Ordering::Relaxed);

        for byte in 0..100 {
            writer.take(&entry(&file, byte, 0));
        }

        assert!(file.is_over.load(Ordering::Relaxed));
        assert!(read(&folder, &file).len() < 6);
    }

    #[test]
    fn the_file_of_a_session_that_has_ended_is_closed() {
        let (_folder, mut writer, file) = parts();
        writer.take(&entry(&file, 1, 0));
        writer.flush();
        assert_eq!(writer.files.len(), 1);

        drop(file);
        writer.flush();

        assert!(writer.files.is_empty());
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let (folder, mut writer, file) = parts();
        fs::write(folder.0.join(&file.name), "another's").expect("a file");

        writer.take(&entry(&file, 1, 0));
        writer.flush();

        assert_eq!(read(&folder, &file), ["another's"]);
        assert!(file.is_over.load(Ordering::Relaxed));
    }

    #[test]
    fn a_disk_that_is_full_ends_the_file_and_not_the_writer() {
        let (_folder, mut writer, file) = parts();
        let (_, _, other) = parts();
        for one in [&file, &other] {
            writer.take(&entry(one, 1, 0));
        }
        // A device on which every write fails as on a full disk.
        let full = File::options()
            .write(true)
            .open("/dev/full")
            .expect("Linux has it");
        let output = writer.files.get_mut(&file.name).expect("it is open");
        output.file = BufWriter::with_capacity(BUFFER_BYTES, full);

        writer.take(&entry(&file, 2, 0));
        writer.flush();

        assert!(file.is_over.load(Ordering::Relaxed));
        assert!(!other.is_over.load(Ordering::Relaxed));
        assert_eq!(writer.files.len(), 1);
    }

    fn parts() -> (Folder, Writer, Arc<DumpFile>) {
        let (folder, shared) = (Folder::new(), Arc::<Shared>::default());
        shared.begin_session().expect("the first");
        let sid = ParticipantSid::random(&mut rand::rng());
        let file = DumpFile::new(&sid, "# title\n".to_owned(), Arc::clone(&shared));
        let writer = Writer::new(folder.0.clone(), shared);
        (folder, writer, Arc::new(file))
    }

    fn entry(file: &Arc<DumpFile>, byte: u8, missed: u32) -> Entry {
        let packet = ClearPacket {
            way: Way::Received,
            protocol: Protocol::Rtp,
            parts: [&[byte], &[]],
        };
        Entry::new(file, Duration::ZERO, &packet, missed)
    }

    fn read(folder: &Folder, file: &DumpFile) -> Vec<String> {
        let text = fs::read_to_string(folder.0.join(&file.name)).expect("a file of text");
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// A folder for as long as a test lasts.
    pub(in crate::dump) struct Folder(pub(in crate::dump) PathBuf);

    impl Folder {
        pub(in crate::dump) fn new() -> Self {
            let name = format!("plenary-dump-{:016x}", rand::random::<u64>());
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).expect("a folder");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // What is left goes with the system's temporary files.
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
