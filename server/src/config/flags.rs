//! The settings as command-line flags, made from the same list.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

use super::Config;
use super::settings::Form;

/// What the command line says about the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigFlags {
    /// The TOML file to read.
    pub file: Option<PathBuf>,
    /// Settings by their path in the file.
    pub settings: BTreeMap<String, String>,
}

const FILE: &str = "config";

impl Args for ConfigFlags {
    fn augment_args(command: Command) -> Command {
        let file = Arg::new(FILE)
            .long(FILE)
            .value_name("FILE")
            .value_parser(clap::value_parser!(PathBuf))
            .help("The configuration file, TOML; else PLENARY_CONFIG names it");
        Config::fields().fold(command.arg(file), |command, field| {
            let Some(flag) = field.flag() else {
                return command;
            };
            let arg = Arg::new(field.path())
                .long(flag)
                .help(field.text())
                .help_heading("Settings");
            command.arg(if field.form == Form::Switch {
                arg.num_args(0..=1)
                    .require_equals(true)
                    .default_missing_value("true")
                    .value_name("true|false")
            } else {
                arg.action(ArgAction::Set).value_name(match field.form {
                    Form::Number => "N",
                    Form::List => "A,B",
                    Form::Text | Form::Switch | Form::Secret | Form::Keys => "VALUE",
                })
            })
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ConfigFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut flags = Self {
            file: matches.get_one::<PathBuf>(FILE).cloned(),
            ..Self::default()
        };
        for field in Config::fields().filter(|field| field.flag().is_some()) {
            let value = matches
                .try_get_one::<String>(&field.path())
                .map_err(|error| Error::raw(ErrorKind::InvalidValue, error))?;
            if let Some(value) = value {
                flags.settings.insert(field.path(), value.clone());
            }
        }
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
