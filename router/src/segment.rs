//! Rooms that have segments in several routers: what crosses the links between them.
//!
//! Where a track is published, the router knows for each other segment which encodings to send
//! there and which are of use there. Elsewhere the publication is remote: its packets come over a
//! link, its rates are told and not measured, and the router says which encodings it needs.

use std::time::Instant;

use proto::link::{EncodingSet, SegmentId};

use crate::keys::{PublicationKey, RoomKey};
use crate::limits::MAX_ENCODINGS;
use crate::publication::LinkWants;
use crate::router::{Event, Router};

impl Router {
    /// Offers a track that is published here to another segment.
    pub fn link(&mut self, publication: PublicationKey, segment: SegmentId) {
        let entry = &mut self.publications[publication.index()];
        debug_assert!(!entry.is_remote, "what comes over a link does not go on");
        if entry.links.iter().any(|link| link.segment == segment) {
            return;
        }
        entry.links.push(LinkWants {
            segment,
            highest: None,
            crossing: EncodingSet::default(),
        });
    }

    /// Sends nothing of a room to a segment any more.
    pub fn unlink(&mut self, room: RoomKey, segment: SegmentId) {
        for publication in &self.rooms[room.index()].publications {
            let links = &mut self.publications[publication.index()].links;
            links.retain(|link| link.segment != segment);
        }
    }

    /// Takes which encodings a segment is to be sent.
    pub fn set_crossing(
        &mut self,
        publication: PublicationKey,
        segment: SegmentId,
        encodings: EncodingSet,
    ) {
        if let Some(link) = self.link_mut(publication, segment) {
            link.crossing = encodings;
        }
    }

    /// Takes the highest encoding anybody in a segment has use for.
    pub fn set_link_wanted(
        &mut self,
        now: Instant,
        publication: PublicationKey,
        segment: SegmentId,
        highest: Option<usize>,
    ) {
        if let Some(link) = self.link_mut(publication, segment) {
            link.highest = highest;
            self.tell_wanted_encodings(now, publication);
        }
    }

    fn link_mut(
        &mut self,
        publication: PublicationKey,
        segment: SegmentId,
    ) -> Option<&mut LinkWants> {
        let links = &mut self.publications.get_mut(publication.index())?.links;
        links.iter_mut().find(|link| link.segment == segment)
    }

    /// The segments that get the packets of an encoding.
    pub fn links_of(
        &self,
        publication: PublicationKey,
        encoding: usize,
    ) -> impl Iterator<Item = SegmentId> + '_ {
        let links = &self.publication(publication).links;
        let crossing = links
            .iter()
            .filter(move |link| link.crossing.contains(encoding));
        crossing.map(|link| link.segment)
    }

    /// Takes what the encodings of a remote publication take.
    pub fn set_rates(
        &mut self,
        now: Instant,
        publication: PublicationKey,
        rates: [Option<u64>; MAX_ENCODINGS],
    ) {
        let entry = &mut self.publications[publication.index()];
        debug_assert!(entry.is_remote, "what is published here is measured here");
        let mut has_begun = false;
        for (encoding, rate) in entry.encodings.iter_mut().zip(rates) {
            has_begun |= encoding.rate_bps.is_none() && rate.is_some();
            encoding.rate_bps = rate;
        }
        if has_begun {
            self.allocate_subscribers(now, publication);
        }
    }

    /// Tells the other segments what a publication's encodings take, if that has changed enough to
    /// matter to an allocation.
    pub(crate) fn tell_rates(&mut self, publication: PublicationKey) {
        let entry = &mut self.publications[publication.index()];
        let rates = entry.rates();
        let differs = std::iter::zip(rates, entry.told_rates).any(|pair| match pair {
            (Some(rate), Some(told)) => rate.abs_diff(told) > told / 16,
            (rate, told) => rate.is_some() != told.is_some(),
        });
        if differs && !entry.links.is_empty() {
            entry.told_rates = rates;
            self.events.push_back(Event::Rates { publication, rates });
        }
    }

    /// Notes that other encodings of a publication may be needed here.
    pub(crate) fn review_crossing(&mut self, publication: PublicationKey) {
        let Some(entry) = self.publications.get_mut(publication.index()) else {
            return;
        };
        if entry.is_remote && !entry.is_crossing_due {
            entry.is_crossing_due = true;
            self.crossings_due.push(publication);
        }
    }

    /// Says which encodings are needed, where that has changed.
    pub(crate) fn tell_crossings(&mut self) {
        while let Some(publication) = self.crossings_due.pop() {
            let entry = &self.publications[publication.index()];
            let mut encodings = EncodingSet::default();
            for key in &entry.subscriptions {
                let subscription = &self.subscriptions[key.index()];
                let selector = subscription.selector;
                let needed = [selector.target(), selector.current()];
                for encoding in needed.into_iter().flatten() {
                    if subscription.output.is_some() {
                        encodings.insert(encoding);
                    }
                }
            }
            let entry = &mut self.publications[publication.index()];
            entry.is_crossing_due = false;
            if entry.crossing != encodings {
                entry.crossing = encodings;
                self.events.push_back(Event::Crossing {
                    publication,
                    encodings,
                });
            }
        }
    }
}
