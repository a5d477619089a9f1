//! `/v1/rooms`

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use proto::api::{ChangeRoom, CreateRoom, Room, RoomList, StartRecording};
use proto::ids::RoomName;

use super::caller::Caller;
use super::request::{Page, RoomPath, check_if_match, json_body, parse};
use super::{Api, Failure, Problems, answer, at, to_json};
use crate::node::Created;
use crate::recorder::ask;
use crate::web::percent_encode;

/// List rooms.
///
/// Rooms in the order of their names.
#[utoipa::path(
    get, path = "/v1/rooms", tag = "rooms", operation_id = "list_rooms", params(Page),
    security(("token" = ["roomList"])),
    responses((status = 200, description = "A page of rooms", body = RoomList), Problems)
)]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    page: Page,
) -> Result<Json<RoomList>, Failure> {
    caller.require_list()?;
    let (rooms, next_cursor) = page.cut(api.node.rooms().await?, |room| room.name.as_str())?;
    Ok(Json(RoomList { rooms, next_cursor }))
}

/// Make a room.
///
/// If a room of this name exists, it is answered as long as it agrees with every setting given; otherwise
/// nothing is changed and the answer is 409.
#[utoipa::path(
    post, path = "/v1/rooms", tag = "rooms", operation_id = "create_room", request_body = CreateRoom,
    params(("Idempotency-Key" = Option<String>, Header, description = "The same key within 24 hours gets the same answer")),
    security(("token" = ["roomCreate"])),
    responses(
        (status = 201, description = "The room was made", body = Room, headers(("ETag" = String), ("Location" = String))),
        (status = 200, description = "The room was there already", body = Room, headers(("ETag" = String))),
        Problems
    )
)]
pub(super) async fn create(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    caller.require_create()?;
    let body = json_body(request, api.config.limits.api_body_bytes).await?;
    let work = async {
        let ask: CreateRoom = parse(&body)?;
        check(&api, &ask)?;
        check_recording(&caller, &ask.name, ask.recording.as_ref())?;
        let (room, created) = api.node.create_room(ask).await?;
        match created {
            Created::Existing => answer(StatusCode::OK, &room),
            Created::New => {
                let path = format!("/v1/rooms/{}", percent_encode(room.name.as_str()));
                Ok(at(answer(StatusCode::CREATED, &room)?, &path))
            }
        }
    };
    api.idempotency
        .once(&headers, &scope(&caller, "rooms"), &body, work)
        .await
}

/// What an `Idempotency-Key` is unique in: one bearer's use of one operation.
pub(super) fn scope(caller: &Caller, operation: &str) -> String {
    format!("{}\n{}\n{operation}", caller.0.key, caller.0.identity)
}

fn check(api: &Api, ask: &CreateRoom) -> Result<(), Failure> {
    if let Some((field, detail)) = ask.fault() {
        return Err(Failure::field(field, detail));
    }
    let max = api.config.limits.room_metadata_bytes;
    if ask
        .metadata
        .as_ref()
        .is_some_and(|metadata| metadata.len() > max)
    {
        return Err(Failure::field(
            "metadata",
            format!("metadata must be at most {max} bytes long"),
        ));
    }
    Ok(())
}

/// Refuses a recording that is not the caller's to order, or that nobody can make.
fn check_recording(
    caller: &Caller,
    room: &RoomName,
    recording: Option<&Option<StartRecording>>,
) -> Result<(), Failure> {
    let Some(recording) = recording else {
        return Ok(());
    };
    caller.require_record(room.as_str())?;
    let made = recording.as_ref().map(ask::composite).transpose();
    made.map(drop)
        .map_err(|bad| Failure::field(&format!("recording.{}", bad.field), bad.detail))
}

/// Change a room.
///
/// Changes what is recorded by itself. That counts for the next recording that begins by itself, which is at once if
/// there are people in the room; one that runs goes on as it is, and can be changed or stopped as any.
#[utoipa::path(
    patch, path = "/v1/rooms/{room}", tag = "rooms", operation_id = "change_room", request_body = ChangeRoom,
    params(
        ("room" = String, Path, description = "The room's name"),
        ("If-Match" = Option<String>, Header, description = "Changes the room only if this is still its ETag"),
    ),
    security(("token" = ["roomRecord"])),
    responses((status = 200, description = "The room", body = Room, headers(("ETag" = String))), Problems)
)]
pub(super) async fn change(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Failure> {
    caller.require_record(room.as_str())?;
    let body = json_body(request, api.config.limits.api_body_bytes).await?;
    let change: ChangeRoom = parse(&body)?;
    check_recording(&caller, &room, change.recording.as_ref())?;
    check_if_match(&headers, &to_json(&api.node.room(&room).await?)?)?;
    answer(StatusCode::OK, &api.node.change_room(&room, change).await?)
}

/// Read a room.
#[utoipa::path(
    get, path = "/v1/rooms/{room}", tag = "rooms", operation_id = "get_room",
    params(("room" = String, Path, description = "The room's name")),
    security(("token" = ["roomAdmin"]), ("token" = ["roomCreate"])),
    responses((status = 200, description = "The room", body = Room, headers(("ETag" = String))), Problems)
)]
pub(super) async fn get(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Response, Failure> {
    caller.require_read(&room)?;
    answer(StatusCode::OK, &api.node.room(&room).await?)
}

/// End a room.
///
/// Everyone in it is told that the room was deleted, and is disconnected.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}", tag = "rooms", operation_id = "delete_room",
    params(
        ("room" = String, Path, description = "The room's name"),
        ("If-Match" = Option<String>, Header, description = "Ends the room only if this is still its ETag"),
    ),
    security(("token" = ["roomCreate"])),
    responses((status = 204, description = "The room has ended"), Problems)
)]
pub(super) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    caller.require_create()?;
    check_if_match(&headers, &to_json(&api.node.room(&room).await?)?)?;
    api.node.delete_room(&room).await?;
    Ok(StatusCode::NO_CONTENT)
}
