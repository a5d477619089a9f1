//! `plenary-load compare`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::compare::{Runs, page};

/// See the command.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// Folder of JSON reports called scenario.server.round.json; versions.json in it may name the
    /// servers' versions, and about.md say when and on what they ran.
    folder: PathBuf,
    /// The server that others are compared with.
    #[arg(long, default_value = "plenary")]
    baseline: String,
    /// Write the page here instead of to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Compare {
    pub(super) fn run(self) -> Result<ExitCode> {
        let runs = Runs::read(&self.folder)?;
        let servers = runs.servers();
        ensure!(
            servers.contains(&self.baseline),
            "there are no reports of {}, only of {}",
            self.baseline,
            servers.join(", ")
        );
        let versions = match optional(&self.folder.join("versions.json"))? {
            Some(text) => serde_json::from_str(&text).context("versions.json")?,
            None => BTreeMap::new(),
        };
        let about = optional(&self.folder.join("about.md"))?.unwrap_or_default();
        let page = page(&runs, &self.baseline, &versions, &about);
        match &self.out {
            Some(path) => std::fs::write(path, page)
                .with_context(|| format!("cannot write {}", path.display()))?,
            None => return super::print(&page),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A file's text, if there is the file.
fn optional(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}
