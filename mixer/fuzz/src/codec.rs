//! Frames of video.
//!
//! The first byte chooses VP8, VP9, H.264 or AV1; then each frame comes after its length in two bytes.

use mixer::codec::{Codec, VideoDecoder};
use mixer::picture::Picture;

/// Frames neither crash a decoder nor make it show more than it may.
pub fn run(input: &[u8]) {
    let Some((&first, mut rest)) = input.split_first() else {
        return;
    };
    let codec = match first & 3 {
        0 => Codec::Vp8,
        1 => Codec::Vp9,
        2 => Codec::H264,
        _ => Codec::Av1,
    };
    let mut decoder = VideoDecoder::new(codec).expect("it is built in");
    let mut picture = Picture::default();
    while let Some((len, after)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_le_bytes(*len)).min(after.len());
        let (frame, after) = after.split_at(len);
        rest = after;
        if decoder.decode(frame, &mut picture) == Ok(true) {
            let size = picture.size();
            assert!(!size.is_empty() && size.width <= 4096 && size.height <= 4096);
            assert_eq!(
                picture.planes()[0].samples().len() as u32,
                size.width * size.height
            );
        }
    }
}
