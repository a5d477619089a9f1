//! Rooms that are mixed: whole tracks of Opus in, and what is heard.

mod drift;
mod hostile;
mod listen;
mod loss;
mod room;
mod same;
mod sender;
mod silence;
mod timing;
mod tones;
