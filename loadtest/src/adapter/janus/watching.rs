//! The handle that subscribes: one request or one offer at a time.

use std::sync::Arc;
use std::time::Instant;

use super::message::{self, Jsep, Room};
use super::{Asked, Janus, Visit};
use crate::adapter::accept_offer;
use crate::participant::{Carried, Site};
use crate::scenario::plan::Part;

/// Attempts to subscribe in vain, four a second, until that is told.
const VAIN_ATTEMPTS: u32 = 40;

impl Janus {
    /// Learns who publishes and who does not any more.
    pub(super) fn take_changes(&mut self, now: Instant, news: &Room, site: &mut Site) {
        let plan = Arc::clone(&site.plan);
        self.visit.viewing.meet(&news.publishers, &plan);
        for gone in [&news.leaving, &news.unpublished].into_iter().flatten() {
            if let Some(feed) = gone.as_u64() {
                self.visit.viewing.lose(feed);
                self.carry(now, site);
            } else if !self.visit.is_leaving {
                let why = news.reason.as_deref().unwrap_or("no reason is given");
                site.fail("removed", format!("told to leave: {why}"));
            }
        }
    }

    /// Subscribes to what is missing and sets encodings, if nothing of the kind is going on.
    pub(super) fn watch(&mut self, site: &mut Site) {
        let is_busy = self.visit.is_busy();
        let visit = &mut self.visit;
        if !visit.is_open || !visit.is_in || visit.is_leaving || is_busy {
            return;
        }
        let missing = visit.viewing.missing();
        if missing.is_empty()
            && !visit.is_watching
            && let Some(peer) = site.peers.get_mut(watching_peer(&site.part))
        {
            // There is nobody to watch, and Janus offers nothing before there is.
            peer.is_awaited = false;
        }
        let Some(watching) = visit.watching else {
            if !missing.is_empty() {
                self.ask(Asked::WatchingHandle, message::attach(), site);
            }
            return;
        };
        if missing.is_empty() {
            let changes = visit.viewing.changes();
            if !changes.is_empty() {
                let request = message::to_room(watching, &message::configure(&changes));
                self.ask(Asked::Configure, request, site);
            }
            return;
        }
        visit.viewing.ask(&missing);
        let body = if visit.is_watching {
            message::subscribe(&missing)
        } else {
            message::join_to_watch(self.room, visit.private_id, &missing)
        };
        self.ask(Asked::Subscribe, message::to_room(watching, &body), site);
    }

    /// Subscriptions have changed; with an offer, if sections have.
    pub(super) fn subscribed(
        &mut self,
        now: Instant,
        news: &Room,
        jsep: Option<&Jsep>,
        site: &mut Site,
    ) {
        self.visit.is_watching = true;
        self.visit.viewing.place(&news.streams);
        let Some(jsep) = jsep else {
            self.count_in_vain("nothing came of it", site);
            return;
        };
        self.visit.awaits_offer = false;
        let peer = watching_peer(&site.part);
        if jsep.kind != "offer" {
            site.fail("nonsense", "a subscription comes without an offer");
            return;
        }
        match accept_offer(&jsep.sdp, peer, site) {
            Ok(answer) => {
                self.carry(now, site);
                let body = serde_json::json!({"request": "start"});
                let handle = self.visit.watching.unwrap_or_default();
                let request = message::with_description(handle, &body, "answer", &answer);
                self.ask(Asked::Start, request, site);
            }
            Err(error) => site.fail("nonsense", format!("the offer cannot be used: {error}")),
        }
    }

    pub(super) fn carry(&self, now: Instant, site: &mut Site) {
        let peer = watching_peer(&site.part);
        let Some(own) = site.peers.get(peer) else {
            return;
        };
        let carried = self.visit.viewing.carried();
        let carried: Vec<(usize, Carried)> = carried
            .filter_map(|(mid, carried)| Some((own.session.section_of(mid)?, carried)))
            .collect();
        site.carry(now, peer, &carried);
    }

    pub(super) fn count_in_vain(&mut self, why: &str, site: &mut Site) {
        self.visit.vain_attempts += 1;
        if self.visit.vain_attempts == VAIN_ATTEMPTS {
            site.complain("refused", format!("cannot subscribe: {why}"));
        }
    }
}

impl Visit {
    /// Whether something about subscriptions is going on: Janus is asked one thing at a time.
    pub(super) fn is_busy(&self) -> bool {
        let is_one = |what: &Asked| {
            matches!(
                what,
                Asked::WatchingHandle | Asked::Subscribe | Asked::Start
            )
        };
        self.awaits_offer || self.asked.values().any(is_one)
    }
}

/// The session that subscribes; the one before it, if any, publishes.
pub(super) fn watching_peer(part: &Part) -> usize {
    usize::from(part.publisher.is_some())
}
