//! A file on its way into an object store.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use aws_lc_rs::digest::{Context, SHA256};
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{ObjectStore, PutMultipartOptions, PutOptions, PutPayload};

use super::{Store, StoreError, attributes};

/// Most parts of an object.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const MAX_PARTS: u64 = 10_000;
/// How often a step is tried before all of the upload is begun anew: the store may have forgotten it.
const MAX_FAILURES: u32 = 4;

/// A file that is sent as one object, or in parts if it is large. After a failure it goes on with the
/// part that has failed.
pub(crate) struct Upload {
    file: PathBuf,
    key: Path,
    media_type: &'static str,
    bytes: u64,
    part_bytes: u64,
    /// The store's id of it, if it is sent in parts.
    id: Option<String>,
    parts: Vec<PartId>,
    sent_bytes: u64,
    is_sent: bool,
    hash: Context,
    failures: u32,
}

impl Upload {
    /// Prepares to send a file, which must not change any more.
    ///
    /// # Errors
    /// That the file cannot be read.
    pub(crate) fn new(
        store: &Store,
        file: PathBuf,
        key: Path,
        media_type: &'static str,
    ) -> Result<Self, StoreError> {
        let metadata = std::fs::metadata(&file);
        let bytes = metadata.map_err(|error| unreadable(&file, error))?.len();
        Ok(Self {
            file,
            key,
            media_type,
            bytes,
            part_bytes: store.part_bytes.max(bytes.div_ceil(MAX_PARTS)),
            id: None,
            parts: Vec::new(),
            sent_bytes: 0,
            is_sent: false,
            hash: Context::new(&SHA256),
            failures: 0,
        })
    }

    /// The store's id of an upload in parts, once it has begun.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// How large the file is.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How much of it the store has.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes
    }

    /// Whether there is a point in going on with it after a failure.
    pub(crate) fn can_go_on(&self) -> bool {
        self.failures < MAX_FAILURES
    }

    /// Announces an upload in parts, if it is to be one and is not announced yet. Its id is to be
    /// written down before the first part is sent.
    ///
    /// # Errors
    /// [`StoreError`]
    pub(crate) async fn begin(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.id.is_none() && self.bytes > self.part_bytes {
            let options = PutMultipartOptions::from(attributes(self.media_type));
            let begun = store.bucket.create_multipart_opts(&self.key, options);
            self.id = Some(begun.await?);
        }
        Ok(())
    }

    /// Sends the next part. Returns whether there was one.
    ///
    /// # Errors
    /// [`StoreError`]; the same part is the next one then.
    pub(crate) async fn send_next(&mut self, store: &Store) -> Result<bool, StoreError> {
        if self.is_sent {
            return Ok(false);
        }
        // Unless this comes to its end.
        self.failures += 1;
        let left = self.bytes - self.sent_bytes;
        let count = left.min(self.part_bytes);
        let part = self
            .read(count)
            .map_err(|error| unreadable(&self.file, error))?;
        let mut hash = self.hash.clone();
        hash.update(&part);
        self.send(store, part.into()).await?;
        self.hash = hash;
        self.sent_bytes += count;
        self.is_sent = self.sent_bytes == self.bytes;
        self.failures = 0;
        store.sent_bytes.fetch_add(count, Ordering::Relaxed);
        Ok(true)
    }

    async fn send(&mut self, store: &Store, part: PutPayload) -> Result<(), StoreError> {
        match &self.id {
            Some(id) => {
                let index = self.parts.len();
                let sent = store.bucket.put_part(&self.key, id, index, part);
                self.parts.push(sent.await?);
            }
            None => {
                let options = PutOptions::from(attributes(self.media_type));
                store.bucket.put_opts(&self.key, part, options).await?;
            }
        }
        Ok(())
    }

    fn read(&self, count: u64) -> io::Result<Vec<u8>> {
        let mut part = vec![0; usize::try_from(count).map_err(io::Error::other)?];
        File::open(&self.file)?.read_exact_at(&mut part, self.sent_bytes)?;
        Ok(part)
    }

    /// Ends it when all is sent, and asks the store whether all is there. Returns the SHA-256 of the
    /// file, in hexadecimal digits.
    ///
    /// # Errors
    /// [`StoreError`]
    pub(crate) async fn finish(&mut self, store: &Store) -> Result<String, StoreError> {
        self.failures += 1;
        if let Some(id) = &self.id {
            let parts = self.parts.clone();
            let completed = store.bucket.complete_multipart(&self.key, id, parts);
            match completed.await {
                // An upload that is not there has been completed, and the answer was lost; or it is
                // gone, and then so is the object.
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        store.check(&self.key, self.bytes).await?;
        let digest = self.hash.clone().finish();
        let digits = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        Ok(digits.collect())
    }
}

fn unreadable(file: &std::path::Path, error: io::Error) -> StoreError {
    StoreError::Read {
        path: file.display().to_string(),
        error,
    }
}
