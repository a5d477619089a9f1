//! All the way from packets to frames.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use proto::codec::Codec;
use proto::media::StreamClock;

use super::counters::Counters;
use super::frame::{Frame, Output};
use super::keyframe::KeyframeRequests;
use super::packet::Packet;
use super::picture::PictureAssembly;
use super::reorder::{Ordered, Reorder};
use super::sound::SoundAssembly;

/// Makes the packets of one RTP stream into frames.
///
/// After each [`FrameAssembler::handle_packet`], and when [`FrameAssembler::poll_timeout`] is over,
/// [`FrameAssembler::poll`] is to be called until it gives `None`.
#[derive(Debug)]
pub struct FrameAssembler<P> {
    reorder: Reorder<P>,
    assembly: Assembly,
    /// Frames to give: a packet completes two at most.
    ready: VecDeque<Frame>,
    requests: KeyframeRequests,
    clock: Option<StreamClock>,
    counters: Counters,
    is_finished: bool,
}

#[derive(Debug)]
enum Assembly {
    Picture(PictureAssembly),
    Sound(SoundAssembly),
}

impl<P: AsRef<[u8]>> FrameAssembler<P> {
    /// Begins with a stream. Missing packets are waited for as long as `patience`, for a recording
    /// [`RECORDER_PATIENCE`](super::limits::RECORDER_PATIENCE). Redundant audio is taken to be
    /// unwrapped already, so that it is Opus.
    pub fn new(codec: Codec, patience: Duration) -> Self {
        let assembly = match codec.video() {
            Some(codec) => Assembly::Picture(PictureAssembly::new(codec)),
            None => Assembly::Sound(SoundAssembly::default()),
        };
        Self {
            reorder: Reorder::new(patience),
            assembly,
            ready: VecDeque::new(),
            requests: KeyframeRequests::default(),
            clock: None,
            counters: Counters::default(),
            is_finished: false,
        }
    }

    /// Takes a packet.
    pub fn handle_packet(&mut self, now: Instant, packet: Packet<P>) {
        self.clock = packet.clock.or(self.clock);
        self.reorder.handle_packet(now, packet, &mut self.counters);
    }

    /// Ends the stream: what waits is given without what is missing, and no keyframe is wanted any
    /// more. Poll once more for what is left.
    pub fn finish(&mut self) {
        self.is_finished = true;
        self.requests.satisfy();
        self.reorder.finish(&mut self.counters);
    }

    /// What there is to do, until there is nothing more.
    pub fn poll(&mut self, now: Instant) -> Option<Output> {
        loop {
            if let Some(mut frame) = self.ready.pop_front() {
                frame.clock = self.clock;
                return Some(Output::Frame(frame));
            }
            let Some(ordered) = self.reorder.poll(now, &mut self.counters) else {
                break;
            };
            self.assemble(now, &ordered);
        }
        if self.is_finished {
            self.end();
            return None;
        }
        self.requests.poll(now).then_some(Output::KeyframeWanted)
    }

    /// When there may be something to do without another packet.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let times = [self.reorder.poll_timeout(), self.requests.poll_timeout()];
        times.into_iter().flatten().min()
    }

    /// What has been given and dropped so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    fn assemble(&mut self, now: Instant, ordered: &Ordered<P>) {
        match &mut self.assembly {
            Assembly::Picture(pictures) => {
                pictures.handle_packet(ordered, &mut self.counters, &mut self.ready);
                if !pictures.wants_keyframe() {
                    self.requests.satisfy();
                } else if !self.is_finished {
                    self.requests.want(now);
                }
            }
            Assembly::Sound(sounds) => {
                let frame = sounds.handle_packet(ordered, &mut self.counters);
                self.ready.extend(frame);
            }
        }
    }

    fn end(&mut self) {
        match &mut self.assembly {
            Assembly::Picture(pictures) => pictures.finish(&mut self.counters),
            Assembly::Sound(_) => {}
        }
    }
}
