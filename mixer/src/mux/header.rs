//! What a file begins with, up to its first cluster.
//!
//! ```text
//! EBML
//! Segment, of unknown size
//!   Void, as long as the SeekHead that takes its place
//!   Info, with a Void as long as the Duration that takes its place
//!   Tracks
//! ```

use super::ebml::{UNKNOWN_SIZE, put_bytes, put_id, put_master, put_uint, put_void_header};
use super::id;
use super::time::TimestampScale;
use super::track::Track;

/// What is to be written down of a file before its first block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// For people; may be empty.
    pub title: String,
    /// When the file's time zero was, in microseconds since 1970 in UTC.
    pub utc_us: Option<i64>,
    /// The tracks, with numbers and uids that differ.
    pub tracks: Vec<Track>,
}

/// What is known of a file that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// For people; may be empty.
    pub title: String,
    /// When the file's time zero was, in microseconds since 1970 in UTC.
    pub utc_us: Option<i64>,
    /// How long it is, in microseconds from its time zero. Files that have not been finished do
    /// not tell.
    pub duration_us: Option<i64>,
    /// The tracks that can be described. Blocks of others are read past.
    pub tracks: Vec<Track>,
    /// Where Cues are in the file, in bytes, if it has some.
    pub cues_offset: Option<u64>,
}

/// Where a file has what is filled in when it is finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) segment: SizeField,
    /// What the SeekHead may replace: the SeekHead itself, or Void.
    pub(super) seek_head: Option<Slot>,
    pub(super) info: Option<u64>,
    /// What the Duration may replace.
    pub(super) duration: Option<Slot>,
    pub(super) tracks: Option<u64>,
    /// Where the first cluster may be.
    pub(super) end: u64,
    pub(super) scale: TimestampScale,
}

/// The size of an element that holds others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SizeField {
    /// Where it is in the file.
    pub(super) offset: u64,
    pub(super) bytes: usize,
    /// Whether it says that the size is unknown.
    pub(super) is_unknown: bool,
}

impl SizeField {
    /// Where the element's body begins.
    pub(super) fn body(self) -> u64 {
        self.offset + self.bytes as u64
    }
}

/// Bytes of a file that can be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Settings {
    /// Appends the beginning of a file.
    pub(super) fn put(&self, out: &mut Vec<u8>) -> Places {
        let start = out.len();
        let at = |out: &Vec<u8>| (out.len() - start) as u64;

        self.put_ebml(out);
        put_id(out, id::SEGMENT);
        let segment = SizeField {
            offset: at(out),
            bytes: UNKNOWN_SIZE.len(),
            is_unknown: true,
        };
        out.extend_from_slice(&UNKNOWN_SIZE);
        let seek_head = put_void(out, at(out), SEEK_HEAD_SLOT_BYTES);
        let info = at(out);
        let duration = self.put_info(out, info);
        let tracks = at(out);
        put_master(out, id::TRACKS, |out| {
            self.tracks.iter().for_each(|track| track.put(out));
        });
        Places {
            segment,
            seek_head: Some(seek_head),
            info: Some(info),
            duration: Some(duration),
            tracks: Some(tracks),
            end: at(out),
            scale: TimestampScale::MILLISECOND,
        }
    }

    fn put_ebml(&self, out: &mut Vec<u8>) {
        let is_webm = self.tracks.iter().all(Track::is_webm);
        let doc_type: &[u8] = if is_webm { b"webm" } else { b"matroska" };
        put_master(out, id::EBML, |out| {
            put_uint(out, id::EBML_VERSION, 1);
            put_uint(out, id::EBML_READ_VERSION, 1);
            put_uint(out, id::EBML_MAX_ID_LENGTH, 4);
            put_uint(out, id::EBML_MAX_SIZE_LENGTH, 8);
            put_bytes(out, id::DOC_TYPE, doc_type);
            // CodecDelay came with version 4, SimpleBlock with version 2.
            put_uint(out, id::DOC_TYPE_VERSION, 4);
            put_uint(out, id::DOC_TYPE_READ_VERSION, 2);
        });
    }

    /// Appends the Info that begins at an offset.
    fn put_info(&self, out: &mut Vec<u8>, offset: u64) -> Slot {
        let mut body = Vec::new();
        put_uint(
            &mut body,
            id::TIMESTAMP_SCALE,
            TimestampScale::MILLISECOND.nanoseconds(),
        );
        let duration = body.len() as u64;
        let slot = put_void(&mut body, duration, DURATION_BYTES);
        put_bytes(&mut body, id::MUXING_APP, APPLICATION);
        put_bytes(&mut body, id::WRITING_APP, APPLICATION);
        if !self.title.is_empty() {
            put_bytes(&mut body, id::TITLE, self.title.as_bytes());
        }
        if let Some(utc_us) = self.utc_us {
            let date_ns = date_ns(utc_us);
            put_bytes(&mut body, id::DATE_UTC, &date_ns.to_be_bytes());
        }
        let before = out.len();
        put_bytes(out, id::INFO, &body);
        let header_bytes = (out.len() - before - body.len()) as u64;
        Slot {
            offset: offset + header_bytes + slot.offset,
            ..slot
        }
    }
}

/// A date of EBML (RFC 8794 §7.6) from microseconds since 1970; it reaches from 1708 to 2293.
fn date_ns(utc_us: i64) -> i64 {
    utc_us.saturating_sub(EBML_EPOCH_US).saturating_mul(1_000)
}

/// Microseconds since 1970 from a date of EBML.
pub(super) fn utc_us(date_ns: i64) -> i64 {
    date_ns.div_euclid(1_000) + EBML_EPOCH_US
}

/// Appends Void of so many bytes, and says where, given where it begins.
fn put_void(out: &mut Vec<u8>, offset: u64, total: usize) -> Slot {
    let end = out.len() + total;
    put_void_header(out, total as u64);
    out.resize(end, 0);
    Slot {
        offset,
        bytes: total as u64,
    }
}

/// What writes the file.
const APPLICATION: &[u8] = b"Plenary";
/// 2001-01-01, in microseconds since 1970.
const EBML_EPOCH_US: i64 = 978_307_200_000_000;
/// Bytes of a Duration with 64 bits.
pub(super) const DURATION_BYTES: usize = 11;
/// Bytes kept for the SeekHead: three entries take 68, and what is left must be none or hold a Void.
pub(super) const SEEK_HEAD_SLOT_BYTES: usize = 96;
