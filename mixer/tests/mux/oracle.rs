//! What another reader makes of the files.

use std::io::Cursor;

use matroska_demuxer::{Frame, MatroskaFile, TrackType};
use mixer::mux::{Media, Track, VideoCodec};

use crate::file::{File, OwnBlock, UTC_US, combinations, recovered};
use crate::seeded::for_seeds;

#[test]
fn another_reader_finds_every_block() {
    for_seeds(5, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 150);
            let cut = rng.usize(file.lengths[1]..=file.live.len());
            let partial = recovered(rng, &file.live[..cut]).expect("it has tracks");

            assert_eq!(blocks(&file.live, &tracks), file.blocks);
            assert_eq!(blocks(&file.finished(), &tracks), file.blocks);
            assert_eq!(blocks(&partial, &tracks), file.blocks_within(cut));
        }
    });
}

#[test]
fn another_reader_finds_the_header() {
    for_seeds(5, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 150);

            let other = MatroskaFile::open(Cursor::new(file.finished())).expect("a file");

            let is_webm = tracks.iter().all(|track| !codec_id(track).contains("AVC"));
            let doc_type = if is_webm { "webm" } else { "matroska" };
            assert_eq!(other.ebml_header().doc_type(), doc_type);
            let info = other.info();
            assert_eq!(info.title(), Some("a meeting"));
            assert_eq!(info.writing_app(), "Plenary");
            assert_eq!(info.timestamp_scale().get(), 1_000_000);
            assert_eq!(
                info.duration(),
                Some(file.finish.summary.end_us as f64 / 1_000.0)
            );
            let utc_us = info
                .date_utc()
                .map(|date_ns| date_ns / 1_000 + 978_307_200_000_000);
            assert_eq!(utc_us, Some(UTC_US));
            assert_eq!(other.tracks().len(), tracks.len());
            for (other, own) in other.tracks().iter().zip(&tracks) {
                check_track(other, own);
            }
        }
    });
}

#[test]
fn another_reader_jumps_to_a_cue_point() {
    for_seeds(5, |rng| {
        for tracks in combinations() {
            let file = File::random(rng, &tracks, 300);
            for point in file.finish.summary.cues.points() {
                let bytes = Cursor::new(file.finished());
                let mut other = MatroskaFile::open(bytes).expect("a file");
                let time_ms = point.time_us.unsigned_abs() / 1_000;

                other.seek(time_ms).expect("a place");

                let mut frame = Frame::default();
                assert!(other.next_frame(&mut frame).expect("a frame"));
                assert_eq!(frame.timestamp, time_ms);
            }
        }
    });
}

fn check_track(other: &matroska_demuxer::TrackEntry, own: &Track) {
    assert_eq!(other.track_number().get(), u64::from(own.number.get()));
    assert_eq!(other.track_uid().get(), own.uid.get());
    assert_eq!(other.name(), Some(own.name.as_str()));
    assert_eq!(other.language(), Some("und"));
    assert!(!other.flag_lacing());
    assert_eq!(other.codec_id(), codec_id(own));
    match &own.media {
        Media::Video { codec, size } => {
            assert_eq!(other.track_type(), TrackType::Video);
            let video = other.video().expect("video");
            assert_eq!(video.pixel_width().get(), u64::from(size.width_px));
            assert_eq!(video.pixel_height().get(), u64::from(size.height_px));
            let config = match codec {
                VideoCodec::Vp8 | VideoCodec::Vp9 => None,
                VideoCodec::Av1 { config } => config.as_deref(),
                VideoCodec::H264 { config } => Some(config.as_slice()),
            };
            assert_eq!(other.codec_private(), config);
        }
        Media::Audio(_) => {
            assert_eq!(other.track_type(), TrackType::Audio);
            assert_eq!(other.codec_delay(), Some(6_500_000));
            assert_eq!(other.seek_pre_roll(), Some(80_000_000));
            let head = b"OpusHead\x01\x02\x38\x01\x80\xbb\x00\x00\x00\x00\x00";
            assert_eq!(other.codec_private(), Some(&head[..]));
            let audio = other.audio().expect("audio");
            assert_eq!(
                (audio.sampling_frequency(), audio.channels().get()),
                (48_000.0, 2)
            );
        }
    }
}

fn codec_id(track: &Track) -> &'static str {
    match &track.media {
        Media::Video { codec, .. } => match codec {
            VideoCodec::Vp8 => "V_VP8",
            VideoCodec::Vp9 => "V_VP9",
            VideoCodec::Av1 { .. } => "V_AV1",
            VideoCodec::H264 { .. } => "V_MPEG4/ISO/AVC",
        },
        Media::Audio(_) => "A_OPUS",
    }
}

fn blocks(bytes: &[u8], tracks: &[Track]) -> Vec<OwnBlock> {
    let mut other = MatroskaFile::open(Cursor::new(bytes)).expect("a file");
    let (mut blocks, mut frame) = (Vec::new(), Frame::default());
    while other.next_frame(&mut frame).expect("frames") {
        let is_own = |track: &&Track| u64::from(track.number.get()) == frame.track;
        let track = tracks.iter().find(is_own).expect("a track");
        blocks.push(OwnBlock {
            track: track.number,
            pts_us: frame.timestamp as i64 * 1_000 - track.codec_delay_us(),
            is_keyframe: frame.is_keyframe == Some(true),
            data: frame.data.clone(),
        });
    }
    blocks
}
