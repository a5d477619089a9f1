//! `/v1/rooms/{room}/participants`

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use proto::api::{Participant, ParticipantList};

use super::caller::Caller;
use super::request::{Page, ParticipantPath, RoomPath, check_if_match};
use super::{Api, Failure, Problems, answer, to_json};

/// List participants.
///
/// Everyone in the room in the order of their identities, hidden participants included.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/participants", tag = "participants", operation_id = "list_participants",
    params(("room" = String, Path, description = "The room's name"), Page),
    security(("token" = ["roomAdmin"]), ("token" = ["roomCreate"])),
    responses((status = 200, description = "A page of participants", body = ParticipantList), Problems)
)]
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    RoomPath(room): RoomPath,
    page: Page,
) -> Result<Json<ParticipantList>, Failure> {
    caller.require_read(&room)?;
    let everyone = api.node.participants(&room).await?;
    let (participants, next_cursor) =
        page.cut(everyone, |participant| participant.identity.as_str())?;
    Ok(Json(ParticipantList {
        participants,
        next_cursor,
    }))
}

/// Read a participant.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/participants/{identity}", tag = "participants", operation_id = "get_participant",
    params(
        ("room" = String, Path, description = "The room's name"),
        ("identity" = String, Path, description = "The participant's identity"),
    ),
    security(("token" = ["roomAdmin"]), ("token" = ["roomCreate"])),
    responses((status = 200, description = "The participant", body = Participant, headers(("ETag" = String))), Problems)
)]
pub(super) async fn get(
    State(api): State<Api>,
    caller: Caller,
    ParticipantPath(room, identity): ParticipantPath,
) -> Result<Response, Failure> {
    caller.require_read(&room)?;
    answer(
        StatusCode::OK,
        &api.node.participant(&room, &identity).await?,
    )
}

/// Remove a participant.
///
/// The participant is told, and is disconnected. A token that is still valid lets them join again.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/participants/{identity}", tag = "participants",
    operation_id = "remove_participant",
    params(
        ("room" = String, Path, description = "The room's name"),
        ("identity" = String, Path, description = "The participant's identity"),
        ("If-Match" = Option<String>, Header, description = "Removes the participant only if this is still the ETag"),
    ),
    security(("token" = ["roomAdmin"])),
    responses((status = 204, description = "The participant has been removed"), Problems)
)]
pub(super) async fn remove(
    State(api): State<Api>,
    caller: Caller,
    ParticipantPath(room, identity): ParticipantPath,
    headers: HeaderMap,
) -> Result<StatusCode, Failure> {
    caller.require_admin(&room)?;
    check_if_match(
        &headers,
        &to_json(&api.node.participant(&room, &identity).await?)?,
    )?;
    api.node.remove_participant(&room, &identity).await?;
    Ok(StatusCode::NO_CONTENT)
}
