//! What goes wrong with libvpx.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;

use crate::MAX_DECODED_SIDE;

/// Why something was not encoded or decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// libvpx says so.
    Libvpx(Code),
    /// A frame does not begin as frames of its codec do.
    Malformed,
    /// A frame says that it is wider or higher than [`MAX_DECODED_SIDE`].
    TooLarge {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
}

/// An error code of libvpx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(c_int);

impl Error {
    pub(crate) fn check(code: c_int) -> Result<(), Self> {
        if code == 0 {
            Ok(())
        } else {
            Err(Self::Libvpx(Code(code)))
        }
    }

    /// VPX_CODEC_INVALID_PARAM.
    pub(crate) const INVALID: Self = Self::Libvpx(Code(8));
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Libvpx(code) => write!(f, "libvpx: {code}"),
            Self::Malformed => f.write_str("malformed frame header"),
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

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the function takes any number and gives a string that lives for ever.
        let text = unsafe { CStr::from_ptr(plenary_vpx_error(self.0)) };
        f.write_str(&text.to_string_lossy())
    }
}

unsafe extern "C" {
    fn plenary_vpx_error(code: c_int) -> *const c_char;
}
