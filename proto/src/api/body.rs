//! Reading a request's JSON so that its author learns what to change.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

/// A request body that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is not JSON.
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but a field is unknown, missing or has a wrong value.
    #[error("{detail}")]
    Field {
        /// The field at fault as a dotted path; empty if it is the body as a whole.
        field: String,
        /// What to change.
        detail: String,
    },
}

/// Reads a request from JSON. The type says `deny_unknown_fields`, and the error for such a field
/// names the known one that looks most like it.
///
/// # Errors
/// [`BodyError`], with the field at fault.
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, BodyError> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner())
    })?;
    deserializer
        .end()
        .map_err(|error| BodyError::NotJson(error.to_string()))?;
    Ok(value)
}

fn explain(path: &str, error: &serde_json::Error) -> BodyError {
    let text = error.to_string();
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => return BodyError::NotJson(text),
        Category::Data => {}
    }
    // serde_json adds the place to the message; the path says it better.
    let detail = text.split(" at line ").next().unwrap_or(&text);
    let field = if path == "." {
        String::new()
    } else {
        path.to_owned()
    };
    if let Some((unknown, known)) = parse_unknown_field(detail) {
        let hint = nearest(unknown, known.iter().copied()).map_or_else(
            || format!("known are {}", known.join(", ")),
            |nearest| format!("did you mean {nearest:?}?"),
        );
        // The path ends with the unknown field itself, or with the object that holds it.
        let field = if field.rsplit('.').next() == Some(unknown) {
            field
        } else if field.is_empty() {
            unknown.to_owned()
        } else {
            format!("{field}.{unknown}")
        };
        return BodyError::Field {
            detail: format!("there is no field {unknown:?}; {hint}"),
            field,
        };
    }
    if let Some(missing) = detail.strip_prefix("missing field ") {
        let missing = missing.trim_matches('`');
        let field = if field.is_empty() {
            missing.to_owned()
        } else {
            format!("{field}.{missing}")
        };
        return BodyError::Field {
            detail: format!("the field {missing:?} is missing"),
            field,
        };
    }
    let detail = if field.is_empty() {
        detail.to_owned()
    } else {
        format!("{field}: {detail}")
    };
    BodyError::Field { field, detail }
}

/// Takes serde's sentence for an unknown field apart: "unknown field `a`, expected one of `b`, `c`".
fn parse_unknown_field(detail: &str) -> Option<(&str, Vec<&str>)> {
    let rest = detail.strip_prefix("unknown field `")?;
    let (unknown, rest) = rest.split_once("`, ")?;
    let known = rest.split('`').skip(1).step_by(2).collect();
    Some((unknown, known))
}

/// The known name that looks most like `unknown`, if one looks like it at all.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Below this similarity a suggestion misleads more than it helps; found by trying misspellings.
    const ALIKE: f64 = 0.7;
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(similarity, _)| *similarity >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        inner: Inner,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        can_publish: bool,
        can_subscribe: bool,
    }

    fn error(json: &str) -> (String, String) {
        match read::<Outer>(json.as_bytes()) {
            Err(BodyError::Field { field, detail }) => (field, detail),
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn an_unknown_field_is_answered_with_the_nearest_known_one() {
        assert_eq!(
            error(r#"{"nmae": "a"}"#),
            (
                "nmae".to_owned(),
                "there is no field \"nmae\"; did you mean \"name\"?".to_owned()
            )
        );
        assert_eq!(
            error(r#"{"name": "a", "inner": {"can_pubilsh": true}}"#),
            (
                "inner.can_pubilsh".to_owned(),
                "there is no field \"can_pubilsh\"; did you mean \"can_publish\"?".to_owned()
            )
        );
        assert_eq!(
            error(r#"{"zzz": 1}"#),
            (
                "zzz".to_owned(),
                "there is no field \"zzz\"; known are name, inner".to_owned()
            )
        );
    }

    #[test]
    fn a_field_name_made_to_confuse_is_still_only_unknown() {
        let (field, _) = error(r#"{"a`, expected one of `b": 1}"#);

        assert!(!field.is_empty());
    }

    #[test]
    fn a_wrong_or_missing_value_names_its_field() {
        assert_eq!(
            error("{}"),
            (
                "name".to_owned(),
                "the field \"name\" is missing".to_owned()
            )
        );
        assert_eq!(
            error(r#"{"name": "a", "inner": {"can_publish": 1}}"#),
            (
                "inner.can_publish".to_owned(),
                "inner.can_publish: invalid type: integer `1`, expected a boolean".to_owned()
            )
        );
        assert_eq!(
            error(r#"{"name": "a", "name": "b"}"#).1,
            "duplicate field `name`"
        );
    }

    #[test]
    fn broken_json_is_told_from_wrong_json() {
        for json in ["", "{", "{\"name\": \"a\"} x", "{name: 1}", "\u{0}"] {
            assert!(
                matches!(read::<Outer>(json.as_bytes()), Err(BodyError::NotJson(_))),
                "{json}"
            );
        }
    }
}
