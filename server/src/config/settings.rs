//! Declares a group of settings once, for the type, its defaults, its flags and its documentation.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use proto::token::Secret;
use toml::Value;

/// One setting as the file, the environment, the flags and the documentation know it.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The table it stands in, or nothing for the top of the file.
    pub section: &'static str,
    /// Its name within the section.
    pub name: &'static str,
    /// Its documentation, line by line.
    pub doc: &'static [&'static str],
    pub(super) form: Form,
}

impl Field {
    /// Where it stands in the file: `room.empty_timeout`.
    pub fn path(&self) -> String {
        if self.section.is_empty() {
            self.name.to_owned()
        } else {
            format!("{}.{}", self.section, self.name)
        }
    }

    /// The tables it stands in, the outermost first.
    pub(super) fn sections(&self) -> impl Iterator<Item = &'static str> {
        self.section.split('.').filter(|name| !name.is_empty())
    }

    /// Its environment variable: `PLENARY_ROOM_EMPTY_TIMEOUT`.
    pub fn variable(&self) -> String {
        format!("PLENARY_{}", self.path().replace('.', "_").to_uppercase())
    }

    /// Its flag without the dashes, `room-empty-timeout`; secrets have none, because every user of
    /// a machine can read the arguments of a process.
    pub fn flag(&self) -> Option<String> {
        let is_secret = matches!(self.form, Form::Keys | Form::Secret);
        (!is_secret).then(|| self.path().replace(['.', '_'], "-"))
    }

    /// Its documentation as one text.
    pub fn text(&self) -> String {
        self.doc
            .iter()
            .map(|line| line.trim())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Reads the text of a flag or a variable into the value the file would hold.
    pub(super) fn parse(&self, text: &str) -> Result<Value, String> {
        match self.form {
            Form::Text | Form::Secret => Ok(Value::String(text.to_owned())),
            Form::Number => text
                .trim()
                .parse()
                .map(Value::Integer)
                .map_err(|_| format!("{text:?} is not a number")),
            Form::Switch => match text.trim() {
                "true" | "1" | "yes" | "on" => Ok(Value::Boolean(true)),
                "false" | "0" | "no" | "off" => Ok(Value::Boolean(false)),
                other => Err(format!("{other:?} is neither true nor false")),
            },
            Form::List => {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                Ok(Value::Array(
                    items.map(|item| Value::String(item.to_owned())).collect(),
                ))
            }
            Form::Keys => super::keys::parse_pairs(text),
        }
    }
}

/// How a setting is written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Switch,
    /// Values with commas between.
    List,
    /// As it is, and not shown.
    Secret,
    /// API keys and their secrets: `key: secret`, with commas or new lines between.
    Keys,
}

/// A type a setting can have.
pub(super) trait Setting {
    /// How it is written as text.
    const FORM: Form;
}

macro_rules! forms {
    ($($form:ident: $($type:ty),+;)+) => {
        $($(impl Setting for $type {
            const FORM: Form = Form::$form;
        })+)+
    };
}

forms! {
    Text: String, PathBuf, IpAddr, SocketAddr, super::Workers, super::RoomRecord, super::LogFormat;
    Number: u16, u32, usize;
    Switch: bool;
    Secret: Secret;
    Keys: BTreeMap<String, Secret>;
}

impl<T> Setting for Vec<T> {
    const FORM: Form = Form::List;
}

impl<T: Setting> Setting for Option<T> {
    const FORM: Form = T::FORM;
}

/// Declares a struct of settings with its defaults and [`Field`]s from one list.
macro_rules! settings {
    (
        $(#[doc = $doc:literal])+
        $name:ident in $section:literal {
            $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty = $default:expr,)+
        }
        $(with { $($(#[doc = $part_doc:literal])+ $part:ident: $part_type:ty,)+ })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[doc = $field_doc])+ pub $field: $type,)+
            $($($(#[doc = $part_doc])+ pub $part: $part_type,)+)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)+
                    $($($part: <$part_type>::default(),)+)?
                }
            }
        }

        impl $name {
            /// The settings of this group, without those of the groups in it.
            pub(super) const FIELDS: &[$crate::config::settings::Field] = &[
                $($crate::config::settings::Field {
                    section: $section,
                    name: stringify!($field),
                    doc: &[$($field_doc),+],
                    form: <$type as $crate::config::settings::Setting>::FORM,
                },)+
            ];
        }
    };
}

pub(super) use settings;
