//! Where in a file a player can begin (RFC 9559 §5.1.5).

use super::ebml::{self, Children, Malformed, put_master, put_uint};
use super::id;
use super::limits::MAX_CUE_POINTS;
use super::time::TimestampScale;
use super::track::TrackNumber;

/// A place where a player can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CuePoint {
    /// The track that can be begun.
    pub track: TrackNumber,
    /// Time of the block in the file, in microseconds; what is played of audio is its codec delay
    /// earlier.
    pub time_us: i64,
    /// Where its cluster begins in the file, in bytes.
    pub cluster_offset: u64,
}

/// Cue points in the order of the file, at most [`MAX_CUE_POINTS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cues {
    points: Vec<CuePoint>,
    /// One of so many is kept.
    stride: u64,
    /// How many have come.
    seen: u64,
}

impl Cues {
    /// All that are kept.
    pub fn points(&self) -> &[CuePoint] {
        &self.points
    }

    /// Where to begin reading so as to have a track complete from a time on.
    pub fn before(&self, track: TrackNumber, time_us: i64) -> Option<&CuePoint> {
        let mut own = self.points.iter().rev().filter(|cue| cue.track == track);
        own.find(|cue| cue.time_us <= time_us)
    }

    pub(super) fn push(&mut self, point: CuePoint) {
        let is_kept = self.seen.is_multiple_of(self.stride);
        self.seen += 1;
        if !is_kept {
            return;
        }
        if self.points.len() == MAX_CUE_POINTS {
            let mut index = 0;
            self.points.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride *= 2;
        }
        self.points.push(point);
    }

    /// Appends the Cues element. Positions in it count from `segment_data`, where the Segment's
    /// body begins in the file.
    pub(super) fn put(&self, out: &mut Vec<u8>, scale: TimestampScale, segment_data: u64) {
        put_master(out, id::CUES, |out| {
            for point in &self.points {
                let ticks = scale.ticks(point.time_us).max(0).unsigned_abs();
                let position = point.cluster_offset.saturating_sub(segment_data);
                put_master(out, id::CUE_POINT, |out| {
                    put_uint(out, id::CUE_TIME, ticks);
                    put_master(out, id::CUE_TRACK_POSITIONS, |out| {
                        put_uint(out, id::CUE_TRACK, point.track.get().into());
                        put_uint(out, id::CUE_CLUSTER_POSITION, position);
                    });
                });
            }
        });
    }

    /// Reads the body of a Cues element. Points beyond all times and places are left out.
    pub(super) fn read(
        body: &[u8],
        scale: TimestampScale,
        segment_data: u64,
    ) -> Result<Self, Malformed> {
        let mut cues = Self::default();
        let mut points = Children::new(body);
        while let Some((child, body)) = points.next()? {
            if child.id != id::CUE_POINT {
                continue;
            }
            let (mut ticks, mut places) = (0, Vec::new());
            let mut children = Children::new(body);
            while let Some((child, body)) = children.next()? {
                match child.id {
                    id::CUE_TIME => ticks = ebml::uint(body)?,
                    id::CUE_TRACK_POSITIONS => places.extend(read_place(body)?),
                    _ => {}
                }
            }
            let Some(time_us) = scale.microseconds(ticks.into()) else {
                continue;
            };
            for (track, position) in places {
                let Some(cluster_offset) = segment_data.checked_add(position) else {
                    continue;
                };
                cues.push(CuePoint {
                    track,
                    time_us,
                    cluster_offset,
                });
            }
        }
        Ok(cues)
    }
}

impl Default for Cues {
    fn default() -> Self {
        Self {
            points: Vec::new(),
            stride: 1,
            seen: 0,
        }
    }
}

/// Reads the track and the position in the body of CueTrackPositions.
fn read_place(body: &[u8]) -> Result<Option<(TrackNumber, u64)>, Malformed> {
    let (mut track, mut position) = (None, 0);
    let mut children = Children::new(body);
    while let Some((child, body)) = children.next()? {
        match child.id {
            id::CUE_TRACK => {
                let number = u8::try_from(ebml::uint(body)?).unwrap_or_default();
                track = TrackNumber::new(number);
            }
            id::CUE_CLUSTER_POSITION => position = ebml::uint(body)?,
            _ => {}
        }
    }
    Ok(track.map(|track| (track, position)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACK: TrackNumber = TrackNumber::new(1).unwrap();

    fn point(seconds: u32) -> CuePoint {
        CuePoint {
            track: TRACK,
            time_us: i64::from(seconds) * 1_000_000,
            cluster_offset: u64::from(seconds) * 1_000 + 500,
        }
    }

    #[test]
    fn points_are_read_as_written() {
        let mut cues = Cues::default();
        (0..100).for_each(|second| cues.push(point(second)));
        let mut bytes = Vec::new();
        cues.put(&mut bytes, TimestampScale::MILLISECOND, 500);

        let mut children = Children::new(&bytes);
        let (child, body) = children.next().expect("well-formed").expect("there");

        assert_eq!(child.id, id::CUES);
        let read = Cues::read(body, TimestampScale::MILLISECOND, 500);
        assert_eq!(read, Ok(cues));
    }

    #[test]
    fn thins_out_evenly_beyond_the_limit() {
        let mut cues = Cues::default();
        let count = MAX_CUE_POINTS as u32 * 5;

        (0..count).for_each(|second| cues.push(point(second)));

        let times: Vec<_> = cues.points().iter().map(|cue| cue.time_us).collect();
        assert!(times.len() > MAX_CUE_POINTS / 2 && times.len() <= MAX_CUE_POINTS);
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] == 8_000_000));
        assert_eq!(times.first(), Some(&0));
    }

    #[test]
    fn finds_the_last_point_before_a_time() {
        let mut cues = Cues::default();
        [2, 4, 6]
            .into_iter()
            .for_each(|second| cues.push(point(second)));
        let other = TrackNumber::new(2).expect("in range");

        assert_eq!(cues.before(TRACK, 1_999_999), None);
        assert_eq!(cues.before(TRACK, 5_000_000), Some(&point(4)));
        assert_eq!(cues.before(TRACK, i64::MAX), Some(&point(6)));
        assert_eq!(cues.before(other, i64::MAX), None);
    }
}
