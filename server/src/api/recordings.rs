//! `/v1/rooms/{room}/recordings` and `/v1/recordings`

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mixer::recording as kept;
use proto::api::{
    ChangeRecording, CompositeFile, CompositeFileState, ProblemKind, Recording, RecordingFile,
    RecordingList, RecordingState, StartRecording, StoredRecording, StoredRecordingState,
    Timestamp, TrackKind, TrackSource,
};
use proto::ids::{RecordingSid, RoomName};
use proto::token::ApiKeys;
use serde::Deserialize;
use tower::ServiceExt;
use tower_http::services::ServeFile;

use super::caller::{Caller, MaybeCaller};
use super::request::{Page, RoomPath, check_if_match, json_body, parse};
use super::rooms::scope;
use super::{Api, Failure, Problems, answer, at, to_json};
use crate::clock;
use crate::node::NodeError;
use crate::recorder::{Place, ask, media_type};

/// List a room's recordings.
///
/// Those of every life of the room, oldest first.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/recordings", tag = "recordings", operation_id = "list_room_recordings",
    params(("room" = String, Path, description = "The room's name"), Page),
    security(("token" = ["roomRecord"])),
    responses((status = 200, description = "A page of recordings", body = RecordingList), Problems)
)]
pub(super) async fn list_of_room(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
    page: Page,
) -> Result<Json<RecordingList>, Failure> {
    caller.require_record(room.as_str())?;
    let mut all = api.node.recordings().all();
    all.retain(|recording| recording.room == room.as_str());
    cut(&page, all)
}

/// Record a room.
///
/// Every track in it is written to a file of its own, as it is sent, now and until the recording is stopped or
/// the room ends. Everyone in the room is told.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/recordings", tag = "recordings", operation_id = "start_recording",
    request_body = StartRecording,
    params(
        ("room" = String, Path, description = "The room's name"),
        ("Idempotency-Key" = Option<String>, Header, description = "The same key within 24 hours gets the same answer"),
    ),
    security(("token" = ["roomRecord"])),
    responses(
        (status = 201, description = "The recording has begun", body = Recording, headers(("ETag" = String), ("Location" = String))),
        Problems
    )
)]
pub(super) async fn start(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    caller.require_record(room.as_str())?;
    let body = json_body(request, api.config.limits.api_body_bytes).await?;
    let work = async {
        let ask = match body.is_empty() {
            true => StartRecording::default(),
            false => parse(&body)?,
        };
        let choice = kept::Choice::default();
        let id = api
            .node
            .record(&room, choice, ask::composite(&ask)?)
            .await?;
        let recording = read(&api, &id)?;
        let path = format!("/v1/recordings/{id}");
        Ok(at(answer(StatusCode::CREATED, &view(&recording))?, &path))
    };
    let scope = scope(&caller, &format!("recordings of {room}"));
    api.idempotency.once(&headers, &scope, &body, work).await
}

/// Stop a recording.
///
/// Its files are completed then, which takes a moment; they play before, too.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/recordings/{id}", tag = "recordings", operation_id = "stop_recording",
    params(
        ("room" = String, Path, description = "The room's name"),
        ("id" = String, Path, description = "The recording's id"),
    ),
    security(("token" = ["roomRecord"])),
    responses((status = 204, description = "The recording ends"), Problems)
)]
pub(super) async fn stop(
    State(api): State<Api>,
    caller: Caller,
    Path((room, id)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    caller.require_record(&room)?;
    let id = sid(&id)?;
    let recording = read(&api, &id)?;
    let name = RoomName::new(&recording.room).map_err(|_| unknown())?;
    if name.as_str() != room {
        return Err(unknown());
    }
    api.node.stop_recording(&name, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List recordings.
///
/// Those of all rooms, oldest first.
#[utoipa::path(
    get, path = "/v1/recordings", tag = "recordings", operation_id = "list_recordings", params(Page),
    security(("token" = ["roomRecord"])),
    responses((status = 200, description = "A page of recordings", body = RecordingList), Problems)
)]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    page: Page,
) -> Result<Json<RecordingList>, Failure> {
    caller.require_record_all()?;
    cut(&page, api.node.recordings().all())
}

/// Read a recording.
#[utoipa::path(
    get, path = "/v1/recordings/{id}", tag = "recordings", operation_id = "get_recording",
    params(("id" = String, Path, description = "The recording's id")),
    security(("token" = ["roomRecord"])),
    responses((status = 200, description = "The recording", body = Recording, headers(("ETag" = String))), Problems)
)]
pub(super) async fn get(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let (_, recording) = permitted(&api, &caller, &id)?;
    answer(StatusCode::OK, &view(&recording))
}

/// Pause a recording, let it go on, or change its layout.
///
/// While it is paused nothing of the room is written. Files go on after it as if there had been no pause.
#[utoipa::path(
    patch, path = "/v1/recordings/{id}", tag = "recordings", operation_id = "change_recording",
    request_body = ChangeRecording,
    params(("id" = String, Path, description = "The recording's id")),
    security(("token" = ["roomRecord"])),
    responses((status = 200, description = "The recording", body = Recording, headers(("ETag" = String))), Problems)
)]
pub(super) async fn change(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    let (id, _) = permitted(&api, &caller, &id)?;
    let body = json_body(request, api.config.limits.api_body_bytes).await?;
    let change: ChangeRecording = parse(&body)?;
    if let Some(is_paused) = change.paused {
        let recordings = api.node.recordings();
        recordings.set_paused(&id, is_paused).map_err(failed)?;
    }
    if let Some(wanted) = &change.layout {
        let recordings = api.node.recordings();
        let layout = ask::layout(wanted)?;
        recordings.set_layout(&id, layout).map_err(failed)?;
    }
    let mut recording = read(&api, &id)?;
    // The recording does it in a moment, and until then looks as before.
    recording.state = match (recording.state, change.paused) {
        (kept::State::Recording, Some(true)) => kept::State::Paused,
        (kept::State::Paused, Some(false)) => kept::State::Recording,
        (state, _) => state,
    };
    answer(StatusCode::OK, &view(&recording))
}

/// Delete a recording.
///
/// Deletes its files, here and in the object store. A recording that runs is to be stopped first.
#[utoipa::path(
    delete, path = "/v1/recordings/{id}", tag = "recordings", operation_id = "delete_recording",
    params(
        ("id" = String, Path, description = "The recording's id"),
        ("If-Match" = Option<String>, Header, description = "Deletes the recording only if this is still its ETag"),
    ),
    security(("token" = ["roomRecord"])),
    responses((status = 204, description = "The recording is deleted"), Problems)
)]
pub(super) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    let (id, recording) = permitted(&api, &caller, &id)?;
    check_if_match(&headers, &to_json(&view(&recording))?)?;
    let recordings = api.node.recordings().clone();
    let deleted = tokio::task::spawn_blocking(move || recordings.delete(&id)).await;
    let broken = |_| Failure::new(ProblemKind::Internal, "the files could not be deleted");
    deleted.map_err(broken)?.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A token for those who cannot send headers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Download {
    /// The token, for players that send no `Authorization`.
    access_token: Option<String>,
    /// Whether the browser is to save the file and not to play it.
    #[serde(default)]
    download: bool,
}

/// Get a file of a recording.
///
/// `file` is that of an entry of `files`, or `manifest.json` or `journal.jsonl`. Ranges are honoured, so a player can
/// jump. A file of a recording that runs is as long as it is at that moment, and plays. One that only the object store
/// has is redirected to, with a link that works for an hour.
#[utoipa::path(
    get, path = "/v1/recordings/{id}/files/{file}", tag = "recordings", operation_id = "get_recording_file",
    params(
        ("id" = String, Path, description = "The recording's id"),
        ("file" = String, Path, description = "The file's name"),
        ("Range" = Option<String>, Header, description = "The bytes that are wanted (RFC 9110)"),
        Download,
    ),
    security(("token" = ["roomRecord"])),
    responses(
        (status = 200, description = "The file"),
        (status = 206, description = "The wanted bytes of it"),
        (status = 307, description = "It is in the object store", headers(("Location" = String))),
        (status = 416, description = "It has no such bytes"),
        Problems
    )
)]
pub(super) async fn file(
    State(api): State<Api>,
    MaybeCaller(caller): MaybeCaller,
    Path((id, file)): Path<(String, String)>,
    Query(query): Query<Download>,
    request: Request,
) -> Result<Response, Failure> {
    let caller = match (caller, &query.access_token) {
        (Some(caller), _) => caller,
        (None, Some(token)) => by_token(&api.keys, token)?,
        (None, None) => {
            let detail = "send a token as `Authorization: Bearer`, or as access_token in the query";
            return Err(Failure::new(ProblemKind::Unauthorized, detail));
        }
    };
    let (id, recording) = permitted(&api, &caller, &id)?;
    let path = match api.node.recordings().file(&id, &file).map_err(failed)? {
        Place::Here(path) => path,
        Place::Stored(object) => return redirect(&api, &object, &file, query.download).await,
    };
    let served = ServeFile::new(path).oneshot(request).await;
    let mut response = served.into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let media_type = media_type(&recording, &file);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    let disposition = format!("attachment; filename=\"{file}\"");
    if query.download
        && let Ok(disposition) = HeaderValue::try_from(disposition)
    {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// Sends the client to the object store, which honours ranges as well.
async fn redirect(
    api: &Api,
    object: &str,
    file: &str,
    is_download: bool,
) -> Result<Response, Failure> {
    let save_as = is_download.then_some(file);
    let link = api.node.recordings().link(object, save_as).await;
    let headers = [
        (LOCATION, link.map_err(failed)?),
        (CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::TEMPORARY_REDIRECT, headers).into_response())
}

fn by_token(keys: &ApiKeys, token: &str) -> Result<Caller, Failure> {
    keys.verify(token, clock::unix_now())
        .map(Caller)
        .map_err(|error| Failure::new(ProblemKind::Unauthorized, error.to_string()))
}

/// A recording that the caller may see.
fn permitted(
    api: &Api,
    caller: &Caller,
    id: &str,
) -> Result<(RecordingSid, kept::Manifest), Failure> {
    let id = sid(id)?;
    let recording = read(api, &id)?;
    caller.require_record(&recording.room)?;
    Ok((id, recording))
}

fn read(api: &Api, id: &RecordingSid) -> Result<kept::Manifest, Failure> {
    api.node.recordings().get(id).map_err(failed)
}

fn sid(text: &str) -> Result<RecordingSid, Failure> {
    RecordingSid::parse(text).ok_or_else(unknown)
}

fn unknown() -> Failure {
    failed(crate::recorder::RecordingError::NotFound)
}

fn failed(error: crate::recorder::RecordingError) -> Failure {
    NodeError::from(error).into()
}

fn cut(page: &Page, all: Vec<kept::Manifest>) -> Result<Json<RecordingList>, Failure> {
    let named = all.iter().map(|recording| {
        let order = format!("{:020}{}", recording.started_at_ms, recording.id);
        (order, recording)
    });
    let (page, next_cursor) = page.cut(named.collect(), |(order, _)| order)?;
    let recordings = page.into_iter().map(|(_, recording)| view(recording));
    Ok(Json(RecordingList {
        recordings: recordings.collect(),
        next_cursor,
    }))
}

fn view(recording: &kept::Manifest) -> Recording {
    let time = |ms: i64| Timestamp::from_unix_ms(ms.unsigned_abs());
    Recording {
        id: recording.id.clone(),
        room: recording.room.clone(),
        room_sid: recording.room_sid.clone(),
        state: match recording.state {
            kept::State::Recording => RecordingState::Recording,
            kept::State::Paused => RecordingState::Paused,
            kept::State::Finalizing => RecordingState::Finalizing,
            kept::State::Done => RecordingState::Done,
            kept::State::Recovered => RecordingState::Recovered,
            kept::State::DiskFull => RecordingState::DiskFull,
            kept::State::Failed => RecordingState::Failed,
        },
        error: recording.error.clone(),
        started_at: time(recording.started_at_ms),
        ended_at: recording.ended_at_ms.map(time),
        duration: seconds(recording.duration_us),
        lost_packets: recording.lost_packets,
        dropped_packets: recording.dropped_packets,
        files: recording.files.iter().map(file_view).collect(),
        composites: recording.composites.iter().map(composite_view).collect(),
        stored: recording.stored.as_ref().map(stored_view),
    }
}

fn stored_view(stored: &kept::Stored) -> StoredRecording {
    StoredRecording {
        state: match stored.state {
            kept::StoredState::Waiting => StoredRecordingState::Waiting,
            kept::StoredState::Uploading => StoredRecordingState::Uploading,
            kept::StoredState::Stored => StoredRecordingState::Stored,
        },
        since: Timestamp::from_unix_ms(stored.since_ms.unsigned_abs()),
        url: stored.url.clone(),
        bytes: stored.bytes,
        total_bytes: stored.total_bytes,
        error: stored.error.clone(),
    }
}

fn composite_view(composite: &kept::Composite) -> CompositeFile {
    CompositeFile {
        file: composite.path.clone(),
        state: match composite.state {
            kept::CompositeState::Waiting => CompositeFileState::Waiting,
            kept::CompositeState::Making => CompositeFileState::Making,
            kept::CompositeState::Complete => CompositeFileState::Complete,
            kept::CompositeState::Failed => CompositeFileState::Failed,
        },
        error: composite.error.clone(),
        layout: composite.layout.clone(),
        width: composite.width_px,
        height: composite.height_px,
        fps: composite.fps,
        codec: composite.codec.clone(),
        duration: seconds(composite.duration_us),
        bytes: composite.bytes,
    }
}

fn file_view(file: &kept::RecordedFile) -> RecordingFile {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    RecordingFile {
        file: name.to_owned(),
        path: file.path.clone(),
        complete: file.state == kept::FileState::Complete,
        kind: match file.codec.as_str() {
            "opus" => TrackKind::Audio,
            _ => TrackKind::Video,
        },
        codec: file.codec.clone(),
        source: match file.source {
            kept::Source::Camera => TrackSource::Camera,
            kept::Source::Microphone => TrackSource::Microphone,
            kept::Source::ScreenShare => TrackSource::ScreenShare,
            kept::Source::ScreenShareAudio => TrackSource::ScreenShareAudio,
            kept::Source::Unknown => TrackSource::Unknown,
        },
        participant_sid: file.participant.clone(),
        identity: file.identity.clone(),
        name: file.name.clone(),
        track_sid: file.track.clone(),
        start: file.first_pts_us.map(seconds),
        end: file.last_pts_us.map(seconds),
        bytes: file.bytes,
        frames: file.blocks,
    }
}

/// To the millisecond, which is as exact as files are.
fn seconds(us: i64) -> f64 {
    (us / 1_000) as f64 / 1_000.0
}
