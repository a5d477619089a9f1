//! Completes a file that was cut off, wherever that was.
//!
//! It is for files of ours. In those of others, blocks of tracks that cannot be described do not
//! count, and are cut off if no other block follows.

use super::finish::Finish;
use super::header::{Header, SizeField};
use super::reader::{ReadError, Reader};
use super::summary::{Counter, Recorded};

/// Goes over a file that nobody writes any more, in pieces and in one pass.
#[derive(Debug)]
pub struct Recovery {
    reader: Reader,
    counter: Option<Counter>,
    last: Option<LastBlock>,
    damage: Option<ReadError>,
}

#[derive(Debug, Clone, Copy)]
struct LastBlock {
    end: u64,
    cluster: SizeField,
}

/// How to complete a file: cut it, then do what a [`Finish`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// What the file begins with.
    pub header: Header,
    /// How long the file is up to the last whole block, in bytes. What follows is to be cut off.
    pub truncate_to: u64,
    /// What is to be done then.
    pub finish: Finish,
    /// What is wrong with the file after that, if it does not just end.
    pub damage: Option<ReadError>,
}

/// There is nothing to recover: the file ends before its tracks are described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file ends before its tracks are described")]
pub struct Unrecoverable {
    /// What is wrong with the file, if it does not just end.
    pub damage: Option<ReadError>,
}

impl Recovery {
    /// Begins with a file.
    pub fn new() -> Self {
        Self {
            reader: Reader::without_data(),
            counter: None,
            last: None,
            damage: None,
        }
    }

    /// Takes the bytes that follow those taken before.
    pub fn feed(&mut self, bytes: &[u8]) {
        // What follows damage is cut off.
        if self.damage.is_some() {
            return;
        }
        self.reader.feed(bytes);
        loop {
            match self.reader.poll() {
                Ok(Some(block)) => {
                    self.last = Some(LastBlock {
                        end: block.end,
                        cluster: block.cluster_size,
                    });
                    let recorded = Recorded {
                        index: block.index,
                        pts_us: block.pts_us,
                        time_us: block.time_us,
                        is_keyframe: block.is_keyframe,
                        data_bytes: block.data_range.end - block.data_range.start,
                        cluster_offset: block.cluster_offset,
                    };
                    self.count(&recorded);
                }
                Ok(None) => return,
                Err(damage) => {
                    self.damage = Some(damage);
                    return;
                }
            }
        }
    }

    /// Tells how to complete the file.
    ///
    /// # Errors
    /// [`Unrecoverable`] when there is nothing in it.
    pub fn finish(self) -> Result<Recovered, Unrecoverable> {
        let damage = self.damage;
        let (Some(header), Some(places)) = (self.reader.header(), self.reader.places()) else {
            return Err(Unrecoverable { damage });
        };
        let truncate_to = self.last.map_or(places.end, |last| last.end);
        let cluster = self
            .last
            .map(|last| last.cluster)
            .filter(|size| !size.is_unknown);
        let counter = self.counter.unwrap_or_else(|| Counter::new(&header.tracks));
        Ok(Recovered {
            header: header.clone(),
            truncate_to,
            finish: Finish::new(places, counter.finish(), truncate_to, cluster),
            damage,
        })
    }

    fn count(&mut self, block: &Recorded) {
        let tracks = self.reader.header().map(|header| header.tracks.as_slice());
        let counter = self
            .counter
            .get_or_insert_with(|| Counter::new(tracks.unwrap_or_default()));
        counter.count(block);
    }
}

impl Default for Recovery {
    fn default() -> Self {
        Self::new()
    }
}
