//! Subscribing: who gets which track, and at which quality.

use std::time::Instant;

use proto::codec::MediaKind;
use proto::ids::TrackSid;
use proto::link::Frame;
use proto::signal::messages::{
    SubscriptionPermission as PermissionMessage, SubscriptionPermissionUpdate, TrackSubscribed,
    UpdateSubscription, UpdateTrackSettings, VideoQuality, signal_response::Message,
};
use router::limits::MAX_SUBSCRIPTION_CHOICES;
use router::{
    EndedSubscription, ParticipantKey, PublicationKey, SubscriptionChange, SubscriptionKey,
    SubscriptionPermission, SubscriptionPermissions, Wanted,
};

use super::Engine;

impl Engine {
    /// Subscribes everyone in the room who wants a new publication.
    pub(super) fn offer_to_room(&mut self, now: Instant, publication: PublicationKey) {
        let publisher = self.router.publication(publication).publisher;
        let room = self.router.participant(publisher).room;
        for participant in self.router.room(room).participants().to_vec() {
            self.reconcile(now, participant, publication);
        }
    }

    /// Subscribes a participant to what is in the room already.
    pub(super) fn subscribe_to_room(&mut self, now: Instant, participant: ParticipantKey) {
        for publication in self.router.visible_publications(participant) {
            self.reconcile(now, participant, publication);
        }
    }

    /// Begins or ends a subscription as wishes and rules demand.
    pub(super) fn reconcile(
        &mut self,
        now: Instant,
        participant: ParticipantKey,
        publication: PublicationKey,
    ) {
        match self.router.reconcile(participant, publication) {
            SubscriptionChange::None => {}
            SubscriptionChange::Began(subscription) => {
                self.tell_first_subscription(publication);
                if self.begin_listening(now, participant, subscription) {
                    return;
                }
                let kind = self.kind_of(subscription);
                if let Some(peer) = self.peer_mut(participant) {
                    peer.sections.wait(subscription, kind);
                }
                self.ask_for_sections(now, participant);
            }
            SubscriptionChange::Ended(ended) => self.handle_ended(now, ended),
        }
    }

    pub(super) fn kind_of(&self, subscription: SubscriptionKey) -> MediaKind {
        self.router
            .publication(self.router.subscription(subscription).publication)
            .kind
    }

    /// A publisher is told once that somebody receives its track.
    fn tell_first_subscription(&mut self, publication: PublicationKey) {
        let entry = self.router.publication(publication);
        if entry.subscriptions().len() == 1 {
            let (publisher, track_sid) = (entry.publisher, entry.sid.to_string());
            if self.tell_origin(publication, Frame::Subscribed) {
                return;
            }
            self.send(
                publisher,
                Message::TrackSubscribed(TrackSubscribed { track_sid }),
            );
        }
    }

    pub(super) fn handle_ended(&mut self, now: Instant, ended: EndedSubscription) {
        self.end_listening(ended.subscriber, ended.output.as_ref());
        if let Some(peer) = self.peer_mut(ended.subscriber) {
            if let Some(section) = peer.sections.release(ended.key) {
                peer.renew_stream(section);
            }
            self.ask_for_sections(now, ended.subscriber);
        }
    }

    pub(super) fn handle_subscription(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        update: &UpdateSubscription,
    ) {
        let grouped = update
            .participant_tracks
            .iter()
            .flat_map(|tracks| &tracks.track_sids);
        let named = update
            .track_sids
            .iter()
            .chain(grouped)
            .take(MAX_SUBSCRIPTION_CHOICES);
        for sid in named.filter_map(|sid| TrackSid::parse(sid)) {
            self.router.choose(key, sid.clone(), update.subscribe);
            if let Some(publication) = self.publication_by_sid(key, &sid) {
                self.reconcile(now, key, publication);
            }
        }
    }

    pub(super) fn handle_track_setting(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        settings: &UpdateTrackSettings,
    ) {
        let wanted = Wanted {
            disabled: settings.disabled || settings.quality() == VideoQuality::Off,
            quality: match settings.quality() {
                VideoQuality::Low | VideoQuality::Off => 0,
                VideoQuality::Medium => 1,
                VideoQuality::High => usize::MAX,
            },
            size: (settings.width > 0 && settings.height > 0)
                .then_some((settings.width, settings.height)),
            priority: settings.priority,
        };
        self.set_wanted(now, key, &settings.track_sids, wanted);
    }

    /// Stops tracks a resuming client had paused.
    pub(super) fn disable_tracks(&mut self, now: Instant, key: ParticipantKey, sids: &[String]) {
        let wanted = Wanted {
            disabled: true,
            ..Wanted::default()
        };
        self.set_wanted(now, key, sids, wanted);
    }

    fn set_wanted(&mut self, now: Instant, key: ParticipantKey, sids: &[String], wanted: Wanted) {
        for sid in sids.iter().take(MAX_SUBSCRIPTION_CHOICES) {
            let publication =
                TrackSid::parse(sid).and_then(|sid| self.publication_by_sid(key, &sid));
            let subscription =
                publication.and_then(|publication| self.router.subscription_of(key, publication));
            if let Some(subscription) = subscription {
                self.router.set_wanted(now, subscription, wanted);
            }
        }
    }

    pub(super) fn handle_subscription_permission(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        message: PermissionMessage,
    ) {
        self.apply_permission(now, key, &message);
        if let Some(peer) = self.peer_mut(key) {
            peer.permission = Some(message);
        }
        self.tell_links_of(key);
    }

    /// Lets subscribe whom a publisher, here or in another segment, wants to.
    pub(super) fn apply_permission(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        message: &PermissionMessage,
    ) {
        let permissions = if message.all_participants {
            SubscriptionPermissions::Everyone
        } else {
            let entries = message
                .track_permissions
                .iter()
                .map(|entry| SubscriptionPermission {
                    subscriber: match entry.participant_sid.as_str() {
                        "" => entry.participant_identity.clone(),
                        sid => sid.to_owned(),
                    },
                    tracks: (!entry.all_tracks).then(|| entry.track_sids.clone()),
                });
            SubscriptionPermissions::Listed(
                entries
                    .take(router::limits::MAX_SUBSCRIPTION_PERMISSIONS)
                    .collect(),
            )
        };
        let publisher = self.router.participant(key).sid.to_string();
        for change in self.router.set_permissions(key, permissions) {
            let track = self.router.publication(change.publication).sid.to_string();
            let update = SubscriptionPermissionUpdate {
                participant_sid: publisher.clone(),
                track_sid: track,
                allowed: change.allowed,
            };
            self.send(
                change.subscriber,
                Message::SubscriptionPermissionUpdate(update),
            );
            self.reconcile(now, change.subscriber, change.publication);
        }
    }

    /// A publication in the participant's room.
    fn publication_by_sid(&self, key: ParticipantKey, sid: &TrackSid) -> Option<PublicationKey> {
        let room = self.router.participant(key).room;
        let mut publications = self.router.room(room).publications().iter().copied();
        publications.find(|publication| self.router.publication(*publication).sid == *sid)
    }
}
