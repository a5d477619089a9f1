//! A secret that cannot be logged by accident.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// An API secret: the HMAC key that tokens are signed with.
///
/// `Debug` and `Serialize` write `(hidden)`; only [`Secret::expose`] gives the text away.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text of a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, to sign with, to check, or to show once to whoever asked for a new one.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_nothing_of_itself() {
        let secret = Secret::new("canary-7f3a");

        assert_eq!(format!("{secret:?}"), "(hidden)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"(hidden)\"");
    }
}
