//! Publishing: a track is announced with `add_track`, offered in a section, and published when
//! both have come, in either order.

use std::time::{Duration, Instant};

use proto::codec::{Codec, MediaKind};
use proto::ids::TrackSid;
use proto::jsep::Wanted;
use proto::link::{Audience, LinkTrackId};
use proto::signal::granted_source;
use proto::signal::messages::{
    AddTrackRequest, AudioTrackFeature, MuteTrackRequest, SimulcastCodecInfo, TrackInfo,
    TrackPublishedResponse, TrackSource, TrackType, TrackUnpublishedResponse, VideoLayer,
    request_response::{Reason, Request as Refused},
    signal_response::Message,
    video_layer::Mode,
};
use router::{EncodingInfo, NewPublication, ParticipantKey, PublicationKey};

use super::Engine;
use super::limits::{MAX_PENDING_TRACKS, MAX_TRACK_TEXT_BYTES};
use super::sections::UnmatchedSection;

/// After this, a section whose track id nobody announced is taken for the first announced track
/// of its kind: some clients offer another id than they announce.
const MATCH_BY_KIND_AFTER: Duration = Duration::from_secs(1);

/// A track that is announced and not offered yet.
#[derive(Debug)]
struct PendingTrack {
    cid: String,
    info: TrackInfo,
    since: Instant,
}

/// A published track.
#[derive(Debug)]
pub(super) struct PublishedTrack {
    pub(super) key: PublicationKey,
    pub(super) info: TrackInfo,
    /// Its encodings, lowest first.
    pub(super) encodings: Vec<EncodingInfo>,
    /// Its name on links to other segments.
    pub(super) link: LinkTrackId,
    codec: Option<Codec>,
}

impl PublishedTrack {
    /// How the client is to send it: clients send the first codec they are answered.
    pub(super) fn wanted(&self) -> Wanted {
        let has = |feature: AudioTrackFeature| self.info.audio_features.contains(&feature.into());
        Wanted {
            codec: Codec::from_name(&self.info.mime_type),
            dtx: !has(AudioTrackFeature::TfNoDtx),
            stereo: has(AudioTrackFeature::TfStereo),
        }
    }
}

/// The tracks of a participant.
#[derive(Debug, Default)]
pub(super) struct Tracks {
    pending: Vec<PendingTrack>,
    pub(super) published: Vec<PublishedTrack>,
}

impl Tracks {
    fn by_cid(&mut self, cid: &str, kind: MediaKind) -> Option<PendingTrack> {
        let index = self
            .pending
            .iter()
            .position(|track| track.cid == cid && track_kind(&track.info) == kind)?;
        Some(self.pending.remove(index))
    }

    fn overdue(&mut self, now: Instant, kind: MediaKind) -> Option<PendingTrack> {
        let index = self.pending.iter().position(|track| {
            track_kind(&track.info) == kind
                && now.saturating_duration_since(track.since) >= MATCH_BY_KIND_AFTER
        })?;
        Some(self.pending.remove(index))
    }

    /// A published or announced track by its id.
    pub(super) fn info_mut(&mut self, sid: &str) -> Option<&mut TrackInfo> {
        let published = self.published.iter_mut().map(|track| &mut track.info);
        let pending = self.pending.iter_mut().map(|track| &mut track.info);
        published.chain(pending).find(|info| info.sid == sid)
    }

    pub(super) fn has_published(&self, sid: &str) -> bool {
        self.published.iter().any(|track| track.info.sid == sid)
    }

    /// Whether a track is published or announced.
    pub(super) fn knows(&self, sid: &str) -> bool {
        self.has_published(sid) || self.pending.iter().any(|track| track.info.sid == sid)
    }

    pub(super) fn by_key(&self, key: PublicationKey) -> Option<&PublishedTrack> {
        self.published.iter().find(|track| track.key == key)
    }
}

impl Engine {
    pub(super) fn handle_add_track(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        request: AddTrackRequest,
    ) {
        if let Err((reason, text)) = self.check_add_track(key, &request) {
            return self.refuse(key, 0, reason, text, Some(Refused::AddTrack(request)));
        }
        let hint = sid_hint(&request);
        let sid = TrackSid::with_hint(hint, &mut self.rng);
        let info = track_info(&sid, &request);
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let published = TrackPublishedResponse {
            cid: request.cid.clone(),
            track: Some(info.clone()),
        };
        peer.tracks.pending.push(PendingTrack {
            cid: request.cid,
            info,
            since: now,
        });
        self.send(key, Message::TrackPublished(published));
        self.match_tracks(now, key, false);
    }

    fn check_add_track(
        &self,
        key: ParticipantKey,
        request: &AddTrackRequest,
    ) -> Result<(), (Reason, &'static str)> {
        let Some(peer) = self.peer(key) else {
            return Ok(());
        };
        let grant = &peer.claims.video;
        let texts = [&request.cid, &request.name, &request.stream];
        if !grant.may_publish() {
            return Err((Reason::NotAllowed, "the token does not grant canPublish"));
        }
        if !grant.may_publish_source(granted_source(request.source())) {
            return Err((
                Reason::NotAllowed,
                "the token does not grant this source in canPublishSources",
            ));
        }
        if request.r#type() == TrackType::Data {
            return Err((
                Reason::UnsupportedType,
                "only audio and video tracks can be added",
            ));
        }
        if request.cid.is_empty() {
            return Err((Reason::InvalidRequest, "cid must not be empty"));
        }
        if texts.iter().any(|text| text.len() > MAX_TRACK_TEXT_BYTES)
            || request.layers.len() > 8
            || request.simulcast_codecs.len() > 4
        {
            return Err((
                Reason::LimitExceeded,
                "a name is longer than 256 bytes, or there are too many layers",
            ));
        }
        if !request.sid.is_empty() {
            return Err((Reason::UnsupportedType, "backup codecs are not supported"));
        }
        if let Some(codec) = request.simulcast_codecs.first()
            && !codec.codec.is_empty()
            && Codec::from_name(&codec.codec).is_none()
        {
            return Err((Reason::UnsupportedType, "the codec is not supported"));
        }
        if peer.tracks.pending.len() >= MAX_PENDING_TRACKS
            || peer.tracks.published.len() >= router::limits::MAX_PUBLICATIONS
        {
            return Err((Reason::LimitExceeded, "too many tracks"));
        }
        if peer
            .tracks
            .pending
            .iter()
            .any(|track| track.cid == request.cid)
        {
            return Err((Reason::Queued, "a track with this cid is being published"));
        }
        Ok(())
    }

    /// Publishes tracks that are both announced and offered. `by_kind` also takes tracks whose
    /// offered id is not the announced one.
    pub(super) fn match_tracks(&mut self, now: Instant, key: ParticipantKey, by_kind: bool) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let mut matched = Vec::new();
        for section in peer.sections.unmatched() {
            let track = peer.tracks.by_cid(&section.track_id, section.kind);
            let track = track.or_else(|| {
                by_kind
                    .then(|| peer.tracks.overdue(now, section.kind))
                    .flatten()
            });
            if let Some(track) = track {
                matched.push((section, track.info));
            }
        }
        if matched.is_empty() {
            return;
        }
        let mut publications = Vec::new();
        for (section, info) in matched {
            publications.extend(self.publish(key, &section, info));
        }
        self.announce(now, key);
        for publication in publications {
            self.offer_to_room(now, publication);
        }
    }

    fn publish(
        &mut self,
        key: ParticipantKey,
        section: &UnmatchedSection,
        mut info: TrackInfo,
    ) -> Option<PublicationKey> {
        // The id made when the track was announced.
        let sid = TrackSid::parse(&info.sid)?;
        info.mid.clone_from(&section.mid);
        for codec in &mut info.codecs {
            codec.mid.clone_from(&section.mid);
        }
        info.simulcast = section.rids.len() > 1;
        let new = NewPublication {
            sid,
            kind: section.kind,
            screen_share: info.source() == TrackSource::ScreenShare,
            encodings: encodings(&info.layers, &section.rids),
            audience: Audience::Room,
            is_remote: false,
        };
        let encodings = new.encodings.clone();
        let publication = self.router.publish(key, new).ok()?;
        self.next_link_track += 1;
        let link = LinkTrackId(self.next_link_track);
        self.own_tracks.insert(link, publication);
        self.link_publication(publication);
        let peer = self.peer_mut(key)?;
        peer.sections
            .publish(section.index, publication, &section.rids);
        peer.info.is_publisher = true;
        peer.tracks.published.push(PublishedTrack {
            key: publication,
            info,
            encodings,
            link,
            codec: None,
        });
        Some(publication)
    }

    /// Takes a track back that the client has stopped offering, or may no longer publish.
    pub(super) fn unpublish(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        publication: PublicationKey,
    ) {
        let ended = self.router.unpublish(publication);
        if let Some(peer) = self.peer_mut(key) {
            peer.sections.unpublish(publication);
            let gone = peer
                .tracks
                .published
                .iter()
                .position(|track| track.key == publication);
            if let Some(index) = gone {
                let track = peer.tracks.published.remove(index);
                self.own_tracks.remove(&track.link);
                self.send(
                    key,
                    Message::TrackUnpublished(TrackUnpublishedResponse {
                        track_sid: track.info.sid,
                    }),
                );
            }
        }
        for subscription in ended {
            self.handle_ended(now, subscription);
        }
    }

    pub(super) fn handle_mute(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        request: &MuteTrackRequest,
    ) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let Some(info) = peer.tracks.info_mut(&request.sid) else {
            return;
        };
        if info.muted == request.muted {
            return;
        }
        info.muted = request.muted;
        if peer.tracks.has_published(&request.sid) {
            self.announce(now, key);
        }
    }

    /// Corrects a track's media type by what really comes in.
    pub(super) fn notice_codec(
        &mut self,
        now: Instant,
        key: ParticipantKey,
        section: usize,
        codec: Codec,
    ) {
        let Some(peer) = self.peer_mut(key) else {
            return;
        };
        let Some((publication, _)) = peer.sections.publication_of(section, None) else {
            return;
        };
        let track = peer
            .tracks
            .published
            .iter_mut()
            .find(|track| track.key == publication);
        let Some(track) = track.filter(|track| track.codec != Some(codec)) else {
            return;
        };
        track.codec = Some(codec);
        if track.info.mime_type.eq_ignore_ascii_case(codec.mime_type()) {
            return;
        }
        track.info.mime_type = codec.mime_type().to_owned();
        if let Some(first) = track.info.codecs.first_mut() {
            first.mime_type = codec.mime_type().to_owned();
        }
        self.announce(now, key);
    }
}

fn track_kind(info: &TrackInfo) -> MediaKind {
    match info.r#type() {
        TrackType::Video => MediaKind::Video,
        TrackType::Audio | TrackType::Data => MediaKind::Audio,
    }
}

/// Letters that tell people what a track is, as in LiveKit's ids.
fn sid_hint(request: &AddTrackRequest) -> &'static str {
    match (request.r#type(), request.source()) {
        (_, TrackSource::Camera) => "VC",
        (_, TrackSource::Microphone) => "AM",
        (_, TrackSource::ScreenShare) => "VS",
        (_, TrackSource::ScreenShareAudio) => "As",
        (TrackType::Video, TrackSource::Unknown) => "V",
        (TrackType::Audio | TrackType::Data, TrackSource::Unknown) => "A",
    }
}

fn track_info(sid: &TrackSid, request: &AddTrackRequest) -> TrackInfo {
    let primary = request.simulcast_codecs.first();
    let codec = primary
        .and_then(|codec| Codec::from_name(&codec.codec))
        .unwrap_or(match request.r#type() {
            TrackType::Video => Codec::Vp8,
            TrackType::Audio | TrackType::Data if request.disable_red => Codec::Opus,
            TrackType::Audio | TrackType::Data => Codec::Red,
        });
    let layers = match primary {
        Some(codec) if !codec.layers.is_empty() => codec.layers.clone(),
        _ => request.layers.clone(),
    };
    let mode = match codec {
        Codec::Vp9 | Codec::Av1 => Mode::MultipleSpatialLayersPerStream,
        Codec::Opus | Codec::Red => Mode::Unused,
        Codec::Vp8 | Codec::H264 => Mode::OneSpatialLayerPerStream,
    };
    let mut audio_features = request.audio_features.clone();
    for (is_set, feature) in [
        (request.stereo, AudioTrackFeature::TfStereo),
        (request.disable_dtx, AudioTrackFeature::TfNoDtx),
    ] {
        if is_set && !audio_features.contains(&feature.into()) {
            audio_features.push(feature.into());
        }
    }
    TrackInfo {
        sid: sid.to_string(),
        r#type: request.r#type,
        name: request.name.clone(),
        muted: request.muted,
        width: request.width,
        height: request.height,
        simulcast: layers.len() > 1,
        disable_dtx: request.disable_dtx,
        source: request.source,
        mime_type: codec.mime_type().to_owned(),
        codecs: vec![SimulcastCodecInfo {
            mime_type: codec.mime_type().to_owned(),
            cid: request.cid.clone(),
            layers: layers.clone(),
            video_layer_mode: mode.into(),
            ..SimulcastCodecInfo::default()
        }],
        layers,
        stereo: request.stereo,
        disable_red: request.disable_red,
        encryption: request.encryption,
        stream: request.stream.clone(),
        audio_features,
        backup_codec_policy: request.backup_codec_policy,
        packet_trailer_features: request.packet_trailer_features.clone(),
        ..TrackInfo::default()
    }
}

/// Sizes and rates of the encodings, lowest first.
fn encodings(layers: &[VideoLayer], rids: &[String]) -> Vec<EncodingInfo> {
    let mut by_quality: Vec<&VideoLayer> = layers.iter().collect();
    by_quality.sort_by_key(|layer| layer.quality);
    let info = |layer: Option<&&VideoLayer>| {
        layer.map_or_else(EncodingInfo::default, |layer| EncodingInfo {
            width: layer.width,
            height: layer.height,
            bitrate_bps: layer.bitrate.into(),
        })
    };
    if rids.len() < 2 {
        // One RTP stream holds all layers, or there is only one: the highest tells its size.
        return vec![info(by_quality.last())];
    }
    let named = |rid: &String| by_quality.iter().find(|layer| layer.rid == *rid);
    rids.iter()
        .enumerate()
        .map(|(index, rid)| info(named(rid).or_else(|| by_quality.get(index))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_take_size_by_rid_or_else_by_quality() {
        let layer = |quality, width, rid: &str| VideoLayer {
            quality,
            width,
            rid: rid.into(),
            ..Default::default()
        };
        let rids = ["q", "h"].map(str::to_owned);
        let widths = |layers: &[VideoLayer]| {
            encodings(layers, &rids)
                .iter()
                .map(|own| own.width)
                .collect::<Vec<_>>()
        };

        assert_eq!(
            widths(&[layer(1, 640, "h"), layer(0, 320, "q")]),
            [320, 640]
        );
        assert_eq!(widths(&[layer(2, 640, ""), layer(0, 320, "")]), [320, 640]);
        assert_eq!(encodings(&[layer(2, 640, "")], &[]).len(), 1);
    }
}
