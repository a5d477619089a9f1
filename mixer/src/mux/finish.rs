//! The end of a file, and what is filled in at its beginning then.

use super::ebml::{put_bytes, put_id, put_master, put_size, put_void_header, size_of_width};
use super::header::{DURATION_BYTES, Places, SEEK_HEAD_SLOT_BYTES, SizeField};
use super::id;
use super::summary::Summary;

/// What makes a file complete. It plays without: only jumping and the length are missing.
///
/// To be done in this order, so that a file which is left in the middle can be recovered: append,
/// see that it is on the disk, then patch. None of the patches makes the file longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finish {
    /// What comes at the end of the file.
    pub append: Vec<u8>,
    /// What replaces bytes of the file.
    pub patches: Vec<Patch>,
    /// What is in the file.
    pub summary: Summary,
}

/// Bytes of a file to be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where in the file.
    pub offset: u64,
    /// By what.
    pub bytes: Vec<u8>,
}

impl Finish {
    /// Ends a file that has so many bytes, the last of them in `cluster` if that has a size.
    pub(super) fn new(
        places: &Places,
        summary: Summary,
        file_bytes: u64,
        cluster: Option<SizeField>,
    ) -> Self {
        let mut append = Vec::new();
        if !summary.cues.points().is_empty() {
            summary
                .cues
                .put(&mut append, places.scale, places.segment.body());
        }
        let mut segment = None;
        // Clusters of unknown size can only be in a Segment of unknown size (RFC 8794 §6.2).
        if !places.segment.is_unknown {
            segment = resize(places.segment, file_bytes + append.len() as u64);
            if segment.is_none() {
                append.clear();
                segment = resize(places.segment, file_bytes);
            }
        }
        let cues = (!append.is_empty()).then_some(file_bytes);
        let patches = [
            seek_head(places, cues),
            duration(places, summary.end_us),
            cluster.and_then(|cluster| resize(cluster, file_bytes)),
            segment,
        ];
        Self {
            append,
            patches: patches.into_iter().flatten().collect(),
            summary,
        }
    }
}

/// Gives the size of an element that ends at an offset, if the field has room for it.
fn resize(field: SizeField, end: u64) -> Option<Patch> {
    let size = end.checked_sub(field.body())?;
    let bytes = size_of_width(size, field.bytes)?;
    Some(Patch {
        offset: field.offset,
        bytes,
    })
}

/// A SeekHead (RFC 9559 §5.1.1) and Void behind it, if there is room for both.
fn seek_head(places: &Places, cues: Option<u64>) -> Option<Patch> {
    let slot = places.seek_head?;
    let entries = [
        (id::INFO, places.info),
        (id::TRACKS, places.tracks),
        (id::CUES, cues),
    ];
    let mut bytes = Vec::new();
    put_master(&mut bytes, id::SEEK_HEAD, |out| {
        for (target, offset) in entries {
            let position = offset.and_then(|offset| offset.checked_sub(places.segment.body()));
            if let Some(position) = position {
                put_seek(out, target, position);
            }
        }
    });
    match slot.bytes.checked_sub(bytes.len() as u64)? {
        0 => {}
        1 => return None,
        rest => put_void_header(&mut bytes, rest),
    }
    // No rest of an older SeekHead stays in a Void of ours. What is in a larger one does not matter.
    let zeros = SEEK_HEAD_SLOT_BYTES.saturating_sub(bytes.len());
    let room = slot.bytes.saturating_sub(bytes.len() as u64);
    bytes.resize(
        bytes.len() + zeros.min(usize::try_from(room).unwrap_or(zeros)),
        0,
    );
    Some(Patch {
        offset: slot.offset,
        bytes,
    })
}

fn put_seek(out: &mut Vec<u8>, target: u32, position: u64) {
    let mut target_id = Vec::new();
    put_id(&mut target_id, target);
    put_master(out, id::SEEK, |out| {
        put_bytes(out, id::SEEK_ID, &target_id);
        put_bytes(out, id::SEEK_POSITION, &position.to_be_bytes());
    });
}

fn duration(places: &Places, end_us: i64) -> Option<Patch> {
    let slot = places.duration?;
    let ticks = end_us.max(0) as f64 * 1_000.0 / places.scale.nanoseconds() as f64;
    let mut bytes = Vec::with_capacity(DURATION_BYTES);
    put_id(&mut bytes, id::DURATION);
    put_size(&mut bytes, 8);
    bytes.extend_from_slice(&ticks.to_be_bytes());
    Some(Patch {
        offset: slot.offset,
        bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::cues::{CuePoint, Cues};
    use crate::mux::time::TimestampScale;
    use crate::mux::track::TrackNumber;

    #[test]
    fn a_size_without_room_for_the_index_goes_without() {
        let narrow = finish(120, false);
        let wide = finish(60, false);

        assert!(narrow.append.is_empty());
        assert_eq!(narrow.patches.last(), Some(&patch(10, 0x80 | 109)));
        assert!(!wide.append.is_empty());
        let size = 49 + wide.append.len() as u8;
        assert_eq!(wide.patches.last(), Some(&patch(10, 0x80 | size)));
    }

    #[test]
    fn an_unknown_size_stays_unknown() {
        let unknown = finish(60, true);

        assert!(!unknown.append.is_empty());
        assert_eq!(unknown.patches, []);
    }

    /// Ends a file of so many bytes of which the Segment's size is in byte 10.
    fn finish(file_bytes: u64, is_unknown: bool) -> Finish {
        let segment = SizeField {
            offset: 10,
            bytes: 1,
            is_unknown,
        };
        let places = Places {
            segment,
            seek_head: None,
            info: None,
            duration: None,
            tracks: Some(20),
            end: 30,
            scale: TimestampScale::MILLISECOND,
        };
        let mut cues = Cues::default();
        cues.push(CuePoint {
            track: TrackNumber::new(1).expect("in range"),
            time_us: 0,
            cluster_offset: 30,
        });
        let summary = Summary {
            tracks: Vec::new(),
            end_us: 0,
            cues,
        };
        Finish::new(&places, summary, file_bytes, None)
    }

    fn patch(offset: u64, byte: u8) -> Patch {
        Patch {
            offset,
            bytes: vec![byte],
        }
    }
}
