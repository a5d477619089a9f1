//! API keys: reading them, judging them, making good ones.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proto::token::Secret;
use toml::Value;

use crate::entropy;

/// Shortest secret accepted, in bytes: as long as the output of the hash it feeds (RFC 7518 §3.2).
pub const MIN_SECRET_BYTES: usize = 32;

/// Fewest different characters in a secret; random ones have some 25 in 32.
const MIN_DIFFERENT: usize = 10;

/// What stands for a secret in our documentation.
pub const PLACEHOLDER: &str = "put-the-output-of-plenary-keys-new-here";

/// Texts that anyone would try: LiveKit's development key, and those that stand in examples. Compared in
/// lower case; a secret that only repeats one of them is caught as well.
const WELL_KNOWN: &[&str] = &[
    PLACEHOLDER,
    "secret",
    "devkey",
    "changeme",
    "change-me",
    "password",
    "plenary",
    "livekit",
    "apisecret",
    "your-api-secret",
    "your_api_secret",
    "replaceme",
    "replace-me",
    "example",
    "0123456789abcdef",
    "0123456789",
    "abcdefghijklmnopqrstuvwxyz",
];

/// Why a secret is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    /// It is shorter than [`MIN_SECRET_BYTES`].
    #[error("is shorter than 32 bytes")]
    TooShort,
    /// It stands in documentation.
    #[error("is a well-known example")]
    WellKnown,
    /// It has too few different characters.
    #[error("is too easy to guess")]
    Repetitive,
}

/// Says why a secret must not be used, if so.
///
/// # Errors
/// [`WeakSecret`]
pub fn judge(secret: &Secret) -> Result<(), WeakSecret> {
    let text = secret.expose().to_lowercase();
    if WELL_KNOWN
        .iter()
        .any(|known| text.replace(known, "").len() < text.len().min(8))
    {
        return Err(WeakSecret::WellKnown);
    }
    if text.len() < MIN_SECRET_BYTES {
        return Err(WeakSecret::TooShort);
    }
    let mut bytes = secret.expose().as_bytes().to_vec();
    bytes.sort_unstable();
    bytes.dedup();
    if bytes.len() < MIN_DIFFERENT {
        return Err(WeakSecret::Repetitive);
    }
    Ok(())
}

/// Makes a new key with a secret of 256 random bits.
pub fn generate() -> (String, Secret) {
    // 9 bytes are 12 characters, the length of LiveKit's keys.
    let key = format!(
        "API{}",
        URL_SAFE_NO_PAD
            .encode(entropy::bytes::<9>())
            .replace(['-', '_'], "x")
    );
    (
        key,
        Secret::new(URL_SAFE_NO_PAD.encode(entropy::bytes::<32>())),
    )
}

/// Reads `key: secret` pairs with commas or new lines between, as `LIVEKIT_KEYS` has them.
pub(super) fn parse_pairs(text: &str) -> Result<Value, String> {
    let mut pairs = toml::Table::new();
    for pair in text
        .split(['\n', ','])
        .map(str::trim)
        .filter(|pair| !pair.is_empty() && !pair.starts_with('#'))
    {
        // The text may be a secret, so an error must not repeat it.
        let (key, secret) = pair
            .split_once(':')
            .map(|(key, secret)| (unquote(key), unquote(secret)))
            .filter(|(key, secret)| !key.is_empty() && !secret.is_empty())
            .ok_or("must be `key: secret`, several with commas or new lines between")?;
        if pairs
            .insert(key.to_owned(), Value::String(secret.to_owned()))
            .is_some()
        {
            return Err(format!("names the key {key:?} twice"));
        }
    }
    Ok(Value::Table(pairs))
}

fn unquote(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

/// Reads a key file's text.
pub(super) fn parse_file(text: &str) -> Result<BTreeMap<String, Secret>, String> {
    parse_pairs(text)?
        .try_into()
        .map_err(|_| "is not a list of keys".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_keys_are_good_and_differ() {
        let (a, b) = (generate(), generate());

        assert_eq!(judge(&a.1), Ok(()));
        assert_eq!((a.0.len(), a.1.expose().len()), (15, 43));
        assert!(a.0 != b.0 && a.1 != b.1);
    }

    #[test]
    fn weak_secrets_are_told_apart() {
        let judge = |text: &str| judge(&Secret::new(text));

        assert_eq!(judge("secret"), Err(WeakSecret::WellKnown));
        assert_eq!(
            judge("SecretSecretSecretSecretSecretSecret"),
            Err(WeakSecret::WellKnown)
        );
        assert_eq!(judge(PLACEHOLDER), Err(WeakSecret::WellKnown));
        assert_eq!(judge("devkey"), Err(WeakSecret::WellKnown));
        assert_eq!(
            judge("kTb8QX2mVd0fLr5nJw7cYzHs3GpAe9u"),
            Err(WeakSecret::TooShort)
        );
        assert_eq!(
            judge("abababababababababababababababababab"),
            Err(WeakSecret::Repetitive)
        );
        assert_eq!(judge("kTb8QX2mVd0fLr5nJw7cYzHs3GpAe9uS"), Ok(()));
    }

    #[test]
    fn pairs_may_be_divided_by_commas_or_lines() {
        for text in [
            "a: one, b: two",
            "a: one\nb: two\n",
            "'a': \"one\"\r\n# c: no\n\n b:two ",
            "a:one,\nb:two,",
        ] {
            let keys = parse_file(text).unwrap();

            assert_eq!(keys.keys().collect::<Vec<_>>(), ["a", "b"], "{text:?}");
            assert_eq!(keys["b"].expose(), "two");
        }
    }

    #[test]
    fn a_pair_that_cannot_be_read_is_not_repeated() {
        for text in ["canary-9d2c", ": canary-9d2c", "a: one, canary-9d2c"] {
            assert!(!parse_file(text).unwrap_err().contains("canary"), "{text}");
        }
    }
}
