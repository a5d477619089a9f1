//! What became of a range of packets, §3.1.3 and §3.1.4.
//!
//! ```text
//!  |0| symbol (2) | run length (13)     |
//!  |1|0| symbols of one bit, 14 of them |
//!  |1|1| symbols of two bits, 7 of them |
//! ```

/// What became of a packet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Symbol {
    #[default]
    NotReceived = 0,
    /// Received, with a delta of one byte, unsigned.
    Small = 1,
    /// Received, with a delta of two bytes, signed.
    Large = 2,
}

impl Symbol {
    /// §3.1.1 reserves the fourth. Examples further down use it for packets received at an unknown
    /// time; nobody sends that, and libwebrtc refuses it too.
    fn from_bits(bits: u16) -> Option<Self> {
        match bits & 3 {
            0 => Some(Self::NotReceived),
            1 => Some(Self::Small),
            2 => Some(Self::Large),
            _ => None,
        }
    }

    /// The symbol of a packet received, by its delta.
    pub(super) fn of(delta: i16) -> Self {
        if u8::try_from(delta).is_ok() {
            Self::Small
        } else {
            Self::Large
        }
    }

    pub(super) fn delta_bytes(self) -> usize {
        self as usize
    }
}

/// A range of symbols, as it is read. The default is an empty range.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Chunk(u16);

impl Chunk {
    pub(super) fn new(word: u16) -> Self {
        Self(word)
    }

    pub(super) fn len(self) -> u16 {
        if self.is_run() {
            self.0 & MAX_RUN
        } else if self.is_two_bit() {
            TWO_BIT_LEN
        } else {
            ONE_BIT_LEN
        }
    }

    pub(super) fn symbol(self, index: u16) -> Option<Symbol> {
        if self.is_run() {
            Symbol::from_bits(self.0 >> RUN_BITS)
        } else if self.is_two_bit() {
            let after = (TWO_BIT_LEN - 1).checked_sub(index)?;
            Symbol::from_bits(self.0 >> (2 * after))
        } else {
            let after = (ONE_BIT_LEN - 1).checked_sub(index)?;
            Symbol::from_bits(self.0 >> after & 1)
        }
    }

    /// Bytes of all deltas of the first `count` packets.
    pub(super) fn delta_bytes(self, count: u16) -> Option<usize> {
        if self.is_run() {
            return Some(self.symbol(0)?.delta_bytes() * usize::from(count));
        }
        (0..count)
            .map(|index| self.symbol(index).map(Symbol::delta_bytes))
            .sum()
    }

    fn is_run(self) -> bool {
        self.0 & VECTOR == 0
    }

    fn is_two_bit(self) -> bool {
        self.0 & TWO_BIT == TWO_BIT
    }
}

/// Turns symbols into chunks, each as soon as no more fits into it: a run as long as all are the
/// same, else a vector, of single bits as long as no delta is large.
#[derive(Debug, Default)]
pub(super) struct ChunkWriter {
    /// The first symbols that wait to be written; if there are more, all are the same.
    symbols: [Symbol; ONE_BIT_LEN as usize],
    len: u16,
}

impl ChunkWriter {
    /// Most chunks that are written to add one symbol after `gap` equal ones and to finish: a
    /// vector of what waited, another with the beginning of the gap, the gap, the symbol.
    pub(super) fn max_chunks(gap: u16) -> usize {
        4 + usize::from(gap / MAX_RUN)
    }

    /// Adds the same symbol `count` times, in time bounded by the chunks that makes.
    pub(super) fn add(&mut self, symbol: Symbol, count: u16, out: &mut Vec<u8>) {
        let mut left = count;
        while left > 0 {
            if !self.can_add(symbol) {
                self.write_chunk(out);
            }
            let added = if self.is_run_of(symbol) {
                left.min(MAX_RUN - self.len)
            } else {
                1
            };
            let start = self.waiting().len();
            self.len += added;
            let end = self.waiting().len();
            self.symbols[start..end].fill(symbol);
            left -= added;
        }
    }

    /// Writes what waits. The last vector may have room for more: readers know how many packets
    /// there are in all.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        let [first, ..] = self.symbols;
        if (TWO_BIT_LEN + 1..ONE_BIT_LEN).contains(&self.len) && !self.is_run_of(first) {
            self.symbols[self.len.into()..].fill(Symbol::NotReceived);
            self.len = ONE_BIT_LEN;
        }
        while self.len > 0 {
            self.write_chunk(out);
        }
    }

    fn can_add(&self, symbol: Symbol) -> bool {
        let has_large = symbol == Symbol::Large || self.waiting().contains(&Symbol::Large);
        self.len < TWO_BIT_LEN
            || self.len < ONE_BIT_LEN && !has_large
            || self.len < MAX_RUN && self.is_run_of(symbol)
    }

    fn is_run_of(&self, symbol: Symbol) -> bool {
        self.waiting().iter().all(|waiting| *waiting == symbol)
    }

    fn waiting(&self) -> &[Symbol] {
        &self.symbols[..self.len.min(ONE_BIT_LEN).into()]
    }

    /// Writes one chunk; what does not fit into it goes on waiting.
    fn write_chunk(&mut self, out: &mut Vec<u8>) {
        let [first, ..] = self.symbols;
        let (word, written) = if self.is_run_of(first) {
            ((first as u16) << RUN_BITS | self.len, self.len)
        } else if self.len == ONE_BIT_LEN {
            (VECTOR | self.packed(ONE_BIT_LEN, 1), ONE_BIT_LEN)
        } else {
            (TWO_BIT | self.packed(TWO_BIT_LEN, 2), TWO_BIT_LEN)
        };
        out.extend(word.to_be_bytes());
        self.symbols.rotate_left(written.min(ONE_BIT_LEN).into());
        self.len = self.len.saturating_sub(written);
    }

    /// The first symbols side by side, zero where there are none.
    fn packed(&self, len: u16, bits: u32) -> u16 {
        let waiting = self.waiting().iter().copied();
        waiting
            .chain(std::iter::repeat(Symbol::NotReceived))
            .take(len.into())
            .fold(0, |word, symbol| word << bits | symbol as u16)
    }
}

const VECTOR: u16 = 0x8000;
const TWO_BIT: u16 = 0xc000;
const ONE_BIT_LEN: u16 = 14;
const TWO_BIT_LEN: u16 = 7;
const RUN_BITS: u32 = 13;
const MAX_RUN: u16 = (1 << RUN_BITS) - 1;

#[cfg(test)]
mod tests {
    use super::Symbol::{Large, NotReceived, Small};
    use super::*;

    fn symbols(word: u16) -> Vec<Symbol> {
        let chunk = Chunk::new(word);
        (0..chunk.len())
            .map(|index| chunk.symbol(index).expect("not reserved"))
            .collect()
    }

    fn written(runs: &[(Symbol, u16)]) -> Vec<u16> {
        let mut out = Vec::new();
        let mut writer = ChunkWriter::default();
        for &(symbol, count) in runs {
            writer.add(symbol, count, &mut out);
        }
        writer.finish(&mut out);
        let (words, []) = out.as_chunks() else {
            panic!("half a word");
        };
        words.iter().copied().map(u16::from_be_bytes).collect()
    }

    #[test]
    fn reads_the_drafts_run() {
        let run = Chunk::new(0b0000_0000_1101_1101);

        assert_eq!(run.len(), 221);
        assert_eq!(run.symbol(220), Some(NotReceived));
        assert_eq!(run.delta_bytes(221), Some(0));
    }

    #[test]
    fn reads_the_drafts_vector_of_single_bits() {
        let word = 0b1001_1111_0001_1100;

        let mut expected = vec![NotReceived];
        expected.extend([Small; 5]);
        expected.extend([NotReceived; 3]);
        expected.extend([Small; 3]);
        expected.extend([NotReceived; 2]);
        assert_eq!(symbols(word), expected);
        assert_eq!(Chunk::new(word).delta_bytes(14), Some(8));
        assert_eq!(Chunk::new(word).delta_bytes(3), Some(2));
    }

    #[test]
    fn reads_a_vector_of_two_bits() {
        let word = 0b1100_1001_0101_0000;

        assert_eq!(
            symbols(word),
            [
                NotReceived,
                Large,
                Small,
                Small,
                Small,
                NotReceived,
                NotReceived
            ]
        );
        assert_eq!(Chunk::new(word).delta_bytes(7), Some(5));
    }

    #[test]
    fn refuses_the_reserved_symbol() {
        assert_eq!(Chunk::new(0x6001).delta_bytes(1), None);
        assert_eq!(Chunk::new(0xc003).delta_bytes(7), None);
        assert_eq!(Chunk::new(0xc003).delta_bytes(6), Some(0));
    }

    #[test]
    fn equal_symbols_make_a_run() {
        assert_eq!(written(&[(Small, 1)]), [0x2001]);
        assert_eq!(written(&[(Small, 20)]), [0x2014]);
        assert_eq!(written(&[(Large, 20)]), [0x4014]);
        assert_eq!(written(&[(Small, 10), (Small, 10)]), [0x2014]);
    }

    #[test]
    fn a_run_ends_at_13_bits() {
        assert_eq!(written(&[(NotReceived, 8_191)]), [0x1fff]);
        assert_eq!(written(&[(NotReceived, 8_192)]), [0x1fff, 0x0001]);
        assert_eq!(
            written(&[(NotReceived, 65_535)]),
            [
                0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x1fff, 0x0007
            ]
        );
    }

    #[test]
    fn few_mixed_symbols_make_a_vector_of_two_bits() {
        assert_eq!(
            written(&[(Small, 2), (NotReceived, 1), (Large, 2)]),
            [0b1101_0100_1010_0000]
        );
    }

    #[test]
    fn many_mixed_symbols_without_a_large_delta_make_a_vector_of_single_bits() {
        assert_eq!(
            written(&[(Small, 3), (NotReceived, 2), (Small, 9)]),
            [0b1011_1001_1111_1111]
        );
    }

    #[test]
    fn a_large_delta_splits_what_single_bits_could_have_held() {
        assert_eq!(
            written(&[(Small, 5), (NotReceived, 1), (Small, 3), (Large, 1)]),
            [0b1101_0101_0101_0001, 0b1101_0110_0000_0000]
        );
    }

    #[test]
    fn a_large_gap_is_finished_by_a_run() {
        assert_eq!(
            written(&[(Small, 1), (NotReceived, 99), (Small, 1)]),
            [0b1010_0000_0000_0000, 86, 0x2001]
        );
    }

    #[test]
    fn a_symbol_after_any_gap_makes_no_more_chunks_than_promised() {
        for gap in (0..=40).chain(8_170..=8_230).chain(16_370..=16_400) {
            for first in [Small, Large] {
                for second in [NotReceived, Small, Large] {
                    for count in 0..=14 {
                        let before = [(first, 1), (second, count)];
                        let after = [(NotReceived, gap), (Large, 1)];
                        // What has been written by then does not count.
                        let mut written_before = Vec::new();
                        let mut writer = ChunkWriter::default();
                        for (symbol, count) in before {
                            writer.add(symbol, count, &mut written_before);
                        }

                        let all = written(&[before, after].concat());

                        let more = all.len() - written_before.len() / 2;
                        assert!(more <= ChunkWriter::max_chunks(gap), "{before:?} {after:?}");
                    }
                }
            }
        }
    }
}
