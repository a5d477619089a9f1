//! Two participants without a server: what each puts into its wire, the other one hears.

use std::time::Instant;

use proto::jsep::{Offer, SectionKind};
use proto::session::{IceCredentials, OfferChanges, TrackOffer};

use super::{Adapter, Frame, Heard, Wire, track_offer};
use crate::participant::{Carried, Site};
use crate::scenario::Tile;

/// What the viewer says until it gets an offer.
const READY: &str = "ready";

/// One of the pair. The publisher offers its tracks as soon as the viewer is ready.
#[derive(Debug, Default)]
pub struct Direct {
    is_done: bool,
}

impl Direct {
    fn say(site: &mut Site, text: String) {
        site.wire(Wire::Send(Frame::Text(text)));
    }

    fn offer(site: &mut Site) -> Option<String> {
        let publish: Vec<TrackOffer> = site.sending.iter().map(track_offer).collect();
        let changes = OfferChanges {
            publish: &publish,
            ..OfferChanges::default()
        };
        let (sdp, mids) = site.peers.first_mut()?.session.offer(&changes).ok()?;
        for (track, mid) in site.sending.iter_mut().zip(mids) {
            track.mid = Some(mid);
        }
        Some(sdp)
    }

    fn answer(now: Instant, offer: &str, site: &mut Site) -> Option<String> {
        let offer = Offer::parse(offer).ok()?;
        let fresh = IceCredentials::random(site.rng());
        let session = &mut site.peers.first_mut()?.session;
        let accepted = session.accept_offer(&offer, fresh).ok()?;
        let carried: Vec<(usize, Carried)> = offer
            .sections
            .iter()
            .filter_map(|section| {
                let SectionKind::Media(kind) = section.kind else {
                    return None;
                };
                let publisher = 0;
                let index = session.section_of(&section.mid)?;
                Some((index, Carried { publisher, kind }))
            })
            .collect();
        let answer = session.answer(&accepted, &[]);
        site.carry(now, 0, &carried);
        Some(answer)
    }
}

impl Adapter for Direct {
    fn join(&mut self, _now: Instant, _site: &mut Site) {
        self.is_done = false;
    }

    fn hear(&mut self, now: Instant, heard: Heard, site: &mut Site) {
        let Heard::Frame(Frame::Text(text)) = heard else {
            return;
        };
        let reply = match site.part.publisher {
            Some(_) if text == READY && !self.is_done => Self::offer(site),
            Some(_) => {
                let answer = site.peers.first_mut();
                if answer.is_some_and(|peer| peer.session.accept_answer(&text).is_err()) {
                    site.fail("nonsense", "the pair without a server does not agree");
                }
                None
            }
            None if !self.is_done => Self::answer(now, &text, site),
            None => None,
        };
        if let Some(reply) = reply {
            self.is_done = true;
            Self::say(site, reply);
        }
    }

    fn show(&mut self, _now: Instant, _window: &[(u16, Option<Tile>)], site: &mut Site) {
        if site.part.publisher.is_none() && !self.is_done {
            Self::say(site, READY.to_owned());
        }
    }

    fn reconnect(&mut self, _now: Instant, _site: &mut Site) {}

    fn leave(&mut self, _now: Instant, _site: &mut Site) {}
}
