//! Pictures and sound with something in each second that can be seen and heard, by clocks that run
//! fast or slow.

use std::rc::Rc;
use std::time::{Duration, Instant};

use proto::codec::Codec;

use crate::media::{MadePacket, descriptor};

/// What a track sends: with each second of the world a mark.
#[derive(Debug, Clone)]
pub struct Film {
    pub codec: Codec,
    /// A frame that needs no other, a mark, which needs none either, and one that is as the one before.
    pub frames: Rc<[Vec<u8>; 3]>,
    /// Time from frame to frame, by the film's own clock.
    pub frame: Duration,
    /// Frames that a mark lasts.
    pub mark_frames: u32,
    /// How much faster than the world's that clock runs.
    pub fast_ppm: i32,
    /// When the world's seconds begin.
    pub epoch: Instant,
    /// When the marks were captured.
    pub marks: Vec<Instant>,
    begins: Option<Instant>,
    place: u32,
    since_mark: u32,
    sequence: u64,
}

impl Film {
    pub fn new(codec: Codec, frames: Rc<[Vec<u8>; 3]>, epoch: Instant) -> Self {
        let is_sound = codec.video().is_none();
        Self {
            codec,
            frames,
            frame: Duration::from_micros(if is_sound { 20_000 } else { 33_333 }),
            mark_frames: if is_sound { 1 } else { 3 },
            fast_ppm: 0,
            epoch,
            marks: Vec::new(),
            begins: None,
            place: 0,
            since_mark: u32::MAX,
            sequence: 65_000,
        }
    }

    /// The next frame in a packet, if it has been captured by now.
    pub fn next(
        &mut self,
        now: Instant,
        section: usize,
        wants_keyframe: &mut bool,
    ) -> Option<MadePacket> {
        self.begins.get_or_insert(now);
        let captured = self.captured(self.place);
        if captured > now {
            return None;
        }
        let second = |at: Instant| at.saturating_duration_since(self.epoch).as_secs();
        let before = self.place.checked_sub(1);
        let is_mark = before.is_some_and(|own| second(self.captured(own)) != second(captured));
        self.since_mark = self.since_mark.saturating_add(1);
        if is_mark {
            self.since_mark = 0;
            self.marks.push(captured);
        }
        let is_marked = self.since_mark < self.mark_frames;
        let begins_anew = self.place == 0 || is_mark || self.since_mark == self.mark_frames;
        let is_keyframe = std::mem::take(wants_keyframe) || begins_anew;
        let is_sound = self.codec.video().is_none();
        let data = match (is_marked, is_keyframe || is_sound) {
            (true, true) => &self.frames[1],
            (false, true) => &self.frames[0],
            (_, false) => &self.frames[2],
        };
        let head = (!is_sound).then(|| descriptor(self.place, true));
        let payload = [head.as_ref().map_or(&[][..], |own| own), data].concat();
        let packet = MadePacket {
            section,
            rid: None,
            codec: self.codec,
            sequence: self.sequence,
            timestamp: self.timestamp(),
            marker: !is_sound || self.place == 0,
            payload,
            captured,
        };
        self.sequence += 1;
        self.place += 1;
        Some(packet)
    }

    fn captured(&self, place: u32) -> Instant {
        let slower = 1.0 - f64::from(self.fast_ppm) / 1e6;
        let own = self.frame * place;
        self.begins.unwrap_or(self.epoch) + own.mul_f64(slower)
    }

    /// It wraps around soon.
    fn timestamp(&self) -> u32 {
        let ticks = (self.frame.as_micros() as u64 * u64::from(self.codec.clock_rate_hz())
            + 500_000)
            / 1_000_000;
        (u32::MAX - 20_000).wrapping_add(self.place.wrapping_mul(ticks as u32))
    }
}
