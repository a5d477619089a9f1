//! The packets of a track made into frames that have their times.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use proto::codec::Codec;

use super::{RoomTimeUs, SenderClock, Stamp, Timeline, TrackClock};
use crate::frames::{Counters, Frame, FrameAssembler, Output, Packet};

/// Switches of encodings that wait for their frames.
const MAX_SWITCHES: usize = 16;

/// The stream of a track, in one codec.
#[derive(Debug)]
pub struct TimedStream {
    codec: Codec,
    assembler: FrameAssembler<Box<[u8]>>,
    clock: TrackClock,
    /// The sequence numbers from which on another encoding comes.
    switches: VecDeque<(u64, u8)>,
    encoding: u8,
}

/// What comes of packets.
#[derive(Debug)]
pub enum Timed {
    /// The next frame, and when it is to be seen or heard.
    Frame(RoomTimeUs, Frame),
    /// Frames are being dropped until a keyframe comes: ask for one.
    KeyframeWanted,
}

impl TimedStream {
    /// Begins with a stream whose missing packets are waited for as long as `patience`.
    pub fn new(codec: Codec, encoding: u8, patience: Duration) -> Self {
        Self {
            codec,
            assembler: FrameAssembler::new(codec, patience),
            clock: TrackClock::new(codec.clock_rate_hz()),
            switches: VecDeque::new(),
            encoding,
        }
    }

    /// What is in it.
    pub const fn codec(&self) -> Codec {
        self.codec
    }

    /// Takes a packet of an encoding. Poll then.
    pub fn handle_packet(&mut self, now: Instant, encoding: u8, packet: Packet<&[u8]>) {
        self.note_encoding(encoding, packet.sequence);
        self.assembler.handle_packet(now, packet.map(Box::from));
    }

    /// What there is to do, until there is nothing more.
    pub fn poll(
        &mut self,
        now: Instant,
        timeline: &Timeline,
        sender: &mut SenderClock,
    ) -> Option<Timed> {
        Some(match self.assembler.poll(now)? {
            Output::KeyframeWanted => Timed::KeyframeWanted,
            Output::Frame(frame) => {
                let stamp = self.stamp(&frame);
                Timed::Frame(self.clock.time_of(timeline, sender, stamp), frame)
            }
        })
    }

    /// Ends the stream. Poll once more for what is left.
    pub fn finish(&mut self) {
        self.assembler.finish();
    }

    /// What has been given and dropped so far.
    pub fn counters(&self) -> &Counters {
        self.assembler.counters()
    }

    /// Remembers from which packet on another encoding comes.
    fn note_encoding(&mut self, encoding: u8, sequence: u64) {
        let newest = self.switches.back().map_or(self.encoding, |(_, own)| *own);
        if newest == encoding {
            return;
        }
        // A packet of the encoding before, come late, is no switch.
        let is_late = |(from, _): &(u64, u8)| sequence < *from;
        if self.switches.back().is_some_and(is_late) {
            return;
        }
        if self.switches.len() == MAX_SWITCHES {
            self.switches.pop_front();
        }
        self.switches.push_back((sequence, encoding));
    }

    fn stamp(&mut self, frame: &Frame) -> Stamp {
        while let Some((from, encoding)) = self.switches.front()
            && *from <= frame.first_sequence
        {
            self.encoding = *encoding;
            self.switches.pop_front();
        }
        Stamp {
            timestamp: frame.timestamp,
            received: frame.received,
            clock: frame.clock,
            encoding: self.encoding,
        }
    }
}
