//! Janus' VideoRoom (multistream: Janus 1.0 and later) by its WebSocket API.
//!
//! 1. A WebSocket is opened, a session made in it and a handle of the plugin attached.
//! 2. The handle joins the room as a publisher, if only to learn who publishes. Whoever finds no
//!    room makes it.
//! 3. Who has something to publish offers it with `publish`.
//! 4. A second handle joins as a subscriber once there is something to watch. From then on Janus
//!    offers, one offer at a time, and each is answered with `start`; `subscribe` asks for further
//!    tracks.
//! 5. `configure` chooses the encoding of each camera, and pauses those that are hidden.
//!
//! See `comeback` for what happens when the WebSocket is lost. Rooms stay when everybody has left.
//!
//! Not implemented: data channels.

mod comeback;
mod message;
#[cfg(test)]
mod tests;
mod viewing;
mod watching;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proto::session::{OfferChanges, TrackOffer};
use serde_json::Value;

use self::message::{Incoming, Jsep, NO_SUCH_FEED, NO_SUCH_ROOM, ROOM_EXISTS, Room};
use self::viewing::Viewing;
use self::watching::watching_peer;
use super::{Access, Adapter, Frame, Heard, Wire, track_offer, websocket_url};
use crate::participant::Site;
use crate::scenario::Tile;
use crate::scenario::plan::{Part, Plan};

const SUBPROTOCOL: &str = "janus-protocol";
/// Janus ends a session that says nothing for 60 s.
const KEEP_ALIVE: Duration = Duration::from_secs(25);
/// Attempts to join a room that comes and goes, and to come back after a lost connection.
const MAX_ATTEMPTS: u32 = 3;

/// See the module.
#[derive(Debug)]
pub struct Janus {
    url: String,
    room: u64,
    make_room: Value,
    next_transaction: u32,
    visit: Visit,
}

/// From joining to leaving.
#[derive(Debug, Default)]
struct Visit {
    is_open: bool,
    is_in: bool,
    is_leaving: bool,
    session: Option<u64>,
    /// The handle that publishes.
    own: Option<u64>,
    /// The handle that subscribes, and whether it has joined.
    watching: Option<u64>,
    is_watching: bool,
    /// Whether Janus owes an offer for what is subscribed to.
    awaits_offer: bool,
    /// Since when something about subscriptions is going on.
    busy_since: Option<Instant>,
    private_id: Option<u64>,
    has_returned: bool,
    attempts: u32,
    vain_attempts: u32,
    alive_at: Option<Instant>,
    asked: BTreeMap<u32, Asked>,
    viewing: Viewing,
}

/// What a transaction is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Session,
    Claim,
    Handle,
    Room,
    Join,
    Publish,
    WatchingHandle,
    Subscribe,
    Start,
    Configure,
    CensusHandle,
    Census(u64),
}

impl Janus {
    /// For one participant.
    pub fn new(access: &Access, plan: &Plan, part: &Part) -> Self {
        let codec = plan.scenario.video.codec.codec();
        let room = room_id(&format!("{}-{codec:?}", access.room(part.room)));
        Self {
            url: websocket_url(&access.server),
            room,
            make_room: message::make_room(room, codec),
            next_transaction: 1,
            visit: Visit::default(),
        }
    }

    fn open(&self, after: Duration, site: &mut Site) {
        site.wire(Wire::Open {
            after,
            url: self.url.clone(),
            subprotocol: Some(SUBPROTOCOL),
        });
    }

    fn ask(&mut self, what: Asked, request: Value, site: &mut Site) {
        self.visit.asked.insert(self.next_transaction, what);
        self.tell(request, site);
    }

    /// Says something whose answer does not matter.
    fn tell(&mut self, mut request: Value, site: &mut Site) {
        request["transaction"] = self.next_transaction.to_string().into();
        self.next_transaction += 1;
        if let Some(session) = self.visit.session {
            request["session_id"] = session.into();
        }
        site.wire(Wire::Send(Frame::Text(request.to_string())));
    }

    fn ask_room(&mut self, what: Asked, body: &Value, site: &mut Site) {
        if let Some(own) = self.visit.own {
            self.ask(what, message::to_room(own, body), site);
        }
    }

    fn join_room(&mut self, site: &mut Site) {
        let body = message::join_to_publish(self.room, &site.part.identity);
        self.ask_room(Asked::Join, &body, site);
    }

    fn take(&mut self, now: Instant, incoming: Incoming, site: &mut Site) {
        match incoming.janus.as_str() {
            "success" | "event" => self.take_answer(now, incoming, site),
            "error" => {
                let what = self.asked(&incoming);
                let fault = incoming.error;
                let (code, reason) =
                    fault.map_or((0, String::new()), |fault| (fault.code, fault.reason));
                self.refused(what, code, &reason, site);
            }
            "trickle" => self.take_candidate(&incoming, site),
            "hangup" | "detached" | "timeout" if self.concerns(incoming.sender) => {
                let (what, why) = (&incoming.janus, incoming.reason.unwrap_or_default());
                site.fail("removed", format!("Janus says {what}: {why}"));
            }
            // Acknowledgements, and news of media that the tester sees by itself.
            _ => {}
        }
    }

    fn asked(&mut self, incoming: &Incoming) -> Option<Asked> {
        let transaction: u32 = incoming.transaction.as_ref()?.parse().ok()?;
        self.visit.asked.remove(&transaction)
    }

    fn take_answer(&mut self, now: Instant, incoming: Incoming, site: &mut Site) {
        let what = self.asked(&incoming);
        if let Some(plugin) = incoming.plugindata {
            self.take_news(now, what, &plugin.data, incoming.jsep, site);
            return;
        }
        match (what, incoming.data) {
            (Some(Asked::Session), Some(made)) => {
                self.visit.session = Some(made.id);
                self.ask(Asked::Handle, message::attach(), site);
            }
            (Some(Asked::Handle), Some(made)) => {
                self.visit.own = Some(made.id);
                self.join_room(site);
            }
            (Some(Asked::WatchingHandle), Some(made)) => {
                self.visit.watching = Some(made.id);
                self.watch(site);
            }
            (Some(Asked::CensusHandle), Some(made)) => self.take_census(made.id, site),
            (Some(Asked::Claim), _) => self.claimed(site),
            (Some(what), _) => {
                site.fail("nonsense", format!("{what:?} was answered without an id"));
            }
            (None, _) => {}
        }
    }

    /// Whether the end of a handle, or of all, matters.
    fn concerns(&self, handle: Option<u64>) -> bool {
        let own = [self.visit.own, self.visit.watching];
        !self.visit.is_leaving && (handle.is_none() || own.contains(&handle))
    }

    /// Takes what the room says.
    fn take_news(
        &mut self,
        now: Instant,
        what: Option<Asked>,
        news: &Room,
        jsep: Option<Jsep>,
        site: &mut Site,
    ) {
        if let Some(code) = news.error_code {
            let reason = news.error.as_deref().unwrap_or_default();
            self.refused(what, code, reason, site);
            return;
        }
        self.take_changes(now, news, site);
        match news.videoroom.as_str() {
            "created" if what == Some(Asked::Room) => self.join_room(site),
            "joined" => match what {
                Some(Asked::Census(handle)) => self.counted(now, handle, news, site),
                Some(_) if !self.visit.is_in => self.joined(news, site),
                _ => {}
            },
            // Another offer is still to be answered; this one follows.
            "updating" => self.visit.awaits_offer = true,
            "attached" | "updated" => self.subscribed(now, news, jsep.as_ref(), site),
            "destroyed" if !self.visit.is_leaving => site.fail("removed", "the room is destroyed"),
            _ if what == Some(Asked::Publish) => Self::published(jsep.as_ref(), site),
            _ => {}
        }
        if what == Some(Asked::Start) {
            self.visit.vain_attempts = 0;
        }
        // After an attempt in vain the next one waits for the clock.
        if what != Some(Asked::Subscribe) {
            self.watch(site);
        }
    }

    fn joined(&mut self, news: &Room, site: &mut Site) {
        self.visit.is_in = true;
        self.visit.attempts = 0;
        self.visit.private_id = news.private_id;
        self.publish(site);
    }

    fn publish(&mut self, site: &mut Site) {
        let publish: Vec<TrackOffer> = site.sending.iter().map(track_offer).collect();
        let (Some(own), false) = (self.visit.own, publish.is_empty()) else {
            return;
        };
        let Some(peer) = site.peers.first_mut() else {
            return;
        };
        let changes = OfferChanges {
            publish: &publish,
            ..OfferChanges::default()
        };
        match peer.session.offer(&changes) {
            Ok((sdp, mids)) => {
                for (track, mid) in site.sending.iter_mut().zip(mids) {
                    track.mid = Some(mid);
                }
                let body = serde_json::json!({"request": "publish"});
                let request = message::with_description(own, &body, "offer", &sdp);
                self.ask(Asked::Publish, request, site);
            }
            Err(error) => site.fail("join-failed", error.to_string()),
        }
    }

    fn published(jsep: Option<&Jsep>, site: &mut Site) {
        let (Some(jsep), Some(peer)) = (jsep, site.peers.first_mut()) else {
            site.fail("nonsense", "an offer was answered without a description");
            return;
        };
        if let Err(error) = peer.session.accept_answer(&jsep.sdp) {
            site.fail("nonsense", format!("the answer cannot be used: {error}"));
        }
    }

    fn take_candidate(&self, incoming: &Incoming, site: &mut Site) {
        let is_watching = incoming.sender.is_some() && incoming.sender == self.visit.watching;
        let peer = if is_watching {
            watching_peer(&site.part)
        } else {
            0
        };
        let candidate = incoming
            .candidate
            .as_ref()
            .map(|one| one.candidate.as_str());
        let candidate = candidate.filter(|text| !text.is_empty());
        if let (Some(candidate), Some(peer)) = (candidate, site.peers.get_mut(peer)) {
            // One that cannot be used, such as TCP, is no fault.
            let _ = peer.session.add_candidate(candidate);
        }
    }

    fn refused(&mut self, what: Option<Asked>, code: u32, reason: &str, site: &mut Site) {
        let told = format!("{reason} ({code})");
        match (what, code) {
            (Some(Asked::Join), NO_SUCH_ROOM) if self.visit.attempts < MAX_ATTEMPTS => {
                self.visit.attempts += 1;
                let body = self.make_room.clone();
                self.ask_room(Asked::Room, &body, site);
            }
            (Some(Asked::Room), ROOM_EXISTS) => self.join_room(site),
            (Some(Asked::Subscribe), NO_SUCH_FEED) => self.count_in_vain(&told, site),
            (Some(Asked::Configure), _) => site.complain("refused", told),
            (Some(Asked::Claim), _) => Self::not_claimed(&told, site),
            (Some(_), _) if !self.visit.is_in => site.fail("join-failed", told),
            (Some(what), _) => site.fail("refused", format!("{what:?}: {told}")),
            (None, _) => {}
        }
    }

    fn opened(&mut self, site: &mut Site) {
        if self.visit.session.is_some() {
            self.ask(Asked::Claim, message::claim(), site);
        } else {
            self.visit.is_open = true;
            self.ask(Asked::Session, message::make_session(), site);
        }
    }

    fn keep_alive(&mut self, now: Instant, site: &mut Site) {
        let since = self.visit.alive_at.get_or_insert(now);
        if self.visit.session.is_some() && now - *since >= KEEP_ALIVE {
            *since = now;
            self.tell(message::keep_alive(), site);
        }
    }
}

impl Adapter for Janus {
    fn join(&mut self, _now: Instant, site: &mut Site) {
        let encodings = &site.plan.scenario.video.encodings;
        self.visit = Visit {
            viewing: Viewing::new(site.part.publisher, encodings),
            ..Visit::default()
        };
        self.open(Duration::ZERO, site);
    }

    fn hear(&mut self, now: Instant, heard: Heard, site: &mut Site) {
        match heard {
            Heard::Opened => self.opened(site),
            Heard::Frame(Frame::Text(text)) => match serde_json::from_str(&text) {
                Ok(incoming) => self.take(now, incoming, site),
                Err(error) => site.fail("nonsense", format!("a frame cannot be read: {error}")),
            },
            Heard::Frame(Frame::Binary(_)) => {
                site.fail("nonsense", "a binary frame, where Janus sends text");
            }
            Heard::Refused(why) | Heard::Closed(why) => self.lose(why, site),
            Heard::Answer { .. } => {}
        }
    }

    fn show(&mut self, now: Instant, window: &[(u16, Option<Tile>)], site: &mut Site) {
        self.visit.viewing.turn_to(window);
        if self.visit.is_open {
            self.keep_alive(now, site);
            self.check_progress(now, site);
            self.watch(site);
        }
    }

    fn reconnect(&mut self, _now: Instant, site: &mut Site) {
        if self.visit.is_in {
            self.visit.is_open = false;
            self.open(Duration::ZERO, site);
        }
    }

    fn leave(&mut self, _now: Instant, site: &mut Site) {
        self.visit.is_leaving = true;
        if self.visit.session.is_some() {
            // Its handles leave the room with it.
            self.tell(message::end_session(), site);
        }
        site.wire(Wire::Close);
    }
}

/// A room's number, from its name (FNV-1a): JavaScript, too, must be able to write it down.
fn room_id(name: &str) -> u64 {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash & ((1 << 53) - 1)).max(1)
}
