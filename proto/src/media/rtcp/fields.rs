//! Big-endian fields, read one after another.

/// What has not been read yet. Every method is `None`, and takes nothing, when too little is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Option<i16> {
        self.array().map(i16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Option<u32> {
        self.array()
            .map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }

    pub(super) fn i24(&mut self) -> Option<i32> {
        // Shifted down from the top, which keeps the sign.
        self.array()
            .map(|[a, b, c]| i32::from_be_bytes([a, b, c, 0]) >> 8)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*array)
    }

    /// The next `len` bytes, to be read on their own.
    pub(super) fn part(&mut self, len: usize) -> Option<Self> {
        let (part, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(Self(part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_signed_24_bits() {
        let mut fields = Fields::new(&[0xff, 0xff, 0xfe, 0x7f, 0xff, 0xff, 0x80, 0, 0]);

        assert_eq!(fields.i24(), Some(-2));
        assert_eq!(fields.i24(), Some(0x7f_ffff));
        assert_eq!(fields.i24(), Some(-0x80_0000));
        assert!(fields.is_empty());
    }

    #[test]
    fn takes_nothing_when_too_little_is_left() {
        let mut fields = Fields::new(&[1, 2, 3]);

        assert_eq!(fields.u32(), None);
        assert_eq!(fields.part(4), None);
        assert_eq!(fields.u24(), Some(0x01_0203));
    }
}
