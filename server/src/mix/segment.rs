//! A mix's part of its room: one participant, whose packets cross links as everyone's do.
//!
//! To the engines of the workers a mix is another segment of the room, see [`proto::link`]. So what
//! nobody subscribes to is not asked for, and is not made.
//!
//! 1. The room's home says `Welcome`; the segment answers with its participant and that one's tracks,
//!    and says `Hello` to the room's other segments.
//! 2. `Crossing` tells which tracks are wanted where, and `KeyframeWanted` who needs a picture to
//!    begin with.
//! 3. The segment ends when its room does, when its participant is removed, or with
//!    [`Segment::leave`].

#![allow(
    deprecated,
    reason = "LiveKit marks fields as deprecated that today's clients still read"
)]

use std::collections::{BTreeSet, VecDeque};

use mixer::codec::Codec as PictureCodec;
use mixer::frames::Packetizer;
use mixer::picture::Size;
use proto::codec::{Codec, MediaKind};
use proto::ids::{Identity, ParticipantSid, RoomName, TrackSid};
use proto::layer;
use proto::link::{
    Audience, Frame, LinkBatch, LinkEncoding, LinkParticipant, LinkTrack, LinkTrackId,
    MAX_ENCODINGS, NewLinkPacket, SegmentId,
};
use proto::media::StreamClock;
use proto::media::extension::Values;
use proto::media::ring::NewPacket;
use proto::signal::messages::{
    ParticipantInfo, ParticipantPermission, SimulcastCodecInfo, TrackInfo, TrackSource, TrackType,
    VideoLayer, VideoQuality, participant_info,
};
use rand::RngExt;
use rand_chacha::ChaCha20Rng;

/// The identity of the participant in its room.
pub const IDENTITY: &str = "mix";

/// What a track of a mix has in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The picture of all.
    Picture,
    /// The sound of all.
    Sound,
    /// The sound of all but one.
    SoundFor(Identity),
}

/// What a segment wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Make a part, or not any more.
    Wanted(Part, bool),
    /// Make the next picture one that a decoder can begin with.
    KeyframeWanted,
    /// The room has ended, or the participant has been removed.
    Over,
}

/// How the picture of a mix is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureForm {
    /// In pixels.
    pub size: Size,
    /// How it is encoded: VP8 or VP9.
    pub codec: PictureCodec,
    /// In bits per second.
    pub bitrate_bps: u64,
}

/// The segment of one mix.
#[derive(Debug)]
pub struct Segment {
    own: SegmentId,
    room: RoomName,
    info: ParticipantInfo,
    tracks: Vec<Track>,
    next_track: u64,
    /// The room's other segments, and what is on its way there.
    links: Vec<(SegmentId, LinkBatch)>,
    spare_batches: Vec<LinkBatch>,
    events: VecDeque<Event>,
    rng: ChaCha20Rng,
}

#[derive(Debug)]
struct Track {
    part: Part,
    id: LinkTrackId,
    sid: TrackSid,
    info: TrackInfo,
    codec: Codec,
    bitrate_bps: u64,
    packetizer: Packetizer,
    sequence: u64,
    /// The RTP timestamp at time zero.
    timestamp: u32,
    /// The segments that want it.
    crosses_to: BTreeSet<SegmentId>,
}

impl Segment {
    /// A segment whose participant has no tracks yet. `next_track` is a number that no track of this
    /// segment has had.
    pub fn new(
        own: SegmentId,
        room: RoomName,
        next_track: u64,
        unix_ms: u64,
        mut rng: ChaCha20Rng,
    ) -> Self {
        let info = ParticipantInfo {
            sid: ParticipantSid::random(&mut rng).to_string(),
            identity: IDENTITY.to_owned(),
            name: "Mix".to_owned(),
            state: participant_info::State::Active.into(),
            kind: participant_info::Kind::Egress.into(),
            joined_at: (unix_ms / 1_000) as i64,
            joined_at_ms: unix_ms as i64,
            permission: Some(ParticipantPermission {
                can_publish: true,
                ..ParticipantPermission::default()
            }),
            is_publisher: true,
            ..ParticipantInfo::default()
        };
        Self {
            own,
            room,
            info,
            tracks: Vec::new(),
            next_track,
            links: Vec::new(),
            spare_batches: Vec::new(),
            events: VecDeque::new(),
            rng,
        }
    }

    /// The participant's id.
    pub fn participant_sid(&self) -> &str {
        &self.info.sid
    }

    /// A number that no track of this segment has had.
    pub const fn next_track(&self) -> u64 {
        self.next_track
    }

    /// The tracks, by what they have in them.
    pub fn tracks(&self) -> impl Iterator<Item = (&Part, &TrackSid)> {
        self.tracks.iter().map(|track| (&track.part, &track.sid))
    }

    /// Publishes the tracks of a mix: its picture, if it has one, its sound, and one sound for each
    /// listener. Tracks that are there already stay.
    pub fn publish(&mut self, picture: Option<PictureForm>, listeners: &[Identity]) {
        let personal = listeners.iter().cloned().map(Part::SoundFor);
        let mut wanted: Vec<Part> = picture.iter().map(|_| Part::Picture).collect();
        wanted.push(Part::Sound);
        wanted.extend(personal);
        let events = &mut self.events;
        self.tracks.retain(|track| {
            let stays = wanted.contains(&track.part);
            if !stays && !track.crosses_to.is_empty() {
                events.push_back(Event::Wanted(track.part.clone(), false));
            }
            stays
        });
        for part in wanted {
            if self.tracks.iter().all(|track| track.part != part) {
                let track = self.new_track(part, picture);
                self.tracks.push(track);
            }
        }
        // SDKs ignore an update with a lower version than they have seen.
        self.info.version += 1;
        for index in 0..self.links.len() {
            self.introduce(index);
        }
    }

    /// Takes what another segment tells. The batch is empty afterwards.
    pub fn handle_link(&mut self, from: SegmentId, batch: &mut LinkBatch) {
        for frame in batch.frames.drain(..) {
            self.handle_frame(from, frame);
        }
        // Nothing was asked for.
        batch.drop_packets();
    }

    fn handle_frame(&mut self, from: SegmentId, frame: Frame) {
        match frame {
            Frame::Welcome { room, segments } if room.name == self.room.as_str() => {
                self.add_link(from);
                let others = segments.into_iter().filter(|other| *other != self.own);
                for segment in others.collect::<Vec<_>>() {
                    let hello = Frame::Hello(self.room.clone());
                    self.frames_to(segment).push(hello);
                    self.add_link(segment);
                }
            }
            // Of a mix that has ended before it was heard of.
            Frame::Welcome { room, .. } => {
                if let Ok(room) = RoomName::new(&room.name) {
                    self.frames_to(from).push(Frame::Bye(room));
                }
            }
            Frame::Hello(room) if room == self.room => self.add_link(from),
            Frame::Bye(room) if room == self.room => self.remove_link(from),
            Frame::Close(room) if room == self.room && self.is_linked(from) => {
                self.events.push_back(Event::Over);
            }
            Frame::End { participant, .. } if participant.as_str() == self.info.sid => {
                self.events.push_back(Event::Over);
            }
            Frame::Crossing(id, encodings) => self.set_crossing(from, id, encodings.contains(0)),
            Frame::KeyframeWanted(id, _) if self.track_by_id(id).is_some() => {
                self.events.push_back(Event::KeyframeWanted);
            }
            // The rest is about others, or about an earlier mix of this segment.
            Frame::Hello(_)
            | Frame::Bye(_)
            | Frame::Close(_)
            | Frame::Participant(..)
            | Frame::Left(..)
            | Frame::End { .. }
            | Frame::Signal(..)
            | Frame::Data { .. }
            | Frame::Recording(..)
            | Frame::Subscribed(_)
            | Frame::Wanted(..)
            | Frame::KeyframeWanted(..)
            | Frame::Rates(..) => {}
        }
    }

    /// Sends a frame of a part to those who want it. `ntp` is what the wall clock shows at its time.
    pub fn send(&mut self, part: &Part, frame: &[u8], is_keyframe: bool, pts_us: i64, ntp: u64) {
        let Some(track) = self.tracks.iter_mut().find(|track| track.part == *part) else {
            return;
        };
        let rate_hz = i64::from(track.codec.clock_rate_hz());
        let ticks = (i128::from(pts_us) * i128::from(rate_hz)).div_euclid(1_000_000);
        // Timestamps come round.
        let timestamp = track.timestamp.wrapping_add(ticks as u32);
        let clock = StreamClock { ntp, timestamp };
        for payload in track.packetizer.cut(frame, is_keyframe) {
            track.sequence += 1;
            let info = track.codec.video();
            let info = info.and_then(|codec| layer::describe(codec, &payload.data));
            let packet = NewPacket {
                sequence: track.sequence,
                timestamp,
                marker: payload.is_last,
                codec: track.codec,
                vp8: info.and_then(|info| info.vp8),
                values: Values::default(),
                payload: &payload.data,
            };
            let new = NewLinkPacket {
                track: track.id,
                encoding: 0,
                keyframe: info.is_some_and(|info| info.keyframe),
                clock: Some(clock),
                packet: &packet,
            };
            for (segment, batch) in &mut self.links {
                if track.crosses_to.contains(segment) {
                    batch.push(&new);
                }
            }
        }
    }

    /// Leaves the room.
    pub fn leave(&mut self) {
        for (_, batch) in &mut self.links {
            batch.drop_packets();
            batch.frames.push(Frame::Bye(self.room.clone()));
        }
    }

    /// What is to be done next.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The next batch for another segment.
    pub fn poll_link(&mut self) -> Option<(SegmentId, LinkBatch)> {
        let (segment, batch) = self.links.iter_mut().find(|(_, own)| !own.is_empty())?;
        let spare = self.spare_batches.pop().unwrap_or_default();
        Some((*segment, std::mem::replace(batch, spare)))
    }

    /// Takes back a batch the other segment had no room for: its frames wait, its packets are lost.
    pub fn return_link(&mut self, to: SegmentId, mut batch: LinkBatch) {
        batch.drop_packets();
        if let Some((_, waiting)) = self.links.iter_mut().find(|(own, _)| *own == to) {
            waiting.prepend_frames(&mut batch);
        }
        self.recycle(batch);
    }

    /// Takes an empty batch, for its buffers.
    pub fn recycle(&mut self, mut batch: LinkBatch) {
        if self.spare_batches.len() < 2 * self.links.len() {
            batch.clear();
            self.spare_batches.push(batch);
        }
    }

    fn new_track(&mut self, part: Part, picture: Option<PictureForm>) -> Track {
        self.next_track += 1;
        let id = LinkTrackId(self.next_track);
        let (codec, bitrate_bps, hint) = match (&part, picture) {
            (Part::Picture, Some(picture)) => (codec(picture.codec), picture.bitrate_bps, "VC"),
            (Part::Picture | Part::Sound, _) => (Codec::Opus, SOUND_BPS, "AM"),
            (Part::SoundFor(_), _) => (Codec::Opus, SOUND_FOR_ONE_BPS, "AM"),
        };
        let sid = TrackSid::with_hint(hint, &mut self.rng);
        Track {
            info: track_info(&part, &sid, codec, picture),
            part,
            id,
            sid,
            codec,
            bitrate_bps,
            packetizer: Packetizer::new(codec, self.rng.random()),
            sequence: u64::from(self.rng.random::<u16>()),
            timestamp: self.rng.random(),
            crosses_to: BTreeSet::new(),
        }
    }

    fn track_by_id(&mut self, id: LinkTrackId) -> Option<&mut Track> {
        self.tracks.iter_mut().find(|track| track.id == id)
    }

    fn set_crossing(&mut self, segment: SegmentId, id: LinkTrackId, crosses: bool) {
        let Some(track) = self.track_by_id(id) else {
            return;
        };
        let was_wanted = !track.crosses_to.is_empty();
        match crosses {
            true => track.crosses_to.insert(segment),
            false => track.crosses_to.remove(&segment),
        };
        let is_wanted = !track.crosses_to.is_empty();
        let part = track.part.clone();
        if was_wanted != is_wanted {
            self.events.push_back(Event::Wanted(part, is_wanted));
        }
    }

    fn is_linked(&self, segment: SegmentId) -> bool {
        self.links.iter().any(|(own, _)| *own == segment)
    }

    fn add_link(&mut self, segment: SegmentId) {
        self.frames_to(segment);
        let known = self.links.iter().position(|(own, _)| *own == segment);
        if let Some(index) = known {
            self.introduce(index);
        }
    }

    fn remove_link(&mut self, segment: SegmentId) {
        self.links.retain(|(own, _)| *own != segment);
        for id in self.tracks.iter().map(|track| track.id).collect::<Vec<_>>() {
            self.set_crossing(segment, id, false);
        }
    }

    fn frames_to(&mut self, segment: SegmentId) -> &mut Vec<Frame> {
        let known = self.links.iter().position(|(own, _)| *own == segment);
        let index = known.unwrap_or_else(|| {
            self.links.push((segment, LinkBatch::default()));
            self.links.len() - 1
        });
        &mut self.links[index].1.frames
    }

    /// Tells another segment of the participant as it is by now.
    fn introduce(&mut self, index: usize) {
        let mut info = self.info.clone();
        info.tracks = self.tracks.iter().map(|track| track.info.clone()).collect();
        let participant = LinkParticipant {
            info,
            hidden: false,
            is_mix: true,
            permission: None,
            tracks: self.tracks.iter().map(Track::linked).collect(),
        };
        let frames = &mut self.links[index].1.frames;
        frames.push(Frame::Participant(self.room.clone(), Box::new(participant)));
        for track in &self.tracks {
            // As soon as somebody wants it.
            let mut rates = [None; MAX_ENCODINGS];
            rates[0] = Some(track.bitrate_bps);
            frames.push(Frame::Rates(track.id, rates));
        }
    }
}

impl Track {
    fn linked(&self) -> LinkTrack {
        LinkTrack {
            id: self.id,
            sid: self.sid.clone(),
            kind: match self.part {
                Part::Picture => MediaKind::Video,
                Part::Sound | Part::SoundFor(_) => MediaKind::Audio,
            },
            screen_share: false,
            audience: match &self.part {
                Part::Picture => Audience::Chosen,
                Part::Sound => Audience::Asking,
                Part::SoundFor(listener) => Audience::One(listener.clone()),
            },
            encodings: vec![LinkEncoding {
                width: self.info.width,
                height: self.info.height,
                bitrate_bps: self.bitrate_bps,
            }],
        }
    }
}

/// A track as participants see it.
fn track_info(
    part: &Part,
    sid: &TrackSid,
    codec: Codec,
    picture: Option<PictureForm>,
) -> TrackInfo {
    let (kind, source, name) = match part {
        Part::Picture => (TrackType::Video, TrackSource::Camera, "mix".to_owned()),
        Part::Sound => (TrackType::Audio, TrackSource::Microphone, "mix".to_owned()),
        Part::SoundFor(listener) => {
            let name = format!("mix for {listener}");
            (TrackType::Audio, TrackSource::Microphone, name)
        }
    };
    let mime_type = codec.mime_type().to_owned();
    let mut info = TrackInfo {
        sid: sid.to_string(),
        r#type: kind.into(),
        source: source.into(),
        name,
        mime_type: mime_type.clone(),
        stereo: *part == Part::Sound,
        disable_red: true,
        codecs: vec![SimulcastCodecInfo {
            mime_type,
            ..SimulcastCodecInfo::default()
        }],
        ..TrackInfo::default()
    };
    if let (Part::Picture, Some(picture)) = (part, picture) {
        (info.width, info.height) = (picture.size.width, picture.size.height);
        info.layers = vec![VideoLayer {
            quality: VideoQuality::High.into(),
            width: info.width,
            height: info.height,
            bitrate: picture.bitrate_bps as u32,
            ..VideoLayer::default()
        }];
        info.codecs[0].layers.clone_from(&info.layers);
    }
    info
}

fn codec(codec: PictureCodec) -> Codec {
    match codec {
        PictureCodec::Vp8 => Codec::Vp8,
        PictureCodec::Vp9 => Codec::Vp9,
        PictureCodec::H264 => Codec::H264,
        PictureCodec::Av1 => Codec::Av1,
    }
}

/// What the sound of all takes, see [`mixer::audio::EncoderSettings::RECORDING`].
const SOUND_BPS: u64 = 64_000;
/// What the sound for a listener takes, see [`mixer::audio::EncoderSettings::LISTENER`].
const SOUND_FOR_ONE_BPS: u64 = 32_000;
