//! Names and ids of rooms, participants and tracks.
//!
//! Names ([`RoomName`], [`Identity`]) come from outside and are checked once, here. Ids
//! ([`RoomSid`], [`ParticipantSid`], [`TrackSid`], [`RecordingSid`]) are made by the server with LiveKit's prefixes,
//! because SDKs look at them.

use std::fmt;
use std::sync::Arc;

use rand::{Rng, RngExt};

/// Longest room name and identity, in bytes. LiveKit's limit.
pub const MAX_NAME_BYTES: usize = 256;

/// A name from outside that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// The name has no characters.
    #[error("must not be empty")]
    Empty,
    /// The name is longer than [`MAX_NAME_BYTES`].
    #[error("must be at most 256 bytes long")]
    TooLong,
    /// The name holds a control character.
    #[error("must not hold control characters")]
    ControlCharacter,
}

fn check_name(name: &str) -> Result<(), InvalidName> {
    if name.is_empty() {
        return Err(InvalidName::Empty);
    }
    if name.len() > MAX_NAME_BYTES {
        return Err(InvalidName::TooLong);
    }
    if name.chars().any(char::is_control) {
        return Err(InvalidName::ControlCharacter);
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a name from outside.
            ///
            /// # Errors
            /// [`InvalidName`] if it is empty, too long or holds control characters.
            pub fn new(name: &str) -> Result<Self, InvalidName> {
                check_name(name)?;
                Ok(Self(name.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name of a room, unique on the whole deployment.
    RoomName
}
name! {
    /// The identity of a participant, unique in its room.
    Identity
}

/// Random characters after an id's prefix: 12 of 57 give 70 bits.
const RANDOM_CHARS: usize = 12;

/// Longest id taken from outside, without its prefix.
const MAX_SID_CHARS: usize = 32;

/// Base 57: letters and digits without those that look alike.
const ALPHABET: &[u8; 57] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

fn random_id(prefix: &str, rng: &mut impl Rng) -> Arc<str> {
    let random =
        (0..RANDOM_CHARS).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())]));
    prefix.chars().chain(random).collect::<String>().into()
}

macro_rules! sid {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &str = $prefix;

            /// Makes a new id.
            pub fn random(rng: &mut impl Rng) -> Self {
                Self(random_id($prefix, rng))
            }

            /// Reads an id made by [`Self::random`] or by a peer server. `None` for other texts.
            pub fn parse(text: &str) -> Option<Self> {
                let random = text.strip_prefix(Self::PREFIX)?;
                let is_plain = random.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                ((1..=MAX_SID_CHARS).contains(&random.len()) && is_plain).then(|| Self(text.into()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

sid! {
    /// One life of a room, from its creation to its end: `RM_...`.
    RoomSid, "RM_"
}
sid! {
    /// One stay of a participant in a room: `PA_...`.
    ParticipantSid, "PA_"
}
sid! {
    /// A published track: `TR_...`.
    TrackSid, "TR_"
}

sid! {
    /// A recording: `RC_...`.
    RecordingSid, "RC_"
}

impl TrackSid {
    /// Makes a new id whose first letters tell kind and source, as LiveKit's do: `TR_VC...` is a camera.
    pub fn with_hint(hint: &str, rng: &mut impl Rng) -> Self {
        debug_assert!(hint.bytes().all(|b| b.is_ascii_alphabetic()));
        Self(random_id(&format!("{}{hint}", Self::PREFIX), rng))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    #[test]
    fn refuses_names_nobody_can_use() {
        assert_eq!(RoomName::new(""), Err(InvalidName::Empty));
        assert_eq!(RoomName::new(&"a".repeat(257)), Err(InvalidName::TooLong));
        assert_eq!(Identity::new("a\nb"), Err(InvalidName::ControlCharacter));
    }

    #[test]
    fn ids_carry_their_prefix_and_differ() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);

        let (a, b) = (
            TrackSid::with_hint("VC", &mut rng),
            TrackSid::with_hint("VC", &mut rng),
        );

        assert!(a.as_str().starts_with("TR_VC"));
        assert_ne!(a, b);
    }
}
