//! The bytes of a file that have come and are not read yet.

/// A part of a file that moves towards its end.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// How many of the bytes have been read.
    read: usize,
    /// Where in the file the first unread byte is.
    offset: u64,
    /// How many bytes to read past that have not come yet.
    skip: u64,
}

impl Window {
    /// A window that begins at an offset of the file.
    pub(super) fn at(offset: u64) -> Self {
        Self {
            offset,
            ..Self::default()
        }
    }

    /// Takes the bytes that follow those taken before.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let skipped = usize::try_from(self.skip)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.skip -= skipped as u64;
        self.offset += skipped as u64;
        if self.read > 0 {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
        self.bytes
            .extend_from_slice(bytes.get(skipped..).unwrap_or_default());
    }

    /// Reads past so many bytes, which may be yet to come.
    pub(super) fn skip(&mut self, count: u64) {
        let there = self.unread().len();
        let now = usize::try_from(count).unwrap_or(usize::MAX).min(there);
        self.read += now;
        self.offset += now as u64;
        self.skip += count - now as u64;
    }

    /// Whether bytes that are to be read past have not come yet.
    pub(super) fn is_skipping(&self) -> bool {
        self.skip > 0
    }

    /// What has come and is not read yet.
    pub(super) fn unread(&self) -> &[u8] {
        self.bytes.get(self.read..).unwrap_or_default()
    }

    /// Where in the file the first unread byte is.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }
}
