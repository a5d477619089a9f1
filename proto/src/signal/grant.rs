//! What a token grants, in the words of signalling.

use super::messages::{ParticipantPermission, TrackSource, participant_info::Kind};
use crate::token::{GrantedSource, ParticipantKind, VideoGrant};

/// The permission a participant and its peers see.
pub fn permission_of(grant: &VideoGrant) -> ParticipantPermission {
    ParticipantPermission {
        can_subscribe: grant.may_subscribe(),
        can_publish: grant.may_publish(),
        can_publish_data: grant.may_publish_data(),
        can_publish_sources: grant
            .can_publish_sources
            .iter()
            .map(|s| source_of(*s).into())
            .collect(),
        hidden: grant.hidden,
        can_update_metadata: grant.may_update_own_metadata(),
        can_subscribe_metrics: grant.can_subscribe_metrics.unwrap_or(false),
        ..ParticipantPermission::default()
    }
}

/// A granted source as signalling names it.
pub const fn source_of(source: GrantedSource) -> TrackSource {
    match source {
        GrantedSource::Camera => TrackSource::Camera,
        GrantedSource::Microphone => TrackSource::Microphone,
        GrantedSource::ScreenShare => TrackSource::ScreenShare,
        GrantedSource::ScreenShareAudio => TrackSource::ScreenShareAudio,
        GrantedSource::Unknown => TrackSource::Unknown,
    }
}

/// A source as grants name it.
pub const fn granted_source(source: TrackSource) -> GrantedSource {
    match source {
        TrackSource::Camera => GrantedSource::Camera,
        TrackSource::Microphone => GrantedSource::Microphone,
        TrackSource::ScreenShare => GrantedSource::ScreenShare,
        TrackSource::ScreenShareAudio => GrantedSource::ScreenShareAudio,
        TrackSource::Unknown => GrantedSource::Unknown,
    }
}

/// A kind of participant as signalling names it.
pub const fn kind_of(kind: ParticipantKind) -> Kind {
    match kind {
        ParticipantKind::Standard => Kind::Standard,
        ParticipantKind::Ingress => Kind::Ingress,
        ParticipantKind::Egress => Kind::Egress,
        ParticipantKind::Sip => Kind::Sip,
        ParticipantKind::Agent => Kind::Agent,
        ParticipantKind::Connector => Kind::Connector,
        ParticipantKind::Bridge => Kind::Bridge,
    }
}
