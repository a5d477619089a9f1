//! A room made into one picture and one sound.
//!
//! 1. A [`Composer`] is told what happens in the room, and given the encoded frames of its tracks;
//! 2. it decodes what is due, has the [layout](crate::layout) decide who is shown where, draws that
//!    onto a [`Canvas`], mixes the [sound](crate::audio), and encodes both;
//! 3. what comes out are the blocks of a file, or of tracks.

mod badge;
mod canvas;
mod cast;
mod composer;
mod input;
pub mod limits;
mod live;
mod speaker;

pub use canvas::{Canvas, Frame};
pub use composer::{ComposeError, Composer, ComposerSettings, Piece};
pub use input::PictureFrame;
pub use live::{LiveComposer, LiveOutput, LiveSettings};
pub use speaker::ListenerSound;
