//! The command line.

mod compose;
mod config;
mod keys;
mod serve;
mod token;

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError, ConfigFlags, Loaded};

/// A conference media server that speaks the LiveKit client protocol.
#[derive(Debug, Parser)]
#[command(name = "plenary", version, after_help = EXAMPLES, max_term_width = 100)]
#[command(
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  plenary serve --dev                     try it: prints a link to open in two browsers
  plenary keys new                        make an API key and its secret
  plenary config --example > plenary.toml make a configuration file
  plenary serve --config plenary.toml     run it
  plenary compose RECORDING --out talk.webm
                                          make one film of a recording
  plenary token --room blue --identity ann --config plenary.toml
                                          make a token to join with

Exit codes:
  0  done, or stopped by SIGTERM or SIGINT
  1  failed while running, for example because a port is taken
  2  the command line is wrong
  78 the configuration is wrong or unsafe; one line says what to change";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Make one picture and one sound of a recording.
    Compose(compose::Compose),
    /// Make a token to join a room or to call the API.
    Token(token::MakeToken),
    /// Make API keys.
    Keys(keys::Keys),
    /// Show the configuration in effect, and check it.
    #[command(alias = "check-config")]
    Config(config::ShowConfig),
}

/// Why a command did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is wrong or unsafe.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An argument is right by itself, but not with the rest.
    #[error("{0}")]
    Usage(String),
    /// Something failed.
    #[error("{0}")]
    Failed(String),
}

impl CliError {
    fn exit_code(&self) -> ExitCode {
        match self {
            // EX_CONFIG of sysexits.h: systemd's RestartPreventExitStatus knows it.
            Self::Config(_) => ExitCode::from(78),
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

/// Runs the program.
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(serve) => serve.run(),
        Command::Compose(compose) => compose.run(),
        Command::Token(token) => token.run(),
        Command::Keys(keys) => keys.run(),
        Command::Config(config) => config.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("plenary: {error}");
            error.exit_code()
        }
    }
}

/// Writes a line to standard output. Whoever reads it may have stopped reading, as `head` does.
fn say(line: impl Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

fn load(flags: &ConfigFlags) -> Result<Loaded, ConfigError> {
    // A variable that is not Unicode cannot be one of ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Config::load(flags, environment)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_are_read_as_flags() {
        let cli = Cli::try_parse_from(["plenary", "serve", "--dev", "--room-empty-timeout", "5"])
            .unwrap();
        let Command::Serve(serve) = cli.command else {
            panic!("not serve");
        };

        let loaded = Config::load(serve.flags(), []).unwrap();

        assert!(loaded.config.dev);
        assert_eq!(loaded.config.room.empty_timeout, 5);
    }

    #[test]
    fn a_misspelt_flag_is_answered_with_the_nearest() {
        let error =
            Cli::try_parse_from(["plenary", "serve", "--room-empty-timeot", "5"]).unwrap_err();

        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().contains("--room-empty-timeout"),
            "{error}"
        );
    }
}
