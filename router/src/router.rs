//! The router: who is in which room, who gets which track, and the way of a packet.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use proto::codec::MediaKind;
use proto::ids::{Identity, TrackSid};
use proto::link::{Audience, EncodingSet};
use slab::Slab;

use crate::keys::{ParticipantKey, PublicationKey, RoomKey, SubscriptionKey};
use crate::limits::{MAX_ENCODINGS, MAX_PUBLICATIONS, MAX_SUBSCRIPTIONS, TICK_INTERVAL};
use crate::participant::{
    NewParticipant, Participant, PermissionChange, SubscriptionPermissions, remove_key,
};
use crate::publication::{NewPublication, Publication};
use crate::room::Room;
use crate::subscription::{SectionOutput, Subscription, Wanted};

/// Something the router wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Ask a publisher for a keyframe.
    KeyframeWanted {
        /// Of this publication.
        publication: PublicationKey,
        /// Of this encoding.
        encoding: usize,
    },
    /// Tell a publisher up to which encoding anybody wants its track; `None` if nobody does.
    EncodingsWanted {
        /// The track.
        publication: PublicationKey,
        /// The highest wanted encoding.
        highest: Option<usize>,
    },
    /// Tell a receiver that a track is paused for lack of bandwidth, or no longer.
    StreamState {
        /// The subscription.
        subscription: SubscriptionKey,
        /// Whether it is paused.
        paused: bool,
    },
    /// Tell a session's estimator what its participant could use.
    BitrateWanted {
        /// Whose session.
        participant: ParticipantKey,
        /// Rate of everything wanted, in bits per second.
        desired_bps: u64,
    },
    /// Tell the segment where a track is published which encodings are to come from there.
    Crossing {
        /// The track.
        publication: PublicationKey,
        /// The encodings.
        encodings: EncodingSet,
    },
    /// Tell the other segments of the room what the encodings of a track take.
    Rates {
        /// The track.
        publication: PublicationKey,
        /// Bits per second of each, `None` for those not being sent.
        rates: [Option<u64>; MAX_ENCODINGS],
    },
    /// Tell a room who speaks.
    SpeakersChanged {
        /// The room.
        room: RoomKey,
        /// Those whose state or loudness changed.
        speakers: Vec<SpeakerChange>,
    },
}

/// A speaker's new state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeakerChange {
    /// Who.
    pub participant: ParticipantKey,
    /// Loudness, 0 to 1.
    pub level: f32,
    /// Whether speaking.
    pub active: bool,
}

/// A subscription that has ended.
#[derive(Debug)]
pub struct EndedSubscription {
    /// Its key, which may be given to another.
    pub key: SubscriptionKey,
    /// Who received.
    pub subscriber: ParticipantKey,
    /// What.
    pub publication: PublicationKey,
    /// The section it had, for the next subscription to use.
    pub output: Option<SectionOutput>,
}

/// What became of a wish to (un)subscribe.
#[derive(Debug)]
pub enum SubscriptionChange {
    /// Nothing.
    None,
    /// It begins; give it a section with [`Router::attach`].
    Began(SubscriptionKey),
    /// It has ended.
    Ended(EndedSubscription),
}

/// Everything that ended with a participant or a publication.
#[derive(Debug, Default)]
pub struct Ended {
    /// Publications.
    pub publications: Vec<PublicationKey>,
    /// Subscriptions, of the participant and to its publications.
    pub subscriptions: Vec<EndedSubscription>,
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitReached;

/// Rooms, participants, publications and subscriptions of one engine.
#[derive(Debug)]
pub struct Router {
    pub(crate) rooms: Slab<Room>,
    participants: Slab<Participant>,
    pub(crate) publications: Slab<Publication>,
    pub(crate) subscriptions: Slab<Subscription>,
    by_pair: HashMap<(ParticipantKey, PublicationKey), SubscriptionKey>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) next_tick: Instant,
    /// Publications that wait for a keyframe.
    pub(crate) keyframes_wanted: Vec<PublicationKey>,
    /// Publications of other segments, of which other encodings may be needed.
    pub(crate) crossings_due: Vec<PublicationKey>,
}

impl Router {
    /// Makes a router without rooms.
    pub fn new(now: Instant) -> Self {
        Self {
            rooms: Slab::new(),
            participants: Slab::new(),
            publications: Slab::new(),
            subscriptions: Slab::new(),
            by_pair: HashMap::new(),
            events: VecDeque::new(),
            next_tick: now + TICK_INTERVAL,
            keyframes_wanted: Vec::new(),
            crossings_due: Vec::new(),
        }
    }

    /// Opens a room.
    pub fn create_room(&mut self) -> RoomKey {
        RoomKey::new(self.rooms.insert(Room::new()))
    }

    /// Closes a room that everyone has left.
    pub fn remove_room(&mut self, room: RoomKey) {
        debug_assert!(
            self.room(room).participants.is_empty(),
            "a closed room is empty"
        );
        self.rooms.remove(room.index());
    }

    /// A room.
    pub fn room(&self, room: RoomKey) -> &Room {
        &self.rooms[room.index()]
    }

    /// All rooms.
    pub fn room_keys(&self) -> impl Iterator<Item = RoomKey> + '_ {
        self.rooms.iter().map(|(index, _)| RoomKey::new(index))
    }

    /// A participant.
    pub fn participant(&self, participant: ParticipantKey) -> &Participant {
        &self.participants[participant.index()]
    }

    pub(crate) fn participant_mut(&mut self, participant: ParticipantKey) -> &mut Participant {
        &mut self.participants[participant.index()]
    }

    /// A publication.
    pub fn publication(&self, publication: PublicationKey) -> &Publication {
        &self.publications[publication.index()]
    }

    /// A subscription.
    pub fn subscription(&self, subscription: SubscriptionKey) -> &Subscription {
        &self.subscriptions[subscription.index()]
    }

    /// The subscription of a participant to a publication.
    pub fn subscription_of(
        &self,
        subscriber: ParticipantKey,
        publication: PublicationKey,
    ) -> Option<SubscriptionKey> {
        self.by_pair.get(&(subscriber, publication)).copied()
    }

    /// How many publications and subscriptions there are.
    pub fn counts(&self) -> (usize, usize) {
        (self.publications.len(), self.subscriptions.len())
    }

    /// Lets a participant in. It is not subscribed to anything before
    /// [`Router::reconcile`] says so.
    pub fn join(&mut self, room: RoomKey, new: NewParticipant) -> ParticipantKey {
        let identity = new.identity.clone();
        let key = ParticipantKey::new(self.participants.insert(Participant::new(room, new)));
        self.rooms[room.index()].participants.push(key);
        self.note_served(room, &identity);
        key
    }

    /// Looks whether there is a track for a participant alone.
    fn note_served(&mut self, room: RoomKey, identity: &Identity) {
        let room = &self.rooms[room.index()];
        let mut published = room.publications.iter();
        let is_served = published.any(|key| {
            let audience = &self.publications[key.index()].audience;
            matches!(audience, Audience::One(one) if one == identity)
        });
        for key in &room.participants {
            let participant = &mut self.participants[key.index()];
            if participant.identity == *identity {
                participant.is_served = is_served;
            }
        }
    }

    /// Lets a participant go, with all it publishes and receives.
    pub fn leave(&mut self, participant: ParticipantKey) -> Ended {
        let mut ended = Ended::default();
        for publication in self.participant(participant).publications.clone() {
            ended.subscriptions.extend(self.unpublish(publication));
            ended.publications.push(publication);
        }
        for subscription in self.participant(participant).subscriptions.clone() {
            ended
                .subscriptions
                .push(self.end_subscription(subscription));
        }
        let gone = self.participants.remove(participant.index());
        let room = &mut self.rooms[gone.room.index()];
        remove_key(&mut room.participants, participant);
        room.speakers.remove(participant);
        ended
    }

    /// Changes whether a participant may receive at all. Reconcile it with every publication then.
    pub fn set_may_subscribe(&mut self, participant: ParticipantKey, may_subscribe: bool) {
        self.participant_mut(participant).may_subscribe = may_subscribe;
    }

    /// Offers a track to the room.
    ///
    /// # Errors
    /// [`LimitReached`] when the participant has [`MAX_PUBLICATIONS`] for the whole room.
    pub fn publish(
        &mut self,
        publisher: ParticipantKey,
        mut new: NewPublication,
    ) -> Result<PublicationKey, LimitReached> {
        let own = self.participant(publisher).publications.iter();
        let for_all = own.filter(|key| self.publication(**key).audience == Audience::Room);
        if new.audience == Audience::Room && for_all.count() >= MAX_PUBLICATIONS {
            return Err(LimitReached);
        }
        new.encodings.truncate(MAX_ENCODINGS);
        let audience = new.audience.clone();
        let key = PublicationKey::new(self.publications.insert(Publication::new(publisher, new)));
        self.participant_mut(publisher).publications.push(key);
        let room = self.participant(publisher).room;
        self.rooms[room.index()].publications.push(key);
        if let Audience::One(identity) = &audience {
            self.note_served(room, identity);
        }
        Ok(key)
    }

    /// Takes a track back.
    pub fn unpublish(&mut self, publication: PublicationKey) -> Vec<EndedSubscription> {
        let subscriptions = self.publication(publication).subscriptions.clone();
        let ended = subscriptions
            .into_iter()
            .map(|key| self.end_subscription(key))
            .collect();
        let gone = self.publications.remove(publication.index());
        remove_key(&mut self.keyframes_wanted, publication);
        remove_key(&mut self.crossings_due, publication);
        remove_key(
            &mut self.participant_mut(gone.publisher).publications,
            publication,
        );
        let key = self.participant(gone.publisher).room;
        let room = &mut self.rooms[key.index()];
        remove_key(&mut room.publications, publication);
        if gone.kind == MediaKind::Audio {
            room.speakers.remove(gone.publisher);
        }
        if let Audience::One(identity) = &gone.audience {
            self.note_served(key, identity);
        }
        ended
    }

    /// Remembers that a participant wants a track or not, which need not exist yet. Reconcile
    /// then.
    pub fn choose(&mut self, participant: ParticipantKey, track: TrackSid, subscribe: bool) {
        self.participant_mut(participant).choose(track, subscribe);
    }

    /// Begins or ends a subscription as rules and wishes demand.
    pub fn reconcile(
        &mut self,
        subscriber: ParticipantKey,
        publication: PublicationKey,
    ) -> SubscriptionChange {
        let wanted = self
            .participant(subscriber)
            .wants(self.publication(publication))
            && self.is_permitted(subscriber, publication);
        match (wanted, self.subscription_of(subscriber, publication)) {
            (true, None) => self.begin_subscription(subscriber, publication),
            (false, Some(key)) => SubscriptionChange::Ended(self.end_subscription(key)),
            (true, Some(_)) | (false, None) => SubscriptionChange::None,
        }
    }

    /// Whether somebody is to know of a track, or has no use for it.
    pub fn is_shown_to(&self, viewer: ParticipantKey, publication: PublicationKey) -> bool {
        let viewer = self.participant(viewer);
        match &self.publication(publication).audience {
            Audience::Room | Audience::Asking => !viewer.is_served,
            Audience::Chosen => true,
            Audience::One(identity) => viewer.identity == *identity,
        }
    }

    fn is_permitted(&self, subscriber: ParticipantKey, publication: PublicationKey) -> bool {
        let publication = self.publication(publication);
        let (publisher, receiver) = (
            self.participant(publication.publisher),
            self.participant(subscriber),
        );
        publication.publisher != subscriber
            && publisher.room == receiver.room
            && publisher.permits(receiver, publication)
    }

    fn begin_subscription(
        &mut self,
        subscriber: ParticipantKey,
        publication: PublicationKey,
    ) -> SubscriptionChange {
        if self.participant(subscriber).subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return SubscriptionChange::None;
        }
        let subscription = Subscription::new(subscriber, publication);
        let key = SubscriptionKey::new(self.subscriptions.insert(subscription));
        self.participant_mut(subscriber).subscriptions.push(key);
        self.publications[publication.index()]
            .subscriptions
            .push(key);
        self.by_pair.insert((subscriber, publication), key);
        SubscriptionChange::Began(key)
    }

    fn end_subscription(&mut self, key: SubscriptionKey) -> EndedSubscription {
        let gone = self.subscriptions.remove(key.index());
        self.by_pair.remove(&(gone.subscriber, gone.publication));
        remove_key(
            &mut self.participant_mut(gone.subscriber).subscriptions,
            key,
        );
        remove_key(
            &mut self.publications[gone.publication.index()].subscriptions,
            key,
        );
        self.review_crossing(gone.publication);
        let output = gone.output.map(|mut output| {
            output.rewriter.end_source();
            output
        });
        EndedSubscription {
            key,
            subscriber: gone.subscriber,
            publication: gone.publication,
            output,
        }
    }

    /// Changes whom a publisher lets subscribe. Returns who is affected; reconcile those.
    pub fn set_permissions(
        &mut self,
        publisher: ParticipantKey,
        permissions: SubscriptionPermissions,
    ) -> Vec<PermissionChange> {
        let pairs = self.pairs_of(publisher);
        let before: Vec<bool> = pairs
            .iter()
            .map(|(s, p)| self.is_permitted(*s, *p))
            .collect();
        self.participant_mut(publisher).set_permissions(permissions);
        let changed =
            pairs
                .into_iter()
                .zip(before)
                .filter_map(|((subscriber, publication), was)| {
                    let allowed = self.is_permitted(subscriber, publication);
                    (allowed != was).then_some(PermissionChange {
                        subscriber,
                        publication,
                        allowed,
                    })
                });
        changed.collect()
    }

    fn pairs_of(&self, publisher: ParticipantKey) -> Vec<(ParticipantKey, PublicationKey)> {
        let own = self.participant(publisher);
        let others = self
            .room(own.room)
            .participants
            .iter()
            .filter(|other| **other != publisher);
        others
            .flat_map(|s| own.publications.iter().map(move |p| (*s, *p)))
            .collect()
    }

    /// Gives a subscription the section its receiver has agreed to; packets flow from then on.
    pub fn attach(&mut self, now: Instant, subscription: SubscriptionKey, output: SectionOutput) {
        let entry = &mut self.subscriptions[subscription.index()];
        entry.output = Some(output);
        entry.selector.restart();
        let (subscriber, publication) = (entry.subscriber, entry.publication);
        self.allocate(now, subscriber);
        self.tell_wanted_encodings(now, publication);
    }

    /// Takes what a receiver asks for.
    pub fn set_wanted(&mut self, now: Instant, subscription: SubscriptionKey, wanted: Wanted) {
        let entry = &mut self.subscriptions[subscription.index()];
        if entry.wanted == wanted {
            return;
        }
        entry.wanted = wanted;
        let (subscriber, publication) = (entry.subscriber, entry.publication);
        self.allocate(now, subscriber);
        self.tell_wanted_encodings(now, publication);
    }

    /// Takes a new estimate of what the path to a participant carries, in bits per second.
    pub fn set_estimate(&mut self, now: Instant, participant: ParticipantKey, estimate_bps: u64) {
        self.participant_mut(participant).estimate_bps = Some(estimate_bps);
        self.allocate(now, participant);
    }

    /// Takes a subscription's section away; it waits for another.
    pub fn detach(&mut self, subscription: SubscriptionKey) -> Option<SectionOutput> {
        let entry = self.subscriptions.get_mut(subscription.index())?;
        let mut output = entry.output.take()?;
        output.rewriter.end_source();
        let publication = entry.publication;
        self.review_crossing(publication);
        Some(output)
    }

    /// The next thing to do. What has gone since is left out.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.tell_crossings();
        while let Some(event) = self.events.pop_front() {
            let is_current = match &event {
                Event::KeyframeWanted { publication, .. }
                | Event::EncodingsWanted { publication, .. }
                | Event::Crossing { publication, .. }
                | Event::Rates { publication, .. } => {
                    self.publications.contains(publication.index())
                }
                Event::StreamState { subscription, .. } => {
                    self.subscriptions.contains(subscription.index())
                }
                Event::BitrateWanted { participant, .. } => {
                    self.participants.contains(participant.index())
                }
                Event::SpeakersChanged { room, .. } => self.rooms.contains(room.index()),
            };
            if is_current {
                return Some(event);
            }
        }
        None
    }
}
