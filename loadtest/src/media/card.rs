//! The test card: a picture that says whose it is.
//!
//! Ten by eight black and white cells in the middle of the picture hold, row by row, the fields of
//! a [`Card`] and a CRC of 16 bits. A cell is a multiple of eight pixels wide wherever there is
//! room, so that it fills whole transform blocks and stays readable at the coarsest quantizer.

use super::backdrop::{Backdrop, Grain};

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
    ///
    /// Around the cells moves a grainy backdrop, without which there would be nothing to encode.
    pub fn draw(&self, width: usize, height: usize, y: &mut [u8], u: &mut [u8], v: &mut [u8]) {
        self.draw_grained(Grain::Rough, width, height, y, u, v);
    }

    pub(super) fn draw_grained(
        &self,
        grain: Grain,
        width: usize,
        height: usize,
        y: &mut [u8],
        u: &mut [u8],
        v: &mut [u8],
    ) {
        Backdrop {
            publisher: self.publisher,
            frame: self.clip_frame,
            grain,
        }
        .draw(width, height, y, u, v);

        let Some(grid) = Grid::of(width, height) else {
            return;
        };
        let bits = self.to_bits();
        for (row, pixels) in y.chunks_exact_mut(width).enumerate() {
            let Some(row) = grid.row(row) else { continue };
            for column in 0..COLUMNS {
                let at = grid.left + column * grid.side;
                let shade = if bits >> (row * COLUMNS + column) & 1 == 1 {
                    WHITE
                } else {
                    BLACK
                };
                pixels[at..at + grid.side].fill(shade);
            }
        }
    }

    /// Reads the card from a luma plane; `None` if none can be seen.
    pub fn read(width: usize, height: usize, y: &[u8], stride: usize) -> Option<Self> {
        let grid = Grid::of(width, height)?;
        let bits = (0..ROWS * COLUMNS).try_fold(0_u128, |bits, cell| {
            let shade = grid.shade(cell / COLUMNS, cell % COLUMNS, y, stride)?;
            Some(bits | u128::from(shade > GREY) << cell)
        })?;
        Self::from_bits(bits)
    }

    fn to_bits(self) -> u128 {
        let fields = u128::from(self.publisher)
            | u128::from(self.encoding) << 16
            | u128::from(self.clip_frame) << 24
            | u128::from(self.captured_ms & 0x00ff_ffff) << 40;
        fields | u128::from(crc(fields as u64)) << 64
    }

    fn from_bits(bits: u128) -> Option<Self> {
        let fields = bits as u64;
        (bits >> 64 == u128::from(crc(fields))).then_some(Self {
            publisher: fields as u16,
            encoding: (fields >> 16) as u8,
            clip_frame: (fields >> 24) as u16,
            captured_ms: (fields >> 40) as u32,
        })
    }
}

/// Where the cells are.
struct Grid {
    left: usize,
    top: usize,
    side: usize,
}

impl Grid {
    fn of(width: usize, height: usize) -> Option<Self> {
        let room = (width / COLUMNS)
            .min(height / ROWS)
            .min(width.min(height) / 11);
        let side = if room >= 8 { room / 8 * 8 } else { room };
        let align = side.min(8);
        (side >= SMALLEST_SIDE).then(|| Self {
            left: (width - COLUMNS * side) / 2 / align * align,
            top: (height - ROWS * side) / 2 / align * align,
            side,
        })
    }

    /// The row of cells that a row of pixels belongs to.
    fn row(&self, y: usize) -> Option<usize> {
        let row = y.checked_sub(self.top)? / self.side;
        (row < ROWS).then_some(row)
    }

    /// The mean luma of the inner half of a cell.
    fn shade(&self, row: usize, column: usize, y: &[u8], stride: usize) -> Option<u32> {
        let (margin, inner) = (self.side / 4, self.side - 2 * (self.side / 4));
        let left = self.left + column * self.side + margin;
        let top = self.top + row * self.side + margin;
        let mut sum = 0;
        for row in top..top + inner {
            let start = row.checked_mul(stride)?.checked_add(left)?;
            let pixels = y.get(start..start.checked_add(inner)?)?;
            sum += pixels.iter().copied().map(u32::from).sum::<u32>();
        }
        Some(sum / (inner * inner) as u32)
    }
}

const COLUMNS: usize = 10;
const ROWS: usize = 8;

/// Pixels; smaller cells do not survive an encoder.
const SMALLEST_SIDE: usize = 4;

// Luma of ITU-R BT.601, and the middle.
const BLACK: u8 = 16;
const WHITE: u8 = 235;
const GREY: u32 = 125;

/// CRC-16/CCITT with all ones to begin with, so that a black picture is no card.
fn crc(fields: u64) -> u16 {
    fields.to_be_bytes().iter().fold(0xffff, |crc, &byte| {
        (0..8).fold(crc ^ u16::from(byte) << 8, |crc, _| {
            let carry = crc & 0x8000 != 0;
            crc << 1 ^ if carry { 0x1021 } else { 0 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: Card = Card {
        publisher: 0xa5f0,
        encoding: 2,
        clip_frame: 59,
        captured_ms: 0x00ab_cdef,
    };

    fn drawn(width: usize, height: usize) -> Vec<u8> {
        let mut y = vec![0; width * height];
        let mut u = vec![0; width * height / 4];
        let mut v = u.clone();
        CARD.draw(width, height, &mut y, &mut u, &mut v);
        y
    }

    #[test]
    fn is_read_as_it_was_drawn() {
        for (width, height) in [(160, 90), (320, 180), (90, 160), (1280, 720), (48, 64)] {
            let y = drawn(width, height);

            assert_eq!(
                Card::read(width, height, &y, width),
                Some(CARD),
                "{width}x{height}"
            );
        }
    }

    #[test]
    fn a_cell_that_flipped_is_noticed() {
        for cell in 0..ROWS * COLUMNS {
            assert_eq!(Card::from_bits(CARD.to_bits() ^ 1 << cell), None);
        }
    }

    #[test]
    fn pictures_of_one_shade_show_none() {
        for shade in [0, 16, 128, 235, 255] {
            assert_eq!(Card::read(160, 90, &[shade; 160 * 90], 160), None);
        }
    }

    #[test]
    fn a_plane_that_is_too_short_shows_none() {
        let y = drawn(160, 90);

        assert_eq!(Card::read(160, 90, &y[..5_000], 160), None);
        assert_eq!(Card::read(160, 90, &y, usize::MAX), None);
        assert_eq!(Card::read(0, 0, &[], 0), None);
        assert_eq!(Card::read(usize::MAX, usize::MAX, &y, 160), None);
    }
}
