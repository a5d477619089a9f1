//! Puts the configuration together from file, environment and flags.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Config, ConfigFlags, Field, keys};

/// A configuration, and where each setting in it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Where the settings came from that are not defaults, by their path.
    pub origins: BTreeMap<String, Origin>,
}

/// Where a setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => write!(f, "--{flag}"),
        }
    }
}

/// Why there is no configuration to start with. One line, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// A file that holds secrets can be read by others.
    #[error("{} holds secrets but others can read it: run `chmod 600 {}`", path.display(), path.display())]
    ReadableByOthers {
        /// The file.
        path: PathBuf,
    },
    /// The file is not TOML.
    #[error("{}: {detail}", path.display())]
    NotToml {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        detail: String,
    },
    /// A setting nobody knows.
    #[error("{origin}: there is no setting {name:?}{hint}")]
    Unknown {
        /// Where it stands.
        origin: Origin,
        /// Its name.
        name: String,
        /// The nearest right name.
        hint: String,
    },
    /// A value that the setting cannot have.
    #[error("{origin}: {detail}")]
    Value {
        /// Where it stands.
        origin: String,
        /// What is wrong.
        detail: String,
    },
    /// Every value is right, but the server must not run like this.
    #[error("{0}")]
    Refused(String),
}

/// Names the file if no flag does.
const FILE_VARIABLE: &str = "PLENARY_CONFIG";

/// LiveKit's variable for API keys.
const LIVEKIT_KEYS: &str = "LIVEKIT_KEYS";

impl Config {
    /// Reads file, environment and flags, in rising precedence.
    ///
    /// # Errors
    /// [`ConfigError`] says in one line where the fault is and what would be right.
    pub fn load(
        flags: &ConfigFlags,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Loaded, ConfigError> {
        let mut environment: BTreeMap<String, String> = environment
            .into_iter()
            .filter(|(name, _)| name.starts_with("PLENARY_") || name == LIVEKIT_KEYS)
            .collect();
        let mut sources = Sources::default();

        let file = environment.remove(FILE_VARIABLE).map(PathBuf::from);
        if let Some(path) = flags.file.clone().or(file) {
            sources.read_file(path)?;
        }
        sources.read_environment(environment)?;
        sources.read_flags(&flags.settings)?;
        sources.finish()
    }
}

/// Settings as far as they are read, each with its origin.
#[derive(Default)]
struct Sources {
    table: Table,
    origins: BTreeMap<String, Origin>,
}

impl Sources {
    fn read_file(&mut self, path: PathBuf) -> Result<(), ConfigError> {
        let text = read(&path)?;
        let table: Table = text.parse().map_err(|error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() + 1
            });
            ConfigError::NotToml {
                path: path.clone(),
                detail: format!("line {line}: {}", error.message()),
            }
        })?;
        if holds_secrets(&table) {
            refuse_if_readable_by_others(&path)?;
        }
        self.set_all("", table, &Origin::File(path))
    }

    /// Sets what stands in a table of the file, and in those in it.
    fn set_all(&mut self, within: &str, table: Table, origin: &Origin) -> Result<(), ConfigError> {
        for (name, value) in table {
            let path = match within {
                "" => name,
                within => format!("{within}.{name}"),
            };
            let may_be_section = path != "keys" && depth(&path) <= MAX_DEPTH;
            if may_be_section && let Value::Table(table) = value {
                self.set_all(&path, table, origin)?;
            } else {
                self.set_named(&path, value, origin.clone())?;
            }
        }
        Ok(())
    }

    fn read_environment(
        &mut self,
        mut environment: BTreeMap<String, String>,
    ) -> Result<(), ConfigError> {
        if let Some(text) = environment.remove(LIVEKIT_KEYS)
            && let Some(keys) = Config::fields().find(|field| field.path() == "keys")
        {
            self.set_text(keys, &text, Origin::Variable(LIVEKIT_KEYS.to_owned()))?;
        }
        for (name, text) in environment {
            let origin = Origin::Variable(name.clone());
            match Config::fields().find(|field| field.variable() == name) {
                Some(field) => self.set_text(field, &text, origin)?,
                None if is_service_link(&name) => {}
                None => {
                    let known: Vec<String> = Config::fields().map(Field::variable).collect();
                    return Err(unknown(&name, &known, origin));
                }
            }
        }
        Ok(())
    }

    fn read_flags(&mut self, flags: &BTreeMap<String, String>) -> Result<(), ConfigError> {
        for field in Config::fields() {
            if let (Some(text), Some(flag)) = (flags.get(&field.path()), field.flag()) {
                self.set_text(field, text, Origin::Flag(flag))?;
            }
        }
        Ok(())
    }

    fn set_named(&mut self, path: &str, value: Value, origin: Origin) -> Result<(), ConfigError> {
        let Some(field) = Config::fields().find(|field| field.path() == path) else {
            let known: Vec<String> = Config::fields().map(Field::path).collect();
            return Err(unknown(path, &known, origin));
        };
        self.set(field, value, origin);
        Ok(())
    }

    fn set_text(&mut self, field: &Field, text: &str, origin: Origin) -> Result<(), ConfigError> {
        let value = field.parse(text).map_err(|detail| ConfigError::Value {
            origin: origin.to_string(),
            detail,
        })?;
        self.set(field, value, origin);
        Ok(())
    }

    fn set(&mut self, field: &Field, value: Value, origin: Origin) {
        self.origins.insert(field.path(), origin);
        let mut table = &mut self.table;
        for name in field.sections() {
            let section = table
                .entry(name)
                .or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(section) = section else {
                // No setting has the name of a section.
                return;
            };
            table = section;
        }
        table.insert(field.name.to_owned(), value);
    }

    /// Turns what was read into a [`Config`], over the defaults.
    fn finish(self) -> Result<Loaded, ConfigError> {
        let Self { table, origins } = self;
        let dev = table.get("dev").and_then(Value::as_bool).unwrap_or(false);
        let mut over =
            Table::try_from(Config::defaults(dev)).map_err(|error| ConfigError::Value {
                origin: "the defaults".to_owned(),
                detail: error.to_string(),
            })?;
        merge(&mut over, table);
        let mut config: Config =
            serde_path_to_error::deserialize(Value::Table(over)).map_err(|error| {
                let path = error.path().to_string();
                let origin = origins
                    .iter()
                    .find(|(name, _)| path.starts_with(name.as_str()));
                ConfigError::Value {
                    origin: origin.map_or_else(|| path.clone(), |(_, origin)| origin.to_string()),
                    detail: format!("{path}: {}", error.inner().message()),
                }
            })?;
        if let Some(path) = config.key_file.clone() {
            config.keys.extend(read_key_file(&path)?);
        }
        Ok(Loaded { config, origins })
    }
}

/// How deep tables of the file are in others.
const MAX_DEPTH: usize = 2;

fn depth(path: &str) -> usize {
    path.split('.').count()
}

/// Whether there is something in a file that others must not read.
fn holds_secrets(table: &Table) -> bool {
    let keys = table.get("keys");
    let store = table
        .get("recording")
        .and_then(|recording| recording.get("store"));
    keys.is_some_and(|keys| keys.as_table().is_none_or(|keys| !keys.is_empty()))
        || store.is_some_and(|store| store.get("secret_access_key").is_some())
}

fn merge(base: &mut Table, over: Table) {
    for (name, value) in over {
        match (base.get_mut(&name), value) {
            (Some(Value::Table(base)), Value::Table(over)) if name != "keys" => merge(base, over),
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    })
}

fn read_key_file(path: &Path) -> Result<BTreeMap<String, proto::token::Secret>, ConfigError> {
    let text = read(path)?;
    refuse_if_readable_by_others(path)?;
    keys::parse_file(&text).map_err(|detail| ConfigError::Value {
        origin: path.display().to_string(),
        detail: format!("the file {detail}"),
    })
}

#[cfg(unix)]
fn refuse_if_readable_by_others(path: &Path) -> Result<(), ConfigError> {
    use std::os::unix::fs::MetadataExt;

    let metadata = std::fs::metadata(path).map_err(|error| ConfigError::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    if metadata.mode() & 0o077 != 0 {
        return Err(ConfigError::ReadableByOthers {
            path: path.to_owned(),
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_readable_by_others(_path: &Path) -> Result<(), ConfigError> {
    Ok(())
}

/// Kubernetes tells every container of a service named `plenary` about it in variables like these.
fn is_service_link(name: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_")
        || name.ends_with("_PORT")
}

fn unknown(name: &str, known: &[String], origin: Origin) -> ConfigError {
    let hint = proto::api::nearest(name, known.iter().map(String::as_str)).map_or_else(
        || "; `plenary config --docs` lists all".to_owned(),
        |near| format!("; did you mean {near:?}?"),
    );
    ConfigError::Unknown {
        origin,
        name: name.to_owned(),
        hint,
    }
}

#[cfg(test)]
mod tests;
