//! `plenary keys`

use clap::{Args, Subcommand};

use super::{CliError, say};
use crate::config::keys;

/// Make API keys.
#[derive(Debug, Args)]
pub(super) struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Make a key and a secret of 256 random bits. The secret is shown this once.
    #[command(after_help = "\
Examples:
  plenary keys new                                   shows `key: secret`
  (umask 077; plenary keys new >> plenary.keys)      keeps it in a file
  plenary serve --key-file plenary.keys              uses that file
  LIVEKIT_KEYS=\"$(plenary keys new)\" plenary serve   uses a key for this once")]
    New,
}

impl Keys {
    pub(super) fn run(self) -> Result<(), CliError> {
        let KeysCommand::New = self.command;
        let (key, secret) = keys::generate();
        say(format!("{key}: {}", secret.expose()));
        Ok(())
    }
}
