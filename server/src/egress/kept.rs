//! Egresses as they are kept, in a file beside the manifest of their recordings.

use std::fs;
use std::io;
use std::path::Path;

use mixer::layout::Layout;
use proto::signal::messages::EgressInfo;
use serde::{Deserialize, Serialize};

use super::encoding::Pictures;
use super::view;
use crate::files;

const NAME: &str = "egress.json";

/// An egress.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) plan: Plan,
    /// As LiveKit shows it, but for what its recording tells while it runs.
    pub(super) info: EgressInfo,
}

/// What is to be made of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The file, from the folder of egresses.
    pub(super) path: String,
    pub(super) make: Make,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Make {
    /// The files of a track as they are.
    Track,
    /// One picture and one sound.
    Composite {
        /// None for sound alone.
        pictures: Option<Pictures>,
        has_sound: bool,
        /// None for those of the recording's journal.
        layout: Option<Layout>,
    },
}

impl Kept {
    /// That of a recording, if it has one that can be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let content = fs::read(folder.join(NAME)).ok()?;
        serde_json::from_slice(&content)
            .inspect_err(|error| tracing::warn!(folder = %folder.display(), %error, "unreadable"))
            .ok()
    }

    /// Writes it into its recording's folder, as a whole or not at all.
    ///
    /// # Errors
    /// What the system says; the one before stays.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        files::replace(folder, NAME, &serde_json::to_vec_pretty(self)?)
    }

    /// Whether nothing changes any more.
    pub(super) fn is_final(&self) -> bool {
        view::is_final(self.info.status())
    }
}
