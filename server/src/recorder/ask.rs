//! What somebody wants recorded, read.

use std::ops::RangeInclusive;

use mixer::codec::Codec;
use mixer::layout::Layout;
use mixer::picture::Size;
use proto::api::{CompositeCodec, CompositeMode, StartRecording};

use super::When;
use crate::compose::Look;

/// Bits per second that make sense for pictures.
const BITRATES: RangeInclusive<u32> = 50_000..=50_000_000;

/// A field that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct BadField {
    /// Its name.
    pub field: &'static str,
    /// What to change.
    pub detail: String,
}

/// The composite that is wanted.
///
/// # Errors
/// [`BadField`]
pub fn composite(ask: &StartRecording) -> Result<Option<(When, Look)>, BadField> {
    let when = match ask.composite {
        CompositeMode::None => return Ok(None),
        CompositeMode::Live => When::Live,
        CompositeMode::After => When::After,
    };
    let codec = ask.codec.unwrap_or(match when {
        When::Live => CompositeCodec::Vp8,
        When::After => CompositeCodec::Vp9,
    });
    let look = Look {
        layout: ask.layout.as_ref().map_or(Ok(Layout::default()), layout)?,
        size: Size::new(
            side("width", ask.width.unwrap_or(1_280))?,
            side("height", ask.height.unwrap_or(720))?,
        ),
        fps: within("fps", ask.fps.unwrap_or(30), 1..=60)?,
        codec: match codec {
            CompositeCodec::Vp8 => Codec::Vp8,
            CompositeCodec::Vp9 => Codec::Vp9,
        },
        kilobits: within("bitrate", ask.bitrate.unwrap_or(2_000_000), BITRATES)? / 1_000,
    };
    Ok(Some((when, look)))
}

/// The layout that is wanted.
///
/// # Errors
/// [`BadField`]
pub fn layout(value: &serde_json::Value) -> Result<Layout, BadField> {
    serde_json::from_value(value.clone()).map_err(|error| BadField {
        field: "layout",
        detail: error.to_string(),
    })
}

fn side(field: &'static str, pixels: u32) -> Result<u32, BadField> {
    match within(field, pixels, 16..=4_096)? {
        even if even.is_multiple_of(2) => Ok(even),
        _ => Err(BadField {
            field,
            detail: format!("{field} must be even"),
        }),
    }
}

fn within(field: &'static str, number: u32, range: RangeInclusive<u32>) -> Result<u32, BadField> {
    if range.contains(&number) {
        return Ok(number);
    }
    let (from, to) = (range.start(), range.end());
    let detail = format!("{field} must be from {from} to {to}");
    Err(BadField { field, detail })
}
