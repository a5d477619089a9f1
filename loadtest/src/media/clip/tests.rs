use super::*;
use crate::media::decode::{Picture, PictureDecoder};
use crate::media::{Part, Unsupported};

#[test]
fn vp8_cards_survive_at_every_usual_size() {
    for (width, height, bitrate_bps) in [
        (160, 90, 80_000),
        (320, 180, 150_000),
        (640, 360, 500_000),
        (1280, 720, 1_700_000),
    ] {
        let frames = if width > 640 { 12 } else { 30 };
        let clip = encode(&ClipSpec {
            width,
            height,
            bitrate_bps,
            frames,
            ..spec(Codec::Vp8)
        });

        assert_shows_every_card(&clip, 0..clip.len());
    }
}

#[test]
fn vp9_cards_survive() {
    let clip = encode(&spec(Codec::Vp9));

    assert_shows_every_card(&clip, 0..clip.len());
}

#[test]
fn h264_cards_survive() {
    let clip = encode(&spec(Codec::H264));

    assert_eq!(clip.spec().temporal_layers, 1);
    assert_shows_every_card(&clip, 0..clip.len());
}

#[test]
fn a_jump_back_to_the_keyframe_decodes() {
    for codec in CODECS {
        let clip = encode(&spec(codec));

        assert_shows_every_card(&clip, (0..13).chain(0..clip.len()).chain(0..5));
    }
}

#[test]
fn decodes_without_the_top_temporal_layers() {
    for codec in [Codec::Vp8, Codec::Vp9] {
        for (layers, kept) in [(2, 0), (3, 0), (3, 1)] {
            let clip = encode(&ClipSpec {
                temporal_layers: layers,
                ..spec(codec)
            });

            let frames = 0..clip.len();
            assert_shows_every_card(&clip, frames.filter(|&frame| clip.temporal(frame) <= kept));
        }
    }
}

#[test]
fn a_temporal_layer_can_be_added_at_a_switching_point() {
    let clip = encode(&spec(Codec::Vp8));

    // Layer 0 up to frame 8; then layer 2, of which frame 9 builds on layer 0, and all from 12 on.
    let lower = (0..=8).step_by(4);
    assert_shows_every_card(&clip, lower.chain([9]).chain(12..clip.len()));
}

#[test]
fn comes_near_its_bit_rate() {
    for codec in CODECS {
        for bitrate_bps in [60_000, 150_000, 600_000, 3_000_000] {
            let spec = ClipSpec {
                bitrate_bps,
                ..spec(codec)
            };
            let clip = encode(&spec);

            let bits: usize = 8 * payloads(&clip).map(|payload| payload.len()).sum::<usize>();
            let seconds = f64::from(spec.frames) / f64::from(spec.fps);
            let ratio = bits as f64 / seconds / bitrate_bps as f64;
            assert!(
                (ratio - 1.0).abs() < 0.15,
                "{codec:?} at {bitrate_bps}: {ratio:.2}"
            );
        }
    }
}

#[test]
fn only_the_last_packet_of_a_frame_has_a_stamp() {
    for codec in CODECS {
        let clip = encode(&ClipSpec {
            bitrate_bps: 1_000_000,
            ..spec(codec)
        });

        for frame in 0..clip.len() {
            let packets = frame_payloads(&clip, frame, NUMBERS);
            let (last, others) = packets.split_last().expect("no frame is empty");
            assert_eq!(Stamp::read(last), Some(stamp(&clip, frame)));
            assert!(others.iter().all(|payload| Stamp::read(payload).is_none()));
            assert!(packets.iter().all(|payload| payload.len() <= MAX_PAYLOAD));
        }
    }
}

#[test]
fn payloads_say_what_the_server_reads() {
    for codec in CODECS {
        let clip = encode(&spec(codec));
        let video = codec.video().expect("a video codec");

        for frame in 0..clip.len() {
            let packets = frame_payloads(&clip, frame, NUMBERS);
            for (number, payload) in packets.iter().enumerate() {
                let info = proto::layer::describe(video, payload).expect("whole");

                assert_eq!(info.layer.temporal, clip.temporal(frame));
                if number == 0 {
                    assert!(info.frame_start);
                    assert_eq!(info.keyframe, clip.is_keyframe(frame));
                } else if codec != Codec::H264 {
                    assert!(!info.frame_start);
                }
            }
        }
    }
}

#[test]
fn numbers_run_on_and_wrap() {
    let numbers = DescriptorNumbers {
        picture_id: 0x7fff,
        tl0_pic_idx: 0xff,
    };

    assert_eq!(
        [numbers.next(0), numbers.next(1)].map(|next| (next.picture_id, next.tl0_pic_idx)),
        [(0, 0), (0, 0xff)]
    );
}

#[test]
fn codecs_that_are_not_built_in_are_named() {
    let error = Clip::encode(&spec(Codec::Av1)).expect_err("no encoder");

    let unsupported = error.downcast_ref();
    let (codec, part) = (Codec::Av1, Part::Encoder);
    assert_eq!(unsupported, Some(&Unsupported { codec, part }));
    assert_eq!(error.to_string(), "no AV1 encoder is built in");
    assert!(PictureDecoder::new(Codec::Av1).is_err());
    assert!(PictureDecoder::new(Codec::Opus).is_err());
}

#[test]
fn garbage_never_panics() {
    let mut random = fastrand::Rng::with_seed(2);
    for codec in CODECS {
        let clip = encode(&ClipSpec {
            frames: 4,
            ..spec(codec)
        });
        let mut decoder = PictureDecoder::new(codec).expect("built in");
        let _ = decoder.decode(&[]);
        for round in 0..300 {
            let packets: Vec<Arc<[u8]>> = frame_payloads(&clip, round % 4, NUMBERS)
                .iter()
                .map(|payload| damaged(payload, &mut random).into())
                .collect();

            let _ = decoder.decode(&packets);
        }
        for _ in 0..300 {
            let foreign: Vec<u8> = (0..random.usize(0..200)).map(|_| random.u8(..)).collect();

            let _ = decoder.decode(&[foreign.into()]);
        }
    }
}

const CODECS: [Codec; 3] = [Codec::Vp8, Codec::Vp9, Codec::H264];

const NUMBERS: DescriptorNumbers = DescriptorNumbers {
    picture_id: 0x7ff0,
    tl0_pic_idx: 0xfd,
};

fn spec(codec: Codec) -> ClipSpec {
    ClipSpec {
        codec,
        publisher: 0x1234,
        encoding: 1,
        width: 160,
        height: 90,
        fps: 30,
        bitrate_bps: 150_000,
        temporal_layers: 3,
        frames: 30,
    }
}

fn encode(spec: &ClipSpec) -> Clip {
    Clip::encode(spec).expect("encodes")
}

fn stamp(clip: &Clip, frame: usize) -> Stamp {
    Stamp {
        publisher: clip.spec().publisher,
        encoding: clip.spec().encoding,
        keyframe: clip.is_keyframe(frame),
        audio: false,
        temporal: clip.temporal(frame),
        packets: clip.packet_count(frame) as u16,
        frame: frame as u32,
        clip_frame: frame as u16,
        captured_us: 33_333 * frame as u64,
    }
}

fn frame_payloads(clip: &Clip, frame: usize, numbers: DescriptorNumbers) -> Vec<Arc<[u8]>> {
    (0..clip.packet_count(frame))
        .map(|packet| clip.payload(frame, packet, numbers, &stamp(clip, frame)))
        .collect()
}

fn payloads(clip: &Clip) -> impl Iterator<Item = Arc<[u8]>> {
    (0..clip.len()).flat_map(|frame| frame_payloads(clip, frame, NUMBERS))
}

/// Sends the frames to one decoder and looks at every picture.
fn assert_shows_every_card(clip: &Clip, frames: impl IntoIterator<Item = usize>) {
    let spec = clip.spec();
    let mut decoder = PictureDecoder::new(spec.codec).expect("built in");
    let mut numbers = NUMBERS;
    for frame in frames {
        numbers = numbers.next(clip.temporal(frame));
        let picture = decoder.decode(&frame_payloads(clip, frame, numbers));

        let card = Card {
            publisher: spec.publisher,
            encoding: spec.encoding,
            clip_frame: frame as u16,
            captured_ms: frame as u32 * 1000 / spec.fps,
        };
        let (width, height) = (spec.width, spec.height);
        let expected = Picture {
            width,
            height,
            card: Some(card),
        };
        let picture = picture.expect("decodes");
        assert_eq!(picture, Some(expected), "{:?} frame {frame}", spec.codec);
    }
}

/// The payload with a few bits flipped, and sometimes cut.
fn damaged(payload: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut payload = payload.to_vec();
    for _ in 0..random.usize(1..8) {
        let at = random.usize(..payload.len());
        payload[at] ^= 1 << random.u8(..8);
    }
    if random.bool() {
        payload.truncate(random.usize(..payload.len()));
    }
    payload
}
