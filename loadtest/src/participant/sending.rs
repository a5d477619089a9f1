//! A track being sent: frames of encoded loops, at their times.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use proto::codec::{Codec, MediaKind};
use proto::media::{OutgoingPacket, Rid, Sent as Outcome};

use super::site::Peer;
use crate::media::clip::{Clip, ClipSpec, DescriptorNumbers};
use crate::media::stamp::Stamp;
use crate::media::tone::Tone;
use crate::scenario::{Scenario, Video};

/// Opus frames are as long.
const SOUND_INTERVAL: Duration = Duration::from_millis(20);
/// A sender that is later than this leaves frames out, as a camera does.
const MAX_LATENESS: Duration = Duration::from_millis(500);
/// Loudness of one who speaks and of one who does not, in -dBov (RFC 6464).
const LEVELS_DBOV: [u8; 2] = [70, 20];
/// Names of encodings, lowest first, as LiveKit's SDKs have them.
pub const RIDS: [&str; 3] = ["q", "h", "f"];

/// Encoded media of a run: made once, sent by all.
#[derive(Debug, Default)]
pub struct Material {
    /// By card, then by encoding.
    pub clips: Vec<Vec<Arc<Clip>>>,
    /// By card.
    pub tones: Vec<Arc<Tone>>,
}

impl Material {
    /// Encodes what so many publishers need. `progress` is told how many of how many are done.
    ///
    /// # Errors
    /// An encoder refuses.
    pub fn encode(
        scenario: &Scenario,
        cameras: usize,
        microphones: usize,
        progress: impl FnMut(usize, usize),
    ) -> anyhow::Result<Self> {
        let video = &scenario.video;
        let cards = |publishers: usize| publishers.min(usize::from(video.cards));
        let specs: Vec<ClipSpec> = (0..cards(cameras) as u16)
            .flat_map(|card| {
                (0..video.encodings.len()).map(move |index| clip_spec(video, card, index))
            })
            .collect();
        let clips = encode_all(&specs, progress)?;
        let tones = (0..cards(microphones) as u16).map(|card| Tone::encode(card).map(Arc::new));
        Ok(Self {
            clips: clips
                .chunks(video.encodings.len())
                .map(<[Arc<Clip>]>::to_vec)
                .collect(),
            tones: tones.collect::<anyhow::Result<_>>()?,
        })
    }
}

fn clip_spec(video: &Video, card: u16, index: usize) -> ClipSpec {
    let encoding = video.encodings[index];
    ClipSpec {
        codec: video.codec.codec(),
        publisher: card,
        encoding: index as u8,
        width: encoding.width,
        height: encoding.height,
        fps: video.fps,
        bitrate_bps: encoding.kbps * 1_000,
        temporal_layers: video.temporal_layers,
        frames: (video.loop_s * f64::from(video.fps)) as u16,
    }
}

/// Encodes on all cores. Gives the clips in the order of their specs.
fn encode_all(
    specs: &[ClipSpec],
    mut progress: impl FnMut(usize, usize),
) -> anyhow::Result<Vec<Arc<Clip>>> {
    let (give, jobs) = crossbeam_channel::unbounded();
    for job in specs.iter().enumerate() {
        ensure!(give.send(job).is_ok(), "nobody takes jobs");
    }
    drop(give);
    let (done, results) = crossbeam_channel::unbounded();
    let mut clips: Vec<Option<Arc<Clip>>> = vec![None; specs.len()];
    progress(0, specs.len());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            let (done, jobs) = (done.clone(), jobs.clone());
            scope.spawn(move || {
                for (place, spec) in jobs {
                    if done.send((place, Clip::encode(spec))).is_err() {
                        // Another one has failed.
                        return;
                    }
                }
            });
        }
        drop(done);
        for (count, (place, clip)) in results.into_iter().enumerate() {
            clips[place] = Some(Arc::new(clip?));
            progress(count + 1, specs.len());
        }
        anyhow::Ok(())
    })?;
    Ok(clips.into_iter().flatten().collect())
}

/// A published track.
#[derive(Debug)]
pub struct Sending {
    /// Sound or pictures.
    pub kind: MediaKind,
    /// What it holds.
    pub codec: Codec,
    /// The publisher's number.
    pub publisher: u16,
    /// The id it is announced with.
    pub cid: String,
    /// The id the server gave it.
    pub sid: Option<String>,
    /// Session it goes out by.
    pub peer: usize,
    /// Its section there, once offered.
    pub mid: Option<String>,
    /// One for each encoding, lowest first.
    pub streams: Vec<OutgoingStream>,
    /// Whether it is loud.
    pub speaks: bool,
    interval: Duration,
    next_at: Option<Instant>,
    frame: u32,
}

/// One RTP stream being sent.
#[derive(Debug)]
pub struct OutgoingStream {
    /// Its name when the track is simulcast.
    pub rid: Option<Rid>,
    /// Whether the server wants it at present.
    pub enabled: bool,
    /// Whether the next frame must be a keyframe.
    pub wants_keyframe: bool,
    source: Source,
    cursor: usize,
    numbers: DescriptorNumbers,
    sequence: u64,
    timestamp: u32,
}

#[derive(Debug)]
enum Source {
    Clip(Arc<Clip>),
    Tone(Arc<Tone>),
}

/// Sums of what was sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent {
    /// RTP packets.
    pub packets: u64,
    /// Their payload bytes.
    pub bytes: u64,
}

impl Sending {
    /// A camera.
    pub fn camera(
        identity: &str,
        publisher: u16,
        scenario: &Scenario,
        material: &Material,
    ) -> Self {
        let cards = material.clips.len().max(1);
        let clips = material.clips.get(usize::from(publisher) % cards);
        let clips = clips.map_or(&[][..], Vec::as_slice);
        let streams = clips
            .iter()
            .enumerate()
            .map(|(index, clip)| OutgoingStream {
                rid: (clips.len() > 1)
                    .then(|| RIDS.get(index).map(|name| Rid::new(name)))
                    .flatten(),
                ..OutgoingStream::new(Source::Clip(Arc::clone(clip)), index)
            });
        Self {
            kind: MediaKind::Video,
            codec: scenario.video.codec.codec(),
            publisher,
            cid: format!("{identity}-camera"),
            sid: None,
            peer: 0,
            mid: None,
            streams: streams.collect(),
            speaks: false,
            interval: Duration::from_secs(1) / scenario.video.fps,
            next_at: None,
            frame: 0,
        }
    }

    /// A microphone.
    pub fn microphone(identity: &str, publisher: u16, material: &Material) -> Self {
        let cards = material.tones.len().max(1);
        let tone = material.tones.get(usize::from(publisher) % cards);
        let streams = tone.map(|tone| OutgoingStream::new(Source::Tone(Arc::clone(tone)), 0));
        Self {
            kind: MediaKind::Audio,
            codec: Codec::Opus,
            publisher,
            cid: format!("{identity}-microphone"),
            sid: None,
            peer: 0,
            mid: None,
            streams: streams.into_iter().collect(),
            speaks: false,
            interval: SOUND_INTERVAL,
            next_at: None,
            frame: 0,
        }
    }

    /// Forgets where it was published; it is announced anew with a fresh session.
    pub fn reset(&mut self) {
        (self.sid, self.mid, self.next_at) = (None, None, None);
        for stream in &mut self.streams {
            (stream.enabled, stream.wants_keyframe) = (true, true);
        }
    }

    /// Asks for keyframes of all encodings: which one the receiver means is not told.
    pub fn request_keyframe(&mut self) {
        for stream in &mut self.streams {
            stream.wants_keyframe = true;
        }
    }

    /// When the next frame is due.
    pub fn due(&self) -> Option<Instant> {
        self.next_at
    }

    /// Sets the time of the first frame.
    pub fn begin(&mut self, at: Instant) {
        self.next_at = Some(at);
    }

    /// Gives the session the frame that is due.
    pub fn send(&mut self, now: Instant, epoch: Instant, section: usize, peer: &mut Peer) -> Sent {
        let mut sent = Sent::default();
        let due = self.next_at.unwrap_or(now);
        let late = now.saturating_duration_since(due);
        self.next_at = Some(if late > MAX_LATENESS {
            now + self.interval
        } else {
            due + self.interval
        });
        self.frame = self.frame.wrapping_add(1);
        let captured_us = (now - epoch).as_micros() as u64;
        let ticks = (now - epoch).as_micros() * u128::from(self.codec.clock_rate_hz()) / 1_000_000;
        for (index, stream) in self.streams.iter_mut().enumerate() {
            if !stream.enabled {
                continue;
            }
            let stamp = Stamp {
                publisher: self.publisher,
                encoding: index as u8,
                keyframe: true,
                audio: self.kind == MediaKind::Audio,
                temporal: 0,
                packets: 1,
                frame: self.frame,
                clip_frame: 0,
                captured_us,
            };
            let timestamp = stream.timestamp.wrapping_add(ticks as u32);
            let level = LEVELS_DBOV[usize::from(self.speaks)];
            let out = Outgoing {
                section,
                codec: self.codec,
                timestamp,
                captured: now,
                level: (self.kind == MediaKind::Audio).then_some(level),
            };
            stream.send(&out, stamp, peer, &mut sent);
        }
        sent
    }
}

struct Outgoing {
    section: usize,
    codec: Codec,
    timestamp: u32,
    captured: Instant,
    level: Option<u8>,
}

impl OutgoingStream {
    fn new(source: Source, index: usize) -> Self {
        Self {
            rid: None,
            enabled: true,
            wants_keyframe: true,
            source,
            cursor: 0,
            numbers: DescriptorNumbers {
                picture_id: 0,
                tl0_pic_idx: 0,
            },
            // RFC 3550 asks for unpredictable ones; a tester's may be known. The first must be
            // below 2^16.
            sequence: 1_000 + index as u64 * 10_000,
            timestamp: 0x1000_0000 * (index as u32 + 1),
        }
    }

    fn send(&mut self, out: &Outgoing, stamp: Stamp, peer: &mut Peer, sent: &mut Sent) {
        match &self.source {
            Source::Tone(tone) => {
                let payload = tone.payload(u64::from(stamp.frame), &stamp);
                self.send_packet(out, &payload, false, peer, sent);
            }
            Source::Clip(clip) => {
                let clip = Arc::clone(clip);
                if std::mem::take(&mut self.wants_keyframe) || self.cursor >= clip.len() {
                    self.cursor = 0;
                }
                let frame = self.cursor;
                self.cursor += 1;
                let packets = clip.packet_count(frame);
                self.numbers = self.numbers.next(clip.temporal(frame));
                let stamp = Stamp {
                    keyframe: clip.is_keyframe(frame),
                    temporal: clip.temporal(frame),
                    packets: packets as u16,
                    clip_frame: frame as u16,
                    ..stamp
                };
                for packet in 0..packets {
                    let payload = clip.payload(frame, packet, self.numbers, &stamp);
                    self.send_packet(out, &payload, packet + 1 == packets, peer, sent);
                }
            }
        }
    }

    fn send_packet(
        &mut self,
        out: &Outgoing,
        payload: &[u8],
        marker: bool,
        peer: &mut Peer,
        sent: &mut Sent,
    ) {
        self.sequence += 1;
        let bytes = payload.len() as u64;
        let packet = OutgoingPacket {
            section: out.section,
            rid: self.rid,
            codec: out.codec,
            sequence: self.sequence,
            timestamp: out.timestamp,
            marker,
            payload,
            // RFC 6464 §3: the highest bit tells a voice.
            audio_level: out
                .level
                .map(|level| level | if level < 40 { 0x80 } else { 0 }),
            orientation: None,
            dependency_descriptor: None,
            padding_bytes: 0,
            captured: out.captured,
            clock: None,
        };
        let outcome = peer.session.publish(out.captured, &packet, &mut peer.batch);
        if outcome == Outcome::Yes {
            sent.packets += 1;
            sent.bytes += bytes;
        }
    }
}
