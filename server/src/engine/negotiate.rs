//! Offers and answers: the client's offer is applied, its tracks are published, waiting
//! subscriptions get their sections, and the answer says so.

use std::time::Instant;

use proto::codec::Codec;
use proto::jsep::Offer;
use proto::session::IceCredentials;
use proto::signal::messages::DisconnectReason;
use proto::signal::messages::{
    MediaSectionsRequirement, SessionDescription, SubscriptionError, SubscriptionResponse,
    request_response::Reason, signal_response::Message,
};
use router::ParticipantKey;

use super::Engine;

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
        self.drive(now, key, |session| {
            accepted = Some(session.accept_offer(&offer, fresh)?);
            session.handle_timeout(now)
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
        let (sections, mid_to_track_id) = peer.sections.answer(|subscription| {
            let publication = router.publication(router.subscription(subscription).publication);
            let publisher = router.participant(publication.publisher).sid.clone();
            (publisher, publication.sid.clone())
        });
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
            self.router.attach(now, subscription, output);
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
        let publisher = self.router.publication(publication).publisher;
        let track = self
            .peer(publisher)
            .and_then(|peer| peer.tracks.by_key(publication));
        let Some(info) = track.map(|track| &track.info) else {
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

    /// Asks a client to offer again when tracks wait for sections or sections have fallen empty.
    pub(super) fn ask_for_sections(&mut self, now: Instant, key: ParticipantKey) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        if let Some([audios, videos]) = peer.sections.ask(now) {
            let requirement = MediaSectionsRequirement {
                num_audios: audios as u32,
                num_videos: videos as u32,
            };
            self.send(key, Message::MediaSectionsRequirement(requirement));
        }
    }
}
