//! Who is shown where.
//!
//! 1. A [`Scene`] says who is in the room and what each of them sends.
//! 2. [`LayoutState::update`] decides, by the [`Layout`] that was asked for, which [`Tile`]s a
//!    picture of the room has.
//!
//! The same scenes at the same times give the same tiles, so that what was composed live and what
//! is composed from the recorded tracks agree. Nothing here knows a pixel.

mod custom;
mod focus;
mod grid;
pub mod limits;
mod scene;
mod setting;
mod slots;
mod speaker;
mod state;

pub use custom::{CustomLayout, CustomLayoutError, Region, Selector};
pub use scene::{Connection, Identity, Participant, Scene};
pub use setting::{Layout, LayoutSettings, UnknownLayout};
pub use state::{LayoutState, Source, SourceKind, Tile, Video};

#[cfg(test)]
mod tests;
