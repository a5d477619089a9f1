//! What a forwarder sends to one receiver: pictures of others in the encodings that the estimate
//! allows, and their sound.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rates of simulcast encodings, in bits/s.
pub(super) const SIMULCAST: &[u64] = &[150_000, 500_000, 1_700_000];

/// The lowest of them alone.
pub(super) const SMALL: &[u64] = &[150_000];

/// Sound of one person, headers included, in bits/s.
pub(super) const SOUND_BPS: u64 = 48_000;

const FRAME_US: u64 = 33_333;
const SOUND_FRAME_US: u64 = 20_000;
const MAX_PACKET: usize = 1_200;

/// How much larger a keyframe is than another frame, and how often one comes.
const KEYFRAME: f64 = 4.0;
const KEYFRAME_US: u64 = 10_000_000;

/// Time until another encoding has its keyframe.
const SWITCH_US: u64 = 150_000;

/// By how much the estimate must exceed the need before more is sent, in percent: the router's.
const MARGIN_PERCENT: u64 = 15;

/// Who sends.
#[derive(Debug)]
pub(super) struct Forwarder {
    rng: ChaCha8Rng,
    streams: Vec<Stream>,
    sound_streams: usize,
    next_sound_us: u64,
    pub(super) is_silent: bool,
}

#[derive(Debug)]
struct Stream {
    rates: &'static [u64],
    current: Option<usize>,
    target: Option<usize>,
    switch_us: u64,
    next_frame_us: u64,
    next_keyframe_us: u64,
}

impl Forwarder {
    pub(super) fn new(streams: &[&'static [u64]], sound_streams: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5EED);
        let streams = streams
            .iter()
            .map(|rates| Stream {
                rates,
                current: None,
                target: None,
                switch_us: 0,
                next_frame_us: rng.random_range(0..FRAME_US),
                next_keyframe_us: 0,
            })
            .collect();
        Self {
            rng,
            streams,
            sound_streams,
            next_sound_us: 0,
            is_silent: false,
        }
    }

    /// What it would send if it could, in bits/s.
    pub(super) fn wanted_bps(&self) -> u64 {
        let highest = self.streams.iter().filter_map(|stream| stream.rates.last());
        highest.sum::<u64>() + self.sound_bps()
    }

    fn sound_bps(&self) -> u64 {
        self.sound_streams as u64 * SOUND_BPS
    }

    /// Divides the estimate: everybody's lowest first, then one step each per round.
    pub(super) fn divide(&mut self, now_us: u64, estimate_bps: u64) {
        let mut left_bps = estimate_bps.saturating_sub(self.sound_bps());
        let mut targets = vec![None; self.streams.len()];
        let rounds = self.streams.iter().map(|stream| stream.rates.len()).max();
        for encoding in 0..rounds.unwrap_or(0) {
            for (stream, target) in self.streams.iter().zip(&mut targets) {
                let Some(&rate) = stream.rates.get(encoding) else {
                    continue;
                };
                let below = encoding
                    .checked_sub(1)
                    .map_or(0, |below| stream.rates[below]);
                let margin = match stream.target >= Some(encoding) {
                    true => 0,
                    false => estimate_bps * MARGIN_PERCENT / (100 + MARGIN_PERCENT),
                };
                if left_bps >= rate - below + margin && target.map_or(0, |t| t + 1) == encoding {
                    left_bps -= rate - below;
                    *target = Some(encoding);
                }
            }
        }
        for (stream, target) in self.streams.iter_mut().zip(targets) {
            if stream.target != target {
                stream.target = target;
                stream.switch_us = now_us + SWITCH_US;
            }
        }
    }

    /// Sizes of the packets to send now.
    pub(super) fn poll_packets(&mut self, now_us: u64) -> Vec<usize> {
        let mut packets = Vec::new();
        if now_us >= self.next_sound_us {
            self.next_sound_us += SOUND_FRAME_US;
            let bytes = (SOUND_BPS * SOUND_FRAME_US / 8_000_000) as usize;
            packets.extend(std::iter::repeat_n(bytes, self.sound_streams));
        }
        for stream in &mut self.streams {
            if now_us >= stream.next_frame_us {
                stream.next_frame_us += FRAME_US;
                let bytes = stream.frame_bytes(now_us, self.rng.random_range(0.7..1.3));
                packets.extend(std::iter::repeat_n(MAX_PACKET, bytes / MAX_PACKET));
                packets.extend(Some(bytes % MAX_PACKET).filter(|rest| *rest > 0));
            }
        }
        if self.is_silent {
            packets.clear();
        }
        packets
    }
}

impl Stream {
    fn frame_bytes(&mut self, now_us: u64, size: f64) -> usize {
        if self.current != self.target && now_us >= self.switch_us {
            self.current = self.target;
            self.next_keyframe_us = now_us;
        }
        let Some(current) = self.current else {
            return 0;
        };
        let mut bytes = self.rates[current] as f64 * FRAME_US as f64 / 8e6 * size;
        if now_us >= self.next_keyframe_us {
            self.next_keyframe_us = now_us + KEYFRAME_US;
            bytes *= KEYFRAME;
        }
        bytes as usize
    }
}
