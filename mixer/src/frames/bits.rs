//! Bits of a header, the highest of each byte first.

/// Reads bits; what is beyond the end cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    at: usize,
    /// Zeros before the longest Exp-Golomb code so far.
    longest_code: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            longest_code: 0,
        }
    }

    pub(super) fn bit(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit != 0)
    }

    /// A number of `count` bits, at most 32.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32, "the number has room");
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    pub(super) fn skip(&mut self, count: u32) -> Option<()> {
        for _ in 0..count {
            self.bit()?;
        }
        Some(())
    }

    /// A number in an Exp-Golomb code (ITU-T H.264 §9.1), which AV1 calls `uvlc` and codes alike.
    pub(super) fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
        }
        self.longest_code = self.longest_code.max(zeros);
        match zeros {
            0..=31 => Some((1 << zeros) - 1 + self.take(zeros)?),
            _ => None,
        }
    }

    /// The number of zeros before the longest Exp-Golomb code so far.
    pub(super) fn longest_code(&self) -> u32 {
        self.longest_code
    }

    /// The same for numbers below zero too (ITU-T H.264 §9.1.1).
    pub(super) fn signed_exp_golomb(&mut self) -> Option<i32> {
        let code = self.exp_golomb()?;
        let magnitude = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 0 { -magnitude } else { magnitude })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_across_bytes() {
        let mut bits = Bits::new(&[0b1010_0000, 0b0000_0011]);

        assert_eq!(bits.take(3), Some(0b101));
        assert_eq!(bits.skip(11), Some(()));
        assert_eq!(bits.take(2), Some(3));
        assert_eq!(bits.bit(), None);
    }

    #[test]
    fn reads_exp_golomb_codes() {
        // 1, 010, 011, 00100, 00111.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0011, 0b1000_0000]);

        let codes: Vec<_> = (0..5).map(|_| bits.exp_golomb()).collect();

        assert_eq!(codes, [0, 1, 2, 3, 6].map(Some));
        assert_eq!(bits.exp_golomb(), None);
    }

    #[test]
    fn signs_alternate() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);

        let codes: Vec<_> = (0..5).map(|_| bits.signed_exp_golomb()).collect();

        assert_eq!(codes, [0, 1, -1, 2, -2].map(Some));
    }

    #[test]
    fn a_code_of_too_many_zeros_cannot_be_read() {
        assert_eq!(
            Bits::new(&[0, 0, 0, 0, 0x80, 0, 0, 0, 0]).exp_golomb(),
            None
        );
        assert_eq!(
            Bits::new(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]).exp_golomb(),
            Some(u32::MAX - 1)
        );
    }
}
