//! Writes the configuration for people: what is in effect, an example file, and a reference.

use std::fmt::Write;

use toml::{Table, Value};

use super::{Config, Field, Loaded, keys};

/// The settings in effect, as a file, with a note on each that is not the default. Secrets are hidden.
pub fn effective(loaded: &Loaded) -> String {
    let Loaded { config, origins } = loaded;
    let mut text = String::new();
    for warning in config.warnings() {
        let _ = writeln!(text, "# warning: {warning}");
    }
    let table = Table::try_from(config).unwrap_or_default();
    by_section(&mut text, |text, field| {
        let note = origins
            .get(&field.path())
            .map(|origin| format!("  # from {origin}"))
            .unwrap_or_default();
        let _ = match value(&table, field) {
            Some(value) => writeln!(text, "{} = {value}{note}", field.name),
            None => writeln!(text, "# {} is not set", field.name),
        };
    });
    text
}

/// A whole file with every setting at its default, and a key that must be replaced.
pub fn example() -> String {
    let mut text =
        "# Plenary's configuration. Every setting is here with its default; flags win over the\n\
                    # environment, and that over this file.\n\n"
            .to_owned();
    let table = Table::try_from(Config::default()).unwrap_or_default();
    by_section(&mut text, |text, field| {
        for line in field.doc {
            let _ = writeln!(text, "#{line}");
        }
        let _ = match value(&table, field) {
            _ if field.path() == "keys" => {
                writeln!(text, "keys = {{ APIexample = \"{}\" }}", keys::PLACEHOLDER)
            }
            Some(value) => writeln!(text, "# {} = {value}", field.name),
            None => writeln!(text, "# {} =", field.name),
        };
        text.push('\n');
    });
    text
}

/// A Markdown table of every setting, for the documentation.
pub fn reference() -> String {
    let table = Table::try_from(Config::default()).unwrap_or_default();
    let mut text =
        "| File | Environment | Flag | Default | Meaning |\n| --- | --- | --- | --- | --- |\n"
            .to_owned();
    for field in Config::fields() {
        let flag = field
            .flag()
            .map_or_else(|| "none".to_owned(), |flag| format!("`--{flag}`"));
        let default = match value(&table, field) {
            Some(value) if value != "{}" => format!("`{value}`"),
            _ => "not set".to_owned(),
        };
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {flag} | {default} | {} |",
            field.path(),
            field.variable(),
            field.text()
        );
    }
    text
}

/// Writes every field under the heading of its section.
fn by_section(text: &mut String, mut write: impl FnMut(&mut String, &Field)) {
    let mut section = "";
    for field in Config::fields() {
        if field.section != section {
            section = field.section;
            let newline = if text.ends_with("\n\n") { "" } else { "\n" };
            let _ = writeln!(text, "{newline}[{section}]");
        }
        write(text, field);
    }
}

/// The field's value as it would stand in a file, on one line.
fn value(table: &Table, field: &Field) -> Option<String> {
    let mut sections = field.sections();
    let table = sections.try_fold(table, |table, name| table.get(name)?.as_table())?;
    let value = table.get(field.name)?;
    let Value::Table(keys) = value else {
        return Some(value.to_string());
    };
    let pairs: Vec<String> = keys
        .iter()
        .map(|(key, secret)| format!("{} = {secret}", Value::String(key.clone())))
        .collect();
    Some(if pairs.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", pairs.join(", "))
    })
}
