//! What goes wrong with libdav1d.

use std::ffi::c_int;
use std::fmt;

use crate::MAX_DECODED_SIDE;

/// Why something was not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// libdav1d says so.
    Libdav1d(Code),
    /// There is nothing to decode.
    Empty,
    /// A frame asks for a picture wider or higher than [`MAX_DECODED_SIDE`].
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
}

/// An error code of libdav1d: one of the system, negative on most systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(c_int);

impl Error {
    pub(crate) fn check(code: c_int) -> Result<(), Self> {
        if code == 0 {
            Ok(())
        } else {
            Err(Self::Libdav1d(Code(code)))
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Libdav1d(Code(code)) => {
                let error = std::io::Error::from_raw_os_error(code.saturating_abs());
                write!(f, "libdav1d: {error}")
            }
            Self::Empty => f.write_str("no bytes"),
            Self::TooLarge { width, height } => {
                let most = MAX_DECODED_SIDE;
                write!(
                    f,
                    "a picture of {width}x{height} is larger than {most}x{most}"
                )
            }
        }
    }
}

impl std::error::Error for Error {}
