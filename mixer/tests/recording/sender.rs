//! Tracks on their way to the server: packets, sender reports, and what a network does to them.

use std::ops::Range;
use std::rc::Rc;

use fastrand::Rng;
use proto::codec::Codec;
use proto::media::StreamClock;

use crate::clips::Clip;

/// A track that is sent.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) track: u16,
    pub(crate) encoding: u8,
    pub(crate) clip: Rc<Clip>,
    /// When frames are captured, in microseconds of the room.
    pub(crate) span_us: Range<i64>,
    /// Captured but not sent.
    pub(crate) quiet_us: Range<i64>,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    /// How much faster than the room's clock its timestamps run.
    pub(crate) fast_ppm: i64,
    pub(crate) way: Way,
    /// How often there are sender reports.
    pub(crate) reports_us: Option<i64>,
}

/// What happens on the way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Way {
    pub(crate) delay_us: i64,
    pub(crate) jitter_us: i64,
    pub(crate) lost_percent: f64,
    /// When what was lost comes after all.
    pub(crate) repair_us: Option<Range<i64>>,
}

/// A packet that arrives.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) at_us: i64,
    pub(crate) track: u16,
    pub(crate) encoding: u8,
    pub(crate) codec: Codec,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
    pub(crate) clock: Option<Report>,
}

/// A sender report, by the room's time; everyone's wall clock is another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Report {
    at_us: i64,
    timestamp: u32,
}

/// The most payload of a packet.
const PACKET_BYTES: usize = 1_100;

impl Sender {
    /// Sends a clip over and over.
    pub(crate) fn new(track: u16, clip: &Rc<Clip>, span_us: Range<i64>) -> Self {
        Self {
            track,
            encoding: 0,
            clip: Rc::clone(clip),
            span_us,
            quiet_us: 0..0,
            sequence: 65_500 + u64::from(track),
            timestamp: u32::MAX - 20_000,
            fast_ppm: 0,
            way: Way::default(),
            reports_us: None,
        }
    }

    /// Its packets, in the order they were sent.
    pub(crate) fn packets(&self, rng: &mut Rng) -> Vec<Arrival> {
        let mut packets = Vec::new();
        let (mut sequence, mut second, mut since_mark) = (self.sequence, self.span_us.start, 99);
        for place in 0.. {
            let captured_us = self.captured_us(place);
            if captured_us >= self.span_us.end {
                break;
            }
            since_mark += 1;
            let is_mark = captured_us / 1_000_000 != second / 1_000_000;
            if is_mark {
                (second, since_mark) = (captured_us, 0);
            }
            let frame = match self.clip.mark {
                None => place as usize % self.clip.frames.len(),
                Some(mark) if is_mark => mark,
                // A flash is over with the next keyframe but two.
                Some(_) if since_mark == 3 || place == 0 => 0,
                Some(_) => 2,
            };
            if self.quiet_us.contains(&captured_us) {
                continue;
            }
            let timestamp = self.timestamp.wrapping_add(self.clip.ticks * place as u32);
            let payloads = self.payloads(frame, place);
            let last = payloads.len() - 1;
            for (part, payload) in payloads.into_iter().enumerate() {
                // A stream begins with what comes first.
                let at_us = match place {
                    0 => Some(captured_us + self.way.delay_us),
                    _ => self.arrival_us(rng, captured_us),
                };
                packets.extend(at_us.map(|at_us| Arrival {
                    at_us,
                    track: self.track,
                    encoding: self.encoding,
                    codec: self.clip.codec,
                    sequence,
                    timestamp,
                    marker: part == last,
                    payload,
                    clock: self.report(at_us),
                }));
                sequence += 1;
            }
        }
        packets
    }

    /// When a frame is captured.
    pub(crate) fn captured_us(&self, place: i64) -> i64 {
        let own_us = place * self.clip.frame_us;
        self.span_us.start + own_us - own_us * self.fast_ppm / 1_000_000
    }

    /// The timestamp at a time.
    fn timestamp_at(&self, at_us: i64) -> u32 {
        let since_us = at_us - self.span_us.start;
        let own_us = since_us + since_us * self.fast_ppm / 1_000_000;
        let ticks =
            i128::from(own_us) * i128::from(self.clip.ticks) / i128::from(self.clip.frame_us);
        self.timestamp.wrapping_add(ticks as i64 as u32)
    }

    /// The newest report that has come by then. The first comes early.
    fn report(&self, at_us: i64) -> Option<Report> {
        let every_us = self.reports_us?;
        let sent_us = at_us - self.way.delay_us - self.span_us.start;
        let count = (sent_us + every_us / 2) / every_us;
        let at_us = self.span_us.start + count * every_us - every_us / 2;
        (count > 0).then(|| Report {
            at_us,
            timestamp: self.timestamp_at(at_us),
        })
    }

    /// When a packet arrives, if it does.
    fn arrival_us(&self, rng: &mut Rng, captured_us: i64) -> Option<i64> {
        let way = &self.way;
        let at_us = captured_us + way.delay_us + rng.i64(0..=way.jitter_us);
        if rng.f64() * 100.0 >= way.lost_percent {
            return Some(at_us);
        }
        let repair_us = way.repair_us.clone()?;
        Some(at_us + rng.i64(repair_us))
    }

    fn payloads(&self, frame: usize, place: i64) -> Vec<Vec<u8>> {
        let data = &self.clip.frames[frame];
        if self.clip.codec == Codec::Opus {
            return vec![data.clone()];
        }
        if self.clip.codec == Codec::H264 {
            return h264_payloads(data);
        }
        let picture = (place as u16 | 0x8000).to_be_bytes();
        let parts: Vec<_> = data.chunks(PACKET_BYTES).collect();
        let last = parts.len() - 1;
        let payloads = parts.into_iter().enumerate().map(|(part, bytes)| {
            let (is_first, is_last) = (u8::from(part == 0), u8::from(part == last));
            let head = match self.clip.codec == Codec::Vp9 {
                true => vec![
                    0x80 | u8::from(frame != 0) << 6 | is_first << 3 | is_last << 2,
                    picture[0],
                    picture[1],
                ],
                false => vec![0x80 | is_first << 4, 0x80, picture[0], picture[1]],
            };
            [&head, bytes].concat()
        });
        payloads.collect()
    }
}

/// NAL units in parts (RFC 6184 §5.8), or as they are if they are small.
fn h264_payloads(stream: &[u8]) -> Vec<Vec<u8>> {
    let payloads = openh264::nal_units(stream).flat_map(|unit| {
        let code = unit.iter().take_while(|&&byte| byte == 0).count() + 1;
        let (&header, body) = unit[code..].split_first().expect("a unit");
        let parts: Vec<_> = body.chunks(PACKET_BYTES).collect();
        let last = parts.len() - 1;
        let parts = parts.into_iter().enumerate().map(move |(part, bytes)| {
            let edges = u8::from(part == 0) << 7 | u8::from(part == last) << 6;
            let head = match last {
                0 => vec![header],
                _ => vec![header & 0xe0 | 28, edges | header & 0x1f],
            };
            [&head, bytes].concat()
        });
        parts.collect::<Vec<_>>()
    });
    payloads.collect()
}

impl Report {
    /// What it says if its sender's wall clock shows so much more than the room's.
    pub(crate) fn clock(self, ntp_at: impl Fn(i64) -> u64) -> StreamClock {
        StreamClock {
            ntp: ntp_at(self.at_us),
            timestamp: self.timestamp,
        }
    }
}
