//! What comes before the first cluster.

use super::ReadErrorKind;
use super::element::Element;
use crate::mux::cues::Cues;
use crate::mux::ebml::{self, Children, Malformed};
use crate::mux::header::{DURATION_BYTES, Header, Places, Slot, utc_us};
use crate::mux::id;
use crate::mux::limits::{MAX_HEADER_BYTES, MAX_TEXT_BYTES, MAX_TRACKS};
use crate::mux::time::TimestampScale;
use crate::mux::track::{Track, TrackNumber};

/// Checks the EBML header (RFC 8794 §11.2).
pub(super) fn check_ebml(body: &[u8]) -> Result<(), ReadErrorKind> {
    let (mut doc_type, mut version) = (String::new(), 1);
    let mut children = Children::new(body);
    while let Some((child, body)) = children.next()? {
        match child.id {
            id::DOC_TYPE => doc_type = ebml::text(body),
            id::DOC_TYPE_READ_VERSION => version = ebml::uint(body)?,
            _ => {}
        }
    }
    match doc_type.as_str() {
        "webm" | "matroska" if version <= MAX_READ_VERSION => Ok(()),
        "webm" | "matroska" => Err(ReadErrorKind::Version),
        _ => Err(ReadErrorKind::NotMatroska),
    }
}

/// What is known of the Segment outside of its clusters.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) header: Header,
    pub(super) places: Places,
    pub(super) cues: Option<Cues>,
    /// Where the Segment ends, if that is known.
    pub(super) end: Option<u64>,
    /// Whether a cluster has come. What the file begins with is over then.
    pub(super) has_clusters: bool,
    /// The CodecDelay of each track of the header, in microseconds.
    delays_us: Vec<i64>,
}

impl Head {
    /// A Segment that begins with an element.
    pub(super) fn new(segment: Element) -> Self {
        Self {
            header: Header {
                title: String::new(),
                utc_us: None,
                duration_us: None,
                tracks: Vec::new(),
                cues_offset: None,
            },
            places: Places {
                segment: segment.size_field(),
                seek_head: None,
                info: None,
                duration: None,
                tracks: None,
                end: segment.body_offset(),
                scale: TimestampScale::MILLISECOND,
            },
            cues: None,
            end: segment.end(),
            has_clusters: false,
            delays_us: Vec::new(),
        }
    }

    /// Whether an element of the Segment need not be read.
    pub(super) fn can_skip(&self, element: Element) -> bool {
        match element.id() {
            id::INFO | id::TRACKS => self.has_clusters,
            id::SEEK_HEAD | id::CUES => {
                let size = element.header.size;
                size.is_some_and(|size| size > MAX_HEADER_BYTES as u64)
            }
            _ => true,
        }
    }

    /// The place of a track in the header, its number, and its codec delay in microseconds.
    pub(super) fn track(&self, number: u64) -> Option<(usize, TrackNumber, i64)> {
        let mut numbers = self.header.tracks.iter().map(|track| track.number);
        let index = numbers.position(|own| u64::from(own.get()) == number)?;
        let track = self.header.tracks.get(index)?;
        Some((index, track.number, *self.delays_us.get(index)?))
    }

    /// Reads an element of the Segment that cannot be skipped.
    pub(super) fn read(&mut self, element: Element, body: &[u8]) -> Result<(), Malformed> {
        match element.id() {
            id::SEEK_HEAD => self.read_seek_head(body),
            id::INFO => self.read_info(element, body),
            id::TRACKS => self.read_tracks(element, body),
            _ => {
                let cues = Cues::read(body, self.places.scale, self.places.segment.body())?;
                self.cues = Some(cues);
                Ok(())
            }
        }
    }

    /// Whether the tracks are known.
    pub(super) fn has_tracks(&self) -> bool {
        self.places.tracks.is_some()
    }

    /// Notes a SeekHead or Void: the SeekHead of the finished file may take its place.
    pub(super) fn note_slot(&mut self, element: Element) {
        let is_slot = matches!(element.id(), id::SEEK_HEAD | id::VOID);
        let is_early = self.places.info.is_none() && !self.has_tracks();
        let Some(slot) = element.slot().filter(|_| is_slot && is_early) else {
            return;
        };
        let before = self.places.seek_head;
        let joined = before.filter(|before| before.offset + before.bytes == slot.offset);
        self.places.seek_head = match joined {
            Some(before) => Some(Slot {
                bytes: before.bytes + slot.bytes,
                ..before
            }),
            None if element.id() == id::SEEK_HEAD => Some(slot),
            None => before.or(Some(slot)),
        };
    }

    fn read_seek_head(&mut self, body: &[u8]) -> Result<(), Malformed> {
        let mut entries = Children::new(body);
        while let Some((child, body)) = entries.next()? {
            if child.id != id::SEEK {
                continue;
            }
            let (mut target, mut position) = (0, None);
            let mut children = Children::new(body);
            while let Some((child, body)) = children.next()? {
                match child.id {
                    id::SEEK_ID => target = ebml::uint(body)?,
                    id::SEEK_POSITION => position = Some(ebml::uint(body)?),
                    _ => {}
                }
            }
            if target == u64::from(id::CUES) {
                let body = self.places.segment.body();
                self.header.cues_offset = position.and_then(|position| body.checked_add(position));
            }
        }
        Ok(())
    }

    /// Reads Info, the first if there are several.
    fn read_info(&mut self, element: Element, body: &[u8]) -> Result<(), Malformed> {
        if self.places.info.is_some() {
            return Ok(());
        }
        let (mut scale, mut duration_ticks) = (TimestampScale::MILLISECOND, None);
        let (mut slot, mut has_checksum) = (None, false);
        let mut children = Children::new(body);
        while let Some((child, body)) = children.next()? {
            match child.id {
                id::TIMESTAMP_SCALE => {
                    scale = TimestampScale::new(ebml::uint(body)?).ok_or(Malformed)?;
                }
                id::DURATION => duration_ticks = Some(ebml::float(body)?),
                id::TITLE => self.header.title = bounded_text(body),
                id::DATE_UTC => self.header.utc_us = Some(utc_us(ebml::int(body)?)),
                id::CRC_32 => has_checksum = true,
                _ => {}
            }
            let is_slot = matches!(child.id, id::DURATION | id::VOID);
            if is_slot && child.body.end - child.start == DURATION_BYTES {
                slot = Some(Slot {
                    offset: element.body_offset() + child.start as u64,
                    bytes: DURATION_BYTES as u64,
                });
            }
        }
        // A checksum would not fit any more.
        self.places.duration = slot.filter(|_| !has_checksum);
        self.places.info = Some(element.offset);
        self.places.scale = scale;
        self.places.end = element.body_offset() + body.len() as u64;
        let duration_us = |ticks: f64| ticks * scale.nanoseconds() as f64 / 1_000.0;
        self.header.duration_us = duration_ticks.map(|ticks| duration_us(ticks).round() as i64);
        Ok(())
    }

    /// Reads Tracks, the first if there are several.
    fn read_tracks(&mut self, element: Element, body: &[u8]) -> Result<(), Malformed> {
        if self.has_tracks() {
            return Ok(());
        }
        let mut entries = Children::new(body);
        while let Some((child, body)) = entries.next()? {
            if child.id != id::TRACK_ENTRY {
                continue;
            }
            let tracks = &mut self.header.tracks;
            if let Some((track, delay_ns)) = Track::read(body)?
                && tracks.len() < MAX_TRACKS
                && tracks.iter().all(|other| other.number != track.number)
            {
                tracks.push(track);
                self.delays_us
                    .push(i64::try_from(delay_ns / 1_000).unwrap_or(i64::MAX));
            }
        }
        self.places.tracks = Some(element.offset);
        self.places.end = element.body_offset() + body.len() as u64;
        Ok(())
    }
}

/// A title, or nothing if it is too long to be one.
fn bounded_text(body: &[u8]) -> String {
    if body.len() > MAX_TEXT_BYTES {
        return String::new();
    }
    ebml::text(body)
}

/// The newest DocTypeReadVersion that is known: Matroska's of RFC 9559.
const MAX_READ_VERSION: u64 = 4;
