//! H.264 by OpenH264: decoded always, encoded with the feature `h264` and in tests.

mod decoder;
#[cfg(any(feature = "h264", test))]
mod encoder;
mod units;

pub(super) use decoder::Decoder;
#[cfg(any(feature = "h264", test))]
pub(super) use encoder::Encoder;
