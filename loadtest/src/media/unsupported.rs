//! The answer to codecs that are not built in.

use std::error::Error;
use std::fmt;

use proto::codec::Codec;

/// No encoder or decoder of a codec is built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsupported {
    /// The codec that was asked for.
    pub codec: Codec,
    /// What of it is missing.
    pub part: Part,
}

/// One half of a codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Makes pictures into bytes.
    Encoder,
    /// Makes bytes into pictures.
    Decoder,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mime_type = self.codec.mime_type();
        let name = mime_type.rsplit('/').next().unwrap_or(mime_type);
        let part = match self.part {
            Part::Encoder => "encoder",
            Part::Decoder => "decoder",
        };
        write!(f, "no {name} {part} is built in")
    }
}

impl Error for Unsupported {}
