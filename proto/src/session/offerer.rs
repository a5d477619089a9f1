//! A client's side of offer and answer, for the load tester and for tests.

use std::net::SocketAddr;

use super::agreed::{AgreedSection, parameters};
use super::{Session, SessionError, description};
use crate::codec::{Codec, MediaKind};
use crate::jsep::{ClientOffer, Description, Direction, SentTrack, Setup};
use crate::media::egress::SendingSection;
use crate::media::{EgressParameters, IngressParameters, Rid};

/// A track a client wants to publish.
#[derive(Debug, Clone)]
pub struct TrackOffer {
    /// Sound or pictures.
    pub kind: MediaKind,
    /// The id the publication is known by: `cid` of the request to add it.
    pub track_id: String,
    /// Encodings, lowest first; empty without simulcast.
    pub rids: Vec<String>,
}

/// What a client has offered.
#[derive(Debug)]
pub(super) struct Offered {
    sections: ClientOffer,
    is_pending: bool,
    /// As last agreed, and with a place for each track offered since.
    ingress: IngressParameters,
    egress: EgressParameters,
}

impl Offered {
    pub(super) fn new(id: u64) -> Self {
        Self {
            sections: ClientOffer::new(id),
            is_pending: false,
            ingress: IngressParameters::default(),
            egress: EgressParameters::default(),
        }
    }
}

/// What an offer changes in the session.
#[derive(Debug, Default)]
pub struct OfferChanges<'a> {
    /// Whether to open the data channels; once, in the first offer.
    pub channels: bool,
    /// Further sections to receive in: audio, video.
    pub receive: [usize; 2],
    /// Further tracks to publish.
    pub publish: &'a [TrackOffer],
    /// `mid`s of published tracks to stop sending.
    pub unpublish: &'a [String],
    /// `mid`s of sections to receive in again, or still.
    pub receive_again: &'a [String],
    /// Whether to restart ICE.
    pub ice_restart: bool,
}

impl Session {
    /// Makes an offer and remembers it until [`Session::accept_answer`]. Returns its text and the
    /// `mid` of each added track.
    ///
    /// # Errors
    /// [`SessionError::Description`] when there is nothing to offer.
    pub fn offer(
        &mut self,
        wanted: &OfferChanges<'_>,
    ) -> Result<(String, Vec<String>), SessionError> {
        self.is_transport_touched = true;
        self.transport.offer(wanted.channels, wanted.ice_restart);
        if wanted.channels {
            let mid = self.next_mid();
            self.offered.sections.add_channels(&mid);
        }
        for (kind, count) in [MediaKind::Audio, MediaKind::Video]
            .into_iter()
            .zip(wanted.receive)
        {
            for _ in 0..count {
                let mid = self.next_mid();
                self.offered.sections.add_receiver(&mid, kind);
            }
        }
        let mids: Vec<String> = wanted
            .publish
            .iter()
            .map(|track| self.offer_track(track))
            .collect();
        for mid in wanted.unpublish {
            self.offered
                .sections
                .set_direction(mid, Direction::Inactive);
        }
        for mid in wanted.receive_again {
            self.offered
                .sections
                .set_direction(mid, Direction::RecvOnly);
        }
        if self.offered.sections.sections().is_empty() {
            return Err(description("there is nothing to offer"));
        }
        let transport = self.transport.describe(Setup::ActPass);
        self.offered.is_pending = true;
        let offer = self.offered.sections.describe(&transport);
        Ok((offer.render(), mids))
    }

    fn next_mid(&self) -> String {
        self.offered.sections.sections().len().to_string()
    }

    /// Adds a section with a track, whose streams are there from now on.
    fn offer_track(&mut self, track: &TrackOffer) -> String {
        let mid = self.next_mid();
        let index = self.offered.sections.sections().len();
        // Payload types come with the answer; what matters now is whether there is a repair stream.
        let repair_types = match track.kind {
            MediaKind::Audio => Vec::new(),
            MediaKind::Video => vec![(Codec::Vp8, 0)],
        };
        let egress = &mut self.offered.egress;
        egress.sections.resize(index, None);
        egress.sections.push(Some(SendingSection {
            mid: mid.clone(),
            rids: track.rids.iter().map(|rid| Rid::new(rid)).collect(),
            payload_types: Vec::new(),
            repair_types,
        }));
        self.media
            .set_parameters(self.offered.ingress.clone(), self.offered.egress.clone());
        let stream = self.sent_stream(index);
        self.offered.sections.add_track(
            &mid,
            &SentTrack {
                kind: track.kind,
                track_id: track.track_id.clone(),
                rids: track.rids.clone(),
                stream,
            },
        );
        mid
    }

    /// Applies the answer to the last offer.
    ///
    /// # Errors
    /// [`SessionError::Description`] when there is no offer or the answer does not fit it.
    pub fn accept_answer(&mut self, text: &str) -> Result<(), SessionError> {
        if !std::mem::take(&mut self.offered.is_pending) {
            return Err(description("no offer is pending"));
        }
        let answer = Description::parse(text).map_err(description)?;
        let answered = self
            .offered
            .sections
            .read_answer(&answer)
            .map_err(description)?;
        self.is_transport_touched = true;
        self.transport.accept_answer(&answer.transport)?;
        let offered = self.offered.sections.sections();
        let sections: Vec<AgreedSection<'_>> = offered
            .iter()
            .zip(&answered)
            .map(|(own, agreed)| AgreedSection {
                mid: &own.mid,
                agreement: agreed.agreement.as_ref(),
                sends: own.direction.sends(),
                receives: own.direction.receives(),
                sent_rids: own.sent_rids().iter().map(|rid| Rid::new(rid)).collect(),
                streams: agreed.streams.clone(),
            })
            .collect();
        let (ingress, egress) = parameters(&sections);
        self.mids = sections
            .iter()
            .map(|section| section.mid.to_owned())
            .collect();
        self.offered.ingress = ingress.clone();
        self.offered.egress = egress.clone();
        self.media.set_parameters(ingress, egress);
        Ok(())
    }

    /// Takes an address of the other side that came apart from its description.
    ///
    /// # Errors
    /// [`SessionError::Description`] when it is no candidate.
    pub fn add_candidate(&mut self, text: &str) -> Result<(), SessionError> {
        self.is_transport_touched = true;
        self.transport.add_candidate(text)
    }

    /// Replaces an address of this side, for a client that has moved to another network.
    pub fn change_address(&mut self, from: SocketAddr, to: SocketAddr) {
        self.is_transport_touched = true;
        self.transport.change_address(from, to);
    }
}
