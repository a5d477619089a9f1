//! Offers and answers: the client's offer is applied, its tracks are published, waiting
//! subscriptions get their sections, and the answer says so.

use std::time::Instant;

use proto::codec::Codec;
use proto::jsep::Offer;
use proto::session::{IceCredentials, Received};
use proto::signal::messages::DisconnectReason;
use proto::signal::messages::{
    MediaSectionsRequirement, SessionDescription, SubscriptionError, SubscriptionResponse,
    request_response::Reason, signal_response::Message,
};
use router::ParticipantKey;

use super::Engine;
use super::limits::ASK_INTERVAL;
use super::tracks::PublishedTrack;

impl Engine {
    pub(super) fn handle_offer(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        description: &SessionDescription,
    ) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        if !peer.may_offer(now) {
            return self.end_stay(now, key, DisconnectReason::StateMismatch);
        }
        let offer = match Offer::parse(&description.sdp) {
            Ok(offer) if description.r#type == "offer" => offer,
            Ok(_) => {
                let text = "only offers can be answered";
                return self.refuse(key, 0, Reason::InvalidRequest, text, None);
            }
            Err(error) => {
                return self.refuse(key, 0, Reason::InvalidRequest, &error.to_string(), None);
            }
        };
        let fresh = IceCredentials::random(&mut self.rng);
        let mut accepted = None;
        self.drive(now, key, |session, batch| {
            accepted = Some(session.accept_offer(&offer, fresh)?);
            session.handle_timeout(now, batch)?;
            Ok(Received::Nothing)
        });
        let Some(accepted) = accepted else { return };
        let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
        };
        let ufrag = peer.session.ufrag().to_owned();
        if accepted.ice_restarted || self.demux.by_ufrag(&ufrag).is_none() {
            self.demux.insert_ufrag(&ufrag, key, &mut peer.entries);
        }

        let ended = peer.sections.apply(offer.sections);
        for subscription in ended.subscriptions {
            let output = self.router.detach(subscription);
            let kind = self.kind_of(subscription);
            if let Some(peer) = self.peer_mut(key) {
                if let Some(output) = output {
                    peer.renew_stream(output.section);
                }
                peer.sections.wait(subscription, kind);
            }
        }
        let has_unpublished = !ended.publications.is_empty();
        for publication in ended.publications {
            self.unpublish(now, key, publication);
        }
        if has_unpublished {
            self.announce(now, key);
        }
        self.match_tracks(now, key, false);
        self.answer(now, key, description.id, &accepted);
        self.ask_for_sections(now, key);
    }

    fn answer(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        id: u32,
        accepted: &proto::session::AcceptedOffer,
    ) {
        let mut seeds = || rand::RngExt::random::<u16>(&mut self.rng);
        let Some(peer) = self.peers.get_mut(key.index()).and_then(Option::as_mut) else {
            return;
        };
        let assigned = peer.sections.assign(&mut seeds);
        let router = &self.router;
        let track_of = |subscription| {
            let publication = router.publication(router.subscription(subscription).publication);
            let publisher = router.participant(publication.publisher).sid.clone();
            (publisher, publication.sid.clone())
        };
        let tracks = &peer.tracks;
        let wanted_of = |publication| {
            let track = tracks.by_key(publication);
            track.map(PublishedTrack::wanted).unwrap_or_default()
        };
        let (sections, mid_to_track_id) = peer.sections.answer(track_of, wanted_of);
        let sdp = peer.session.answer(accepted, &sections);
        let answer = SessionDescription {
            r#type: "answer".to_owned(),
            sdp,
            id,
            mid_to_track_id,
        };
        self.send(key, Message::Answer(answer));
        for (subscription, output) in assigned {
            self.check_codec(key, subscription, output.section);
            match self.peer_mut(key) {
                Some(peer) if !peer.life.connected => peer.assigned.push((subscription, output)),
                Some(_) | None => self.router.attach(now, subscription, output),
            }
        }
    }

    /// Lets flow what was assigned before there was a path: keyframes sent earlier would be lost,
    /// and the next ones are not asked for at once.
    pub(super) fn attach_assigned(&mut self, now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let assigned = std::mem::take(&mut peer.assigned);
        for (subscription, output) in assigned {
            let carries = self
                .peer(key)
                .and_then(|peer| peer.sections.subscription_in(output.section));
            if carries == Some(subscription) {
                self.router.attach(now, subscription, output);
            }
        }
    }

    /// Tells a receiver that it has no decoder for a track.
    fn check_codec(
        &mut self,
        key: ParticipantKey,
        subscription: router::SubscriptionKey,
        section: usize,
    ) {
        let publication = self.router.subscription(subscription).publication;
        let Some(info) = self.track_info(publication) else {
            return;
        };
        let Some(codec) = Codec::from_name(&info.mime_type) else {
            return;
        };
        // RED is unwrapped for those who do not take it.
        let needed = if codec == Codec::Red {
            Codec::Opus
        } else {
            codec
        };
        let track_sid = info.sid.clone();
        if !self
            .peer(key)
            .is_some_and(|peer| peer.session.takes(section, needed))
        {
            let err = SubscriptionError::SeCodecUnsupported.into();
            self.send(
                key,
                Message::SubscriptionResponse(SubscriptionResponse { track_sid, err }),
            );
        }
    }

    /// Asks those whose turn has come.
    pub(super) fn ask_due(&mut self, now: Instant) {
        while let Some((at, key)) = self.asks.front().copied()
            && at <= now
        {
            self.asks.pop_front();
            if let Some(peer) = self.peer_mut(key)
                && std::mem::take(&mut peer.is_ask_due)
            {
                self.ask_for_sections(now, key);
            }
        }
    }

    /// Asks a client to offer again when tracks wait for sections or sections have fallen empty.
    pub(super) fn ask_for_sections(&mut self, now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        if let Some(asked) = peer.asked
            && now < asked + ASK_INTERVAL
        {
            if !peer.is_ask_due {
                peer.is_ask_due = true;
                self.asks.push_back((now + ASK_INTERVAL, key));
            }
            return;
        }
        if let Some([audios, videos]) = peer.sections.ask(now) {
            peer.asked = Some(now);
            let requirement = MediaSectionsRequirement {
                num_audios: audios as u32,
                num_videos: videos as u32,
            };
            self.send(key, Message::MediaSectionsRequirement(requirement));
        }
    }
}
