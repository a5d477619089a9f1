//! WHIP (RFC 9725) to publish and WHEP (draft-ietf-wish-whep) to watch.
//!
//! 1. A publisher posts its offer; everybody posts one to receive for each other publisher of the
//!    room, each in a session of its own.
//! 2. The server answers `201 Created` with its description and the address of the resource.
//!    A stream that nobody publishes yet is asked for again, as is one that has ended.
//! 3. Whoever leaves deletes its resources.
//!
//! WHEP has no standard way to choose an encoding or to pause pictures: a hidden camera is still
//! received, for its sound, and what arrives of its pictures is not judged. Nor is there a
//! signalling connection that could break, so there is nothing to come back to.
//!
//! Not implemented: trickle ICE, ICE restarts, servers that answer with an offer of their own.

mod endpoints;
mod link;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use proto::codec::MediaKind;
use proto::jsep::Offer;
use proto::session::{OfferChanges, TrackOffer};

use self::endpoints::Endpoints;
use self::link::{Link, State, Stream};
use super::{Access, Adapter, Heard, Wire, track_offer, watched};
use crate::participant::{Carried, Site};
use crate::scenario::Tile;
use crate::scenario::plan::{Part, Plan};

/// Wait before a stream is asked for again.
const RETRY: Duration = Duration::from_secs(1);
/// The same when that has been in vain for long.
const SLOW_RETRY: Duration = Duration::from_secs(5);
/// A stream that is not there for as long is worth telling.
const PATIENCE: Duration = Duration::from_secs(15);
/// Of a server's words, told in the report.
const MAX_WORDS: usize = 200;
const SDP: &str = "application/sdp";

/// See the module.
#[derive(Debug)]
pub struct Whip {
    endpoints: Endpoints,
    /// One for each session.
    links: Vec<Link>,
    next_request: u32,
    /// Whether the server has refused to take several encodings.
    wants_one_encoding: bool,
}

impl Whip {
    /// For one participant.
    pub fn new(access: &Access, plan: &Plan, part: &Part) -> Self {
        let own = part.publisher.map(|_| Stream::Own(part.identity.clone()));
        let others = watched(plan, part).map(|other| Stream::Other(other.clone()));
        Self {
            endpoints: Endpoints::new(access, part.room),
            links: own.into_iter().chain(others).map(Link::new).collect(),
            next_request: 1,
            wants_one_encoding: false,
        }
    }

    fn request(
        &mut self,
        peer: usize,
        method: &'static str,
        url: String,
        body: String,
        site: &mut Site,
    ) -> u32 {
        let id = self.next_request;
        self.next_request += 1;
        let stream = self.links.get(peer).map(|link| &link.stream);
        site.wire(Wire::Request {
            id,
            method,
            url,
            content_type: (!body.is_empty()).then_some(SDP),
            bearer: stream
                .and_then(|stream| self.endpoints.bearer(stream.kind(), stream.identity())),
            body,
        });
        id
    }

    /// Offers by a session that has not been offered by, and posts that.
    fn begin(&mut self, peer: usize, site: &mut Site) {
        let Some(link) = self.links.get(peer) else {
            return;
        };
        let url = self
            .endpoints
            .url(link.stream.kind(), link.stream.identity());
        let offer = match &link.stream {
            Stream::Own(_) => publish(self.wants_one_encoding, peer, site),
            Stream::Other(publisher) => receive([publisher.audio, publisher.video], peer, site),
        };
        match offer {
            Ok((sdp, mids)) => {
                (self.links[peer].offer, self.links[peer].mids) = (sdp, mids);
                self.post(peer, url, site);
            }
            Err(error) => site.fail("join-failed", error),
        }
    }

    fn post(&mut self, peer: usize, url: String, site: &mut Site) {
        let body = self.links[peer].offer.clone();
        let id = self.request(peer, "POST", url, body, site);
        self.links[peer].state = State::Asked { id };
    }

    /// Gives the request, if there is anything to delete.
    fn delete(&mut self, peer: usize, site: &mut Site) -> Option<u32> {
        let resource = self.links[peer].resource.take()?;
        Some(self.request(peer, "DELETE", resource, String::new(), site))
    }

    fn take(&mut self, now: Instant, answer: Answer, site: &mut Site) {
        let found = self.links.iter().position(|link| link.awaits(answer.id));
        let Some(peer) = found else {
            return;
        };
        if matches!(self.links[peer].state, State::Deleting { .. }) {
            self.begin(peer, site);
            return;
        }
        match (answer.status, answer.location.clone()) {
            (201, resource) => {
                if resource.is_none() {
                    site.complain("nonsense", "201 without a Location: it cannot be deleted");
                }
                self.links[peer].resource = resource;
                self.agree(now, peer, &answer.body, site);
            }
            (307 | 308, Some(url)) if self.links[peer].may_follow() => self.post(peer, url, site),
            (401 | 403, _) => site.fail("join-failed", answer.words()),
            // Nobody publishes it yet, or the server is out of reach.
            (404 | 0, _) if self.links[peer].is_watching() => {
                self.wait(now, peer, &answer.words(), site);
            }
            // Not free yet, too early, too busy.
            (409 | 425 | 429 | 500.., _) => self.wait(now, peer, &answer.words(), site),
            _ => site.fail("join-failed", answer.words()),
        }
    }

    /// Takes the server's description.
    fn agree(&mut self, now: Instant, peer: usize, sdp: &str, site: &mut Site) {
        let link = &mut self.links[peer];
        if refuses_simulcast(&link.offer, sdp) {
            self.offer_one_encoding(now, peer, site);
            return;
        }
        link.state = State::Agreed;
        link.in_vain_since = None;
        let Some(own) = site.peers.get_mut(peer) else {
            return;
        };
        if let Err(error) = own.session.accept_answer(sdp) {
            site.fail("nonsense", format!("the answer cannot be used: {error}"));
            return;
        }
        let sections = link.mids.iter().map(|mid| own.session.section_of(mid));
        if let Stream::Other(publisher) = &link.stream {
            let carried = sections.zip(publisher_kinds([publisher.audio, publisher.video]));
            let carried: Vec<(usize, Carried)> = carried
                .filter_map(|(section, kind)| {
                    let publisher = publisher.number;
                    Some((section?, Carried { publisher, kind }))
                })
                .collect();
            site.carry(now, peer, &carried);
        }
    }

    /// The server takes no simulcast: it is offered the largest encoding alone.
    fn offer_one_encoding(&mut self, now: Instant, peer: usize, site: &mut Site) {
        if self.wants_one_encoding {
            site.fail("nonsense", "the server answers a simulcast nobody offered");
            return;
        }
        self.wants_one_encoding = true;
        site.complain(
            "no-simulcast",
            "the server takes one encoding of a camera; it gets the largest",
        );
        site.renew_peer(now, peer);
        match self.delete(peer, site) {
            Some(id) => self.links[peer].state = State::Deleting { id },
            None => self.begin(peer, site),
        }
    }

    /// Asks again later.
    fn wait(&mut self, now: Instant, peer: usize, why: &str, site: &mut Site) {
        let link = &mut self.links[peer];
        if link.is_watching()
            && let Some(own) = site.peers.get_mut(peer)
        {
            own.is_awaited = false;
        }
        let since = *link.in_vain_since.get_or_insert(now);
        let is_long = now - since >= PATIENCE;
        if is_long && !link.has_complained {
            link.has_complained = true;
            let identity = link.stream.identity();
            site.complain("no-stream", format!("the stream of {identity}: {why}"));
        }
        link.state = State::Waiting {
            until: now + if is_long { SLOW_RETRY } else { RETRY },
        };
    }
}

impl Adapter for Whip {
    fn join(&mut self, _now: Instant, site: &mut Site) {
        for peer in 0..self.links.len() {
            self.links[peer].forget();
            self.begin(peer, site);
        }
    }

    fn hear(&mut self, now: Instant, heard: Heard, site: &mut Site) {
        if let Heard::Answer {
            id,
            status,
            location,
            body,
        } = heard
        {
            let answer = Answer {
                id,
                status,
                location,
                body,
            };
            self.take(now, answer, site);
        }
    }

    fn closed(&mut self, now: Instant, peer: usize, site: &mut Site) -> bool {
        let is_watching = self.links.get(peer).is_some_and(Link::is_watching);
        if is_watching {
            // The publisher has left, and may come back.
            self.links[peer].resource = None;
            site.renew_peer(now, peer);
            self.links[peer].state = State::Over { until: now + RETRY };
        }
        is_watching
    }

    fn show(&mut self, now: Instant, _window: &[(u16, Option<Tile>)], site: &mut Site) {
        for peer in 0..self.links.len() {
            let link = &self.links[peer];
            match link.state {
                State::Waiting { until } if until <= now => {
                    let (kind, identity) = (link.stream.kind(), link.stream.identity());
                    let url = self.endpoints.url(kind, identity);
                    self.post(peer, url, site);
                }
                State::Over { until } if until <= now => self.begin(peer, site),
                State::Idle
                | State::Asked { .. }
                | State::Waiting { .. }
                | State::Agreed
                | State::Deleting { .. }
                | State::Over { .. } => {}
            }
        }
    }

    fn reconnect(&mut self, _now: Instant, _site: &mut Site) {}

    fn leave(&mut self, _now: Instant, site: &mut Site) {
        for peer in 0..self.links.len() {
            self.delete(peer, site);
            self.links[peer].forget();
        }
    }
}

struct Answer {
    id: u32,
    status: u16,
    location: Option<String>,
    body: String,
}

impl Answer {
    fn words(&self) -> String {
        let body: String = self.body.trim().chars().take(MAX_WORDS).collect();
        match self.status {
            0 => body,
            status => format!("HTTP {status} {body}"),
        }
    }
}

/// Whether an answer takes none of several encodings. One that does not let them be named takes
/// none either.
fn refuses_simulcast(offer: &str, answer: &str) -> bool {
    let takes = |line| answer.contains(line);
    offer.contains("\na=simulcast:") && !(takes("\na=simulcast:") && takes(":rtp-stream-id"))
}

type Offered = Result<(String, Vec<String>), String>;

/// Offers its own tracks.
fn publish(wants_one_encoding: bool, peer: usize, site: &mut Site) -> Offered {
    if wants_one_encoding {
        for track in &mut site.sending {
            let largest = track.streams.len().saturating_sub(1);
            for (index, stream) in track.streams.iter_mut().enumerate() {
                stream.enabled = index == largest;
                stream.rid = None;
            }
        }
    }
    let publish: Vec<TrackOffer> = site.sending.iter().map(track_offer).collect();
    let changes = OfferChanges {
        publish: &publish,
        ..OfferChanges::default()
    };
    let own = site.peers.get_mut(peer).ok_or("no session is left")?;
    let offered = own.session.offer(&changes);
    let (sdp, mids) = offered.map_err(|error| error.to_string())?;
    for (track, mid) in site.sending.iter_mut().zip(&mids) {
        (track.peer, track.mid) = (peer, Some(mid.clone()));
    }
    Ok((sdp, mids))
}

/// Offers to receive sound and pictures.
fn receive([audio, video]: [bool; 2], peer: usize, site: &mut Site) -> Offered {
    let changes = OfferChanges {
        receive: [usize::from(audio), usize::from(video)],
        ..OfferChanges::default()
    };
    let own = site.peers.get_mut(peer).ok_or("no session is left")?;
    let offered = own.session.offer(&changes);
    let (sdp, _) = offered.map_err(|error| error.to_string())?;
    let offer = Offer::parse(&sdp).map_err(|error| error.to_string())?;
    let mids = offer.sections.into_iter().map(|section| section.mid);
    Ok((sdp, mids.collect()))
}

/// What the sections of an offer to receive are for, in order.
fn publisher_kinds([audio, video]: [bool; 2]) -> impl Iterator<Item = MediaKind> {
    let kinds = [(audio, MediaKind::Audio), (video, MediaKind::Video)];
    kinds
        .into_iter()
        .filter(|(has, _)| *has)
        .map(|(_, kind)| kind)
}
