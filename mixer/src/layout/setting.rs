//! The layouts that can be asked for.

use std::fmt;

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::CustomLayout;
use crate::picture::Size;

/// What a composite looks like.
///
/// In JSON it is a name, or the list of a custom layout's regions. While somebody shares a screen,
/// the screen gets the large tile of every layout that has one, and the grid becomes
/// [`Layout::Presenter`]: that is what LiveKit's recordings do, and what a recording is for.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Layout {
    /// `grid`: everybody as large as everybody else.
    #[default]
    Grid,
    /// `speaker`: who speaks is large, others are in a strip.
    Speaker,
    /// `presenter`: a shared screen is large, people are in a strip; without screens as
    /// [`Layout::Speaker`].
    Presenter,
    /// `single`: who speaks and nobody else. LiveKit's `single-speaker`.
    Single,
    /// `audio_only`: nothing to see.
    AudioOnly,
    /// Whatever is said.
    Custom(CustomLayout),
}

/// A name that is none of a layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no layout {0:?}: use grid, speaker, presenter, single, audio_only, or a list of regions"
)]
pub struct UnknownLayout(String);

impl Layout {
    /// The layout of a name, ours or LiveKit's. `-light` and `-dark` at the end of LiveKit's say
    /// nothing: there is one look.
    ///
    /// # Errors
    /// [`UnknownLayout`] lists the names.
    pub fn from_name(name: &str) -> Result<Self, UnknownLayout> {
        let plain = name.strip_suffix("-light").or(name.strip_suffix("-dark"));
        Ok(match plain.unwrap_or(name) {
            "grid" => Self::Grid,
            "speaker" => Self::Speaker,
            "presenter" => Self::Presenter,
            "single" | "single-speaker" => Self::Single,
            "audio_only" | "audio-only" => Self::AudioOnly,
            _ => return Err(UnknownLayout(name.to_owned())),
        })
    }

    fn name(&self) -> Option<&'static str> {
        Some(match self {
            Self::Grid => "grid",
            Self::Speaker => "speaker",
            Self::Presenter => "presenter",
            Self::Single => "single",
            Self::AudioOnly => "audio_only",
            Self::Custom(_) => return None,
        })
    }
}

/// A layout and what else decides over tiles.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutSettings {
    /// The layout.
    pub layout: Layout,
    /// Size of the composite; even.
    pub canvas: Size,
    /// Whether tiles have names.
    pub shows_names: bool,
}

impl Serialize for Layout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, self.name()) {
            (Self::Custom(custom), _) => custom.serialize(serializer),
            (_, name) => name.unwrap_or_default().serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Layout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NameOrRegions)
    }
}

/// Reads either, so that what is wrong is said of the one that was meant.
struct NameOrRegions;

impl<'de> Visitor<'de> for NameOrRegions {
    type Value = Layout;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a layout or a list of regions")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Layout, E> {
        Layout::from_name(name).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, regions: A) -> Result<Layout, A::Error> {
        CustomLayout::deserialize(SeqAccessDeserializer::new(regions)).map(Layout::Custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ours_and_livekits() {
        for (name, layout) in [
            ("grid", Layout::Grid),
            ("speaker-light", Layout::Speaker),
            ("single-speaker-dark", Layout::Single),
            ("presenter", Layout::Presenter),
            ("audio_only", Layout::AudioOnly),
        ] {
            assert_eq!(Layout::from_name(name), Ok(layout.clone()));
            let json = serde_json::to_string(&layout).expect("JSON");
            assert_eq!(
                serde_json::from_str::<Layout>(&json).expect("a layout"),
                layout
            );
        }
    }

    #[test]
    fn what_is_wrong_with_a_layout_is_said() {
        let error = |json: &str| {
            let error = serde_json::from_str::<Layout>(json).expect_err(json);
            error.to_string()
        };

        assert!(error(r#""gird""#).contains("use grid, speaker"));
        assert!(error("7").contains("the name of a layout or a list of regions"));
        assert!(error("[]").contains("at least one region"));
        let unknown = r#"[{"x":0,"y":0,"w":1,"h":1,"source":"active_speaker","colour":1}]"#;
        assert!(error(unknown).contains("unknown field `colour`"));
        let wide = r#"[{"x":0.5,"y":0,"w":0.6,"h":1,"source":{"slot":0}}]"#;
        assert!(error(wide).contains("region 0: x + w is 1.1"));
    }
}
