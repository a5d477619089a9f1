//! Tiles drawn into one picture.

mod badge;
mod canvas;

pub use canvas::{Canvas, Frame};
