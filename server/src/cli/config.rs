//! `plenary config`

use clap::Args;

use super::{CliError, load, say};
use crate::config::{ConfigFlags, effective, example, reference};

/// Show the configuration in effect, and check it.
///
/// Reads file, environment and flags as `plenary serve` does, and shows each setting with where it
/// came from. Secrets are hidden. The exit code is 78 if the server would not start with it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  plenary config --config plenary.toml        what would be in effect, and why
  plenary config --example > plenary.toml     a file with every setting and its default
  plenary config --docs                       every setting as a Markdown table")]
pub(super) struct ShowConfig {
    /// Show a whole configuration file instead.
    #[arg(long, conflicts_with = "docs")]
    example: bool,
    /// Show a Markdown table of every setting instead.
    #[arg(long)]
    docs: bool,
    #[command(flatten)]
    flags: ConfigFlags,
}

impl ShowConfig {
    pub(super) fn run(self) -> Result<(), CliError> {
        if self.example {
            say(example().trim_end());
            return Ok(());
        }
        if self.docs {
            say(reference().trim_end());
            return Ok(());
        }
        let loaded = load(&self.flags)?;
        say(effective(&loaded).trim_end());
        let mut config = loaded.config;
        config.make_dev_key();
        Ok(config.check()?)
    }
}
