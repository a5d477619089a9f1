//! The server's side of offer and answer.

use std::sync::Arc;

use super::agreed::{AgreedSection, parameters};
use super::{IceCredentials, Session, SessionError};
use crate::jsep::{
    Agreement, Capabilities, Description, Offer, Origin, SectionAnswer, SentStream, ServerAnswer,
    negotiate_all,
};

/// An offer applied to the session, waiting for the tracks its answer carries.
#[derive(Debug)]
pub struct AcceptedOffer {
    offer: Arc<Description>,
    agreements: Vec<Option<Agreement>>,
    /// Whether the client restarted ICE; the session then has a new user name fragment.
    pub ice_restarted: bool,
}

impl Session {
    /// Applies a client's offer. `fresh` are the credentials to use if it restarts ICE.
    ///
    /// # Errors
    /// [`SessionError::Description`]: the offer does not fit the session. The session may have
    /// taken over part of it, so it is best ended.
    pub fn accept_offer(
        &mut self,
        offer: &Offer,
        fresh: IceCredentials,
    ) -> Result<AcceptedOffer, SessionError> {
        let description = &offer.description;
        self.is_transport_touched = true;
        let ice_restarted = self.transport.accept_offer(
            &description.transport,
            description.has_application(),
            fresh,
        )?;
        let agreements = negotiate_all(description, &Capabilities::ALL);
        let sections: Vec<AgreedSection<'_>> = description
            .sections
            .iter()
            .zip(&agreements)
            .map(|(section, agreement)| AgreedSection {
                mid: &section.mid,
                agreement: agreement.as_ref(),
                sends: section.direction.receives(),
                receives: section.direction.sends(),
                sent_rids: Vec::new(),
                streams: section.streams(),
            })
            .collect();
        let (ingress, egress) = parameters(&sections);
        self.media.set_parameters(ingress, egress);
        self.mids = sections
            .iter()
            .map(|section| section.mid.to_owned())
            .collect();
        Ok(AcceptedOffer {
            offer: Arc::clone(description),
            agreements,
            ice_restarted,
        })
    }

    /// Finishes the answer to an accepted offer.
    pub fn answer(&mut self, accepted: &AcceptedOffer, sections: &[SectionAnswer]) -> String {
        let streams: Vec<Option<SentStream>> = (0..accepted.agreements.len())
            .map(|section| self.sent_stream(section))
            .collect();
        let setup = *self
            .setup
            .get_or_insert(accepted.offer.transport.setup.answering());
        self.descriptions += 1;
        let transport = self.transport.describe(setup);
        let answer = ServerAnswer {
            offer: &accepted.offer,
            agreements: &accepted.agreements,
            origin: Origin {
                id: self.id,
                version: self.descriptions,
            },
            transport: &transport,
            sections,
            streams: &streams,
        };
        answer.describe().render()
    }

    /// The stream in which a section is sent, as descriptions name it.
    pub(super) fn sent_stream(&self, section: usize) -> Option<SentStream> {
        let (ssrc, repair_ssrc) = self.media.ssrcs(section).next()?;
        Some(SentStream {
            ssrc,
            repair_ssrc,
            cname: self.media.cname().to_owned(),
        })
    }
}
