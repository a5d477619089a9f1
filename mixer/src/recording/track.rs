//! One track: from packets to the blocks of its files.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Instant;

use proto::codec::Codec;

use super::journal::Event;
use super::limits::{
    MAX_FILE_BYTES, MAX_FILE_US, MAX_FILES, MAX_SILENT_GAP_US, MAX_SIZES, SILENCE_LAG,
};
use super::manifest::{FileState, RecordedFile};
use super::pauses::Pauses;
use super::people::{People, Source};
use super::recorder::{FileId, NewTrack, Output, Shelf};
use crate::frames::limits::{KEYFRAME_INTERVAL, RECORDER_PATIENCE};
use crate::frames::{Content, Frame, Packet};
use crate::mux::{self, Block, Media, Opus, TrackNumber, VideoCodec, VideoSize, Writer};
use crate::timeline::{RoomTimeUs, SenderClock, Timed, TimedStream, Timeline};

/// A packet of 20 ms of silence in Opus: fullband CELT, one channel.
const SILENCE: [u8; 3] = [0xF8, 0xFF, 0xFE];
const SILENCE_US: i64 = 20_000;
/// Bytes that wait to be given out.
const MAX_PENDING_BYTES: usize = 64 * 1024;

/// A packet of a track.
#[derive(Debug, Clone, Copy)]
pub struct TrackPacket<'a> {
    /// The track's number.
    pub track: u16,
    /// The encoding it is of.
    pub encoding: u8,
    /// What it holds; sound is never in RED.
    pub codec: Codec,
    /// The rest.
    pub packet: Packet<&'a [u8]>,
}

/// A track as it is recorded.
#[derive(Debug)]
pub(super) struct Track {
    new: NewTrack,
    stream: Option<TimedStream>,
    /// What the stream has told last that a file has to say of its codec.
    config: Option<Arc<[u8]>>,
    file: Option<OpenFile>,
    /// Whether it cannot be recorded, as the journal says.
    is_refused: bool,
    /// Whether what a frame refers to may have been left out.
    waits_for_keyframe: bool,
    /// When a keyframe is to be asked for, again and again until it comes.
    keyframe_due: Option<Instant>,
    /// When the next packet of sound is due, in the file's time.
    sound_due_us: Option<i64>,
    lost_told: u64,
    /// How pictures are to be turned, as the journal has it.
    quarter_turns: u8,
}

#[derive(Debug)]
struct OpenFile {
    id: FileId,
    /// In the manifest.
    place: usize,
    writer: Writer,
    /// What has been written and not given out.
    pending: Vec<u8>,
    began_us: i64,
    last_us: i64,
    config: Option<Arc<[u8]>>,
    size: Option<VideoSize>,
}

/// All files of a recording have one track each.
const NUMBER: TrackNumber = match TrackNumber::new(1) {
    Some(number) => number,
    None => panic!("1 is a number"),
};

/// What a track needs of the recording that it belongs to.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) now: Instant,
    pub(super) timeline: &'a Timeline,
    /// Its publisher's.
    pub(super) clock: &'a mut SenderClock,
    pub(super) pauses: &'a Pauses,
    pub(super) people: &'a People,
    pub(super) shelf: &'a mut Shelf,
}

impl Track {
    pub(super) const fn new(new: NewTrack) -> Self {
        Self {
            new,
            stream: None,
            config: None,
            file: None,
            is_refused: false,
            waits_for_keyframe: true,
            keyframe_due: None,
            sound_due_us: None,
            lost_told: 0,
            quarter_turns: 0,
        }
    }

    /// Whose it is.
    pub(super) fn participant(&self) -> &str {
        &self.new.participant
    }

    pub(super) fn handle_packet(&mut self, desk: &mut Desk<'_>, packet: &TrackPacket<'_>) {
        if self.is_refused {
            return;
        }
        let is_other = |stream: &TimedStream| stream.codec() != packet.codec;
        if self.stream.as_ref().is_some_and(is_other) {
            self.end_stream(desk);
        }
        let new = || TimedStream::new(packet.codec, packet.encoding, RECORDER_PATIENCE);
        let stream = self.stream.get_or_insert_with(new);
        stream.handle_packet(desk.now, packet.encoding, packet.packet);
        self.take_frames(desk);
    }

    pub(super) fn handle_timeout(&mut self, desk: &mut Desk<'_>) {
        self.take_frames(desk);
        let until = desk.timeline.at(desk.now) - SILENCE_LAG.as_micros() as i64;
        if let Some(until_us) = desk.pauses.file_time(until) {
            self.fill_silence(desk.shelf, until_us);
        }
        self.tell_losses(desk);
        if !desk.pauses.is_paused() {
            self.ask_for_keyframe(desk.now, desk.shelf);
        }
    }

    /// Frames were left out.
    pub(super) fn want_keyframe(&mut self, now: Instant, shelf: &mut Shelf) {
        self.waits_for_keyframe = true;
        self.keyframe_due = Some(now);
        self.ask_for_keyframe(now, shelf);
    }

    /// Asks for the keyframe that is waited for. A request may be lost.
    fn ask_for_keyframe(&mut self, now: Instant, shelf: &mut Shelf) {
        let is_picture = |stream: &TimedStream| stream.codec().video().is_some();
        if self.keyframe_due.is_none_or(|due| now < due)
            || !self.stream.as_ref().is_some_and(is_picture)
        {
            return;
        }
        self.keyframe_due = Some(now + KEYFRAME_INTERVAL);
        let wanted = Output::KeyframeWanted(self.new.number);
        shelf.outputs.push_back(wanted);
    }

    /// Writes what is left, and completes the file.
    pub(super) fn end(&mut self, desk: &mut Desk<'_>) {
        self.end_stream(desk);
    }

    /// Gives out what has been written.
    pub(super) fn flush(&mut self, shelf: &mut Shelf) {
        if let Some(file) = &mut self.file {
            file.flush(shelf);
        }
    }

    fn end_stream(&mut self, desk: &mut Desk<'_>) {
        if let Some(stream) = &mut self.stream {
            stream.finish();
            self.take_frames(desk);
        }
        self.tell_losses(desk);
        self.lost_told = 0;
        self.stream = None;
        self.config = None;
        self.close_file(desk.shelf);
        self.waits_for_keyframe = true;
    }

    fn take_frames(&mut self, desk: &mut Desk<'_>) {
        while let Some(stream) = &mut self.stream
            && let Some(timed) = stream.poll(desk.now, desk.timeline, desk.clock)
        {
            match timed {
                Timed::KeyframeWanted => {
                    let wanted = Output::KeyframeWanted(self.new.number);
                    desk.shelf.outputs.push_back(wanted);
                }
                Timed::Frame(at, frame) => {
                    self.note_config(&frame);
                    self.note_orientation(desk, at, &frame);
                    match desk.pauses.file_time(at) {
                        Some(pts_us) => self.write(desk, &frame, pts_us),
                        None => self.waits_for_keyframe = true,
                    }
                }
            }
        }
    }

    /// Keyframes tell it where it changes, and may be left out themselves.
    fn note_config(&mut self, frame: &Frame) {
        if let Content::Picture(picture) = &frame.content
            && picture.config.is_some()
        {
            self.config.clone_from(&picture.config);
        }
    }

    fn note_orientation(&mut self, desk: &mut Desk<'_>, at: RoomTimeUs, frame: &Frame) {
        if let Some(event) = turned(&self.new.sid, &mut self.quarter_turns, frame) {
            desk.shelf.note(at, event);
        }
    }

    fn write(&mut self, desk: &mut Desk<'_>, frame: &Frame, pts_us: i64) {
        let is_keyframe = frame.is_keyframe();
        if self.waits_for_keyframe && !is_keyframe {
            return;
        }
        // One that was on its way when the recording began. Files have no time before zero, and what follows
        // is nothing without its keyframe.
        let pts_us = match frame.content {
            Content::Picture(_) => pts_us.max(0),
            Content::Sound(_) => pts_us,
        };
        self.waits_for_keyframe = false;
        self.keyframe_due = None;
        if is_keyframe
            && self
                .file
                .as_ref()
                .is_some_and(|file| file.config != self.config || file.is_full(pts_us))
        {
            self.close_file(desk.shelf);
        }
        if self.file.is_none() && !self.open_file(desk, frame, pts_us) {
            self.waits_for_keyframe = true;
            return;
        }
        if let Content::Sound(sound) = &frame.content {
            let duration_us = i64::from(sound.duration_samples) * 1_000 / 48;
            // What was lost is left open, for decoders to conceal.
            let lost_us = duration_us.saturating_mul(sound.lost_before.into());
            let until_us = pts_us.saturating_sub(lost_us) - MAX_SILENT_GAP_US;
            self.fill_silence(desk.shelf, until_us);
            self.sound_due_us = Some(pts_us + duration_us);
        }
        let Some(file) = &mut self.file else { return };
        if let Content::Picture(picture) = &frame.content {
            file.note_size(desk.shelf, pts_us, picture.size);
        }
        file.write(desk.shelf, pts_us, is_keyframe, &frame.data);
    }

    /// Fills sound that has stopped with silence, up to a time.
    fn fill_silence(&mut self, shelf: &mut Shelf, until_us: i64) {
        let (Some(file), Some(due_us)) = (&mut self.file, &mut self.sound_due_us) else {
            return;
        };
        while *due_us < until_us {
            file.write(shelf, *due_us, true, &SILENCE);
            *due_us += SILENCE_US;
        }
    }

    fn open_file(&mut self, desk: &mut Desk<'_>, frame: &Frame, pts_us: i64) -> bool {
        let Some(codec) = self.stream.as_ref().map(TimedStream::codec) else {
            return false;
        };
        let (media, config, size) = match &frame.content {
            Content::Sound(_) => (Media::Audio(Opus::default()), None, None),
            Content::Picture(picture) => {
                let config = self.config.clone();
                let Some(codec) = file_codec(codec, config.as_deref()) else {
                    return false;
                };
                let size = picture.size;
                (Media::Video { codec, size }, config, Some(size))
            }
        };
        // It may have become known only after its first packets were on their way.
        if let Some(reason) = refusal(desk.people, desk.shelf, &self.new) {
            self.is_refused = true;
            desk.refuse(self.new.sid.clone(), reason.to_owned());
            return false;
        }
        let entry = self.entry(desk, codec);
        let settings = mux::Settings {
            title: desk.shelf.title.clone(),
            utc_us: Some(desk.shelf.unix_ms * 1_000),
            tracks: vec![mux::Track {
                number: NUMBER,
                uid: uid(&self.new.sid),
                name: track_name(&entry),
                media,
            }],
        };
        let mut pending = Vec::new();
        let writer = match Writer::new(settings, &mut pending) {
            Ok(writer) => writer,
            Err(error) => {
                self.is_refused = true;
                desk.refuse(self.new.sid.clone(), error.to_string());
                return false;
            }
        };
        let event = Event::File {
            track: self.new.sid.clone(),
            path: entry.path.clone(),
        };
        desk.shelf.note(desk.timeline.at(desk.now), event);
        let (id, place) = desk.shelf.begin(entry);
        self.file = Some(OpenFile {
            id,
            place,
            writer,
            pending,
            began_us: pts_us,
            last_us: i64::MIN,
            config,
            size,
        });
        if let (Some(file), Some(size)) = (&mut self.file, size) {
            file.size = None;
            file.note_size(desk.shelf, pts_us, size);
        }
        true
    }

    /// The file that is begun, for the manifest.
    fn entry(&self, desk: &Desk<'_>, codec: Codec) -> RecordedFile {
        let (participant, track) = (&self.new.participant, &self.new.sid);
        let person = desk.people.get(participant);
        // What a track shows may become known only after its first packets are on their way.
        let known = desk.people.track(participant, track);
        let source = known.map_or(Source::Unknown, |own| own.source);
        // It may have been heard before, under another number.
        let is_of_track =
            |file: &&RecordedFile| file.track == *track && file.participant == *participant;
        let earlier = desk.shelf.files.iter().filter(is_of_track).count();
        let ending = match codec.video() {
            Some(_) => "mkv",
            None => "mka",
        };
        let path = format!(
            "tracks/{}/{}-{}-{earlier:03}.{ending}",
            path_safe(participant),
            path_safe(track),
            source.short(),
        );
        let short = codec.mime_type().rsplit('/').next().unwrap_or_default();
        RecordedFile {
            path,
            state: FileState::Open,
            codec: short.to_ascii_lowercase(),
            source,
            participant: participant.clone(),
            identity: person.map(|own| own.identity.clone()).unwrap_or_default(),
            name: person.map(|own| own.name.clone()).unwrap_or_default(),
            track: track.clone(),
            first_pts_us: None,
            last_pts_us: None,
            bytes: 0,
            blocks: 0,
            keyframes: 0,
            sizes: Vec::new(),
        }
    }

    fn close_file(&mut self, shelf: &mut Shelf) {
        self.sound_due_us = None;
        if let Some(mut file) = self.file.take() {
            file.flush(shelf);
            let bytes = file.writer.bytes();
            shelf.finish(file.id, file.place, bytes, file.writer.finish());
        }
    }

    fn tell_losses(&mut self, desk: &mut Desk<'_>) {
        let Some(stream) = &self.stream else { return };
        let lost = stream.counters().lost_packets;
        let packets = lost.saturating_sub(self.lost_told);
        if packets == 0 {
            return;
        }
        self.lost_told = lost;
        desk.shelf.lost_packets += packets;
        let event = Event::Lost {
            track: self.new.sid.clone(),
            packets,
        };
        desk.shelf.note(desk.timeline.at(desk.now), event);
    }
}

impl Desk<'_> {
    /// Says that a track is not recorded.
    fn refuse(&mut self, track: String, reason: String) {
        let event = Event::NotRecorded { track, reason };
        self.shelf.note(self.timeline.at(self.now), event);
    }
}

/// What is to be told of a picture that is turned otherwise than the one before.
pub(crate) fn turned(track: &str, quarter_turns: &mut u8, frame: &Frame) -> Option<Event> {
    let Content::Picture(picture) = &frame.content else {
        return None;
    };
    let now = picture.orientation.map_or(0, |own| own.quarter_turns);
    (std::mem::replace(quarter_turns, now) != now).then(|| Event::Turned {
        track: track.to_owned(),
        quarter_turns: now,
    })
}

/// Why there can be no file of a track.
pub(super) fn refusal(people: &People, shelf: &Shelf, new: &NewTrack) -> Option<&'static str> {
    let known = people.track(&new.participant, &new.sid);
    if known.is_some_and(|own| own.is_encrypted) {
        Some("it is end-to-end encrypted")
    } else if shelf.files.len() >= MAX_FILES {
        Some("there are too many files")
    } else {
        None
    }
}

impl OpenFile {
    /// Whether the next keyframe is to begin another file.
    fn is_full(&self, pts_us: i64) -> bool {
        self.writer.bytes() >= MAX_FILE_BYTES || pts_us - self.began_us >= MAX_FILE_US
    }

    fn note_size(&mut self, shelf: &mut Shelf, pts_us: i64, size: VideoSize) {
        if self.size == Some(size) {
            return;
        }
        self.size = Some(size);
        if let Some(entry) = shelf.files.get_mut(self.place)
            && entry.sizes.len() < MAX_SIZES
        {
            entry.sizes.push((pts_us, size.width_px, size.height_px));
        }
    }

    /// Writes a block. One that is before the last, or outside of what a file can hold, is left
    /// out.
    fn write(&mut self, shelf: &mut Shelf, pts_us: i64, is_keyframe: bool, data: &[u8]) {
        if pts_us < self.last_us {
            return;
        }
        let block = Block {
            pts_us,
            is_keyframe,
            data,
        };
        if self
            .writer
            .write_block(NUMBER, block, &mut self.pending)
            .is_err()
        {
            return;
        }
        self.last_us = pts_us;
        if let Some(entry) = shelf.files.get_mut(self.place) {
            entry.first_pts_us.get_or_insert(pts_us);
            entry.last_pts_us = Some(pts_us);
            entry.bytes = self.writer.bytes();
            entry.blocks += 1;
            entry.keyframes += u64::from(is_keyframe);
        }
        if self.pending.len() >= MAX_PENDING_BYTES {
            self.flush(shelf);
        }
    }

    fn flush(&mut self, shelf: &mut Shelf) {
        if !self.pending.is_empty() {
            let bytes = std::mem::take(&mut self.pending);
            shelf.outputs.push_back(Output::Append(self.id, bytes));
        }
    }
}

/// The codec as a file names it; `None` while it cannot be described.
fn file_codec(codec: Codec, config: Option<&[u8]>) -> Option<VideoCodec> {
    Some(match codec {
        Codec::Vp8 => VideoCodec::Vp8,
        Codec::Vp9 => VideoCodec::Vp9,
        Codec::Av1 => VideoCodec::Av1 {
            config: config.map(<[u8]>::to_vec),
        },
        Codec::H264 => VideoCodec::H264 {
            config: config?.to_vec(),
        },
        Codec::Opus | Codec::Red => return None,
    })
}

/// Whose it is and what, for people who look into a file.
fn track_name(entry: &RecordedFile) -> String {
    let whose = match entry.name.as_str() {
        "" => &entry.identity,
        name => name,
    };
    let mut name = format!("{whose} ({})", entry.source.short());
    let mut most = name.len().min(mux::limits::MAX_TEXT_BYTES);
    while !name.is_char_boundary(most) {
        most -= 1;
    }
    name.truncate(most);
    name
}

/// The same number for the same track, in every file of it (FNV-1a).
fn uid(track: &str) -> NonZeroU64 {
    let hash = track.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    NonZeroU64::new(hash).unwrap_or(NonZeroU64::MIN)
}

/// Ids are made by the server and have no other characters; a path depends on that.
fn path_safe(id: &str) -> String {
    let safe = id.chars().map(|own| match own {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => own,
        _ => '_',
    });
    safe.take(64).collect()
}
