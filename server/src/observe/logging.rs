//! Logs, to standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::config::{ConfigError, Log, LogFormat};

/// Starts logging as configured. Called once; a second call leaves the first in place.
///
/// # Errors
/// [`ConfigError::Value`] if `log.level` is neither a level nor a list of them.
pub fn start_logging(log: &Log) -> Result<(), ConfigError> {
    let filter = EnvFilter::try_new(&log.level).map_err(|error| ConfigError::Value {
        origin: "log.level".to_owned(),
        detail: format!(
            "{:?} is neither a level nor a list of levels: {error}",
            log.level
        ),
    })?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    // A test may have started logging before.
    drop(started);
    Ok(())
}
