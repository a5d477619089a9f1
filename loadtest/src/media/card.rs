//! The test card: a picture that says whose it is.

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Card {
    /// The publisher's number in the run.
    pub publisher: u16,
    /// The simulcast encoding, 0 the smallest.
    pub encoding: u8,
    /// Index in the loop.
    pub clip_frame: u16,
    /// Media time in the loop, in milliseconds, carried in 24 bits.
    pub captured_ms: u32,
}

impl Card {
    /// Draws the card over all of an I420 picture without gaps between its rows.
    pub fn draw(&self, width: usize, height: usize, y: &mut [u8], u: &mut [u8], v: &mut [u8]) {
        let _ = (width, height, y, u, v);
    }

    /// Reads the card from a luma plane; `None` if none can be seen.
    pub fn read(width: usize, height: usize, y: &[u8], stride: usize) -> Option<Self> {
        let _ = (width, height, y, stride);
        None
    }
}
