//! Continuous numbers for a receiver, whatever the source of the packets.
//!
//! A media section towards a receiver is one RTP stream for as long as the session lives, while
//! what it carries changes: another encoding, another publication. The rewriter maps each source's
//! sequence numbers, timestamps and VP8 picture ids onto the one stream. It never gives a sequence
//! number twice, which SRTP could not bear.

use std::time::{Duration, Instant};

use proto::layer::vp8::PictureIds;
use proto::media::Vp8Numbers;

/// Largest step of a source's sequence number that counts as loss; beyond, the source has started
/// anew. RFC 3550 appendix A.1, MAX_DROPOUT.
const MAX_DROPOUT: u64 = 3_000;

/// A packet's numbers as its source gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbers {
    /// Extended sequence number.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// VP8 counters.
    pub vp8: Option<PictureIds>,
}

/// A packet's numbers for the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewritten {
    /// Extended sequence number.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// VP8 counters to write into the payload.
    pub vp8: Option<Vp8Numbers>,
}

/// A packet of a source, with its numbers for the receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The source's encoding.
    pub encoding: usize,
    /// The packet's sequence number as its source gave it.
    pub sequence: u64,
    source: Source,
}

impl Origin {
    /// The numbers the packet had for the receiver.
    pub fn rewrite(&self, numbers: Numbers) -> Rewritten {
        self.source.rewrite(numbers)
    }
}

/// The state of one RTP stream towards a receiver: a few integers.
#[derive(Debug, Clone)]
pub struct Rewriter {
    highest_sequence: u64,
    last_timestamp: u32,
    last_sent: Option<Instant>,
    last_picture_id: u16,
    last_tl0_pic_idx: u8,
    source: Option<Source>,
    /// The source before, for what is asked for again.
    before: Option<Source>,
}

/// How a source's numbers map onto the stream's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Source {
    encoding: usize,
    first_sequence: u64,
    highest_sequence: u64,
    sequence_offset: u64,
    timestamp_offset: u32,
    picture_id_offset: u16,
    tl0_pic_idx_offset: u8,
}

impl Rewriter {
    /// Starts a stream. The first sequence number is taken from `seed` and lies below 32,768, so
    /// that receivers begin with roll-over counter 0 (RFC 3711 §3.3.1).
    pub fn new(seed: u16) -> Self {
        Self {
            highest_sequence: u64::from(seed & 0x7FFF),
            last_timestamp: 0,
            last_sent: None,
            last_picture_id: seed & 0x7FFF,
            last_tl0_pic_idx: 0,
            source: None,
            before: None,
        }
    }

    /// Ends the present source: the next packet starts a new one.
    pub fn end_source(&mut self) {
        self.before = self.source.take().or(self.before);
    }

    /// The packet that went out with a sequence number, if it was of the present source or of the
    /// one before.
    pub fn origin(&self, sequence: u64) -> Option<Origin> {
        let sources = [self.source, self.before].into_iter().flatten();
        sources
            .map(|source| Origin {
                encoding: source.encoding,
                sequence: sequence.wrapping_sub(source.sequence_offset),
                source,
            })
            .find(|origin| {
                let source = origin.source;
                (source.first_sequence..=source.highest_sequence).contains(&origin.sequence)
            })
    }

    /// Numbers for a packet of the present source, or of a new one if it was ended. `None` for a
    /// packet from before the source's first: its number would be another's.
    pub fn rewrite(
        &mut self,
        now: Instant,
        encoding: usize,
        numbers: Numbers,
        clock_rate_hz: u32,
    ) -> Option<Rewritten> {
        let source = match self.source {
            Some(source) if continues(source, numbers.sequence) => source,
            Some(source) if numbers.sequence < source.first_sequence => return None,
            Some(source) if numbers.sequence < source.highest_sequence => return None,
            Some(_) | None => {
                self.end_source();
                self.start_source(now, encoding, numbers, clock_rate_hz)
            }
        };
        let rewritten = source.rewrite(numbers);
        self.remember(now, source, numbers, rewritten);
        Some(rewritten)
    }

    fn start_source(
        &self,
        now: Instant,
        encoding: usize,
        numbers: Numbers,
        clock_rate_hz: u32,
    ) -> Source {
        let timestamp_offset = match self.last_sent {
            Some(last) => {
                let elapsed = ticks(now.saturating_duration_since(last), clock_rate_hz).max(1);
                self.last_timestamp
                    .wrapping_add(elapsed)
                    .wrapping_sub(numbers.timestamp)
            }
            None => 0,
        };
        let picture_id = numbers
            .vp8
            .and_then(|ids| ids.picture_id)
            .map_or(0, |id| id.value);
        let tl0_pic_idx = numbers.vp8.and_then(|ids| ids.tl0_pic_idx).unwrap_or(0);
        Source {
            encoding,
            first_sequence: numbers.sequence,
            highest_sequence: numbers.sequence,
            sequence_offset: (self.highest_sequence + 1).wrapping_sub(numbers.sequence),
            timestamp_offset,
            picture_id_offset: self
                .last_picture_id
                .wrapping_add(1)
                .wrapping_sub(picture_id),
            tl0_pic_idx_offset: self
                .last_tl0_pic_idx
                .wrapping_add(1)
                .wrapping_sub(tl0_pic_idx),
        }
    }

    fn remember(&mut self, now: Instant, mut source: Source, numbers: Numbers, sent: Rewritten) {
        source.highest_sequence = source.highest_sequence.max(numbers.sequence);
        self.source = Some(source);
        if sent.sequence > self.highest_sequence {
            self.highest_sequence = sent.sequence;
            self.last_timestamp = sent.timestamp;
            self.last_sent = Some(now);
            if let Some(vp8) = sent.vp8 {
                self.last_picture_id = vp8.picture_id.unwrap_or(self.last_picture_id);
                self.last_tl0_pic_idx = vp8.tl0_pic_idx.unwrap_or(self.last_tl0_pic_idx);
            }
        }
    }
}

impl Source {
    fn rewrite(&self, numbers: Numbers) -> Rewritten {
        Rewritten {
            sequence: numbers.sequence.wrapping_add(self.sequence_offset),
            timestamp: numbers.timestamp.wrapping_add(self.timestamp_offset),
            vp8: numbers.vp8.map(|ids| self.rewrite_vp8(ids)),
        }
    }

    fn rewrite_vp8(&self, ids: PictureIds) -> Vp8Numbers {
        Vp8Numbers {
            picture_id: ids
                .picture_id
                .map(|id| id.value.wrapping_add(self.picture_id_offset) & id.mask()),
            tl0_pic_idx: ids
                .tl0_pic_idx
                .map(|index| index.wrapping_add(self.tl0_pic_idx_offset)),
        }
    }
}

fn continues(source: Source, sequence: u64) -> bool {
    sequence >= source.first_sequence
        && sequence + MAX_DROPOUT > source.highest_sequence
        && sequence < source.highest_sequence + MAX_DROPOUT
}

fn ticks(span: Duration, clock_rate_hz: u32) -> u32 {
    (span.as_micros() * u128::from(clock_rate_hz) / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use proto::layer::vp8::PictureId;

    use super::*;

    const VIDEO: u32 = 90_000;

    #[expect(
        clippy::disallowed_methods,
        reason = "an instant can only be made by the clock"
    )]
    fn start() -> Instant {
        Instant::now()
    }

    fn numbers(sequence: u64, timestamp: u32, picture_id: u16) -> Numbers {
        let picture_id = Some(PictureId {
            value: picture_id,
            long: true,
        });
        Numbers {
            sequence,
            timestamp,
            vp8: Some(PictureIds {
                picture_id,
                tl0_pic_idx: Some(picture_id_low(picture_id)),
                key_idx: None,
            }),
        }
    }

    fn picture_id_low(id: Option<PictureId>) -> u8 {
        id.map_or(0, |id| id.value as u8)
    }

    #[test]
    fn is_continuous_over_a_switch() {
        let now = start();
        let mut rewriter = Rewriter::new(100);

        let a = rewriter
            .rewrite(now, 0, numbers(50_000, 1_000, 7), VIDEO)
            .expect("in order");
        let b = rewriter
            .rewrite(now, 0, numbers(50_001, 1_000, 7), VIDEO)
            .expect("in order");
        rewriter.end_source();
        let later = now + Duration::from_millis(20);
        let c = rewriter
            .rewrite(later, 1, numbers(9, 777_777, 9_000), VIDEO)
            .expect("in order");

        assert_eq!((a.sequence, b.sequence, c.sequence), (101, 102, 103));
        assert_eq!((a.timestamp, c.timestamp), (1_000, 1_000 + 1_800));
        let picture = |packet: Rewritten| packet.vp8.and_then(|vp8| vp8.picture_id);
        assert_eq!((picture(b), picture(c)), (Some(101), Some(102)));
    }

    #[test]
    fn finds_back_what_went_out() {
        let now = start();
        let mut rewriter = Rewriter::new(100);
        for sequence in [50_000, 50_001] {
            rewriter.rewrite(now, 0, numbers(sequence, 1_000, 7), VIDEO);
        }
        rewriter.end_source();
        let sent = rewriter.rewrite(now, 2, numbers(9, 777_777, 9_000), VIDEO);

        let origin = |sequence| {
            let origin = rewriter.origin(sequence)?;
            Some((origin.encoding, origin.sequence))
        };
        assert_eq!(origin(102), Some((0, 50_001)));
        assert_eq!(origin(103), Some((2, 9)));
        assert_eq!((origin(100), origin(104)), (None, None));
        let again = rewriter
            .origin(103)
            .map(|origin| origin.rewrite(numbers(9, 777_777, 9_000)));
        assert_eq!(again, sent);
    }

    #[test]
    fn keeps_gaps_so_that_the_receiver_can_ask_again() {
        let now = start();
        let mut rewriter = Rewriter::new(0);

        let first = rewriter
            .rewrite(now, 0, numbers(10, 0, 0), VIDEO)
            .expect("in order");
        let third = rewriter
            .rewrite(now, 0, numbers(12, 0, 0), VIDEO)
            .expect("in order");
        let second = rewriter
            .rewrite(now, 0, numbers(11, 0, 0), VIDEO)
            .expect("late but wanted");

        assert_eq!((first.sequence, second.sequence, third.sequence), (1, 2, 3));
    }

    #[test]
    fn drops_what_came_before_the_switch() {
        let now = start();
        let mut rewriter = Rewriter::new(0);
        rewriter.rewrite(now, 0, numbers(10, 0, 0), VIDEO);

        assert_eq!(rewriter.rewrite(now, 0, numbers(9, 0, 0), VIDEO), None);
    }

    #[test]
    fn starts_anew_after_a_wild_jump() {
        let now = start();
        let mut rewriter = Rewriter::new(0);
        rewriter.rewrite(now, 0, numbers(10, 0, 0), VIDEO);

        let jumped = rewriter
            .rewrite(now, 0, numbers(60_000, 0, 0), VIDEO)
            .expect("a new start");

        assert_eq!(jumped.sequence, 2);
    }

    #[test]
    fn wraps_a_short_picture_id_at_its_width() {
        let now = start();
        let mut rewriter = Rewriter::new(0x7F);
        let short = PictureIds {
            picture_id: Some(PictureId {
                value: 3,
                long: false,
            }),
            tl0_pic_idx: None,
            key_idx: None,
        };

        let sent = rewriter.rewrite(
            now,
            0,
            Numbers {
                sequence: 1,
                timestamp: 0,
                vp8: Some(short),
            },
            VIDEO,
        );

        assert_eq!(
            sent.and_then(|sent| sent.vp8)
                .and_then(|vp8| vp8.picture_id),
            Some(0)
        );
    }
}
