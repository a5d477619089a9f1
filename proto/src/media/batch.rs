//! Datagrams to send, laid out as the socket wants them.

use std::net::SocketAddr;
use std::ops::Range;

/// Most datagrams in one message: the kernel's limit for GSO.
const MAX_SEGMENTS: usize = 64;
/// Most bytes in one message: the largest UDP payload, less room for headers.
const MAX_MESSAGE_BYTES: usize = 65_000;
/// When a batch should be sent before more goes into it, in bytes: what stays in a core's cache, for
/// the kernel reads it again. With less, sealing and sending take turns more often.
const FULL_BYTES: usize = 64 * 1024;

/// From which of our addresses to which of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Path {
    /// Our candidate address.
    pub source: SocketAddr,
    /// Their address.
    pub destination: SocketAddr,
}

/// Datagrams over one path that can go in one system call: all of one size, but for a shorter
/// last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Over which path.
    pub path: Path,
    /// The datagrams, one behind the other.
    pub contents: &'a [u8],
    /// Bytes of each but the last.
    pub segment_bytes: usize,
    /// How many there are.
    pub segments: usize,
}

impl<'a> Message<'a> {
    /// The same in messages of at most so many datagrams: some kernels and cards take fewer.
    pub fn parts(&self, most_segments: usize) -> impl Iterator<Item = Self> + use<'a> {
        let whole = *self;
        let most_bytes = whole.segment_bytes * most_segments;
        whole
            .contents
            .chunks(most_bytes.max(1))
            .map(move |part| Self {
                contents: part,
                segments: part.len().div_ceil(whole.segment_bytes.max(1)),
                ..whole
            })
    }

    /// The size of each datagram if there are several, as GSO wants to be told.
    pub fn gso_bytes(&self) -> Option<usize> {
        (self.segments > 1).then_some(self.segment_bytes)
    }
}

#[derive(Debug)]
struct Run {
    path: Path,
    bytes: Range<usize>,
    segment_bytes: usize,
    segments: usize,
    /// Whether another datagram may follow.
    is_open: bool,
}

/// Datagrams to send, in order. Sessions write them into one buffer, where those that follow each
/// other on one path are one [`Message`] as they lie.
#[derive(Debug, Default)]
pub struct SendBatch {
    bytes: Vec<u8>,
    runs: Vec<Run>,
}

impl SendBatch {
    /// Adds a datagram.
    pub fn push(&mut self, path: Path, datagram: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(datagram);
        self.commit(path, start);
    }

    /// The buffer, to write a datagram to its end. [`SendBatch::commit`] it then, or truncate.
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Makes what was written from `start` on a datagram.
    pub(crate) fn commit(&mut self, path: Path, start: usize) {
        let bytes = self.bytes.len() - start;
        if let Some(run) = self.runs.last_mut()
            && run.is_open
            && run.path == path
            && run.bytes.end == start
            && bytes <= run.segment_bytes
            && run.bytes.len() + bytes <= MAX_MESSAGE_BYTES
        {
            run.bytes.end += bytes;
            run.segments += 1;
            run.is_open = bytes == run.segment_bytes && run.segments < MAX_SEGMENTS;
            return;
        }
        self.runs.push(Run {
            path,
            bytes: start..start + bytes,
            segment_bytes: bytes,
            segments: 1,
            is_open: bytes > 0,
        });
    }

    /// What to send, in order.
    pub fn messages(&self) -> impl Iterator<Item = Message<'_>> {
        self.runs.iter().map(|run| Message {
            path: run.path,
            contents: self.bytes.get(run.bytes.clone()).unwrap_or_default(),
            segment_bytes: run.segment_bytes,
            segments: run.segments,
        })
    }

    /// The single datagrams, in order.
    pub fn datagrams(&self) -> impl Iterator<Item = (Path, &[u8])> {
        self.messages().flat_map(|message| {
            let datagrams = message.contents.chunks(message.segment_bytes.max(1));
            datagrams.map(move |datagram| (message.path, datagram))
        })
    }

    /// How many datagrams there are.
    pub fn len(&self) -> usize {
        self.runs.iter().map(|run| run.segments).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Bytes of all datagrams.
    pub fn byte_count(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it should be sent before more is written.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= FULL_BYTES
    }

    /// Forgets all datagrams, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.runs.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> Path {
        Path {
            source: SocketAddr::from(([10, 0, 0, 1], 7882)),
            destination: SocketAddr::from(([10, 0, 0, 2], port)),
        }
    }

    fn shapes(batch: &SendBatch) -> Vec<(u16, usize, usize)> {
        let shape = |message: Message<'_>| {
            let port = message.path.destination.port();
            (port, message.segment_bytes, message.segments)
        };
        batch.messages().map(shape).collect()
    }

    #[test]
    fn datagrams_of_one_size_are_one_message_with_a_shorter_last() {
        let mut batch = SendBatch::default();
        for bytes in [100, 100, 60, 60, 100] {
            batch.push(path(1), &vec![bytes as u8; bytes]);
        }

        assert_eq!(shapes(&batch), [(1, 100, 3), (1, 60, 1), (1, 100, 1)]);
        let sizes: Vec<_> = batch.datagrams().map(|(_, bytes)| bytes.len()).collect();
        assert_eq!(sizes, [100, 100, 60, 60, 100]);
        assert_eq!((batch.len(), batch.byte_count()), (5, 420));
    }

    #[test]
    fn a_message_comes_in_parts_for_those_who_take_fewer() {
        let mut batch = SendBatch::default();
        for bytes in [100, 100, 100, 60] {
            batch.push(path(1), &vec![0; bytes]);
        }
        let message = batch.messages().next().expect("a message");

        let shape = |part: Message<'_>| (part.contents.len(), part.segments, part.gso_bytes());
        let parts: Vec<_> = message.parts(3).map(shape).collect();
        assert_eq!(parts, [(300, 3, Some(100)), (60, 1, None)]);
        assert_eq!(message.parts(64).next(), Some(message));
    }

    #[test]
    fn another_path_is_another_message() {
        let mut batch = SendBatch::default();
        batch.push(path(1), &[0; 10]);
        batch.push(path(2), &[0; 10]);

        assert_eq!(shapes(&batch), [(1, 10, 1), (2, 10, 1)]);
    }

    #[test]
    fn a_message_ends_at_the_kernels_limits() {
        let mut batch = SendBatch::default();
        for _ in 0..65 {
            batch.push(path(1), &[0; 10]);
        }
        assert_eq!(shapes(&batch), [(1, 10, 64), (1, 10, 1)]);

        batch.clear();
        for _ in 0..60 {
            batch.push(path(1), &[0; 1_200]);
        }
        assert_eq!(shapes(&batch), [(1, 1_200, 54), (1, 1_200, 6)]);
    }
}
