//! Clusters, and the blocks in them (RFC 9559 §5.1.3, §10).

use std::ops::Range;

use super::element::Element;
use super::head::Head;
use super::{ReadError, ReadErrorKind};
use crate::mux::block::BlockHeader;
use crate::mux::ebml::{self, Children};
use crate::mux::header::SizeField;
use crate::mux::id;
use crate::mux::limits::MAX_BLOCK_BYTES;
use crate::mux::track::TrackNumber;

/// The cluster that is being read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cluster {
    /// Where it begins in the file.
    pub(super) offset: u64,
    pub(super) size: SizeField,
    /// Where it ends, if that is known.
    pub(super) end: Option<u64>,
    /// Its time in ticks, when that has been read.
    time: Option<u64>,
}

/// A block without its data.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) track: TrackNumber,
    /// Place of its track in the header.
    pub(super) index: usize,
    pub(super) pts_us: i64,
    /// Its time in the file.
    pub(super) time_us: i64,
    pub(super) is_keyframe: bool,
    /// Where the data is, from the start of the element.
    pub(super) data: Range<usize>,
    /// Where the element is in the file.
    pub(super) element: Range<u64>,
    pub(super) cluster: Cluster,
}

/// What a look at an element has shown.
#[derive(Debug)]
pub(super) enum Look {
    /// Too little of it has come.
    NeedsMore,
    /// There is nothing of interest in it.
    Skip,
    /// It is a block.
    Found(Found),
}

impl Cluster {
    pub(super) fn new(element: Element) -> Self {
        Self {
            offset: element.offset,
            size: element.size_field(),
            end: element.end(),
            time: None,
        }
    }

    /// Whether an element comes after the cluster, which has no size: it belongs into the Segment,
    /// or begins another file.
    pub(super) fn is_ended_by(&self, id: u32) -> bool {
        let is_outside = matches!(
            id,
            id::CLUSTER
                | id::CUES
                | id::SEEK_HEAD
                | id::INFO
                | id::TRACKS
                | id::TAGS
                | id::CHAPTERS
                | id::ATTACHMENTS
                | id::SEGMENT
                | id::EBML
        );
        self.end.is_none() && is_outside
    }

    /// Looks at an element, of which the bytes in `unread` have come.
    pub(super) fn look(
        &mut self,
        element: Element,
        unread: &[u8],
        head: &Head,
    ) -> Result<Look, ReadError> {
        match element.id() {
            id::TIMESTAMP => self.read_timestamp(element, unread),
            id::SIMPLE_BLOCK => self.read_simple_block(element, unread, head),
            id::BLOCK_GROUP => self.read_block_group(element, unread, head),
            _ => Ok(Look::Skip),
        }
    }

    fn read_timestamp(&mut self, element: Element, unread: &[u8]) -> Result<Look, ReadError> {
        let Some(body) = element.body(unread, 8)? else {
            return Ok(Look::NeedsMore);
        };
        let time = ebml::uint(body).map_err(|malformed| element.error(malformed))?;
        self.time = Some(time);
        Ok(Look::Skip)
    }

    /// Reads what a SimpleBlock begins with, for which all of it need not have come.
    fn read_simple_block(
        &self,
        element: Element,
        unread: &[u8],
        head: &Head,
    ) -> Result<Look, ReadError> {
        let begin = element.header_bytes();
        let size = element.size_within(MAX_BLOCK_BYTES)?;
        let start = unread.get(begin..).unwrap_or_default();
        let start = start
            .get(..size.min(BlockHeader::MAX_BYTES))
            .unwrap_or(start);
        match BlockHeader::read(start) {
            Some(block) => {
                let data = begin + block.bytes..begin + size;
                self.describe(element, &block, data, head)
            }
            None if start.len() < size.min(BlockHeader::MAX_BYTES) => Ok(Look::NeedsMore),
            None => Err(element.error(ReadErrorKind::Malformed)),
        }
    }

    fn read_block_group(
        &self,
        element: Element,
        unread: &[u8],
        head: &Head,
    ) -> Result<Look, ReadError> {
        let Some(body) = element.body(unread, MAX_BLOCK_BYTES)? else {
            return Ok(Look::NeedsMore);
        };
        let malformed = element.error(ReadErrorKind::Malformed);
        let (mut block, mut has_reference) = (None, false);
        let mut children = Children::new(body);
        while let Some((child, body)) = children.next().map_err(|_| malformed)? {
            match child.id {
                id::BLOCK => block = BlockHeader::read(body).zip(Some(child.body)),
                id::REFERENCE_BLOCK => has_reference = true,
                _ => {}
            }
        }
        let (header, body) = block.ok_or(malformed)?;
        let header = BlockHeader {
            is_keyframe: !has_reference,
            ..header
        };
        let begin = element.header_bytes();
        let data = begin + body.start + header.bytes..begin + body.end;
        self.describe(element, &header, data, head)
    }

    /// What is to be known of a block, if it is of a track that can be described.
    fn describe(
        &self,
        element: Element,
        block: &BlockHeader,
        data: Range<usize>,
        head: &Head,
    ) -> Result<Look, ReadError> {
        let Some((index, track, delay_us)) = head.track(block.track) else {
            return Ok(Look::Skip);
        };
        if block.is_laced {
            return Err(element.error(ReadErrorKind::Laced));
        }
        let time = self.time.ok_or(element.error(ReadErrorKind::Malformed))?;
        let ticks = i128::from(time) + i128::from(block.relative_time);
        let time_us = head.places.scale.microseconds(ticks);
        let pts_us = time_us.and_then(|time_us| time_us.checked_sub(delay_us));
        let times = time_us.zip(pts_us);
        let (time_us, pts_us) = times.ok_or(element.error(ReadErrorKind::Time))?;
        Ok(Look::Found(Found {
            track,
            index,
            pts_us,
            time_us,
            is_keyframe: block.is_keyframe,
            data,
            element: element.offset..element.known_end()?,
            cluster: *self,
        }))
    }
}
