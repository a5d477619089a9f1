//! Why a file cannot be read.

use crate::mux::ebml::Malformed;

/// Why a file cannot be read on, and where. The file is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind}, at byte {offset} of the file")]
pub struct ReadError {
    /// What is wrong.
    pub kind: ReadErrorKind,
    /// Where the element begins in which it is wrong.
    pub offset: u64,
}

/// What is wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadErrorKind {
    /// It does not begin as a Matroska or WebM file does.
    #[error("this is not a Matroska or WebM file")]
    NotMatroska,
    /// It needs a newer reader.
    #[error("this file needs a newer version of Matroska than 4")]
    Version,
    /// Bytes are no element, or an element does not fit where it is.
    #[error("no element of Matroska can be like this")]
    Malformed,
    /// An element is larger than [`MAX_BLOCK_BYTES`](crate::mux::limits::MAX_BLOCK_BYTES) or
    /// [`MAX_HEADER_BYTES`](crate::mux::limits::MAX_HEADER_BYTES).
    #[error("an element is too large")]
    TooLarge,
    /// A cluster comes before the tracks are described.
    #[error("a cluster comes before the tracks are described")]
    NoTracks,
    /// There is more than one frame in a block.
    #[error("a block is laced, which is not implemented")]
    Laced,
    /// A time is beyond all time.
    #[error("a time is out of range")]
    Time,
}

impl From<Malformed> for ReadErrorKind {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}
