//! Reads files as they come, piece by piece.
//!
//! Bytes go in by [`Reader::feed`], and after each piece [`Reader::poll`] gives the blocks that are
//! whole by then, until it gives `None`; [`Reader::data`] has what is in the last of them. A file that ends in the middle of something is no error:
//! there just comes no more. Where to go on so as to have a later time is in [`Reader::header`] and
//! [`Reader::cues`].
//!
//! Read past: CRC-32, Tags, Chapters, Attachments, and all that is unknown. Not implemented: laced
//! blocks, compression and encryption of blocks by the container, and chains of several Segments,
//! of which only the first is read.

mod cluster;
mod element;
mod error;
mod head;
mod window;

use std::mem;
use std::ops::Range;

use super::cues::Cues;
use super::ebml::ElementHeader;
use super::header::{Header, Places, SizeField};
use super::id;
use super::limits::MAX_HEADER_BYTES;
use super::track::TrackNumber;
use cluster::{Cluster, Found, Look};
use element::Element;
use head::Head;
use window::Window;

pub use error::{ReadError, ReadErrorKind};

/// A piece of a track, read from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadBlock {
    /// Its track.
    pub track: TrackNumber,
    /// When it is played, in microseconds from the file's zero.
    pub pts_us: i64,
    /// Whether a decoder can begin with it.
    pub is_keyframe: bool,
    /// Where in the file the data is, in bytes.
    pub data_range: Range<u64>,
    /// Where the block's cluster begins in the file, in bytes: a place for [`Reader::seek`].
    pub cluster_offset: u64,
    /// Place of its track in the header.
    pub(super) index: usize,
    /// Its time in the file.
    pub(super) time_us: i64,
    /// Where the element ends in the file.
    pub(super) end: u64,
    /// The size of the cluster.
    pub(super) cluster_size: SizeField,
}

/// Reads one file.
#[derive(Debug)]
pub struct Reader {
    window: Window,
    keeps_data: bool,
    place: Place,
    cluster: Option<Cluster>,
    /// A block that is to be given when all of it has been read past.
    found: Option<Found>,
    /// Where the data of the block that was given last is in the window.
    data: Range<usize>,
    /// Bytes of the window that belong to that block.
    lent: u64,
}

/// What is to come.
#[derive(Debug)]
enum Place {
    Ebml,
    Segment,
    /// What is in the Segment.
    Body(Box<Head>),
    /// Nothing more of the Segment.
    End(Option<Box<Head>>),
}

/// What a step has come to.
enum Step {
    Done,
    NeedsMore,
    Found(Found),
}

impl Reader {
    /// A reader that gives blocks with their data.
    pub fn new() -> Self {
        Self {
            window: Window::default(),
            keeps_data: true,
            place: Place::Ebml,
            cluster: None,
            found: None,
            data: 0..0,
            lent: 0,
        }
    }

    /// A reader that gives blocks without their data, and so holds next to nothing of the file.
    pub fn without_data() -> Self {
        Self {
            keeps_data: false,
            ..Self::new()
        }
    }

    /// Takes the bytes of the file from [`position`](Self::position) on, as many as are at hand. They
    /// stay in memory until [`poll`](Self::poll) has gone over them.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.give_back();
        self.window.feed(bytes);
    }

    /// Where in the file the bytes are that are to be fed next.
    pub fn position(&self) -> u64 {
        self.window.offset() + self.window.unread().len() as u64
    }

    /// What the file begins with, as soon as its tracks are known.
    pub fn header(&self) -> Option<&Header> {
        self.head().map(|head| &head.header)
    }

    /// The index, if it has been read: mostly it is at the end of the file, where
    /// [`Header::cues_offset`] tells.
    pub fn cues(&self) -> Option<&Cues> {
        self.head().and_then(|head| head.cues.as_ref())
    }

    /// Goes on at another offset of the file, that of a cluster or of the Cues. It has no effect
    /// before the tracks are known.
    pub fn seek(&mut self, offset: u64) {
        if self.head().is_none() {
            return;
        }
        self.place = match mem::replace(&mut self.place, Place::End(None)) {
            Place::Body(head) | Place::End(Some(head)) => Place::Body(head),
            Place::Ebml | Place::Segment | Place::End(None) => Place::End(None),
        };
        self.give_back();
        self.window = Window::at(offset);
        self.cluster = None;
        self.found = None;
    }

    /// The next block that has come as a whole.
    ///
    /// # Errors
    /// [`ReadError`] when there is no telling how to go on. From then on there is nothing, until
    /// [`seek`](Self::seek).
    pub fn poll(&mut self) -> Result<Option<ReadBlock>, ReadError> {
        self.give_back();
        match self.advance() {
            Ok(found) => Ok(found.map(|found| self.lend(found))),
            Err(error) => {
                self.end();
                Err(error)
            }
        }
    }

    /// What the codec makes of the block that [`poll`](Self::poll) gave just before; empty if the
    /// reader leaves it out.
    pub fn data(&self) -> &[u8] {
        let unread = self.window.unread();
        unread.get(self.data.clone()).unwrap_or_default()
    }

    pub(super) fn places(&self) -> Option<&Places> {
        self.head().map(|head| &head.places)
    }

    fn head(&self) -> Option<&Head> {
        let head = match &self.place {
            Place::Body(head) | Place::End(Some(head)) => head,
            Place::Ebml | Place::Segment | Place::End(None) => return None,
        };
        head.has_tracks().then_some(head)
    }

    /// Goes from element to element until there is a block.
    fn advance(&mut self) -> Result<Option<Found>, ReadError> {
        loop {
            if self.window.is_skipping() {
                return Ok(None);
            }
            if let Some(found) = self.found.take() {
                return Ok(Some(found));
            }
            self.leave_what_has_ended();
            if let Place::End(_) = self.place {
                self.window.skip(self.window.unread().len() as u64);
                return Ok(None);
            }
            let Some(element) = self.next_element()? else {
                return Ok(None);
            };
            match self.step(element)? {
                Step::Done => {}
                Step::NeedsMore => return Ok(None),
                Step::Found(found) => return Ok(Some(found)),
            }
        }
    }

    fn leave_what_has_ended(&mut self) {
        let offset = self.window.offset();
        let has_ended = |end: Option<u64>| end.is_some_and(|end| end <= offset);
        if self.cluster.is_some_and(|cluster| has_ended(cluster.end)) {
            self.cluster = None;
        }
        if let Place::Body(head) = &self.place
            && has_ended(head.end)
        {
            self.end();
        }
    }

    fn next_element(&self) -> Result<Option<Element>, ReadError> {
        let offset = self.window.offset();
        let header = ElementHeader::read(self.window.unread());
        let header = header.map_err(|malformed| ReadError {
            kind: match self.place {
                Place::Ebml => ReadErrorKind::NotMatroska,
                Place::Segment | Place::Body(_) | Place::End(_) => malformed.into(),
            },
            offset,
        })?;
        Ok(header.map(|header| Element { header, offset }))
    }

    fn step(&mut self, element: Element) -> Result<Step, ReadError> {
        match (&mut self.place, &mut self.cluster) {
            (Place::Ebml, _) => self.read_ebml(element),
            (Place::Segment, _) => self.enter_segment(element),
            (Place::Body(head), Some(cluster)) if !cluster.is_ended_by(element.id()) => {
                element.check_fits(cluster.end.or(head.end))?;
                let look = cluster.look(element, self.window.unread(), head)?;
                self.follow(element, look)
            }
            (Place::Body(_), _) => {
                self.cluster = None;
                self.step_in_segment(element)
            }
            (Place::End(_), _) => Ok(Step::NeedsMore),
        }
    }

    fn read_ebml(&mut self, element: Element) -> Result<Step, ReadError> {
        if element.id() != id::EBML {
            return Err(element.error(ReadErrorKind::NotMatroska));
        }
        let Some(body) = element.body(self.window.unread(), MAX_HEADER_BYTES)? else {
            return Ok(Step::NeedsMore);
        };
        head::check_ebml(body).map_err(|kind| element.error(kind))?;
        self.place = Place::Segment;
        self.skip(element)
    }

    fn enter_segment(&mut self, element: Element) -> Result<Step, ReadError> {
        match element.id() {
            id::SEGMENT => {
                element.check_fits(None)?;
                self.place = Place::Body(Box::new(Head::new(element)));
                self.window.skip(element.header_bytes() as u64);
                Ok(Step::Done)
            }
            id::VOID | id::CRC_32 => self.skip(element),
            _ => Err(element.error(ReadErrorKind::NotMatroska)),
        }
    }

    fn step_in_segment(&mut self, element: Element) -> Result<Step, ReadError> {
        let Place::Body(head) = &mut self.place else {
            return Ok(Step::NeedsMore);
        };
        element.check_fits(head.end)?;
        match element.id() {
            id::CLUSTER if head.has_tracks() => {
                head.has_clusters = true;
                self.cluster = Some(Cluster::new(element));
                self.window.skip(element.header_bytes() as u64);
                Ok(Step::Done)
            }
            id::CLUSTER => Err(element.error(ReadErrorKind::NoTracks)),
            // Another file has been appended to this one.
            id::EBML | id::SEGMENT => {
                self.end();
                Ok(Step::NeedsMore)
            }
            _ if head.can_skip(element) => {
                head.note_slot(element);
                self.skip(element)
            }
            _ => self.read_head(element),
        }
    }

    /// Reads an element of the Segment that is no cluster.
    fn read_head(&mut self, element: Element) -> Result<Step, ReadError> {
        let body = element.body(self.window.unread(), MAX_HEADER_BYTES)?;
        let (Some(body), Place::Body(head)) = (body, &mut self.place) else {
            return Ok(Step::NeedsMore);
        };
        head.note_slot(element);
        let read = head.read(element, body);
        read.map_err(|malformed| element.error(malformed))?;
        self.skip(element)
    }

    /// Does what a look at an element of a cluster asks for.
    fn follow(&mut self, element: Element, look: Look) -> Result<Step, ReadError> {
        match look {
            Look::NeedsMore => Ok(Step::NeedsMore),
            Look::Skip => self.skip(element),
            Look::Found(found) if !self.keeps_data => {
                self.found = Some(found);
                self.skip(element)
            }
            Look::Found(found) => {
                let bytes = found.element.end - found.element.start;
                let is_whole = self.window.unread().len() as u64 >= bytes;
                Ok(if is_whole {
                    Step::Found(found)
                } else {
                    Step::NeedsMore
                })
            }
        }
    }

    /// Hands out a block, of which the bytes stay in the window until the next call.
    fn lend(&mut self, found: Found) -> ReadBlock {
        let start = found.element.start;
        let data_range = start + found.data.start as u64..start + found.data.end as u64;
        if self.keeps_data {
            self.lent = found.element.end - start;
            self.data = found.data;
        }
        ReadBlock {
            track: found.track,
            pts_us: found.pts_us,
            is_keyframe: found.is_keyframe,
            data_range,
            cluster_offset: found.cluster.offset,
            index: found.index,
            time_us: found.time_us,
            end: found.element.end,
            cluster_size: found.cluster.size,
        }
    }

    /// Reads past the block that was handed out last.
    fn give_back(&mut self) {
        self.window.skip(mem::take(&mut self.lent));
        self.data = 0..0;
    }

    /// Reads past an element.
    fn skip(&mut self, element: Element) -> Result<Step, ReadError> {
        self.window.skip(element.known_end()? - element.offset);
        Ok(Step::Done)
    }

    fn end(&mut self) {
        self.place = match mem::replace(&mut self.place, Place::End(None)) {
            Place::Body(head) | Place::End(Some(head)) => Place::End(Some(head)),
            Place::Ebml | Place::Segment | Place::End(None) => Place::End(None),
        };
    }
}

impl Default for Reader {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
