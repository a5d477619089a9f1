//! What a video payload says about itself: which layer it belongs to, and whether a receiver can
//! begin with it.
//!
//! Every reader takes bytes from the network: it never panics, never allocates and never looks
//! past the payload. [`describe`] serves the router, which decides by [`PayloadInfo`] and knows
//! no codec. The readers of single codecs serve the mixer too, which makes frames of payloads.
//! [`dd`] reads the dependency descriptor, a header extension that tells the layers of any codec.

pub mod av1;
pub mod dd;
mod h264;
pub mod red;
pub mod vp8;
pub mod vp9;

/// A video codec whose payload headers can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// RFC 7741.
    Vp8,
    /// RFC 9628.
    Vp9,
    /// RFC 6184, packetization mode 0 or 1.
    H264,
    /// The Alliance for Open Media's "RTP Payload Format For AV1".
    Av1,
}

/// A step inside an encoding.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId {
    /// Step of resolution or quality; 0 needs no other.
    pub spatial: u8,
    /// Step of frame rate; 0 needs no other.
    pub temporal: u8,
}

/// What one packet's payload says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadInfo {
    /// The packet starts a keyframe: a receiver can begin here, with all spatial layers of the
    /// encoding.
    pub keyframe: bool,
    /// The packet starts a frame of its layer. H.264 and AV1 do not mark this: there it means
    /// that the packet can start a frame, and it can be set again on later packets of that frame.
    pub frame_start: bool,
    /// The layer the packet belongs to; all zero where the codec does not tell.
    pub layer: LayerId,
    /// A receiver of lower temporal layers can begin to receive this packet's temporal layer here.
    pub switch_up: bool,
    /// What has to be continuous for a VP8 receiver; `None` for all other codecs.
    pub vp8: Option<vp8::PictureIds>,
}

/// Reads the payload header of one packet; `None` if it is empty or malformed.
pub fn describe(codec: VideoCodec, payload: &[u8]) -> Option<PayloadInfo> {
    match codec {
        VideoCodec::Vp8 => vp8::describe(payload),
        VideoCodec::Vp9 => vp9::describe(payload),
        VideoCodec::H264 => h264::describe(payload),
        VideoCodec::Av1 => av1::describe(payload),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODECS: [VideoCodec; 4] = [
        VideoCodec::Vp8,
        VideoCodec::Vp9,
        VideoCodec::H264,
        VideoCodec::Av1,
    ];

    #[test]
    fn an_empty_payload_is_malformed_in_every_codec() {
        for codec in CODECS {
            assert_eq!(describe(codec, &[]), None, "{codec:?}");
        }
    }

    #[test]
    fn every_payload_of_two_bytes_is_read_without_panic() {
        for codec in CODECS {
            for first in 0..=u8::MAX {
                for second in 0..=u8::MAX {
                    let _ = describe(codec, &[first, second]);
                    let _ = describe(
                        codec,
                        &[first, second, 0xff, second, 0x80, first, 0xff, 0xff],
                    );
                }
            }
        }
    }

    #[test]
    fn a_keyframe_always_starts_a_frame() {
        for codec in CODECS {
            for first in 0..=u8::MAX {
                for second in 0..=u8::MAX {
                    let Some(info) = describe(codec, &[first, second, 0x88, 0, 0, 0]) else {
                        continue;
                    };

                    assert!(
                        !info.keyframe || info.frame_start,
                        "{codec:?} {first:02x} {second:02x}"
                    );
                }
            }
        }
    }
}
