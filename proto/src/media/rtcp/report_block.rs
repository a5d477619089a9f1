//! The block about one stream in sender and receiver reports, RFC 3550 §6.4.1.

use super::fields::Fields;

/// How one stream arrives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Packets lost since the report before, in 1/256 of those expected.
    pub fraction_lost: u8,
    /// Packets lost since the beginning; negative if duplicates arrived. Written as 24 bits, and
    /// as the nearest value that fits.
    pub cumulative_lost: i32,
    /// The highest sequence number received, below the number of times it has wrapped.
    pub highest_sequence: u32,
    /// Interarrival jitter, in units of the RTP clock.
    pub jitter: u32,
    /// The middle 32 bits of the NTP time in the last sender report; 0 if there was none.
    pub last_sender_report: u32,
    /// Time since that report arrived, in 1/65536 s.
    pub delay_since_last: u32,
}

impl ReportBlock {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        Some(Self {
            ssrc: fields.u32()?,
            fraction_lost: fields.u8()?,
            cumulative_lost: fields.i24()?,
            highest_sequence: fields.u32()?,
            jitter: fields.u32()?,
            last_sender_report: fields.u32()?,
            delay_since_last: fields.u32()?,
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        // RFC 3550 A.3 clamps it so.
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff);
        let [_, lost @ ..] = lost.to_be_bytes();
        out.extend(self.ssrc.to_be_bytes());
        out.push(self.fraction_lost);
        out.extend(lost);
        out.extend(self.highest_sequence.to_be_bytes());
        out.extend(self.jitter.to_be_bytes());
        out.extend(self.last_sender_report.to_be_bytes());
        out.extend(self.delay_since_last.to_be_bytes());
    }
}

/// The blocks of a report, at most 31.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports<'a>(Fields<'a>);

impl<'a> Reports<'a> {
    /// `None` if there are fewer than `count`.
    pub(super) fn read(count: u8, fields: &mut Fields<'a>) -> Option<Self> {
        fields.part(usize::from(count) * BLOCK_BYTES).map(Self)
    }
}

impl Iterator for Reports<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<Self::Item> {
        ReportBlock::read(&mut self.0)
    }
}

const BLOCK_BYTES: usize = 24;
