//! RTP packets as they leave and enter a session, in the clear.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use str0m::rtp::{Extension, ExtensionSerializer, ExtensionValues, VideoOrientation};

use crate::codec::Codec;

/// The name of an encoding (RFC 8851), at most eight bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rid(pub(super) str0m::media::Rid);

impl Rid {
    /// The RID of a name; longer names are cut.
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Rid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rid({})", &*self.0)
    }
}

/// Header extensions that belong to the media and travel with it from publisher to subscriber.
#[derive(Debug, Clone, Default)]
pub struct MediaExtensions {
    /// Loudness below full scale in dB, 0 loudest and 127 silent (RFC 6464).
    pub audio_level_dbov: Option<u8>,
    /// Whether the publisher heard a voice (RFC 6464).
    pub voice: Option<bool>,
    /// How the picture is to be turned (3GPP CVO).
    pub orientation: Option<VideoOrientation>,
    /// The AV1 dependency descriptor, unread.
    pub dependency_descriptor: Option<Arc<DependencyDescriptor>>,
}

impl MediaExtensions {
    pub(super) fn read(values: &ExtensionValues) -> Self {
        Self {
            audio_level_dbov: values.audio_level.map(i8::unsigned_abs),
            voice: values.voice_activity,
            orientation: values.video_orientation,
            dependency_descriptor: values.user_values.get_arc(),
        }
    }

    pub(super) fn write(self) -> ExtensionValues {
        let mut values = ExtensionValues {
            audio_level: self.audio_level_dbov.map(|level| -(level.min(127) as i8)),
            voice_activity: self.voice,
            video_orientation: self.orientation,
            ..ExtensionValues::default()
        };
        if let Some(descriptor) = self.dependency_descriptor {
            values.user_values.set_arc(descriptor);
        }
        values
    }
}

/// What a sender report says of a stream's timestamps (RFC 3550 §6.4.1). Receivers play sound and
/// pictures together by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderClock {
    /// The sender's wall clock.
    pub wallclock: SystemTime,
    /// The RTP timestamp at that time.
    pub timestamp: u32,
}

/// A packet a peer sent, authenticated and decrypted.
#[derive(Debug, Clone)]
pub struct MediaPacket {
    /// Index of the media section it came in.
    pub section: usize,
    /// Its encoding, when the section is simulcast.
    pub rid: Option<Rid>,
    /// What it holds.
    pub codec: Codec,
    /// Sequence number, extended over roll-overs.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit: last packet of a picture, first of a talk spurt.
    pub marker: bool,
    /// The payload.
    pub payload: Arc<[u8]>,
    /// When it arrived.
    pub received: Instant,
    /// The sender's clock, by its newest sender report.
    pub sender_clock: Option<SenderClock>,
    /// What goes along with it.
    pub extensions: MediaExtensions,
}

/// New numbers for a VP8 payload descriptor (RFC 7741 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Vp8Numbers {
    /// Picture id, in as many bits as the packet has.
    pub picture_id: Option<u16>,
    /// Index of the base temporal layer's picture.
    pub tl0_pic_idx: Option<u8>,
}

/// A packet to send.
#[derive(Debug, Clone)]
pub struct OutgoingPacket {
    /// Index of the media section it goes out in.
    pub section: usize,
    /// Its encoding, when the section is simulcast; only a publisher has that.
    pub rid: Option<Rid>,
    /// What it holds.
    pub codec: Codec,
    /// Sequence number; the first of a section must be below 65,536, and none may be used twice.
    pub sequence: u64,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// The payload.
    pub payload: Arc<[u8]>,
    /// When the media was captured or arrived; must not lie in the future.
    pub wallclock: Instant,
    /// What goes along with it.
    pub extensions: MediaExtensions,
    /// Numbers to write over those in a VP8 payload.
    pub vp8: Option<Vp8Numbers>,
}

/// URI of the AV1 dependency descriptor extension (AV1 RTP specification, appendix A).
const DEPENDENCY_DESCRIPTOR_URI: &str =
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// The bytes of a dependency descriptor, carried through unread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyDescriptor(pub Box<[u8]>);

#[derive(Debug)]
struct DependencyDescriptorBytes;

impl ExtensionSerializer for DependencyDescriptorBytes {
    fn write_to(&self, buffer: &mut [u8], values: &ExtensionValues) -> usize {
        let Some(DependencyDescriptor(bytes)) = values.user_values.get() else {
            return 0;
        };
        let Some(room) = buffer.get_mut(..bytes.len()) else {
            return 0;
        };
        room.copy_from_slice(bytes);
        bytes.len()
    }

    fn parse_value(&self, bytes: &[u8], values: &mut ExtensionValues) -> bool {
        values.user_values.set(DependencyDescriptor(bytes.into()));
        true
    }

    fn is_video(&self) -> bool {
        true
    }

    fn is_audio(&self) -> bool {
        false
    }

    fn requires_two_byte_form(&self, values: &ExtensionValues) -> bool {
        // RFC 8285 §4.2: the one-byte form holds 1 to 16 bytes.
        values
            .user_values
            .get::<DependencyDescriptor>()
            .is_some_and(|dd| dd.0.len() > 16)
    }
}

pub(super) fn dependency_descriptor_extension() -> Extension {
    Extension::with_serializer(DEPENDENCY_DESCRIPTOR_URI, DependencyDescriptorBytes)
}
