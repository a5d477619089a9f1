//! What becomes of a participant that loses its WebSocket.
//!
//! 1. It opens another one and claims its session. The server must have `reclaim_session_timeout`
//!    set: without it, Janus ends a session with its WebSocket.
//! 2. What Janus said in between is lost. A third handle joins the room for a moment, as the list
//!    of those who publish comes with joining.
//! 3. An offer that is lost is not made again, and Janus makes no other one before it is answered.
//!    A participant that sees that gives up the handle it subscribes with, and takes another.

use std::time::{Duration, Instant};

use super::message::{self, Room};
use super::watching::watching_peer;
use super::{Asked, Janus, MAX_ATTEMPTS};
use crate::participant::Site;

/// Wait before an attempt to come back.
const ATTEMPT_DELAY: Duration = Duration::from_millis(300);
/// Without an offer for so long after coming back, it is lost.
const OFFER_DEADLINE: Duration = Duration::from_secs(3);

impl Janus {
    /// The WebSocket is gone.
    pub(super) fn lose(&mut self, why: String, site: &mut Site) {
        if self.visit.is_leaving {
            return;
        }
        if !self.visit.is_in {
            site.fail("join-failed", why);
            return;
        }
        self.visit.is_open = false;
        self.visit.attempts += 1;
        if self.visit.attempts > MAX_ATTEMPTS {
            site.fail("connection-lost", format!("could not come back: {why}"));
            return;
        }
        site.complain("connection-lost", why);
        self.open(ATTEMPT_DELAY * self.visit.attempts, site);
    }

    pub(super) fn claimed(&mut self, site: &mut Site) {
        self.visit.is_open = true;
        self.visit.has_returned = true;
        self.visit.attempts = 0;
        self.ask(Asked::CensusHandle, message::attach(), site);
        site.has_returned();
    }

    pub(super) fn not_claimed(told: &str, site: &mut Site) {
        let hint = "is reclaim_session_timeout set in janus.jcfg?";
        site.fail("connection-lost", format!("{told}; {hint}"));
    }

    pub(super) fn take_census(&mut self, handle: u64, site: &mut Site) {
        let body = message::join_to_publish(self.room, &site.part.identity);
        let request = message::to_room(handle, &body);
        self.ask(Asked::Census(handle), request, site);
    }

    pub(super) fn counted(&mut self, now: Instant, handle: u64, news: &Room, site: &mut Site) {
        self.visit.viewing.count(&news.publishers);
        self.carry(now, site);
        self.tell(message::detach(handle), site);
    }

    /// Begins to watch anew if what was asked for must have been answered while nobody listened.
    pub(super) fn check_progress(&mut self, now: Instant, site: &mut Site) {
        if !self.visit.is_busy() {
            self.visit.busy_since = None;
            return;
        }
        let since = *self.visit.busy_since.get_or_insert(now);
        if self.visit.has_returned && now - since > OFFER_DEADLINE {
            site.complain(
                "offer-lost",
                "Janus made an offer while the WebSocket was gone; subscribes anew",
            );
            self.watch_anew(now, site);
        }
    }

    fn watch_anew(&mut self, now: Instant, site: &mut Site) {
        if let Some(watching) = self.visit.watching.take() {
            self.tell(message::detach(watching), site);
        }
        let visit = &mut self.visit;
        (visit.is_watching, visit.awaits_offer) = (false, false);
        visit.busy_since = None;
        visit.asked.clear();
        visit.viewing.forget_subscriptions();
        site.renew_peer(now, watching_peer(&site.part));
    }
}
