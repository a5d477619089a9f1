//! Pictures as libvpx gives and takes them.

use std::ptr;

use crate::Error;

/// A picture of 8 bits in 4:2:0, that somebody else owns.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Brightness.
    pub y: Plane<'a>,
    /// Blueness, half as wide and high, rounded up.
    pub u: Plane<'a>,
    /// Redness, half as wide and high, rounded up.
    pub v: Plane<'a>,
}

/// One component of a picture.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// The rows, each `stride` bytes after the one before.
    pub rows: &'a [u8],
    /// Bytes from row to row, at least the width.
    pub stride: usize,
}

impl<'a> Picture<'a> {
    /// A picture whose rows and planes are without gaps; `None` if `i420` is not as long as that.
    pub fn contiguous(width: u32, height: u32, i420: &'a [u8]) -> Option<Self> {
        let (wide, high) = (width as usize, height as usize);
        let (half_wide, half_high) = (wide.div_ceil(2), high.div_ceil(2));
        let (y, chroma) = i420.split_at_checked(wide * high)?;
        let (u, v) = chroma.split_at_checked(half_wide * half_high)?;
        let plane = |rows, stride| Plane { rows, stride };
        (u.len() == v.len()).then(|| Self {
            width,
            height,
            y: plane(y, wide),
            u: plane(u, half_wide),
            v: plane(v, half_wide),
        })
    }

    /// For C, once it is certain that every pixel is there.
    pub(crate) fn raw(&self) -> Result<RawPicture, Error> {
        let (width, height) = (self.width as usize, self.height as usize);
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let is_whole = width > 0
            && height > 0
            && self.y.has(width, height)
            && self.u.has(half_width, half_height)
            && self.v.has(half_width, half_height);
        if !is_whole {
            return Err(Error::INVALID);
        }
        let planes = [self.y, self.u, self.v];
        Ok(RawPicture {
            planes: planes.map(|plane| plane.rows.as_ptr()),
            strides: planes.map(|plane| plane.stride),
            width: self.width,
            height: self.height,
        })
    }
}

impl Plane<'_> {
    fn has(&self, width: usize, height: usize) -> bool {
        // libvpx counts strides in `int`.
        self.stride >= width
            && i32::try_from(self.stride).is_ok()
            && self.rows.len() >= self.stride * (height - 1) + width
    }
}

/// The same as `plenary_vpx_picture` in shim.c.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct RawPicture {
    planes: [*const u8; 3],
    strides: [usize; 3],
    width: u32,
    height: u32,
}

impl RawPicture {
    pub(crate) const NONE: Self = Self {
        planes: [ptr::null(); 3],
        strides: [0; 3],
        width: 0,
        height: 0,
    };

    /// The picture, unless there is none.
    ///
    /// # Safety
    ///
    /// The planes have all the rows of a picture of this size in 4:2:0, the strides are not less
    /// than the rows are long, and all that stays as it is for `'a`.
    pub(crate) unsafe fn view<'a>(&self) -> Option<Picture<'a>> {
        let (width, height) = (self.width as usize, self.height as usize);
        if width == 0 || height == 0 || self.planes.contains(&ptr::null()) {
            return None;
        }
        let plane = |index: usize, width: usize, height: usize| {
            let stride = self.strides[index];
            let len = stride * (height - 1) + width;
            // SAFETY: the caller promises that the plane has `height` rows of `width` bytes,
            // `stride` bytes apart.
            let rows = unsafe { std::slice::from_raw_parts(self.planes[index], len) };
            Plane { rows, stride }
        };
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        Some(Picture {
            width: self.width,
            height: self.height,
            y: plane(0, width, height),
            u: plane(1, half_width, half_height),
            v: plane(2, half_width, half_height),
        })
    }
}
