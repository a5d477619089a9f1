//! What crosses a link in one go: frames, then packets, in two buffers that keep their room.

use crate::layer::vp8::PictureIds;
use crate::media::StreamClock;
use crate::media::extension::Values;
use crate::media::ring::NewPacket;

use super::{Frame, LinkTrackId};
use crate::codec::Codec;

/// Frames and packets for one other segment.
#[derive(Debug, Default)]
pub struct LinkBatch {
    /// Frames, to be taken before the packets.
    pub frames: Vec<Frame>,
    packets: Vec<Stored>,
    bytes: Vec<u8>,
}

/// A packet to put into a batch.
#[derive(Debug, Clone, Copy)]
pub struct NewLinkPacket<'a> {
    /// Its track.
    pub track: LinkTrackId,
    /// Its encoding, counted from the lowest.
    pub encoding: usize,
    /// Whether a receiver may begin with it.
    pub keyframe: bool,
    /// How its stream's timestamps map onto the wall clock.
    pub clock: Option<StreamClock>,
    /// The packet.
    pub packet: &'a NewPacket<'a>,
}

/// A packet of a batch.
#[derive(Debug, Clone, Copy)]
pub struct LinkPacket<'a> {
    /// Its track.
    pub track: LinkTrackId,
    /// Its encoding, counted from the lowest.
    pub encoding: usize,
    /// Whether a receiver may begin with it.
    pub keyframe: bool,
    /// How its stream's timestamps map onto the wall clock.
    pub clock: Option<StreamClock>,
    /// The packet.
    pub packet: NewPacket<'a>,
}

#[derive(Debug, Clone, Copy)]
struct Stored {
    track: LinkTrackId,
    encoding: u8,
    keyframe: bool,
    marker: bool,
    codec: Codec,
    audio_level: Option<u8>,
    orientation: Option<u8>,
    clock: Option<StreamClock>,
    sequence: u64,
    timestamp: u32,
    vp8: Option<PictureIds>,
    payload_bytes: usize,
    descriptor_bytes: usize,
}

impl LinkBatch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty() && self.packets.is_empty()
    }

    /// How many packets it has.
    pub fn packet_count(&self) -> usize {
        self.packets.len()
    }

    /// Copies a packet into it.
    pub fn push(&mut self, new: &NewLinkPacket<'_>) {
        let packet = new.packet;
        let descriptor = packet.values.dependency_descriptor.unwrap_or_default();
        self.packets.push(Stored {
            track: new.track,
            encoding: new.encoding as u8,
            keyframe: new.keyframe,
            marker: packet.marker,
            codec: packet.codec,
            audio_level: packet.values.audio_level,
            orientation: packet.values.orientation,
            clock: new.clock,
            sequence: packet.sequence,
            timestamp: packet.timestamp,
            vp8: packet.vp8,
            payload_bytes: packet.payload.len(),
            descriptor_bytes: descriptor.len(),
        });
        self.bytes.extend_from_slice(packet.payload);
        self.bytes.extend_from_slice(descriptor);
    }

    /// Its packets, in the order they came.
    pub fn packets(&self) -> impl Iterator<Item = LinkPacket<'_>> {
        let mut rest = self.bytes.as_slice();
        self.packets.iter().map(move |stored| {
            let (payload, after) = rest.split_at(stored.payload_bytes);
            let (descriptor, after) = after.split_at(stored.descriptor_bytes);
            rest = after;
            LinkPacket {
                track: stored.track,
                encoding: stored.encoding.into(),
                keyframe: stored.keyframe,
                clock: stored.clock,
                packet: NewPacket {
                    sequence: stored.sequence,
                    timestamp: stored.timestamp,
                    marker: stored.marker,
                    codec: stored.codec,
                    vp8: stored.vp8,
                    values: Values {
                        audio_level: stored.audio_level,
                        orientation: stored.orientation,
                        dependency_descriptor: (!descriptor.is_empty()).then_some(descriptor),
                        ..Values::default()
                    },
                    payload,
                },
            }
        })
    }

    /// Drops the packets. Returns how many there were.
    pub fn drop_packets(&mut self) -> usize {
        let count = self.packets.len();
        self.packets.clear();
        self.bytes.clear();
        count
    }

    /// Puts the frames of an earlier batch before its own. That batch keeps its packets.
    pub fn prepend_frames(&mut self, earlier: &mut Self) {
        earlier.frames.append(&mut self.frames);
        std::mem::swap(&mut earlier.frames, &mut self.frames);
    }

    /// Empties it; its buffers stay.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.drop_packets();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_put_in() {
        let mut batch = LinkBatch::default();
        let sound = NewPacket {
            sequence: 70_000,
            timestamp: 960,
            marker: true,
            codec: Codec::Opus,
            vp8: None,
            values: Values {
                audio_level: Some(0x8A),
                ..Values::default()
            },
            payload: &[1, 2, 3],
        };
        let picture = NewPacket {
            sequence: 9,
            codec: Codec::Av1,
            values: Values {
                dependency_descriptor: Some(&[7, 7]),
                ..Values::default()
            },
            payload: &[4],
            ..sound
        };
        for (track, encoding, packet) in [(1, 0, &sound), (2, 3, &picture)] {
            batch.push(&NewLinkPacket {
                track: LinkTrackId(track),
                encoding,
                keyframe: encoding == 3,
                clock: None,
                packet,
            });
        }

        let got: Vec<_> = batch.packets().collect();

        assert_eq!(got[0].packet.payload, [1, 2, 3]);
        assert_eq!(got[0].packet.values.audio_level, Some(0x8A));
        assert_eq!((got[0].packet.sequence, got[0].track.0), (70_000, 1));
        assert_eq!((got[1].encoding, got[1].keyframe), (3, true));
        assert_eq!(got[1].packet.payload, [4]);
        let descriptor = got[1].packet.values.dependency_descriptor;
        assert_eq!(descriptor, Some(&[7, 7][..]));
        assert_eq!(batch.drop_packets(), 2);
        assert!(batch.is_empty());
    }
}
