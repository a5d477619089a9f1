//! Files as others make them, and as nobody should.

use super::*;
use crate::mux::ebml::{UNKNOWN_SIZE, put_bytes, put_id, put_master, put_size, put_uint};
use crate::mux::limits::MAX_BLOCK_BYTES;
use crate::mux::{Media, Recovered, Recovery, Track};

#[test]
fn reads_clusters_that_have_a_size() {
    let clusters = [
        cluster(1_000, &simple_block(1, 0, 0x80, b"key")),
        cluster(2_000, &simple_block(1, -5, 0, b"delta")),
    ];
    let file = file(&segment(&clusters.concat()));

    let (blocks, error) = read(&file);

    assert_eq!(error, None);
    assert_eq!(
        blocks,
        [
            (1_000_000, true, b"key".to_vec()),
            (1_995_000, false, b"delta".to_vec())
        ]
    );
}

#[test]
fn reads_block_groups() {
    let key = group(&[(id::BLOCK, &block(1, 3, 0, b"key"))]);
    let delta = group(&[
        (id::BLOCK, &block(1, 7, 0, b"delta")),
        (id::REFERENCE_BLOCK, &[0xfc]),
        (0x9b, &[20]),
    ]);
    let file = file(&segment(&cluster(0, &[key, delta].concat())));

    let (blocks, error) = read(&file);

    assert_eq!(error, None);
    assert_eq!(
        blocks,
        [
            (3_000, true, b"key".to_vec()),
            (7_000, false, b"delta".to_vec())
        ]
    );
}

#[test]
fn reads_past_what_it_does_not_know() {
    let checksum = element(id::CRC_32, &[1, 2, 3, 4]);
    let void = element(id::VOID, &[0; 300]);
    let unknown = element(0x1234_5678, &[9; 200]);
    let other_track = simple_block(2, 0, 0x86, b"laced");
    let inside = [
        void.clone(),
        checksum.clone(),
        other_track,
        simple_block(1, 0, 0x80, b"a"),
    ];
    let parts = [
        checksum,
        unknown.clone(),
        cluster(0, &inside.concat()),
        element(id::TAGS, &[0xec, 0x80]),
        void,
        cluster(10, &[unknown, simple_block(1, 0, 0, b"b")].concat()),
    ];
    let file = file(&segment(&parts.concat()));

    let (blocks, error) = read(&file);

    assert_eq!(error, None);
    assert_eq!(
        blocks,
        [(0, true, b"a".to_vec()), (10_000, false, b"b".to_vec())]
    );
}

#[test]
fn a_cluster_without_size_ends_at_any_element_of_the_segment() {
    let live = |time| {
        let mut out = id::CLUSTER.to_be_bytes().to_vec();
        out.extend_from_slice(&UNKNOWN_SIZE);
        put_uint(&mut out, id::TIMESTAMP, time);
        out.extend(simple_block(1, 0, 0x80, b"x"));
        out
    };
    let tags = element(id::TAGS, &[]);
    let file = file(&segment(&[live(1), tags, live(2), live(3)].concat()));

    let (blocks, error) = read(&file);

    assert_eq!(error, None);
    assert_eq!(
        blocks.iter().map(|block| block.0).collect::<Vec<_>>(),
        [1_000, 2_000, 3_000]
    );
}

#[test]
fn only_the_first_of_several_files_is_read() {
    let first = file(&segment(&cluster(1, &simple_block(1, 0, 0x80, b"x"))));
    let mut unknown = file(&live_segment(&cluster(1, &simple_block(1, 0, 0x80, b"x"))));
    unknown.extend_from_slice(&first);
    let known = [first.clone(), first].concat();

    for file in [known, unknown] {
        let (blocks, error) = read(&file);

        assert_eq!((blocks.len(), error), (1, None));
    }
}

#[test]
fn times_have_the_scale_of_the_file() {
    let mut info = Vec::new();
    put_uint(&mut info, id::TIMESTAMP_SCALE, 20_833);
    put_bytes(&mut info, id::DURATION, &4_800_f32.to_be_bytes());
    let parts = [
        element(id::INFO, &info),
        tracks(&[opus_entry(3_000_000)]),
        cluster(48_000, &simple_block(1, 0, 0x80, b"x")),
    ];
    let file = file(&element(id::SEGMENT, &parts.concat()));

    let (blocks, error) = read(&file);

    assert_eq!(error, None);
    assert_eq!(blocks, [(999_984 - 3_000, true, b"x".to_vec())]);
    let mut reader = Reader::new();
    reader.feed(&file);
    assert!(reader.poll().is_ok());
    let header = reader.header().expect("a header");
    assert_eq!(header.duration_us, Some(99_998));
}

#[test]
fn tracks_that_cannot_be_described_are_left_out() {
    let mut compressed = entry(2, b"V_VP8");
    put_bytes(&mut compressed, id::CONTENT_ENCODINGS, &[]);
    let surround = b"OpusHead\x01\x06\0\0\x80\xbb\0\0\0\0\x01\x04\x02\0\x04\x01\x02\x03\x05";
    let mut opus = entry(3, b"A_OPUS");
    put_bytes(&mut opus, id::CODEC_PRIVATE, surround);
    let entries = [
        entry(4, b"A_VORBIS"),
        compressed,
        opus,
        entry(1, b"V_VP8"),
        entry(1, b"V_VP9"),
    ];
    let file = file(&element(id::SEGMENT, &tracks(&entries)));
    let mut reader = Reader::new();

    reader.feed(&file);

    assert_eq!(reader.poll(), Ok(None));
    let header = reader.header().expect("a header");
    let [Track { number, media, .. }] = header.tracks.as_slice() else {
        panic!("{:?}", header.tracks);
    };
    assert_eq!(number.get(), 1);
    assert!(matches!(
        media,
        Media::Video {
            codec: crate::mux::VideoCodec::Vp8,
            ..
        }
    ));
}

#[test]
fn says_where_what_is_wrong() {
    let in_cluster = |body: &[u8]| segment(&cluster(0, body));
    let bodies = [
        (
            in_cluster(&simple_block(1, 0, 0x82, b"laced")),
            ReadErrorKind::Laced,
        ),
        (
            in_cluster(&element(id::SIMPLE_BLOCK, &[0x81, 0, 0])),
            ReadErrorKind::Malformed,
        ),
        (
            in_cluster(&element(id::SIMPLE_BLOCK, &[0; 40])),
            ReadErrorKind::Malformed,
        ),
        (
            in_cluster(&element(id::BLOCK_GROUP, &[0xa1, 0x85, 0])),
            ReadErrorKind::Malformed,
        ),
        (
            in_cluster(&element(id::BLOCK_GROUP, &[])),
            ReadErrorKind::Malformed,
        ),
        (
            in_cluster(&[0xa3, 0xff, 0x81, 0, 0, 0]),
            ReadErrorKind::Malformed,
        ),
        (
            in_cluster(&[0xa3, 0xfe, 0x81, 0, 0, 0]),
            ReadErrorKind::Malformed,
        ),
        (in_cluster(&[0, 0, 0, 0]), ReadErrorKind::Malformed),
        (
            in_cluster(&element(id::TIMESTAMP, &[1; 9])),
            ReadErrorKind::TooLarge,
        ),
        (
            element(id::SEGMENT, &cluster(0, &[])),
            ReadErrorKind::NoTracks,
        ),
        (
            segment(&cluster(u64::MAX, &simple_block(1, 0, 0, b"x"))),
            ReadErrorKind::Time,
        ),
    ];
    for (body, kind) in bodies {
        let file = file(&body);

        let error = read(&file).1.expect("an error");

        assert_eq!(error.kind, kind);
        assert!(
            error.offset > 12 && error.offset < file.len() as u64,
            "{error}"
        );
    }
}

#[test]
fn what_is_no_such_file_is_refused() {
    let doc_type = |name: &[u8], version| {
        let mut body = Vec::new();
        put_bytes(&mut body, id::DOC_TYPE, name);
        put_uint(&mut body, id::DOC_TYPE_READ_VERSION, version);
        element(id::EBML, &body)
    };
    let cases = [
        (b"RIFF....WAVE".to_vec(), ReadErrorKind::NotMatroska),
        (vec![0; 8], ReadErrorKind::NotMatroska),
        (doc_type(b"ebook", 1), ReadErrorKind::NotMatroska),
        (doc_type(b"webm", 5), ReadErrorKind::Version),
        (
            [doc_type(b"webm", 2), element(id::TRACKS, &[])].concat(),
            ReadErrorKind::NotMatroska,
        ),
    ];
    for (file, kind) in cases {
        assert_eq!(read(&file).1.map(|error| error.kind), Some(kind));
    }
}

#[test]
fn sizes_cost_no_memory() {
    let huge = |id| {
        let mut out = Vec::new();
        put_id(&mut out, id);
        put_size(&mut out, 1 << 50);
        out
    };
    let block = {
        let mut out = vec![0xa3];
        put_size(&mut out, MAX_BLOCK_BYTES as u64 + 1);
        out.extend_from_slice(&[0x81, 0, 0, 0]);
        out
    };
    let live_cluster = [&id::CLUSTER.to_be_bytes()[..], &UNKNOWN_SIZE].concat();
    let starts = [
        (huge(id::EBML), Some(ReadErrorKind::TooLarge)),
        (
            file(&live_segment(&huge(id::INFO))),
            Some(ReadErrorKind::TooLarge),
        ),
        (
            file(&live_segment(&[live_cluster, block].concat())),
            Some(ReadErrorKind::TooLarge),
        ),
        (file(&live_segment(&huge(id::CUES))), None),
        (file(&live_segment(&huge(id::VOID))), None),
    ];
    for (start, kind) in starts {
        let mut reader = Reader::new();
        reader.feed(&start);
        assert_eq!(reader.poll().err().map(|error| error.kind), kind);

        for _ in 0..100 {
            reader.feed(&[0; 4_096]);
            assert_eq!(reader.poll(), Ok(None));
        }

        assert!(reader.window.unread().is_empty());
    }
}

#[test]
fn a_reader_without_data_gives_a_block_when_all_of_it_has_come() {
    let block = simple_block(1, 0, 0x80, &[7; 1_000]);
    let file = file(&segment(&cluster(0, &block)));
    let mut reader = Reader::without_data();

    reader.feed(&file[..file.len() - 1]);
    assert_eq!(reader.poll(), Ok(None));
    assert!(reader.window.unread().is_empty());
    reader.feed(&file[file.len() - 1..]);

    let block = reader.poll().expect("a block").expect("whole");
    assert_eq!(
        block.data_range,
        file.len() as u64 - 1_000..file.len() as u64
    );
    assert!(reader.data().is_empty());
    assert_eq!(reader.poll(), Ok(None));
}

/// Others give clusters and Segments a size, perhaps in a single byte.
#[test]
fn files_of_others_are_recovered_as_far_as_there_is_room() {
    let blocks = [
        simple_block(1, 0, 0x80, b"key"),
        simple_block(1, 9, 0, b"delta"),
    ]
    .concat();
    let body = segment(&[element(id::VOID, &[0; 100]), cluster(500, &blocks)].concat());
    let file = file(&body);
    let mut recovery = Recovery::new();

    recovery.feed(&file[..file.len() - 2]);

    let recovered = recovery.finish().expect("it has tracks");
    let end = file.len() - element(id::SIMPLE_BLOCK, b"____delta").len();
    assert_eq!(recovered.truncate_to, end as u64);
    let complete = complete(&file, &recovered);
    let (blocks, error) = read(&complete);
    assert_eq!((blocks.len(), error), (1, None));
    let mut reader = Reader::new();
    reader.feed(&complete);
    while reader.poll().expect("blocks").is_some() {}
    assert_eq!(reader.cues(), Some(&recovered.finish.summary.cues));
}

/// What is damaged is cut off, so nothing of it may be filled in.
#[test]
fn an_info_that_cannot_be_read_is_not_patched() {
    let mut info = element(id::VOID, &[0; 9]);
    info.extend_from_slice(&[0, 0]);
    let tracks = tracks(&[entry(1, b"V_VP8")]);
    let file = file(&element(
        id::SEGMENT,
        &[tracks, element(id::INFO, &info)].concat(),
    ));
    let mut recovery = Recovery::new();

    recovery.feed(&file);

    let recovered = recovery.finish().expect("it has tracks");
    assert!(recovered.damage.is_some());
    assert_eq!(read(&complete(&file, &recovered)), (Vec::new(), None));
}

fn complete(file: &[u8], recovered: &Recovered) -> Vec<u8> {
    let file = &file[..recovered.truncate_to as usize];
    let mut complete = [file, &recovered.finish.append].concat();
    for patch in &recovered.finish.patches {
        let offset = patch.offset as usize;
        complete[offset..offset + patch.bytes.len()].copy_from_slice(&patch.bytes);
    }
    complete
}

/// A block: when it is played, whether it is a keyframe, and its data.
type Seen = (i64, bool, Vec<u8>);

/// The blocks of a file that is given in one piece, and byte by byte.
fn read(file: &[u8]) -> (Vec<Seen>, Option<ReadError>) {
    let whole = read_in_pieces(file, file.len());
    assert_eq!(read_in_pieces(file, 1), whole);
    whole
}

fn read_in_pieces(file: &[u8], piece: usize) -> (Vec<Seen>, Option<ReadError>) {
    let (mut reader, mut blocks) = (Reader::new(), Vec::new());
    for piece in file.chunks(piece) {
        reader.feed(piece);
        loop {
            match reader.poll() {
                Ok(Some(block)) => {
                    blocks.push((block.pts_us, block.is_keyframe, reader.data().to_vec()));
                }
                Ok(None) => break,
                Err(error) => return (blocks, Some(error)),
            }
        }
    }
    (blocks, None)
}

fn file(segment: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    put_bytes(&mut body, id::DOC_TYPE, b"matroska");
    [&element(id::EBML, &body), segment].concat()
}

/// A Segment of a known size that begins with a track of VP8.
fn segment(rest: &[u8]) -> Vec<u8> {
    element(
        id::SEGMENT,
        &[&tracks(&[entry(1, b"V_VP8")]), rest].concat(),
    )
}

fn live_segment(rest: &[u8]) -> Vec<u8> {
    let tracks = tracks(&[entry(1, b"V_VP8")]);
    [&id::SEGMENT.to_be_bytes()[..], &UNKNOWN_SIZE, &tracks, rest].concat()
}

fn tracks(entries: &[Vec<u8>]) -> Vec<u8> {
    let entries: Vec<_> = entries
        .iter()
        .map(|entry| element(id::TRACK_ENTRY, entry))
        .collect();
    element(id::TRACKS, &entries.concat())
}

fn entry(number: u64, codec: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_uint(&mut out, id::TRACK_NUMBER, number);
    put_uint(&mut out, id::TRACK_UID, 1);
    put_bytes(&mut out, id::CODEC_ID, codec);
    put_master(&mut out, id::VIDEO, |out| {
        put_uint(out, id::PIXEL_WIDTH, 16);
        put_uint(out, id::PIXEL_HEIGHT, 16);
    });
    out
}

fn opus_entry(delay_ns: u64) -> Vec<u8> {
    let mut out = entry(1, b"A_OPUS");
    put_uint(&mut out, id::CODEC_DELAY, delay_ns);
    put_master(&mut out, id::AUDIO, |out| put_uint(out, id::CHANNELS, 2));
    out
}

fn cluster(time: u64, blocks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    put_uint(&mut body, id::TIMESTAMP, time);
    body.extend_from_slice(blocks);
    element(id::CLUSTER, &body)
}

fn simple_block(track: u8, time: i16, flags: u8, data: &[u8]) -> Vec<u8> {
    element(id::SIMPLE_BLOCK, &block(track, time, flags, data))
}

fn group(children: &[(u32, &[u8])]) -> Vec<u8> {
    let children: Vec<_> = children
        .iter()
        .map(|&(id, body)| element(id, body))
        .collect();
    element(id::BLOCK_GROUP, &children.concat())
}

fn block(track: u8, time: i16, flags: u8, data: &[u8]) -> Vec<u8> {
    let [high, low] = time.to_be_bytes();
    [&[0x80 | track, high, low, flags], data].concat()
}

fn element(id: u32, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, id, body);
    out
}
