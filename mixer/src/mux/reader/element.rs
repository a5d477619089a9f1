//! An element of which the beginning has come.

use super::{ReadError, ReadErrorKind};
use crate::mux::ebml::ElementHeader;
use crate::mux::header::{SizeField, Slot};

/// An element of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Element {
    pub(super) header: ElementHeader,
    /// Where it begins in the file.
    pub(super) offset: u64,
}

impl Element {
    pub(super) fn id(self) -> u32 {
        self.header.id
    }

    /// Bytes before its body.
    pub(super) fn header_bytes(self) -> usize {
        self.header.bytes()
    }

    /// Where its body begins in the file.
    pub(super) fn body_offset(self) -> u64 {
        self.offset + self.header.bytes() as u64
    }

    /// Where it ends in the file, if it says so.
    pub(super) fn end(self) -> Option<u64> {
        self.body_offset().checked_add(self.header.size?)
    }

    /// Where it ends in the file; of what has other than blocks and Segments in it, that is known.
    pub(super) fn known_end(self) -> Result<u64, ReadError> {
        self.end().ok_or(self.error(ReadErrorKind::Malformed))
    }

    /// All of it.
    pub(super) fn slot(self) -> Option<Slot> {
        Some(Slot {
            offset: self.offset,
            bytes: self.end()? - self.offset,
        })
    }

    pub(super) fn size_field(self) -> SizeField {
        SizeField {
            offset: self.offset + self.header.id_bytes as u64,
            bytes: self.header.size_bytes,
            is_unknown: self.header.size.is_none(),
        }
    }

    /// Checks that it ends where what it is in does, or earlier.
    pub(super) fn check_fits(self, end: Option<u64>) -> Result<(), ReadError> {
        let fits = match (self.header.size, self.end()) {
            (None, _) => true,
            (Some(_), own) => own.is_some_and(|own| end.is_none_or(|end| own <= end)),
        };
        if fits {
            Ok(())
        } else {
            Err(self.error(ReadErrorKind::Malformed))
        }
    }

    /// The size of its body, which is to be read in one piece.
    pub(super) fn size_within(self, limit: usize) -> Result<usize, ReadError> {
        let size = self
            .header
            .size
            .ok_or(self.error(ReadErrorKind::Malformed))?;
        let size = usize::try_from(size).ok().filter(|&size| size <= limit);
        size.ok_or(self.error(ReadErrorKind::TooLarge))
    }

    /// Its body, which is to be read in one piece, if all of it is in `unread`, which begins where
    /// the element does.
    pub(super) fn body(self, unread: &[u8], limit: usize) -> Result<Option<&[u8]>, ReadError> {
        let begin = self.header_bytes();
        Ok(unread.get(begin..begin + self.size_within(limit)?))
    }

    /// An error in it.
    pub(super) fn error(self, kind: impl Into<ReadErrorKind>) -> ReadError {
        ReadError {
            kind: kind.into(),
            offset: self.offset,
        }
    }
}
