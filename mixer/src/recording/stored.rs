//! How much of a recording an object store has.

use serde::{Deserialize, Serialize};

/// How a recording stands with an object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredState {
    /// It has not begun, waits for the next try, or for a composite.
    Waiting,
    /// Files are being uploaded.
    Uploading,
    /// The store has all of it, and has been asked.
    Stored,
}

/// What an object store has of a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// How it stands.
    pub state: StoredState,
    /// Milliseconds since 1970 since when it stands so.
    pub since_ms: i64,
    /// What stands for the recording's folder there: `s3://<bucket>/<folder>`.
    pub url: String,
    /// Why the last try has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Bytes that are there.
    pub bytes: u64,
    /// Bytes that will be there.
    pub total_bytes: u64,
    /// The files that are there. The manifest is not among them: it is uploaded when all others are.
    pub files: Vec<StoredFile>,
    /// The upload that was begun and not ended; the store keeps its parts until it is aborted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<UnfinishedUpload>,
}

/// A file that an object store has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Where, from the recording's folder, here and there.
    pub path: String,
    /// How large it is.
    pub bytes: u64,
    /// SHA-256 of all of it, in hexadecimal digits.
    pub sha256: String,
}

/// An upload in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedUpload {
    /// The file.
    pub path: String,
    /// The store's id of the upload.
    pub id: String,
}

impl Stored {
    /// What nothing has been done for yet.
    pub fn new(url: String, now_ms: i64) -> Self {
        Self {
            state: StoredState::Waiting,
            since_ms: now_ms,
            url,
            error: None,
            bytes: 0,
            total_bytes: 0,
            files: Vec::new(),
            unfinished: None,
        }
    }

    /// Whether the store cannot have anything of it.
    pub fn is_untouched(&self) -> bool {
        self.state == StoredState::Waiting
            && self.error.is_none()
            && self.files.is_empty()
            && self.unfinished.is_none()
    }

    /// Whether the store has a file.
    pub fn has(&self, path: &str) -> bool {
        self.files.iter().any(|file| file.path == path)
    }

    /// It stands like this from now on.
    pub fn enter(&mut self, state: StoredState, now_ms: i64) {
        if self.state != state {
            (self.state, self.since_ms) = (state, now_ms);
        }
    }

    /// The store has a file.
    pub fn add(&mut self, file: StoredFile) {
        self.bytes = self.bytes.saturating_add(file.bytes);
        self.files.push(file);
        self.error = None;
        self.unfinished = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_there_and_says_since_when() {
        let mut stored = Stored::new("s3://talks/RM_1".to_owned(), 1);
        assert!(stored.is_untouched());

        stored.enter(StoredState::Uploading, 5);
        stored.enter(StoredState::Uploading, 9);
        stored.error = Some("no answer".to_owned());
        stored.add(StoredFile {
            path: "journal.jsonl".to_owned(),
            bytes: 7,
            sha256: "00".to_owned(),
        });

        assert_eq!((stored.since_ms, stored.bytes), (5, 7));
        assert!(stored.has("journal.jsonl") && !stored.has("manifest.json"));
        assert!(!stored.is_untouched() && stored.error.is_none());
    }
}
