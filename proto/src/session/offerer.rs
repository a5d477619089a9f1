//! A client's side of offer and answer, for the load tester and for tests.

use std::net::SocketAddr;

use str0m::Candidate;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind as Kind, Mid, Simulcast, SimulcastLayer};

use str0m::net::Protocol;

use super::{DataChannel, Session, SessionError, description};
use crate::codec::MediaKind;
use crate::jsep::Offer;

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

#[derive(Debug)]
pub(super) struct PendingOffer {
    offer: Offer,
    pending: SdpPendingOffer,
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
    /// [`SessionError::Description`] when nothing changes, or the offer cannot be read back.
    pub fn offer(
        &mut self,
        wanted: &OfferChanges<'_>,
    ) -> Result<(String, Vec<String>), SessionError> {
        let mut api = self.rtc.sdp_api();
        if wanted.channels {
            for channel in DataChannel::ALL {
                let _ = api.add_channel_with_config(channel_config(channel));
            }
        }
        for (kind, count) in [Kind::Audio, Kind::Video].into_iter().zip(wanted.receive) {
            for _ in 0..count {
                api.add_media(kind, Direction::RecvOnly, None, None, None);
            }
        }
        let mut mids = Vec::new();
        for track in wanted.publish {
            let simulcast = (!track.rids.is_empty()).then(|| {
                let mut simulcast = Simulcast::new();
                for rid in &track.rids {
                    simulcast.add_send_layer(SimulcastLayer::new(rid));
                }
                simulcast
            });
            let kind = match track.kind {
                MediaKind::Audio => Kind::Audio,
                MediaKind::Video => Kind::Video,
            };
            let id = Some(track.track_id.clone());
            let mid = api.add_media(kind, Direction::SendOnly, Some("-".into()), id, simulcast);
            mids.push(mid.to_string());
        }
        for mid in wanted.unpublish {
            api.set_direction(Mid::from(mid.as_str()), Direction::Inactive);
        }
        for mid in wanted.receive_again {
            api.set_direction(Mid::from(mid.as_str()), Direction::RecvOnly);
        }
        if wanted.ice_restart {
            api.ice_restart(true);
        }
        if let Some(mid) = wanted.receive_again.last().filter(|_| !api.has_changes()) {
            // A server that has something to say in its answer asks for an offer without changes.
            api.set_direction(Mid::from(mid.as_str()), Direction::Inactive);
            api.set_direction(Mid::from(mid.as_str()), Direction::RecvOnly);
        }
        let (offer, pending) = api.apply().ok_or_else(|| description("nothing to offer"))?;
        let text = like_a_browsers(&offer.to_sdp_string());
        let offer = Offer::parse(&text).map_err(description)?;
        self.pending_offer = Some(PendingOffer { offer, pending });
        Ok((text, mids))
    }

    /// Applies the answer to the last offer.
    ///
    /// # Errors
    /// [`SessionError::Description`] when there is no offer or the answer does not fit it.
    pub fn accept_answer(&mut self, text: &str) -> Result<(), SessionError> {
        let made = self
            .pending_offer
            .take()
            .ok_or_else(|| description("no offer is pending"))?;
        let answer = SdpAnswer::from_sdp_string(text).map_err(description)?;
        self.rtc
            .sdp_api()
            .accept_answer(made.pending, answer)
            .map_err(description)?;
        self.refresh_sections(
            made.offer
                .sections
                .iter()
                .map(|section| section.mid.as_str()),
        );
        Ok(())
    }

    /// Takes an address of the other side that came apart from its description.
    ///
    /// # Errors
    /// [`SessionError::Description`] when it is no candidate.
    pub fn add_candidate(&mut self, text: &str) -> Result<(), SessionError> {
        let text = text.strip_prefix("a=").unwrap_or(text);
        let candidate = Candidate::from_sdp_string(text).map_err(description)?;
        self.rtc.add_remote_candidate(candidate);
        Ok(())
    }

    /// Replaces an address of this side, for a client that has moved to another network.
    pub fn change_address(&mut self, from: SocketAddr, to: SocketAddr) {
        if let Ok(gone) = Candidate::host(from, Protocol::Udp) {
            self.rtc.direct_api().invalidate_candidate(&gone);
        }
        if let Ok(candidate) = Candidate::host(to, Protocol::Udp) {
            self.rtc.add_local_candidate(candidate);
        }
    }

    /// Index of the section with this `mid`.
    pub fn section_of(&self, mid: &str) -> Option<usize> {
        self.section_by_mid.get(&Mid::from(mid)).copied()
    }
}

/// Writes an offer as browsers do: sections that send nothing name no stream (RFC 8830 §2), and
/// Opus is preferred to RED. LiveKit's server takes a named stream for a track that is about to be
/// published, and the first format for what is sent.
fn like_a_browsers(text: &str) -> String {
    let sections: Vec<String> = text
        .split("\r\nm=")
        .map(|section| {
            let sends = section.contains("\r\na=sendonly") || section.contains("\r\na=sendrecv");
            let names_stream =
                |line: &str| line.starts_with("a=msid:") || line.starts_with("a=ssrc");
            let kept = section
                .split("\r\n")
                .filter(|line| sends || !names_stream(line));
            red_last(&kept.collect::<Vec<_>>().join("\r\n"))
        })
        .collect();
    sections.join("\r\nm=")
}

/// Moves RED behind the other formats of a section, which begins with its media line.
fn red_last(section: &str) -> String {
    let red = section
        .lines()
        .filter_map(|line| line.strip_prefix("a=rtpmap:")?.split_once(" red/"))
        .map(|(payload_type, _)| format!(" {payload_type}"))
        .next();
    match (red, section.split_once("\r\n")) {
        (Some(red), Some((media, rest))) => {
            let words = media.split(' ').filter(|word| *word != red.trim_start());
            let media = words.collect::<Vec<_>>().join(" ");
            format!("{media}{red}\r\n{rest}")
        }
        _ => section.to_owned(),
    }
}

fn channel_config(channel: DataChannel) -> str0m::channel::ChannelConfig {
    use str0m::channel::Reliability;
    let lossy = channel != DataChannel::Reliable;
    str0m::channel::ChannelConfig {
        label: channel.label().to_owned(),
        ordered: !lossy,
        reliability: if lossy {
            Reliability::MaxRetransmits { retransmits: 0 }
        } else {
            Reliability::Reliable
        },
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_look_like_a_browsers() {
        let offer = "v=0\r\na=msid-semantic: WMS x\r\nm=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\na=msid:x y\r\n\
                     a=recvonly\r\na=rtpmap:63 red/48000/2\r\na=ssrc:1 cname:z\r\nm=video 9 \
                     UDP/TLS/RTP/SAVPF 96\r\na=msid:v w\r\na=sendonly\r\na=ssrc:2 cname:z\r\n";

        let expected = "v=0\r\na=msid-semantic: WMS x\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n\
                        a=recvonly\r\na=rtpmap:63 red/48000/2\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
                        a=msid:v w\r\na=sendonly\r\na=ssrc:2 cname:z\r\n";
        assert_eq!(like_a_browsers(offer), expected);
    }
}
