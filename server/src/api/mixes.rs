//! `/v1/rooms/{room}/mix`

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mixer::codec::Codec;
use proto::api::{CompositeCodec, Mix, MixListener, SetMix, Timestamp};
use proto::ids::Identity;

use super::caller::Caller;
use super::request::{RoomPath, check_if_match, json_body, parse};
use super::{Api, Failure, Problems, answer, to_json};
use crate::mix::{self, MAX_LISTENERS, MixSettings, Part};
use crate::node::{Created, NodeError};
use crate::recorder::ask::{PictureAsk, look};

/// Read how a room is mixed.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/mix", tag = "mixes", operation_id = "get_mix",
    params(("room" = String, Path, description = "The room's name")),
    security(("token" = ["roomAdmin"])),
    responses(
        (status = 200, description = "The mix", body = Mix, headers(("ETag" = String))),
        Problems
    )
)]
pub(super) async fn get(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Response, Failure> {
    caller.require_admin(&room)?;
    api.node.room(&room).await?;
    let mix = api.node.room_mix(&room).ok_or_else(not_mixed)?;
    answer(StatusCode::OK, &view(&mix))
}

/// Mix a room, or change how it is mixed.
///
/// The picture and the sound of all become tracks of a participant with the identity `mix`. Listeners get those and
/// nothing else: to them the others have no tracks. Nobody else gets them without subscribing. A change of `width`, `height`,
/// `fps`, `codec` or `bitrate` begins anew with other tracks; other changes do not interrupt. What nobody receives
/// is not made. The mix ends with its room.
#[utoipa::path(
    put, path = "/v1/rooms/{room}/mix", tag = "mixes", operation_id = "set_mix",
    request_body = SetMix,
    params(
        ("room" = String, Path, description = "The room's name"),
        ("If-Match" = Option<String>, Header, description = "Changes the mix only if this is still its ETag"),
    ),
    security(("token" = ["roomAdmin"])),
    responses(
        (status = 200, description = "The room is mixed so from now on", body = Mix, headers(("ETag" = String))),
        (status = 201, description = "The room is mixed now", body = Mix, headers(("ETag" = String))),
        Problems
    )
)]
pub(super) async fn set(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    caller.require_admin(&room)?;
    let body = json_body(request, api.config.limits.api_body_bytes).await?;
    let ask = match body.is_empty() {
        true => SetMix::default(),
        false => parse(&body)?,
    };
    let settings = settings(&ask)?;
    api.node.room(&room).await?;
    check_current(&api, &room, &headers)?;
    let (mix, created) = api.node.mix(&room, settings).await?;
    let status = match created {
        Created::New => StatusCode::CREATED,
        Created::Existing => StatusCode::OK,
    };
    answer(status, &view(&mix))
}

/// End the mix of a room.
///
/// Its listeners get the tracks of others again.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/mix", tag = "mixes", operation_id = "delete_mix",
    params(
        ("room" = String, Path, description = "The room's name"),
        ("If-Match" = Option<String>, Header, description = "Ends the mix only if this is still its ETag"),
    ),
    security(("token" = ["roomAdmin"])),
    responses((status = 204, description = "The room is not mixed any more"), Problems)
)]
pub(super) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    caller.require_admin(&room)?;
    api.node.room(&room).await?;
    check_current(&api, &room, &headers)?;
    match api.node.stop_mix(&room).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(not_mixed()),
    }
}

/// Refuses a change of something else than the caller has seen.
fn check_current(
    api: &Api,
    room: &proto::ids::RoomName,
    headers: &HeaderMap,
) -> Result<(), Failure> {
    let mix = api.node.room_mix(room);
    let current = mix.map(|mix| to_json(&view(&mix))).transpose()?;
    check_if_match(headers, &current.unwrap_or_default())
}

fn not_mixed() -> Failure {
    NodeError::MixNotFound.into()
}

fn settings(ask: &SetMix) -> Result<MixSettings, Failure> {
    if ask.codec == Some(CompositeCodec::H264) {
        return Err(Failure::field("codec", "mixes are vp8 or vp9"));
    }
    let picture = PictureAsk {
        width: ask.width.unwrap_or(1_280),
        height: ask.height.unwrap_or(720),
        fps: ask.fps.unwrap_or(25),
        codec: ask.codec.unwrap_or(CompositeCodec::Vp8),
        bitrate: ask.bitrate.unwrap_or(1_500_000),
    };
    let look = look(ask.layout.as_ref(), &picture)?;
    let mut listeners = Vec::with_capacity(ask.listeners.len());
    for name in &ask.listeners {
        let listener = Identity::new(name)
            .map_err(|error| Failure::field("listeners", format!("{name:?}: {error}")))?;
        if listener.as_str() == mix::IDENTITY {
            let detail = format!("{name:?} is the mix itself");
            return Err(Failure::field("listeners", detail));
        }
        if !listeners.contains(&listener) {
            listeners.push(listener);
        }
    }
    if listeners.len() > MAX_LISTENERS {
        let detail = format!(
            "{} listeners are too many: a mix has a sound of its own for at most {MAX_LISTENERS}; others may subscribe \
             to the sound of all",
            listeners.len()
        );
        return Err(Failure::field("listeners", detail));
    }
    Ok(MixSettings { look, listeners })
}

fn view(mix: &mix::Mix) -> Mix {
    let look = &mix.settings.look;
    let tracks = &mix.tracks.tracks;
    let sid_of = |part: &Part| {
        let mut parts = tracks.iter().filter(|(own, _)| own == part);
        parts.next().map(|(_, sid)| sid.clone())
    };
    let video_track = sid_of(&Part::Picture);
    let only_with_picture = |number: u32| video_track.as_ref().map_or(0, |_| number);
    let listeners = tracks.iter().filter_map(|(part, sid)| match part {
        Part::SoundFor(identity) => Some(MixListener {
            identity: identity.clone(),
            audio_track: sid.clone(),
        }),
        Part::Picture | Part::Sound => None,
    });
    Mix {
        layout: serde_json::to_value(&look.layout).unwrap_or_default(),
        width: only_with_picture(look.size.width),
        height: only_with_picture(look.size.height),
        fps: only_with_picture(look.fps),
        codec: video_track.as_ref().map(|_| match look.codec {
            Codec::Vp9 => CompositeCodec::Vp9,
            Codec::Vp8 | Codec::H264 | Codec::Av1 => CompositeCodec::Vp8,
        }),
        bitrate: only_with_picture(look.kilobits * 1_000),
        started_at: Timestamp::from_unix_ms(mix.started_at_ms),
        participant_sid: mix.tracks.participant_sid.clone(),
        audio_track: sid_of(&Part::Sound).unwrap_or_default(),
        listeners: listeners.collect(),
        video_track,
    }
}
