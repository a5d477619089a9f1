//! What a file holds, counted block by block.

use super::cues::{CuePoint, Cues};
use super::track::{Track, TrackNumber};

/// What a file holds of a track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackSummary {
    /// The track.
    pub track: TrackNumber,
    /// Its blocks.
    pub blocks: u64,
    /// Those of them that a decoder can begin with.
    pub keyframes: u64,
    /// Bytes in them.
    pub data_bytes: u64,
    /// When the first is played, in microseconds.
    pub first_pts_us: Option<i64>,
    /// When the last is played, in microseconds.
    pub last_pts_us: Option<i64>,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Each of its tracks.
    pub tracks: Vec<TrackSummary>,
    /// When the last of the blocks ends, in microseconds from the file's zero.
    pub end_us: i64,
    /// Where a player can begin: the keyframes of video, or clusters if there is no video.
    pub cues: Cues,
}

/// A block as it is in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recorded {
    /// Place of its track in the summary.
    pub(super) index: usize,
    pub(super) pts_us: i64,
    /// Its time in the file.
    pub(super) time_us: i64,
    pub(super) is_keyframe: bool,
    pub(super) data_bytes: u64,
    pub(super) cluster_offset: u64,
}

/// Counts blocks.
#[derive(Debug, Clone)]
pub(super) struct Counter {
    summary: Summary,
    states: Vec<TrackState>,
}

#[derive(Debug, Clone, Copy)]
struct TrackState {
    has_cues: bool,
    /// The last cluster that a cue point names.
    cued_cluster: Option<u64>,
    /// Time of the last block.
    last_us: Option<i64>,
}

impl Counter {
    pub(super) fn new(tracks: &[Track]) -> Self {
        let has_video = tracks.iter().any(Track::is_video);
        let empty = |track: &Track| TrackSummary {
            track: track.number,
            blocks: 0,
            keyframes: 0,
            data_bytes: 0,
            first_pts_us: None,
            last_pts_us: None,
        };
        let state = |(index, track): (usize, &Track)| TrackState {
            has_cues: track.is_video() || !has_video && index == 0,
            cued_cluster: None,
            last_us: None,
        };
        Self {
            summary: Summary {
                tracks: tracks.iter().map(empty).collect(),
                end_us: 0,
                cues: Cues::default(),
            },
            states: tracks.iter().enumerate().map(state).collect(),
        }
    }

    pub(super) fn count(&mut self, block: &Recorded) {
        let (tracks, states) = (&mut self.summary.tracks, &mut self.states);
        let (Some(track), Some(state)) = (tracks.get_mut(block.index), states.get_mut(block.index))
        else {
            return;
        };
        track.blocks += 1;
        track.keyframes += u64::from(block.is_keyframe);
        track.data_bytes += block.data_bytes;
        track.first_pts_us.get_or_insert(block.pts_us);
        track.last_pts_us = Some(block.pts_us);

        // No block tells how long it lasts: most likely as long as the one before.
        let gap_us = state
            .last_us
            .map_or(0, |last_us| block.time_us.saturating_sub(last_us));
        state.last_us = Some(block.time_us);
        let end_us = block
            .time_us
            .saturating_add(gap_us.clamp(0, MAX_BLOCK_DURATION_US));
        self.summary.end_us = self.summary.end_us.max(end_us);

        let cluster = Some(block.cluster_offset);
        if state.has_cues && block.is_keyframe && state.cued_cluster != cluster {
            state.cued_cluster = cluster;
            self.summary.cues.push(CuePoint {
                track: track.track,
                time_us: block.time_us,
                cluster_offset: block.cluster_offset,
            });
        }
    }

    pub(super) fn finish(self) -> Summary {
        self.summary
    }
}

/// How long the last block may be taken to last. Pauses are no long blocks.
const MAX_BLOCK_DURATION_US: i64 = 100_000;

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::mux::{Media, Opus};

    #[test]
    fn the_last_block_lasts_as_long_as_the_one_before() {
        assert_eq!(end_us(&[0, 20_000, 40_000]), 60_000);
        assert_eq!(end_us(&[5_000]), 5_000);
    }

    #[test]
    fn a_pause_is_no_long_block() {
        assert_eq!(end_us(&[0, 3_000_000]), 3_100_000);
        assert_eq!(end_us(&[3_000_000, 0]), 3_000_000);
    }

    #[test]
    fn audio_alone_has_a_cue_point_for_each_cluster_of_its_first_track() {
        let mut counter = Counter::new(&[audio(1), audio(2)]);
        for (index, time_us, cluster_offset) in [
            (1, 0, 100),
            (0, 1, 100),
            (0, 2, 100),
            (1, 3, 900),
            (0, 4, 900),
        ] {
            counter.count(&recorded(index, time_us, cluster_offset));
        }

        let cues = counter.finish().cues;

        let places = cues
            .points()
            .iter()
            .map(|cue| (cue.time_us, cue.cluster_offset));
        assert_eq!(places.collect::<Vec<_>>(), [(1, 100), (4, 900)]);
    }

    fn end_us(times_us: &[i64]) -> i64 {
        let mut counter = Counter::new(&[audio(1)]);
        for &time_us in times_us {
            counter.count(&recorded(0, time_us, 0));
        }
        counter.finish().end_us
    }

    fn recorded(index: usize, time_us: i64, cluster_offset: u64) -> Recorded {
        Recorded {
            index,
            pts_us: time_us,
            time_us,
            is_keyframe: true,
            data_bytes: 1,
            cluster_offset,
        }
    }

    fn audio(number: u8) -> Track {
        Track {
            number: TrackNumber::new(number).expect("in range"),
            uid: NonZeroU64::MIN,
            name: String::new(),
            media: Media::Audio(Opus::default()),
        }
    }
}
