//! Frames put together from their packets.

use std::collections::VecDeque;
use std::sync::Arc;

use proto::media::MediaPacket;

use crate::media::stamp::Stamp;

/// Frames in the making; the oldest is given up for a further one.
const MAX_FRAMES: usize = 64;

/// A frame of which all packets have come.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) stamp: Stamp,
    pub(super) timestamp: u32,
    /// Sequence number of its first packet.
    pub(super) first: u64,
    /// Sequence number of its last packet.
    pub(super) last: u64,
    /// Its payloads in order, if they were kept.
    pub(super) payloads: Vec<Arc<[u8]>>,
}

/// Puts packets together by their timestamps. The stamp in the last packet says how many there
/// are, so it works for every codec.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    frames: VecDeque<Making>,
}

#[derive(Debug)]
struct Making {
    timestamp: u32,
    received: u16,
    ending: Option<(Stamp, u64)>,
    payloads: Vec<(u64, Arc<[u8]>)>,
}

/// What a packet did.
#[derive(Debug)]
pub(super) enum Assembled {
    /// More is to come.
    Incomplete,
    /// It completed a frame.
    Frame(Frame),
    /// It should end a frame and carries no stamp: it is none of the tester's.
    Foreign,
}

impl Assembly {
    /// Takes a packet; `keep` keeps payloads for decoding.
    pub(super) fn take(&mut self, packet: &MediaPacket<'_>, keep: bool) -> Assembled {
        let stamp = if packet.marker {
            let Some(stamp) = Stamp::read(packet.payload) else {
                return Assembled::Foreign;
            };
            Some(stamp)
        } else {
            None
        };
        let place = self.place(packet.timestamp);
        let Some(making) = self.frames.get_mut(place) else {
            return Assembled::Incomplete;
        };
        making.received = making.received.saturating_add(1);
        if let Some(stamp) = stamp {
            making.ending = Some((stamp, packet.sequence));
        }
        if keep {
            making
                .payloads
                .push((packet.sequence, Arc::from(packet.payload)));
        }
        match making.ending {
            Some((stamp, last)) if making.received >= stamp.packets => {
                let Some(mut made) = self.frames.remove(place) else {
                    return Assembled::Incomplete;
                };
                made.payloads.sort_by_key(|(sequence, _)| *sequence);
                let is_whole = made.payloads.len() == usize::from(stamp.packets);
                Assembled::Frame(Frame {
                    stamp,
                    timestamp: made.timestamp,
                    first: (last + 1).saturating_sub(u64::from(stamp.packets)),
                    last,
                    payloads: if is_whole {
                        made.payloads
                            .into_iter()
                            .map(|(_, payload)| payload)
                            .collect()
                    } else {
                        Vec::new()
                    },
                })
            }
            _ => Assembled::Incomplete,
        }
    }

    /// Forgets all, when the stream begins anew.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
    }

    /// Where the frame with a timestamp is, after making it if there is none.
    fn place(&mut self, timestamp: u32) -> usize {
        // The newest is nearly always meant.
        let found = self
            .frames
            .iter()
            .rposition(|frame| frame.timestamp == timestamp);
        if let Some(place) = found {
            return place;
        }
        if self.frames.len() == MAX_FRAMES {
            self.frames.pop_front();
        }
        self.frames.push_back(Making {
            timestamp,
            received: 0,
            ending: None,
            payloads: Vec::new(),
        });
        self.frames.len() - 1
    }
}
