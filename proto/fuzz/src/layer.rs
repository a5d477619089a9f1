//! Payload headers of all video codecs, and dependency descriptors.

use proto::layer::dd::{Descriptor, Structure};
use proto::layer::{VideoCodec, describe, vp8};
use proto::media::Vp8Numbers;

/// Reads the input as the payload that its first byte names.
pub fn run(data: &[u8]) {
    let Some((&kind, payload)) = data.split_first() else {
        return;
    };
    match kind % 5 {
        0 => read_vp8(payload),
        1 => read(VideoCodec::Vp9, payload),
        2 => read(VideoCodec::H264, payload),
        3 => read(VideoCodec::Av1, payload),
        _ => read_descriptors(payload),
    }
}

fn read(codec: VideoCodec, payload: &[u8]) {
    if let Some(info) = describe(codec, payload) {
        assert!(info.frame_start || !info.keyframe);
        assert!(info.layer.spatial < 8 && info.layer.temporal < 8);
        assert!(info.vp8.is_none());
    }
}

/// Counters that were written are read back, and nothing else changes.
fn read_vp8(payload: &[u8]) {
    let Some(before) = describe(VideoCodec::Vp8, payload) else {
        return;
    };
    let mut rewritten = payload.to_vec();

    let numbers = Vp8Numbers {
        picture_id: Some(0x5555),
        tl0_pic_idx: Some(0xaa),
    };
    assert!(vp8::rewrite(&mut rewritten, numbers));

    let mut expected = before;
    if let Some(ids) = &mut expected.vp8 {
        ids.tl0_pic_idx = ids.tl0_pic_idx.map(|_| 0xaa);
        if let Some(id) = &mut ids.picture_id {
            id.value = 0x5555 & id.mask();
        }
    }
    assert_eq!(describe(VideoCodec::Vp8, &rewritten), Some(expected));
}

/// Descriptors of one stream, each after its length in one byte.
fn read_descriptors(mut rest: &[u8]) {
    let mut known: Option<Structure> = None;
    while let Some((&len, after)) = rest.split_first() {
        let Some((extension, after)) = after.split_at_checked(len.into()) else {
            return;
        };
        rest = after;
        let Some(descriptor) = Descriptor::read(extension, known.as_ref()) else {
            continue;
        };
        assert!(descriptor.layer.spatial < 4 && descriptor.layer.temporal < 8);
        for target in 0..=u8::MAX {
            let _ = descriptor.indication(target);
        }
        if let Some(structure) = descriptor.structure {
            assert!(descriptor.layer.spatial <= structure.max_layer().spatial);
            assert!((1..=32).contains(&structure.decode_targets().len()));
            for spatial in 0..=u8::MAX {
                let _ = structure.resolution(spatial);
            }
            known = Some(structure);
        }
    }
}
