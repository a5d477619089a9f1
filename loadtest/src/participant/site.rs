//! What a participant has besides its signalling: sessions, tracks to send, subscriptions.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use proto::codec::MediaKind;
use proto::media::SendBatch;
use proto::session::{IceCredentials, Session, SessionConfig};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use slab::Slab;

use super::sending::{Material, Sending};
use crate::adapter::Wire;
use crate::scenario::plan::{Part, Plan};
use crate::verify::{Subscription, Who};

/// One session of a participant.
#[derive(Debug)]
pub struct Peer {
    /// ICE, DTLS, SRTP and data channels.
    pub session: Session,
    /// Datagrams it wants sent.
    pub batch: SendBatch,
    /// Where it is reached.
    pub address: SocketAddr,
    /// When it must be woken at the latest.
    pub deadline: Instant,
    /// Whether its participant is not in before it is up. A session by which nothing can come yet
    /// is not awaited.
    pub is_awaited: bool,
    /// The subscription each section carries.
    sections: Vec<Option<usize>>,
}

/// What a section carries: whose track.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Carried {
    /// The publisher's number.
    pub publisher: u16,
    /// Pictures or sound.
    pub kind: MediaKind,
}

/// What went wrong, for the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Kind of the finding.
    pub kind: &'static str,
    /// In words.
    pub what: String,
    /// Whether the participant cannot go on.
    pub is_fatal: bool,
}

/// See the module.
#[derive(Debug)]
pub struct Site {
    /// Its part of the plan.
    pub part: Arc<Part>,
    /// The plan.
    pub plan: Arc<Plan>,
    /// Its sessions.
    pub peers: Vec<Peer>,
    /// What it publishes.
    pub sending: Vec<Sending>,
    pub(super) subscriptions: Slab<Subscription>,
    pub(super) ended: Vec<Subscription>,
    pub(super) complaints: Vec<Complaint>,
    pub(super) returned: u64,
    pub(super) messages: Vec<Vec<u8>>,
    wires: VecDeque<Wire>,
    shown: HashMap<u16, bool>,
    config: SessionConfig,
    material: Arc<Material>,
    rng: ChaCha20Rng,
    next_sample_id: u64,
    name: Arc<str>,
}

impl Site {
    pub(super) fn new(
        number: usize,
        plan: Arc<Plan>,
        config: SessionConfig,
        material: Arc<Material>,
    ) -> Self {
        let part = Arc::new(plan.participants[number].clone());
        let rng = ChaCha20Rng::seed_from_u64(plan.seed ^ (number as u64 + 1) << 20);
        Self {
            name: part.identity.as_str().into(),
            part,
            plan,
            peers: Vec::new(),
            sending: Vec::new(),
            subscriptions: Slab::new(),
            ended: Vec::new(),
            complaints: Vec::new(),
            returned: 0,
            messages: Vec::new(),
            wires: VecDeque::new(),
            shown: HashMap::new(),
            config,
            material,
            rng,
            next_sample_id: (number as u64) << 32,
        }
    }

    /// Its identity.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Begins anew: fresh sessions at these addresses, tracks not yet announced.
    pub(super) fn renew(&mut self, now: Instant, addresses: &[SocketAddr]) {
        self.end_all();
        self.peers = addresses
            .iter()
            .map(|address| Peer {
                session: fresh_session(now, *address, &self.config, &mut self.rng),
                batch: SendBatch::default(),
                address: *address,
                deadline: now,
                is_awaited: true,
                sections: Vec::new(),
            })
            .collect();
        if self.sending.is_empty() {
            self.make_tracks();
        }
        for track in &mut self.sending {
            track.reset();
        }
    }

    /// Puts a fresh session in the place of one that is over; what that carried ends.
    pub fn renew_peer(&mut self, now: Instant, peer: usize) {
        self.carry(now, peer, &[]);
        if let Some(own) = self.peers.get_mut(peer) {
            own.session = fresh_session(now, own.address, &self.config, &mut self.rng);
            own.deadline = now;
        }
    }

    fn make_tracks(&mut self) {
        let (part, scenario) = (&self.part, &self.plan.scenario);
        let Some(number) = part.publisher else { return };
        if part.audio {
            let track = Sending::microphone(&part.identity, number, &self.material);
            self.sending.push(track);
        }
        if part.video {
            let track = Sending::camera(&part.identity, number, scenario, &self.material);
            self.sending.push(track);
        }
    }

    /// Random numbers of its own.
    pub fn rng(&mut self) -> &mut ChaCha20Rng {
        &mut self.rng
    }

    /// Puts an operation into the signalling's queue.
    pub fn wire(&mut self, wire: Wire) {
        self.wires.push_back(wire);
    }

    /// Takes the next operation.
    pub fn poll_wire(&mut self) -> Option<Wire> {
        self.wires.pop_front()
    }

    /// Notes something wrong that the participant gets over.
    pub fn complain(&mut self, kind: &'static str, what: impl Into<String>) {
        self.complaints.push(Complaint {
            kind,
            what: what.into(),
            is_fatal: false,
        });
    }

    /// Notes something wrong that ends the participant.
    pub fn fail(&mut self, kind: &'static str, what: impl Into<String>) {
        self.complaints.push(Complaint {
            kind,
            what: what.into(),
            is_fatal: true,
        });
    }

    /// It has come back to its place without leaving.
    pub fn has_returned(&mut self) {
        self.returned += 1;
    }

    /// A message from somebody has arrived.
    pub fn hear_message(&mut self, message: Vec<u8>) {
        self.messages.push(message);
    }

    /// Tells what the sections of a session carry. A subscription whose track is carried on goes
    /// on, in whichever section; one whose track is gone ends.
    pub fn carry(&mut self, now: Instant, peer: usize, sections: &[(usize, Carried)]) {
        let Some(own) = self.peers.get_mut(peer) else {
            return;
        };
        let before = std::mem::take(&mut own.sections);
        let mut kept: HashMap<Carried, usize> = HashMap::new();
        for slot in before.into_iter().flatten() {
            let Some(who) = self.subscriptions.get(slot).map(Subscription::who) else {
                continue;
            };
            let carried = Carried {
                publisher: who.number,
                kind: who.kind,
            };
            if sections.iter().any(|(_, wanted)| *wanted == carried) {
                kept.insert(carried, slot);
            } else if let Some(ended) = self.subscriptions.try_remove(slot) {
                self.ended.push(ended);
            }
        }
        for (section, carried) in sections {
            let slot = match kept.get(carried) {
                Some(slot) => *slot,
                None => self.subscribe(now, *carried),
            };
            let Some(own) = self.peers.get_mut(peer) else {
                return;
            };
            if own.sections.len() <= *section {
                own.sections.resize(*section + 1, None);
            }
            own.sections[*section] = Some(slot);
        }
    }

    fn subscribe(&mut self, now: Instant, carried: Carried) -> usize {
        let publishers = self.plan.publishers_of(self.part.room);
        let publisher = publishers
            .iter()
            .find(|publisher| publisher.number == carried.publisher);
        let who = Who {
            participant: Arc::clone(&self.name),
            publisher: publisher
                .map_or("?", |publisher| &publisher.identity)
                .into(),
            number: carried.publisher,
            kind: carried.kind,
        };
        self.next_sample_id += 1;
        let mut subscription = Subscription::new(now, who, self.next_sample_id);
        if !self.is_shown(carried) {
            subscription.hide(true, now);
        }
        self.subscriptions.insert(subscription)
    }

    /// Whether the window shows a camera; sound is always heard.
    pub fn is_shown(&self, carried: Carried) -> bool {
        carried.kind == MediaKind::Audio
            || self.shown.get(&carried.publisher).copied().unwrap_or(false)
    }

    pub(super) fn set_shown(&mut self, now: Instant, publisher: u16, shown: bool) {
        self.shown.insert(publisher, shown);
        for (_, subscription) in &mut self.subscriptions {
            let who = subscription.who();
            if who.number == publisher && who.kind == MediaKind::Video {
                subscription.hide(!shown, now);
            }
        }
    }

    /// The subscription a section carries.
    pub(super) fn subscription(
        &mut self,
        peer: usize,
        section: usize,
    ) -> Option<&mut Subscription> {
        let slot = *self.peers.get(peer)?.sections.get(section)?;
        self.subscriptions.get_mut(slot?)
    }

    /// The section of a session that carries a subscription.
    pub(super) fn place_of(&self, slot: usize) -> Option<(usize, usize)> {
        self.peers.iter().enumerate().find_map(|(peer, own)| {
            let section = own.sections.iter().position(|own| *own == Some(slot))?;
            Some((peer, section))
        })
    }

    /// Ends all subscriptions.
    pub(super) fn end_all(&mut self) {
        for peer in &mut self.peers {
            peer.sections.clear();
        }
        let slots: Vec<usize> = self.subscriptions.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            if let Some(ended) = self.subscriptions.try_remove(slot) {
                self.ended.push(ended);
            }
        }
    }
}

fn fresh_session(
    now: Instant,
    address: SocketAddr,
    config: &SessionConfig,
    rng: &mut ChaCha20Rng,
) -> Session {
    let config = SessionConfig {
        addresses: vec![address],
        ..config.clone()
    };
    Session::new(now, &config, IceCredentials::random(rng), rng.random())
}

#[cfg(test)]
impl Site {
    /// The site of the `number`-th of a plan, with so many sessions, joining.
    pub(crate) fn on_a_bench(now: Instant, plan: &Arc<Plan>, number: usize, peers: u16) -> Self {
        let config = SessionConfig {
            identity: proto::session::DtlsIdentity::generate().expect("crypto works"),
            addresses: Vec::new(),
            estimates: false,
            wall: proto::media::WallClock::new(now, std::time::Duration::ZERO),
        };
        let mut site = Self::new(number, Arc::clone(plan), config, Arc::default());
        let addresses: Vec<SocketAddr> = (0..peers)
            .map(|peer| SocketAddr::from(([127, 0, 0, 1], 40_000 + peer)))
            .collect();
        site.renew(now, &addresses);
        site
    }

    /// Kinds of what went wrong, and whether that was fatal.
    pub(crate) fn complaints(&self) -> Vec<(&'static str, bool)> {
        let all = self.complaints.iter();
        all.map(|one| (one.kind, one.is_fatal)).collect()
    }

    /// Whose tracks a session carries, by section.
    pub(crate) fn carried(&self, peer: usize) -> Vec<Option<Carried>> {
        let sections = &self.peers[peer].sections;
        let slot = |slot: &Option<usize>| self.subscriptions.get((*slot)?);
        let carried = |subscription: &Subscription| Carried {
            publisher: subscription.who().number,
            kind: subscription.who().kind,
        };
        sections
            .iter()
            .map(|section| slot(section).map(carried))
            .collect()
    }
}
