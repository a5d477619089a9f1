//! What libvpx says when something goes wrong.

use std::ffi::{CStr, c_char, c_int};
use std::fmt;

/// An error code of libvpx.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Error(c_int);

impl Error {
    pub(crate) fn check(code: c_int) -> Result<(), Self> {
        if code == 0 { Ok(()) } else { Err(Self(code)) }
    }

    /// VPX_CODEC_INVALID_PARAM.
    pub(crate) const INVALID: Self = Self(8);
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: the function takes any number and gives a string that lives for ever.
        let text = unsafe { CStr::from_ptr(plenary_vpx_error(self.0)) };
        write!(f, "libvpx: {}", text.to_string_lossy())
    }
}

impl std::error::Error for Error {}

unsafe extern "C" {
    fn plenary_vpx_error(code: c_int) -> *const c_char;
}
