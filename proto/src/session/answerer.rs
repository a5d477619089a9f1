//! The server's side of offer and answer.

use str0m::change::SdpOffer;

use super::{IceCredentials, Session, SessionError, description};
use crate::jsep::{Answer, Offer, SectionAnswer};

/// An offer applied to the session, waiting for the tracks its answer carries.
#[derive(Debug)]
pub struct AcceptedOffer {
    text: String,
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
        let parsed = SdpOffer::from_sdp_string(&offer.text).map_err(description)?;
        let answer = self
            .rtc
            .sdp_api()
            .accept_offer(parsed)
            .map_err(description)?;
        let ice_restarted = self.remote_ufrag.is_some() && self.remote_ufrag != offer.ice_ufrag;
        self.remote_ufrag.clone_from(&offer.ice_ufrag);
        if ice_restarted {
            // str0m has drawn new credentials by itself, from a generator that can be guessed.
            self.rtc
                .direct_api()
                .set_local_ice_credentials(fresh.to_str0m());
            self.credentials = fresh;
        }
        self.refresh_sections(offer.sections.iter().map(|section| section.mid.as_str()));
        Ok(AcceptedOffer {
            text: answer.to_sdp_string(),
            ice_restarted,
        })
    }

    /// Finishes the answer to an accepted offer.
    pub fn answer(&self, accepted: &AcceptedOffer, sections: &[SectionAnswer]) -> String {
        let credentials = Some((&*self.credentials.ufrag, &*self.credentials.password));
        Answer {
            text: &accepted.text,
            credentials,
        }
        .render(sections)
    }
}
