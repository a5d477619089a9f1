//! Media that says who sent it, and receivers that check it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proto::codec::Codec;
use proto::layer::{VideoCodec, describe};
use proto::media::{MediaPacket, OutgoingPacket, Rid};

/// A track to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub codec: Codec,
    /// Encodings, lowest first; one without a name is no simulcast.
    pub rids: Vec<&'static str>,
    /// Packets of a frame and bytes of a packet, by encoding.
    pub shape: Vec<(usize, usize)>,
    /// Time from frame to frame.
    pub interval: Duration,
}

/// A camera with three encodings: about 60, 180 and 400 kbit/s.
pub fn camera() -> Source {
    Source {
        codec: Codec::Vp8,
        rids: vec!["q", "h", "f"],
        shape: vec![(1, 500), (2, 700), (3, 1_100)],
        interval: Duration::from_millis(66),
    }
}

/// A microphone.
pub fn microphone() -> Source {
    Source {
        codec: Codec::Opus,
        rids: vec![],
        shape: vec![(1, 80)],
        interval: Duration::from_millis(20),
    }
}

/// One RTP stream being sent.
#[derive(Debug, Clone)]
pub struct Stream {
    pub encoding: usize,
    pub rid: Option<Rid>,
    pub enabled: bool,
    pub wants_keyframe: bool,
    sequence: u64,
    timestamp: u32,
    frame: u32,
}

impl Stream {
    pub fn new(encoding: usize, rid: Option<&str>) -> Self {
        Self {
            encoding,
            rid: rid.map(Rid::new),
            enabled: true,
            wants_keyframe: true,
            sequence: 100 + encoding as u64 * 5_000,
            timestamp: 1_000_000 * (encoding as u32 + 1),
            frame: 0,
        }
    }

    /// The packets of the next frame.
    pub fn next_frame(
        &mut self,
        now: Instant,
        section: usize,
        source: &Source,
        tag: u8,
    ) -> Vec<MadePacket> {
        let keyframe = std::mem::take(&mut self.wants_keyframe);
        let codec = source.codec;
        let is_video = codec.video().is_some();
        let (packets, bytes) = source.shape[self.encoding];
        let ticks_per_ms = codec.clock_rate_hz() / 1_000;
        self.timestamp += source.interval.as_millis() as u32 * ticks_per_ms;
        self.frame += 1;
        let made = (0..packets).map(|index| {
            self.sequence += 1;
            let mut payload = Vec::with_capacity(bytes);
            if is_video {
                payload.extend(vp8_header(self.frame, index == 0, keyframe));
            }
            payload.extend([tag, self.encoding as u8]);
            payload.extend(self.frame.to_be_bytes());
            payload.resize(bytes, 0);
            MadePacket {
                section,
                rid: self.rid,
                codec,
                sequence: self.sequence,
                timestamp: self.timestamp,
                marker: index + 1 == packets,
                payload,
                captured: now,
            }
        });
        made.collect()
    }
}

/// A packet to publish.
#[derive(Debug)]
pub struct MadePacket {
    pub section: usize,
    pub rid: Option<Rid>,
    pub codec: Codec,
    pub sequence: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
    pub captured: Instant,
}

impl MadePacket {
    pub fn outgoing(&self) -> OutgoingPacket<'_> {
        OutgoingPacket {
            section: self.section,
            rid: self.rid,
            codec: self.codec,
            sequence: self.sequence,
            timestamp: self.timestamp,
            marker: self.marker,
            payload: &self.payload,
            // A voice at -20 dB.
            audio_level: self.codec.video().is_none().then_some(0x80 | 20),
            orientation: None,
            dependency_descriptor: None,
            padding_bytes: 0,
            captured: self.captured,
            clock: None,
        }
    }
}

/// A descriptor, and a frame header's first byte.
fn vp8_header(frame: u32, starts: bool, keyframe: bool) -> [u8; 7] {
    let [a, b, c, d, e, f] = descriptor(frame, starts);
    [a, b, c, d, e, f, u8::from(!keyframe)]
}

/// RFC 7741: descriptor with a 15-bit picture id, TL0PICIDX and TID.
pub fn descriptor(frame: u32, starts: bool) -> [u8; 6] {
    let id = (frame & 0x7FFF) as u16;
    let start = if starts { 0x10 } else { 0 };
    [
        0x80 | start,
        0xE0,
        0x80 | (id >> 8) as u8,
        id as u8,
        frame as u8,
        0,
    ]
}

/// What a receiver has seen of one track.
#[derive(Debug, Default)]
pub struct Received {
    pub packets: usize,
    /// Encoding of the newest packet.
    pub encoding: Option<usize>,
    pub first_at: Option<Instant>,
    pub last_at: Option<Instant>,
    pub longest_gap: Duration,
    /// Whether the first packet of all started a keyframe; another one may overtake it.
    pub began_with_keyframe: bool,
    /// What was wrong, in words.
    pub faults: Vec<String>,
    sequences: BTreeSet<u64>,
    newest: Option<Newest>,
}

#[derive(Debug, Clone, Copy)]
struct Newest {
    sequence: u64,
    timestamp: u32,
    picture_id: Option<u16>,
}

impl Received {
    /// Takes a packet that should come from the publisher with `tag`.
    pub fn take(&mut self, now: Instant, packet: &MediaPacket<'_>, tag: u8) {
        self.packets += 1;
        self.sequences.insert(packet.sequence);
        let info = (packet.codec == Codec::Vp8)
            .then(|| describe(VideoCodec::Vp8, packet.payload))
            .flatten();
        let body = if info.is_some() {
            &packet.payload[7..]
        } else {
            packet.payload
        };
        let (from, encoding) = (body[0], usize::from(body[1]));
        if from != tag {
            self.faults
                .push(format!("a packet of {from} in the track of {tag}"));
        }
        if let Some(last) = self.last_at {
            self.longest_gap = self.longest_gap.max(now - last);
        }
        self.last_at = Some(now);
        let is_late = self
            .newest
            .is_some_and(|newest| packet.sequence < newest.sequence);
        if is_late {
            return;
        }
        let keyframe = info.is_some_and(|info| info.keyframe);
        self.began_with_keyframe |= keyframe && self.newest.is_none();
        if info.is_some() && self.encoding != Some(encoding) && !keyframe && self.follows(packet) {
            self.faults
                .push(format!("encoding {encoding} begins without a keyframe"));
        }
        let picture_id = info
            .and_then(|info| info.vp8)
            .and_then(|vp8| vp8.picture_id)
            .map(|id| id.value);
        self.check_order(packet, picture_id);
        self.first_at.get_or_insert(now);
        self.encoding = Some(encoding);
        self.newest = Some(Newest {
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            picture_id,
        });
    }

    /// Whether nothing is missing before a packet.
    fn follows(&self, packet: &MediaPacket<'_>) -> bool {
        self.newest
            .is_some_and(|newest| packet.sequence == newest.sequence + 1)
    }

    fn check_order(&mut self, packet: &MediaPacket<'_>, picture_id: Option<u16>) {
        let Some(newest) = self.newest.filter(|_| self.follows(packet)) else {
            return;
        };
        let step = packet.timestamp.wrapping_sub(newest.timestamp);
        if step > 90_000 * 30 {
            self.faults.push(format!("the timestamp jumps by {step}"));
        }
        if let (Some(before), Some(after)) = (newest.picture_id, picture_id) {
            let step = after.wrapping_sub(before) & 0x7FFF;
            if step > 1 {
                self.faults
                    .push(format!("the picture id goes from {before} to {after}"));
            }
        }
    }

    /// Share of packets that arrived in the end, of those sent between the first and the last.
    pub fn completeness(&self) -> f64 {
        let span = match (self.sequences.first(), self.sequences.last()) {
            (Some(first), Some(last)) => last - first + 1,
            _ => return 0.0,
        };
        self.sequences.len() as f64 / span as f64
    }
}
