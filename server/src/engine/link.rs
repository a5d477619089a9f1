//! Rooms that have segments on several workers: what goes over the links between them.
//!
//! Every segment holds the whole room: its own participants with their sessions, and those of the
//! other segments as [`Remote`] ones, whose tracks are published here like any other and whose
//! packets come over the link. Whoever signals something about one of its own participants tells
//! the other segments too.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proto::ids::{Identity, ParticipantSid, RoomName};
use proto::link::{
    Audience, EncodingSet, Frame, LinkBatch, LinkEncoding, LinkPacket, LinkParticipant, LinkTrack,
    LinkTrackId, NewLinkPacket, SegmentId,
};
use proto::media::StreamClock;
use proto::media::ring::NewPacket;
use proto::signal::messages::{
    DisconnectReason, ParticipantInfo, ParticipantUpdate, Room, TrackInfo, TrackSource,
    TrackSubscribed, participant_info::State, signal_response::Message,
};
use router::{
    EncodingInfo, NewParticipant, NewPublication, ParticipantKey, PublicationKey, RoomKey,
};

use super::attend::Attendance;
use super::command::{Output, RoomError};
use super::limits::{MAX_EARLY_HELLOS, MAX_QUEUED_LINK_FRAMES, SEGMENT_LINGER};
use super::room::RoomState;
use super::{DropReason, Engine};

/// A participant of another segment.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) segment: SegmentId,
    /// What others see of it, with its tracks.
    pub(super) info: ParticipantInfo,
    pub(super) hidden: bool,
    /// Whether it is a mix of the others.
    pub(super) is_mix: bool,
    tracks: Vec<(LinkTrackId, PublicationKey)>,
}

impl Engine {
    /// Takes what another segment tells. The batch is empty afterwards.
    pub fn handle_link(&mut self, now: Instant, from: SegmentId, batch: &mut LinkBatch) {
        for frame in batch.frames.drain(..) {
            self.handle_frame(now, from, frame);
        }
        for packet in batch.packets() {
            self.handle_linked_packet(now, from, &packet);
        }
        batch.drop_packets();
        self.handle_router_events(now);
    }

    /// The next batch for another segment.
    pub fn poll_link(&mut self) -> Option<(SegmentId, LinkBatch)> {
        let index = self.links.iter().position(|batch| !batch.is_empty())?;
        let spare = self.spare_batches.pop().unwrap_or_default();
        let batch = std::mem::replace(self.links.get_mut(index)?, spare);
        Some((SegmentId(index as u16), batch))
    }

    /// Takes back a batch the other segment had no room for: its frames wait, its packets are lost.
    pub fn return_link(&mut self, to: SegmentId, mut batch: LinkBatch) {
        let lost = batch.drop_packets();
        self.counters.dropped[DropReason::LinkFull as usize] += lost as u64;
        self.link_to(to).prepend_frames(&mut batch);
        self.spare_batches.push(batch);
    }

    /// Takes an empty batch, for its buffers.
    pub fn recycle(&mut self, mut batch: LinkBatch) {
        if self.spare_batches.len() < 2 * self.links.len() {
            batch.clear();
            self.spare_batches.push(batch);
        }
    }

    pub(super) fn link_to(&mut self, segment: SegmentId) -> &mut LinkBatch {
        let index = segment.index();
        if self.links.len() <= index {
            self.links.resize_with(index + 1, LinkBatch::default);
        }
        &mut self.links[index]
    }

    /// Tells all other segments of a room.
    pub(super) fn tell_links(&mut self, room: RoomKey, frame: impl Fn(&RoomName) -> Frame) {
        let Some(state) = self.rooms.get(&room).filter(|room| !room.links.is_empty()) else {
            return;
        };
        let name = state.name.clone();
        for segment in state.links.clone() {
            self.link_to(segment).frames.push(frame(&name));
        }
    }

    /// Tells all other segments how a participant is by now.
    pub(super) fn tell_links_of(&mut self, key: ParticipantKey) {
        let room = self.router.participant(key).room;
        if self
            .rooms
            .get(&room)
            .is_none_or(|room| room.links.is_empty())
        {
            return;
        }
        if let Some(participant) = self.linked_participant(key) {
            self.tell_links(room, |name| {
                Frame::Participant(name.clone(), Box::new(participant.clone()))
            });
        }
    }

    fn linked_participant(&self, key: ParticipantKey) -> Option<LinkParticipant> {
        let peer = self.peer(key)?;
        let tracks = peer.tracks.published.iter().map(|track| LinkTrack {
            id: track.link,
            sid: self.router.publication(track.key).sid.clone(),
            kind: self.router.publication(track.key).kind,
            screen_share: track.info.source() == TrackSource::ScreenShare,
            audience: Audience::Room,
            encodings: track.encodings.iter().map(link_encoding).collect(),
        });
        Some(LinkParticipant {
            info: self.participant_info(key)?,
            hidden: !peer.is_visible(),
            is_mix: false,
            permission: peer.permission.clone(),
            tracks: tracks.collect(),
        })
    }

    /// Gives the room a segment on another worker, unless it has one. The segment knows of it
    /// before this is answered.
    pub(super) fn extend_room(
        &mut self,
        now: Instant,
        name: &RoomName,
        to: SegmentId,
    ) -> Result<(), RoomError> {
        let key = self.room_key(name)?;
        let info = self.room_info(key);
        let state = self.rooms.get_mut(&key).ok_or(RoomError::RoomNotFound)?;
        // Somebody is about to join there.
        let departure = Duration::from_secs(state.info.departure_timeout.into());
        if let Some(at) = &mut state.closes_at {
            *at = (*at).max(now + departure);
        }
        if state.links.contains(&to) {
            return Ok(());
        }
        let welcome = Frame::Welcome {
            room: Box::new(info),
            segments: state.links.clone(),
        };
        self.link_to(to).frames.push(welcome);
        self.add_link(key, to);
        Ok(())
    }

    /// Links a room to a segment, and tells it who is here.
    fn add_link(&mut self, room: RoomKey, segment: SegmentId) {
        let Some(state) = self.rooms.get_mut(&room) else {
            return;
        };
        if state.links.contains(&segment) {
            return;
        }
        state.links.push(segment);
        let name = state.name.clone();
        for key in self.router.room(room).participants().to_vec() {
            let Some(participant) = self.linked_participant(key) else {
                continue;
            };
            let tracks = self
                .peer(key)
                .map_or(&[][..], |peer| &peer.tracks.published);
            let linked: Vec<_> = tracks.iter().map(|track| (track.link, track.key)).collect();
            let frame = Frame::Participant(name.clone(), Box::new(participant));
            self.link_to(segment).frames.push(frame);
            for (id, publication) in linked {
                self.router.link(publication, segment);
                let rates = self.router.publication(publication).rates();
                self.link_to(segment).frames.push(Frame::Rates(id, rates));
            }
        }
    }

    /// Offers a track that has just been published to the room's other segments.
    pub(super) fn link_publication(&mut self, publication: PublicationKey) {
        let publisher = self.router.publication(publication).publisher;
        let room = self.router.participant(publisher).room;
        let Some(state) = self.rooms.get(&room) else {
            return;
        };
        for segment in &state.links {
            self.router.link(publication, *segment);
        }
    }

    /// Puts a packet into the batches of the segments that want its encoding.
    pub(super) fn link_packet(
        &mut self,
        publication: PublicationKey,
        encoding: usize,
        keyframe: bool,
        clock: Option<StreamClock>,
        packet: &NewPacket<'_>,
    ) {
        let links = &mut self.links;
        for segment in self.router.links_of(publication, encoding) {
            let Some(batch) = links.get_mut(segment.index()) else {
                continue;
            };
            let publisher = self.router.publication(publication).publisher;
            let peer = self.peers.get(publisher.index()).and_then(Option::as_ref);
            let track = peer.and_then(|peer| peer.tracks.by_key(publication));
            let Some(track) = track.map(|track| track.link) else {
                continue;
            };
            batch.push(&NewLinkPacket {
                track,
                encoding,
                keyframe,
                clock,
                packet,
            });
            self.counters.packets_linked += 1;
        }
    }

    fn handle_linked_packet(&mut self, now: Instant, from: SegmentId, packet: &LinkPacket<'_>) {
        let Some(&publication) = self.remote_tracks.get(&(from, packet.track)) else {
            return self.counters.drop(DropReason::NoPublication);
        };
        let encoding = packet.encoding;
        self.forward(
            now,
            publication,
            encoding,
            packet.keyframe,
            packet.clock,
            &packet.packet,
        );
    }

    fn handle_frame(&mut self, now: Instant, from: SegmentId, frame: Frame) {
        match frame {
            Frame::Welcome { room, segments } => self.handle_welcome(now, from, *room, &segments),
            Frame::Hello(name) => match self.room_key(&name) {
                Ok(room) => self.add_link(room, from),
                Err(_) => self.remember_hello(name, from),
            },
            Frame::Bye(name) => {
                if let Ok(room) = self.room_key(&name) {
                    self.remove_link(now, room, from);
                }
            }
            Frame::Close(name) => {
                if let Ok(room) = self.room_key(&name) {
                    self.end_room(now, room, DisconnectReason::RoomDeleted);
                }
            }
            Frame::Participant(name, participant) => {
                if let Ok(room) = self.room_key(&name) {
                    self.handle_remote(now, room, from, *participant);
                }
            }
            Frame::Left(name, info) => {
                if let Some((room, key)) = self.remote_by_sid(&name, &info.sid) {
                    self.forget_remote(now, room, key, Some(*info));
                }
            }
            Frame::End {
                room,
                participant,
                reason,
            } => {
                let present = self.participant_by_sid(&room, &participant);
                if let Some(key) = present.filter(|key| self.peer(*key).is_some()) {
                    self.end_stay(now, key, reason);
                }
            }
            Frame::Signal(name, message) => {
                if let Ok(room) = self.room_key(&name) {
                    self.send_encoded(room, None, &message);
                }
            }
            Frame::Data {
                room,
                channel,
                destinations,
                packet,
            } => {
                if let Ok(room) = self.room_key(&room) {
                    let packet = packet.as_ref().into();
                    self.deliver_data(now, room, None, channel, &destinations, &packet);
                }
            }
            Frame::Recording(name, is_recorded) => {
                if let Ok(room) = self.room_key(&name) {
                    self.set_recording(room, is_recorded);
                }
            }
            Frame::Subscribed(id) => self.handle_remote_subscription(id),
            Frame::Wanted(id, highest) => {
                if let Some(&publication) = self.own_tracks.get(&id) {
                    self.router.set_link_wanted(now, publication, from, highest);
                }
            }
            Frame::Crossing(id, encodings) => {
                if let Some(&publication) = self.own_tracks.get(&id) {
                    self.router.set_crossing(publication, from, encodings);
                }
            }
            Frame::KeyframeWanted(id, encoding) => {
                if let Some(&publication) = self.own_tracks.get(&id) {
                    self.router.want_keyframe(now, publication, encoding);
                }
            }
            Frame::Rates(id, rates) => {
                if let Some(&publication) = self.remote_tracks.get(&(from, id)) {
                    self.router.set_rates(now, publication, rates);
                }
            }
        }
    }

    fn handle_welcome(
        &mut self,
        now: Instant,
        home: SegmentId,
        info: Room,
        segments: &[SegmentId],
    ) {
        let Ok(name) = RoomName::new(&info.name) else {
            return;
        };
        if self.shutting_down {
            return self.link_to(home).frames.push(Frame::Bye(name));
        }
        if let Ok(stale) = self.room_key(&name) {
            // Its home has closed it and opened it again before the news came.
            self.end_room(now, stale, DisconnectReason::RoomDeleted);
        }
        let key = self.router.create_room();
        let state = RoomState {
            name: name.clone(),
            info,
            closes_at: Some(now + SEGMENT_LINGER),
            is_stale: false,
            home,
            links: vec![home],
            attendance: Attendance::default(),
        };
        self.rooms.insert(key, state);
        self.room_names.insert(name.clone(), key);
        tracing::debug!(room = %name, ?home, "segment opened");
        let own = self.config.segment;
        for segment in segments.iter().filter(|other| **other != own) {
            self.link_to(*segment)
                .frames
                .push(Frame::Hello(name.clone()));
            self.add_link(key, *segment);
        }
        let early = std::mem::take(&mut self.early_hellos);
        for (room, from) in early {
            match room == name {
                true => self.add_link(key, from),
                false => self.early_hellos.push_back((room, from)),
            }
        }
    }

    /// A segment has heard of this one sooner than this one of the room.
    fn remember_hello(&mut self, room: RoomName, from: SegmentId) {
        if self.early_hellos.len() == MAX_EARLY_HELLOS {
            self.early_hellos.pop_front();
        }
        self.early_hellos.push_back((room, from));
    }

    fn handle_remote(
        &mut self,
        now: Instant,
        room: RoomKey,
        from: SegmentId,
        participant: LinkParticipant,
    ) {
        let is_linked = |state: &RoomState| state.links.contains(&from);
        let (Some(sid), Ok(identity)) = (
            ParticipantSid::parse(&participant.info.sid),
            Identity::new(&participant.info.identity),
        ) else {
            return;
        };
        let Some(state) = self.rooms.get_mut(&room).filter(|state| is_linked(state)) else {
            return;
        };
        state.is_stale = true;
        if state.home == self.config.segment && !participant.is_mix {
            state.closes_at = None;
        }
        let name = state.name.clone();
        let key = match self.participant_by_sid(&name, &sid) {
            Some(key) => key,
            None => {
                self.settle_identity(now, &name, from, &identity, &sid, &participant);
                let new = NewParticipant {
                    identity,
                    sid,
                    // Its subscriptions are its own segment's.
                    may_subscribe: false,
                    auto_subscribe: false,
                };
                self.router.join(room, new)
            }
        };
        if self.peer(key).is_some() {
            return;
        }
        let before = self.remotes.remove(&key);
        let is_new = before.is_none();
        let was_active = before
            .as_ref()
            .is_some_and(|remote| remote.info.state() == State::Active);
        let mut tracks = before.map(|remote| remote.tracks).unwrap_or_default();
        let mut served = Vec::new();
        tracks.retain(|(id, publication)| {
            let stays = participant.tracks.iter().any(|track| track.id == *id);
            if !stays {
                served.extend(self.only_receiver(*publication));
                self.unpublish_remote(now, (from, *id), *publication);
            }
            stays
        });
        let mut published = Vec::new();
        for track in &participant.tracks {
            if tracks.iter().all(|(id, _)| *id != track.id)
                && let Ok(publication) = self.router.publish(key, remote_publication(track))
            {
                self.remote_tracks.insert((from, track.id), publication);
                tracks.push((track.id, publication));
                published.push(publication);
                served.extend(self.only_receiver(publication));
            }
        }
        let info = participant.info;
        let becomes_active = !was_active && info.state() == State::Active;
        let remote = Remote {
            segment: from,
            info: info.clone(),
            hidden: participant.hidden,
            is_mix: participant.is_mix,
            tracks,
        };
        self.remotes.insert(key, remote);
        if is_new {
            self.note_arrival(room, key);
        }
        if !participant.hidden {
            self.show_to_room(room, key, &info);
        }
        if let Some(permission) = &participant.permission {
            self.apply_permission(now, key, permission);
        }
        for publication in published {
            self.offer_to_room(now, publication);
        }
        self.serve(now, room, &served);
        if becomes_active {
            self.forget_told_quality(room);
        }
    }

    /// Whom alone a track is for.
    fn only_receiver(&self, publication: PublicationKey) -> Option<Identity> {
        match &self.router.publication(publication).audience {
            Audience::One(identity) => Some(identity.clone()),
            Audience::Room | Audience::Asking | Audience::Chosen => None,
        }
    }

    /// Begins and ends subscriptions of those who have got a track of their own, or lost it.
    fn serve(&mut self, now: Instant, room: RoomKey, served: &[Identity]) {
        for key in self.router.room(room).participants().to_vec() {
            if served.contains(&self.router.participant(key).identity) {
                let before = self.received_by(key);
                self.subscribe_to_room(now, key);
                let after = self.received_by(key);
                self.show_room_anew(key, before.difference(&after));
            }
        }
    }

    /// The tracks that a participant is subscribed to.
    fn received_by(&self, key: ParticipantKey) -> BTreeSet<PublicationKey> {
        let subscriptions = self.router.participant(key).subscriptions().iter();
        subscriptions
            .map(|key| self.router.subscription(*key).publication)
            .collect()
    }

    /// Shows a participant the others as it is to see them now, and before that for a moment without
    /// the tracks it gets no more: not every SDK takes another word for it that a subscription has ended.
    fn show_room_anew<'a>(
        &mut self,
        key: ParticipantKey,
        ended: impl Iterator<Item = &'a PublicationKey>,
    ) {
        let sid_of = |key: &PublicationKey| self.router.publication(*key).sid.to_string();
        let ended: Vec<_> = ended.map(sid_of).collect();
        let participants = self.others(key);
        let mut without = participants.clone();
        for info in &mut without {
            info.tracks.retain(|track| !ended.contains(&track.sid));
        }
        for participants in [without, participants] {
            self.send(key, Message::Update(ParticipantUpdate { participants }));
        }
    }

    /// Somebody has joined in two segments at once: the later one stays.
    fn settle_identity(
        &mut self,
        now: Instant,
        room: &RoomName,
        from: SegmentId,
        identity: &Identity,
        sid: &ParticipantSid,
        participant: &LinkParticipant,
    ) {
        let Some(own) = self.participant_by_identity(room, identity) else {
            return;
        };
        let Some(peer) = self.peer(own) else { return };
        let age = |info: &ParticipantInfo| (info.joined_at_ms, info.sid.clone());
        let reason = DisconnectReason::DuplicateIdentity;
        if !participant.is_mix && age(&peer.info) < age(&participant.info) {
            self.end_stay(now, own, reason);
        } else {
            self.link_to(from).frames.push(Frame::End {
                room: room.clone(),
                participant: sid.clone(),
                reason,
            });
        }
    }

    fn unpublish_remote(
        &mut self,
        now: Instant,
        id: (SegmentId, LinkTrackId),
        publication: PublicationKey,
    ) {
        self.remote_tracks.remove(&id);
        for subscription in self.router.unpublish(publication) {
            self.handle_ended(now, subscription);
        }
    }

    /// Lets a participant of another segment go. `info` is the last that others see of it.
    fn forget_remote(
        &mut self,
        now: Instant,
        room: RoomKey,
        key: ParticipantKey,
        info: Option<ParticipantInfo>,
    ) {
        let Some(remote) = self.remotes.remove(&key) else {
            return;
        };
        let mut served = Vec::new();
        for (id, publication) in &remote.tracks {
            self.remote_tracks.remove(&(remote.segment, *id));
            served.extend(self.only_receiver(*publication));
        }
        let ended = self.router.leave(key);
        if !remote.hidden {
            let mut last = info.unwrap_or(remote.info);
            last.state = State::Disconnected.into();
            let participants = vec![last];
            let update = Message::Update(ParticipantUpdate { participants });
            self.send_to_room(room, None, update);
        }
        for subscription in ended.subscriptions {
            self.handle_ended(now, subscription);
        }
        self.serve(now, room, &served);
        self.note_departure(now, room);
    }

    /// A segment of the room has gone, and everyone there.
    fn remove_link(&mut self, now: Instant, room: RoomKey, segment: SegmentId) {
        for key in self.router.room(room).participants().to_vec() {
            let is_there = |remote: &Remote| remote.segment == segment;
            if self.remotes.get(&key).is_some_and(is_there) {
                self.forget_remote(now, room, key, None);
            }
        }
        self.router.unlink(room, segment);
        if let Some(state) = self.rooms.get_mut(&room) {
            state.links.retain(|own| *own != segment);
        }
    }

    /// Says goodbye to the other segments of a room that is being closed here, and forgets their
    /// participants.
    pub(super) fn leave_links(&mut self, room: RoomKey) {
        let Some(state) = self.rooms.get_mut(&room) else {
            return;
        };
        let name = state.name.clone();
        let is_home = state.home == self.config.segment;
        for segment in std::mem::take(&mut state.links) {
            let goodbye = match is_home {
                true => Frame::Close(name.clone()),
                false => Frame::Bye(name.clone()),
            };
            self.link_to(segment).frames.push(goodbye);
        }
        for key in self.router.room(room).participants().to_vec() {
            if let Some(remote) = self.remotes.remove(&key) {
                for (id, _) in &remote.tracks {
                    self.remote_tracks.remove(&(remote.segment, *id));
                }
                self.router.leave(key);
            }
        }
    }

    /// Whether a participant is a mix of the others.
    pub(super) fn is_mix(&self, key: ParticipantKey) -> bool {
        self.remotes.get(&key).is_some_and(|remote| remote.is_mix)
    }

    /// When a room has become empty, or its segment here, it closes after a while.
    pub(super) fn note_departure(&mut self, now: Instant, room: RoomKey) {
        let present = self.router.room(room).participants();
        let here = present
            .iter()
            .filter(|key| self.peer(**key).is_some())
            .count();
        let is_empty = self.present_count(room) == 0;
        let own = self.config.segment;
        let Some(state) = self.rooms.get_mut(&room) else {
            return;
        };
        state.is_stale = true;
        let departure = Duration::from_secs(state.info.departure_timeout.into());
        if state.home == own && is_empty {
            state.closes_at = Some(now + departure);
        } else if state.home != own && here == 0 {
            state.closes_at = Some(now + SEGMENT_LINGER);
        }
        self.note_attendance(room);
    }

    /// Tells whoever places rooms how many participants of one are here.
    pub(super) fn tell_presence(&mut self, room: RoomKey) {
        let present = self.router.room(room).participants();
        let here = present
            .iter()
            .filter(|key| self.peer(**key).is_some())
            .count();
        if let Some(state) = self.rooms.get(&room) {
            self.outputs
                .push_back(Output::Present(state.name.clone(), here));
        }
    }

    fn handle_remote_subscription(&mut self, id: LinkTrackId) {
        let Some(&publication) = self.own_tracks.get(&id) else {
            return;
        };
        let entry = self.router.publication(publication);
        if entry.subscriptions().is_empty() {
            let (publisher, track_sid) = (entry.publisher, entry.sid.to_string());
            self.send(
                publisher,
                Message::TrackSubscribed(TrackSubscribed { track_sid }),
            );
        }
    }

    /// Where a remote publication is published, and its name on the link from there.
    pub(super) fn origin_of(
        &self,
        publication: PublicationKey,
    ) -> Option<(SegmentId, LinkTrackId)> {
        let publisher = self.router.publication(publication).publisher;
        let remote = self.remotes.get(&publisher)?;
        let track = remote.tracks.iter().find(|(_, key)| *key == publication)?;
        Some((remote.segment, track.0))
    }

    /// Asks the segment where a remote publication is published. Returns whether it is remote.
    pub(super) fn tell_origin(
        &mut self,
        publication: PublicationKey,
        frame: impl FnOnce(LinkTrackId) -> Frame,
    ) -> bool {
        let Some((segment, id)) = self.origin_of(publication) else {
            return false;
        };
        self.link_to(segment).frames.push(frame(id));
        true
    }

    pub(super) fn tell_crossing(&mut self, publication: PublicationKey, encodings: EncodingSet) {
        self.tell_origin(publication, |id| Frame::Crossing(id, encodings));
    }

    pub(super) fn tell_rates(
        &mut self,
        publication: PublicationKey,
        rates: [Option<u64>; proto::link::MAX_ENCODINGS],
    ) {
        let publisher = self.router.publication(publication).publisher;
        let track = self
            .peer(publisher)
            .and_then(|peer| peer.tracks.by_key(publication));
        if let Some(id) = track.map(|track| track.link) {
            let room = self.router.participant(publisher).room;
            self.tell_links(room, |_| Frame::Rates(id, rates));
        }
    }

    /// Sends a data packet to the segments it is for.
    pub(super) fn link_data(
        &mut self,
        room: RoomKey,
        channel: proto::session::DataChannel,
        destinations: &[String],
        packet: &[u8],
    ) {
        let Some(state) = self.rooms.get(&room) else {
            return;
        };
        let name = state.name.clone();
        for segment in state.links.clone() {
            let mut there = self
                .router
                .room(room)
                .participants()
                .iter()
                .filter_map(|key| {
                    self.remotes
                        .get(key)
                        .filter(|remote| remote.segment == segment)
                });
            let is_meant = destinations.is_empty()
                || there.any(|remote| destinations.contains(&remote.info.identity));
            if !is_meant {
                continue;
            }
            if self.link_to(segment).frames.len() >= MAX_QUEUED_LINK_FRAMES {
                self.counters.drop(DropReason::LinkFull);
                continue;
            }
            let frame = Frame::Data {
                room: name.clone(),
                channel,
                destinations: destinations.to_vec(),
                packet: bytes::Bytes::copy_from_slice(packet),
            };
            self.link_to(segment).frames.push(frame);
        }
    }

    /// What others know of a published track, wherever it is published.
    pub(super) fn track_info(&self, publication: PublicationKey) -> Option<&TrackInfo> {
        let entry = self.router.publication(publication);
        if let Some(peer) = self.peer(entry.publisher) {
            return peer.tracks.by_key(publication).map(|track| &track.info);
        }
        let remote = self.remotes.get(&entry.publisher)?;
        let mut tracks = remote.info.tracks.iter();
        tracks.find(|track| track.sid == entry.sid.as_str())
    }

    fn remote_by_sid(&self, room: &RoomName, sid: &str) -> Option<(RoomKey, ParticipantKey)> {
        let key = self.participant_by_sid(room, &ParticipantSid::parse(sid)?)?;
        self.remotes.contains_key(&key).then_some(())?;
        Some((self.router.participant(key).room, key))
    }

    fn participant_by_sid(&self, room: &RoomName, sid: &ParticipantSid) -> Option<ParticipantKey> {
        let room = self.room_names.get(room)?;
        let mut present = self.router.room(*room).participants().iter().copied();
        present.find(|key| self.router.participant(*key).sid == *sid)
    }
}

fn link_encoding(info: &EncodingInfo) -> LinkEncoding {
    LinkEncoding {
        width: info.width,
        height: info.height,
        bitrate_bps: info.bitrate_bps,
    }
}

fn remote_publication(track: &LinkTrack) -> NewPublication {
    let encodings = track.encodings.iter().map(|own| EncodingInfo {
        width: own.width,
        height: own.height,
        bitrate_bps: own.bitrate_bps,
    });
    NewPublication {
        sid: track.sid.clone(),
        kind: track.kind,
        screen_share: track.screen_share,
        encodings: encodings.collect(),
        audience: track.audience.clone(),
        is_remote: true,
    }
}
