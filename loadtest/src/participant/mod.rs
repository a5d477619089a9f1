//! One synthetic participant, sans-IO: signalling, sessions, tracks to send, subscriptions.
//!
//! Whoever drives it hands in what arrives and the time, and takes operations for its signalling
//! ([`Participant::poll_wire`]) and datagrams ([`Participant::batches`]).

mod sending;
mod site;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message as _;
use proto::codec::MediaKind;
use proto::media::{MediaPacket, SendBatch};
use proto::session::{Event, Output, Received, SessionConfig};
use proto::signal::messages::{DataPacket, data_packet};

pub use sending::{Material, RIDS, Sending};
pub use site::{Carried, Complaint, Peer, Site};

use crate::adapter::{Adapter, Heard, Wire};
use crate::report::SubscriptionSummary;
use crate::scenario::bars::OUT_OF_STEP;
use crate::scenario::plan::{Plan, Turn};
use crate::verify::{Judge, Subscription, track_name};

/// A participant that has not come in by then has failed to join. SDKs give up after 15 s.
const JOIN_DEADLINE: Duration = Duration::from_secs(15);
/// After a session was closed, for signalling to say why.
const LAST_WORD: Duration = Duration::from_secs(1);
/// Something that should come and has not by then is silent.
const SILENT_AFTER: Duration = Duration::from_secs(5);
/// Sound and picture further apart than this are out of step: people notice from 45 ms (sound
/// first) and 125 ms (picture first) on (ITU-R BT.1359).
const STEP_TOLERANCE: Duration = Duration::from_millis(100);
/// Messages of one look.
const MAX_MESSAGES: usize = 1_000;

/// See the module.
#[derive(Debug)]
pub struct Participant {
    site: Site,
    adapter: Box<dyn Adapter>,
    presence: Presence,
    /// When the server closed a session of it without a word so far.
    closed_at: Option<Instant>,
    next_turn: usize,
    compared_at: Instant,
    next_message: Option<Instant>,
    message: u32,
    heard_messages: HashMap<u32, u32>,
    summaries: Vec<SubscriptionSummary>,
}

/// Whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// Not yet, or not at present.
    Away,
    /// Since when it tries to come in.
    Joining(Instant),
    /// Since when it is there.
    Here(Instant),
    /// It could not go on.
    Failed,
}

impl Participant {
    /// The `number`-th of a plan, which has not joined.
    pub fn new(
        now: Instant,
        number: usize,
        plan: &Arc<Plan>,
        config: &SessionConfig,
        material: &Arc<Material>,
        adapter: Box<dyn Adapter>,
    ) -> Self {
        let site = Site::new(
            number,
            Arc::clone(plan),
            config.clone(),
            Arc::clone(material),
        );
        Self {
            site,
            adapter,
            presence: Presence::Away,
            closed_at: None,
            next_turn: 0,
            compared_at: now,
            next_message: None,
            message: 0,
            heard_messages: HashMap::new(),
            summaries: Vec::new(),
        }
    }

    /// Whether it carries media.
    pub fn is_here(&self) -> bool {
        matches!(self.presence, Presence::Here(_))
    }

    /// When a session must be woken at the latest.
    pub fn deadline(&self, peer: usize) -> Option<Instant> {
        if matches!(self.presence, Presence::Away | Presence::Failed) {
            return None;
        }
        self.site.peers.get(peer).map(|peer| peer.deadline)
    }

    /// When a frame is to be sent.
    pub fn media_due(&self) -> Option<Instant> {
        self.site.sending.iter().filter_map(Sending::due).min()
    }

    /// Takes an operation for its signalling.
    pub fn poll_wire(&mut self) -> Option<Wire> {
        self.site.poll_wire()
    }

    /// Datagrams to send, of each of its sessions. Clear them then.
    pub fn batches(&mut self) -> impl Iterator<Item = &mut SendBatch> {
        self.site.peers.iter_mut().map(|peer| &mut peer.batch)
    }

    /// Its next change of presence, and when: at first to join.
    pub fn next_turn(&self) -> Option<(Duration, Turn)> {
        match self.next_turn.checked_sub(1) {
            None => Some((self.site.part.join_at, Turn::Return)),
            Some(index) => self.site.part.turns.get(index).copied(),
        }
    }

    /// Sessions at these addresses are its own from now on; it begins to join.
    pub fn join(&mut self, judge: &mut Judge<'_>, addresses: &[SocketAddr]) {
        self.next_turn += 1;
        self.presence = Presence::Joining(judge.now);
        self.closed_at = None;
        self.site.renew(judge.now, addresses);
        self.adapter.join(judge.now, &mut self.site);
        self.look_around(judge);
        self.settle(judge);
    }

    /// Could not even begin to join.
    pub fn cannot_join(&mut self, judge: &mut Judge<'_>, why: String) {
        self.next_turn += 1;
        self.presence = Presence::Joining(judge.now);
        self.site.fail("join-failed", why);
        self.note_complaints(judge);
    }

    /// Leaves, for good or for a while.
    pub fn leave(&mut self, judge: &mut Judge<'_>) {
        self.next_turn += 1;
        self.go(judge);
    }

    /// Loses its signalling connection and comes back.
    pub fn reconnect(&mut self, judge: &mut Judge<'_>) {
        self.next_turn += 1;
        if self.is_here() {
            self.adapter.reconnect(judge.now, &mut self.site);
            self.settle(judge);
        }
    }

    /// Takes what its signalling connection brought.
    pub fn hear(&mut self, judge: &mut Judge<'_>, heard: Heard) {
        if matches!(self.presence, Presence::Away | Presence::Failed) {
            return;
        }
        self.adapter.hear(judge.now, heard, &mut self.site);
        self.settle(judge);
    }

    /// Takes a datagram for one of its sessions.
    pub fn handle_datagram(
        &mut self,
        judge: &mut Judge<'_>,
        peer: usize,
        source: SocketAddr,
        datagram: &mut [u8],
    ) {
        let Some(own) = self.site.peers.get_mut(peer) else {
            return;
        };
        let handled = own
            .session
            .handle_datagram(judge.now, source, own.address, datagram);
        match handled {
            Ok(Received::Media(packet)) => self.receive(judge, peer, &packet),
            Ok(Received::Dropped(_) | Received::Nothing) => {}
            Err(error) => self.site.fail("session-failed", error.to_string()),
        }
        self.drain(judge, peer);
        self.note_complaints(judge);
    }

    /// Wakes a session.
    pub fn handle_timeout(&mut self, judge: &mut Judge<'_>, peer: usize) {
        let Some(own) = self.site.peers.get_mut(peer) else {
            return;
        };
        if let Err(error) = own.session.handle_timeout(judge.now, &mut own.batch) {
            self.site.fail("session-failed", error.to_string());
        }
        self.drain(judge, peer);
        self.note_complaints(judge);
    }

    /// Sends the frames that are due.
    pub fn send_media(&mut self, judge: &mut Judge<'_>) {
        let now_us = judge.now_us();
        let mut touched = HashSet::new();
        for track in &mut self.site.sending {
            let Some(peer) = self.site.peers.get_mut(track.peer) else {
                continue;
            };
            let section = track
                .mid
                .as_deref()
                .and_then(|mid| peer.session.section_of(mid));
            let Some(section) = section.filter(|_| peer.session.is_connected()) else {
                continue;
            };
            if track.due().is_none_or(|due| due > judge.now) {
                continue;
            }
            let sent = track.send(judge.now, judge.epoch, section, peer);
            judge.tally.packets_sent += sent.packets;
            judge.tally.bytes_sent += sent.bytes;
            if sent.packets > 0 {
                judge.sources.sends(track.publisher, track.kind, now_us);
                touched.insert(track.peer);
            }
        }
        for peer in 0..self.site.peers.len() {
            if touched.contains(&peer) {
                self.handle_timeout(judge, peer);
            }
        }
    }

    /// Looks after what does not come by itself; several times a second.
    pub fn look(&mut self, judge: &mut Judge<'_>) {
        if let Presence::Joining(since) = self.presence
            && judge.now - since > JOIN_DEADLINE
        {
            let seconds = JOIN_DEADLINE.as_secs();
            self.site
                .fail("join-failed", format!("was not in after {seconds} s"));
        }
        if self.closed_at.is_some_and(|at| judge.now - at > LAST_WORD) {
            self.closed_at = None;
            self.site
                .fail("session-failed", "the server closed the session");
        }
        self.look_around(judge);
        let mut wants_keyframe = Vec::new();
        for (slot, subscription) in &mut self.site.subscriptions {
            if subscription.look(judge) {
                wants_keyframe.push(slot);
            }
        }
        for slot in wants_keyframe {
            if let Some((peer, section)) = self.site.place_of(slot) {
                self.site.peers[peer]
                    .session
                    .request_keyframe(section, None);
            }
        }
        if judge.now - self.compared_at >= Duration::from_secs(1) {
            self.compared_at = judge.now;
            self.compare_sound_with_picture(judge);
        }
        self.talk(judge);
        self.settle(judge);
    }

    /// Subscriptions that have carried something within the last second.
    pub fn live(&self, now: Instant) -> usize {
        let all = self.site.subscriptions.iter();
        all.filter(|(_, subscription)| subscription.is_live(now))
            .count()
    }

    /// Subscriptions whose streams may be decoded.
    pub fn sampled(&mut self) -> impl Iterator<Item = &mut Subscription> {
        self.site
            .subscriptions
            .iter_mut()
            .map(|(_, subscription)| subscription)
            .filter(|subscription| subscription.has_begun())
    }

    /// Ends it. Gives what became of each subscription.
    pub fn finish(&mut self, judge: &mut Judge<'_>) -> Vec<SubscriptionSummary> {
        match self.presence {
            Presence::Here(_) => self.count_silent(judge),
            Presence::Joining(since) if judge.now - since >= Duration::from_secs(1) => {
                let seconds = (judge.now - since).as_secs();
                let why = format!("no connection after {seconds} s, when the run ended");
                self.site.fail("join-failed", why);
                self.note_complaints(judge);
            }
            Presence::Joining(_) | Presence::Away | Presence::Failed => {}
        }
        self.go(judge);
        std::mem::take(&mut self.summaries)
    }

    fn go(&mut self, judge: &mut Judge<'_>) {
        if matches!(self.presence, Presence::Away | Presence::Failed) {
            return;
        }
        self.presence = Presence::Away;
        self.adapter.leave(judge.now, &mut self.site);
        self.site.end_all();
        for peer in 0..self.site.peers.len() {
            self.site.peers[peer].session.close();
            self.handle_timeout(judge, peer);
        }
        self.settle(judge);
        self.site.peers.clear();
        for track in &mut self.site.sending {
            track.reset();
        }
    }

    /// Turns to who speaks now, and lets its own tracks be as loud as that.
    fn look_around(&mut self, judge: &Judge<'_>) {
        let at = judge.now - judge.epoch;
        let plan = Arc::clone(&self.site.plan);
        let part = Arc::clone(&self.site.part);
        let window = plan.window(&part, at);
        for (publisher, tile) in &window {
            let carried = Carried {
                publisher: *publisher,
                kind: MediaKind::Video,
            };
            if self.site.is_shown(carried) != tile.is_some() {
                self.site.set_shown(judge.now, *publisher, tile.is_some());
            }
        }
        self.adapter.show(judge.now, &window, &mut self.site);
        let publishers = plan.publishers_of(part.room);
        let place = publishers
            .iter()
            .position(|one| Some(one.number) == part.publisher);
        let speaks = place.is_some_and(|place| plan.speaks(part.room, place, at));
        for track in &mut self.site.sending {
            track.speaks = speaks;
        }
    }

    /// Does what a change may have made necessary.
    fn settle(&mut self, judge: &mut Judge<'_>) {
        self.begin_tracks(judge);
        for peer in 0..self.site.peers.len() {
            self.handle_timeout(judge, peer);
        }
        self.come_in(judge);
        self.sum_up(judge);
        judge.tally.reconnects += std::mem::take(&mut self.site.returned);
        self.note_complaints(judge);
    }

    /// Sums up the subscriptions that have ended.
    fn sum_up(&mut self, judge: &mut Judge<'_>) {
        for mut ended in std::mem::take(&mut self.site.ended) {
            let summary = ended.finish(judge);
            self.summaries.push(summary);
        }
    }

    /// Tracks that have a section now begin, each at a moment of its own within a frame.
    fn begin_tracks(&mut self, judge: &Judge<'_>) {
        for track in &mut self.site.sending {
            let Some(peer) = self.site.peers.get(track.peer) else {
                continue;
            };
            let section = track
                .mid
                .as_deref()
                .and_then(|mid| peer.session.section_of(mid));
            if track.due().is_none() && section.is_some() && peer.session.is_connected() {
                let phase = u64::from(track.publisher) * 7_919 % 33_000;
                track.begin(judge.now + Duration::from_micros(phase));
                let now_us = judge.now_us();
                judge.sources.begins(track.publisher, track.kind, now_us);
            }
        }
    }

    fn drain(&mut self, judge: &mut Judge<'_>, peer: usize) {
        loop {
            let Some(own) = self.site.peers.get_mut(peer) else {
                return;
            };
            match own.session.poll(judge.now, &mut own.batch) {
                Ok(Output::Event(event)) => self.notice(judge, peer, event),
                Ok(Output::Timeout(at)) => {
                    own.deadline = at;
                    return;
                }
                Err(error) => {
                    self.site.fail("session-failed", error.to_string());
                    return;
                }
            }
        }
    }

    fn receive(&mut self, judge: &mut Judge<'_>, peer: usize, packet: &MediaPacket<'_>) {
        let section = packet.section;
        let Some(subscription) = self.site.subscription(peer, section) else {
            return;
        };
        if subscription.handle(judge, packet) {
            self.site.peers[peer]
                .session
                .request_keyframe(section, None);
        }
    }

    fn notice(&mut self, judge: &mut Judge<'_>, peer: usize, event: Event) {
        match event {
            Event::KeyframeRequest { section } => {
                let session = &self.site.peers[peer].session;
                let asked = self.site.sending.iter_mut().find(|track| {
                    let own = track.mid.as_deref().and_then(|mid| session.section_of(mid));
                    track.peer == peer && own == Some(section)
                });
                if let Some(track) = asked {
                    track.request_keyframe();
                }
            }
            Event::Connected => self.come_in(judge),
            Event::PathLost => self
                .site
                .complain("path-lost", "no path to the server works"),
            Event::Data(_, bytes) => self.hear_message(judge, &bytes),
            Event::Closed => self.closed(judge.now, peer),
            Event::PathRestored
            | Event::Broken { .. }
            | Event::Estimate(_)
            | Event::ChannelOpen(_)
            | Event::ChannelWritable(_)
            | Event::Stats(_) => {}
        }
    }

    fn closed(&mut self, now: Instant, peer: usize) {
        if matches!(self.presence, Presence::Away | Presence::Failed) {
            return;
        }
        if !self.adapter.closed(now, peer, &mut self.site) && self.is_here() {
            // Why is told by signalling, which may be slower.
            self.closed_at = Some(now);
        }
    }

    /// Is there, once every session it waits for is up.
    fn come_in(&mut self, judge: &mut Judge<'_>) {
        let Presence::Joining(since) = self.presence else {
            return;
        };
        let is_missing = |peer: &Peer| peer.is_awaited && !peer.session.is_connected();
        if self.site.peers.iter().any(is_missing) {
            return;
        }
        self.presence = Presence::Here(judge.now);
        judge.tally.joined += 1;
        judge
            .tally
            .join
            .record((judge.now - since).as_micros() as u64);
        if self.next_turn > 1 {
            judge.tally.reconnects += 1;
        }
    }

    /// Sends its share of the room's messages.
    fn talk(&mut self, judge: &mut Judge<'_>) {
        let data = &self.site.plan.scenario.data;
        if data.per_second <= 0.0 || !self.is_here() {
            return;
        }
        let in_room = self
            .site
            .plan
            .scenario
            .groups
            .iter()
            .map(|group| group.count);
        let interval = in_room.sum::<usize>() as f64 / data.per_second;
        let due = *self.next_message.get_or_insert(judge.now);
        if due > judge.now {
            return;
        }
        self.next_message = Some(judge.now + Duration::from_secs_f64(interval));
        let (bytes, reliable) = (data.bytes, data.reliable);
        let mut message = Vec::with_capacity(bytes);
        message.extend(MESSAGE_MAGIC);
        message.extend(hash(self.site.name()).to_be_bytes());
        message.extend((self.message + 1).to_be_bytes());
        message.resize(bytes, b'.');
        if self.adapter.say(&message, reliable, &mut self.site) {
            self.message += 1;
            judge.tally.messages_sent += 1;
        }
    }

    /// Takes a message; of reliable ones none may be missing.
    fn hear_message(&mut self, judge: &mut Judge<'_>, bytes: &[u8]) {
        let Ok(packet) = DataPacket::decode(bytes) else {
            self.site
                .complain("nonsense", "a data message cannot be read");
            return;
        };
        let Some(data_packet::Value::User(user)) = packet.value else {
            return;
        };
        let Some((sender, number)) = read_message(&user.payload) else {
            return;
        };
        judge.tally.messages_received += 1;
        if self.heard_messages.len() < MAX_MESSAGES || self.heard_messages.contains_key(&sender) {
            let before = self.heard_messages.insert(sender, number);
            let is_reliable = self.site.plan.scenario.data.reliable;
            if is_reliable && before.is_some_and(|before| number != before + 1 && number > 1) {
                let who = packet.participant_identity;
                self.site.complain(
                    "message-lost",
                    format!("message {number} of {who} does not follow the last one heard"),
                );
            }
        }
    }

    fn compare_sound_with_picture(&mut self, judge: &mut Judge<'_>) {
        let mut recent: BTreeMap<u16, [Option<crate::verify::Recent>; 2]> = BTreeMap::new();
        for (_, subscription) in &mut self.site.subscriptions {
            let (number, kind) = (subscription.who().number, subscription.who().kind);
            let pair = recent.entry(number).or_default();
            pair[usize::from(kind == MediaKind::Video)] = subscription.take_recent();
        }
        let mut apart = Vec::new();
        for (number, pair) in &recent {
            let [Some(sound), Some(picture)] = pair else {
                continue;
            };
            if let (Some(sound), Some(picture)) = (sound.clock_error_us, picture.clock_error_us) {
                judge.tally.lip_sync.record(sound.abs_diff(picture));
            }
            let late_us = sound.latency_us - picture.latency_us;
            if late_us.unsigned_abs() > STEP_TOLERANCE.as_micros() as u64 {
                apart.push((*number, late_us / 1_000));
            }
        }
        let publishers = self.site.plan.publishers_of(self.site.part.room);
        for (number, late_ms) in apart {
            let publisher = publishers.iter().find(|one| one.number == number);
            let track = publisher.map(|one| one.identity.clone());
            let (first, second) = if late_ms > 0 {
                ("sound", "picture")
            } else {
                ("picture", "sound")
            };
            let what = format!("{first} comes {} ms after {second}", late_ms.abs());
            judge.find_of(self.site.name(), track, OUT_OF_STEP, what);
        }
    }

    /// Counts what should have come and never did.
    fn count_silent(&self, judge: &mut Judge<'_>) {
        let Presence::Here(since) = self.presence else {
            return;
        };
        if judge.now - since < SILENT_AFTER {
            return;
        }
        let (plan, part) = (&self.site.plan, &self.site.part);
        let others = plan
            .publishers_of(part.room)
            .iter()
            .filter(|one| Some(one.number) != part.publisher);
        for publisher in others {
            for (kind, has) in [
                (MediaKind::Audio, publisher.audio),
                (MediaKind::Video, publisher.video),
            ] {
                let carried = Carried {
                    publisher: publisher.number,
                    kind,
                };
                if has && self.site.is_shown(carried) && self.is_silent(judge, carried) {
                    judge.tally.silent += 1;
                    let track = Some(track_name(&publisher.identity, kind));
                    let what = "nothing has come of it".to_owned();
                    judge.find_of(self.site.name(), track, "silent", what);
                }
            }
        }
    }

    fn is_silent(&self, judge: &Judge<'_>, carried: Carried) -> bool {
        let now_us = judge.now_us();
        let sources = judge.sources;
        let (publisher, kind) = (carried.publisher, carried.kind);
        let silent_us = SILENT_AFTER.as_micros() as u64;
        let is_sent = sources
            .began_us(publisher, kind)
            .is_some_and(|began| began + silent_us < now_us)
            && sources
                .newest_us(publisher, kind)
                .is_some_and(|newest| newest + 1_000_000 > now_us);
        let own = self.site.subscriptions.iter().find(|(_, subscription)| {
            let who = subscription.who();
            who.number == publisher && who.kind == kind
        });
        let is_heard = own.is_some_and(|(_, subscription)| {
            subscription.has_begun() || judge.now - subscription.wanted_from() < SILENT_AFTER
        });
        is_sent && !is_heard
    }

    fn note_complaints(&mut self, judge: &mut Judge<'_>) {
        if self.site.complaints.is_empty() {
            return;
        }
        for complaint in std::mem::take(&mut self.site.complaints) {
            let Complaint {
                kind,
                what,
                is_fatal,
            } = complaint;
            judge.find_of(self.site.name(), None, kind, what);
            if is_fatal && self.presence != Presence::Failed {
                self.fail(judge);
            }
        }
    }

    fn fail(&mut self, judge: &mut Judge<'_>) {
        match self.presence {
            Presence::Joining(_) => judge.tally.join_failures += 1,
            Presence::Here(_) => judge.tally.disconnects += 1,
            Presence::Away | Presence::Failed => {}
        }
        self.presence = Presence::Failed;
        self.site.end_all();
        self.site.peers.clear();
        self.site.wire(Wire::Close);
        for track in &mut self.site.sending {
            track.reset();
        }
        self.sum_up(judge);
    }
}

/// Begins each of the tester's messages.
const MESSAGE_MAGIC: [u8; 4] = *b"PLda";

/// The sender's mark and the message's number.
fn read_message(payload: &[u8]) -> Option<(u32, u32)> {
    let rest = payload.strip_prefix(&MESSAGE_MAGIC)?;
    let (sender, rest) = rest.split_first_chunk()?;
    let (number, _) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*sender), u32::from_be_bytes(*number)))
}

/// FNV-1a: tells senders apart.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
