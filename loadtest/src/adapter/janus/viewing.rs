//! What a participant of a VideoRoom subscribes to, and in which encoding.

use std::collections::BTreeMap;

use proto::codec::MediaKind;

use super::message;
use crate::participant::Carried;
use crate::scenario::plan::Plan;
use crate::scenario::{Encoding, Tile};

/// Tracks of one publisher that are looked at.
const MAX_TRACKS: usize = 8;

/// A track, as Janus names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) feed: u64,
    pub(super) mid: String,
}

/// Which encoding of a track to send: nothing, the only one, or the one of this number.
pub(super) type Choice = Option<Option<u8>>;

/// A track to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) source: Source,
    pub(super) encoding: Choice,
}

/// Whom it knows, whom it watches, and what it is subscribed to.
#[derive(Debug, Default)]
pub(super) struct Viewing {
    own: Option<u16>,
    encodings: Vec<Encoding>,
    /// The newest feed of each publisher: who comes back has another.
    feeds: BTreeMap<u16, Feed>,
    window: BTreeMap<u16, Option<Tile>>,
    /// The `mid` of each subscription.
    slots: BTreeMap<Source, String>,
    /// What was last asked for.
    asked: BTreeMap<Source, Choice>,
}

#[derive(Debug)]
struct Feed {
    id: u64,
    tracks: Vec<(String, MediaKind)>,
}

impl Viewing {
    /// For the publisher of this number, or somebody who only watches.
    pub(super) fn new(own: Option<u16>, encodings: &[Encoding]) -> Self {
        Self {
            own,
            encodings: encodings.to_vec(),
            ..Self::default()
        }
    }

    /// Learns of publishers. Those that are not of the load are left alone.
    pub(super) fn meet(&mut self, publishers: &[message::Publisher], plan: &Plan) {
        for publisher in publishers {
            let Some(number) = plan.publisher(&publisher.display) else {
                continue;
            };
            if Some(number) == self.own {
                continue;
            }
            let streams = publisher.streams.iter().filter(|stream| !stream.disabled);
            let tracks = streams
                .filter_map(|stream| Some((stream.mid.clone(), stream.kind()?)))
                .take(MAX_TRACKS)
                .collect();
            let id = publisher.id;
            self.feeds.insert(number, Feed { id, tracks });
        }
    }

    /// A publisher is gone.
    pub(super) fn lose(&mut self, feed: u64) {
        self.feeds.retain(|_, own| own.id != feed);
    }

    /// Learns who publishes at present: nobody else does.
    pub(super) fn count(&mut self, publishers: &[message::Publisher]) {
        self.feeds
            .retain(|_, own| publishers.iter().any(|one| one.id == own.id));
    }

    /// Is subscribed to nothing.
    pub(super) fn forget_subscriptions(&mut self) {
        self.slots.clear();
        self.asked.clear();
    }

    /// Turns to others.
    pub(super) fn turn_to(&mut self, window: &[(u16, Option<Tile>)]) {
        self.window = window.iter().copied().collect();
    }

    /// Tracks to subscribe to: all sound, and cameras once they are shown.
    pub(super) fn missing(&self) -> Vec<Wish> {
        self.wishes()
            .filter(|wish| wish.encoding.is_some() && !self.slots.contains_key(&wish.source))
            .collect()
    }

    /// Notes what is being asked for.
    pub(super) fn ask(&mut self, wishes: &[Wish]) {
        for wish in wishes {
            self.asked.insert(wish.source.clone(), wish.encoding);
        }
    }

    /// Subscriptions whose encoding is to change, with their `mid`s; they count as asked for.
    pub(super) fn changes(&mut self) -> Vec<(String, Choice)> {
        let changed: Vec<Wish> = self
            .wishes()
            .filter(|wish| self.slots.contains_key(&wish.source))
            .filter(|wish| self.asked.get(&wish.source) != Some(&wish.encoding))
            .collect();
        self.ask(&changed);
        changed
            .into_iter()
            .filter_map(|wish| Some((self.slots.get(&wish.source)?.clone(), wish.encoding)))
            .collect()
    }

    /// Takes the list of all subscriptions.
    pub(super) fn place(&mut self, streams: &[message::Stream]) {
        self.slots = streams
            .iter()
            .filter_map(|stream| {
                let (feed, mid) = (stream.feed_id?, stream.feed_mid.clone()?);
                Some((Source { feed, mid }, stream.mid.clone()))
            })
            .collect();
        let slots = &self.slots;
        self.asked.retain(|source, _| slots.contains_key(source));
    }

    /// Whose track each subscription carries, by `mid`.
    pub(super) fn carried(&self) -> impl Iterator<Item = (&str, Carried)> {
        self.tracks().filter_map(|(publisher, kind, source)| {
            let mid = self.slots.get(&source)?;
            Some((mid.as_str(), Carried { publisher, kind }))
        })
    }

    fn wishes(&self) -> impl Iterator<Item = Wish> {
        self.tracks().map(|(publisher, kind, source)| {
            let encoding = match kind {
                MediaKind::Audio => Some(None),
                MediaKind::Video => {
                    let tile = self.window.get(&publisher).copied().flatten();
                    tile.map(|tile| substream(&self.encodings, tile))
                }
            };
            Wish { source, encoding }
        })
    }

    fn tracks(&self) -> impl Iterator<Item = (u16, MediaKind, Source)> {
        self.feeds.iter().flat_map(|(publisher, feed)| {
            feed.tracks.iter().map(|(mid, kind)| {
                let (feed, mid) = (feed.id, mid.clone());
                (*publisher, *kind, Source { feed, mid })
            })
        })
    }
}

/// The smallest encoding that fills a tile, or the largest; nothing where there is no choice.
fn substream(encodings: &[Encoding], tile: Tile) -> Option<u8> {
    if encodings.len() < 2 {
        return None;
    }
    let fills = |encoding: &Encoding| encoding.height >= tile.height;
    let found = encodings.iter().position(fills);
    Some(found.unwrap_or(encodings.len() - 1) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_encoding_that_fills_the_tile_is_chosen() {
        let encoding = |height| Encoding {
            width: height * 16 / 9,
            height,
            kbps: 100,
        };
        let three = [encoding(180), encoding(360), encoding(720)];
        let tile = |height| Tile {
            width: height * 16 / 9,
            height,
        };

        let chosen = [144, 180, 240, 720, 1_080].map(|height| substream(&three, tile(height)));

        assert_eq!(chosen, [Some(0), Some(0), Some(1), Some(2), Some(2)]);
        assert_eq!(substream(&three[..1], tile(720)), None);
    }
}
