//! Sound: many tracks of Opus in, one mix out, and one for each listener without itself.
//!
//! ```text
//! AudioFrame -> decoder -> clock, resampler -> ring -> sum -> limiter -> Encoder
//!                                                      sum - own -> limiter -> Encoder
//! ```
//!
//! 1. [`AudioMixer::handle_frame`] decodes a frame and writes it into its input's ring, which has
//!    samples by room time. What was lost is made from the next packet's copy, or made up. A loop
//!    follows the sender's clock, and a resampler evens it out.
//! 2. [`AudioMixer::mix`] gives the 20 ms of the room that begin at a time, and the same without
//!    their own tracks for listeners. Loud mixes are turned down before their peaks.
//! 3. An [`Encoder`] makes packets of them.
//!
//! All is decided by frames and times, so that a mix is the same whether it is made while people
//! talk or later from files. In both, sound is late by what its sender's encoder looks ahead, mostly
//! 6.5 ms: RTP does not tell how much that is, and nobody who receives RTP makes up for it.
//!
//! Not implemented: gain control, deep redundancy (DRED), more than two channels.

mod clock;
mod decoder;
mod encoder;
mod input;
mod level;
mod limiter;
pub mod limits;
mod listener;
mod mixer;
mod packet;
mod playout;
mod resample;
mod ring;
mod source;
mod time;

pub use decoder::NoDecoder;
pub use encoder::{EncodeError, EncodedAudio, Encoder, EncoderSettings, Purpose};
pub use input::{AudioFrame, InputCounters};
pub use listener::ListenerId;
pub use mixer::{AddError, AudioMixer, Mixed, MixerCounters};
pub use source::InputId;
pub use time::{RATE_HZ, TICK_SAMPLES};
