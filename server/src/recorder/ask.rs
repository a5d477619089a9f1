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
    let picture = PictureAsk {
        width: ask.width.unwrap_or(1_280),
        height: ask.height.unwrap_or(720),
        fps: ask.fps.unwrap_or(30),
        codec,
        bitrate: ask.bitrate.unwrap_or(2_000_000),
    };
    Ok(Some((when, look(ask.layout.as_ref(), &picture)?)))
}

/// A picture as it is asked for.
#[derive(Debug, Clone, Copy)]
pub struct PictureAsk {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures per second.
    pub fps: u32,
    /// How it is encoded.
    pub codec: CompositeCodec,
    /// Bits per second.
    pub bitrate: u32,
}

/// What is wanted, if that can be made. Without a layout it is the default one.
///
/// # Errors
/// [`BadField`]
pub fn look(wanted: Option<&serde_json::Value>, picture: &PictureAsk) -> Result<Look, BadField> {
    Ok(Look {
        layout: wanted.map_or(Ok(Layout::default()), layout)?,
        size: Size::new(
            side("width", picture.width)?,
            side("height", picture.height)?,
        ),
        fps: within("fps", picture.fps, 1..=60)?,
        codec: codec(picture.codec)?,
        kilobits: within("bitrate", picture.bitrate, BITRATES)? / 1_000,
    })
}

/// How pictures are wanted encoded, if this build can do that.
fn codec(asked: CompositeCodec) -> Result<Codec, BadField> {
    let codec = match asked {
        CompositeCodec::Vp8 => Codec::Vp8,
        CompositeCodec::Vp9 => Codec::Vp9,
        CompositeCodec::H264 => Codec::H264,
    };
    codec
        .has_encoder()
        .then_some(codec)
        .ok_or_else(|| BadField {
            field: "codec",
            detail: "this server was built without an encoder of H.264; use vp8 or vp9".to_owned(),
        })
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
