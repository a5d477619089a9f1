//! Pictures and what is done to them: scaled, turned, cut to fit, filled, drawn upon.
//!
//! All of it gives the same on every machine, so that what is composed live and what is composed
//! again from the recorded tracks are the same: pixels are integers, and no mathematics of the
//! machine's library makes shapes.

mod avatar;
mod blend;
mod color;
mod fit;
mod geometry;
mod i420;
mod icon;
pub mod label;
mod mask;
mod place;
mod rotate;
mod scale;

pub use avatar::{draw_avatar, initials};
pub use blend::blend;
pub use color::Color;
pub use fit::{Fit, Placement};
pub use geometry::{Rect, Rotation, Size};
pub use i420::{Picture, Plane};
pub use icon::{mute_icon, reconnecting_icon};
pub use mask::Mask;
pub use place::Placer;
pub use scale::Scaler;
