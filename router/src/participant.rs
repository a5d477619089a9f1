//! A participant as the router sees it: a publisher with rules, a subscriber with choices.

use std::collections::VecDeque;
use std::time::Instant;

use proto::ids::{Identity, ParticipantSid, TrackSid};
use proto::link::Audience;

use crate::keys::{ParticipantKey, PublicationKey, RoomKey, SubscriptionKey};
use crate::limits::{MAX_SUBSCRIPTION_CHOICES, MAX_SUBSCRIPTION_PERMISSIONS};
use crate::publication::Publication;

/// Who joins.
#[derive(Debug, Clone)]
pub struct NewParticipant {
    /// Its identity.
    pub identity: Identity,
    /// The id of its stay.
    pub sid: ParticipantSid,
    /// Whether it may receive tracks.
    pub may_subscribe: bool,
    /// Whether it receives every track it does not refuse.
    pub auto_subscribe: bool,
}

/// What the router knows of a participant.
#[derive(Debug)]
pub struct Participant {
    /// Its room.
    pub room: RoomKey,
    /// Its identity.
    pub identity: Identity,
    /// The id of its stay.
    pub sid: ParticipantSid,
    pub(crate) may_subscribe: bool,
    pub(crate) auto_subscribe: bool,
    /// Whether there is a track for it alone, see [`Audience::One`].
    pub(crate) is_served: bool,
    choices: VecDeque<(TrackSid, bool)>,
    permissions: SubscriptionPermissions,
    pub(crate) publications: Vec<PublicationKey>,
    pub(crate) subscriptions: Vec<SubscriptionKey>,
    /// What the path to it carries, in bits per second, once measured.
    pub(crate) estimate_bps: Option<u64>,
    /// Since when not even the lowest encodings fit, or streams are paused.
    pub(crate) short_since: Option<Instant>,
    /// What its session was last told it desires.
    pub(crate) told_bps: u64,
}

/// Whom a publisher lets subscribe to its tracks.
#[derive(Debug, Clone, Default)]
pub enum SubscriptionPermissions {
    /// Everyone; the default.
    #[default]
    Everyone,
    /// Those listed.
    Listed(Vec<SubscriptionPermission>),
}

/// One entry of a publisher's list.
#[derive(Debug, Clone)]
pub struct SubscriptionPermission {
    /// Sid or identity of the subscriber.
    pub subscriber: String,
    /// The tracks; `None` for all.
    pub tracks: Option<Vec<String>>,
}

impl Participant {
    pub(crate) fn new(room: RoomKey, new: NewParticipant) -> Self {
        Self {
            room,
            identity: new.identity,
            sid: new.sid,
            may_subscribe: new.may_subscribe,
            auto_subscribe: new.auto_subscribe,
            is_served: false,
            choices: VecDeque::new(),
            permissions: SubscriptionPermissions::default(),
            publications: Vec::new(),
            subscriptions: Vec::new(),
            estimate_bps: None,
            short_since: None,
            told_bps: 0,
        }
    }

    /// What it publishes.
    pub fn publications(&self) -> &[PublicationKey] {
        &self.publications
    }

    /// What it is subscribed to.
    pub fn subscriptions(&self) -> &[SubscriptionKey] {
        &self.subscriptions
    }

    /// Whether there is a track for it alone, which spares it those that are for the whole room.
    pub fn is_served(&self) -> bool {
        self.is_served
    }

    /// Remembers whether it wants a track, which need not exist yet.
    pub(crate) fn choose(&mut self, track: TrackSid, subscribe: bool) {
        self.choices.retain(|(known, _)| *known != track);
        if self.choices.len() == MAX_SUBSCRIPTION_CHOICES {
            self.choices.pop_front();
        }
        self.choices.push_back((track, subscribe));
    }

    /// Whether it is to get a track: as it has chosen, or else by whom the track is for.
    pub(crate) fn wants(&self, publication: &Publication) -> bool {
        let mut choices = self.choices.iter();
        let choice = choices.find(|(track, _)| *track == publication.sid);
        let is_meant = || match &publication.audience {
            Audience::Room => self.auto_subscribe && !self.is_served,
            Audience::Asking => false,
            Audience::Chosen => self.is_served,
            Audience::One(identity) => self.identity == *identity,
        };
        self.may_subscribe && choice.map_or_else(is_meant, |(_, subscribe)| *subscribe)
    }

    pub(crate) fn set_permissions(&mut self, mut permissions: SubscriptionPermissions) {
        if let SubscriptionPermissions::Listed(list) = &mut permissions {
            list.truncate(MAX_SUBSCRIPTION_PERMISSIONS);
        }
        self.permissions = permissions;
    }

    /// Whether it lets somebody subscribe to one of its tracks.
    pub(crate) fn permits(&self, subscriber: &Self, publication: &Publication) -> bool {
        if let Audience::One(identity) = &publication.audience
            && subscriber.identity != *identity
        {
            return false;
        }
        let SubscriptionPermissions::Listed(list) = &self.permissions else {
            return true;
        };
        list.iter().any(|entry| {
            let meant = entry.subscriber == subscriber.sid.as_str()
                || entry.subscriber == subscriber.identity.as_str();
            let covers =
                |tracks: &Vec<String>| tracks.iter().any(|t| t == publication.sid.as_str());
            meant && entry.tracks.as_ref().is_none_or(covers)
        })
    }
}

/// A participant's place in a list, by key.
pub(crate) fn remove_key<K: PartialEq>(keys: &mut Vec<K>, key: K) {
    keys.retain(|known| *known != key);
}

/// Somebody who gets to know that a permission has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PermissionChange {
    /// The subscriber.
    pub subscriber: ParticipantKey,
    /// The publication.
    pub publication: PublicationKey,
    /// Whether it may be subscribed to.
    pub allowed: bool,
}
